"""Inputs that do not fit are refused by an error that names who takes what, and what was given."""

import dgl
import numpy as np
import pytest
import torch
from dgl import DGLError

from dgl_memgnn import GMN, EdgeGATConv, MemGNN, MemoryPooling, MemoryReadout, clustering_loss, coarsen
from dgl_memgnn.nn import ConvQuery, TopologyQuery

RING = dgl.graph(([0, 1, 2, 3], [1, 2, 3, 0]))  # four nodes, four edges
TRIANGLE = dgl.graph(([0, 1, 2], [1, 2, 0]))
BIPARTITE = dgl.heterograph({("a", "to", "b"): ([0, 1, 2], [0, 1, 1])})
TWO_NODE_TYPES = dgl.heterograph({("a", "r", "a"): ([0, 1], [1, 0]), ("b", "s", "b"): ([0, 1], [1, 0])})
TWO_EDGE_TYPES = dgl.heterograph({("a", "r", "a"): ([0, 1, 2, 3], [1, 2, 3, 0]), ("a", "s", "a"): ([0], [3])})

WITH_EDGES = {
    "EdgeGATConv": lambda: EdgeGATConv(5, 3, 2, 2),
    "ConvQuery": lambda: ConvQuery(5, 3, 4, 1),
    "MemGNN": lambda: MemGNN(5, 3, 4, 2, 1),
}
WITHOUT_EDGES = {"ConvQuery": lambda: ConvQuery(5, 0, 4, 1), "MemGNN": lambda: MemGNN(5, 0, 4, 2, 1)}
ONLY_NODES = {"MemoryPooling": lambda: MemoryPooling(5, 2, 3), "MemoryReadout": lambda: MemoryReadout(5, 2)}
MAY_BE_ZERO = ("edge_feats", "num_layers")
BAD_FEATS = [
    torch.randn(3, 5),
    torch.randn(4, 4),
    torch.randn(4, 1, 5),
    torch.randn(20),
    torch.tensor(1.0),
    None,
    np.zeros((4, 5)),
    [torch.randn(4, 5)],
]


@pytest.mark.parametrize("edge_feat", [torch.randn(3, 3), torch.randn(4, 2), torch.randn(4), None, 1.0])
@pytest.mark.parametrize("name", WITH_EDGES)
def test_edge_features(name, edge_feat):
    with pytest.raises(DGLError, match=rf"^{name} takes edge_feat of shape \(4, 3\), a row for each edge; got"):
        WITH_EDGES[name]()(RING, torch.randn(4, 5), edge_feat)


@pytest.mark.parametrize("name", WITH_EDGES)
def test_weights_of_edges_that_happen_to_be_as_many_as_features(name):
    with pytest.raises(DGLError, match=rf"^{name} takes edge_feat of shape \(3, 3\).* got shape \(3,\)"):
        WITH_EDGES[name]()(TRIANGLE, torch.randn(3, 5), torch.rand(3))


@pytest.mark.parametrize("name", WITHOUT_EDGES)
def test_edge_features_are_not_ignored(name):
    network = WITHOUT_EDGES[name]().eval()
    assert network(RING, torch.randn(4, 5), None).isfinite().all()
    with pytest.raises(DGLError, match=f"^{name} was built with edge_feats=0"):
        network(RING, torch.randn(4, 5), torch.randn(4, 3))


@pytest.mark.parametrize("feat", BAD_FEATS)
@pytest.mark.parametrize("name", [*WITH_EDGES, *ONLY_NODES, "GMN"])
def test_node_features(name, feat):
    network = {**WITH_EDGES, **ONLY_NODES, "GMN": lambda: GMN(5, 3, 4, 2)}[name]()
    rest = () if name in ONLY_NODES else (torch.randn(4, 3),)
    with pytest.raises(DGLError, match=rf"^{name} takes feat of shape \(4, 5\), a row for each node; got"):
        network(RING, feat, *rest)


@pytest.mark.parametrize("name", [*WITH_EDGES, *ONLY_NODES, "GMN"])
def test_features_that_are_no_floats(name):
    network = {**WITH_EDGES, **ONLY_NODES, "GMN": lambda: GMN(5, 3, 4, 2)}[name]()
    rest = () if name in ONLY_NODES else (torch.randn(4, 3),)
    with pytest.raises(DGLError, match=f"^{name} takes feat in floating point, got torch.int64"):
        network(RING, torch.ones(4, 5, dtype=torch.long), *rest)


def test_topology():
    feat = torch.randn(4, 5)
    for topology in (torch.rand(3, 3), torch.rand(4, 2), None):
        with pytest.raises(DGLError, match=r"^GMN takes topology of shape \(4, 3\), a row for each node; got"):
            GMN(5, 3, 4, 2)(RING, feat, topology)
        with pytest.raises(DGLError, match=r"^TopologyQuery takes topology of shape \(4, 3\), a row"):
            TopologyQuery(5, 3, 4)(feat, topology)
    with pytest.raises(DGLError, match=r"^TopologyQuery takes feat of shape \(N, 5\); got shape \(4, 4\)"):
        TopologyQuery(5, 3, 4)(feat[:, 1:], torch.rand(4, 3))


@pytest.mark.parametrize(
    "feat, problem",
    [
        (torch.randn(3, 5), "as a pair"),
        ((torch.randn(3, 5),), "as a pair"),
        ((torch.randn(2, 5), torch.randn(2, 6)), r"\(3, 5\), a row for each source node; got shape \(2, 5\)"),
        ((torch.randn(3, 5), torch.randn(3, 6)), r"\(2, 6\), a row for each destination node; got shape \(3, 6\)"),
        ((torch.randn(3, 5), None), r"\(2, 6\), a row for each destination node; got None"),
    ],
)
def test_pairs(feat, problem):
    conv = EdgeGATConv((5, 6), 3, 2, 2)
    assert conv(BIPARTITE, (torch.randn(3, 5), torch.randn(2, 6)), torch.randn(3, 3)).shape == (2, 2, 2)
    with pytest.raises(DGLError, match=f"^EdgeGATConv takes feat .*{problem}"):
        conv(BIPARTITE, feat, torch.randn(3, 3))


def test_one_tensor_does_not_stand_for_both_sides_of_a_bipartite_graph():
    with pytest.raises(DGLError, match="^EdgeGATConv takes feat as a pair"):
        EdgeGATConv(5, 3, 2, 2)(BIPARTITE, torch.randn(3, 5), torch.randn(3, 3))


def test_blocks():
    block = dgl.to_block(dgl.in_subgraph(RING, [0, 1]), [0, 1])
    conv = EdgeGATConv(5, 3, 2, 2)
    feat, edge_feat = torch.randn(block.num_src_nodes(), 5), torch.randn(2, 3)
    assert conv(block, feat, edge_feat).shape == (2, 2, 2)
    assert conv(block, (feat, feat[:2]), edge_feat).shape == (2, 2, 2)
    with pytest.raises(DGLError, match=r"^EdgeGATConv takes feat of shape \(3, 5\)"):
        conv(block, feat[:2], edge_feat)


@pytest.mark.parametrize("name", [*WITH_EDGES, *ONLY_NODES, "GMN"])
@pytest.mark.parametrize("graph", [TWO_NODE_TYPES, TWO_EDGE_TYPES, torch.randn(4, 5)])
def test_graphs(name, graph):
    if graph is TWO_EDGE_TYPES and name in (*ONLY_NODES, "GMN"):
        pytest.skip("takes any edges")
    network = {**WITH_EDGES, **ONLY_NODES, "GMN": lambda: GMN(5, 3, 4, 2)}[name]()
    rest = () if name in ONLY_NODES else (torch.randn(4, 3),)
    with pytest.raises(DGLError, match=f"^{name} takes a (graph of one (node|edge) type|DGLGraph)"):
        network(graph, torch.randn(4, 5), *rest)


@pytest.mark.parametrize("function", [coarsen, clustering_loss])
def test_assignments(function):
    name = function.__name__
    for assignment in (torch.rand(3, 2), torch.rand(4), torch.rand(1, 4, 2), None):
        with pytest.raises(DGLError, match=rf"^{name} takes assignment of shape \(4, K\), a row .*; got"):
            function(RING, assignment)
    with pytest.raises(DGLError, match=f"^{name} takes a graph of one (node|edge) type"):
        function(TWO_NODE_TYPES, torch.rand(4, 2))
    with pytest.raises(DGLError, match=r"^clustering_loss takes assignment of shape \(B, M, K\); got"):
        clustering_loss(None, torch.rand(4, 2))


def test_coarsen_on_several_edge_types():
    with pytest.raises(DGLError, match="^coarsen takes a graph of one edge type, got .*'r'.*'s'.*graph.etype"):
        coarsen(TWO_EDGE_TYPES, torch.rand(4, 2))
    coarsen(TWO_EDGE_TYPES["r"], torch.rand(4, 2))


@pytest.mark.parametrize("num_keys", [1, None, (), "32", (8, 2), (2.0, 1), (0, 1), [4, -1]])
@pytest.mark.parametrize(
    "build",
    [
        lambda keys: MemoryReadout(5, 2, num_keys=keys),
        lambda keys: GMN(5, 3, 4, 2, num_keys=keys),
        lambda keys: MemGNN(5, 3, 4, 2, 1, num_keys=keys),
    ],
)
def test_num_keys(build, num_keys):
    with pytest.raises(ValueError, match="^MemoryReadout takes num_keys as a sequence .* got"):
        build(num_keys)


@pytest.mark.parametrize("value", [0, -1, 2.5, None, "4"])
@pytest.mark.parametrize(
    "kind, sizes, zero",
    [
        (EdgeGATConv, {"in_feats": 5, "edge_feats": 3, "out_feats": 2, "num_heads": 2}, ()),
        (
            ConvQuery,
            {"in_feats": 5, "edge_feats": 3, "hidden_feats": 4, "num_layers": 1},
            ("edge_feats", "num_layers"),
        ),
        (TopologyQuery, {"in_feats": 5, "topology_feats": 3, "hidden_feats": 4}, ()),
        (GMN, {"in_feats": 5, "topology_feats": 3, "hidden_feats": 4, "out_feats": 2}, ()),
        (MemoryPooling, {"in_feats": 5, "out_feats": 3, "num_keys": 4, "num_heads": 2}, ()),
    ],
)
def test_sizes(kind, sizes, zero, value):
    for name in sizes:
        if value == 0 and name in zero:
            kind(**{**sizes, name: 0})
            continue
        with pytest.raises(ValueError, match=rf"^{kind.__name__} takes .* {name}, got {value!r}\.$"):
            kind(**{**sizes, name: value})
