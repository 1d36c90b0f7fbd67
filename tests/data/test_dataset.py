"""What every data set answers, asked of molecules and of TU sets alike."""

import numpy as np
import pytest
import torch

from dgl_memgnn.data import GraphDataset, MoleculeDataset, TUDataset
from dgl_memgnn.tasks import Column

LABELS = [1.0, 2.5, None, 4.0, 5.0, 2.5]


def molecules(**changes):
    arguments = {
        "smiles": ["CCO", "C1CC", "N", "CC=O", "OCC", "c1ccccc1"],
        "labels": LABELS,
        "featurizer": "memgnn",
        "descriptors": True,
        "rows": range(2, 8),
    }
    return MoleculeDataset(**{**arguments, **changes})


FILES = {
    "A": ["1, 2", "2, 1", "3, 4", "4, 3", "4, 5", "5, 4", "6, 7"],
    "graph_indicator": "1122234",
    "graph_labels": ["1", "-1", "1", "1"],
    "node_labels": "0110010",
}


@pytest.fixture
def graphs(tmp_path):
    def make(**changes):
        folder = tmp_path / "tu" / "SET"
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for suffix, lines in {**FILES, "A": FILES["A"][:6], **changes}.items():
            if lines is not None:
                (folder / f"SET_{suffix}.txt").write_text("\n".join(lines) + "\n")
        return TUDataset("SET", tmp_path)

    return make


@pytest.fixture(params=["molecules", "graphs"])
def dataset(request, graphs):
    return molecules() if request.param == "molecules" else graphs()


def test_every_data_set_answers_the_same_questions(dataset):
    assert isinstance(dataset, GraphDataset)
    assert len(dataset) == len(dataset.graphs) == len(dataset.labels) == len(dataset.rows) == 4
    assert dataset.task.checked(dataset.labels, 4) is not None
    assert dataset.task_names == dataset.task.names
    assert dataset.graphs[0].ndata["feat"].shape[1] == dataset.node_feats
    assert dataset.graphs[0].edata.get("feat", torch.empty(0, 0)).shape[1] == dataset.edge_feats
    assert len(dataset.descriptor_names) == (0 if dataset.descriptors is None else dataset.descriptors.shape[1])
    assert dataset.smiles is None or len(dataset.smiles) == 4
    assert len(dataset.digest) == 64
    assert dataset.report()[-1].startswith(("Task:", "Features:", "Descriptors:"))


@pytest.mark.parametrize("index", [0, -1, np.int64(2), torch.tensor(1)])
def test_a_number_gives_a_sample(dataset, index):
    graph, label, *rest = dataset[index]
    assert graph is dataset.graphs[int(index)] and torch.equal(label, dataset.labels[int(index)])
    assert len(rest) == (dataset.descriptors is not None)


@pytest.mark.parametrize(
    "index",
    [slice(1, 3), [3, 0], (2, 1), range(3), np.array([1, -1]), torch.tensor([0, 3]), [True, False, True, False],
     np.array([False, True, True, True]), torch.tensor([True, False, False, True])],
)  # fmt: skip
def test_anything_else_gives_a_data_set(dataset, index):
    subset, rows = dataset[index], np.arange(4)[np.asarray(index) if not isinstance(index, slice) else index]
    assert type(subset) is type(dataset) and len(subset) == len(rows)
    for i, row in enumerate(rows):
        for ours, theirs in zip(subset[i], dataset[row]):
            assert ours is theirs or torch.equal(ours, theirs)
    assert subset.rows == [dataset.rows[row] for row in rows]
    assert subset.smiles is None or subset.smiles == [dataset.smiles[row] for row in rows]
    assert (subset.digest == dataset.digest) == (list(rows) == [0, 1, 2, 3])
    assert len(dataset) == 4 and dataset.task is subset.task


def test_the_duplicates_of_a_subset_are_its_own():
    dataset = molecules()
    assert [duplicate.rows for duplicate in dataset.duplicates] == [[2, 6]]
    assert dataset[[0, 1]].duplicates == []


@pytest.mark.parametrize("index", [4, -5, [0, 4], [True, False], "ab", 1.0])
def test_what_is_no_index(dataset, index):
    with pytest.raises((IndexError, TypeError)):
        dataset[index]


@pytest.mark.parametrize(
    "changes",
    [
        {"smiles": ["CCO", "C1CC", "N", "CC=N", "OCC", "c1ccccc1"]},
        {"smiles": ["CCO", "C1CN", "N", "CC=O", "OCC", "c1ccccc1"]},  # of a molecule that is dropped
        {"labels": [1.0, 2.5, None, 4.0, 5.0, 2.25]},
        {"rows": range(3, 9)},
        {"task_names": ["y"]},
        {"task_type": "regression", "labels": [0.0, 1.0, None, 1.0, 0.0, 0.0]},
    ],
)
def test_molecules_that_differ_have_another_digest(changes):
    reference = molecules(labels=[0.0, 1.0, None, 1.0, 0.0, 0.0]) if "task_type" in changes else molecules()
    assert molecules(**changes).digest != reference.digest
    assert molecules().digest == molecules(descriptors=False).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"A": ["1, 2", "2, 1", "3, 4", "4, 3", "3, 5", "5, 3"]},  # as many edges
        {"node_labels": "0110011"},
        {"graph_labels": ["1", "-1", "-1", "1"]},
        {"graph_labels": ["1", "-2", "1", "1"]},
        {"node_labels": None},
    ],
)
def test_graphs_that_differ_have_another_digest(graphs, changes):
    reference = graphs().digest
    assert graphs(**changes).digest != reference == graphs().digest


def test_graph_attributes_are_targets_of_regression(graphs):
    dataset = graphs(graph_labels=None, graph_attributes=["0.5, 7", "1.5, 8", "2, 9.5", "-1, 0"])
    assert dataset.task.task_type == "regression" and dataset.task_names == ["attribute0", "attribute1"]
    assert dataset.labels.tolist() == [[0.5, 7], [1.5, 8], [2, 9.5], [-1, 0]]
    assert repr(dataset) == 'TUDataset("SET", num_graphs=4, num_tasks=2, node_feats=2, edge_feats=0)'


def test_graph_labels_come_first_where_there_are_both(graphs, tmp_path):
    both = graphs(graph_attributes=["0.5", "1.5", "2", "-1"])
    assert both.task.task_type == "classes" and both.classes == [-1, 1] and both.labels.tolist() == [1, 0, 1, 1]
    targets = TUDataset("SET", tmp_path, task_type="regression")
    assert targets.task_names == ["attribute0"] and targets.labels.tolist() == [[0.5], [1.5], [2], [-1]]


def test_values_that_do_not_fit_the_task_are_named_by_their_line(graphs, tmp_path):
    graphs()
    with pytest.raises(ValueError, match="SET_graph_labels.txt in .*, line 2: its value is neither 0 nor 1"):
        TUDataset("SET", tmp_path, task_type="binary")
    graphs(graph_labels=None, graph_attributes=["0.5", "1.5", "2", "-1"])
    with pytest.raises(ValueError, match="SET_graph_attributes.txt in .*, line 1: its value is not a class"):
        TUDataset("SET", tmp_path, task_type="classes")


def test_part_of_a_set_tells_of_its_own_properties_only():
    column = Column("temperature", ["1", "20", "30"], lambda i: f"row {i}")
    molecules = MoleculeDataset(["C", "CC", "CCC"], [1.0, 2.0, 3.0], properties=[column])
    part, warm = molecules[[0, 1]], Column("temperature", ["1", "20"], str)
    assert any("from 1 to 20" in line for line in part.report())
    assert part.digest == MoleculeDataset(["C", "CC"], [1.0, 2.0], properties=[warm]).digest


def test_labels_and_names_that_do_not_fit():
    with pytest.raises(ValueError, match="labels have shape .0,. for 2 SMILES"):
        MoleculeDataset(["C", "CC"], [])
    with pytest.raises(ValueError, match="Two targets are called 'a': give each a name of its own"):
        MoleculeDataset(["C", "CC"], [[1.0, 2.0], [3.0, 4.0]], task_names=["a", "a"])
