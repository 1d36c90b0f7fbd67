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


@pytest.mark.parametrize("conv, edge_feats", [
    (None, 4),
    (None, 0),
    (dgl.nn.GraphConv, 0),
    (functools.partial(dgl.nn.SAGEConv, aggregator_type="mean"), 0),
    (lambda i, o: dgl.nn.GATv2Conv(i, o // 2, num_heads=2), 0),
    (lambda i, o: dgl.nn.GINEConv(torch.nn.Linear(i, o)), 16),
    (lambda i, o: dgl.nn.NNConv(i, o, torch.nn.Linear(4, i * o)), 4),
])
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
    for norm in query.norms:
        torch.nn.init.zeros_(norm.weight)
    graph, feat = dgl.rand_graph(7, 12), torch.randn(7, 6)
    torch.testing.assert_close(query(graph, feat, torch.randn(12, 4)), query.embedding(feat))


def test_heads_must_fit():
    with pytest.raises(ValueError, match="multiple of the 4 attention heads, got 18"):
        ConvQuery(6, 4, 18, num_layers=1)
