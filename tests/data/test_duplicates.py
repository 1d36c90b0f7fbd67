"""Molecules in several rows: found by what they are, not by how they are written."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit.Chem import MolFromSmiles, MolToSmiles

from dgl_memgnn.data import Duplicate, MoleculeDataset, load_named, scaffold_split

NAN = float("nan")


def test_other_ways_to_write_a_molecule():
    dataset = MoleculeDataset(["OCC", "c1ccccc1", "N", " CCO ", "C1=CC=CC=C1", "C(C)O"], rows=range(2, 8))
    assert dataset.duplicates == [Duplicate("CCO", [2, 5, 7], []), Duplicate("c1ccccc1", [3, 6], [])]
    assert dataset.duplicate_report().startswith(
        "2 molecules stand in 5 rows (rows 2, 5, 7; rows 3, 6).\nAll are kept. A random split may train on one"
    )


@pytest.mark.parametrize(
    "smiles", [["C[C@H](N)O", "C[C@@H](N)O"], ["F/C=C/F", "F/C=C\\F"], ["C", "[13CH4]"], ["CC(=O)O", "CC(=O)[O-]"]]
)
def test_isomers_isotopes_and_ions_are_molecules_of_their_own(smiles):
    dataset = MoleculeDataset(smiles)
    assert dataset.duplicates == []
    assert dataset.duplicate_report() == "No molecule stands in several rows."


@pytest.mark.parametrize(
    "labels, conflicts",
    [
        ([[1, 0], [1, 0]], []),
        ([[1, 0], [1, 1]], ["b"]),
        ([[1, NAN], [NAN, 1]], []),
        ([[1, 2], [NAN, 3]], ["b"]),
        ([[0.1, 2], [1 - 0.9, 2]], ["a"]),
        ([[-1254300.0, 2], [-1254299.99, 2]], ["a"]),
        ([[-1, 2], [-1.5, 3]], ["a", "b"]),
    ],
)
def test_conflicts(labels, conflicts):
    dataset = MoleculeDataset(["CCO", "OCC"], labels, task_names=["a", "b"])
    assert dataset.duplicates == [Duplicate("CCO", [0, 1], conflicts)]


def test_report_of_conflicts():
    assert "1 molecule stands in 2 rows (rows 0, 1). Their targets agree." in (
        MoleculeDataset(["C", "C"], [1, 1]).duplicate_report()
    )
    assert "1 of them has targets that differ (rows 0, 1)." in (
        MoleculeDataset(["C", "C"], [1, 2]).duplicate_report()
    )
    several = MoleculeDataset(["C", "C"], [[1, 0], [2, 0]], task_names=["a", "b"]).duplicate_report()
    assert "1 of them has targets that differ (rows 0, 1 in 'a')." in several


def test_long_reports_are_cut():
    report = MoleculeDataset(["C", "N", "O", "F"] * 7, np.arange(28)).duplicate_report()
    assert report.startswith("4 molecules stand in 28 rows (rows 0, 4, 8, 12, 16, ...; rows 1, ")
    assert "4 of them have targets that differ" in report and report.count("; ...") == 2


def test_what_is_dropped_is_no_duplicate():
    dataset = MoleculeDataset(["CCO", "OCC", "CCO", "x", "x"], [1, NAN, 2, 3, 3])
    assert dataset.duplicates == [Duplicate("CCO", [0, 2], ["task0"])]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["CCO", "OCC", "N", "[NH3]", "c1ccccc1", "CN"]), st.sampled_from([0.0, 1.0, NAN])
        ),
        min_size=1,
        max_size=12,
    )
)
def test_agrees_with_a_table(rows):
    smiles, labels = zip(*rows)
    table = pd.DataFrame({"smiles": [MolToSmiles(MolFromSmiles(s)) for s in smiles], "y": labels})
    table = table.dropna().groupby("smiles", sort=False)["y"]
    expected = {s: (values.index.tolist(), values.nunique() > 1) for s, values in table if len(values) > 1}
    if np.isnan(labels).all():
        return
    found = MoleculeDataset(smiles, labels, "memgnn").duplicates
    assert {d.smiles: (d.rows, d.conflicts == ["task0"]) for d in found} == expected


def test_a_scaffold_split_keeps_them_together(data_dir):
    if not (data_dir / "molnet" / "delaney-processed.csv").exists():
        pytest.skip(f"no molnet/delaney-processed.csv in {data_dir}")
    dataset = load_named("ESOL", "memgnn", data_dir)
    parts = scaffold_split(dataset.smiles)
    part_of = {dataset.rows[i]: part for part, indices in enumerate(parts) for i in indices}
    assert len(dataset.duplicates) == 11  # 1128 rows, 1117 molecules
    assert all(len({part_of[row] for row in duplicate.rows}) == 1 for duplicate in dataset.duplicates)
