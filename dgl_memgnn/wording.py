"""Lists in sentences."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["list_names"]

_LISTED = 30


def list_names(names: Sequence[object]) -> str:
    """Names as a sentence holds them, the first of many.

    Examples
    --------
    >>> list_names(["pKa", "logP"])
    "'pKa', 'logP'"
    """
    listed = ", ".join(map(repr, names[:_LISTED]))
    return listed + f" and {len(names) - _LISTED} more" * (len(names) > _LISTED)
