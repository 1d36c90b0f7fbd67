"""The Weisfeiler-Lehman kernel against colours that are words, and its machine against one on the whole kernel."""

from collections import Counter

import dgl
import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import LinearSVC

from dgl_memgnn.data import GraphDataset, MoleculeDataset
from dgl_memgnn.models.wl_kernel import PENALTIES, WLKernelMachine, subtree_counts
from dgl_memgnn.tasks import BinaryTasks, Classes
from dgl_memgnn.training import load_checkpoint, save_checkpoint

NAN = float("nan")


def some_graphs(count=40, seed=0):
    """Undirected graphs of three node labels, each with an attribute, isolated nodes among them."""
    rng = np.random.default_rng(seed)
    graphs = []
    for i in range(count):
        num_nodes = int(rng.integers(1, 12))
        ends = rng.integers(0, num_nodes, (2, num_nodes // (1 + i % 2)))
        graph = dgl.to_bidirected(dgl.graph(tuple(ends), num_nodes=num_nodes))
        labels = np.eye(3, dtype=np.float32)[rng.integers(0, 3, num_nodes)]
        attribute = rng.normal(size=(num_nodes, 1)).astype(np.float32)
        graph.ndata["feat"] = torch.from_numpy(np.hstack([labels, attribute]))
        graphs.append(graph)
    return graphs


class Graphs(GraphDataset):
    def __init__(self, graphs, labels, task):
        super().__init__("graphs")
        self.graphs, self.labels, self.task = graphs, labels, task

    def process(self):
        pass


def colours_in_words(graph, num_rounds):
    """All colours of all rounds, each written out as the tree it stands for."""
    colour = [str(row) for row in graph.ndata["feat"][:, :3].int().tolist()]
    found = Counter((0, c) for c in colour)
    for number in range(1, num_rounds + 1):
        colour = [
            f"{colour[node]}({','.join(sorted(colour[other] for other in graph.predecessors(node).tolist()))})"
            for node in range(graph.num_nodes())
        ]
        found.update((number, c) for c in colour)
    return found


@pytest.mark.parametrize("num_rounds", [0, 1, 3])
def test_the_kernel_is_that_of_colours_in_words(num_rounds):
    graphs = some_graphs()
    words = [colours_in_words(graph, num_rounds) for graph in graphs]
    expected = [[sum(n * b[colour] for colour, n in a.items()) for b in words] for a in words]
    rows, colours, counts = subtree_counts(graphs, np.array([True] * 3 + [False]), num_rounds)
    column = np.unique(colours, return_inverse=True)[1]
    matrix = np.zeros((len(graphs), column.max() + 1), int)
    np.add.at(matrix, (rows, column), counts)
    np.testing.assert_array_equal(matrix @ matrix.T, expected)


def test_without_label_columns_colours_are_those_of_the_degrees():
    graphs = some_graphs(2)
    rows, colours, _ = subtree_counts(graphs, np.zeros(4, bool), 1)
    degrees = [len(set(graph.in_degrees().tolist())) for graph in graphs]
    assert np.bincount(rows).tolist() == [1 + each for each in degrees]


def labelled(num_classes):
    graphs = some_graphs(60)
    size = torch.tensor([graph.num_nodes() for graph in graphs])
    task = Classes(range(num_classes))
    return Graphs(graphs, (size * num_classes // 12).clamp(max=num_classes - 1), task)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_predicts_what_scikit_learn_does_on_the_features_in_words(num_classes, tmp_path):
    dataset, train, test = labelled(num_classes), list(range(45)), list(range(45, 60))
    machine = WLKernelMachine(dataset.task, 2, seed=3)
    machine.fit(dataset, train)
    words = [colours_in_words(graph, 2) for graph in dataset.graphs]
    known = sorted(set().union(*(words[i] for i in train)))
    rows = np.array([[found[c] for c in known] for found in words], float)
    rows /= np.array([np.sqrt(sum(n**2 for n in found.values())) for found in words])[:, None]
    folds = StratifiedKFold(5, shuffle=True, random_state=3)
    reference = GridSearchCV(LinearSVC(max_iter=20000, tol=1e-6), {"C": PENALTIES}, cv=folds)
    reference.fit(rows[train], dataset.labels[train].numpy())
    save_checkpoint(tmp_path / "machine.pt", model=machine.state_dict())
    again = WLKernelMachine(dataset.task, 2, seed=0)
    again.load_state_dict(load_checkpoint(tmp_path / "machine.pt")["model"])
    prediction = again.predict(dataset, test)
    assert prediction.shape == (15, num_classes)
    torch.testing.assert_close(prediction.sum(dim=1), torch.ones(15, dtype=prediction.dtype))
    assert prediction.argmax(dim=1).tolist() == reference.predict(rows[test]).tolist()


def test_each_binary_task_learns_from_its_labels_alone():
    smiles = ["C" * n + tail for n in range(1, 13) for tail in ("O", "N")]
    oxygen = [float(s.endswith("O")) for s in smiles]
    some = [oxygen[i] if i % 3 else NAN for i in range(len(smiles))]
    both = MoleculeDataset(smiles, torch.tensor([oxygen, some]).T)
    machine = WLKernelMachine(BinaryTasks("ab"), 2, seed=0)
    machine.fit(both, range(18))
    fewer = [i for i in range(18) if i % 3]
    alone = WLKernelMachine(BinaryTasks("b"), 2, seed=0)
    alone.fit(MoleculeDataset([smiles[i] for i in fewer], [oxygen[i] for i in fewer]), range(len(fewer)))
    prediction = machine.predict(both, range(18, 24))
    assert ((prediction > 0.5).tolist()) == [[bool(o)] * 2 for o in oxygen[18:]]
    expected = alone.predict(MoleculeDataset(smiles), range(18, 24))
    torch.testing.assert_close(prediction[:, 1:], expected, atol=0.02, rtol=0)


@pytest.mark.parametrize("heavy", [0, 1])
def test_it_takes_weights(heavy):
    """Of graphs that are there twice with both labels, the heavier one is learned, whichever penalty is chosen."""
    dataset = Graphs(some_graphs(20) * 2, torch.tensor([0] * 20 + [1] * 20), Classes([0, 1]))
    weights = torch.where(dataset.labels == heavy, 1.0, 1e-3)
    machine = WLKernelMachine(dataset.task, 1, seed=0)
    machine.fit(dataset, range(40), weights=weights)
    assert machine.predict(dataset, range(20)).argmax(dim=1).tolist() == [heavy] * 20


def test_training_graphs_alone_say_which_columns_are_labels():
    dataset, train = labelled(2), range(45)
    predictions = []
    for value in (1.0, 0.5):
        for graph in dataset.graphs[45:]:
            graph.ndata["feat"][0, 0] = value
        machine = WLKernelMachine(dataset.task, 2, seed=0)
        machine.fit(dataset, train)
        predictions.append(machine.predict(dataset, train))
    assert torch.equal(*predictions)


def test_one_class_among_the_training_labels_is_predicted_throughout():
    dataset = labelled(3)
    train = [i for i, label in enumerate(dataset.labels.tolist()) if label == 1]
    machine = WLKernelMachine(dataset.task, 1, seed=0)
    machine.fit(dataset, train)
    assert machine.predict(dataset, [0, 1]).tolist() == [[0.0, 1.0, 0.0]] * 2
