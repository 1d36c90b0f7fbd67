"""Tables of ablations: what each change is worth, and whether the paper's claim on it is seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgl_memgnn.results.cells import parts_of, score_cells
from dgl_memgnn.results.counts import count_text
from dgl_memgnn.results.paired import (
    ONE_PART,
    OTHER_SPLIT,
    PairedDifference,
    fold_scores,
    paired_difference,
    same_parts,
    scored_on_one_part,
)
from dgl_memgnn.runs.ablations import Ablation
from dgl_memgnn.runs.protocols import PROTOCOLS
from dgl_memgnn.tasks import TASK_TYPES

__all__ = ["ablation_section", "claims_in_short"]

HOLDS, WITHIN_NOISE, CONTRARY = "holds", "within the noise", "does not hold"


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
    header = ["", "paper", *parts, "runs", f"against `{ablation.reference}`", "exceeds the noise", "paper's claim"]
    rows = [header, ["---"] * len(header)]
    for name, row in ablation.rows.items():
        paper = str(row.get("paper", ""))
        if name not in results:
            rows.append([f"`{name}`", paper, *("" for _ in parts), "still to run", "", "", ""])
            continue
        compared = ["", "", ""]
        difference = _difference(ablation, results, name, metric)
        if reference is not None and not same_parts(results[name], reference):
            compared = [OTHER_SPLIT, "", ""]
        elif difference is not None:
            compared = [
                f"{difference.mean:+.3f} ± {difference.margin:.3f}",
                "yes" if difference.exceeds_noise else "no",
                _verdict(_claim(ablation, name, metric), difference, metric),
            ]
        scored = score_cells(results[name]["summary"], parts, metric)
        rows.append([f"`{name}`", paper, *scored, count_text(results[name]), *compared])
    missing = len(ablation.rows) - len(results)
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return [*lines, "", f"Rows still to run: {missing} of {len(ablation.rows)}."] if missing else lines


def claims_in_short(ablations: Sequence[tuple[Ablation, dict[str, dict[str, Any]], str]]) -> list[str]:
    """Lines of Markdown: how many of the paper's claims are seen, and which.

    Parameters
    ----------
    ablations : sequence of (Ablation, dict, str)
        With the result.json of each row that has run, and the name of what is measured.
    """
    seen: dict[str, list[str]] = {HOLDS: [], WITHIN_NOISE: [], CONTRARY: []}
    for ablation, results, metric in ablations:
        for name in results:
            claim, difference = _claim(ablation, name, metric), _difference(ablation, results, name, metric)
            if claim and difference is not None:
                seen[_verdict(claim, difference, metric)].append(
                    f"`{name}` {claim} than `{ablation.reference}` ({ablation.title})"
                )
    count = sum(map(len, seen.values()))
    if not count:
        return []
    lines = ["", f"Claims of the paper that are measured here: {count}.", ""]
    return lines + [
        f"- {len(claims)}: {verdict}. {'; '.join(claims)}." for verdict, claims in seen.items() if claims
    ]


def _difference(
    ablation: Ablation, results: dict[str, dict[str, Any]], name: str, metric: str
) -> PairedDifference | None:
    """That of a row to the reference; None where they are one or do not compare."""
    reference = results.get(ablation.reference)
    if reference is None or name == ablation.reference or not same_parts(results[name], reference):
        return None
    return paired_difference(fold_scores(results[name], metric), fold_scores(reference, metric))


def _is_better(difference: float, metric: str) -> bool:
    kind = next(kind for kind in TASK_TYPES.values() if metric in kind.metrics)
    return difference > 0 if kind.higher_is_better else difference < 0


def _claim(ablation: Ablation, name: str, metric: str) -> str:
    """What the paper says of a row against the reference, one of CLAIMS; empty where it says nothing."""
    paper, of_reference = (ablation.rows[row].get("paper") for row in (name, ablation.reference))
    if isinstance(paper, str):
        return paper
    if paper is None or of_reference is None or paper == of_reference:
        return ""
    return "better" if _is_better(paper - of_reference, metric) else "worse"


def _verdict(claim: str, difference: PairedDifference, metric: str) -> str:
    """Whether the paper's claim is seen here; empty where there is none."""
    if not claim:
        return ""
    is_better = _is_better(difference.mean, metric)
    if claim == "no better":
        return CONTRARY if difference.exceeds_noise and is_better else HOLDS
    if not difference.exceeds_noise:
        return WITHIN_NOISE
    return HOLDS if is_better == (claim == "better") else CONTRARY
