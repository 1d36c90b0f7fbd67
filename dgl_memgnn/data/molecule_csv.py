"""SMILES and targets out of a CSV file."""
import gzip
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

_MISSING = ["", "na", "n/a", "#n/a", "nan", "null", "none"]
_LISTED_COLUMNS = 30


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
    cells = _cells(Path(path))
    header = cells.iloc[0].str.strip().tolist()
    body = cells.iloc[1:]
    if body.empty:
        raise ValueError(f"{path} holds a header but no molecule.")
    smiles = body[_column(path, header, smiles_column, "smiles_column, --smiles-column")].tolist()
    targets = [_targets(path, name, body[_column(path, header, name, "task_columns, --tasks")])
               for name in task_columns]
    labels = np.stack(targets, axis=1) if targets else np.empty((len(smiles), 0), np.float32)
    return MoleculeTable(smiles, labels, list(range(2, len(smiles) + 2)))


def _cells(path):
    """All cells as strings, header included: pandas is to guess nothing and to skip nothing."""
    try:
        # An open file, because pandas would take a path that looks like an address for one.
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            return pd.read_csv(file, header=None, dtype=str, na_filter=False, skip_blank_lines=False,
                               encoding="utf-8-sig")
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
    listed = ", ".join(map(repr, header[:_LISTED_COLUMNS]))
    if len(header) > _LISTED_COLUMNS:
        listed += f" and {len(header) - _LISTED_COLUMNS} more"
    raise ValueError(f"{path} has no column {name!r} ({option}): its columns are {listed}.")


def _targets(path, name, column):
    text = column.str.strip()
    missing = text.str.lower().isin(_MISSING).to_numpy()
    if missing.all():
        raise ValueError(f"{path}: the target {name!r} has no value in any row.")
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(np.float64, copy=True)
    numbers[missing] = np.nan
    bad = ~missing & ~(np.abs(numbers) <= np.finfo(np.float32).max)
    if bad.any():
        row = int(bad.argmax())
        problem = "is not a number" if np.isnan(numbers[row]) else "is infinite (in 32 bits)"
        raise ValueError(f"{path}, line {row + 2}, column {name!r}: {text.iloc[row]!r} {problem}; "
                         "leave the cell empty if the value is missing.")
    return numbers.astype(np.float32)
