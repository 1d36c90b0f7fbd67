"""SMILES and targets out of a CSV file."""

from __future__ import annotations

import csv
import gzip
import os
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import torch
from torch import Tensor

from dgl_memgnn.data.given_parts import read_parts
from dgl_memgnn.tasks import Column, read_weights
from dgl_memgnn.wording import list_names, shortened

_DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon"}
_LARGEST_CELL = 2**31 - 1  # characters; the default of the csv module, 131,072, is less than a structure file


class MoleculeTable(NamedTuple):
    """The columns of a file that a data set of molecules is made of.

    Parameters
    ----------
    smiles : list of str
        As they stand in the file.
    targets : list of Column
        The columns of targets; what is wrong with a value is told with its line.
    rows : list of int
        Line of the file on which each molecule's row starts; the header is line 1.
    parts : list of str, optional
        The part of a split that each molecule is in, if that was asked for.
    weights : Tensor, optional
        The weight of each molecule, if that was asked for.
    properties : sequence of Column
        The columns of measured properties.
    """

    smiles: list[str]
    targets: list[Column]
    rows: list[Any]
    parts: list[str] | None = None
    weights: Tensor | None = None
    properties: Sequence[Column] = ()


class MoleculePiece(NamedTuple):
    """Some consecutive molecules of a file.

    Parameters
    ----------
    header : list of str
        Names of all columns.
    records : list of list of str
        The cells of each molecule's row, as they stand in the file, as many as the header has.
    smiles : list of str
        Those of the column of SMILES.
    rows : list of int
        Line of the file on which each molecule's row starts; the header is line 1.
    """

    header: list[str]
    records: list[list[str]]
    smiles: list[str]
    rows: list[int]

    def column(self, path: str | os.PathLike[str], name: str, option: str) -> Column:
        """The cells of another column; the file and the option that asks for it are named in messages."""
        position = _column(path, self.header, name, option)
        return _target(path, name, [record[position] for record in self.records], self.rows)


def read_molecules(
    path: str | os.PathLike[str],
    smiles_column: str,
    task_columns: Sequence[str] = (),
    splits_column: str | None = None,
    weight_column: str | None = None,
    descriptors_columns: Sequence[str] = (),
) -> MoleculeTable:
    r"""Read SMILES and targets from a CSV file.

    SMILES are never taken for missing values.

    Parameters
    ----------
    path : str or Path
        A local file in UTF-8, compressed if its name ends in ``.gz``.
    smiles_column : str
    task_columns : sequence of str, optional
        Default: none.
    splits_column : str, optional
        The column that says train, val or test. Default: none.
    weight_column : str, optional
        The column of weights. Default: none.
    descriptors_columns : sequence of str, optional
        Columns of measured properties. Default: none.

    Returns
    -------
    MoleculeTable

    Raises
    ------
    ValueError
        If the file is no readable CSV, a column is missing or listed twice, no target has a value, a property has
        none, or a row is in no part or has no weight.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "molecules.csv")
    >>> _ = path.write_text("name,smiles,y\nammonia,N,1.5\nethanol,CCO,NA\n")
    >>> table = read_molecules(path, "smiles", ["y"])
    >>> table.smiles, table.targets[0].numbers().tolist(), table.rows
    (['N', 'CCO'], [1.5, nan], [2, 3])
    """
    options: dict[str | None, str] = {
        **dict.fromkeys(task_columns, "task_columns, --tasks"),
        **dict.fromkeys(descriptors_columns, "descriptors_columns, --descriptors-columns"),
        splits_column: "splits_column, --splits-column",
        weight_column: "weight_column, --weight-column",
    }
    cells: dict[str, list[str]] = {name: [] for name in options if name is not None}  # of a wide file no others
    smiles: list[str] = []
    rows: list[int] = []
    for piece in iterate_molecules(path, smiles_column):
        smiles += piece.smiles
        rows += piece.rows
        for name, of_column in cells.items():
            position = _column(path, piece.header, name, options[name])
            of_column.extend(record[position] for record in piece.records)
    columns = {name: _target(path, name, of_column, rows) for name, of_column in cells.items()}
    targets = [columns[name] for name in task_columns]
    properties = [columns[name] for name in descriptors_columns]
    for each in properties:
        _check_has_values(path, "property", each)
    if all(target.missing.all() for target in targets):
        check_targets(path, targets)
    dropped = [
        row
        for row, text in enumerate(smiles)
        if not text.strip() or (targets and all(target.missing[row] for target in targets))
    ]
    parts = None if splits_column is None else read_parts(columns[splits_column], dropped)
    weights = None if weight_column is None else read_weights(columns[weight_column], dropped)
    return MoleculeTable(smiles, targets, rows, parts, weights, properties)


def check_targets(path: str | os.PathLike[str], targets: Sequence[Column]) -> None:
    """ValueError for a target that a file to learn from has no value of; a file to be scored on may lack some."""
    for target in targets:
        _check_has_values(path, "target", target)


def _check_has_values(path: str | os.PathLike[str], kind: str, column: Column) -> None:
    if column.missing.all():
        raise ValueError(f"{path}: the {kind} {column.name!r} has no value in any row.")


def join_tables(tables: Mapping[str, tuple[str | os.PathLike[str], MoleculeTable]]) -> MoleculeTable:
    """One table of several files, each of which is a part.

    Parameters
    ----------
    tables : dict
        For each part the file and what was read from it.

    Returns
    -------
    MoleculeTable
        Its rows are called ``file:line``, by the file's name or, if two have the same, by its path.
    """
    names = [Path(path).name for path, _ in tables.values()]
    if len(set(names)) < len(names):
        names = [str(path) for path, _ in tables.values()]
    every = [table for _, table in tables.values()]
    targets, properties = (
        [_join_columns(list(columns)) for columns in zip(*(getattr(table, what) for table in every))]
        for what in ("targets", "properties")
    )
    return MoleculeTable(
        [smiles for table in every for smiles in table.smiles],
        targets,
        [f"{name}:{row}" for name, table in zip(names, every) for row in table.rows],
        [part for part, (_, table) in tables.items() for _ in table.rows],
        _join_weights(every),
        properties,
    )


def _join_weights(tables: list[MoleculeTable]) -> Tensor | None:
    if all(table.weights is None for table in tables):
        return None
    return torch.cat(
        [
            torch.ones(len(table.rows), dtype=torch.float64) if table.weights is None else table.weights
            for table in tables
        ]
    )


def _join_columns(columns: list[Column]) -> Column:
    places = [(column, i) for column in columns for i in range(len(column.values))]

    def culprit(i: int) -> str:
        column, row = places[i]
        return column.culprit(row)

    return Column(columns[0].name, [value for column in columns for value in column.values], culprit)


def iterate_molecules(
    path: str | os.PathLike[str], smiles_column: str, chunk_size: int = 1000
) -> Iterator[MoleculePiece]:
    r"""Read a CSV file of any size, a piece at a time.

    Cells are separated by commas or, where the header has the column of SMILES only then, by tabs or semicolons.
    Cells that a row has beyond the header are left out if they are empty.

    Parameters
    ----------
    path : str or Path
    smiles_column : str
    chunk_size : int, optional
        Number of molecules in a piece. Default: ``1000``.

    Yields
    ------
    MoleculePiece
        The next molecules; at least one.

    Raises
    ------
    ValueError
        If the file is no readable CSV, on coming to the place, or there is no such column of SMILES.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "molecules.csv")
    >>> _ = path.write_text("smiles\nN\nCCO\nC\n")
    >>> [(piece.smiles, piece.rows) for piece in iterate_molecules(path, "smiles", chunk_size=2)]
    [(['N', 'CCO'], [2, 3]), (['C'], [4])]
    """
    path = Path(path)
    pieces = _pieces(path, smiles_column, chunk_size)
    header = next(pieces)
    position = _column(path, header, smiles_column, "smiles_column, --smiles-column")
    for lines, records in pieces:
        yield MoleculePiece(header, list(records), [record[position] for record in records], list(lines))


def column_names(path: str | os.PathLike[str], smiles_column: str) -> list[str]:
    r"""Names of the columns of a CSV file.

    Parameters
    ----------
    path : str or Path
    smiles_column : str
        Tells what separates the cells, see :func:`iterate_molecules`; the file may lack it.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If the file is no readable CSV.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "molecules.csv")
    >>> _ = path.write_text('smiles\t"IC50, nM"\nN\t7\n')
    >>> column_names(path, "smiles")
    ['smiles', 'IC50, nM']
    """
    return next(_pieces(Path(path), smiles_column))


def numeric_columns(path: str | os.PathLike[str], smiles_column: str) -> list[str]:
    r"""Columns of a CSV file that could be targets: each cell is a number or missing, and not all are missing.

    Of a column that holds other cells beside more numbers, a warning names the first.

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
    pieces = _pieces(path, smiles_column)
    header = next(pieces)
    smiles = _column(path, header, smiles_column, "smiles_column, --smiles-column")
    numbers, words, first = Counter[int](), Counter[int](), dict[int, str]()
    for lines, cells in pieces:
        text = {position for position in words if words[position] > numbers[position]}
        for position in set(range(len(header))) - {smiles} - text:
            column = _target(path, header[position], [row[position] for row in cells], lines)
            is_word = column.unreadable
            if is_word.any():
                first.setdefault(position, column.culprit(int(is_word.argmax())))
            words[position] += int(is_word.sum())
            numbers[position] += int((~column.missing & ~is_word).sum())
    for position, culprit in sorted(first.items()):
        if numbers[position] > words[position]:
            count = f"{words[position]} of its values {'is' if words[position] == 1 else 'are'} no number"
            warnings.warn(
                f"{header[position]!r} is not among the columns of numbers, since {count}: {culprit}.",
                stacklevel=2,
            )
    return [header[position] for position in sorted(numbers) if numbers[position] and not words[position]]


def _pieces(path: Path, smiles_column: str, chunk_size: int = 1000) -> Iterator[Any]:
    """The header, then all other rows, piece by piece: their lines, and their cells as strings, none missing."""
    csv.field_size_limit(_LARGEST_CELL)
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ValueError(f"{path} is no file but a pipe or a device, and is read more than once: give a file.")
    try:
        with _opened(path) as file:
            delimiter = _delimiter(path, smiles_column)
            rows = _rows(path, csv.reader(file, delimiter=delimiter, strict=True))
            header = _header(next(rows, (1, []))[1])
            if not header:
                raise ValueError(
                    f"{path} is empty, or its first line is: it needs a header line and a line for each molecule."
                )
            yield header
            lines = None
            while piece := list(islice(rows, chunk_size)):
                lines, records = zip(*piece)
                for line, row in piece:
                    if any(cell.strip() for cell in row[len(header) :]):
                        raise ValueError(
                            f"{path} is not a {_DELIMITERS[delimiter]}-separated table: there are {len(row)} "
                            f"cells in line {line}, and {len(header)} in the header. Put cells that hold the "
                            "separator into double quotes."
                        )
                    row[len(header) :] = []
                    row += [""] * (len(header) - len(row))
                yield lines, records
            if lines is None:
                raise ValueError(f"{path} holds a header but no molecule.")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: line {_undecodable(path)} holds other bytes ({error.reason}). Save "
            "it as CSV in UTF-8."
        ) from error
    except FileNotFoundError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read ({error}): copy or download it again.") from error


def _undecodable(path: Path) -> int:
    """The first line that is not UTF-8; a file that is decoded by pieces does not tell."""
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    raise AssertionError(f"{path} is UTF-8")


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return open(path, encoding="utf-8-sig", newline="")


def _delimiter(path: Path, smiles_column: str) -> str:
    """What separates the cells: that for which the header has the column of SMILES, or the most columns."""
    headers = {}
    for delimiter in _DELIMITERS:
        with _opened(path) as file:
            try:
                headers[delimiter] = _header(next(csv.reader(file, delimiter=delimiter), []))
            except csv.Error:
                headers[delimiter] = []
    return max(_DELIMITERS, key=lambda delimiter: (smiles_column in headers[delimiter], len(headers[delimiter])))


def _header(row: list[str]) -> list[str]:
    return [name.strip() for name in row]


def _rows(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
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


def _column(path: str | os.PathLike[str], header: list[str], name: str, option: str) -> int:
    """Position of a column."""
    if header.count(name) == 1:
        return header.index(name)
    if name in header:
        raise ValueError(f"{path} has {header.count(name)} columns {name!r} ({option}): rename all but one.")
    problem = f"{path} has no column {name!r} ({option}): its columns are {list_names(header)}."
    if any(_looks_like_a_value(cell) for cell in header):
        problem += " These are values rather than names: if so, add a header line."
    raise ValueError(problem)


def _looks_like_a_value(cell: str) -> bool:
    """Whether a cell of the header is a number, or a SMILES that no name looks like."""
    try:
        float(cell)
    except ValueError:
        return bool(set("=#()[]@") & set(cell)) and " " not in cell
    return True


def _target(path: str | os.PathLike[str], name: str, cells: Sequence[str], lines: Sequence[int]) -> Column:
    return Column(
        name, cells, lambda i: f"{path}, line {lines[i]}, column {name!r}: {shortened(cells[i].strip())!r}"
    )
