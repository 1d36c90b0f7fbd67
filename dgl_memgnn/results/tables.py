"""Tables of stored results beside the published figures, one for each protocol and data set."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from dgl_memgnn.files import read_json, replacing
from dgl_memgnn.results.ablation_tables import ablation_section, claims_in_short
from dgl_memgnn.results.cells import parts_of, score_cells
from dgl_memgnn.results.counts import count_text, ensemble_count_text
from dgl_memgnn.results.paired import (
    ONE_PART,
    OTHER_SPLIT,
    fold_scores,
    paired_difference,
    same_parts,
    scored_on_one_part,
)
from dgl_memgnn.results.published import PUBLISHED
from dgl_memgnn.run_files import ABLATION, RESULT
from dgl_memgnn.runs.ablations import CURVES, read_ablation
from dgl_memgnn.runs.protocols import PROTOCOLS, protocols_of
from dgl_memgnn.tasks import TASK_TYPES
from dgl_memgnn.wording import list_names

__all__ = ["write_tables"]

MADE_BY = "Made by `dgl-memgnn tables` from the `result.json` of each row"  # as both files begin, and always did
HEADINGS = dict(next(iter(kind.metrics.items())) for kind in TASK_TYPES.values())  # of the metrics that decide


def write_tables(folder: str | PathLike[str]) -> list[Path]:
    """Write README.md into a folder of results and, where it holds ablations, ablations.md.

    Parameters
    ----------
    folder : str or os.PathLike
        Folders in it, at any depth, hold a result.json each, as ``dgl-memgnn benchmark`` writes it; their names
        name the rows. Files of that name with another content are left out, which is printed.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Raises
    ------
    FileNotFoundError
        If there is no result.json of a benchmark.
    FileExistsError
        If a file of that name is there which is not of an earlier call.
    """
    folder = Path(folder)
    results = _stored(folder)
    if not results:
        raise FileNotFoundError(
            f"No folder in {folder} holds a result.json of a benchmark; dgl-memgnn benchmark writes them."
        )
    of_ablations = {path.parent: _taken(results, path.parent) for path in sorted(folder.rglob(ABLATION))}
    pages = {}
    if any(of_ablations.values()):
        pages[folder / "ablations.md"] = _ablations(folder, of_ablations)
    if results:
        pages[folder / "README.md"] = _tables(folder, results)
    for path, lines in pages.items():
        _check_own(path, lines[0])
    return [_write(path, lines) for path, lines in pages.items()]


def _stored(folder: Path) -> dict[Path, dict[str, Any]]:
    """The results of benchmarks, by their folders; others of that name are said, and left out."""
    results, others = {}, []
    for path in sorted(folder.rglob(RESULT)):
        result = read_json(path)
        if isinstance(result, dict) and result.get("protocol") in [*PROTOCOLS]:
            results[path.parent] = result
        else:
            others.append(str(path))
    if others:
        print(f"Left out {len(others)} that dgl-memgnn benchmark has not written: {list_names(others)}.")
    return results


def _taken(results: dict[Path, dict[str, Any]], folder: Path) -> dict[str, dict[str, Any]]:
    """Take the results of a folder's own folders away, by their names."""
    return {row.name: results.pop(row) for row in list(results) if row.parent == folder}


def _check_own(path: Path, title: str) -> None:
    """FileExistsError if a file is there that no earlier call has written."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
    if text is not None and not text.startswith(f"{title}\n\n{MADE_BY}"):
        raise FileExistsError(
            f"{path} is not of dgl-memgnn tables, which would replace it: move it away, or give the folder of the "
            "results alone."
        )


def _write(path: Path, lines: list[str]) -> Path:
    with replacing(path) as unfinished:
        unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _ablations(root: Path, of_ablations: dict[Path, dict[str, dict[str, Any]]]) -> list[str]:
    lines = [
        "# Ablations",
        "",
        f"{MADE_BY}. Mean ± standard deviation over seeds or folds, and beside it the mean difference to the "
        "reference, pair by pair, with its interval of 95 % (corrected for training parts that overlap; Nadeau "
        "and Bengio, 2003; plain where all runs are scored on one and the same part, as a section then says). "
        "What is within it is noise. Beside ours stands the paper's figure, or in a word what it says of a row "
        "against the reference; the last column says whether that is seen here.",
    ]
    measured, left_out = {}, {}
    for folder, results in of_ablations.items():
        ablation = read_ablation(folder / ABLATION)
        if ablation is not None:
            known = {name: result for name, result in results.items() if name in ablation.rows}
            left_out[folder] = [name for name in results if name not in known]
            if known:
                measured[folder] = (ablation, known, _measured(next(iter(known.values())))[1])
    lines += claims_in_short(list(measured.values()))
    for folder, (ablation, results, metric) in measured.items():
        lines += ablation_section(ablation, results, metric, HEADINGS[metric])
        if left_out[folder]:
            lines += ["", f"Left out, since {ABLATION} has no such row: {list_names(left_out[folder])}."]
        if (folder / CURVES).is_file():
            picture = (folder / CURVES).relative_to(root).as_posix()
            lines += ["", f"![Validation by epoch, means over the runs]({picture})"]
    return lines


def _tables(folder: Path, results: dict[Path, dict[str, Any]]) -> list[str]:
    lines = [
        "# Results",
        "",
        f"{MADE_BY}'s folder, which holds every run with its seed, configuration, versions and wall time. Mean ± "
        "standard deviation over the runs, each at the epoch that is best on validation, or at its last where a "
        "row says so. Links lead to the training curves. Where rows share folds or seeds of a split, the last "
        "columns hold the mean difference to a memory network, pair by pair, and the p-value of a corrected "
        "resampled t-test (Nadeau and Bengio, 2003); where all runs are scored on one and the same part, as a "
        "table then says, of a plain one.",
    ]
    for protocol, meaning in PROTOCOLS.items():
        of_protocol = {
            row: result
            for row, result in results.items()
            if protocol in protocols_of(result["protocol"], _dataset(result))
        }
        if of_protocol:
            lines += ["", f"## Protocol `{protocol}`", "", f"{meaning[0].upper()}{meaning[1:]}."]
        for dataset, metric in sorted({_measured(result) for result in of_protocol.values()}):
            rows = {row: result for row, result in of_protocol.items() if _measured(result) == (dataset, metric)}
            lines += _table(folder, protocol, dataset, metric, rows)
    return lines


def _dataset(result: dict[str, Any]) -> str:
    data = result["config"]["data"]
    return data["dataset"] or f"{data['csv']}, {list_names(data.get('tasks', []))}"


def _measured(result: dict[str, Any]) -> tuple[str, str]:
    """The data set of a result, and the metric that decides, which stands first."""
    return _dataset(result), next(iter(next(iter(result["summary"].values()))))


def _table(
    folder: Path, protocol: str, dataset: str, metric: str, results: dict[Path, dict[str, Any]]
) -> list[str]:
    parts = parts_of(results.values())
    references = {
        row: result for row, result in results.items() if _is_reference(row, result) and len(results) > 1
    }
    rows: list[list[Any]] = [
        [who, *(figure or "" for figure in figures), "", *("" for _ in references)]
        for who, *figures in PUBLISHED.get((protocol, dataset), [])
    ]
    for row, result in results.items():
        curves, title = row / "curves.png", f"`{row.resolve().name}`"
        if curves.is_file():
            title = f"[{title}]({curves.relative_to(folder).as_posix()})"
        has_epochs = any(run.get("kept_epoch") for run in _runs(result))
        if has_epochs and result["config"]["training"].get("keep") == "last":
            title += ", last epoch"
        if "drawn" in result.get("outer_folds", ""):
            title += ", folds of our own"
        if "folds" in result and "ensemble" not in result:
            title += ", one run a fold"
        if "folds" in result and not any(fold["selection"] for fold in result["folds"]):
            title += ", one candidate"
        against = [
            "" if row == other else _against(result, reference, metric) for other, reference in references.items()
        ]
        rows.append([title, *score_cells(result["summary"], parts, metric), count_text(result), *against])
        if "ensemble" in result:
            figures = score_cells(result["ensemble"]["summary"], parts, metric)
            title = f"`{row.name}`, ensembles of {result['ensemble']['members']}"
            rows.append([title, *figures, ensemble_count_text(result), *("" for _ in references)])
    header = ["", *parts, "folds" if any("folds" in result for result in results.values()) else "runs"]
    header += [f"against `{row.name}` (p)" for row in references]
    note = ONE_PART.format("p is") if any(map(scored_on_one_part, references.values())) else ""
    return [
        "",
        f"### {dataset}: {HEADINGS[metric]}",
        "",
        *([note, ""] if note else []),
        *(f"| {' | '.join(map(str, row))} |" for row in [header, ["---"] * len(header), *rows]),
    ]


def _is_reference(row: Path, result: dict[str, Any]) -> bool:
    """Whether other rows on the same folds are compared with this one: a network by its own name alone."""
    return row.name == result["config"].get("model", {}).get("network", "").lower() in ("gmn", "memgnn")


def _against(result: dict[str, Any], reference: dict[str, Any], metric: str) -> str:
    if not same_parts(result, reference):
        return OTHER_SPLIT
    of_reference = fold_scores(reference, metric)
    difference = paired_difference(fold_scores(result, metric), of_reference)
    if difference is None:
        return ""
    count = "" if difference.pairs == len(of_reference) else f", {difference.pairs} pairs"
    p = f"{difference.p:.2f}" if difference.p >= 0.005 else "<0.01"
    return f"{difference.mean:+.3f} ({p}){count}"


def _runs(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What each run of a result has scored."""
    of_folds = [fold["runs"] for fold in result["folds"]] if "folds" in result else [result["runs"]]
    return [run for runs in of_folds for run in runs.values()]
