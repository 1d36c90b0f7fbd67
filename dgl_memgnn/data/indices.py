"""Indices in all the forms in which numpy takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

__all__ = ["check_parts", "to_indices"]


def to_indices(which: Any, size: int, what: str = "indices") -> np.ndarray:
    """Row numbers from a slice, a boolean mask, or any sequence of whole numbers.

    Parameters
    ----------
    which : slice, or sequence, ndarray or Tensor of bool or int
        Negative numbers count from the end.
    size : int
        Number of rows.
    what : str, optional
        Name of the argument, for messages.

    Returns
    -------
    ndarray of int64
        Between 0 and ``size - 1``.

    Raises
    ------
    IndexError
        If a mask is not as long as there are rows, or a number is out of range or not whole.

    Examples
    --------
    >>> to_indices([True, False, True], 3), to_indices(slice(-2, None), 3), to_indices([0, -1], 3)
    (array([0, 2]), array([1, 2]), array([0, 2]))
    """
    if isinstance(which, slice):
        return np.arange(size)[which]
    if isinstance(which, torch.Tensor):
        which = which.cpu().numpy()
    array = np.asarray(which if isinstance(which, np.ndarray) else list(which))
    if array.ndim != 1:
        raise IndexError(f"{what} must have one dimension, got shape {array.shape}.")
    if array.dtype == bool:
        if len(array) != size:
            raise IndexError(f"{what} is a mask of {len(array)} for {size} rows: it needs a value a row.")
        return np.flatnonzero(array)
    if not len(array):
        return np.empty(0, np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        raise IndexError(f"{what} must be whole numbers or a boolean mask, got {array.dtype}.")
    outside = (array < -size) | (array >= size)
    if outside.any():
        raise IndexError(f"{what} holds {array[outside.argmax()]}, which is out of range for {size} rows.")
    return array.astype(np.int64) % size


def check_parts(parts: Mapping[str, Any], size: int) -> dict[str, np.ndarray]:
    """The parts of a split as row numbers, none empty and no row in two of them.

    Parameters
    ----------
    parts : dict
        Indices of each part, in any form that :func:`to_indices` takes.
    size : int
        Number of rows.

    Returns
    -------
    dict of ndarray

    Raises
    ------
    ValueError
        If a part is empty, or a row is in two of them; the message names parts and row.
    IndexError
        As :func:`to_indices`.

    Examples
    --------
    >>> check_parts({"train": [True, True, False], "validation": [2]}, 3)
    {'train': array([0, 1]), 'validation': array([2])}
    """
    part_of: dict[int, str] = {}
    checked = {}
    for name, which in parts.items():
        checked[name] = to_indices(which, size, name)
        if not len(checked[name]):
            raise ValueError(f"The part {name} is empty: give it at least one row.")
        for row in checked[name].tolist():
            if part_of.setdefault(row, name) != name:
                raise ValueError(f"Row {row} is in both {part_of[row]} and {name}: parts must not overlap.")
    return checked
