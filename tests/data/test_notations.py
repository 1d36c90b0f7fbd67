"""A molecule is one molecule, however it is written."""

import random

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from dgl_memgnn.cli import main
from dgl_memgnn.data import (
    FEATURIZERS,
    Limits,
    MoleculeDataset,
    MoleculeError,
    canonical_smiles,
    parse_smiles,
    scaffold_split,
    smiles_to_descriptors,
    smiles_to_graph,
)

MOLECULES = [
    "CCO",
    "C[C@H](N)C(=O)O",
    "F/C=C/C=C\\Cl",
    "c1ccc2[nH]ccc2c1",
    "CC(=O)Oc1ccccc1C(=O)[O-].[Na+]",
    "C[C@@H]1CC[C@H](O)C(/C=C/c2ccncc2)C1",
    "[13CH3][N+](C)(C)CC1=CC=C[CH]1",
    "O=C1NC(=O)C(=Cc2ccco2)S1",
    "C1CC1[Si](C)(C)C#N",
    "[H][H]",
    "OB(O)c1ccc(S(N)(=O)=O)cc1",
]


def spelled(molecule, seed):
    """The molecule in another notation: atoms in another order, bonds, hydrogens or numbers written out."""
    rng = random.Random(seed)
    molecule = Chem.Mol(molecule)
    if rng.random() < 0.4:
        for atom in molecule.GetAtoms():
            atom.SetAtomMapNum(rng.randrange(1, 90))
    if rng.random() < 0.3:
        molecule = Chem.AddHs(molecule)
    kekule = rng.random() < 0.4
    if kekule:
        Chem.Kekulize(molecule)
    return Chem.MolToSmiles(
        molecule,
        doRandom=True,
        kekuleSmiles=kekule,
        allBondsExplicit=rng.random() < 0.4,
        allHsExplicit=rng.random() < 0.4,
    )


def in_canonical_order(text, featurizer):
    """Features of atoms, and of ordered pairs, by the place of the atoms in the canonical SMILES."""
    graph, molecule = smiles_to_graph(text, featurizer), parse_smiles(text)
    for atom in molecule.GetAtoms():
        atom.SetAtomMapNum(0)
    Chem.MolToSmiles(molecule)
    order = list(molecule.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"])
    place = np.argsort(order)
    pairs = {}
    for u, v, row in zip(*(ends.tolist() for ends in graph.edges()), graph.edata["feat"].tolist()):
        pairs[place[u], place[v]] = row
    return graph.ndata["feat"][order], pairs


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.sampled_from(MOLECULES), st.integers(0, 10**6), st.sampled_from(sorted(FEATURIZERS)))
def test_notations_of_a_molecule_have_one_graph(smiles, seed, featurizer):
    text = spelled(Chem.MolFromSmiles(smiles), seed)
    if canonical_smiles(parse_smiles(text)) != canonical_smiles(parse_smiles(smiles)):
        return  # rdkit takes it for another molecule, as for some stereochemistry with hydrogens written out
    atoms, pairs = in_canonical_order(text, featurizer)
    expected_atoms, expected_pairs = in_canonical_order(smiles, featurizer)
    assert torch.equal(atoms, expected_atoms) and pairs == expected_pairs
    graph, molecule = smiles_to_graph(text, featurizer), parse_smiles(text)
    if featurizer != "weave":  # nodes and edges are those of the SMILES as it is written
        bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds()]
        expected = [ends for u, v in bonds for ends in ((u, v), (v, u))]
        assert list(zip(*(ends.tolist() for ends in graph.edges()))) == expected


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_notations_of_a_molecule_are_one_molecule_with_one_scaffold(seed):
    texts = [spelled(Chem.MolFromSmiles(smiles), seed + i) for i, smiles in enumerate(MOLECULES)]
    keys = [
        (canonical_smiles(parse_smiles(a)), canonical_smiles(parse_smiles(b))) for a, b in zip(MOLECULES, texts)
    ]
    same = [i for i, (first, second) in enumerate(keys) if first == second]
    both = [MOLECULES[i] for i in same] + [texts[i] for i in same]
    dataset = MoleculeDataset(both)
    assert [duplicate.rows for duplicate in dataset.duplicates] == [[i, len(same) + i] for i in range(len(same))]
    parts = scaffold_split(both, (0.4, 0.3, 0.3))
    part_of = {row: part for part, rows in enumerate(parts) for row in rows}
    assert all(part_of[i] == part_of[len(same) + i] for i in range(len(same)))
    values = smiles_to_descriptors(both)
    assert torch.equal(values[: len(same)].nan_to_num(), values[len(same) :].nan_to_num())


def test_stereoisomers_of_a_ring_stay_together():
    rings = ["C1CC1", "C1CCC1", "C1CCCC1", "c1ccccc1", "c1ccncc1", "c1ccoc1"]
    isomers = ["C1C[C@H]2CC[C@@H]1C2", "C1C[C@@H]2CC[C@H]1C2", "C1C[C@H]2CC[C@H]1CC2", "C1CC2CCC1C2"]
    smiles = [ring + tail for ring in rings for tail in ("C", "N", "O")] + isomers[:2] + isomers[3:]
    for like_dgllife, apart in [(False, 1), (True, 2)]:
        parts = scaffold_split(smiles, (0.5, 0.25, 0.25), like_dgllife)
        where = {part for part, rows in enumerate(parts) for row in rows if row >= 18}
        assert len(where) <= apart
    labelled = [MoleculeDataset([a, b]).duplicates for a, b in [("[CH3:1][OH:2]", "CO"), ("[CH3:1]O", "[CH3:2]O")]]
    assert all(len(duplicates) == 1 for duplicates in labelled)


def test_features_agree_with_those_of_dgllife_on_real_molecules(data_dir):
    """Bit for bit, atoms, bonds and their order, for the SMILES of the set that are written by rdkit's rules."""
    from dgllife.utils import CanonicalAtomFeaturizer, CanonicalBondFeaturizer, mol_to_bigraph

    path = data_dir / "molnet" / "bace.csv"
    if not path.exists():
        pytest.skip(f"no {path}")
    for smiles in pd.read_csv(path)["mol"][:200]:
        ours = smiles_to_graph(smiles, "canonical")
        theirs = mol_to_bigraph(
            Chem.MolFromSmiles(smiles),
            node_featurizer=CanonicalAtomFeaturizer("feat"),
            edge_featurizer=CanonicalBondFeaturizer("feat"),
            canonical_atom_order=False,
        )
        assert torch.equal(ours.ndata["feat"], theirs.ndata["feat"])
        assert torch.equal(ours.edata["feat"], theirs.edata["feat"])
        assert all(torch.equal(a, b.long()) for a, b in zip(ours.edges(), theirs.edges()))


@pytest.mark.parametrize(
    "smiles, limits, reason",
    [
        (
            "C" * 20_000,
            Limits(),
            r"SMILES too long: 20000 characters, more than 5000 \(train's --max-smiles-length\)",
        ),
        ("C" * 1001, Limits(), r"too many atoms: 1001, more than 1000 \(train's --max-atoms\)"),
        ("CCCC", Limits(length=3), "SMILES too long: 4 characters, more than 3"),
        ("CCCC", Limits(atoms=3), "too many atoms: 4, more than 3"),
        ("CC.CC", Limits(atoms=3), "too many atoms: 4"),
    ],
)
def test_molecules_beyond_the_limits(smiles, limits, reason):
    for use in (smiles_to_graph, lambda text, _, limits: parse_smiles(text, limits)):
        with pytest.raises(MoleculeError, match=reason):
            use(smiles, "canonical", limits)
    assert parse_smiles("C" * 1000).GetNumAtoms() == 1000
    assert parse_smiles("CCC", Limits(3, 3)).GetNumAtoms() == 3


def test_limits_are_options_of_a_run_and_of_its_predictions(tmp_path, capsys):
    chains = ["C" * n + tail for n in range(1, 11) for tail in ("O", "N")]
    rows = [f"{text},{len(text)}" for text in [*chains, "C" * 20_000, "C" * 1200]]
    (tmp_path / "m.csv").write_text("smiles,y\n" + "\n".join(rows) + "\n")
    small = ["--split", "random", "--epochs", "1", "--hidden-feats", "8", "--num-layers", "1", "--num-keys", "2,1"]
    common = ["train", "--csv", str(tmp_path / "m.csv"), "--tasks", "y", *small]
    assert main([*common, "--out", str(tmp_path / "default")]) == 0
    report = "2 dropped: 1 for SMILES too long (row 22); 1 for too many atoms (row 23)."
    assert report in capsys.readouterr().out
    assert main([*common, "--max-atoms", "1200", "--out", str(tmp_path / "more")]) == 0
    assert "21 of 22 molecules kept, 1 dropped: 1 for SMILES too long (row 22)." in capsys.readouterr().out
    for name, predicted in [("default", 20), ("more", 21)]:
        arguments = ["--csv", str(tmp_path / "m.csv"), "--out", str(tmp_path / f"{name}.csv")]
        assert main(["predict", str(tmp_path / name), *arguments]) == 0
        table = pd.read_csv(tmp_path / f"{name}.csv")
        assert table["y_predicted"].notna().sum() == predicted
        assert table["reason"][20].startswith("SMILES too long: 20000 characters")


def test_slow_molecules_are_named(monkeypatch, caplog):
    from dgl_memgnn.data import chunks, smiles_to_graphs

    monkeypatch.setattr(chunks, "_SLOW", -1)
    smiles_to_graphs(["CCO", "C1CC"])
    smiles_to_descriptors(["CN"], ["MolWt"])
    assert [record.getMessage() for record in caplog.records] == [
        "0 seconds went into the features of CCO",
        "0 seconds went into the descriptors of CN",
    ]


@pytest.mark.parametrize(
    "text, atoms", [("CCO |$;;x$|", 3), (" CC |(0,0,0;1.5,0,0)| ", 2), ("C[C@H](O)F |&1:1| racemate", 4)]
)
def test_extensions_are_read_as_rdkit_reads_them(text, atoms):
    assert parse_smiles(text).GetNumAtoms() == Chem.MolFromSmiles(text.strip()).GetNumAtoms() == atoms
    core = text.split()[0]
    assert torch.equal(smiles_to_graph(text).ndata["feat"], smiles_to_graph(core).ndata["feat"])


@pytest.mark.parametrize("text", ["CCO ethanol", "CCO $;;x$", "CCO |broken", "C C"])
def test_other_words_beside_a_smiles_are_refused(text):
    with pytest.raises(MoleculeError, match="invalid SMILES"):
        parse_smiles(text)
