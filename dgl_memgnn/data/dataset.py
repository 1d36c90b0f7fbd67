"""What every data set answers, whatever it was read from."""

from __future__ import annotations

import copy
import hashlib
import operator
import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import dgl
import numpy as np
from dgl.data import DGLDataset
from torch import Tensor

from dgl_memgnn.data.indices import to_indices
from dgl_memgnn.tasks import Task

__all__ = ["GraphDataset"]


class GraphDataset(DGLDataset):
    """Graphs with labels: the questions that every data set answers

    Attributes
    ----------
    graphs : list of DGLGraph
        With ``ndata["feat"]``, and ``edata["feat"]`` if edges have features.
    labels : Tensor
        As ``task`` takes them.
    task : Task or None
        What is to be predicted; None if nothing is.
    rows : list of int or str
        Which row of the source each graph is: a line of a file, ``file:line`` where there are several, or its
        position. Names it in what a run writes.
    parts : list of str or None
        The part of a split that each graph is in, where the source says so.
    node_feats, edge_feats : int
        Widths of ``ndata["feat"]`` and ``edata["feat"]``; 0 where edges have none.
    smiles : list of str or None
        The molecules, where the graphs are molecules.
    descriptor_names : list of str
        Names of the descriptors of whole graphs; empty without them.
    descriptors : Tensor of shape (n, D) or None
        Descriptors of whole graphs, NaN where missing.
    property_names : list of str
        Which descriptors, the last of them, are measured properties that the source gives.
    weights : Tensor of shape (n,) or None
        How much each graph weighs in the loss; None if all weigh the same.
    dropped : list of Dropped
        What stood in the source and is not in the data set.
    """

    graphs: list[dgl.DGLGraph]
    labels: Tensor
    task: Task | None
    rows: list[Any]
    node_feats: int
    edge_feats: int
    smiles: list[str] | None = None
    descriptor_names: Sequence[str] = ()
    descriptors: Tensor | None = None
    property_names: Sequence[str] = ()
    dropped: Sequence[Any] = ()
    parts: list[str] | None = None
    weights: Tensor | None = None

    def __init__(self, name: str) -> None:
        # raw_dir is never used, but DGL creates its default, which fails where the home is read-only.
        super().__init__(name=name, raw_dir=os.curdir)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of graphs, labels, rows and given parts: tells whether the data are others than before."""
        digest = hashlib.sha256()
        for part in self.content():
            if isinstance(part, np.ndarray):
                digest.update(f"{part.dtype} {part.shape}\n".encode())
                digest.update(np.ascontiguousarray(part).data)
            else:
                digest.update(f"{part!r}\n".encode("utf-8", "backslashreplace"))
        return digest.hexdigest()

    def content(self) -> list[Any]:
        """What the digest is made of: arrays, and values whose ``repr`` tells them apart."""
        arguments = self.task and (self.task.task_type, self.task.arguments)
        parts = [] if self.parts is None else [self.parts]
        return [arguments, self.labels.numpy(), self.rows, *parts]

    @cached_property
    def duplicates(self) -> Sequence[Any]:
        """What stands in several rows."""
        return []

    def drop_report(self) -> str | None:
        """What was read and what dropped, in a sentence."""
        return None

    def duplicate_report(self) -> str | None:
        """What stands in several rows, in a sentence."""
        return None

    def alike_report(self) -> str | None:
        """Which different samples the features do not tell apart, in a sentence."""
        return None

    def report(self) -> list[str]:
        """What was read, dropped and chosen, a sentence or two a line."""
        task = None if self.task is None else f"Task: {self.task.describe()}."
        return [line for line in (self.drop_report(), self.duplicate_report(), task) if line]

    def __getitem__(self, idx: Any) -> Any:
        r"""Graph, label and descriptors of one sample, or a data set of some samples.

        Parameters
        ----------
        idx : int, or slice, list, ndarray or Tensor of int or bool

        Returns
        -------
        (DGLGraph, Tensor) or (DGLGraph, Tensor, Tensor of shape (D,))
            For an int; the last are the descriptors, if there are any.
        GraphDataset
            Otherwise: of the same class, with the samples that were asked for in their order.
        """
        if isinstance(idx, slice) or getattr(idx, "ndim", 1) == 1 and hasattr(idx, "__len__"):
            return self._subset(to_indices(idx, len(self)))
        idx = operator.index(idx)
        if self.descriptors is None:
            return self.graphs[idx], self.labels[idx]
        return self.graphs[idx], self.labels[idx], self.descriptors[idx]

    @property
    def task_names(self) -> list[str]:
        """Names of the targets; empty if there is no task."""
        return [] if self.task is None else self.task.names

    def __len__(self) -> int:
        return len(self.graphs)

    def _subset(self, indices: np.ndarray) -> GraphDataset:
        subset = copy.copy(self)
        for name in list(vars(subset)):
            if isinstance(getattr(type(self), name, None), cached_property):
                delattr(subset, name)
        for name in ("graphs", "rows", "smiles", "parts"):
            items = getattr(self, name)
            if items is not None:
                setattr(subset, name, [items[i] for i in indices])
        subset.labels = self.labels[indices]
        for name in ("descriptors", "weights"):
            values = getattr(self, name)
            if values is not None:
                setattr(subset, name, values[indices])
        return subset
