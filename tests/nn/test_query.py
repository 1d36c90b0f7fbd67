"""The query networks of GMN and MemGNN."""

import functools

import dgl
import pytest
import torch
from torch.nn.functional import leaky_relu

from dgl_memgnn.nn import ConvQuery, TopologyQuery


def test_equation_6():
    query = TopologyQuery(in_feats=3, topology_feats=8, hidden_feats=5).eval()
    feat, topology = torch.randn(10, 3), torch.rand(10, 8)
    embedded = leaky_relu(topology @ query.topology_fc.weight.T + query.topology_fc.bias, 0.2)
    normalised = feat / (1 + query.feat_norm.eps) ** 0.5  # statistics 0 and 1 before any training
    fused = torch.cat([embedded, normalised], 1) @ query.fusion_fc.weight.T + query.fusion_fc.bias
    torch.testing.assert_close(query(feat, topology), leaky_relu(fused, 0.2))


@pytest.mark.parametrize(
    "conv, edge_feats",
    [
        (None, 4),
        (None, 0),
        (dgl.nn.GraphConv, 0),
        (functools.partial(dgl.nn.SAGEConv, aggregator_type="mean"), 0),
        (lambda i, o: dgl.nn.GATv2Conv(i, o // 2, num_heads=2), 0),
        (lambda i, o: dgl.nn.GINEConv(torch.nn.Linear(i, o)), 16),
        (lambda i, o: dgl.nn.NNConv(i, o, torch.nn.Linear(4, i * o)), 4),
    ],
)
def test_any_dgl_convolution(conv, edge_feats):
    query = ConvQuery(6, edge_feats, 16, num_layers=2, conv=conv)
    graph = dgl.add_self_loop(dgl.rand_graph(7, 12))
    edge_feat = torch.randn(graph.num_edges(), edge_feats) if edge_feats else None
    out = query(graph, torch.randn(7, 6), edge_feat)
    assert out.shape == (7, 16)
    out.sum().backward()
    assert all(p.grad is not None for p in query.convs.parameters())


def test_skip_connections():
    """Without the convolutions' share, a layer is the identity."""
    query = ConvQuery(6, 4, 16, num_layers=3).eval()
    for update in query.updates:
        torch.nn.init.zeros_(update.norm.weight)
    graph, feat = dgl.rand_graph(7, 12), torch.randn(7, 6)
    torch.testing.assert_close(query(graph, feat, torch.randn(12, 4)), query.embedding(feat))


def test_features_are_normalised_first():
    query = ConvQuery(6, 4, 16, num_layers=2, feat_norm=True)
    plain = ConvQuery(6, 4, 16, num_layers=2)
    plain.load_state_dict({name: value for name, value in query.state_dict().items() if "feat_norm" not in name})
    graph, feat, edge_feat = dgl.rand_graph(7, 12), torch.randn(7, 6), torch.randn(12, 4)
    normalised = (feat - feat.mean(0)) / (feat.var(0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(query(graph, feat, edge_feat), plain(graph, normalised, edge_feat))


def test_a_gated_layer_is_a_recurrent_unit_that_reads_the_convolution():
    query = ConvQuery(6, 4, 16, num_layers=1, update="gru", edge_message=True)
    torch.nn.init.normal_(query.convs[0].bias)
    recurrent = torch.nn.GRU(16, 16)
    recurrent.load_state_dict({f"{name}_l0": value for name, value in query.updates[0].cell.state_dict().items()})
    reference = dgl.nn.EdgeGATConv(16, 4, 4, 4, residual=False, bias=True, allow_zero_in_degree=True)
    reference.load_state_dict(query.convs[0].state_dict())
    graph, feat, edge_feat = dgl.rand_graph(7, 12), torch.randn(7, 6), torch.randn(12, 4)
    state = query.embedding(feat)
    message = torch.nn.functional.elu(reference(graph, state, edge_feat).flatten(1))
    expected, _ = recurrent(message.unsqueeze(0), state.unsqueeze(0))
    torch.testing.assert_close(query(graph, feat, edge_feat), expected.squeeze(0))


def test_an_update_that_is_none():
    with pytest.raises(ValueError, match="Unknown update 'sum': choose one of skip, gru"):
        ConvQuery(6, 4, 16, num_layers=1, update="sum")


def test_heads_must_fit():
    with pytest.raises(ValueError, match="multiple of the 4 attention heads, got 18"):
        ConvQuery(6, 4, 18, num_layers=1)


@pytest.mark.parametrize("update", ["skip", "gru"])
def test_dropout_is_for_training(update):
    query = ConvQuery(6, 4, 16, num_layers=1, feat_drop=0.5, update=update)
    inputs = dgl.rand_graph(7, 12), torch.randn(7, 6), torch.randn(12, 4)
    assert not torch.allclose(query(*inputs), query(*inputs))
    query.eval()
    assert torch.equal(query(*inputs), query(*inputs))
