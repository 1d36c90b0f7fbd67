"""A Weisfeiler-Lehman subtree kernel with a support vector machine, for comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import dgl
import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from dgl_memgnn.colours import hash_rows, mix, refinements
from dgl_memgnn.models.network import Network, Widths
from dgl_memgnn.models.self_taught import SelfTaught

__all__ = ["WL_KERNEL", "WLKernelMachine", "subtree_counts"]

PENALTIES = [10.0**power for power in range(-2, 3)]  # among which five folds of the training part choose
_CHUNK = 500  # graphs that are coloured together


class WLKernelMachine(SelfTaught):
    """A linear support vector machine on counts of subtrees: the `Weisfeiler-Lehman subtree kernel
    <https://jmlr.org/papers/v12/shervashidze11a.html>`__, normalised

    Nodes start with a colour for the columns of their features that hold only 0 and 1 (labels; real attributes
    are no part of the kernel), and each round recolours a node by its own colour and those of its neighbours. A
    graph is the counts of its colours in all rounds, divided by their norm: the product of two such rows is the
    normalised kernel. The penalty is chosen by five stratified folds of the training part. It learns by itself,
    and is called as a :class:`~dgl_memgnn.training.Trainer` is.

    Parameters
    ----------
    task : Task
        What is predicted: classes, or binary tasks.
    num_rounds : int
        Number of rounds of recolouring.
    seed : int
        Seed of the folds and of the machine.

    Examples
    --------
    >>> from dgl_memgnn.data import MoleculeDataset
    >>> molecules = MoleculeDataset(["CCO", "CCCO", "CCN", "CCCN"] * 4, list("OONN" * 4))
    >>> machine = WLKernelMachine(molecules.task, num_rounds=2, seed=0)
    >>> history = machine.fit(molecules, range(12))
    >>> machine.predict(molecules, range(12, 16)).argmax(dim=1).tolist()
    [1, 1, 0, 0]
    """

    def __init__(self, task: Any, num_rounds: int, seed: int) -> None:
        super().__init__(task, seed)
        self.num_rounds = num_rounds

    def fit(
        self,
        dataset: Any,
        train: Sequence[int],
        validation: Sequence[int] | None = None,
        on_epoch: Callable[..., None] | None = None,
        weights: Tensor | None = None,
    ) -> list[dict[str, Any]]:
        """Learn from the training graphs, for each target from those that have its label."""
        graphs = [dataset.graphs[i] for i in train]
        feat = torch.cat([graph.ndata["feat"] for graph in graphs])
        self.register_buffer("label_columns", ((feat == 0) | (feat == 1)).all(dim=0))
        rows, colours, counts = self._counts(graphs)
        known, column = np.unique(colours, return_inverse=True)
        self.register_buffer("colours", torch.from_numpy(known.view(np.int64)))
        features = _normalised(rows, column, counts, len(train), len(known))
        labels = dataset.labels[train].numpy()
        for i, label in enumerate(labels.reshape(len(train), -1).T):
            present = ~np.isnan(label)
            own = None if weights is None else weights.numpy()[train][present]
            weight, bias, classes = self._machine(features[present], label[present], own)
            self.register_buffer(f"weight{i}", torch.from_numpy(weight.astype(np.float32)))
            self.register_buffer(f"bias{i}", torch.from_numpy(bias.astype(np.float32)))
            self.register_buffer(f"classes{i}", torch.from_numpy(classes))
        return self.history

    def predict(self, dataset: Any, indices: Iterable[int] | None = None) -> Tensor:
        """Predictions of shape (n, num_outputs): decision values as probabilities, which are not calibrated."""
        graphs = [dataset.graphs[i] for i in (range(len(dataset)) if indices is None else indices)]
        rows, colours, counts = self._counts(graphs)
        known = self.get_buffer("colours").numpy().view(np.uint64)
        column = np.searchsorted(known, colours).clip(max=len(known) - 1)
        column[known[column] != colours] = len(known)  # a colour not seen in training has a part in the norm alone
        features = _normalised(rows, column, counts, len(graphs), len(known) + 1)[:, :-1]
        num_targets = sum(name.startswith("classes") for name, _ in self.named_buffers())
        return torch.cat([self._predict_target(i, features) for i in range(num_targets)], dim=1)

    def _counts(self, graphs: Sequence[dgl.DGLGraph]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return subtree_counts(graphs, self.get_buffer("label_columns").numpy(), self.num_rounds)

    def _machine(
        self, features: Any, label: np.ndarray, weights: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights and bias of each class, and the classes; of two, the second class has them all."""
        from sklearn.model_selection import GridSearchCV, StratifiedKFold
        from sklearn.svm import LinearSVC

        classes, sizes = np.unique(label, return_counts=True)
        if len(classes) == 1:
            return np.zeros((1, features.shape[1])), np.zeros(1), classes
        machine = LinearSVC(C=1.0, random_state=self.seed, dual=True, max_iter=20000)
        if sizes.min() >= 5:
            folds = StratifiedKFold(5, shuffle=True, random_state=self.seed)
            search = GridSearchCV(machine, {"C": PENALTIES}, cv=folds)
            machine = search.fit(features, label, sample_weight=weights).best_estimator_
        else:
            machine.fit(features, label, weights)
        return machine.coef_, machine.intercept_, classes

    def _predict_target(self, target: int, features: Any) -> Tensor:
        weight, bias, classes = (self.get_buffer(f"{name}{target}") for name in ("weight", "bias", "classes"))
        decision = torch.from_numpy(features @ weight.numpy().T) + bias
        if len(classes) == 2:
            decision = torch.cat([torch.zeros_like(decision), decision], dim=1)
        return torch.softmax(decision, dim=1) @ self.task.perfect(classes).to(decision)


def subtree_counts(
    graphs: Sequence[dgl.DGLGraph], label_columns: np.ndarray, num_rounds: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How often each colour of each round, the start among them, is in each graph.

    Parameters
    ----------
    graphs : sequence of DGLGraph
        With ``ndata["feat"]``.
    label_columns : ndarray of bool, shape (D,)
        The columns that a node's first colour depends on.
    num_rounds : int

    Returns
    -------
    ndarray of int, ndarray of uint64, ndarray of int
        Number of a graph, colour, and count, of each pair that is there.

    Examples
    --------
    >>> star = dgl.to_bidirected(dgl.graph(([0, 0, 0], [1, 2, 3])))
    >>> star.ndata["feat"] = torch.ones(4, 1)
    >>> sorted(subtree_counts([star], np.array([True]), num_rounds=1)[2].tolist())
    [1, 3, 4]
    """
    found = []
    for start in range(0, len(graphs), _CHUNK):
        batch = dgl.batch(list(graphs[start : start + _CHUNK]), ndata=["feat"], edata=None)
        of_node = np.repeat(np.arange(batch.batch_size), batch.batch_num_nodes().numpy())
        first = hash_rows(batch.ndata["feat"].numpy()[:, label_columns])
        src, dst = (ends.numpy() for ends in batch.edges())
        rounds = [first, *islice(refinements(first, src, dst), num_rounds)]
        for number, colour in enumerate(rounds):
            pairs = np.stack([of_node.astype(np.uint64), mix(colour + np.uint64(number))])
            (of_graph, colour), count = np.unique(pairs, axis=1, return_counts=True)
            found.append((of_graph.astype(np.int64) + start, colour, count))
    rows, colours, counts = (np.concatenate(each) for each in zip(*found))
    return rows, colours, counts


def _normalised(rows: np.ndarray, columns: np.ndarray, counts: np.ndarray, *shape: int) -> sparse.csr_matrix:
    """The sparse matrix of these entries, equal places added up after each row has been divided by its norm."""
    norm = np.sqrt(np.bincount(rows, counts.astype(float) ** 2, minlength=shape[0]))
    return sparse.csr_matrix((counts / norm[rows], (rows, columns)), shape)


def _build(options: Any, widths: Widths, task: Any, seed: int) -> nn.Module:
    if not task.discrete:
        raise ValueError(f"model.network: WLKernel is for classes and binary tasks, not for {task.describe()}.")
    return WLKernelMachine(task, options.num_layers, seed)


WL_KERNEL = Network(
    "WLKernel",
    _build,
    inputs=lambda options: (),
    options=lambda options: ("num_layers",),
    learns_by_itself=True,
)
