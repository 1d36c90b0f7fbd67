"""Random assignments: what they are in training and in evaluation, and that they look at nothing."""

import dgl
import pytest
import torch

from dgl_memgnn import MemoryPooling
from dgl_memgnn.models.random_memory import RandomMemoryReadout, RandomPooling


@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_values_are_read_as_by_a_memory_layer(dtype, mean):
    graph = dgl.batch([dgl.rand_graph(5, 8), dgl.rand_graph(0, 0), dgl.rand_graph(9, 20)])
    feat = torch.randn(14, 6).to(dtype)
    pool = RandomPooling(6, 3, num_keys=4, activation=None, mean=mean).to(dtype)
    out, assignment = pool(graph, feat, get_assignment=True)
    assert assignment.dtype == torch.promote_types(dtype, torch.float32)
    torch.testing.assert_close(assignment.sum(dim=1), torch.ones(14, dtype=assignment.dtype))

    def projected(c, q):
        value = c.t().double() @ q.double()
        return pool.fc((value / max(len(q), 1) if mean else value).to(dtype))

    expected = [projected(c, q) for c, q in zip(assignment.split([5, 0, 9]), feat.split([5, 0, 9]))]
    torch.testing.assert_close(out, torch.stack(expected))
    stacked, assignment = pool(None, feat.view(2, 7, 6), get_assignment=True)
    torch.testing.assert_close(stacked[1], projected(assignment[1], feat[7:]))


def test_each_pass_draws_anew_and_evaluation_draws_nothing():
    graph, feat = dgl.rand_graph(400, 8), torch.randn(400, 6)
    pool = RandomPooling(6, 3, num_keys=4)
    first, second = (pool(graph, feat, get_assignment=True)[1] for _ in range(2))
    assert not torch.equal(first, second)
    assert ((first.mean(dim=0) - 0.25).abs() < 0.05).all() and first.std() > 0.1
    pool.eval()
    assert torch.equal(pool(graph, feat, get_assignment=True)[1], torch.full((400, 4), 0.25))


def test_a_readout_is_of_such_layers_and_has_the_weights_of_the_papers():
    readout = RandomMemoryReadout(6, 6, (4, 1), batch_norm=True)
    assert all(type(layer) is RandomPooling and isinstance(layer, MemoryPooling) for layer in readout.layers)
    graph = dgl.batch([dgl.rand_graph(5, 8), dgl.rand_graph(9, 20)])
    row, (first, second) = readout(graph, torch.randn(14, 6), get_assignments=True)
    assert row.shape == (2, 6) and first.shape == (14, 4) and second.shape == (2, 4, 1)


def test_what_is_never_looked_at_is_not_trained():
    """Processes that share a training would wait for its gradient."""
    readout = RandomMemoryReadout(16, 16, (4, 1), batch_norm=True)
    readout(dgl.batch([dgl.rand_graph(4, 9), dgl.rand_graph(5, 9)]), torch.randn(9, 16)).sum().backward()
    assert all((p.grad is not None) == p.requires_grad for p in readout.parameters())
