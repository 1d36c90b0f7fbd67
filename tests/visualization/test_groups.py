"""Functional groups and what keys tell about them, against counts by hand."""

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem import Fragments

from dgl_memgnn.visualization import (
    RunClusters,
    functional_groups,
    group_enrichment,
    group_information,
    group_labels,
    group_members,
    key_information,
    leading_groups,
    paper_groups,
)
from dgl_memgnn.visualization.information import shuffled_within

DICOFOL = "OC(c1ccc(Cl)cc1)(c1ccc(Cl)cc1)C(Cl)(Cl)Cl"


def members_of(*smiles):
    return group_members([Chem.MolFromSmiles(text) for text in smiles])


def test_groups_of_the_paper_are_found():
    members = members_of("CC(=O)O", DICOFOL)
    found = {name: np.flatnonzero(members[name]).tolist() for name in members}
    assert found["carboxyl COOH"] == [1, 2, 3]
    assert found["carbonyl CO"] == [1, 2]
    assert found["hydroxyl OH"] == [4]  # not the acid's
    assert found["trichloromethyl CCl3"] == [20, 21, 22, 23]
    rings = [4 + atom.GetIdx() for atom in Chem.MolFromSmiles(DICOFOL).GetAtoms() if atom.GetIsAromatic()]
    assert found["benzene ring"] == rings


def test_rdkits_fragments_are_all_there():
    """Each descriptor of rdkit's, counted by rdkit, is a group that is found in the same molecules."""
    groups = functional_groups()
    molecules = [Chem.MolFromSmiles(text) for text in ("CC#N", "CS(=O)(=O)N", "c1ccncc1", DICOFOL, "CCO")]
    for name, count in [
        ("nitriles", Fragments.fr_nitrile),
        ("sulfonamides", Fragments.fr_sulfonamd),
        ("pyridine rings", Fragments.fr_pyridine),
        ("phenols", Fragments.fr_phenol),
        ("halogens", Fragments.fr_halogen),
    ]:
        assert [len(each.GetSubstructMatches(groups[name])) for each in molecules] == [count(m) for m in molecules]


def test_a_group_of_the_same_atoms_is_one():
    members = members_of(DICOFOL)
    assert "benzene ring" in members and "benzene rings" not in members
    assert not members.T.duplicated().any() and members.any().all()


def test_labels_are_the_smallest_group():
    members = pd.DataFrame({"large": [True, True, True, False], "small": [False, True, False, False]})
    assert group_labels(members).tolist() == ["large", "small", "large", "none"]
    assert group_labels(members[["small", "large"]]).tolist() == ["large", "small", "large", "none"]


def test_enrichment_is_that_of_counts_by_hand():
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 3, 60)
    members = pd.DataFrame({"a": (keys == 1) & (rng.random(60) < 0.8), "b": rng.random(60) < 0.3})
    table = group_enrichment(keys, members).set_index(["key", "group"])
    p_values = {}
    for key, group in product(range(3), "ab"):
        both = only_key = only_group = neither = 0
        for of_key, of_group in zip(keys == key, members[group]):
            both += of_key and of_group
            only_key += of_key and not of_group
            only_group += of_group and not of_key
            neither += not of_group and not of_key
        row = table.loc[key, group]
        assert (row["atoms"], row["key_atoms"], row["group_atoms"]) == (both, both + only_key, both + only_group)
        odds = both * neither / (only_key * only_group) if only_key * only_group else math.inf
        assert row["odds_ratio"] == pytest.approx(odds)
        assert row["key_in_group"] == pytest.approx(both / (both + only_key))
        assert row["group_in_key"] == pytest.approx(both / (both + only_group))
        assert row["overlap"] == pytest.approx(both / (both + only_key + only_group))
        of_key, of_group = both + only_key, both + only_group  # the tail of the hypergeometric distribution
        tail = sum(
            math.comb(of_group, i) * math.comb(60 - of_group, of_key - i)
            for i in range(both, min(of_key, of_group) + 1)
        )
        p_values[key, group] = tail / math.comb(60, of_key)
        assert row["p_value"] == pytest.approx(p_values[key, group])
    ranked = sorted(p_values, key=p_values.__getitem__)
    corrected = 1.0
    for rank in range(6, 0, -1):  # Benjamini and Hochberg's steps, from the largest down
        corrected = min(corrected, p_values[ranked[rank - 1]] * 6 / rank)
        assert table.loc[ranked[rank - 1], "p_corrected"] == pytest.approx(corrected)


def test_information_is_that_of_the_definition():
    keys, labels = np.array([0, 0, 1, 1, 2, 2]), np.array(list("aabbab"))

    def entropy(values):
        counts = [list(values).count(value) / len(values) for value in set(values)]
        return -sum(p * math.log(p) for p in counts)

    mutual = entropy(keys) + entropy(labels) - entropy(list(zip(keys, labels)))
    assert key_information(keys, labels) == pytest.approx(2 * mutual / (entropy(keys) + entropy(labels)))


def test_shuffles_stay_within_molecules():
    keys, sizes = np.array([1, 1, 2, 5, 6, 7, 8, 9]), [3, 1, 4]
    shuffled = [shuffled_within(keys, sizes, seed) for seed in range(20)]
    for each in shuffled:
        assert sorted(each[:3]) == [1, 1, 2] and each[3] == 5 and sorted(each[4:]) == [6, 7, 8, 9]
    assert len({tuple(each) for each in shuffled}) > 10


def test_information_of_a_run_and_its_controls(runs):
    clusters = RunClusters(runs.regression)
    molecules = clusters.molecules(["CCCO", DICOFOL, "CC(=O)O"])
    table = group_information(clusters, molecules, {"rest": runs.rest}).set_index("network")
    assert table.index.tolist() == ["this run", "untrained, 5 seeds", "rest"]
    labels = group_labels(group_members([each.molecule for each in molecules]))
    for name, run in [("this run", runs.regression), ("rest", runs.rest)]:
        again = RunClusters(run).molecules([each.smiles for each in molecules])
        keys = np.concatenate([each.keys() for each in again])
        assert table.loc[name, "information"] == pytest.approx(key_information(keys, labels))
        assert table.loc[name, "keys_in_use"] == len(set(keys))
    untrained = [clusters.network.untrained(clusters.graphs_of(molecules), seed) for seed in range(5)]
    told = []
    for network in untrained:
        shares = network.node_shares(clusters.graphs_of(molecules))
        told.append(key_information(np.concatenate([share[0].argmax(axis=1) for share in shares]), labels))
    assert table.loc["untrained, 5 seeds", "information"] == pytest.approx(np.mean(told))


def test_a_reference_whose_layer_has_one_key_is_left_out(runs):
    clusters = RunClusters(runs.regression)
    molecules = clusters.molecules(["CCCO", DICOFOL])
    for layer, expected in [(1, ["short"]), (2, [])]:
        table = group_information(clusters, molecules, {"short": runs.descriptors}, layer)
        assert table["network"].tolist()[2:] == expected


def test_tables_for_readers():
    members = members_of(*["CCO"] * 20, *["CCC#N"] * 20, "CCC")
    keys = np.array([0, 0, 1] * 20 + [0, 0, 2, 2] * 20 + [5, 5, 5])
    enrichment = group_enrichment(keys, members)
    leading = leading_groups(enrichment)
    assert leading["key"].tolist()[0] == 0  # that with the most atoms
    of_key = leading.set_index("key")
    assert of_key.loc[2, "group"].tolist() == ["nitriles", "nitrogens without hydrogen"]
    assert of_key.loc[2, "odds ratio"].tolist() == ["∞", "∞"]
    assert of_key.loc[2, "of the key's atoms in the group"].tolist() == ["100.0%", "50.0%"]
    assert of_key.loc[5, "group"] == "none"
    zeros = {"odds_ratio": 0.0, "p_corrected": 0.0}
    [row] = paper_groups(enrichment.assign(**zeros)).to_dict("records")
    assert (row["odds ratio"], row["corrected p"]) == ("0", "< 1e-300")
    best = paper_groups(enrichment)
    assert best[["key", "group"]].values.tolist() == [[1, "hydroxyl OH"]]
