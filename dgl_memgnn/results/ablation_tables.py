"""Tables of ablations: what each change is worth, and whether that exceeds the noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dgl_memgnn.data import PARTS
from dgl_memgnn.results.counts import count_text
from dgl_memgnn.results.paired import (
    ONE_PART,
    OTHER_SPLIT,
    fold_scores,
    paired_difference,
    same_parts,
    scored_on_one_part,
)
from dgl_memgnn.runs.ablations import Ablation
from dgl_memgnn.runs.protocols import PROTOCOLS

__all__ = ["ablation_section"]


def ablation_section(
    ablation: Ablation,
    results: dict[str, dict[str, Any]],
    metric: str,
    title: str,
    figure: Callable[[dict[str, float | None]], str],
) -> list[str]:
    """Lines of Markdown: heading, protocol, and a table with a row for each that has run.

    Parameters
    ----------
    ablation : Ablation
    results : dict
        The result.json of each row that has run, by its name.
    metric : str
        The name of what is measured.
    title : str
        The same in words.
    figure : callable
        Writes a mean and its standard deviation.
    """
    parts = [part for part in PARTS if any(part in result["summary"] for result in results.values())]
    reference = results.get(ablation.reference)
    scores = {name: fold_scores(result, metric) for name, result in results.items()}
    is_one_part = reference is not None and scored_on_one_part(reference)
    note = ONE_PART.format("the interval is") + " " if is_one_part else ""
    lines = [
        "",
        f"## {ablation.title}",
        "",
        f"Changes to `{Path(ablation.config).stem}` under protocol `{ablation.protocol}`: "
        f"{PROTOCOLS[ablation.protocol]}. {title}. {note}{ablation.note}".rstrip(),
        "",
    ]
    header = ["", "paper", *parts, "runs", f"against `{ablation.reference}`", "exceeds the noise"]
    rows = [header, ["---"] * len(header)]
    for name, row in ablation.rows.items():
        paper = str(row.get("paper", ""))
        if name not in results:
            rows.append([f"`{name}`", paper, *("" for _ in parts), "still to run", "", ""])
            continue
        compared = ["", ""]
        if reference is not None and not same_parts(results[name], reference):
            compared = [OTHER_SPLIT, ""]
        elif reference is not None and name != ablation.reference:
            difference = paired_difference(scores[name], scores[ablation.reference])
            if difference is not None:
                exceeds = abs(difference.mean) > difference.margin
                compared = [
                    f"{difference.mean:+.3f} ± {difference.margin:.3f}",
                    "yes" if exceeds else "no",
                ]
        summary = results[name]["summary"]
        figures = [figure(summary[part][metric]) if part in summary else "" for part in parts]
        rows.append([f"`{name}`", paper, *figures, count_text(results[name]), *compared])
    missing = len(ablation.rows) - len(results)
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return [*lines, "", f"Rows still to run: {missing} of {len(ablation.rows)}."] if missing else lines
