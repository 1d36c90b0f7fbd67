import pickle
from collections import Counter

import dgl
import networkx as nx
import numpy as np
import pytest
import torch
from dgl.dataloading import GraphDataLoader
from hypothesis import given, settings
from hypothesis import strategies as st

from dgl_memgnn.data import TUDataset


def write(folder, name="S", **files):
    """Lay out data_dir/tu/<name>/ from lists of lines."""
    target = folder / "tu" / name
    target.mkdir(parents=True, exist_ok=True)
    for suffix, lines in files.items():
        (target / f"{name}_{suffix}.txt").write_text("".join(f"{line}\n" for line in lines))
    return folder


@pytest.fixture
def small(tmp_path):
    """Two graphs with unsorted edges, an isolated last node, a duplicate edge and a self-loop."""
    return write(
        tmp_path,
        graph_indicator=[1, 1, 1, 2, 2, 2],
        graph_labels=[4, -1],
        A=["5, 4", "2, 1", "1, 2", "4, 5", "2, 1", "4, 4", "6, 5", "5, 6"],
        node_labels=[3, 7, 7, 3, 5, 3],
        edge_labels=[1, 2, 2, 1, 9, 1, 2, 2],
    )


def edges_of(graph):
    return list(zip(*(ends.tolist() for ends in graph.edges())))


def test_edges_that_are_listed_in_one_direction_get_the_other(tmp_path):
    lines = {"graph_indicator": [1, 1, 1, 2, 2, 2], "graph_labels": [1, 2]}
    both = write(
        tmp_path / "both",
        A=["1, 2", "2, 1", "3, 1", "1, 3", "4, 6", "6, 4"],
        edge_labels=[1, 1, 2, 2, 3, 3],
        **lines,
    )
    one = write(tmp_path / "one", A=["1, 2", "2, 1", "3, 1", "4, 6"], edge_labels=[1, 1, 2, 3], **lines)
    both, one = TUDataset("S", both), TUDataset("S", one)
    assert (both.num_reversed_edges, one.num_reversed_edges) == (0, 2)
    assert one.digest == both.digest
    assert "other direction of 2 edges, which was not listed, was added" in one.drop_report()
    assert "direction" not in both.drop_report()


def test_small_set_by_hand(small):
    dataset = TUDataset("S", small)
    first, second = dataset.graphs
    assert len(dataset) == 2
    assert first.num_nodes() == second.num_nodes() == 3
    assert edges_of(first) == [(0, 1), (1, 0)]
    assert edges_of(second) == [(0, 1), (1, 0), (1, 2), (2, 1)]
    assert (dataset.num_self_loops, dataset.num_duplicate_edges) == (1, 1)
    assert first.ndata["feat"].tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]
    assert second.ndata["feat"].tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    # One column each for the labels 1, 2 and 9; the duplicate edge (2, 1) keeps its first label, 2.
    assert first.edata["feat"].tolist() == [[0, 1, 0], [0, 1, 0]]
    assert second.edata["feat"].tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert (dataset.node_feats, dataset.edge_feats) == (3, 3)
    assert dataset.classes == [-1, 4] and dataset.num_classes == 2
    assert dataset.labels.tolist() == [1, 0]
    assert repr(dataset) == 'TUDataset("S", num_graphs=2, num_classes=2, node_feats=3, edge_feats=3)'


def test_types(small):
    graph, label = TUDataset("S", small)[1]
    assert graph.idtype == torch.int64
    assert graph.ndata["feat"].dtype == graph.edata["feat"].dtype == torch.float32
    assert label.dtype == torch.int64 and label.shape == ()


def test_batches_in_a_loader(small):
    graph, label = next(iter(GraphDataLoader(TUDataset("S", small), batch_size=2)))
    assert graph.batch_num_nodes().tolist() == [3, 3]
    assert label.tolist() == [1, 0]


def test_without_features_the_degree_is_the_feature(tmp_path):
    write(tmp_path, graph_indicator=[1] * 4, graph_labels=[1], A=["1, 2", "2, 1", "3, 2", "2, 3", "3, 3"])
    dataset = TUDataset("S", tmp_path)
    assert dataset[0][0].ndata["feat"].shape == (4, 1)
    assert np.allclose(dataset[0][0].ndata["feat"][:, 0], np.log([2, 3, 2, 1]))
    assert (dataset.node_feats, dataset.edge_feats) == (1, 0)
    assert "feat" not in dataset[0][0].edata


def test_nodes_of_a_graph_need_not_be_consecutive(tmp_path):
    write(
        tmp_path,
        graph_indicator=[2, 1, 2, 1],
        graph_labels=[1, 2],
        A=["1, 3", "3, 1", "4, 2", "2, 4"],
        node_attributes=[10, 20, 30, 40],
    )
    first, second = TUDataset("S", tmp_path).graphs
    assert first.ndata["feat"].tolist() == [[20], [40]] and edges_of(first) == [(0, 1), (1, 0)]
    assert second.ndata["feat"].tolist() == [[10], [30]] and edges_of(second) == [(0, 1), (1, 0)]


def test_only_self_loops_leave_graphs_without_edges(tmp_path):
    write(tmp_path, graph_indicator=[1, 2], graph_labels=[1, 2], A=["1, 1", "2, 2"])
    dataset = TUDataset("S", tmp_path)
    assert [graph.num_edges() for graph in dataset.graphs] == [0, 0]
    assert dataset.num_self_loops == 2


def test_pre_transform_is_applied_once_to_each_graph(small):
    calls = []

    def transform(graph):
        calls.append(graph.num_edges())
        return dgl.add_self_loop(graph)

    dataset = TUDataset("S", small, pre_transform=transform)
    dataset[0], dataset[0]
    assert calls == [2, 4]
    assert [graph.num_edges() for graph in dataset.graphs] == [5, 7]


def test_a_pickled_graph_does_not_carry_the_whole_set(tmp_path):
    write(
        tmp_path,
        graph_indicator=[1] + [2] * 2000,
        graph_labels=[1, 2],
        A=["2, 3"],
        node_attributes=["0.5, 0.5"] * 2001,
    )
    feat = TUDataset("S", tmp_path)[0][0].ndata["feat"]
    assert len(pickle.dumps(feat)) < 2000


@st.composite
def graph_sets(draw):
    """Sizes of some graphs, and edges between nodes of the same graph with all kinds of repetition."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    edges = []
    for g in range(len(sizes)):
        node = st.integers(sum(sizes[:g]) + 1, sum(sizes[: g + 1]))
        edges += draw(st.lists(st.tuples(node, node), max_size=12))
    return sizes, draw(st.permutations(edges or [(1, 1)]))


@settings(max_examples=50, deadline=None)
@given(graph_sets())
def test_agrees_with_networkx(tmp_path_factory, drawn):
    sizes, edges = drawn
    indicator = [g + 1 for g, size in enumerate(sizes) for _ in range(size)]
    folder = write(
        tmp_path_factory.mktemp("drawn"),
        graph_indicator=indicator,
        graph_labels=sizes,
        A=[f"{u}, {v}" for u, v in edges],
        node_attributes=range(1, len(indicator) + 1),
    )
    whole = nx.DiGraph()
    whole.add_nodes_from(range(1, len(indicator) + 1))
    whole.add_edges_from((u, v) for u, v in edges if u != v)
    dataset = TUDataset("S", folder)
    assert dataset.num_self_loops == sum(u == v for u, v in edges)
    assert whole.number_of_edges() + dataset.num_self_loops + dataset.num_duplicate_edges == len(edges)
    listed, whole = whole.number_of_edges(), whole.to_undirected().to_directed()
    assert dataset.num_reversed_edges == whole.number_of_edges() - listed
    for g, graph in enumerate(dataset.graphs):
        ids = graph.ndata["feat"][:, 0].long().tolist()
        assert ids == [node for node in whole if indicator[node - 1] == g + 1]
        assert [(ids[u], ids[v]) for u, v in edges_of(graph)] == sorted(whole.subgraph(ids).edges)


@pytest.mark.parametrize(
    "changed, message",
    [
        (dict(A=["1, 2", "2, 7"]), r"S_A.txt in .*, line 2: edge \(2, 7\) .* not between 1 and 6"),
        (dict(A=["0, 2"]), r"S_A.txt in .*, line 1: edge \(0, 2\) .* not between 1 and 6"),
        (dict(A=["1, 2", "", "3, 4"]), r"S_A.txt in .*, line 3: edge \(3, 4\) joins graphs 1 and 2"),
        (dict(A=["1, 2, 3"]), "S_A.txt in .* has 3 columns where 2 are expected"),
        (dict(A=["1, one"]), "S_A.txt in .*, line 1: 'one' is not an integer"),
        (dict(graph_indicator=[1, 1, 1, 2, 2, 3]), "S_graph_indicator.txt in .*, line 6: graph id 3 .* 1 and 2"),
        (dict(graph_indicator=[1, 1, 0, 2, 2, 2]), "S_graph_indicator.txt in .*, line 3: graph id 0 .* 1 and 2"),
        (dict(graph_indicator=[1, 1, 1, 2, 2]), "line 7: edge .* 1 and 5"),
        (dict(graph_labels=[1, 2, 3]), "S_graph_labels.txt in .*, line 3: graph 3 has a label but no node"),
        (
            dict(graph_labels=["yes", "no"]),
            "'yes' is not an integer of 64 bits; number the classes, or write numbers",
        ),
        (dict(graph_labels=[1]), "line 4: graph id 2 is not between 1 and 1"),
        (dict(node_labels=[1, 2]), "S_node_labels.txt in .* has 2 lines for 6 nodes"),
        (dict(edge_labels=[1, 2]), "S_edge_labels.txt in .* has 2 lines for 8 edges"),
    ],
)
def test_files_that_do_not_fit_together(small, changed, message):
    write(small, **changed)
    with pytest.raises(ValueError, match=message):
        TUDataset("S", small)


@pytest.mark.parametrize("suffix", ["A", "graph_indicator", "graph_labels"])
def test_missing_file(small, suffix):
    (small / "tu" / "S" / f"S_{suffix}.txt").unlink()
    with pytest.raises(ValueError, match=f"has no S/S_{suffix}.txt"):
        TUDataset("S", small)


def test_unknown_set(tmp_path):
    with pytest.raises(FileNotFoundError, match="tu/NONE.zip or tu/NONE not found.*NONE.zip failed"):
        TUDataset("NONE", tmp_path)


# Counts of the folder's own README, which were made with other code.
REAL = {
    "PROTEINS_full": dict(graphs=1113, nodes=43471, edges=81044, classes={1: 663, 2: 450}, feats=3 + 29),
    "ENZYMES": dict(graphs=600, nodes=19580, edges=37282, classes=dict.fromkeys(range(1, 7), 100), feats=3 + 18),
    "DD": dict(graphs=1178, nodes=334925, edges=843046, classes={1: 691, 2: 487}, feats=82),
    "COLLAB": dict(
        graphs=5000, nodes=372474, edges=12286079, classes={1: 2600, 2: 775, 3: 1625}, feats=1, loops=2837
    ),
    "REDDIT-BINARY": dict(graphs=2000, nodes=859254, edges=995508, classes={-1: 1000, 1: 1000}, feats=1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_counts_of_the_real_sets(data_dir, name):
    if not (data_dir / "tu" / f"{name}.zip").exists():
        pytest.skip(f"no tu/{name}.zip in {data_dir}")
    dataset = TUDataset(name, data_dir)
    expected = REAL[name]
    assert len(dataset) == expected["graphs"]
    assert sum(graph.num_nodes() for graph in dataset.graphs) == expected["nodes"]
    assert sum(graph.num_edges() for graph in dataset.graphs) == 2 * expected["edges"]
    assert Counter(dataset.classes[label] for label in dataset.labels.tolist()) == expected["classes"]
    assert dataset.num_self_loops == expected.get("loops", 0)
    assert dataset.num_duplicate_edges == 0
    assert (dataset.node_feats, dataset.edge_feats) == (expected["feats"], 0)
    assert {graph.ndata["feat"].shape[1] for graph in dataset.graphs} == {expected["feats"]}
