"""Features of extreme scales stay finite in float32, forward and backward."""

import dgl
import pytest
import torch
from graphs import random_graph

from dgl_memgnn import GMN, MemGNN
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
