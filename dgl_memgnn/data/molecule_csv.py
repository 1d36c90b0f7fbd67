"""SMILES and targets out of a CSV file."""
import gzip
import zlib
from itertools import chain
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
        Line of the file for each molecule; the header is line 1.
    """

    smiles: list
    labels: np.ndarray
    rows: list


def read_molecules(path, smiles_column, task_columns=()):
    r"""Read SMILES and numeric targets from a CSV file.

    A target is missing where its cell is empty or says NA, N/A, #N/A, NaN, null or None in any case. SMILES
    are never taken for missing values. Line numbers suppose that no cell contains a line break.

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
    pieces = _cells(path, chunk_size)
    header = next(pieces)
    smiles_position = _column(path, header, smiles_column, "smiles_column, --smiles-column")
    positions = [_column(path, header, name, "task_columns, --tasks") for name in task_columns]
    for cells in pieces:
        labels = np.empty((len(cells), len(positions)), np.float32)
        for i, position in enumerate(positions):
            labels[:, i] = _targets(path, task_columns[i], cells[position])
        yield MoleculeTable(cells[smiles_position].tolist(), labels, (cells.index + 1).tolist())


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
    pieces = _cells(path)
    header = next(pieces)
    text, has_value = {_column(path, header, smiles_column, "smiles_column, --smiles-column")}, set()
    for cells in pieces:
        for position in set(range(len(header))) - text:
            try:
                if not np.isnan(_targets(path, header[position], cells[position])).all():
                    has_value.add(position)
            except ValueError:
                text.add(position)
    return [header[position] for position in sorted(has_value - text)]


def _cells(path, chunk_size=1000):
    """The header, then all other cells as strings, piece by piece, with an index that counts lines from 0.

    pandas is to guess nothing and to skip nothing.
    """
    try:
        # An open file, because pandas would take a path that looks like an address for one.
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            pieces = pd.read_csv(file, header=None, dtype=str, na_filter=False, skip_blank_lines=False,
                                 encoding="utf-8-sig", chunksize=chunk_size)
            yield pieces.get_chunk(1).iloc[0].str.strip().tolist()
            cells = None
            for cells in pieces:
                yield cells
            if cells is None:
                raise ValueError(f"{path} holds a header but no molecule.")
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{path} is empty: it needs a header line and a line for each molecule.") from error
    except pd.errors.ParserError as error:
        raise ValueError(f"{path} is not a comma-separated table: {error}".strip()) from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error}): save it as CSV in UTF-8.") from error
    except FileNotFoundError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read ({error}): copy or download it again.") from error


def _column(path, header, name, option):
    """Position of a column."""
    if header.count(name) == 1:
        return header.index(name)
    if name in header:
        raise ValueError(f"{path} has {header.count(name)} columns {name!r} ({option}): rename all but one.")
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        delimiter = "semicolons" if ";" in header[0] else "tabs"
        raise ValueError(f"{path} has no column {name!r}: it is separated by {delimiter}, {header[0]!r}; "
                         "save it with commas.")
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


def _targets(path, name, column):
    text = column.str.strip()
    missing = text.str.lower().isin(_MISSING).to_numpy()
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(np.float64, copy=True)
    numbers[missing] = np.nan
    bad = ~missing & ~(np.abs(numbers) <= np.finfo(np.float32).max)
    if bad.any():
        row = int(bad.argmax())
        problem = "is not a number" if np.isnan(numbers[row]) else "is infinite (in 32 bits)"
        raise ValueError(f"{path}, line {text.index[row] + 1}, column {name!r}: {text.iloc[row]!r} {problem}; "
                         "leave the cell empty if the value is missing.")
    return numbers.astype(np.float32)
