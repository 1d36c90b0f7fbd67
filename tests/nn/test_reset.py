"""After reset_parameters a network is as new: the same as one that is built under the same seed."""

import copy

import dgl
import pytest
import torch
from dgl import DGLError

from dgl_memgnn import GMN, EdgeGATConv, MemGNN, MemoryPooling, MemoryReadout
from dgl_memgnn.models.gin import GIN
from dgl_memgnn.nn import ConvQuery, DescriptorNorm, TopologyQuery
from dgl_memgnn.nn.norm import BatchNorm


def sage(in_feats, out_feats):
    return dgl.nn.SAGEConv(in_feats, out_feats, "mean")


def attention():
    return dgl.nn.GlobalAttentionPooling(torch.nn.Linear(8, 1))


NETWORKS = {
    "MemoryReadout": lambda: MemoryReadout(5, 8, batch_norm=True),
    "TopologyQuery": lambda: TopologyQuery(5, 6, 8),
    "ConvQuery": lambda: ConvQuery(5, 3, 8, 2),
    "ConvQuery, gru": lambda: ConvQuery(5, 3, 8, 2, update="gru"),
    "ConvQuery, no edge features": lambda: ConvQuery(5, 0, 8, 2),
    "ConvQuery, another convolution": lambda: ConvQuery(
        5, 0, 8, 2, conv=lambda i, o: dgl.nn.SAGEConv(i, o, "mean")
    ),
    "GMN": lambda: GMN(5, 6, 8, 2),
    "MemGNN": lambda: MemGNN(5, 3, 8, 2, 2, descriptor_feats=4),
    "MemGNN, gru": lambda: MemGNN(5, 3, 8, 2, 2, update="gru", edge_message=True),
    "GIN": lambda: GIN(5, 8, 2, 2, feat_norm=True),
}
LAYERS = {
    "MemGNN, another readout": lambda: MemGNN(
        5, 3, 8, 2, 2, readout=dgl.nn.GlobalAttentionPooling(torch.nn.Linear(8, 1))
    ),
    "MemoryPooling": lambda: MemoryPooling(5, 8, 3, 2, activation=torch.nn.LayerNorm(8)),
    "MemoryPooling, norm": lambda: MemoryPooling(5, 8, 3, 2, activation=torch.nn.Sequential(BatchNorm(8))),
    "EdgeGATConv": lambda: EdgeGATConv(5, 3, 8, 2, residual=True, activation=torch.nn.LayerNorm(8)),
    "EdgeGATConv, pair": lambda: EdgeGATConv((5, 6), 3, 8, 2),
    "DescriptorNorm": lambda: DescriptorNorm(4),
}


def disturbed(network):
    """With every parameter and buffer changed, as by training."""
    with torch.no_grad():
        for value in network.state_dict().values():
            value.add_(1)
    return network


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_equal_new_ones(name):
    network = disturbed(NETWORKS[name]())
    torch.manual_seed(1)
    network.reset_parameters()
    torch.manual_seed(1)
    new = NETWORKS[name]().state_dict()
    assert network.state_dict().keys() == new.keys()
    for key, value in network.state_dict().items():
        assert torch.equal(value, new[key]), key


@pytest.mark.parametrize("name", [*NETWORKS, *LAYERS])
def test_nothing_is_left(name):
    network = disturbed({**NETWORKS, **LAYERS}[name]())
    before = copy.deepcopy(network.state_dict())
    network.reset_parameters()
    for key, value in network.state_dict().items():
        assert (value != before[key]).all(), key


def test_parameters_that_nobody_can_reset():
    class Scale(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.ones(1))

    with pytest.raises(DGLError, match="Scale cannot be reset: it has parameters but no reset_parameters"):
        MemGNN(5, 3, 8, 2, 2, readout=Scale()).reset_parameters()


def test_each_layer_has_an_activation_of_its_own():
    first, second = MemoryPooling(4, 4, 2), MemoryPooling(4, 4, 1)
    assert first.activation is not second.activation
    assert isinstance(first.activation, torch.nn.LeakyReLU) and first.activation.negative_slope == 0.2
    assert MemoryPooling(4, 4, 2, activation=None).activation is None
    shared = torch.nn.PReLU()
    assert MemoryPooling(4, 4, 2, activation=shared).activation is shared
