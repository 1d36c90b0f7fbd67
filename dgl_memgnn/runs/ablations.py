"""Ablations: a list of changes to a configuration, each run under the same protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

import yaml

from dgl_memgnn.config import Config, load_config
from dgl_memgnn.files import read_json, replacing
from dgl_memgnn.run_files import ABLATION, RESULT
from dgl_memgnn.runs.benchmark import benchmark, check_benchmark
from dgl_memgnn.runs.kept import remove_stored
from dgl_memgnn.runs.protocols import PROTOCOLS
from dgl_memgnn.visualization.mean_curves import plot_mean_curves

__all__ = ["CLAIMS", "CURVES", "Ablation", "ablate", "read_ablation"]

CURVES = "curves.png"
CLAIMS = ("better", "worse", "no better")


@dataclass(frozen=True)
class Ablation:
    """What an ablation changes, and how it is measured

    Parameters
    ----------
    title : str
        What it is about.
    config : str
        The configuration that is changed: a YAML file, or the name of one that comes with the package.
    protocol : str
        A key of :data:`dgl_memgnn.runs.PROTOCOLS`.
    reference : str
        The row that others are compared with.
    rows : dict
        By the name of a row, ``{"values": {"num_keys": [8, 1]}, "paper": 0.56}``: the values that it changes, by
        the key's own name, and what the paper reports, if anything: a figure, or ``"better"``, ``"worse"`` or
        ``"no better"`` than the reference.
    repeats : int, optional
        Number of folds or seeds. Default: the protocol's.
    members : int, optional
        See :func:`dgl_memgnn.runs.benchmark`.
    note : str, optional
        What a reader of the table should know.
    """

    title: str
    config: str
    protocol: str
    reference: str
    rows: dict[str, dict[str, Any]]
    repeats: int | None = None
    members: int | None = None
    note: str = ""

    def configs(self, overrides: Mapping[str, Any] | None = None) -> dict[str, Config]:
        """The configuration of each row; ValueError if ``overrides`` hold what a row changes."""
        overrides, configs = overrides or {}, {}
        for name, row in self.rows.items():
            values = row.get("values") or {}
            for key in values:
                if key in overrides:
                    option = "--" + key.replace("_", "-")
                    raise ValueError(f"{key} is what row {name} changes: leave out {option}, or change the row.")
            configs[name] = load_config(self.config, {**values, **overrides})
        return configs


def read_ablation(path: str | PathLike[str]) -> Ablation | None:
    """Read a file of an ablation.

    Parameters
    ----------
    path : str or os.PathLike
        A YAML file whose keys are the parameters of :class:`Ablation`.

    Returns
    -------
    Ablation or None
        None if it is no such file: one without ``rows``.

    Raises
    ------
    ValueError
        If a key is missing or unknown, or a row is not what it should be; the message names it.
    """
    path = Path(path)
    if not path.is_file():
        return None
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError):  # which load_config explains
        return None
    if not isinstance(content, dict) or "rows" not in content:
        return None
    known = [each.name for each in fields(Ablation)]
    for key in content:
        if key not in known:
            raise ValueError(f"{path}: unknown key {key}. Known: {', '.join(known)}.")
    for key in ("title", "config", "protocol", "reference"):
        if not isinstance(content.get(key), str):
            raise ValueError(f"{path} needs {key}, a text.")
    if content["protocol"] not in PROTOCOLS:
        raise ValueError(f"{path}: protocol must be one of {', '.join(PROTOCOLS)}, got {content['protocol']!r}.")
    if not isinstance(content["rows"], dict) or content["reference"] not in content["rows"]:
        raise ValueError(f"{path}: rows must hold {content['reference']!r}, the reference, by its name.")
    for name, row in content["rows"].items():
        is_row = (
            isinstance(row, dict) and set(row) <= {"values", "paper"} and isinstance(row.get("values") or {}, dict)
        )
        if not is_row or Path(str(name)).name != name:
            raise ValueError(f"{path}: row {name!r} must be a name, with values, paper or both; got {row!r}.")
        paper = row.get("paper", 0.0)
        if type(paper) not in (int, float) and paper not in CLAIMS:
            raise ValueError(
                f"{path}: paper of row {name!r} must be a figure, or one of {', '.join(CLAIMS)}; got {paper!r}."
            )
    return Ablation(**content)


def ablate(
    ablation: Ablation,
    folder: str | PathLike[str],
    overrides: Mapping[str, Any] | None = None,
    repeats: int | None = None,
    workers: int = 2,
    overwrite: bool = False,
) -> dict[str, dict[str, Any]]:
    """Run all rows of an ablation, or what is left of them.

    Parameters
    ----------
    ablation : Ablation
    folder : str or os.PathLike
        Receives a folder a row, see :func:`dgl_memgnn.runs.benchmark`, ablation.yaml, and curves.png: validation
        by epoch, a line a row, if the histories of all runs are there; not under protocol ``"fair"``.
    overrides : dict, optional
        Values for all rows.
    repeats : int, optional
        Number of folds or seeds. Default: the ablation's.
    workers : int, optional
        Number of processes. Default: ``2``.
    overwrite : bool, optional
        Whether to remove the runs that are there and start anew. Default: ``False``.

    Returns
    -------
    dict
        The content of each row's result.json.

    Raises
    ------
    ValueError
        If a value is wrong, or the folder holds runs of another configuration, before anything is trained or
        removed.
    FileExistsError
        If the folder is one of a run or a benchmark.
    FloatingPointError
        If runs diverged; all others have finished.
    """
    folder, configs = Path(folder), ablation.configs(overrides)
    if any((folder / name).is_file() for name in ("config.yaml", RESULT)):
        raise FileExistsError(f"{folder} holds a run or a benchmark. Give another folder with --out.")
    repeats = ablation.repeats if repeats is None else repeats
    for name, config in configs.items():  # all rows, before one trains or is removed
        check_benchmark(config, ablation.protocol, folder / name, repeats, workers, overwrite, ablation.members)
    if overwrite:
        for name, config in configs.items():
            remove_stored(folder / name, config)
        (folder / CURVES).unlink(missing_ok=True)
    before = _stored_runs(folder, configs)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / ABLATION) as unfinished:
        unfinished.write_text(
            yaml.safe_dump(vars(ablation), sort_keys=False, allow_unicode=True), encoding="utf-8"
        )
    results, diverged = {}, []
    for name, config in configs.items():
        print(f"{name}:", flush=True)
        try:
            results[name] = benchmark(
                config, ablation.protocol, folder / name, repeats, workers, members=ablation.members
            )
        except FloatingPointError as error:  # the other rows run
            diverged.append(f"{name}: {error}")
    if _stored_runs(folder, configs) != before:
        (folder / CURVES).unlink(missing_ok=True)  # of fewer runs
    if diverged:
        raise FloatingPointError("\n".join(diverged))
    histories = {
        name: [folder / name / run / "history.csv" for run in result.get("runs", ())]
        for name, result in results.items()
    }
    if all(runs and all(run.is_file() for run in runs) for runs in histories.values()):
        plot_mean_curves(histories, folder / CURVES)
    return results


def _stored_runs(folder: Path, rows: Iterable[str]) -> dict[str, list[str]]:
    """Names of the runs in each row's result.json."""
    paths = {name: folder / name / RESULT for name in rows}
    return {name: [*read_json(path).get("runs", ())] for name, path in paths.items() if path.is_file()}
