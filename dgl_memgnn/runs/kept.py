"""What a benchmark has stored: results of runs whose folders are gone, and all that starting anew removes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dgl_memgnn.config import Config, flat_values, stored_config
from dgl_memgnn.data import GraphDataset
from dgl_memgnn.files import read_json
from dgl_memgnn.run_files import RESULT
from dgl_memgnn.runs.protocols import SET_BY_PROTOCOL, member_of, split_of
from dgl_memgnn.runs.run import (
    check_holds_nothing,
    check_overwritable,
    check_same_configuration,
    check_unchanged,
    remove_run,
)

__all__ = ["check_benchmark_folder", "check_candidates", "kept_folds", "kept_runs", "remove_stored"]

RUNS = ("fold[0-9]*", "seed[0-9]*", "selection/fold[0-9]*/candidate[0-9]*", "assessment/fold[0-9]*/run[0-9]*")
REMEDY = "Give another folder with --out, or start anew with --overwrite."


def check_benchmark_folder(folder: Path) -> None:
    """FileExistsError if a folder holds something else than a benchmark, which would be mixed with it."""
    if (folder / "config.yaml").is_file():
        raise FileExistsError(f"{folder} holds a run. Give another folder with --out.")
    if not (folder / RESULT).is_file() and not any(_run_folders(folder)):
        check_holds_nothing(folder, "benchmark")


def kept_runs(
    folder: Path, config: Config, protocol: str, asked: Collection[str], members: int, dataset: GraphDataset
) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """Results of runs whose folders are gone, so that they need not be trained again.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of result.json, if it has one, and of the run folders.
    config : dgl_memgnn.config.Config
        The configuration.
    protocol : str
        The protocol.
    asked : collection of str
        Names of the runs that are asked for.
    members : int
        Networks trained on each split.
    dataset : GraphDataset
        The data as they are now.

    Returns
    -------
    (dict, dict)
        What metrics.json of each of these runs held, by the run's name; and the scores of the ensembles that they
        are of, by the names of their splits.

    Raises
    ------
    ValueError
        If these results are of another protocol, configuration or data, or something of them would be lost.
    """
    stored = _stored(folder, protocol)
    kept = stored.get("runs", {})
    theirs = 1 + max(map(member_of, kept), default=0)
    if members < theirs:
        raise ValueError(
            f"{folder} holds results of {theirs} members, not {members}: ask for as many with --members. {REMEDY}"
        )
    _check_asked(folder, kept, asked)
    gone = {name: run for name, run in kept.items() if not (folder / name).is_dir()}
    if not gone:
        return {}, {}
    _check_configuration(folder, stored, config)
    ensemble = stored.get("ensemble", {})
    scored = ensemble.get("splits", {}) if ensemble.get("members") == members else {}
    for name in gone if members > 1 else ():
        if split_of(name) not in scored:
            raise ValueError(
                f"The folder of {name} in {folder} is gone, so that no ensembles can be scored. {REMEDY}"
            )
    for name, run in gone.items():
        check_unchanged(folder / name, run, dataset)
    splits = {split_of(name) for name in gone}
    return gone, {split: score for split, score in scored.items() if split in splits}


def kept_folds(
    folder: Path, config: Config, asked: Collection[int], num_runs: int, dataset: GraphDataset
) -> dict[int, Any]:
    """The same of protocol fair: entries of outer folds, by their numbers, of which a run folder is gone."""
    stored, runs = _stored(folder, "fair"), folder / "assessment"
    kept = {fold["fold"]: fold for fold in stored.get("folds", [])}
    gone = {number: fold for number, fold in kept.items() if not _has_folders(folder, fold)}
    if kept:
        _check_configuration(folder, stored, config)
    _check_asked(folder, [f"fold{number}" for number in kept], [f"fold{number}" for number in asked])
    for number, fold in kept.items():
        if len(fold["runs"]) > num_runs or (number in gone and len(fold["runs"]) < num_runs):
            raise ValueError(
                f"{folder} holds {len(fold['runs'])} runs of fold {number}, not {num_runs}: ask for as many with "
                f"--members. {REMEDY}"
            )
    for number, fold in gone.items():
        check_unchanged(runs / f"fold{number}", fold["runs"]["run0"], dataset)
    return gone


def _has_folders(folder: Path, fold: dict[str, Any]) -> bool:
    """Whether all candidates and runs of an outer fold have theirs."""
    selection, assessment = (folder / part / f"fold{fold['fold']}" for part in ("selection", "assessment"))
    candidates = [selection / f"candidate{i}" for i in range(len(fold["selection"]))]
    return all(path.is_dir() for path in [*candidates, *(assessment / name for name in fold["runs"])])


def remove_stored(folder: Path, config: Config) -> None:
    """Remove results and runs of whatever protocol before anything is trained: a call that is broken off has begun
    anew, and the next has nothing of before to continue with.

    ValueError or FileExistsError, and nothing is removed, if something there is not of a benchmark, or is to be
    learned from.
    """
    _stored(folder)
    runs = list(_run_folders(folder))
    for run in runs:
        check_overwritable(run, config)
    for name in (RESULT, "curves.png"):
        (folder / name).unlink(missing_ok=True)
    for run in runs:
        remove_run(run)


def _run_folders(folder: Path) -> Iterator[Path]:
    """The folders of a benchmark's runs, finished or not."""
    return (path.parent for pattern in RUNS for path in sorted(folder.glob(f"{pattern}/config.yaml")))


def _stored(folder: Path, protocol: str | None = None) -> dict[str, Any]:
    """The content of result.json, if there is one; ValueError if it is of no benchmark, or of another protocol."""
    path = folder / RESULT
    stored = read_json(path) if path.is_file() else {}
    if stored and "protocol" not in stored:
        raise ValueError(f"{path} is not of a benchmark. Give another folder with --out.")
    if stored and protocol is not None and stored["protocol"] != protocol:
        raise ValueError(f"{folder} holds results of protocol {stored['protocol']}, not {protocol}. {REMEDY}")
    return stored


def _heeded(config: Config, protocol: str) -> dict[str, dict[str, Any]]:
    """The sections of a configuration without what a protocol says itself."""
    said = SET_BY_PROTOCOL[protocol]
    return {
        name: {key: value for key, value in section.items() if key not in said or name == "search"}
        for name, section in asdict(config).items()
    }


def check_candidates(folder: Path, folds: Iterable[int], num_candidates: int) -> None:
    """ValueError if the candidate of an outer fold that is begun is chosen among others than are proposed now."""
    finished = {fold["fold"] for fold in _stored(folder, "fair").get("folds", [])}
    searched = num_candidates if num_candidates > 1 else 0
    for fold in set(folds) - finished:
        stored = len(list((folder / "selection" / f"fold{fold}").glob("candidate[0-9]*")))
        assessed = (folder / "assessment" / f"fold{fold}").is_dir()
        if stored > searched or (assessed and 0 < stored < searched):
            raise ValueError(
                f"{folder} holds {stored} candidates of fold {fold}, and {num_candidates} are proposed. {REMEDY}"
            )


def _check_configuration(folder: Path, stored: dict[str, Any], config: Config) -> None:
    """ValueError if results are of another configuration."""
    theirs = stored_config(overrides=flat_values(stored["config"]))
    theirs.search = stored["config"].get("search", {}) if stored["protocol"] == "fair" else config.search
    check_same_configuration(folder, *(_heeded(each, stored["protocol"]) for each in (theirs, config)))


def _check_asked(folder: Path, kept: Collection[str], asked: Collection[str]) -> None:
    """ValueError if results would be lost, since fewer are asked for."""
    unasked = [name for name in kept if name not in asked]
    if unasked:
        raise ValueError(
            f"{folder} holds results of {', '.join(unasked)}, which are not asked for: ask for more with "
            f"--repeats. {REMEDY}"
        )
