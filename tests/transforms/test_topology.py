"""Topological embeddings against their dense float64 formulas, and what every embedding has to hold."""

import dgl
import numpy as np
import pytest
import scipy.linalg
import torch
from dgl import DGLError
from hypothesis import given, settings
from hypothesis import strategies as st

from dgl_memgnn.transforms import (
    Adjacency,
    HeatKernel,
    NormalizedAdjacency,
    PersonalizedPageRank,
    RandomWalkWithRestart,
    spectral,
)

ALL = [Adjacency, NormalizedAdjacency, RandomWalkWithRestart, HeatKernel, PersonalizedPageRank]
SPECTRAL = ALL[2:]
PROBABILITIES = [0.0, 0.1, 0.5, 0.9, 0.99]
TIMES = [0.1, 1.0, 10.0]
PARAMETERS = (
    [(Adjacency, {}), (NormalizedAdjacency, {})]
    + [(RandomWalkWithRestart, {"continue_prob": p}) for p in PROBABILITIES]
    + [(PersonalizedPageRank, {"continue_prob": p}) for p in PROBABILITIES]
    + [(HeatKernel, {"time": t}) for t in TIMES]
)


def undirected(source, target, num_nodes, idtype=torch.int64):
    edges = dgl.graph((source, target), num_nodes=num_nodes, idtype=idtype)
    return dgl.to_bidirected(edges)


def random_graph(num_nodes, num_edges, seed=0, idtype=torch.int64):
    """Loops and isolated nodes may occur."""
    generator = torch.Generator().manual_seed(seed)
    ends = torch.randint(max(num_nodes, 1), (2, num_edges), generator=generator)
    return undirected(*ends, num_nodes, idtype)


def star(num_leaves):
    leaves = torch.arange(1, num_leaves + 1)
    return undirected(torch.zeros_like(leaves), leaves, num_leaves + 1)


def ring_with_chords(num_nodes):
    """Degrees of 2 to 4, like the graphs of ENZYMES."""
    node = torch.arange(num_nodes)
    source, target = torch.cat([node, node[::3]]), torch.cat([node + 1, node[::3] + 2])
    return undirected(source, target % num_nodes, num_nodes)


GRAPHS = {
    "random": random_graph(40, 70),
    "sparse": random_graph(40, 15),
    "enzymes": ring_with_chords(35),
    "star": star(300),
    "path": undirected(torch.arange(29), torch.arange(1, 30), 30),
    "long path": undirected(torch.arange(399), torch.arange(1, 400), 400),  # its rows stay sparse
    "caterpillar": undirected(torch.arange(60) // 4, torch.arange(1, 61), 61),  # with leaves at one node
    "pair": undirected([0], [1], 2),
    "loop": dgl.graph(([0], [0])),
    "isolated": dgl.graph(([], []), num_nodes=3),
}


def dense_formula(graph, kind, continue_prob=None, time=None, weight=1):
    adjacency = np.zeros((graph.num_nodes(),) * 2)
    adjacency[tuple(ids.numpy() for ids in graph.edges())] = weight
    degree = adjacency.sum(1)
    root = np.sqrt(np.where(degree > 0, degree, 1))
    normalized, identity = adjacency / root[:, None] / root, np.eye(len(adjacency))
    if kind is Adjacency:
        return adjacency
    if kind is NormalizedAdjacency:
        return normalized
    if kind is HeatKernel:
        return scipy.linalg.expm(-time * (identity - normalized))
    if kind is RandomWalkWithRestart:
        return (1 - continue_prob) * np.linalg.inv(identity - continue_prob * normalized)
    walk = (adjacency + np.diag(degree == 0)) / np.where(degree > 0, degree, 1)[:, None]
    return (1 - continue_prob) * np.linalg.inv(identity - continue_prob * walk)


def descending(rows):
    return -np.sort(-rows, axis=1)


def embed(transform, graph):
    return transform(graph.local_var()).ndata["topology"]


def assert_within(actual, expected, tol=1e-6):
    assert actual.dtype == torch.float32
    assert actual.shape == expected.shape
    rounding = np.finfo(np.float32).eps / 2
    assert np.abs(actual.numpy() - expected).max(initial=0) <= tol + rounding


@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize("kind, parameters", PARAMETERS)
@pytest.mark.parametrize("name", GRAPHS)
def test_dense_formula(name, kind, parameters, sort):
    graph = GRAPHS[name]
    expected = dense_formula(graph, kind, **parameters)
    actual = embed(kind(graph.num_nodes(), sort=sort, **parameters), graph)
    assert_within(actual, descending(expected) if sort else expected)


@pytest.mark.parametrize("tol", [1e-1, 1e-3, 1e-5])
@pytest.mark.parametrize("kind, parameters", PARAMETERS[2:])
def test_error_bound(kind, parameters, tol):
    for graph in GRAPHS.values():
        actual = embed(kind(graph.num_nodes(), sort=False, tol=tol, **parameters), graph)
        assert_within(actual, dense_formula(graph, kind, **parameters), tol)
        assert (actual >= 0).all()


def test_error_bound_of_page_rank_allows_for_degrees():
    """From the handle of this broom, the terms after the fifth add up to 1.5 times their coefficients."""
    broom = undirected([0, 1, 2] + [3] * 8, list(range(1, 12)), 12)
    rho = 0.3 / (1 + np.sqrt(1 - 0.3**2))
    tol = 1.01 * 2 * rho**5 / (1 + rho)
    assert len(spectral.restart_coefficients(0.3, tol)) == 5
    actual = embed(PersonalizedPageRank(12, 0.3, sort=False, tol=tol), broom)
    assert_within(actual, dense_formula(broom, PersonalizedPageRank, 0.3), tol)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("width", [1, 5, 60])
def test_rows_are_cut_or_padded(kind, width):
    graph = GRAPHS["random"]
    for sort in (True, False):
        whole = embed(kind(40, sort=sort), graph)
        expected = torch.nn.functional.pad(whole, (0, max(0, width - 40)))[:, :width]
        assert torch.equal(embed(kind(width, sort=sort), graph), expected)


@pytest.mark.parametrize("kind", ALL)
def test_order_of_nodes(kind):
    graph = GRAPHS["random"]
    order = torch.randperm(40)
    permuted = dgl.reorder_graph(graph, "custom", permute_config={"nodes_perm": order})
    torch.testing.assert_close(embed(kind(12), permuted), embed(kind(12), graph)[order], rtol=0, atol=1e-6)
    unsorted = kind(40, sort=False)
    assert not torch.allclose(embed(unsorted, permuted), embed(unsorted, graph)[order], atol=1e-3)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize("sizes", [[0], [0, 3], [3, 0, 5], [9, 0], [0, 0], [7, 30, 1, 8, 0, 30, 2, 16, 15]])
def test_batch_equals_alone(kind, sort, sizes):
    graphs = [random_graph(size, 2 * size, seed) for seed, size in enumerate(sizes)]
    transform = kind(10, sort=sort)
    alone = torch.cat([embed(transform, graph) for graph in graphs])
    assert torch.equal(embed(transform, dgl.batch(graphs)), alone)


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 20), min_size=1, max_size=8),
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(SPECTRAL),
    sort=st.booleans(),
    width=st.integers(1, 25),
    entries=st.sampled_from([1, 50, 300, 2**19]),
    share=st.sampled_from([0, 0.08, 0.3, 1]),
    sparse_entries=st.sampled_from([1, 30, 2**20]),
)
def test_any_batch_in_any_blocks(sizes, seed, kind, sort, width, entries, share, sparse_entries):
    graphs = [random_graph(size, size, seed + place) for place, size in enumerate(sizes)]
    expected = np.zeros((sum(sizes), max(width, *sizes, 0)))
    default = {"time": 1.0} if kind is HeatKernel else {"continue_prob": kind(1).continue_prob}
    start = 0
    for graph in graphs:
        stop = start + graph.num_nodes()
        rows = dense_formula(graph, kind, **default)
        expected[start:stop, : graph.num_nodes()] = descending(rows) if sort else rows
        start = stop
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spectral, "BLOCK_ENTRIES", entries)
        patch.setattr(spectral, "SPARSE_SHARE", share)
        patch.setattr(spectral, "SPARSE_ENTRIES", sparse_entries)
        assert_within(embed(kind(width, sort=sort), dgl.batch(graphs)), expected[:, :width])


@pytest.mark.parametrize("kind", SPECTRAL)
@pytest.mark.parametrize("sort", [True, False])
def test_column_blocks_give_the_same(kind, sort, monkeypatch):
    graph = dgl.batch([GRAPHS["random"], GRAPHS["star"]])
    whole = embed(kind(20, sort=sort), graph)
    monkeypatch.setattr(spectral, "BLOCK_ENTRIES", 900)
    torch.testing.assert_close(embed(kind(20, sort=sort), graph), whole, rtol=0, atol=1e-7)


@pytest.mark.parametrize("share, dense", [(0, True), (1, False)])
def test_sparse_and_dense_blocks_give_the_same(share, dense, monkeypatch):
    """To the bit: where a block turns dense depends on the other graphs of the batch."""
    graph = GRAPHS["random"]
    usual = [embed(kind(20, sort=sort), graph) for kind in SPECTRAL for sort in (True, False)]
    calls = []
    original = spectral._dense_columns
    monkeypatch.setattr(spectral, "_dense_columns", lambda *given: calls.append(1) or original(*given))
    monkeypatch.setattr(spectral, "SPARSE_SHARE", share)
    again = [embed(kind(20, sort=sort), graph) for kind in SPECTRAL for sort in (True, False)]
    assert all(torch.equal(*pair) for pair in zip(usual, again))
    assert bool(calls) == dense


@pytest.fixture
def large_blocks(monkeypatch):
    """Records what the blocks of large graphs hold: rows, and most entries of a sparse and of a dense one."""
    seen = {"rows": [], "pieces": 0, "sparse": 0, "dense": 0}
    continued, dense_columns = spectral._LargeBlock._continued, spectral._dense_columns
    rows = spectral._LargeBlock.rows

    def watched_rows(self, wanted):
        seen["rows"].extend(wanted)
        return rows(self, wanted)

    def watched_continued(self, row, older, newer, left):
        seen["pieces"] += 1
        for nodes, result in continued(self, row, older, newer, left):
            if scipy.sparse.issparse(result) and len(nodes) > 1:
                padded = len(nodes) * np.diff(result.indptr).max()
                seen["sparse"] = max(seen["sparse"], newer.nnz, result.nnz, padded)
            yield nodes, result

    def watched_dense(matrix, twice, coefficients, seeds, older, newer):
        seen["dense"] = max(seen["dense"], older.size, newer.size)
        return dense_columns(matrix, twice, coefficients, seeds, older, newer)

    monkeypatch.setattr(spectral._LargeBlock, "rows", watched_rows)
    monkeypatch.setattr(spectral._LargeBlock, "_continued", watched_continued)
    monkeypatch.setattr(spectral, "_dense_columns", watched_dense)
    return seen


def test_leaves_at_one_node_are_computed_once(large_blocks, monkeypatch):
    """Of 300 leaves of a star, in blocks smaller than its matrix."""
    monkeypatch.setattr(spectral, "BLOCK_ENTRIES", 5000)
    embed(RandomWalkWithRestart(4), GRAPHS["star"])
    assert large_blocks["rows"] == [0, 1]
    embed(RandomWalkWithRestart(4, sort=False), GRAPHS["star"])
    assert large_blocks["rows"][2:] == list(range(301))


@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize("share", [0, spectral.SPARSE_SHARE, 1])
def test_no_quadratic_memory(share, sort, large_blocks, monkeypatch):
    """A work block never exceeds its limit, or one row: in a graph with hubs, a path and a thicket too."""
    hubs = torch.cat([torch.zeros(100), torch.full((100,), 100)]).long(), torch.arange(1, 201)
    path = torch.arange(200, 399), torch.arange(201, 400)
    thicket = torch.randint(400, 500, (2, 400))
    whole = undirected(*(torch.cat(ends) for ends in zip(hubs, path, thicket)), 500)
    graph = dgl.batch([whole, *(random_graph(size, size) for size in (300, 3, 40, 41, 1))])
    expected = embed(RandomWalkWithRestart(4, sort=sort), graph)
    large_blocks.update(sparse=0, dense=0)
    monkeypatch.setattr(spectral, "BLOCK_ENTRIES", 5000)
    monkeypatch.setattr(spectral, "SPARSE_ENTRIES", 2000)
    monkeypatch.setattr(spectral, "SPARSE_SHARE", share)
    found = embed(RandomWalkWithRestart(4, sort=sort), graph)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-7)
    assert large_blocks["sparse"] <= 2000 and large_blocks["dense"] <= 5000
    assert large_blocks["dense"] > 0 or share == 1


def test_a_large_sparse_graph_takes_the_time_of_what_walks_reach(large_blocks):
    """A path of 20,000 nodes is one piece, of some ten entries a row: it is never taken a few rows at a time."""
    node = torch.arange(19_999)
    found = embed(RandomWalkWithRestart(12), undirected(node, node + 1, 20_000))
    assert large_blocks["pieces"] == 1 and large_blocks["dense"] == 0 and large_blocks["sparse"] <= 11 * 20_000
    middle = embed(RandomWalkWithRestart(12), GRAPHS["long path"])[200]
    torch.testing.assert_close(found[10_000], middle, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    "kind, first",
    [(Adjacency, 0.0), (NormalizedAdjacency, 0.0), (RandomWalkWithRestart, 0.9), (HeatKernel, np.exp(-1.0)),
     (PersonalizedPageRank, 1.0)],
)  # fmt: skip
def test_isolated_nodes(kind, first):
    graph = dgl.add_nodes(GRAPHS["pair"], 2)
    expected = np.array([[first, 0.0, 0.0]] * 2)
    assert_within(embed(kind(3), graph)[2:], expected)


@pytest.mark.parametrize("continue_prob", PROBABILITIES)
def test_page_rank_is_a_distribution(continue_prob):
    for graph in GRAPHS.values():
        rows = embed(PersonalizedPageRank(graph.num_nodes(), continue_prob), graph)
        assert (rows >= 0).all()
        torch.testing.assert_close(rows.sum(1), torch.ones(len(rows)), rtol=0, atol=1e-5)


def test_large_continue_prob_needs_few_terms():
    assert len(spectral.restart_coefficients(0.1, 1e-6)) <= 6
    assert len(spectral.restart_coefficients(0.99, 1e-6)) <= 110  # the power series needs 1375


@pytest.mark.parametrize("x", [-1.0, -0.3, 0.0, 0.7, 1.0])
def test_coefficients(x):
    for p in PROBABILITIES:
        value = np.polynomial.chebyshev.chebval(x, spectral.restart_coefficients(p, 1e-12))
        assert value == pytest.approx((1 - p) / (1 - p * x), abs=2e-12)
    for t in [1e-9, *TIMES, 500.0]:
        value = np.polynomial.chebyshev.chebval(x, spectral.heat_coefficients(t, 1e-12))
        assert value == pytest.approx(np.exp(-t * (1 - x)), abs=2e-12)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("idtype", [torch.int32, torch.int64])
def test_writes_one_feature_in_place(kind, idtype):
    graph = random_graph(6, 9, idtype=idtype)
    graph.ndata["feat"] = torch.arange(6.0)
    graph.edata["weight"] = torch.arange(float(graph.num_edges()))
    returned = kind(4, feat_name="rows")(graph)
    assert returned is graph
    assert set(graph.ndata) == {"feat", "rows"}
    assert set(graph.edata) == {"weight"}
    assert graph.idtype == idtype
    assert torch.equal(graph.ndata["rows"], embed(kind(4), random_graph(6, 9)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("kind", ALL)
def test_stays_on_the_device_of_the_graph(kind):
    graph = GRAPHS["random"].to("cuda")
    rows = embed(kind(5), graph)
    assert rows.device == graph.device
    assert torch.equal(rows.cpu(), embed(kind(5), GRAPHS["random"]))


@pytest.mark.parametrize("kind", ALL)
def test_composes(kind):
    graph = dgl.transforms.Compose([dgl.AddSelfLoop(), kind(3)])(GRAPHS["pair"])
    assert graph.ndata["topology"].shape == (2, 3)


@pytest.mark.parametrize(
    "graph, remedy",
    [
        (dgl.heterograph({("a", "r", "b"): ([0], [1])}), "dgl.to_homogeneous"),
        (dgl.graph(([0, 1], [1, 2])), "dgl.to_bidirected"),
        (dgl.graph(([0, 1, 2], [1, 2, 0])), "dgl.add_reverse_edges"),
        (dgl.graph(([0, 0, 1, 1], [1, 1, 0, 0])), "dgl.to_simple"),
        (dgl.graph(([0, 0], [0, 0])), "dgl.to_simple"),
    ],
)
@pytest.mark.parametrize("kind", ALL)
def test_refused_graphs(kind, graph, remedy):
    with pytest.raises(DGLError, match=remedy):
        kind(3)(graph)


@pytest.mark.parametrize(
    "kind, name, value",
    [(kind, "width", value) for kind in ALL for value in (0, -1, 2.0, None)]
    + [(kind, "tol", value) for kind in SPECTRAL for value in (0, -1e-6, 1, float("nan"))]
    + [
        (kind, "continue_prob", value)
        for kind in (RandomWalkWithRestart, PersonalizedPageRank)
        for value in (-0.1, 1.0, float("nan"))
    ]
    + [(HeatKernel, "time", value) for value in (0, -1.0, float("inf"), float("nan"))],
)
def test_refused_parameters(kind, name, value):
    with pytest.raises(ValueError, match=name):
        kind(**{"width": 3, name: value})


def weighted(graph, seed=0):
    """With weights over some orders of magnitude, some 0, the same in both directions."""
    generator = torch.Generator().manual_seed(seed)
    source, target = graph.edges()
    weight = 10 ** torch.empty(graph.num_nodes(), graph.num_nodes(), dtype=torch.float64).uniform_(
        -3, 3, generator=generator
    )
    weight = weight.where(weight > 1e-2, torch.zeros(1).double())
    weight = (weight + weight.T)[source, target]
    graph = graph.local_var()
    graph.edata["w"] = weight
    return graph, weight.numpy()


@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize("kind, parameters", PARAMETERS)
@pytest.mark.parametrize("name", ["random", "sparse", "enzymes", "long path", "caterpillar", "pair", "isolated"])
def test_dense_formula_with_weights(name, kind, parameters, sort):
    graph, weight = weighted(GRAPHS[name])
    expected = dense_formula(graph, kind, **parameters, weight=weight)
    actual = embed(kind(graph.num_nodes(), sort=sort, weight_name="w", **parameters), graph)
    expected = descending(expected) if sort else expected
    if kind is Adjacency:  # its entries are not limited to 1
        torch.testing.assert_close(actual, torch.from_numpy(expected).float())
    else:
        assert_within(actual, expected)


def test_a_walk_prefers_the_heavier_edge():
    graph = dgl.graph(([0, 1, 1, 2], [1, 0, 2, 1]))
    graph.edata["w"] = torch.tensor([9.0, 9.0, 1.0, 1.0])
    actual = embed(PersonalizedPageRank(3, continue_prob=0.85, sort=False, weight_name="w"), graph)[1]
    torch.testing.assert_close(actual, torch.tensor([0.4135, 0.5405, 0.0459]), rtol=0, atol=5e-5)


@pytest.mark.parametrize("kind", ALL)
def test_weights_of_one_are_none(kind):
    graph = GRAPHS["caterpillar"].local_var()
    for ones in (torch.ones(graph.num_edges()), torch.ones(graph.num_edges(), dtype=torch.int32)):
        graph.edata["w"] = ones
        torch.testing.assert_close(
            embed(kind(9, weight_name="w"), graph), embed(kind(9), graph), rtol=0, atol=2e-6
        )


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("sort", [True, False])
def test_a_weighted_batch_equals_its_graphs_alone(kind, sort):
    graphs = [weighted(random_graph(size, 2 * size, seed), seed)[0] for seed, size in enumerate([7, 0, 30, 8, 9])]
    transform = kind(10, sort=sort, weight_name="w")
    alone = torch.cat([embed(transform, graph) for graph in graphs])
    assert torch.equal(embed(transform, dgl.batch(graphs)), alone)


def test_leaves_on_edges_of_different_weight():
    """They hang on one node, and yet see different things of the graph."""
    graph = star(3)
    source, target = graph.edges()
    graph.edata["w"] = torch.tensor([0.0, 1.0, 1.0, 5.0])[torch.maximum(source, target)]
    rows = embed(RandomWalkWithRestart(4, weight_name="w"), graph)
    assert torch.equal(rows[1], rows[2]) and not torch.allclose(rows[1], rows[3], atol=1e-3)


def test_extreme_weights_keep_the_error_bound_or_are_refused():
    graph = dgl.add_reverse_edges(dgl.graph(([0, 1, 2], [1, 2, 3])))
    for power, tol in ((4, 1e-6), (12, 1e-6), (16, 1e-6)):
        graph.edata["w"] = torch.tensor([1.0, 10.0**-power, 10.0**-power] * 2, dtype=torch.float64)
        expected = dense_formula(graph, PersonalizedPageRank, 0.85, weight=graph.edata["w"].numpy())
        assert_within(embed(PersonalizedPageRank(4, sort=False, tol=tol, weight_name="w"), graph), expected, tol)
    graph.edata["w"] = torch.tensor([1.0, 1e-30, 1e-30] * 2, dtype=torch.float64)
    with pytest.raises(DGLError, match=r"edata\['w'\] make degrees of a graph differ by .* raise tol"):
        embed(PersonalizedPageRank(4, weight_name="w"), graph)
    assert embed(RandomWalkWithRestart(4, weight_name="w"), graph).isfinite().all()


@pytest.mark.parametrize(
    "weight, problem",
    [
        (None, r"Expected edge weights in edata\['w'\], found \['other'\]"),
        (torch.tensor([1.0, 1.0, -2.0, -2.0]), "Expected weights of at least 0 in .* got -2.0"),
        (torch.tensor([1.0, 1.0, float("nan"), 1.0]), "Expected finite weights in .* got nan"),
        (torch.tensor([1.0, float("inf"), 1.0, float("inf")]), "Expected finite weights in .* got inf"),
        (torch.tensor([1.0, 2.0, 1.0, 3.0]), r"the same weight in both directions of an edge, but edata\['w'\]"),
        (torch.ones(4, 1), r"of shape \(4,\), got shape \(4, 1\)"),
    ],
)
@pytest.mark.parametrize("kind", ALL)
def test_refused_weights(kind, weight, problem):
    graph = dgl.graph(([0, 1, 1, 2], [1, 0, 2, 1]))
    graph.edata["other"] = torch.ones(4)
    if weight is not None:
        graph.edata["w"] = weight
    with pytest.raises(DGLError, match=problem):
        kind(3, weight_name="w")(graph)


@pytest.mark.parametrize("kind", ALL)
def test_remedies_keep_what_they_say(kind):
    """An undirected graph by either remedy has the features that the message promises."""
    graph = dgl.graph(([0, 1], [1, 2]))
    graph.ndata["x"], graph.edata["w"] = torch.arange(3.0), torch.tensor([9.0, 1.0])
    with pytest.raises(
        DGLError, match=r"add_reverse_edges\(graph, copy_edata=True\) keeps all .* drops those of the"
    ):
        kind(3)(graph)
    kept = kind(3, weight_name="w")(dgl.add_reverse_edges(graph, copy_edata=True))
    assert kept.edata["w"].tolist() == [9.0, 1.0, 9.0, 1.0] and "x" in kept.ndata
    kept = kind(3)(dgl.to_bidirected(graph, copy_ndata=True))
    assert "x" in kept.ndata and "w" not in kept.edata


def test_repr():
    assert repr(Adjacency(5)) == "Adjacency(width=5, sort=True, feat_name='topology', weight_name=None)"
    expected = "NormalizedAdjacency(width=5, sort=False, feat_name='rows', weight_name='w')"
    assert repr(NormalizedAdjacency(5, False, "rows", "w")) == expected
    for kind, own in [
        (RandomWalkWithRestart, "continue_prob=0.1"),
        (HeatKernel, "time=1.0"),
        (PersonalizedPageRank, "continue_prob=0.85"),
    ]:
        rest = "sort=True, tol=1e-06, feat_name='topology', weight_name=None"
        assert repr(kind(5)) == f"{kind.__name__}(width=5, {own}, {rest})"
