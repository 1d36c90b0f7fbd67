"""Features out of tables are dgllife's, and batches are DGL's."""

import random

import dgl
import numpy as np
import pandas as pd
import pytest
import torch
from dgllife.utils import mol_to_bigraph
from rdkit import Chem

from dgl_memgnn.data import FEATURIZERS, featurizer, smiles_to_graph
from dgl_memgnn.data.feature_tables import FeatureTables
from dgl_memgnn.data.featurizers import dgllife_functions
from dgl_memgnn.data.molecule_arrays import featurize, joined
from dgl_memgnn.data.smiles import parse_smiles

# Charges that rdkit moves, hydrogens in and out of brackets, isotopes, maps, stereo, metals, atoms, radicals.
SMILES = [
    "CCO",
    "[Na+].[Cl-]",
    "O=N(=O)c1ccccc1",
    "C[C@H](N)C(=O)O",
    "C[C@H](C)O",
    "C[CH](N)C(=O)O",
    "F/C=C/C=C\\Cl",
    "[13CH3][CH2][OH]",
    "[CH3:1][OH:2]",
    "C1=CNC=C1",
    "[H]n1cccc1",
    "C[Mg]Br",
    "Cl[Pt](Cl)(N)N",
    "[NH3]->[Pt](Cl)Cl",
    "*",
    "[U]",
    "[CH3]",
    "[H][H]",
    "C[N+](C)(C)C",
]
SETS = {
    "delaney-processed.csv": "smiles",
    "Lipophilicity.csv": "smiles",
    "bace.csv": "mol",
    "tox21.csv.gz": "smiles",
}
METALS = {3, 4, 11, 12, 13, *range(19, 33), *range(37, 51), *range(55, 85)}


def dgllifes(molecule, name):
    atoms, bonds = dgllife_functions(name)
    return mol_to_bigraph(molecule, node_featurizer=atoms, edge_featurizer=bonds, canonical_atom_order=False)


def assert_equal(graph, other):
    assert graph.num_nodes() == other.num_nodes()
    assert all(torch.equal(a, b.long()) for a, b in zip(graph.edges(), other.edges()))
    assert torch.equal(graph.ndata["feat"], other.ndata["feat"])
    assert graph.num_edges() == 0 or torch.equal(graph.edata["feat"], other.edata["feat"])


def check_real_molecules(data_dir, name, step):
    """As written, those of dgllife; where they are not, those of the canonical SMILES are; which these are."""
    atoms, bonds = dgllife_functions(name)
    different = []
    for file, column in SETS.items():
        smiles = pd.read_csv(data_dir / "molnet" / file)[column][::step].tolist()
        arrays, reasons = featurize(smiles, featurizer(name))
        kept = [text for text, reason in zip(smiles, reasons) if not reason]
        assert len(kept) > 0.99 * len(smiles)
        nodes, edges = np.cumsum(arrays.num_nodes), np.cumsum(arrays.num_edges)
        for i, text in enumerate(kept):
            molecule = Chem.MolFromSmiles(text)
            of_nodes = slice(nodes[i] - molecule.GetNumAtoms(), nodes[i])
            of_edges = slice(edges[i] - 2 * molecule.GetNumBonds(), edges[i])
            ends = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in molecule.GetBonds()]).reshape(-1, 2)
            assert np.array_equal(arrays.src[of_edges], ends.ravel())
            assert np.array_equal(arrays.dst[of_edges], ends[:, ::-1].ravel())
            node_feat, edge_feat = (
                arrays.node_feat[arrays.node_row[of_nodes]],
                arrays.edge_feat[arrays.edge_row[of_edges]],
            )
            if not (
                np.array_equal(node_feat, atoms(molecule)["feat"])
                and (not len(ends) or np.array_equal(edge_feat, bonds(molecule)["feat"]))
            ):
                different.append(molecule)
                graph = in_canonical_order(molecule, smiles_to_graph(text, name))
                assert_equal(graph, dgllifes(read_again(molecule), name))
    return different


def read_again(molecule):
    return Chem.MolFromSmiles(Chem.MolToSmiles(molecule))


def in_canonical_order(molecule, graph):
    """The graph with the nodes and edges of the molecule that is read from the canonical SMILES."""
    Chem.MolToSmiles(molecule)
    order = list(molecule.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"])
    ends = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in read_again(molecule).GetBonds()]
    src, dst = (torch.tensor([pair[k] for u, v in ends for pair in ((u, v), (v, u))]).long() for k in (0, 1))
    again = dgl.graph((src, dst), num_nodes=len(order))
    order = torch.tensor(order)
    again.ndata["feat"] = graph.ndata["feat"][order]
    if again.num_edges():
        again.edata["feat"] = graph.edata["feat"][graph.edge_ids(order[src], order[dst])]
    return again


@pytest.mark.parametrize("name", ["canonical", "attentivefp", "memgnn"])
def test_features_of_real_molecules_are_dgllifes(data_dir, name):
    different = check_real_molecules(data_dir, name, step=50)
    assert name == "memgnn" or all(METALS & {a.GetAtomicNum() for a in m.GetAtoms()} for m in different)


@pytest.mark.slow
def test_features_of_many_real_molecules_are_dgllifes(data_dir):
    """But for some compounds of metals in Tox21, whose bonds rdkit writes in another way than they were given."""
    different = check_real_molecules(data_dir, "canonical", step=5)
    assert len(different) == 9
    assert all(METALS & {atom.GetAtomicNum() for atom in molecule.GetAtoms()} for molecule in different)


@pytest.mark.parametrize("name", ["canonical", "attentivefp", "memgnn"])
def test_few_molecules_are_read_twice_and_none_in_vain(name, monkeypatch):
    """Tables give what they give when every molecule is written and read again, as canonical SMILES."""
    tables, always_again = FeatureTables(featurizer(name)), FeatureTables(featurizer(name))
    monkeypatch.setattr(always_again, "_may_stand_as_written", lambda smiles: False)
    for seed in range(6):
        for text in SMILES:
            molecule = parse_smiles(text)
            if seed:
                rng = random.Random(seed)
                hydrogens, brackets = rng.random() < 0.3, rng.random() < 0.5
                molecule = Chem.AddHs(molecule) if hydrogens else molecule
                Chem.Kekulize(molecule)
                text = Chem.MolToSmiles(molecule, doRandom=True, kekuleSmiles=True, allHsExplicit=brackets)
                molecule = parse_smiles(text)
            once, twice = tables.encode(molecule, text), always_again.encode(molecule, text)
            assert np.array_equal(tables.atom_rows[once.atoms], always_again.atom_rows[twice.atoms]), text
            assert np.array_equal(tables.bond_rows[once.bonds], always_again.bond_rows[twice.bonds]), text
            assert once[2:] == twice[2:]


def test_a_molecule_that_is_plainly_written_is_not_read_twice(monkeypatch):
    monkeypatch.setattr("dgl_memgnn.data.feature_tables.as_canonical", None)
    plain = ["CCO", "c1cc[nH]c1", "C[C@H](N)C(=O)O", "F/C=C/F", "C[N+](C)(C)C", "[O-]C(=O)C"]
    assert featurize(plain, featurizer("canonical"))[1] == [""] * len(plain)


@pytest.mark.parametrize("name", FEATURIZERS)
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_batches_are_those_of_dgl(name, batch_size):
    arrays, reasons = featurize([*SMILES, "C1CC"], featurizer(name))
    assert [bool(reason) for reason in reasons] == [False] * len(SMILES) + [True]
    graphs = [smiles_to_graph(text, name) for text in SMILES]
    for own, graph in zip(arrays.graphs(), graphs):
        assert_equal(own, graph)
    batches = list(arrays.batches(batch_size))
    assert len(batches) == -(-len(SMILES) // batch_size)
    for i, batch in enumerate(batches):
        expected = dgl.batch(graphs[i * batch_size : (i + 1) * batch_size])
        assert_equal(batch, expected)
        assert torch.equal(batch.batch_num_nodes(), expected.batch_num_nodes())
        assert torch.equal(batch.batch_num_edges(), expected.batch_num_edges())
        assert batch.ndata["feat"].dtype == batch.edata["feat"].dtype == torch.float32


@pytest.mark.parametrize("name", FEATURIZERS)
def test_pieces_are_joined(name):
    spec = featurizer(name)
    whole = featurize(SMILES, spec)[0]
    pieces = joined([featurize(piece, spec)[0] for piece in (SMILES[:7], [], ["x"], SMILES[7:])])
    for own, graph in zip(pieces.graphs(), whole.graphs()):
        assert_equal(own, graph)
    assert len(pieces.num_nodes) == len(whole.num_nodes)
    assert name == "weave" or len(pieces.node_feat) == len(np.unique(whole.node_feat, axis=0))
