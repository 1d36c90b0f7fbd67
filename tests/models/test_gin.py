"""GIN against its equations, written as loops over nodes and neighbours."""

import dgl
import pytest
import torch
from graphs import random_graph

from dgl_memgnn.models.gin import GIN


@pytest.fixture
def trained():
    """A network whose statistics and eps are not those it was made with."""
    model = GIN(3, 8, 2, num_layers=3).double()
    for _ in range(3):
        graph = dgl.batch([random_graph(n) for n in (4, 7)])
        model(graph, torch.randn(11, 3).double())
    for conv in model.convs:
        conv.eps.data.uniform_(-0.5, 0.5)
    return model.eval()


def test_equations(trained):
    graph, feat = random_graph(6), torch.randn(6, 3).double()
    layers = [list(feat)]
    src, dst = (ends.tolist() for ends in graph.edges())
    for conv, norm in zip(trained.convs, trained.norms):
        first, inner, _, second = conv.apply_func
        hidden = []
        for i in range(6):
            total = (1 + conv.eps) * layers[-1][i]
            for j in (u for u, v in zip(src, dst) if v == i):
                total = total + layers[-1][j]
            between = normalised(inner, first.weight @ total + first.bias).clamp_min(0)
            hidden.append(normalised(norm, second.weight @ between + second.bias).clamp_min(0))
        layers.append(hidden)
    expected = sum(head.weight @ sum(layer) + head.bias for head, layer in zip(trained.heads, layers))
    torch.testing.assert_close(trained(graph, feat)[0], expected)


def test_with_features_normalised_their_scale_does_not_matter():
    model = GIN(3, 8, 2, num_layers=3, feat_norm=True).double()
    graph, feat = random_graph(6), torch.randn(6, 3).double()
    torch.testing.assert_close(model(graph, 5000 + 1000 * feat), model(graph, feat), rtol=1e-4, atol=1e-4)


def normalised(norm, row):
    return (row - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias


def test_a_graph_has_one_result_alone_and_in_any_batch(trained):
    graphs = [random_graph(n) for n in (5, 1, 8)]
    feats = [torch.randn(graph.num_nodes(), 3).double() for graph in graphs]
    together = trained(dgl.batch(graphs), torch.cat(feats))
    alone = torch.cat([trained(graph, feat) for graph, feat in zip(graphs, feats)])
    torch.testing.assert_close(together, alone)


def test_every_layer_is_read(trained):
    graph, feat = random_graph(6), torch.randn(6, 3).double()
    for head in trained.heads:
        before = trained(graph, feat)
        head.bias.data += 1
        torch.testing.assert_close(trained(graph, feat), before + 1)
