"""Figures, and what they are written as."""

from __future__ import annotations

import io
from os import PathLike
from typing import TYPE_CHECKING

from dgl_memgnn.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["as_text", "figure_png", "figure_svg", "new_figure", "write_figure"]


def new_figure(width: float, height: float) -> Figure:
    """A figure of so many inches, which no screen needs to show."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def as_text(name: str) -> str:
    r"""A name as matplotlib shows it, which makes formulas of what stands between dollar signs, and leaves what
    begins with an underscore out of legends.

    Examples
    --------
    >>> as_text("price in $"), as_text("_old")
    ('price in \\$', ' _old')
    """
    return " " * name.startswith("_") + name.replace("$", r"\$")


def write_figure(figure: Figure, path: str | PathLike[str]) -> None:
    """Write a figure to a file, whole or not at all; the ending is its format."""
    with replacing(path) as unfinished:
        figure.savefig(unfinished, dpi=100)


def figure_svg(figure: Figure) -> str:
    """A figure as SVG, the same for the same figure."""
    from matplotlib import rc_context

    stream = io.StringIO()
    with rc_context({"svg.hashsalt": "dgl-memgnn"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def figure_png(figure: Figure) -> bytes:
    """A figure as PNG."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130)
    return stream.getvalue()
