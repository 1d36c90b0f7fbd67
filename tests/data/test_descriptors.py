"""Descriptors of whole molecules: rdkit's own numbers, in one process, in several, and from the disk."""

import numpy as np
import pytest
import torch
from rdkit.Chem import Crippen, MolFromSmiles, rdMolDescriptors
from rdkit.Chem.Descriptors import CalcMolDescriptors

from dgl_memgnn.data import MoleculeDataset, MoleculeError, chunks, descriptors, smiles_to_descriptors

SMILES = ["CCO", "[Na+].[Cl-]", "O=S(=O)(O)c1ccccc1", "N", "C" * 40]


@pytest.fixture
def described(pieces_given_to):
    """The pieces whose descriptors were computed."""
    return pieces_given_to(descriptors, "describe")


def test_rdkits_numbers_in_the_order_of_the_names():
    found = smiles_to_descriptors(SMILES, ["TPSA", "MolLogP", "HeavyAtomCount"])
    molecules = [MolFromSmiles(text) for text in SMILES]
    expected = [[rdMolDescriptors.CalcTPSA(m), Crippen.MolLogP(m), m.GetNumAtoms()] for m in molecules]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_all_of_them_are_finite_or_missing():
    found = smiles_to_descriptors(SMILES)
    assert found.shape == (5, len(descriptors.descriptor_names()))
    assert not found.isinf().any()
    names = np.array(descriptors.descriptor_names())
    assert "BCUT2D_MWHI" in names[found[1].isnan().numpy()]  # of a salt rdkit has none
    assert not found[0].isnan().any()


def test_numbers_beyond_32_bits_and_those_that_rdkit_cannot_compute_are_missing(monkeypatch):
    def fails(molecule):
        raise ZeroDivisionError

    functions = {"Ipc": lambda molecule: 1e300, "qed": lambda molecule: -float("inf"), "TPSA": fails}
    monkeypatch.setattr(descriptors, "_functions", lambda: functions)
    assert smiles_to_descriptors(["C"], ["Ipc", "qed", "TPSA"]).isnan().all()


def test_all_are_what_rdkit_computes_one_by_one():
    """Also those that share what rdkit computes anew for each."""
    smiles = [*SMILES, "C", "CC(=O)Oc1ccccc1C(=O)O", "[Na+]", "C" * 150]
    theirs = [CalcMolDescriptors(MolFromSmiles(text)) for text in smiles]
    expected = np.array([list(each.values()) for each in theirs], dtype=np.float64).astype(np.float32)
    expected[~np.isfinite(expected)] = np.nan
    torch.testing.assert_close(
        smiles_to_descriptors(smiles), torch.from_numpy(expected), rtol=0, atol=0, equal_nan=True
    )


@pytest.mark.parametrize(
    "smiles, names, error",
    [
        (["CCO"], ["MolWt", "MolWeight"], "rdkit .* has no descriptor 'MolWeight'"),
        (["CCO", "C1CC"], None, "invalid SMILES: syntax error in 'C1CC'"),
    ],
)
def test_errors(smiles, names, error):
    with pytest.raises(ValueError if names else MoleculeError, match=error):
        smiles_to_descriptors(smiles, names)


def test_none():
    assert smiles_to_descriptors([], ["MolWt"]).shape == (0, 1)


def test_pieces_and_processes(monkeypatch):
    expected = smiles_to_descriptors(SMILES)
    monkeypatch.setattr(chunks, "_CHUNK_SIZE", 2)
    monkeypatch.setattr(descriptors, "_MANY", 0)
    torch.testing.assert_close(smiles_to_descriptors(SMILES), expected, rtol=0, atol=0, equal_nan=True)


def test_the_second_call_reads(tmp_path, described):
    first, second = (smiles_to_descriptors(SMILES, cache_dir=tmp_path) for _ in range(2))
    torch.testing.assert_close(first, second, rtol=0, atol=0, equal_nan=True)
    assert len(described) == 1
    smiles_to_descriptors(SMILES[::-1], cache_dir=tmp_path)
    smiles_to_descriptors(SMILES, ["MolWt"], cache_dir=tmp_path)
    assert len(described) == len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("damaged", [np.zeros((5, 1), np.float64), np.zeros((4, 1), np.float32)])
def test_a_damaged_file_is_replaced(tmp_path, described, damaged):
    expected = smiles_to_descriptors(SMILES, ["MolWt"], tmp_path)
    (file,) = tmp_path.iterdir()
    np.savez(file, descriptors=damaged)
    with pytest.warns(UserWarning, match="cannot be used and is computed anew"):
        assert torch.equal(smiles_to_descriptors(SMILES, ["MolWt"], tmp_path), expected)
    assert torch.equal(smiles_to_descriptors(SMILES, ["MolWt"], tmp_path), expected) and len(described) == 2


def test_a_data_set_has_those_of_the_molecules_that_it_keeps():
    dataset = MoleculeDataset(["CCO", "C1CC", "N"], [1.0, 2.0, 3.0], descriptors=True)
    graph, label, row = dataset[1]
    assert graph.num_nodes() == 1 and label == 3
    torch.testing.assert_close(row, smiles_to_descriptors(["N"])[0], equal_nan=True)
    assert len(row) == len(dataset.descriptor_names) > 200
