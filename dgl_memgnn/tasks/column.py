"""Targets as they stand in their source, before it is known what kind of task they are for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Column"]

_MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", "<na>"}


@dataclass
class Column:
    """The values of one target, numbers or text

    A value is missing where it is None or NaN, or text that is empty or says NA, N/A, #N/A, NaN, null or None in
    any case.

    Parameters
    ----------
    name : str
        Name of the target.
    values : sequence
        A value a sample: text, a number, or None.
    culprit : callable
        ``culprit(i)`` names value ``i`` and its place, as the beginning of an error message.

    Examples
    --------
    >>> column = Column("pKa", ["9.25", "NA", " 4"], lambda i: f"line {i + 2}")
    >>> column.numbers().tolist()
    [9.25, nan, 4.0]
    >>> Column("pKa", ["9.25", ">10"], lambda i: f"line {i + 2}").numbers()
    Traceback (most recent call last):
    ...
    ValueError: line 3 is not a number; leave the cell empty if the value is missing.
    """

    name: str
    values: Sequence[Any]
    culprit: Callable[[int], str]

    @cached_property
    def text(self) -> np.ndarray:
        """The values as text without white space around it."""
        return np.array([str(value).strip() for value in self.values], dtype=object)

    @cached_property
    def missing(self) -> np.ndarray:
        """Where there is no value."""
        return np.array([text.lower() in _MISSING for text in self.text], dtype=bool)

    @cached_property
    def parsed(self) -> np.ndarray:
        """The values as float64; NaN where a value is missing or not a number."""
        if isinstance(self.values, np.ndarray) and self.values.dtype == np.float64:
            return self.values
        return pd.to_numeric(pd.Series(self.text, dtype=str), errors="coerce").to_numpy(np.float64)

    @property
    def unreadable(self) -> np.ndarray:
        """Where a value is neither a number nor missing."""
        return ~self.missing & np.isnan(self.parsed)

    @property
    def is_numeric(self) -> bool:
        """Whether every value is a number or missing."""
        return not self.unreadable.any()

    def distinct(self) -> np.ndarray:
        """The numbers that occur, sorted."""
        return np.unique(self.parsed[~np.isnan(self.parsed)])

    def targets(self) -> np.ndarray:
        """As :meth:`numbers`; the message for a word says which targets may be words."""
        try:
            return self.numbers()
        except ValueError as error:
            words = self.text[self.unreadable]
            recur = 0 < 2 * len(set(words)) <= len(words)
            if not any(text[:1].isalpha() or not any(map(str.isdigit, text)) for text in words) and not recur:
                raise
            hint = "Words are classes, of one column (--task-type classes); yes and no of several are 1 and 0."
            raise ValueError(f"{error} {hint}") from None

    def numbers(self) -> np.ndarray:
        """The values as float64, NaN where missing; ValueError if one is no number, or infinite in 32 bits."""
        with np.errstate(over="ignore"):
            bad = ~self.missing & ~np.isfinite(self.parsed.astype(np.float32))
        if bad.any():
            row = int(bad.argmax())
            problem = "is not a number" if np.isnan(self.parsed[row]) else "is infinite (in 32 bits)"
            if re.fullmatch(r"[+-]?\d+,\d+", self.text[row]):
                problem += " with a decimal point"
            raise ValueError(f"{self.culprit(row)} {problem}; leave the cell empty if the value is missing.")
        return np.where(self.missing, np.nan, self.parsed)
