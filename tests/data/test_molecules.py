import os

import numpy as np
import pandas as pd
import pytest
import torch
from dgl.dataloading import GraphDataLoader
from dgllife.data import MoleculeCSVDataset
from dgllife.utils import CanonicalAtomFeaturizer, CanonicalBondFeaturizer, mol_to_bigraph
from rdkit import Chem

from dgl_memgnn.data import Dropped, MoleculeDataset


def test_attributes():
    dataset = MoleculeDataset([" CCO", "N"], [[1, None], [None, 2]], "memgnn", ["a", "b"], rows=[11, 12])
    assert dataset.smiles == ["CCO", "N"]
    assert dataset.labels.dtype == torch.float64
    assert torch.equal(dataset.labels.nan_to_num(-9), torch.tensor([[1.0, -9.0], [-9.0, 2.0]]).double())
    assert dataset.task_names == ["a", "b"]
    assert dataset.rows == [11, 12]
    assert (dataset.featurizer, dataset.node_feats, dataset.edge_feats) == ("memgnn", 32, 7)
    graph, label = dataset[1]
    assert graph is dataset.graphs[1] and graph.num_nodes() == 1
    assert label[1] == 2
    assert repr(dataset) == (
        'MoleculeDataset("molecules", num_graphs=2, num_tasks=2, node_feats=32, edge_feats=7)'
    )


@pytest.mark.parametrize(
    "labels", [[1.0, 2.0], (1, 2), np.array([[1], [2]]), torch.tensor([1, 2]), pd.Series([1, 2])]
)
def test_forms_of_labels(labels):
    dataset = MoleculeDataset(["C", "N"], labels)
    assert dataset.labels.tolist() == [[1], [2]]
    assert dataset.task_names == ["task0"]


def test_without_tasks():
    dataset = MoleculeDataset(["C", "N"])
    assert dataset.labels.shape == (2, 0)
    assert dataset.task_names == [] and dataset.dropped == []
    assert dataset[0][1].shape == (0,)


def test_what_is_dropped_is_recorded():
    smiles = ["C", None, "N", "c1cccc1", "O", "", "C#N", "C(C"]
    labels = [1, 2, np.nan, 4, 5, 6, 7, 8]
    dataset = MoleculeDataset(smiles, labels, rows=range(2, 10))
    assert dataset.smiles == ["C", "O", "C#N"]
    assert dataset.rows == [2, 6, 8]
    assert dataset.labels[:, 0].tolist() == [1, 5, 7]
    assert [graph.num_nodes() for graph in dataset.graphs] == [1, 1, 2]
    assert dataset.dropped == [
        Dropped(3, None, "not a string: None"),
        Dropped(4, "N", "no label"),
        Dropped(5, "c1cccc1", "invalid SMILES: Can't kekulize mol.  Unkekulized atoms: 0 1 2 3 4"),
        Dropped(7, "", "empty SMILES"),
        Dropped(9, "C(C", "invalid SMILES: syntax error in 'C(C'"),
    ]
    assert dataset.drop_report() == (
        "3 of 8 molecules kept, 5 dropped: 1 for not a string (row 3); 1 for no label (row 4); "
        "2 for invalid SMILES (rows 5, 9); 1 for empty SMILES (row 7)."
    )


def test_report_of_nothing_and_of_many():
    assert MoleculeDataset(["C"]).drop_report() == "1 of 1 molecules kept, 0 dropped."
    report = MoleculeDataset(["C"] + [""] * 7).drop_report()
    assert report == "1 of 8 molecules kept, 7 dropped: 7 for empty SMILES (rows 1, 2, 3, 4, 5, ...)."


def test_a_label_in_one_task_is_enough():
    dataset = MoleculeDataset(["C", "N"], [[np.nan, 1], [np.nan, np.nan]])
    assert dataset.smiles == ["C"]
    assert dataset.dropped == [Dropped(1, "N", "no label")]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(smiles="CCO"), "single string 'CCO'"),
        (dict(smiles=[]), "No molecule remains: 0 of 0"),
        (dict(smiles=["", "x"]), "No molecule remains: 0 of 2 .*1 for empty SMILES .*1 for invalid SMILES"),
        (dict(smiles=["C", "N"], labels=[1]), r"labels have shape \(1,\) for 2 SMILES"),
        (dict(smiles=["C"], labels=[[[1]]]), r"labels have shape \(1, 1, 1\) for 1 SMILES"),
        (dict(smiles=["C", "N"], labels=[1, np.inf], rows=[7, 8]), "label of row 8 is infinite"),
        (dict(smiles=["C", "N"], labels=[1, -1e39]), "label of row 1 is infinite"),
        (dict(smiles=["C", "N"], rows=[1]), "1 rows for 2 SMILES"),
        (dict(smiles=["C"], labels=[1], task_names=["a", "b"]), "2 task names for 1 label columns"),
        (dict(smiles=["C"], task_names=["a"]), "1 task names for 0 label columns"),
        (dict(smiles=["C"], featurizer="morgan"), "Unknown featurizer 'morgan'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        MoleculeDataset(**arguments)


def test_batch_of_molecules_without_bonds():
    """dgllife gives such molecules no edge feature at all, so that a batch of them has none."""
    dataset = MoleculeDataset(["C", "[Na+].[Cl-]"], [0, 1])
    graph, label = next(iter(GraphDataLoader(dataset, batch_size=2)))
    assert graph.edata["feat"].shape == (0, 12)
    assert label.tolist() == [[0], [1]]


def test_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    MoleculeDataset(["C"])
    assert os.listdir(tmp_path) == []


def test_from_csv(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("y,SMI,z\n1,CCO,\n2,C1,3\n,N,\n4,N,5\n")
    dataset = MoleculeDataset.from_csv(path, "SMI", ["z", "y"], "attentivefp")
    assert dataset.smiles == ["CCO", "N"]
    assert dataset.rows == [2, 5]
    assert dataset.task_names == ["z", "y"]
    assert torch.equal(dataset.labels.nan_to_num(-9), torch.tensor([[-9.0, 1.0], [5.0, 4.0]]).double())
    assert [(record.row, record.reason.partition(":")[0]) for record in dataset.dropped] == [
        (3, "invalid SMILES"),
        (4, "no label"),
    ]
    assert dataset.featurizer == "attentivefp"
    assert MoleculeDataset.from_csv(str(path), "SMI", None).labels.shape == (3, 0)


def test_from_csv_agrees_with_dgllife(tmp_path):
    frame = pd.DataFrame(
        {
            "smiles": ["CCO", "F/C=C\\Cl", "x", "c1ccncc1O", "CC"],
            "a": [1, 2, 3, np.nan, 5.5],
            "b": [0, np.nan, 1, 1, 0],
        }
    )
    frame.to_csv(tmp_path / "m.csv", index=False)
    ours = MoleculeDataset.from_csv(tmp_path / "m.csv", "smiles", ["a", "b"])

    def to_graph(smiles, node_featurizer, edge_featurizer):
        return mol_to_bigraph(
            Chem.MolFromSmiles(smiles),
            node_featurizer=node_featurizer,
            edge_featurizer=edge_featurizer,
            canonical_atom_order=False,
        )

    theirs = MoleculeCSVDataset(
        frame,
        to_graph,
        CanonicalAtomFeaturizer(),
        CanonicalBondFeaturizer(),
        smiles_column="smiles",
        cache_file_path=str(tmp_path / "cache.bin"),
    )
    assert len(ours) == len(theirs) == 4
    for (graph, label), (smiles, reference, reference_label, mask), own in zip(ours, theirs, ours.smiles):
        assert own == smiles
        assert all(torch.equal(a, b.long()) for a, b in zip(graph.edges(), reference.edges()))
        assert torch.equal(graph.ndata["feat"], reference.ndata["h"])
        assert torch.equal(graph.edata["feat"], reference.edata["e"])
        assert torch.equal(label.float().nan_to_num(0), reference_label)
        assert torch.equal(~label.isnan(), mask.bool())
