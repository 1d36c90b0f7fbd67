"""What the colours of a picture mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dgl_memgnn.visualization.clusters import Clustered

__all__ = ["legend"]


def legend(pictured: Sequence[Clustered], layer: int = 1, soft: bool = False) -> tuple[list[tuple[str, str]], str]:
    """Text and colour of each key that is there, the most used first, and a note on the rest."""
    colours = pictured[0].colours[layer - 1]
    there = {int(key) for each in pictured for key in each.keys(layer)}
    entries = [(f"key {key}", colour) for key, colour in colours.own.items() if key in there]
    notes = []
    others = there - set(colours.own)
    if others:
        notes.append(f"grey: {len(others)} key{'s' * (len(others) > 1)} less used, by number")
    if soft:
        notes.append(
            f"white: at most {colours.even_share:.3g} of a node with its key, full colour: at least "
            f"{colours.strong_share:.3g}"
        )
    return entries, "; ".join(notes)
