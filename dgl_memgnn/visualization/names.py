"""Names of folders in pictures and tables."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

__all__ = ["folder_names"]


def folder_names(folders: Sequence[str | PathLike[str]]) -> list[str]:
    """The last parts of the paths of folders, as many as tell them apart.

    Examples
    --------
    >>> folder_names(["runs/a/seed0", "runs/a/seed1"]), folder_names(["runs/a/seed0", "runs/b/seed0"])
    (['seed0', 'seed1'], ['a/seed0', 'b/seed0'])
    """
    parts = [Path(folder).resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(each[-depth:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder in folders]
