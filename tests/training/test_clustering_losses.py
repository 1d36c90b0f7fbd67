"""Clustering losses of networks that do not return their assignments."""

import dgl
import pytest
import torch
from dgllife.model import MPNNPredictor
from graphs import random_graph
from torch import nn

from dgl_memgnn import MemGNN, MemoryPooling, MemoryReadout, clustering_loss, coarsen
from dgl_memgnn.training import AlternatingSchedule, clustering_losses, memory_clustering_loss


@pytest.fixture
def batches():
    graphs = [dgl.batch([random_graph(n) for n in sizes]) for sizes in ((5, 9, 4), (7, 3))]
    return [(g, torch.randn(g.num_nodes(), 6), torch.randn(g.num_edges(), 3)) for g in graphs]


def test_they_are_those_of_the_returned_assignments(batches):
    model = MemGNN(6, 3, 8, 2, num_layers=1, num_keys=(4, 3, 1)).eval()
    losses = torch.stack(list(clustering_losses(model, batches, 5)))
    expected = [
        memory_clustering_loss(batch[0], model(*batch, get_assignments=True)[1]) * batch[0].batch_size / 5
        for batch in batches
    ]
    torch.testing.assert_close(losses, torch.stack(expected))


def test_the_network_is_as_before(batches):
    model = MemGNN(6, 3, 8, 2, num_layers=1, num_keys=(4, 1)).eval()
    before = model(*batches[0])
    list(clustering_losses(model, batches, 5))
    assert torch.equal(model(*batches[0]), before)
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.modules())


def test_a_predictor_of_dgllife_and_its_keys(batches):
    model = MPNNPredictor(6, 3, node_out_feats=8, edge_hidden_feats=4, num_step_message_passing=1)
    model.readout = MemoryReadout(8, 16, num_keys=(4, 1))
    schedule = AlternatingSchedule(model, period=2)
    assert [schedule.clusters_after(epoch) for epoch in (1, 2, 3, 4)] == [False, True, False, True]
    keys = model.readout.layers[0].keys.detach().clone()
    schedule.supervised_step(model(*batches[0]).square().mean())
    assert torch.equal(model.readout.layers[0].keys, keys)
    schedule.clustering_step(clustering_losses(model, batches, 5))
    assert not torch.equal(model.readout.layers[0].keys, keys)


class Direct(nn.Module):
    """Memory layers called with and without asking for the assignment."""

    def __init__(self, ask):
        super().__init__()
        self.first, self.second, self.ask = MemoryPooling(6, 8, 4), MemoryPooling(8, 8, 2), ask

    def forward(self, graph, feat, edge_feat):
        if self.ask == "positional":
            pooled, assignment = self.first(graph, feat, True)
        elif self.ask == "keyword":
            pooled, assignment = self.first(graph, feat=feat, get_assignment=True)
        else:
            pooled, assignment = self.first(graph, feat), torch.ones(len(feat), 4) / 4
        coarse = coarsen(graph, assignment)
        return self.second(coarse, pooled.flatten(0, 1))


@pytest.mark.parametrize("ask", ["positional", "keyword", "not"])
def test_layers_however_they_are_called(ask, batches):
    model, batch = Direct(ask), batches[0]
    (loss,) = clustering_losses(model, [batch], 3)
    pooled, first = model.first(batch[0], batch[1], get_assignment=True)
    coarse = coarsen(batch[0], first)
    _, second = model.second(coarse, pooled.flatten(0, 1), get_assignment=True)
    torch.testing.assert_close(loss, clustering_loss(batch[0], first) + clustering_loss(coarse, second))
