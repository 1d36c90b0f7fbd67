"""Parts of a split that somebody has chosen: a column of words, or the file of a run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from dgl_memgnn.tasks import Column
from dgl_memgnn.wording import list_names

__all__ = ["PARTS", "read_parts", "read_splits_file"]

PARTS = ("train", "validation", "test")
_WORDS = {
    **{word: "train" for word in ("train", "training")},
    **{word: "validation" for word in ("val", "valid", "validation")},
    **{word: "test" for word in ("test", "testing")},
}


def read_parts(column: Column, dropped: Collection[int] = ()) -> list[str]:
    """The part of each row out of a column of words.

    Parameters
    ----------
    column : Column
        Says train, val or test in each row, in any case; also training, valid, validation and testing.
    dropped : collection of int, optional
        Numbers of the rows that will be dropped for what else is missing there, and need say nothing: they are
        given to training. Default: none.

    Returns
    -------
    list of str
        ``"train"``, ``"validation"`` or ``"test"``.

    Raises
    ------
    ValueError
        If a row says something else, or none says train; the message names the first.

    Examples
    --------
    >>> read_parts(Column("split", ["Train", "VAL", " test"], str))
    ['train', 'validation', 'test']
    """
    parts = [_WORDS.get(str(word).lower()) for word in column.text]
    has_train = "train" in parts
    for row in dropped:
        if column.missing[row]:
            parts[row] = "train"
    if None in parts:
        first, count = parts.index(None), parts.count(None)
        more = f" So it is in {count - 1} more rows." * (count > 1)
        raise ValueError(f"{column.culprit(first)} is no part: write train, val or test in each row.{more}")
    if not has_train:
        raise ValueError(f"No row of the column {column.name!r} says train: there is nothing to learn from.")
    return [str(part) for part in parts]


def read_splits_file(path: str | os.PathLike[str]) -> dict[str, str]:
    """The part of each row, as a run has stored it in its splits.csv.

    Parameters
    ----------
    path : str or os.PathLike
        A CSV file with the columns ``id`` and ``part``: train, validation, test, or dropped.

    Returns
    -------
    dict of str
        Parts by the names of the rows.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such file; the message names the row.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path} (splits_file, --splits-file).")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeError) as error:
        raise ValueError(f"{path} cannot be read as CSV ({error}): give the splits.csv of a run.") from error
    if not {"id", "part"} <= set(table.columns):
        raise ValueError(
            f"{path} has the columns {list_names(list(table.columns))}, not 'id' and 'part': give the splits.csv "
            "of a run (--splits-file). A column of the CSV file of molecules is --splits-column."
        )
    for line, part in enumerate(table["part"], start=2):
        if part not in (*PARTS, "dropped"):
            raise ValueError(
                f"{path}, line {line}: {part!r} is no part: a row is in {', '.join(PARTS)}, or dropped."
            )
    twice = [row for row, count in Counter(table["id"]).items() if count > 1]
    if twice:
        raise ValueError(f"{path} lists the row {twice[0]!r} twice: each row is in one part.")
    return dict(zip(table["id"], table["part"]))
