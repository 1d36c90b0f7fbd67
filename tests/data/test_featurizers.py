import subprocess
import sys

import pytest
import torch
from dgllife import utils
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from dgl_memgnn.data import FEATURIZERS, Featurizer, MoleculeError, featurizer, smiles_to_graph

# Rings, charges, isotopes, stereo bonds, a salt, an unusual element, single atoms, a dummy atom.
MOLECULES = ["CCO", "c1ccccc1C(=O)[O-]", "F/C=C\\Cl", "C[C@H](N)C(=O)O", "[Na+].[Cl-]", "[U]", "C", "*", "[2H]C#N"]

DGLLIFE = {
    "canonical": (utils.CanonicalAtomFeaturizer, utils.CanonicalBondFeaturizer),
    "attentivefp": (utils.AttentiveFPAtomFeaturizer, utils.AttentiveFPBondFeaturizer),
    "weave": (utils.WeaveAtomFeaturizer, utils.WeaveEdgeFeaturizer),
}


@pytest.mark.parametrize("name", FEATURIZERS)
@pytest.mark.parametrize("smiles", MOLECULES)
def test_sizes_and_types(name, smiles):
    spec = featurizer(name)
    graph = smiles_to_graph(smiles, name)
    molecule = Chem.MolFromSmiles(smiles)
    assert graph.idtype == torch.int64
    assert graph.ndata["feat"].dtype == graph.edata["feat"].dtype == torch.float32
    assert graph.ndata["feat"].shape == (molecule.GetNumAtoms(), spec.node_feats)
    num_edges = molecule.GetNumAtoms() ** 2 if spec.complete_graph else 2 * molecule.GetNumBonds()
    assert graph.edata["feat"].shape == (num_edges, spec.edge_feats)


@pytest.mark.parametrize("name", DGLLIFE)
def test_features_are_those_of_dgllife(name):
    atoms, bonds = (function("h") for function in DGLLIFE[name])
    assert featurizer(name).node_feats == atoms.feat_size()
    assert featurizer(name).edge_feats == bonds.feat_size()
    for smiles in MOLECULES:
        molecule, graph = Chem.MolFromSmiles(smiles), smiles_to_graph(smiles, name)
        assert torch.equal(graph.ndata["feat"], atoms(molecule)["h"])
        if graph.num_edges():
            assert torch.equal(graph.edata["feat"], bonds(molecule)["h"])


def test_memgnn_features_are_attentivefp_without_chirality():
    """Columns 0-30 are shared, the hydrogen count stands in place of its one-hot code."""
    hydrogens = torch.arange(5.0)
    for smiles in ["CCO", "c1ccccc1C(=O)[O-]", "C[C@H](N)C(=O)O", "[U]", "C[S+](C)C"]:
        ours = smiles_to_graph(smiles, "memgnn")
        theirs = smiles_to_graph(smiles, "attentivefp")
        assert torch.equal(ours.ndata["feat"][:, :31], theirs.ndata["feat"][:, :31])
        assert torch.equal(ours.ndata["feat"][:, 31], theirs.ndata["feat"][:, 31:36] @ hydrogens)
        if ours.num_edges():
            assert torch.equal(ours.edata["feat"][:, :4], theirs.edata["feat"][:, :4])


def test_memgnn_bond_directions():
    direction = smiles_to_graph("F/C=C/F", "memgnn").edata["feat"][:, 4:]
    assert direction.tolist() == [[0, 1, 0]] * 2 + [[1, 0, 0]] * 2 + [[0, 1, 0]] * 2
    assert smiles_to_graph("F/C=C\\F", "memgnn").edata["feat"][-1, 4:].tolist() == [0, 0, 1]


@pytest.mark.parametrize("name", ["canonical", "attentivefp", "memgnn"])
def test_node_i_is_atom_i_and_edges_are_bonds(name):
    smiles = "OCC(N)c1ccc(Cl)nc1"
    molecule, graph = Chem.MolFromSmiles(smiles), smiles_to_graph(smiles, name)
    pairs = {(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds()}
    assert set(zip(*(ends.tolist() for ends in graph.edges()))) == pairs | {(v, u) for u, v in pairs}
    elements = {tuple(row): set() for row in graph.ndata["feat"].tolist()}
    for row, atom in zip(graph.ndata["feat"].tolist(), molecule.GetAtoms()):
        elements[tuple(row)].add(atom.GetSymbol())
    assert all(len(symbols) == 1 for symbols in elements.values())


def test_weave_edges_are_all_pairs_in_row_order():
    graph = smiles_to_graph("CCO", "weave")
    assert [ends.tolist() for ends in graph.edges()] == [[0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 1, 2] * 3]
    # The first seven columns count the bonds between two atoms.
    assert graph.edata["feat"][:, :7].sum(dim=1).tolist() == [0, 1, 2, 1, 0, 1, 2, 1, 0]


def test_featurizer_may_be_given_by_name_or_looked_up():
    by_name, looked_up = smiles_to_graph("CCO", "memgnn"), smiles_to_graph("CCO", featurizer("memgnn"))
    assert torch.equal(by_name.ndata["feat"], looked_up.ndata["feat"])
    assert looked_up.ndata["feat"].shape == (3, 32)


def test_white_space_around_is_ignored():
    assert smiles_to_graph(" CCO \n").num_nodes() == 3


@pytest.mark.parametrize(
    "smiles, reason",
    [
        (None, "not a string: None"),
        (float("nan"), "not a string: nan"),
        (17, "not a string: 17"),
        ("", "empty SMILES"),
        (" \t\n", "empty SMILES"),
        ("C1CC", "invalid SMILES: syntax error in 'C1CC'"),
        ("hello", "invalid SMILES: syntax error"),
        ("C(C)(C)(C)(C)C", "invalid SMILES: Explicit valence for atom # 0 C, 5, is greater than permitted"),
        ("c1cccc1", "invalid SMILES: Can't kekulize mol"),
        ("CCO ethanol", "invalid SMILES: white space within 'CCO ethanol'"),
        ("C\u2013C", "invalid SMILES: .* not ASCII"),
    ],
)
def test_reason_why_a_molecule_is_refused(smiles, reason, capfd):
    with pytest.raises(MoleculeError, match=reason):
        smiles_to_graph(smiles)
    assert capfd.readouterr() == ("", "")


def test_features_must_be_finite(monkeypatch):
    class Broken(utils.WeaveAtomFeaturizer):
        def __call__(self, molecule):
            return {"feat": super().__call__(molecule)["h"] / 0}

    monkeypatch.setattr(
        "dgl_memgnn.data.molecule_arrays.dgllife_functions",
        lambda name: (Broken(), utils.WeaveEdgeFeaturizer("feat")),
    )
    with pytest.raises(MoleculeError, match="features that are not finite: CCO"):
        smiles_to_graph("CCO", "weave")


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=12), st.text("CNOcn()[]=#123+-@/\\.%* ", max_size=12)))
def test_any_text_is_a_graph_or_a_molecule_error(text):
    try:
        graph = smiles_to_graph(text, "memgnn")
    except MoleculeError:
        return
    assert graph.num_nodes() == Chem.MolFromSmiles(text.strip()).GetNumAtoms() > 0


def test_unknown_featurizer():
    with pytest.raises(ValueError, match="'morgan': choose one of canonical, attentivefp, weave, memgnn"):
        featurizer("morgan")
    with pytest.raises(ValueError, match="'morgan'"):
        smiles_to_graph("CCO", "morgan")


def test_featurizer_is_frozen():
    with pytest.raises(AttributeError):
        featurizer("weave").node_feats = 3
    assert featurizer("weave") == Featurizer("weave", 27, 12, "H C N O F P S Cl Br I", complete_graph=True)


def test_import_of_the_room_loads_neither_rdkit_nor_dgllife():
    code = "import sys, dgl_memgnn.data; sys.exit(bool({'rdkit', 'dgllife', 'sklearn'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
