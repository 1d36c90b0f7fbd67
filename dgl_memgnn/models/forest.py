"""A random forest on Morgan fingerprints, for comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from dgl_memgnn.models.network import Network, Widths
from dgl_memgnn.models.self_taught import SelfTaught

__all__ = ["MorganForest", "RANDOM_FOREST"]

NUM_BITS, RADIUS, NUM_TREES = 2048, 2, 500


class MorganForest(SelfTaught):
    """Random forests of 500 trees on Morgan fingerprints (radius 2, 2048 bits), one forest a target

    It learns by itself, and is called as a :class:`~dgl_memgnn.training.Trainer` is. scikit-learn grows the trees;
    they are kept as tensors, so that ``state_dict()`` holds them.

    Parameters
    ----------
    task : Task
        What is predicted. Discrete targets are classified, others regressed.
    seed : int
        Seed of the forests.

    Examples
    --------
    >>> from dgl_memgnn.data import MoleculeDataset
    >>> molecules = MoleculeDataset(["CCO", "CCCO", "CCN", "CCCN"], [1.0, 1.0, 0.0, 0.0])
    >>> forest = MorganForest(molecules.task, seed=0)
    >>> history = forest.fit(molecules, [0, 2])
    >>> (forest.predict(molecules, [1, 3]) > 0.5).tolist()
    [[True], [False]]
    """

    def fit(
        self,
        dataset: Any,
        train: Sequence[int],
        validation: Sequence[int] | None = None,
        on_epoch: Callable[..., None] | None = None,
        weights: Tensor | None = None,
    ) -> list[dict[str, Any]]:
        """Grow each target's forest on the training molecules that have its label; there are no epochs."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        kind = RandomForestClassifier if self.task.discrete else RandomForestRegressor
        bits, labels = morgan_fingerprints([dataset.smiles[i] for i in train]), dataset.labels[train].numpy()
        for i, label in enumerate(labels.reshape(len(train), -1).T):
            present = ~np.isnan(label)
            forest = kind(NUM_TREES, max_features="sqrt", random_state=self.seed)
            own = None if weights is None else weights.numpy()[train][present]
            forest.fit(bits[present], label[present], own)
            self._keep(i, forest)
        return self.history

    def _keep(self, target: int, forest: Any) -> None:
        """Store the trees of a target one after the other; a leaf holds its prediction and points to itself."""
        trees = [estimator.tree_ for estimator in forest.estimators_]
        starts = np.cumsum([0] + [tree.node_count for tree in trees])
        children, bits, leaves = [], [], []
        for tree, start in zip(trees, starts):
            own = np.arange(tree.node_count)
            is_leaf = tree.children_left < 0
            both = np.stack([tree.children_left, tree.children_right], axis=1)
            children.append(np.where(is_leaf[:, None], own[:, None], both) + start)
            bits.append(np.where(is_leaf, 0, tree.feature))
            leaves.append(self._leaf_predictions(forest, tree.value[:, 0, :]))
        self.register_buffer(f"children{target}", torch.from_numpy(np.concatenate(children).astype(np.int32)))
        self.register_buffer(f"bits{target}", torch.from_numpy(np.concatenate(bits).astype(np.int16)))
        self.register_buffer(f"leaves{target}", torch.cat(leaves))
        self.register_buffer(f"roots{target}", torch.from_numpy(starts[:-1].astype(np.int32)))

    def _leaf_predictions(self, forest: Any, values: np.ndarray) -> Tensor:
        if not self.task.discrete:
            return torch.from_numpy(values)
        shares = torch.from_numpy(values / values.sum(axis=1, keepdims=True))
        return shares @ self.task.perfect(torch.from_numpy(forest.classes_)).to(shares)

    def predict(self, dataset: Any, indices: Iterable[int] | None = None) -> Tensor:
        """Predictions of the task, of shape (n, num_outputs): means over the trees of each target."""
        indices = range(len(dataset)) if indices is None else indices
        bits = torch.from_numpy(morgan_fingerprints([dataset.smiles[i] for i in indices]).toarray())
        num_targets = sum(name.startswith("roots") for name, _ in self.named_buffers())
        return torch.cat([self._predict_target(target, bits) for target in range(num_targets)], dim=1)

    def _predict_target(self, target: int, bits: Tensor) -> Tensor:
        children, tested, roots = (
            getattr(self, f"{name}{target}").long() for name in ("children", "bits", "roots")
        )
        leaves = getattr(self, f"leaves{target}")
        node = roots.expand(len(bits), -1)
        while True:
            below = children[node, bits.gather(1, tested[node]).long()]
            if torch.equal(below, node):
                return leaves[node].mean(dim=1)
            node = below


def morgan_fingerprints(smiles: Sequence[str]) -> csr_matrix:
    """Morgan fingerprints of shape (n, 2048); sparse, which lets forests grow six times as fast.

    Examples
    --------
    >>> morgan_fingerprints(["CCO", "C"]).sum(axis=1).tolist()
    [[6], [1]]
    """
    from rdkit import Chem
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    generator = GetMorganGenerator(radius=RADIUS, fpSize=NUM_BITS)
    return csr_matrix([generator.GetFingerprintAsNumPy(Chem.MolFromSmiles(text)) for text in smiles])


def _build(options: Any, widths: Widths, task: Any, seed: int) -> nn.Module:
    return MorganForest(task, seed)


RANDOM_FOREST = Network(
    "RandomForest",
    _build,
    inputs=lambda options: (),
    options=lambda options: (),
    for_molecules_only=True,
    learns_by_itself=True,
)
