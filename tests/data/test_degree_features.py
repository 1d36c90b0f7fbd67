"""Features made of degrees, compared with networkx."""

import math

import dgl
import networkx
import numpy as np
import pytest
import torch

from dgl_memgnn.data import DEGREE_FEATURES, TUDataset, degree_features


@pytest.fixture
def graph():
    """A star of 14 nodes beside a dense random graph and an isolated node."""
    dense = networkx.gnp_random_graph(20, 0.4, seed=0)
    return networkx.disjoint_union_all([networkx.star_graph(13), dense, networkx.empty_graph(1)])


def features(graph, name):
    src, dst = np.array([*graph.edges, *((b, a) for a, b in graph.edges)]).T
    return DEGREE_FEATURES[name](src, dst, graph.number_of_nodes())


def test_columns(graph, monkeypatch):
    monkeypatch.setattr(degree_features, "_BLOCK", 7)
    degree = np.array([d for _, d in graph.degree])
    assert all(features(graph, name).dtype == np.float32 for name in DEGREE_FEATURES)
    np.testing.assert_allclose(features(graph, "log")[:, 0], np.log(1 + degree), rtol=1e-6)
    np.testing.assert_allclose(features(graph, "inverse")[:, 0], 1 / (1 + degree), rtol=1e-6)
    onehot = features(graph, "onehot")
    assert onehot.shape == (35, 12) and (onehot.sum(axis=1) == 1).all()
    assert onehot.argmax(axis=1).tolist() == [min(d, 11) for d in degree]
    clustering = [networkx.clustering(graph, node) for node in graph]
    np.testing.assert_allclose(features(graph, "clustering")[:, 0], clustering, rtol=1e-6)
    around = [np.log(1 + degree[list(graph[node])]) if graph[node] else np.zeros(1) for node in graph]
    profile = [[each.min(), each.max(), each.mean(), each.std()] for each in around]
    np.testing.assert_allclose(features(graph, "neighbours"), profile, rtol=0, atol=6e-5)


def test_a_set_without_features_takes_them_and_tells_them_apart(tmp_path):
    folder = tmp_path / "tu" / "TWO"
    folder.mkdir(parents=True)
    for name, lines in {"A": ["1, 2", "2, 1"], "graph_indicator": "112", "graph_labels": "01"}.items():
        (folder / f"TWO_{name}.txt").write_text("\n".join(lines))
    plain = TUDataset("TWO", tmp_path)
    both = TUDataset("TWO", tmp_path, degree_features=["inverse", "log"])
    assert (plain.node_feats, both.node_feats) == (1, 2) and plain.digest != both.digest
    torch.testing.assert_close(plain.graphs[0].ndata["feat"], torch.log(torch.tensor([[2.0], [2.0]])))
    expected = torch.tensor([[0.5, np.log(2)]] * 2 + [[1.0, 0.0]], dtype=torch.float32)
    torch.testing.assert_close(dgl.batch(both.graphs).ndata["feat"], expected)


def test_logarithms_are_the_same_on_every_processor():
    degree = np.arange(3000)
    dst = np.repeat(degree, degree)
    columns = DEGREE_FEATURES["log"](np.zeros_like(dst), dst, len(degree))
    assert columns[:, 0].tolist() == [np.float32(math.log1p(value)) for value in degree]
