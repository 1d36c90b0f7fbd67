"""The text files of a TU data set as checked numpy arrays."""

from __future__ import annotations

import csv
import lzma
import zipfile
import zlib
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

_DAMAGE = (zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, RuntimeError)  # Runtime: encrypted
_MAX_SIZE, _MAX_RATIO = 2**28, 100  # of an unpacked file, and to its size in the zip; one may be exceeded
_MAX_ENTRIES = 2**30  # of the one-hot labels of all nodes or edges: 4 GiB


_HINTS = {
    "graph_labels": "; number the classes, or write numbers to predict into graph_attributes instead",
}
_OPTIONAL = {
    f"{kind}_{what}": f"_{kind}_attributes" for kind in ("node", "edge") for what in ("labels", "attributes")
}  # what may be missing, and what could take its place


class TUFiles:
    """The text files of one TU data set, read from a zip (in memory, by name) or from a folder.

    Parameters
    ----------
    path : Path
        A zip that holds ``<name>/<name>_A.txt`` and so on, or a folder that holds ``<name>_A.txt`` and so on.
    name : str
        Name of the data set.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self._archive: zipfile.ZipFile | None = None
        if path.is_file():
            try:
                self._archive = zipfile.ZipFile(path)
            except _DAMAGE as error:
                raise self._damaged(error) from error

    def __enter__(self) -> TUFiles:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._archive:
            self._archive.close()

    def __contains__(self, suffix: str) -> bool:
        if self._archive:
            return self._member(suffix) in self._archive.namelist()
        return (self.path / f"{self.name}_{suffix}.txt").is_file()

    def read(
        self, suffix: str, dtype: type[np.int64 | np.float32 | np.float64] = np.int64, columns: int | None = None
    ) -> np.ndarray:
        """Numbers of the file ``<name>_<suffix>.txt``; blank lines do not count.

        Parameters
        ----------
        suffix : str
            Such as ``"A"`` or ``"graph_labels"``.
        dtype : type
            ``np.int64``, ``np.float32`` or ``np.float64``. Default: ``np.int64``.
        columns : int, optional
            Number of columns the file must have. Default: any.

        Returns
        -------
        ndarray of shape (lines, columns)

        Raises
        ------
        ValueError
            If the file is missing, damaged or holds anything but finite numbers, the same count on each line.
        """
        if suffix not in self:
            raise ValueError(
                f"{self.path} has no {self._member(suffix)}: a TU data set needs the files _A, _graph_indicator, "
                "and _graph_labels or _graph_attributes."
            )
        self._check_packing(suffix)
        try:
            table = self._parse(suffix, dtype)
        except _DAMAGE as error:
            raise self._damaged(error) from error
        if columns and table.shape[1] != columns:
            raise ValueError(
                f"{self._member(suffix)} in {self.path} has {table.shape[1]} columns where {columns} are expected."
            )
        return table

    def features(self, kind: str, count: int) -> np.ndarray:
        """One-hot labels next to the raw attributes of all nodes or all edges.

        Parameters
        ----------
        kind : str
            ``"node"`` or ``"edge"``.
        count : int
            Number of lines that the files must have.

        Returns
        -------
        ndarray of shape (count, width)
            float32; the width is 0 where there are neither labels nor attributes.
        """
        parts = [np.empty((count, 0), np.float32)]
        for suffix, dtype in ((f"{kind}_labels", np.int64), (f"{kind}_attributes", np.float32)):
            if suffix in self:
                table = self.read(suffix, dtype)
                if len(table) != count:
                    raise ValueError(
                        f"{self._member(suffix)} in {self.path} has {len(table)} lines for "
                        f"{count} {kind}s; it needs one line for each."
                    )
                if dtype == np.int64:
                    self._check_labels(suffix, table)
                parts += [table] if dtype == np.float32 else map(one_hot, table.T)
        return np.concatenate(parts, axis=1)

    def error(self, suffix: str, row: int, problem: str) -> ValueError:
        """ValueError about one row (from 0) of a file that was read; it names the line of the file."""
        with self._open(suffix) as file:
            numbers = (number for number, line in enumerate(file, 1) if line.strip())
            number = next(islice(numbers, row, None))
        return ValueError(f"{self._member(suffix)} in {self.path}, line {number}: {problem}.")

    def _check_packing(self, suffix: str) -> None:
        """Refuse what would fill the memory. Reading stops at the size that the zip states."""
        if not self._archive:
            return
        info = self._archive.getinfo(self._member(suffix))
        if info.file_size > max(_MAX_SIZE, _MAX_RATIO * info.compress_size):
            raise ValueError(
                f"{info.filename} in {self.path} would grow from {info.compress_size} to "
                f"{info.file_size} bytes, as no real file does. If it is one, unpack it to a folder."
            )

    def _check_labels(self, suffix: str, table: np.ndarray) -> None:
        num_classes = sum(len(np.unique(column)) for column in table.T)
        if num_classes * len(table) > _MAX_ENTRIES:
            raise ValueError(
                f"{self._member(suffix)} in {self.path} has {num_classes} different labels, too many "
                f"for a column each: put numbers into {suffix.replace('labels', 'attributes')}."
            )

    def _parse(self, suffix: str, dtype: type[np.int64 | np.float32 | np.float64]) -> np.ndarray:
        try:
            with self._open(suffix) as file, np.errstate(over="ignore"):
                table = pd.read_csv(file, header=None, dtype=dtype, quoting=csv.QUOTE_NONE).to_numpy()
        except pd.errors.EmptyDataError as error:
            problem = "it is empty: copy or download it again"
            raise ValueError(f"{self._member(suffix)} in {self.path} cannot be read: {problem}.") from error
        except (ValueError, OverflowError) as error:
            raise self._unreadable(suffix, dtype, error) from error
        if table.dtype != dtype or not np.isfinite(table).all():  # pandas 2 reads huge integers as uint64
            raise self._unreadable(suffix, dtype, "a number is out of range")
        return table

    def _unreadable(
        self, suffix: str, dtype: type[np.int64 | np.float32 | np.float64], error: Exception | str
    ) -> ValueError:
        """ValueError about the first line that is no row of numbers."""
        width = None
        with self._open(suffix) as file:
            for number, line in enumerate(filter(bytes.strip, file)):
                fields = line.split(b",")
                width = width or len(fields)
                if len(fields) != width:
                    problem = f"{len(fields)} values where the first line has {width}"
                    if suffix in _OPTIONAL:
                        problem += (
                            "; values that vary in number, such as labels that change over time, are no features: "
                            f"remove the file to go without them, or write {_OPTIONAL[suffix]} of one width"
                        )
                    return self.error(suffix, number, problem)
                for field in fields:
                    if not _is_number(field, dtype):
                        text = field.strip().decode("utf-8", "replace")
                        bits = f"of {8 * np.dtype(dtype).itemsize} bits"
                        kind = f"an integer {bits}" if dtype == np.int64 else f"a finite number {bits}"
                        return self.error(suffix, number, f"{text!r} is not {kind}{_HINTS.get(suffix, '')}")
        return ValueError(f"{self._member(suffix)} in {self.path} cannot be read: {error}")

    def _open(self, suffix: str) -> IO[bytes]:
        if self._archive:
            return self._archive.open(self._member(suffix))
        return open(self.path / f"{self.name}_{suffix}.txt", "rb")

    def _member(self, suffix: str) -> str:
        return f"{self.name}/{self.name}_{suffix}.txt"

    def _damaged(self, error: Exception) -> ValueError:
        return ValueError(f"{self.path} is not a readable zip file ({error}): copy or download it again.")


def one_hot(values: np.ndarray) -> np.ndarray:
    """One column for each distinct value, in sorted order.

    Parameters
    ----------
    values : ndarray of shape (N,)

    Returns
    -------
    ndarray of shape (N, C)
        float32.

    Examples
    --------
    >>> one_hot(np.array([7, 3, 7]))
    array([[0., 1.],
           [1., 0.],
           [0., 1.]], dtype=float32)
    """
    classes, column = np.unique(values, return_inverse=True)
    encoded = np.zeros((len(values), len(classes)), np.float32)
    encoded[np.arange(len(values)), column] = 1
    return encoded


def _is_number(field: bytes, dtype: type[np.int64 | np.float32 | np.float64]) -> bool:
    try:
        value = float(field)
    except ValueError:
        return False
    if dtype == np.int64:
        return value.is_integer() and np.iinfo(np.int64).min <= value <= np.iinfo(np.int64).max
    return abs(value) <= float(np.finfo(np.float32 if dtype == np.float32 else np.float64).max)
