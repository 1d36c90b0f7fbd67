"""SMILES and targets out of a CSV file."""

import csv
import gzip
import zlib
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

_MISSING = ["", "na", "n/a", "#n/a", "nan", "null", "none"]
_LISTED_NAMES = 30


class MoleculeTable(NamedTuple):
    """The columns of a file that a data set of molecules is made of.

    Parameters
    ----------
    smiles : list of str
        As they stand in the file.
    labels : ndarray of shape (n, T)
        float32; NaN where a target is missing.
    rows : list of int
        Line of the file on which each molecule's row starts; the header is line 1.
    """

    smiles: list
    labels: np.ndarray
    rows: list


def read_molecules(path, smiles_column, task_columns=()):
    r"""Read SMILES and numeric targets from a CSV file.

    A target is missing where its cell is empty or says NA, N/A, #N/A, NaN, null or None in any case. SMILES
    are never taken for missing values.

    Parameters
    ----------
    path : str or Path
        A local file in UTF-8, compressed if its name ends in ``.gz``.
    smiles_column : str
    task_columns : sequence of str, optional
        Default: none.

    Returns
    -------
    MoleculeTable

    Raises
    ------
    ValueError
        If the file is no readable CSV, a column is missing or listed twice, or a target is not a finite
        number.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "molecules.csv")
    >>> _ = path.write_text("name,smiles,y\nammonia,N,1.5\nethanol,CCO,NA\n")
    >>> table = read_molecules(path, "smiles", ["y"])
    >>> table.smiles, table.labels.tolist(), table.rows
    (['N', 'CCO'], [[1.5], [nan]], [2, 3])
    """
    tables = list(iterate_molecules(path, smiles_column, task_columns))
    smiles, labels, rows = zip(*tables)
    labels = np.concatenate(labels)
    for name, column in zip(task_columns, labels.T):
        if np.isnan(column).all():
            raise ValueError(f"{path}: the target {name!r} has no value in any row.")
    return MoleculeTable(list(chain(*smiles)), labels, list(chain(*rows)))


def iterate_molecules(path, smiles_column, task_columns=(), chunk_size=1000):
    r"""Read a CSV file of any size, a piece at a time, as :func:`read_molecules` reads the whole.

    Parameters
    ----------
    path : str or Path
    smiles_column : str
    task_columns : sequence of str, optional
        A task may lack all values. Default: none.
    chunk_size : int, optional
        Number of molecules in a piece. Default: ``1000``.

    Yields
    ------
    MoleculeTable
        The next molecules; at least one.

    Raises
    ------
    ValueError
        As :func:`read_molecules`, on coming to the place.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "molecules.csv")
    >>> _ = path.write_text("smiles\nN\nCCO\nC\n")
    >>> [(table.smiles, table.rows) for table in iterate_molecules(path, "smiles", chunk_size=2)]
    [(['N', 'CCO'], [2, 3]), (['C'], [4])]
    """
    path = Path(path)
    pieces = _pieces(path, chunk_size)
    header = next(pieces)
    smiles_position = _column(path, header, smiles_column, "smiles_column, --smiles-column")
    positions = [_column(path, header, name, "task_columns, --tasks") for name in task_columns]
    for lines, cells in pieces:
        labels = np.empty((len(cells), len(positions)), np.float32)
        for i, position in enumerate(positions):
            labels[:, i] = _targets(path, task_columns[i], lines, [row[position] for row in cells])
        yield MoleculeTable([row[smiles_position] for row in cells], labels, list(lines))


def numeric_columns(path, smiles_column):
    r"""Columns of a CSV file that could be targets: each cell is a number or missing, and not all are missing.

    Parameters
    ----------
    path : str or Path
    smiles_column : str
        Never among them.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If the file is no readable CSV, or there is no such column of SMILES.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "molecules.csv")
    >>> _ = path.write_text("name,smiles,pKa,note\nammonia,N,9.25,\nethanol,CCO,NA,\n")
    >>> numeric_columns(path, "smiles")
    ['pKa']
    """
    path = Path(path)
    pieces = _pieces(path)
    header = next(pieces)
    text, has_value = {_column(path, header, smiles_column, "smiles_column, --smiles-column")}, set()
    for lines, cells in pieces:
        for position in set(range(len(header))) - text:
            try:
                if not np.isnan(_targets(path, header[position], lines, [row[position] for row in cells])).all():
                    has_value.add(position)
            except ValueError:
                text.add(position)
    return [header[position] for position in sorted(has_value - text)]


def _pieces(path, chunk_size=1000):
    """The header, then all other rows, piece by piece: their lines, and their cells as strings, none missing."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8-sig", newline="") as file:
            rows = _rows(path, csv.reader(file, strict=True))
            header = [name.strip() for name in next(rows, (1, []))[1]]
            if not header:
                raise ValueError(
                    f"{path} is empty, or its first line is: it needs a header line and a line for each molecule."
                )
            yield header
            lines = None
            while piece := list(islice(rows, chunk_size)):
                lines, cells = zip(*piece)
                for line, row in piece:
                    if len(row) > len(header):
                        raise ValueError(
                            f"{path} is not a comma-separated table: there are {len(row)} cells in "
                            f"line {line}, and {len(header)} in the header."
                        )
                    row += [""] * (len(header) - len(row))
                yield lines, cells
            if lines is None:
                raise ValueError(f"{path} holds a header but no molecule.")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error}): save it as CSV in UTF-8.") from error
    except FileNotFoundError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read ({error}): copy or download it again.") from error


def _rows(path, reader):
    """Each row with the line on which it starts."""
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{path} is not a comma-separated table: {error} in the row that starts in line {line}."
        ) from error


def _column(path, header, name, option):
    """Position of a column."""
    if header.count(name) == 1:
        return header.index(name)
    if name in header:
        raise ValueError(f"{path} has {header.count(name)} columns {name!r} ({option}): rename all but one.")
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        delimiter = "semicolons" if ";" in header[0] else "tabs"
        raise ValueError(
            f"{path} has no column {name!r}: it is separated by {delimiter}, {header[0]!r}; save it with commas."
        )
    raise ValueError(f"{path} has no column {name!r} ({option}): its columns are {list_names(header)}.")


def list_names(names):
    """Names as a sentence holds them, the first of many.

    Examples
    --------
    >>> list_names(["pKa", "logP"])
    "'pKa', 'logP'"
    """
    listed = ", ".join(map(repr, names[:_LISTED_NAMES]))
    return listed + f" and {len(names) - _LISTED_NAMES} more" * (len(names) > _LISTED_NAMES)


def _targets(path, name, lines, cells):
    text = pd.Series(cells, dtype=str).str.strip()
    missing = text.str.lower().isin(_MISSING).to_numpy()
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(np.float64, copy=True)
    numbers[missing] = np.nan
    bad = ~missing & ~(np.abs(numbers) <= np.finfo(np.float32).max)
    if bad.any():
        row = int(bad.argmax())
        problem = "is not a number" if np.isnan(numbers[row]) else "is infinite (in 32 bits)"
        raise ValueError(
            f"{path}, line {lines[row]}, column {name!r}: {text.iloc[row]!r} {problem}; "
            "leave the cell empty if the value is missing."
        )
    return numbers.astype(np.float32)
