"""Predictions of stored runs for new molecules."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterable, Iterator, Sequence
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

from dgl_memgnn.data import featurizer, iterate_molecules, nearest_similarity
from dgl_memgnn.data.chunks import map_ordered
from dgl_memgnn.data.descriptors import describe
from dgl_memgnn.data.molecule_arrays import MoleculeArrays, featurize
from dgl_memgnn.data.molecule_csv import MoleculePiece
from dgl_memgnn.files import check_new_file, replacing
from dgl_memgnn.run_files import FINGERPRINTS, check_beside_runs
from dgl_memgnn.runs.agreement import check_agreement, run_folders
from dgl_memgnn.runs.assembly import SIMILARITY, embed_for, takes_topology
from dgl_memgnn.runs.calibration import Calibration
from dgl_memgnn.runs.jobs import check_workers
from dgl_memgnn.runs.stored import StoredNetwork
from dgl_memgnn.tasks import Column

__all__ = ["PredictionCounts", "Predictor"]

LISTED_FAILURES = 5


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
    folders : list of Path
        The folders of the runs; empty if the networks are in none.
    names : list of str
        Names of the folders of the runs.
    networks : list of StoredNetwork
        The networks.
    task : Task
        What is predicted.
    task_names : list of str
        Names of the targets.
    property_names : list of str
        Measured properties that each molecule needs, see ``--descriptors-columns``.

    Raises
    ------
    FileNotFoundError
        If the folder holds no checkpoint, or a run in it is not finished.
    ValueError
        If a checkpoint is damaged or of a network for graphs other than molecules, or runs do not agree.
    """

    def __init__(self, run: str | PathLike[str]) -> None:
        self._run: Path | None = Path(run)
        folders = self.folders = run_folders(self._run)
        networks = [StoredNetwork(folder) for folder in folders]
        for folder, network in zip(folders, networks):
            if not network.for_molecules:
                raise ValueError(f"{folder} was trained on {network.config.data.dataset}, not on molecules.")
        check_agreement(folders, networks)
        self._take(networks, [folder.name for folder in folders])

    @classmethod
    def of_networks(cls, networks: Sequence[StoredNetwork]) -> Predictor:
        """A predictor of networks that are in no folder."""
        predictor = cls.__new__(cls)
        predictor._run, predictor.folders = None, []
        predictor._take(networks, [f"network{i}" for i in range(len(networks))])
        return predictor

    def _take(self, networks: Sequence[StoredNetwork], names: list[str]) -> None:
        self.networks, self.names, first = networks, names, networks[0]
        self.config, self.task, self.property_names = first.config, first.task, first.property_names
        self._descriptor_names = first.descriptor_names[: len(first.descriptor_names) - len(self.property_names)]

    @property
    def task_names(self) -> list[str]:
        """Names of the targets."""
        return self.task.names

    def predict(
        self,
        smiles: Sequence[str],
        properties: Sequence[Column] = (),
        interval: float | None = None,
        calibrate: bool = False,
        similarity: bool = False,
    ) -> pd.DataFrame:
        """Predict for molecules.

        Parameters
        ----------
        smiles : sequence of str
            SMILES of the molecules.
        properties : sequence of Column, optional
            The measured properties that the network was trained with, ``property_names``, in their order. A
            molecule without a number in one of them is not predicted.
        interval : float, optional
            Level of conformal intervals of regression: columns ``<task>_low`` and ``<task>_high`` hold an interval
            that covers this share of molecules drawn as the validation part was. Default: none.
        calibrate : bool, optional
            Whether probabilities are calibrated by the validation part. Default: ``False``.
        similarity : bool, optional
            Whether a column ``similarity_to_training`` holds the Tanimoto similarity of Morgan fingerprints to the
            nearest training molecule. Default: ``False``.

        Returns
        -------
        pandas.DataFrame
            A row a molecule, in their order, with ``reason``, why a molecule could not be predicted, in the last
            column; empty if it could. A column a task holds the target in its unit or the probability of class 1;
            of several classes, ``<task>`` holds the most probable one, and ``<task>_<class>`` the probability of
            each. Of several runs, these are means, and a column ``<column>_std`` after each holds the standard
            deviation over the runs.

        Raises
        ------
        ValueError
            If the properties are not those that the network was trained with, or what is asked for is not for the
            task, or not to be had from the validation part.
        FileNotFoundError
            If the fingerprints of the training part are missing.
        """
        smiles = _as_list(smiles)
        add_intervals = None if interval is None else self._calibration.intervals(interval)
        values, reasons = self.outputs(smiles, properties)
        prediction, spread = (
            None if part is None else part.numpy() for part in self.task.combine(torch.from_numpy(values))
        )
        assert prediction is not None
        if calibrate:
            prediction, spread = self._calibrated(prediction, values)
        table = self.task.columns(prediction, spread)
        if add_intervals is not None:
            table.update(add_intervals(prediction))
        if similarity:
            known = nearest_similarity(smiles, self._fingerprints, self.config.data.limits)
            table[SIMILARITY] = np.where([bool(reason) for reason in reasons], np.nan, known)
        return pd.DataFrame({**table, "reason": reasons})

    def _calibrated(self, mean: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The mean prediction, and the spread of those of the networks, all calibrated as the mean is."""
        every = np.concatenate([mean[None], values])
        calibrated = self._calibration.calibrate(every.reshape(-1, every.shape[-1])).reshape(every.shape)
        _, spread = self.task.combine(torch.from_numpy(calibrated[1:]))
        return calibrated[0], None if spread is None else spread.numpy()

    @cached_property
    def _calibration(self) -> Calibration:
        return Calibration.joint(self.task, [network.calibration for network in self.networks])

    @cached_property
    def _fingerprints(self) -> np.ndarray:
        """Those of the training molecules of all networks."""
        paths = [folder / FINGERPRINTS for folder in self.folders]
        for path in paths:
            if not path.is_file():
                raise FileNotFoundError(
                    f"There is no {path}, which the similarity needs: finish the run, or train again."
                )
        return np.unique(np.concatenate([np.load(path, allow_pickle=False) for path in paths]), axis=0)

    def outputs(self, smiles: Sequence[str], properties: Sequence[Column] = ()) -> tuple[np.ndarray, list[str]]:
        """Predictions of each network, of shape (networks, n, num_outputs), NaN where there is none, and why."""
        kept, molecules, reasons = self._read(smiles, properties)
        predicted = [network.predict(molecules).numpy() for network in self.networks] if kept else []
        shape = (len(self.networks), len(reasons), self.task.num_outputs)
        values = np.full(shape, np.nan, dtype=np.result_type(np.float32, *predicted))
        if kept:
            values[:, kept] = predicted
        return values, reasons

    def embed(self, smiles: Sequence[str], properties: Sequence[Column] = ()) -> tuple[np.ndarray, list[str]]:
        """Embed molecules.

        Parameters
        ----------
        smiles, properties
            As in :meth:`predict`.

        Returns
        -------
        ndarray of shape (n, D)
            float32: what the network pools each graph into, after the last memory layer; NaN where there is none.
        list of str
            Why a molecule has none; empty if it has.

        Raises
        ------
        ValueError
            If there are several networks, whose dimensions are not each other's, or one does not pool graphs.
        """
        if len(self.networks) > 1:
            raise ValueError(
                f"Embeddings are those of one network, and here are {', '.join(self.names)}: give one."
            )
        kept, molecules, reasons = self._read(smiles, properties)
        values = np.full((len(reasons), self.config.model.hidden_feats), np.nan, dtype=np.float32)
        if kept:
            values[kept] = self.networks[0].embed(molecules).float().numpy()
        return values, reasons

    def _read(
        self, smiles: Sequence[str], properties: Sequence[Column]
    ) -> tuple[list[int], _Molecules, list[str]]:
        """Which rows are molecules, these as networks take them, and for each row why it is none."""
        names = [column.name for column in properties]
        if names != self.property_names:
            raise ValueError(f"The network takes the properties {self.property_names}, got {names}.")
        smiles = _as_list(smiles)
        data, reasons = self.config.data, [_lacking(properties, row) for row in range(len(smiles))]
        complete = [row for row, reason in enumerate(reasons) if not reason]
        arrays, found = featurize([smiles[row] for row in complete], featurizer(data.featurizer), data.limits)
        for row, reason in zip(complete, found):
            reasons[row] = reason
        kept = [row for row, reason in enumerate(reasons) if not reason]
        molecules = _Molecules([smiles[row].strip() for row in kept], arrays)
        for network in self.networks:
            if kept and takes_topology(network.config):
                embed_for(network.config, molecules.graphs)
                break  # one embedding serves all
        parts = []
        if self._descriptor_names and kept:
            parts.append(torch.from_numpy(describe(molecules.smiles, self._descriptor_names, data.limits)))
        if self.property_names:
            measured = np.array([column.parsed[kept] for column in properties]).reshape(len(properties), len(kept))
            parts = [*(part.double() for part in parts), torch.from_numpy(measured.T.copy())]
        molecules.descriptors = torch.cat(parts, dim=1) if parts else None
        return kept, molecules, reasons

    def _no_properties(self) -> list[Column]:
        return [Column(name, [], str) for name in self.property_names]

    def count(self, source: Path, pieces: Iterable[MoleculePiece]) -> int:
        """Number of molecules of pieces of a CSV file; ValueError if it lacks something on the way."""
        total = 0
        for piece in pieces:
            properties_of(source, piece, self.property_names)
            total += len(piece.smiles)
        return total

    def predict_csv(
        self,
        source: str | PathLike[str],
        target: str | PathLike[str],
        smiles_column: str | None = None,
        chunk_size: int = 1000,
        progress: bool = True,
        overwrite: bool = False,
        interval: float | None = None,
        calibrate: bool = False,
        similarity: bool = False,
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
        interval, calibrate, similarity
            As in :meth:`predict`.
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
            If the source is no readable CSV or lacks a column, if the target is the source or a file of a
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
        check_workers(workers)
        if workers > 1 and self._run is None:
            raise ValueError("Networks that are in no folder predict with one worker.")
        index, shards = shard
        if not 1 <= index <= shards:
            raise ValueError(f"There is no shard {index}/{shards}: they are 1/{shards} to {shards}/{shards}.")
        check_target(source, target, overwrite, [".csv", ".csv.gz"])
        total = self.count(source, islice(iterate_molecules(source, column, chunk_size), index - 1, None, shards))
        self.predict([], self._no_properties(), interval, calibrate, similarity)  # tells what cannot be had
        renamed: dict[str, str] = {}
        failed = 0
        first_failures: list[tuple[int, str]] = []
        open_text = gzip.open if target.suffix.lower() == ".gz" else open
        options = {"interval": interval, "calibrate": calibrate, "similarity": similarity}
        predict = partial(self._predict_piece, source, options)
        if workers > 1 and self._run is not None:
            predict = partial(_predict_piece, str(self._run.absolute()), os.urandom(8), source, options)
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
                first_failures += predicted.first_failures[: LISTED_FAILURES - len(first_failures)]
                bar.update(predicted.total)
        return PredictionCounts(total, failed, first_failures, renamed)

    def _predict_piece(self, source: Path, options: dict[str, Any], piece: MoleculePiece) -> _PredictedPiece:
        try:
            properties = properties_of(source, piece, self.property_names)
            table = self.predict(piece.smiles, properties, **options)
        except Exception as error:
            raise RuntimeError(
                f"The molecules in lines {piece.rows[0]} to {piece.rows[-1]} could not be predicted: {error}"
            ) from error
        table, renamed, failures = beside(piece, table)
        header, rows = csv_text(table[:0], header=True), csv_text(table, header=False)
        return _PredictedPiece(header, rows, len(table), len(failures), failures[:LISTED_FAILURES], renamed)


class _PredictedPiece(NamedTuple):
    """What becomes of a piece of a file: text to write, and a count as in :class:`PredictionCounts`."""

    header: str
    rows: str
    total: int
    failed: int
    first_failures: list[tuple[int, str]]
    renamed: dict[str, str]


def _predict_piece(
    run: str, call: bytes, source: Path, options: dict[str, Any], piece: MoleculePiece
) -> _PredictedPiece:
    """Predict for a piece in a process of its own."""
    return _loaded(run, call)._predict_piece(source, options, piece)


@lru_cache(maxsize=1)
def _loaded(run: str, call: bytes) -> Predictor:
    """The predictor of a process, loaded anew in each call of predict_csv."""
    torch.set_num_threads(1)
    return Predictor(run)


def _lines_of(source: Path, piece: MoleculePiece) -> str:
    return f"lines {piece.rows[0]} to {piece.rows[-1]} of {source}"


def properties_of(source: Path, piece: MoleculePiece, names: Sequence[str]) -> list[Column]:
    """The columns of measured properties of a piece of a file; ValueError if one is missing or no number."""
    option = "the network was trained with it, --descriptors-columns"
    columns = [piece.column(source, name, option) for name in names]
    for column in columns:
        column.numbers()
    return columns


def _lacking(properties: Sequence[Column], row: int) -> str:
    """Why a row cannot be predicted for want of a property; empty if it can."""
    return next((f"no value in {column.name!r}" for column in properties if np.isnan(column.parsed[row])), "")


def beside(
    piece: MoleculePiece, table: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, str], list[tuple[int, str]]]:
    """A table beside the columns of its piece; which of it are called otherwise; which rows failed, and why."""
    renamed = _clashing(list(table.columns), piece.header)
    own = pd.DataFrame(piece.records, columns=piece.header)
    failures = [(row, reason) for row, reason in zip(piece.rows, table["reason"]) if reason]
    return pd.concat([own, table.rename(columns=renamed)], axis=1), renamed, failures


def csv_text(table: pd.DataFrame, header: bool) -> str:
    """A table as CSV; its text in quotes where it holds a carriage return, which Python leaves bare."""
    text: str = table.to_csv(index=False, header=header)
    return table.to_csv(index=False, header=header, quoting=csv.QUOTE_NONNUMERIC) if "\r" in text else text


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


def _as_list(smiles: Iterable[str]) -> list[str]:
    """In their order, whatever index they have; ValueError if they are a single text."""
    if isinstance(smiles, str):
        raise ValueError(f"SMILES must be a sequence of texts, got the text {smiles!r}: give [{smiles!r}].")
    return list(smiles)


def check_target(source: Path, target: Path, overwrite: bool, endings: Sequence[str]) -> None:
    """Refuse a file that could not be written in the end, or should not."""
    if target.is_dir():
        raise ValueError(f"{target} is a folder: give a file to write.")
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f"{target} would replace the file of molecules: give another file to write.")
    check_beside_runs(target)
    check_new_file(target, overwrite, endings)
