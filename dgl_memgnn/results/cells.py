"""What stands in the cells of tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dgl_memgnn.data import PARTS
from dgl_memgnn.wording import significant

__all__ = ["mean_and_deviation", "parts_of", "score_cells"]


def parts_of(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """The parts that any of some results has a score of."""
    summaries = [result["summary"] for result in results]
    return [part for part in PARTS if any(part in summary for summary in summaries)]


def score_cells(summary: Mapping[str, Any], parts: Sequence[str], metric: str) -> list[str]:
    """A metric of each part; empty where a row has no such part."""
    return [mean_and_deviation(summary[part][metric]) if part in summary else "" for part in parts]


def mean_and_deviation(summary: Mapping[str, float | None]) -> str:
    """A metric's mean and, of several runs, standard deviation, as tables show them; empty where it has none."""
    figures = [summary["mean"], summary["std"]]
    if figures[0] is None:
        return ""
    fixed = 0.01 <= abs(figures[0]) < 1000
    return " ± ".join(
        f"{figure:.3f}" if fixed else significant(figure) for figure in figures if figure is not None
    )
