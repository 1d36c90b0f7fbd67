"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["check_new_file", "is_unfinished", "read_json", "remove_unfinished", "replacing"]

_PREFIX = ".unfinished-"
_WRITE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)


def check_new_file(path: Path, overwrite: bool, endings: Sequence[str]) -> None:
    """Refuse a file that could not be written in the end, or should not.

    ValueError if its name has none of the endings, FileNotFoundError if its folder is missing, IsADirectoryError
    if it is one, FileExistsError if it is there, without ``overwrite``; the message names it, and what to do.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to write {path.name} in.")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give a file to write.")
    if not path.name.lower().endswith(tuple(endings)):
        *others, last = endings
        listed = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"{path}: the name must end in {listed}, which says the format.")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} is there already: give another file, or replace it with --overwrite.")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path to write to, which becomes ``path`` when the block ends, and vanishes when it fails.

    It is of this call alone, so that processes which write the same file do not meet, and has the same name.

    Parameters
    ----------
    path : str or os.PathLike
        The file; an older one is replaced.

    Raises
    ------
    OSError
        If the disk is full or the folder read-only; the message names the file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "scores.txt")
    >>> with replacing(path) as unfinished:
    ...     _ = unfinished.write_text("0.5")
    >>> path.read_text(), len(list(path.parent.iterdir()))
    ('0.5', 1)
    """
    path = Path(path)
    try:
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=path.parent) as folder:
            unfinished = Path(folder) / path.name
            yield unfinished
            os.replace(unfinished, path)
    except OSError as error:
        if error.errno not in _WRITE_ERRORS:
            raise
        raise type(error)(error.errno, f"{path} cannot be written: {error.strerror}") from error


def read_json(path: Path) -> Any:
    """The content of a JSON file that the package has written; ValueError if it is damaged, which names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged ({error}): restore it, or remove it and run the command that wrote it again."
        ) from error


def is_unfinished(path: str | os.PathLike[str]) -> bool:
    """Whether a path is what a killed process was writing."""
    return Path(path).name.startswith(_PREFIX)


def remove_unfinished(folder: str | os.PathLike[str]) -> None:
    """Remove what a killed process was writing in a folder.

    Parameters
    ----------
    folder : str or os.PathLike
        The folder; it need not exist. No other process writes to it.
    """
    for path in Path(folder).glob(_PREFIX + "*"):
        shutil.rmtree(path)
