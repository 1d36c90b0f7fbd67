"""Tables of ablations: what each change is worth, and whether that exceeds the noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dgl_memgnn.results.cells import parts_of, score_cells
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
    """
    parts = parts_of(results.values())
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
        scored = score_cells(results[name]["summary"], parts, metric)
        rows.append([f"`{name}`", paper, *scored, count_text(results[name]), *compared])
    missing = len(ablation.rows) - len(results)
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return [*lines, "", f"Rows still to run: {missing} of {len(ablation.rows)}."] if missing else lines
