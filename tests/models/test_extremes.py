"""Features of extreme scales stay finite in float32, forward and backward."""

import copy

import dgl
import pytest
import torch
from graphs import random_graph

from dgl_memgnn import GMN, MemGNN, MemoryPooling
from dgl_memgnn.training import memory_clustering_loss


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("tau", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("scale", [1e-6, 1e6, "mixed"])
@pytest.mark.parametrize("name", ["GMN", "MemGNN"])
def test_networks(name, scale, tau, training):
    graph = dgl.batch([random_graph(n) for n in (3, 7, 1, 12)])
    scale = torch.tensor([1e-6, 1.0, 1e6, 1.0, 1e-6]) if scale == "mixed" else scale
    feat = (torch.randn(graph.num_nodes(), 5) * scale).requires_grad_()
    if name == "GMN":
        model, other = GMN(5, 8, 16, 3, num_keys=(6, 4, 1), tau=tau), torch.rand(graph.num_nodes(), 8)
    else:
        model, other = MemGNN(5, 8, 16, 3, 2, num_keys=(6, 4, 1), tau=tau), torch.randn(graph.num_edges(), 8) * 1e6
    out, assignments = model.train(training)(graph, feat, other, get_assignments=True)
    (out.tanh().sum() + memory_clustering_loss(graph, assignments)).backward()
    assert out.isfinite().all() and feat.grad.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    for assignment in assignments:
        torch.testing.assert_close(assignment.sum(-1), torch.ones(assignment.shape[:-1]))


@pytest.mark.parametrize("log_scores", [False, True])
@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("scale", [1e17, 1e20, 1e30])
def test_squares_that_overflow(scale, tau, log_scores):
    """A distance whose square is no float32 is as float64 has it, or as far as can be."""
    torch.manual_seed(0)
    pool = MemoryPooling(3, 4, 5, num_heads=2, tau=tau, log_scores=log_scores, activation=None)
    graph, feat = random_graph(6), (torch.randn(6, 3) * scale).requires_grad_()
    out, assignment = pool(graph, feat, get_assignment=True)
    assignment[:, 0].sum().backward()
    assert out.isfinite().all() and feat.grad.isfinite().all() and pool.keys.grad.isfinite().all()
    exact = copy.deepcopy(pool).double()(graph, feat.detach().double(), get_assignment=True)[1]
    torch.testing.assert_close(assignment.double(), exact, rtol=1e-4, atol=1e-5)
