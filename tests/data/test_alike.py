"""Different molecules with one graph, against networkx and against pairs that are known."""

import itertools

import dgl
import networkx
import pandas as pd
import pytest
import torch

from dgl_memgnn.data import Alike, Duplicate, MoleculeDataset, find_alike, find_duplicates, smiles_to_graph
from dgl_memgnn.data.alike import graph_hashes

SMILES = [
    "C[C@H](O)CC", "C[C@@H](O)CC", "CC(O)CC", "F/C=C/F", "F/C=C\\F", "c1ccccc1C", "CCCCO", "CCC(C)O", "OCCCC", "C",
    "[2H]C", "Cc1ccccc1O", "Cc1cccc(O)c1", "Cc1ccc(O)cc1", "CCCCCCCCCCCCCCO", "CCCCCCCCCCCCCO", "[Na+].[Cl-]",
    "[K+].[Cl-]",
]  # fmt: skip


@pytest.mark.parametrize("featurizer", ["canonical", "attentivefp", "memgnn", "weave"])
def test_hashes_are_equal_where_graphs_are_isomorphic(featurizer):
    graphs = [smiles_to_graph(text, featurizer) for text in SMILES]
    hashes = graph_hashes(graphs)
    others = [to_networkx(graph) for graph in graphs]
    for i, first in enumerate(others):
        for j, second in enumerate(others[:i]):
            same = networkx.is_isomorphic(
                first, second, lambda a, b: a["feat"] == b["feat"], lambda a, b: a["feat"] == b["feat"]
            )
            assert (hashes[i] == hashes[j]) == same, (SMILES[i], SMILES[j])


def to_networkx(graph):
    other = networkx.DiGraph()
    for i, feat in enumerate(graph.ndata["feat"].tolist()):
        other.add_node(i, feat=feat)
    for u, v, feat in zip(*(ends.tolist() for ends in graph.edges()), graph.edata["feat"].tolist()):
        other.add_edge(u, v, feat=feat)
    return other


def test_hashes_do_not_depend_on_order_or_company():
    graphs = [smiles_to_graph(text) for text in SMILES]
    hashes = graph_hashes(graphs)
    assert graph_hashes(graphs[::-1])[::-1].tolist() == hashes.tolist()
    assert [graph_hashes([graph])[0] for graph in graphs] == hashes.tolist()
    shuffled = []
    for graph in graphs:
        order = {"nodes_perm": torch.randperm(graph.num_nodes())}
        shuffled.append(dgl.reorder_graph(graph, "custom", permute_config=order, store_ids=False))
    assert graph_hashes(shuffled).tolist() == hashes.tolist()


def test_mirror_images_and_their_targets():
    pairs = [(f"C[C@H](O){'C' * n}N", f"C[C@@H](O){'C' * n}N") for n in range(1, 5)]
    smiles = [text for pair in pairs for text in pair]
    dataset = MoleculeDataset([*smiles, smiles[0]], [1, 5, 1, 1, 2, None, 3, 4, 1], rows=range(2, 11))
    assert [group.rows for group in dataset.alike] == [[2, 3], [4, 5], [8, 9]]
    assert [group.conflicts for group in dataset.alike] == [1, 0, 1]
    assert dataset.alike_report() == (
        "3 pairs of different molecules look alike to canonical features (rows 2, 3; rows 4, 5; rows 8, 9).\n"
        "2 of them have targets that differ."
    )
    assert MoleculeDataset(smiles, featurizer="attentivefp").alike == []  # which knows of chirality


def test_columns_of_a_table_are_taken_by_their_place():
    table = pd.DataFrame(
        {"smiles": ["CCO", "C[C@H](O)CC", "C[C@@H](O)CC", "OCC"], "line": [2, 3, 4, 5]}, [3, 2, 1, 0]
    )
    graphs, labels = [smiles_to_graph(text, "canonical") for text in table["smiles"]], torch.zeros(4)
    assert find_alike(table["smiles"], graphs, labels, table["line"]) == [Alike([3, 4], 0)]
    assert find_duplicates(table["smiles"], labels, ["y"], table["line"]) == [Duplicate("CCO", [2, 5], [])]


def test_elements_without_a_type():
    metals = ["Cl[Ru](Cl)(Cl)Cl", "Cl[Rh](Cl)(Cl)Cl", "Cl[Ir](Cl)(Cl)Cl", "CCO"]
    dataset = MoleculeDataset(metals, featurizer="canonical")
    assert [(group.rows, group.pairs) for group in dataset.alike] == [([0, 1, 2], 3)]
    assert "canonical features have no type for Ir (1 molecule), Rh (1 molecule), Ru (1 molecule)." in (
        dataset.alike_report()
    )
    assert MoleculeDataset(["CCO", "CN"]).alike_report() == (
        "No two different molecules look alike to canonical features."
    )


def test_pairs_and_conflicts_are_counted_one_by_one():
    smiles = [f"Cl[{metal}](Cl)(Cl)Cl" for metal in ("Ru", "Rh", "Ir", "Os")]
    graphs = [smiles_to_graph(text) for text in smiles]
    labels = torch.tensor([[1.0, 0.0], [1.0, float("nan")], [2.0, 0.0], [1.0, 1.0]])
    (group,) = find_alike(smiles, graphs, labels, range(4))
    differing = sum(
        any(a != b for a, b in zip(labels[i].tolist(), labels[j].tolist()) if a == a and b == b)
        for i, j in itertools.combinations(range(4), 2)
    )
    assert (group.pairs, group.conflicts) == (6, differing)
