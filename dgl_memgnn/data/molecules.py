"""Data sets of molecules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import torch

from dgl_memgnn.data import featurizers
from dgl_memgnn.data.alike import Alike, find_alike, unknown_elements
from dgl_memgnn.data.dataset import GraphDataset
from dgl_memgnn.data.descriptors import descriptor_names, smiles_to_descriptors
from dgl_memgnn.data.duplicates import Duplicate, find_duplicates
from dgl_memgnn.data.molecule_csv import check_targets, join_tables, read_molecules
from dgl_memgnn.data.molecule_graphs import smiles_to_graphs
from dgl_memgnn.data.smiles import Limits
from dgl_memgnn.tasks import Column, read_task, read_weights
from dgl_memgnn.wording import list_names, significant

_LISTED_ROWS = 5
_LISTED_DUPLICATES = 3


class Dropped(NamedTuple):
    """A molecule that is not in the data set.

    Parameters
    ----------
    row : int or str
        Its row in the source.
    smiles : object
        What stood in place of its SMILES.
    reason : str
        Why it was dropped, as ``"kind"`` or ``"kind: details"``.
    """

    row: Any
    smiles: Any
    reason: str


class MoleculeDataset(GraphDataset):
    r"""Molecules as graphs, with any number of targets each.

    A molecule that cannot become a graph, and one without any label where there are tasks, is dropped and
    recorded in ``dropped``. A molecule that stands in several rows stays in all of them, see
    ``duplicates``.

    Parameters
    ----------
    smiles : sequence of str
    labels : array-like of shape (n,) or (n, T), or list of Column, optional
        Targets: numbers, or words for classes; NaN or None where missing. Default: no task.
    featurizer : str
        See :func:`dgl_memgnn.data.featurizer`. Default: ``"canonical"``.
    task_names : sequence of str, optional
        Default: ``task0``, ``task1`` and so on, or the names of the columns.
    rows : sequence of int or str, optional
        Number or name of each molecule in its source. Default: counted from 0.
    name : str
        Name of the data set. Default: ``"molecules"``.
    cache_dir : str or os.PathLike, optional
        Folder that keeps the graphs, see :func:`dgl_memgnn.data.smiles_to_graphs`. Default: none.
    descriptors : bool, optional
        Whether rdkit's descriptors of the whole molecule come with each graph. Default: ``False``.
    task_type : str, optional
        ``"regression"``, ``"binary"`` or ``"classes"``. Default: from the values, see
        :func:`dgl_memgnn.tasks.read_task`.
    limits : Limits, optional
        The largest molecule that is read; larger ones are dropped. Default: ``Limits()``.
    parts : sequence of str, optional
        ``"train"``, ``"validation"`` or ``"test"`` of each molecule, where that is fixed. Default: it is not.
    weights : array-like of shape (n,), optional
        How much each molecule weighs in the loss. Default: all weigh the same.
    properties : sequence of Column, optional
        Measured properties, such as temperature and pH, that join the descriptors; a molecule without one of them
        is dropped. Default: none.

    Attributes
    ----------
    smiles : list of str
        Of the molecules that were kept, without white space around them.
    graphs : list of DGLGraph
        See :func:`dgl_memgnn.data.smiles_to_graph`.
    task : Task or None
        What is to be predicted; None without labels.
    labels : Tensor
        Of shape (n, T), NaN where missing: float64 for regression, float32 for binary targets; int64 of shape (n,)
        for classes.
    task_names : list of str
    rows : list of int
    dropped : list of Dropped
    duplicates : list of Duplicate
        Molecules that stand in several rows; found when it is first asked for.
    alike : list of Alike
        Different molecules that the features do not tell apart; found when it is first asked for.
    featurizer : str
    node_feats, edge_feats : int
        Widths of ``ndata["feat"]`` and ``edata["feat"]``.
    descriptor_names : list of str
        Names of the descriptors; empty without them.
    descriptors : Tensor of shape (n, D) or None
        See :func:`dgl_memgnn.data.smiles_to_descriptors`; NaN where missing.

    Raises
    ------
    ValueError
        If the arguments differ in length, a label is infinite or not one of the task, or no molecule remains.

    Examples
    --------
    >>> dataset = MoleculeDataset(["CCO", "C1CC", "N"], labels=[1.5, 2.0, 0.5], featurizer="memgnn")
    >>> dataset
    MoleculeDataset("molecules", num_graphs=2, num_tasks=1, node_feats=32, edge_feats=7)
    >>> graph, label = dataset[1]
    >>> graph.num_nodes(), label
    (1, tensor([0.5000], dtype=torch.float64))
    >>> dataset.dropped
    [Dropped(row=1, smiles='C1CC', reason="invalid SMILES: syntax error in 'C1CC'")]
    >>> MoleculeDataset(["CCO", "N"], ["active", "inactive"]).task.classes
    ['active', 'inactive']
    """

    smiles: list[str]
    dropped: Sequence[Dropped]

    def __init__(
        self,
        smiles: Sequence[Any],
        labels: Any = None,
        featurizer: str = "canonical",
        task_names: Sequence[str] | None = None,
        rows: Sequence[Any] | None = None,
        name: str = "molecules",
        cache_dir: str | PathLike[str] | None = None,
        descriptors: bool = False,
        task_type: str | None = None,
        limits: Limits = Limits(),
        parts: Sequence[str] | None = None,
        weights: Any = None,
        properties: Sequence[Column] = (),
    ) -> None:
        if isinstance(smiles, str):
            raise ValueError(f"smiles must be a sequence of SMILES, not the single string {smiles!r}.")
        self.smiles = list(smiles)
        self.rows = list(range(len(self.smiles)) if rows is None else rows)
        if len(self.rows) != len(self.smiles):
            raise ValueError(f"There are {len(self.rows)} rows for {len(self.smiles)} SMILES.")
        self.parts = None if parts is None else list(parts)
        self.weights = None
        if weights is not None:
            values: Any = np.asarray(weights, dtype=np.float64)
            self.weights = read_weights(Column("weights", values, self._culprit("weight")))
            if len(self.weights) != len(self.smiles):
                raise ValueError(f"There are {len(self.weights)} weights for {len(self.smiles)} SMILES.")
        columns = _columns(labels, self.rows, task_names)
        self.task, self.labels = None, torch.empty(len(self.rows), 0)
        self._task_report: str | None = None
        if columns:
            self.task, self.labels, self._task_report = read_task(columns, task_type)
        spec = featurizers.featurizer(featurizer)
        self.featurizer, self.node_feats, self.edge_feats = spec.name, spec.node_feats, spec.edge_feats
        self.property_names = [column.name for column in properties]
        self.descriptor_names = [*(descriptor_names() if descriptors else []), *self.property_names]
        self._properties = torch.empty(len(self.smiles), 0, dtype=torch.float64)
        if properties:
            numbers = [torch.from_numpy(column.numbers()) for column in properties]
            self._properties = torch.stack(numbers, dim=1)
        self._cache_dir, self._limits = cache_dir, limits
        super().__init__(name)

    def _culprit(self, what: str) -> Callable[[int], str]:
        """Names a value of a row in messages."""
        return lambda i: f"The {what} of row {self.rows[i]}"

    @staticmethod
    def from_csv(
        path: str | PathLike[str],
        smiles_column: str,
        task_columns: Sequence[str] | None = (),
        featurizer: str = "canonical",
        cache_dir: str | PathLike[str] | None = None,
        descriptors: bool = False,
        task_type: str | None = None,
        limits: Limits = Limits(),
        splits_column: str | None = None,
        validation_csv: str | PathLike[str] | None = None,
        test_csv: str | PathLike[str] | None = None,
        weight_column: str | None = None,
        descriptors_columns: Sequence[str] = (),
    ) -> MoleculeDataset:
        r"""Data set from a CSV file, or from one for each part of a split.

        Parameters
        ----------
        path : str or Path
            A CSV file in UTF-8 with a header line, compressed if its name ends in ``.gz``.
        smiles_column : str
        task_columns : sequence of str
            Columns of targets; a cell is missing where it is empty or says NA, N/A, NaN, null or None.
            Default: no task.
        featurizer : str
            Default: ``"canonical"``.
        cache_dir : str or os.PathLike, optional
            Folder that keeps the graphs. Default: none.
        descriptors : bool, optional
            Whether rdkit's descriptors of the whole molecule come with each graph. Default: ``False``.
        task_type : str, optional
            ``"regression"``, ``"binary"`` or ``"classes"``. Default: from the values.
        limits : Limits, optional
            The largest molecule that is read; larger ones are dropped. Default: ``Limits()``.
        splits_column : str, optional
            The column that says which part a row is in: train, val or test, in any case. Default: none.
        validation_csv, test_csv : str or Path, optional
            Files with the same columns that hold these parts; ``path`` is the training part then. Default: none.
        weight_column : str, optional
            The column of weights, in the first file. Default: all weigh the same.
        descriptors_columns : sequence of str, optional
            Columns of measured properties. Default: none.

        Returns
        -------
        MoleculeDataset
            Its ``rows`` are line numbers of the file; the header is line 1. Of several files they are
            ``file:line``.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is no readable CSV, a column is missing, a target is not a finite number, a task has
            no value, or no molecule remains.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "molecules.csv")
        >>> _ = path.write_text("smiles,solubility\nCCO,1.1\n,0.2\nN,0.3\n")
        >>> dataset = MoleculeDataset.from_csv(path, "smiles", ["solubility"])
        >>> dataset.rows, dataset.drop_report()
        ([2, 4], '2 of 3 molecules kept, 1 dropped: 1 for empty SMILES (row 3).')
        """
        files = {
            part: file
            for part, file in (("train", path), ("validation", validation_csv), ("test", test_csv))
            if file is not None
        }
        tables = {
            part: (
                file,
                read_molecules(
                    file,
                    smiles_column,
                    list(task_columns or ()),
                    splits_column,
                    weight_column if part == "train" else None,
                    descriptors_columns,
                ),
            )
            for part, file in files.items()
        }
        check_targets(path, tables["train"][1].targets)
        table = join_tables(tables) if len(tables) > 1 else tables["train"][1]
        return MoleculeDataset(
            table.smiles,
            table.targets or None,
            featurizer,
            rows=table.rows,
            cache_dir=cache_dir,
            descriptors=descriptors,
            task_type=task_type,
            limits=limits,
            parts=table.parts,
            weights=table.weights,
            properties=table.properties,
        )

    def process(self) -> None:
        reasons = ["no label"] * len(self.smiles)
        labelled = list(range(len(self.smiles)))
        if self.task is not None:
            labelled = (~self.labels.isnan()).any(dim=1).nonzero().flatten().tolist()
        lacking = self._properties.isnan()
        for i in lacking.any(dim=1).nonzero().flatten().tolist():
            reasons[i] = f"no value in {self.property_names[int(lacking[i].nonzero()[0])]!r}"
        labelled = [i for i in labelled if not lacking[i].any()]
        graphs, found = smiles_to_graphs(
            [self.smiles[i] for i in labelled], self.featurizer, self._cache_dir, self._limits
        )
        for i, reason in zip(labelled, found):
            reasons[i] = reason
        self.graphs = [graph for graph in graphs if graph is not None]
        self.dropped = [Dropped(*record) for record in zip(self.rows, self.smiles, reasons) if record[2]]
        kept = [i for i, reason in enumerate(reasons) if not reason]
        self.smiles = [self.smiles[i].strip() for i in kept]
        self.rows = [self.rows[i] for i in kept]
        self.labels = self.labels[kept]
        self.parts = None if self.parts is None else [self.parts[i] for i in kept]
        self.weights = None if self.weights is None else self.weights[kept]
        if not kept:
            raise ValueError(f"No molecule remains: {self.drop_report()}")
        if self.task is not None:
            self.labels = self.task.labels(self.labels)
        self._properties = self._properties[kept]
        computed = self.descriptor_names[: len(self.descriptor_names) - len(self.property_names)]
        if computed:
            self.descriptors = smiles_to_descriptors(self.smiles, computed, self._cache_dir, self._limits)
        if self.property_names:
            given = [] if self.descriptors is None else [self.descriptors.double()]
            self.descriptors = torch.cat([*given, self._properties], dim=1)

    def content(self) -> list[Any]:
        weights = [] if self.weights is None else [self.weights.numpy()]
        properties = [self.property_names, self._properties.numpy()] if self.property_names else []
        return [*super().content(), self.smiles, self.dropped, *weights, *properties]

    def report(self) -> list[str]:
        lines = [self.drop_report(), self.duplicate_report(), self.alike_report()]
        if self._task_report:
            lines.append(self._task_report)
        lines.append(
            f"Features: {self.featurizer}, {self.node_feats} an atom and {self.edge_feats} a bond (--featurizer)."
        )
        computed = len(self.descriptor_names) - len(self.property_names)
        if computed:
            lines.append(f"Descriptors: {computed} of rdkit, of the whole molecule (--no-descriptors).")
        if self.property_names:
            low, high = self._properties.amin(dim=0).tolist(), self._properties.amax(dim=0).tolist()
            ranges = [
                f"{name!r} from {significant(least)} to {significant(most)}"
                for name, least, most in zip(self.property_names, low, high)
            ]
            lines.append(
                f"Measured properties: {', '.join(ranges)} (--descriptors-columns); predict needs them too."
            )
            same = [name for name, least, most in zip(self.property_names, low, high) if least == most]
            if same:
                lines.append(
                    f"Nothing is learned from {list_names(same)}: the value is the same in all rows, and others "
                    "have no part in predictions."
                )
        return lines

    def _subset(self, indices: np.ndarray) -> MoleculeDataset:
        subset: Any = super()._subset(indices)
        subset._properties = self._properties[indices]
        return subset

    def drop_report(self) -> str:
        """What was dropped and why, in one paragraph.

        Returns
        -------
        str
            Number of molecules and first rows for each reason.
        """
        rows_by_kind = defaultdict(list)
        for record in self.dropped:
            rows_by_kind[record.reason.partition(":")[0]].append(str(record.row))
        total = len(self.graphs) + len(self.dropped)
        report = f"{len(self.graphs)} of {total} molecules kept, {len(self.dropped)} dropped"
        kinds = [f"{len(rows)} for {kind} ({_list_rows(rows)})" for kind, rows in rows_by_kind.items()]
        return ": ".join([report, "; ".join(kinds)] if kinds else [report]) + "."

    @cached_property
    def duplicates(self) -> Sequence[Duplicate]:
        """Molecules that stand in several rows, found when it is first read."""
        return find_duplicates(self.smiles, self.labels, self.task_names, self.rows, self._limits)

    def duplicate_report(self) -> str:
        """Which molecules stand in several rows, and which of them have conflicting targets, in one paragraph.

        Returns
        -------
        str
            Number of molecules and first rows of each kind.

        Examples
        --------
        >>> dataset = MoleculeDataset(["CCO", "N", "OCC", "[NH3]"], [1.5, 0.5, 1.0, 0.5])
        >>> print(dataset.duplicate_report())
        2 molecules stand in 4 rows (rows 0, 2; rows 1, 3). 1 of them has targets that differ (rows 0, 2).
        All are kept. A random split may train on one and test on another, a scaffold split keeps them together.
        """
        if not self.duplicates:
            return "No molecule stands in several rows."
        count = len(self.duplicates)
        num_rows = sum(len(duplicate.rows) for duplicate in self.duplicates)
        report = (
            f"{count} {'molecule stands' if count == 1 else 'molecules stand'} in {num_rows} rows "
            f"({_list_duplicates(self.duplicates)}). "
        )
        conflicting = [duplicate for duplicate in self.duplicates if duplicate.conflicts]
        if conflicting:
            listed = _list_duplicates(conflicting, name_conflicts=len(self.task_names) > 1)
            verb = "has" if len(conflicting) == 1 else "have"
            report += f"{len(conflicting)} of them {verb} targets that differ ({listed})."
        elif self.task_names:
            report += "Their targets agree."
        return (
            f"{report.strip()}\nAll are kept. A random split may train on one and test on another, a scaffold "
            "split keeps them together."
        )

    @cached_property
    def alike(self) -> list[Alike]:
        """Different molecules that the features do not tell apart, found when it is first read."""
        return find_alike(self.smiles, self.graphs, self.labels, self.rows, self._limits)

    def alike_report(self) -> str:
        """Which different molecules the features do not tell apart, and which elements they do not know.

        Returns
        -------
        str
            Number of pairs and first rows of each kind.

        Examples
        --------
        >>> dataset = MoleculeDataset(["C[C@H](O)CC", "C[C@@H](O)CC", "Cl[Ru]Cl"], [1.5, 0.5, 1.0])
        >>> print(dataset.alike_report())
        1 pair of different molecules looks alike to canonical features (rows 0, 1).
        1 of them has targets that differ.
        canonical features have no type for Ru (1 molecule).
        """
        features, count = f"{self.featurizer} features", sum(group.pairs for group in self.alike)
        lines = [f"No two different molecules look alike to {features}."]
        if count:
            listed = [_list_rows([str(row) for row in group.rows]) for group in self.alike[:_LISTED_DUPLICATES]]
            listed += ["..."] * (len(self.alike) > _LISTED_DUPLICATES)
            pairs = "pair of different molecules looks" if count == 1 else "pairs of different molecules look"
            lines = [f"{count} {pairs} alike to {features} ({'; '.join(listed)})."]
            differing = sum(group.conflicts for group in self.alike)
            if differing:
                lines.append(f"{differing} of them {'has' if differing == 1 else 'have'} targets that differ.")
        if self._unknown_elements:
            counts = [
                f"{symbol} ({n} molecule{'s' * (n > 1)})" for symbol, n in sorted(self._unknown_elements.items())
            ]
            lines.append(f"{features} have no type for {', '.join(counts)}.")
        return "\n".join(lines)

    @cached_property
    def _unknown_elements(self) -> Counter[str]:
        return unknown_elements(self.smiles, featurizers.featurizer(self.featurizer).elements, self._limits)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}("{self.name}", num_graphs={len(self)}, '
            f"num_tasks={len(self.task_names)}, node_feats={self.node_feats}, "
            f"edge_feats={self.edge_feats})"
        )


def _columns(labels: Any, rows: Sequence[int], names: Sequence[str] | None) -> list[Column]:
    """Labels in any form as columns, one a target."""
    if isinstance(labels, list) and labels and isinstance(labels[0], Column):
        return labels
    matrix = np.empty((len(rows), 0)) if labels is None else np.asarray(labels)
    if matrix.dtype.kind in "biufO":
        matrix = _as_numbers(matrix)
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    if matrix.ndim != 2 or len(matrix) != len(rows):
        raise ValueError(
            f"labels have shape {np.shape(labels)} for {len(rows)} SMILES: the shape must be (n,) or (n, tasks)."
        )
    names = list(names or [f"task{i}" for i in range(matrix.shape[1])])
    if len(names) != matrix.shape[1]:
        raise ValueError(f"There are {len(names)} task names for {matrix.shape[1]} label columns.")
    return [Column(name, column, lambda i: f"A label of row {rows[i]}") for name, column in zip(names, matrix.T)]


def _as_numbers(matrix: np.ndarray) -> np.ndarray:
    """An array as float64, if it holds nothing but numbers and None."""
    try:
        return matrix.astype(np.float64)
    except (TypeError, ValueError):
        return matrix


def _list_duplicates(duplicates: Sequence[Duplicate], name_conflicts: bool = False) -> str:
    listed = [
        _list_rows([str(row) for row in duplicate.rows])
        + f" in {list_names(duplicate.conflicts)}" * name_conflicts
        for duplicate in duplicates[:_LISTED_DUPLICATES]
    ]
    return "; ".join(listed + ["..."] * (len(duplicates) > _LISTED_DUPLICATES))


def _list_rows(rows: Sequence[str]) -> str:
    listed = ", ".join(rows[:_LISTED_ROWS]) + ", ..." * (len(rows) > _LISTED_ROWS)
    return f"row{'s' * (len(rows) > 1)} {listed}"
