"""Predictions of stored runs for new molecules."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import dgl
import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from dgl_memgnn.data import featurizer, iterate_molecules
from dgl_memgnn.data.chunks import map_ordered
from dgl_memgnn.data.descriptors import describe
from dgl_memgnn.data.molecule_arrays import MoleculeArrays, featurize
from dgl_memgnn.data.molecule_csv import MoleculePiece
from dgl_memgnn.files import replacing
from dgl_memgnn.runs.assembly import embed_for, embedding_of, takes_topology
from dgl_memgnn.runs.run import FILES, STATE
from dgl_memgnn.runs.stored import CHECKPOINT, StoredNetwork

__all__ = ["PredictionCounts", "Predictor"]

_LISTED_FAILURES = 5


class PredictionCounts(NamedTuple):
    """What :meth:`Predictor.predict_csv` has written.

    Parameters
    ----------
    total : int
        Number of molecules.
    failed : int
        How many of them could not be predicted.
    first_failures : list of (int, str)
        Line of the source and reason of the first of those.
    renamed : dict
        Columns of predictions whose names the source has too, and the names that they were given instead.
    """

    total: int
    failed: int
    first_failures: list[tuple[int, str]]
    renamed: dict[str, str]


class Predictor:
    r"""A trained network, or several with the mean of their predictions, loaded from the folder of the runs

    Parameters
    ----------
    run : str or os.PathLike
        A folder that ``dgl-memgnn train`` or ``dgl-memgnn benchmark`` filled: of a run, or of the folders of
        finished runs that agree in tasks and features.

    Attributes
    ----------
    names : list of str
        Names of the folders of the runs.
    task : Task
        What is predicted.
    task_names : list of str
        Names of the targets.

    Raises
    ------
    FileNotFoundError
        If the folder holds no checkpoint, or a run in it is not finished.
    ValueError
        If a checkpoint is damaged or of a network for graphs other than molecules, or runs do not agree.
    """

    def __init__(self, run: str | PathLike[str]) -> None:
        self._run = Path(run)
        folders = self._folders = _run_folders(self._run)
        self.names = [folder.name for folder in folders]
        self._networks = [StoredNetwork(folder) for folder in folders]
        for folder, network in zip(folders, self._networks):
            if not network.for_molecules:
                raise ValueError(f"{folder} was trained on {network.config.data.dataset}, not on molecules.")
        _check_agreement(folders, self._networks)
        first = self._networks[0]
        self.config, self.task, self._descriptor_names = first.config, first.task, first.descriptor_names

    @property
    def task_names(self) -> list[str]:
        return self.task.names

    def predict(self, smiles: Sequence[str]) -> pd.DataFrame:
        """Predict for molecules.

        Parameters
        ----------
        smiles : sequence of str
            SMILES of the molecules.

        Returns
        -------
        pandas.DataFrame
            A row a molecule, in their order, with ``reason``, why a molecule could not be predicted, in the last
            column; empty if it could. A column a task holds the target in its unit or the probability of class 1;
            of several classes, ``<task>`` holds the most probable one, and ``<task>_<class>`` the probability of
            each. Of several runs, these are means, and a column ``<column>_std`` after each holds the standard
            deviation over the runs.
        """
        molecules, reasons = self._read(list(smiles))
        kept = [row for row, reason in enumerate(reasons) if not reason]
        predicted = [network.predict(molecules).numpy() for network in self._networks] if kept else []
        shape = (len(self._networks), len(reasons), self.task.num_outputs)
        values = np.full(shape, np.nan, dtype=np.result_type(np.float32, *predicted))
        if kept:
            values[:, kept] = predicted
        spread = values.std(axis=0) if len(self._networks) > 1 else None
        return pd.DataFrame({**self.task.columns(values.mean(axis=0), spread), "reason": reasons})

    def _read(self, smiles: list[str]) -> tuple[_Molecules, list[str]]:
        """Those that are molecules, as networks take them, and for each of all why it is none."""
        data = self.config.data
        arrays, reasons = featurize(smiles, featurizer(data.featurizer), data.limits)
        kept = [text.strip() for text, reason in zip(smiles, reasons) if not reason]
        molecules = _Molecules(kept, arrays)
        for network in self._networks:
            if takes_topology(network.config):
                embed_for(network.config, molecules.graphs)
                break  # one embedding serves all
        if self._descriptor_names and kept:
            molecules.descriptors = torch.from_numpy(describe(kept, self._descriptor_names, data.limits))
        return molecules, reasons

    def predict_csv(
        self,
        source: str | PathLike[str],
        target: str | PathLike[str],
        smiles_column: str | None = None,
        chunk_size: int = 1000,
        progress: bool = True,
        overwrite: bool = False,
        workers: int = 1,
        shard: tuple[int, int] = (1, 1),
    ) -> PredictionCounts:
        """Predict for a CSV file of molecules of any size, a piece at a time.

        Parameters
        ----------
        source : str or os.PathLike
            A CSV file with a column of SMILES, compressed if its name ends in ``.gz``. It is checked to the
            end before the first prediction.
        target : str or os.PathLike
            The CSV file to write, compressed if its name ends in ``.gz``: the columns of ``source`` as they are,
            then those of :meth:`predict`, row by row. Where ``source`` has a column of the same name, that of the
            prediction is called ``<name>_predicted``. It is written whole or not at all.
        smiles_column : str, optional
            The column of SMILES. Default: that of the training data.
        chunk_size : int, optional
            Number of molecules held in memory. Default: ``1000``.
        progress : bool, optional
            Whether to show a progress bar. Default: ``True``.
        overwrite : bool, optional
            Whether to replace ``target`` if it is there. Default: ``False``.
        workers : int, optional
            Number of processes that share the pieces, with a thread each. Rows keep their order. Default: ``1``,
            this process.
        shard : (int, int), optional
            ``(3, 16)`` predicts the third of every sixteen pieces, and no others. The shards, put one after the
            other from the first on, are one CSV file, since the first alone has the header; its rows are ordered
            within each shard. Default: ``(1, 1)``, all.

        Returns
        -------
        PredictionCounts
            Of the shard.

        Raises
        ------
        ValueError
            If the source is no readable CSV or lacks the column, if the target is the source or a file of the
            run, or if there is no such shard or number of workers.
        ChildProcessError
            If one of the workers died.
        FileExistsError
            If the target is there, without ``overwrite``.
        FileNotFoundError
            If there is no source, or no folder for the target.
        """
        column = smiles_column or self.config.data.smiles_column
        source, target = Path(source), Path(target)
        if workers < 1:
            raise ValueError(f"The number of workers must be at least 1, got {workers}.")
        index, shards = shard
        if not 1 <= index <= shards:
            raise ValueError(f"There is no shard {index}/{shards}: they are 1/{shards} to {shards}/{shards}.")
        _check_target(source, target, self._folders, overwrite)
        pieces = islice(iterate_molecules(source, column, chunk_size), index - 1, None, shards)
        total = sum(len(piece.smiles) for piece in pieces)
        renamed: dict[str, str] = {}
        failed = 0
        first_failures: list[tuple[int, str]] = []
        open_text = gzip.open if target.suffix == ".gz" else open
        predict = self._predict_piece
        if workers > 1:
            predict = partial(_predict_piece, str(self._run.absolute()), os.urandom(8))
        pieces = islice(iterate_molecules(source, column, chunk_size), index - 1, None, shards)
        with (
            replacing(target) as unfinished,
            open_text(unfinished, "wt", newline="", encoding="utf-8") as file,
            tqdm(total=total, unit="molecule", disable=not progress) as bar,
        ):
            named = partial(_lines_of, source)
            for i, predicted in enumerate(map_ordered(predict, pieces, workers, named)):
                if i == 0 and index == 1:
                    file.write(predicted.header)
                file.write(predicted.rows)
                renamed = predicted.renamed
                failed += predicted.failed
                first_failures += predicted.first_failures[: _LISTED_FAILURES - len(first_failures)]
                bar.update(predicted.total)
        return PredictionCounts(total, failed, first_failures, renamed)

    def _predict_piece(self, piece: MoleculePiece) -> _PredictedPiece:
        try:
            table = self.predict(piece.smiles)
        except Exception as error:
            raise RuntimeError(
                f"The molecules in lines {piece.rows[0]} to {piece.rows[-1]} could not be predicted: {error}"
            ) from error
        failures = [(line, reason) for line, reason in zip(piece.rows, table["reason"]) if reason]
        renamed = _clashing(list(table.columns), piece.header)
        own = pd.DataFrame(piece.records, columns=piece.header)
        table = pd.concat([own, table.rename(columns=renamed)], axis=1)
        header, rows = table[:0].to_csv(index=False), table.to_csv(index=False, header=False)
        return _PredictedPiece(header, rows, len(table), len(failures), failures[:_LISTED_FAILURES], renamed)


class _PredictedPiece(NamedTuple):
    """What becomes of a piece of a file: text to write, and a count as in :class:`PredictionCounts`."""

    header: str
    rows: str
    total: int
    failed: int
    first_failures: list[tuple[int, str]]
    renamed: dict[str, str]


def _predict_piece(run: str, call: bytes, piece: MoleculePiece) -> _PredictedPiece:
    """Predict for a piece in a process of its own."""
    return _loaded(run, call)._predict_piece(piece)


@lru_cache(maxsize=1)
def _loaded(run: str, call: bytes) -> Predictor:
    """The predictor of a process, loaded anew in each call of predict_csv."""
    torch.set_num_threads(1)
    return Predictor(run)


def _lines_of(source: Path, piece: MoleculePiece) -> str:
    return f"lines {piece.rows[0]} to {piece.rows[-1]} of {source}"


def _clashing(names: Sequence[Any], header: list[str]) -> dict[str, str]:
    """New names for columns of predictions that a file has already."""
    renamed: dict[str, str] = {}
    taken = {*names, *header}
    for name in names:
        free = name
        while free in header or free != name and free in taken:
            free += "_predicted"
        if free != name:
            renamed[name] = free
            taken.add(free)
    return renamed


@dataclass
class _Molecules:
    """Molecules without labels, as a learner takes them."""

    smiles: list[str]
    arrays: MoleculeArrays
    descriptors: Tensor | None = None

    @cached_property
    def graphs(self) -> list[dgl.DGLGraph]:
        """A graph a molecule, for what cannot do with batches."""
        return list(self.arrays.graphs())

    def batches(self, size: int) -> Iterator[tuple[Any, ...]]:
        """Batched graphs and, where there are any, their descriptors."""
        starts = range(0, len(self), size)
        batches = self.arrays.batches(size)
        if "graphs" in vars(self):  # they may have been embedded
            batches = (dgl.batch(self.graphs[start : start + size]) for start in starts)
        for start, batch in zip(starts, batches):
            yield (batch,) if self.descriptors is None else (batch, self.descriptors[start : start + size])

    def __len__(self) -> int:
        return len(self.smiles)

    def __getitem__(self, i: int) -> tuple[Any, ...]:
        described = () if self.descriptors is None else (self.descriptors[i],)
        return (self.graphs[i], None, *described)


def _check_agreement(folders: Sequence[Path], networks: Sequence[StoredNetwork]) -> None:
    """ValueError if there is no mean of the networks' predictions, naming what they differ in."""
    first = _contract(networks[0])
    for folder, network in zip(folders, networks):
        for what, value in _contract(network).items():
            if value != first[what]:
                raise ValueError(
                    f"{folders[0]} and {folder} differ in {what}, {_differing(first[what], value)}, so there is "
                    "no mean of their predictions: give one of them."
                )


def _differing(first: Any, second: Any) -> str:
    """Two values; of long lists, what only one of them has."""
    if isinstance(first, list) and isinstance(second, list) and len(first) + len(second) > _LISTED_FAILURES:
        only = [[item for item in a if item not in b] for a, b in ((first, second), (second, first))]
        return (
            f"{len(first)} and {len(second)}: of these the first alone has {_some(only[0])}, the second alone "
            f"{_some(only[1])}"
        )
    return f"{first!r} and {second!r}"


def _some(names: list[Any]) -> str:
    listed = ", ".join(map(repr, names[:_LISTED_FAILURES]))
    return listed + f" and {len(names) - _LISTED_FAILURES} more" * (len(names) > _LISTED_FAILURES) or "none"


def _contract(network: StoredNetwork) -> dict[str, Any]:
    data = network.config.data
    return {
        "tasks": network.task.names,
        "kind of task": network.task.task_type,
        "task": network.task.arguments,
        "featurizer": data.featurizer,
        "embedding": (data.embedding, data.embedding_width),
        "continue_prob": getattr(embedding_of(data), "continue_prob", None),
        "descriptors": network.descriptor_names,
        "limits": tuple(data.limits),
        "data": network.digest[:12],
    }


def _run_folders(run: Path) -> list[Path]:
    """The folder itself if it is of a run, otherwise those of the finished runs in it."""
    if (run / CHECKPOINT).is_file():
        return [run]
    folders = sorted(path.parent for path in run.glob("*/config.yaml"))
    for folder in folders:
        if not ((folder / CHECKPOINT).is_file() and (folder / "metrics.json").is_file()):
            raise FileNotFoundError(f"{folder} is not finished. Finish it (dgl-memgnn benchmark), or remove it.")
    if not folders:
        raise FileNotFoundError(
            f"{run} holds no checkpoint.pt, nor do its folders. Give the folder of a finished run, or of several."
        )
    return folders


def _check_target(source: Path, target: Path, runs: Sequence[Path], overwrite: bool) -> None:
    """Refuse a file that could not be written in the end, or should not."""
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {target.parent} to write {target.name} in.")
    if target.is_dir():
        raise ValueError(f"{target} is a folder: give a file to write.")
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f"{target} would replace the file of molecules: give another file to write.")
    for run in runs:
        if target.resolve() in [(run / name).resolve() for name in (*FILES, STATE)]:
            raise ValueError(f"{target} is a file of the run {run}: give another file to write.")
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target} is there already: give another file, or replace it with --overwrite.")
