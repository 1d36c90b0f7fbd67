"""Lists and numbers in sentences."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["list_names", "shortened", "significant"]

_LISTED = 30
_LONG = 80


def list_names(names: Sequence[object]) -> str:
    """Names as a sentence holds them, the first of many.

    Examples
    --------
    >>> list_names(["pKa", "logP"])
    "'pKa', 'logP'"
    """
    listed = ", ".join(map(repr, names[:_LISTED]))
    return listed + f" and {len(names) - _LISTED} more" * (len(names) > _LISTED)


def shortened(text: str) -> str:
    """The beginning of a text that a message would drown in.

    Examples
    --------
    >>> shortened("CCO"), len(shortened("C" * 1000))
    ('CCO', 81)
    """
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


def significant(value: float) -> str:
    """A number with four significant digits, however small or large it is.

    Examples
    --------
    >>> significant(0.56789), significant(2.5e-30), significant(7254.31)
    ('0.5679', '2.5e-30', '7254')
    """
    return f"{value:.4g}"
