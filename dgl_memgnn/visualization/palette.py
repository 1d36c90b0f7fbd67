"""Colours of keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["COLOURS", "LINES", "OTHERS", "KeyColours", "line_style"]

COLOURS = ("#77AADD", "#EE8866", "#EEDD88", "#FFAABB", "#44BB99", "#BBCC33", "#99DDFF", "#AAAA00")
"""Paul Tol's light scheme: black text is read on it, and colour-blind people tell its colours apart."""

OTHERS = "#DDDDDD"

LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's scheme, for lines and points."""


def line_style(i: int) -> dict[str, Any]:
    """Colour and dashes of the line of number ``i``, as matplotlib takes them: no two numbers have the same."""
    return {"color": LINES[i % len(LINES)], "linestyle": _dashes(i // len(LINES))}


def _dashes(i: int) -> Any:
    """The four that matplotlib has names for, then a dash and two dots, a dash and three, and so on."""
    named = ("-", "--", ":", "-.")
    return named[i] if i < len(named) else (0, (6, 2) + (1, 2) * (i - 2))


class KeyColours:
    """Colours of the keys of a memory layer: one for each of the most used, grey for the others

    Parameters
    ----------
    usage : sequence of float
        Part of the nodes that belong to each key. The eight keys with the largest have colours of their own; where
        two are equal, the first.
    strong_share : float, optional
        The share of a node that has the whole colour in a soft picture; an even share of all keys has none.
        Default: ``1.0``.

    Examples
    --------
    >>> colours = KeyColours([0.2, 0.0, 0.8])
    >>> colours.of(2), colours.of(0), colours.of(1)
    ('#77AADD', '#EE8866', '#DDDDDD')
    >>> colours.of(2, share=1 / 3), colours.of(2, share=2 / 3)
    ('#FFFFFF', '#BBD4EE')
    """

    def __init__(self, usage: Sequence[float], strong_share: float = 1.0) -> None:
        ranked = sorted((key for key in range(len(usage)) if usage[key] > 0), key=lambda key: (-usage[key], key))
        self.even_share, self.strong_share = 1 / len(usage), strong_share
        self.own = dict(zip(ranked, COLOURS))

    def of(self, key: int, share: float | None = None) -> str:
        """The colour of a key; of a node that it has a share of, paler the smaller that is."""
        strength = 1.0
        if share is not None and self.strong_share > self.even_share:
            strength = (share - self.even_share) / (self.strong_share - self.even_share)
            strength = min(1.0, max(0.0, strength))
        colour = self.own.get(key, OTHERS)
        parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        return "#" + "".join(f"{round(255 - strength * (255 - part)):02X}" for part in parts)
