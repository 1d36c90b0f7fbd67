"""Embeddings of a file of molecules, in a file."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.format import write_array_header_1_0
from tqdm import tqdm

from dgl_memgnn.data import iterate_molecules
from dgl_memgnn.files import replacing
from dgl_memgnn.runs.prediction import (
    LISTED_FAILURES,
    PredictionCounts,
    Predictor,
    beside,
    check_target,
    csv_text,
    properties_of,
)

__all__ = ["EMBEDDING_FORMATS", "embed_csv"]

_Write = Callable[[pd.DataFrame, np.ndarray], None]


def embed_csv(
    predictor: Predictor,
    source: str | PathLike[str],
    target: str | PathLike[str],
    smiles_column: str | None = None,
    chunk_size: int = 1000,
    progress: bool = True,
    overwrite: bool = False,
) -> PredictionCounts:
    """Embed the molecules of a CSV file of any size, a piece at a time.

    Parameters
    ----------
    predictor : Predictor
        Of one network.
    source : str or os.PathLike
        As for :meth:`Predictor.predict_csv`.
    target : str or os.PathLike
        The file to write, whole or not at all. ``.csv`` (or ``.csv.gz``) and ``.parquet``: the columns of
        ``source``, then ``embedding0`` and so on, a column a dimension, then ``reason``, why a row has none.
        ``.npy``: an array of float32 of shape (n, D), a row a row of ``source``, NaN where there is none.
    smiles_column : str, optional
        The column of SMILES. Default: that of the training data.
    chunk_size : int, optional
        Number of molecules held in memory. Default: ``1000``.
    progress : bool, optional
        Whether to show a progress bar. Default: ``True``.
    overwrite : bool, optional
        Whether to replace ``target`` if it is there. Default: ``False``.

    Returns
    -------
    PredictionCounts

    Raises
    ------
    ValueError
        As :meth:`Predictor.predict_csv` and :meth:`Predictor.embed`; if the name of the target has another ending;
        or if the target is ``.parquet``, and the source has two columns of one name.
    FileExistsError, FileNotFoundError
        As :meth:`Predictor.predict_csv`.
    ModuleNotFoundError
        If the target is ``.parquet``, and pyarrow is not installed.
    """
    column = smiles_column or predictor.config.data.smiles_column
    source, target = Path(source), Path(target)
    check_target(source, target, overwrite, list(EMBEDDING_FORMATS))
    ending = next(ending for ending in EMBEDDING_FORMATS if target.name.lower().endswith(ending))
    total = predictor.count(source, iterate_molecules(source, column))
    dimensions = [f"embedding{i}" for i in range(predictor.config.model.hidden_feats)]
    failed = 0
    first_failures: list[tuple[Any, str]] = []
    renamed: dict[str, str] = {}
    with (
        replacing(target) as unfinished,
        EMBEDDING_FORMATS[ending](unfinished, (total, len(dimensions))) as write,
        tqdm(total=total, unit="molecule", disable=not progress) as bar,
    ):
        for piece in iterate_molecules(source, column, chunk_size):
            values, reasons = predictor.embed(piece.smiles, properties_of(source, piece, predictor.property_names))
            table = pd.DataFrame(values, columns=dimensions).assign(reason=reasons)
            table, renamed, failures = beside(piece, table)
            write(table, values)
            failed += len(failures)
            first_failures += failures[: LISTED_FAILURES - len(first_failures)]
            bar.update(len(table))
    return PredictionCounts(total, failed, first_failures, renamed)


@contextmanager
def _csv(path: Path, shape: tuple[int, int]) -> Iterator[_Write]:
    open_text: Any = gzip.open if path.suffix.lower() == ".gz" else open
    with open_text(path, "wt", newline="", encoding="utf-8") as file:
        first = True

        def write(table: pd.DataFrame, values: np.ndarray) -> None:
            nonlocal first
            file.write(csv_text(table, header=first))
            first = False

        yield write


@contextmanager
def _parquet(path: Path, shape: tuple[int, int]) -> Iterator[_Write]:
    try:
        import pyarrow
        from pyarrow.parquet import ParquetWriter
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'Parquet files need pyarrow: pip install "dgl-memgnn[parquet]", or write .csv or .npy.'
        ) from error
    writers: list[Any] = []
    try:

        def write(table: pd.DataFrame, values: np.ndarray) -> None:
            doubled = table.columns[table.columns.duplicated()]
            if len(doubled):
                raise ValueError(
                    f"{path.name} cannot have two columns {doubled[0]!r}: rename one, or write .csv or .npy."
                )
            rows = pyarrow.Table.from_pandas(table, preserve_index=False)
            if not writers:
                writers.append(ParquetWriter(path, rows.schema))
            writers[0].write_table(rows)

        yield write
    finally:
        for writer in writers:
            writer.close()


@contextmanager
def _npy(path: Path, shape: tuple[int, int]) -> Iterator[_Write]:
    with open(path, "wb") as file:  # not mapped: a full disk would end the process without a word
        write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})

        def write(table: pd.DataFrame, values: np.ndarray) -> None:
            file.write(np.ascontiguousarray(values, "<f4").tobytes())

        yield write


EMBEDDING_FORMATS = {".csv": _csv, ".csv.gz": _csv, ".parquet": _parquet, ".npy": _npy}
