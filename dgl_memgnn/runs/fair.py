"""The fair protocol: what is chosen is chosen on inner validation parts, and outer folds are scored once."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from dgl_memgnn.config import Config, candidates
from dgl_memgnn.data import GraphDataset
from dgl_memgnn.run_files import RESULT
from dgl_memgnn.runs.assembly import assemble, check_splits, load_dataset
from dgl_memgnn.runs.description import describe
from dgl_memgnn.runs.jobs import check_workers, finished_jobs
from dgl_memgnn.runs.kept import check_benchmark_folder, check_candidates, kept_folds, remove_stored
from dgl_memgnn.runs.parts import outer_folds
from dgl_memgnn.runs.protocols import asked
from dgl_memgnn.runs.run import train_run, write_json
from dgl_memgnn.runs.summaries import ensemble_score, means, summarise
from dgl_memgnn.tasks import make_task
from dgl_memgnn.visualization.curves import plot_curves
from dgl_memgnn.wording import significant

__all__ = ["check_fair", "fair_benchmark"]

NUM_RUNS = 3  # that assess a fold, unless told otherwise


def fair_benchmark(
    config: Config,
    folder: Path,
    repeats: int | None = None,
    workers: int = 2,
    overwrite: bool = False,
    num_runs: int = NUM_RUNS,
) -> dict[str, Any]:
    """Run the protocol of `A Fair Comparison of Graph Neural Networks for Graph Classification
    <https://arxiv.org/abs/1912.09893>`__, or what is left of it, fold by fold.

    Selection: each candidate of the configuration's section ``search`` is trained on the inner training part of an
    outer fold, and scored on the inner validation part; the test part is left out of these runs. A single
    candidate needs none. Assessment: the best is trained `num_runs` times with other seeds, each run keeps its
    epoch by validation, and the test part is scored.

    Parameters
    ----------
    config : Config
        The configuration; its split and seed are replaced.
    folder : pathlib.Path
        Receives run folders ``selection/fold0/candidate0`` and ``assessment/fold0/run0``, curves.png of the first
        run of each fold, and result.json, which is written anew when a fold ends. A fold that is in it is kept,
        whether its run folders are still there or not.
    repeats : int, optional
        Number of outer folds. Default: all.
    workers : int, optional
        Number of processes; each takes a fold at a time. Default: ``2``.
    overwrite : bool, optional
        Whether to remove the runs that are there and start anew. Default: ``False``.
    num_runs : int, optional
        Number of runs that assess a fold. Default: ``3``, that of the authors.

    Returns
    -------
    dict
        The content of result.json: under ``"summary"`` mean and standard deviation over the folds of the means
        over the runs; under ``"ensemble"``, of several runs, those of their mean prediction; under ``"folds"``,
        fold by fold, candidates, their scores, the one chosen, and the runs.

    Raises
    ------
    ValueError
        If there are not that many folds, or the folder holds a run or results of another configuration, or of data
        that have changed since.
    """
    check_workers(workers)
    begun = _begun(config, folder, repeats, overwrite, num_runs)
    source, num_folds, numbers, done = begun.source, begun.num_folds, begun.numbers, begun.done
    print("\n".join([f"The outer folds are {source}.", *begun.description]), flush=True)
    result = _result(config, source, num_folds, num_runs, list(done.values())) if done else {}
    calls = [(config, number, folder, num_runs) for number in numbers if number not in done]
    if overwrite:
        remove_stored(folder, config)
    if calls:
        (folder / "curves.png").unlink(missing_ok=True)  # of fewer folds
    pending = tqdm(finished_jobs(run_fold, calls, workers), initial=len(done), total=len(numbers), unit="fold")
    for number, fold in pending:
        tqdm.write(_in_words(number, fold))
        done[number] = fold
        result = _result(config, source, num_folds, num_runs, [done[number] for number in sorted(done)])
        write_json(folder / RESULT, result)
    histories = {f"fold{i}": folder / "assessment" / f"fold{i}" / "run0" / "history.csv" for i in numbers}
    if all(history.is_file() for history in histories.values()):
        plot_curves(histories, folder / "curves.png")
    return result


def check_fair(
    config: Config, folder: Path, repeats: int | None, workers: int, overwrite: bool, num_runs: int
) -> None:
    """ValueError for what :func:`fair_benchmark` would refuse before it trains."""
    check_workers(workers)
    _begun(config, folder, repeats, overwrite, num_runs)


class _Begun(NamedTuple):
    """Where the outer folds are from, how many there are and which are asked for; what is done; what is to run."""

    source: str
    num_folds: int
    numbers: range
    done: dict[int, Any]
    description: list[str]


def _begun(config: Config, folder: Path, repeats: int | None, overwrite: bool, num_runs: int) -> _Begun:
    """What is there; ValueError if something is wrong."""
    check_benchmark_folder(folder)
    dataset = load_dataset(config)
    folds, source = outer_folds(config, dataset)
    numbers = range(asked(repeats, len(folds), most=len(folds)))
    done = {} if overwrite else kept_folds(folder, config, numbers, num_runs, dataset)
    pending, description = [number for number in numbers if number not in done], []
    if pending:  # and processes find what this has cached
        proposed = candidates(config)
        if not overwrite:
            check_candidates(folder, pending, len(proposed))
        assemblies = [assemble(_with_split(each, "fair", 0, 0), dataset) for _, each in proposed]
        description = [describe(assemblies[0])]
        check_splits({f"fold{number}": _with_split(config, "fair", number, 0) for number in pending}, dataset)
    return _Begun(source, len(folds), numbers, done, description)


def run_fold(config: Config, number: int, folder: Path, num_runs: int = NUM_RUNS) -> tuple[int, dict[str, Any]]:
    """Selection and assessment on one outer fold: its number, and its entry in result.json."""
    dataset = load_dataset(config)
    proposed = candidates(config)
    selection = folder / "selection" / f"fold{number}"
    scores = _select(proposed, number, selection, dataset) if len(proposed) > 1 else []
    chosen = _best(scores, dataset) if scores else 0
    values, best = proposed[chosen]
    runs = {f"run{i}": _with_split(best, "fair", number, 1000 * (i + 1) + number) for i in range(num_runs)}
    folders = {name: folder / "assessment" / f"fold{number}" / name for name in runs}
    metrics = {name: train_run(run, folders[name], False, False, False, dataset) for name, run in runs.items()}
    first = next(iter(metrics.values()))
    ensemble = ensemble_score(list(folders.values()), make_task(first["task"], first["task_arguments"]))
    fold = {
        "fold": number,
        "selection": scores,
        "candidate": chosen,
        "values": values,
        "validation": means([each["validation"] for each in metrics.values()]),
        "test": means([each["test"] for each in metrics.values()]),
        "ensemble": ensemble,
        "runs": metrics,
    }
    return number, fold


def _select(
    proposed: list[tuple[dict[str, Any], Config]],
    number: int,
    folder: Path,
    dataset: GraphDataset,
) -> list[dict[str, Any]]:
    """Values, validation scores and kept epoch of each candidate on the inner parts of a fold; of one that
    diverges, the error.

    FloatingPointError if all do.
    """
    scores: list[dict[str, Any]] = []
    for i, (values, candidate) in enumerate(proposed):
        run = _with_split(candidate, "fair-inner", number, number)
        try:
            metrics = train_run(run, folder / f"candidate{i}", False, False, False, dataset)
        except FloatingPointError as error:
            scores.append({"values": values, "diverged": str(error)})
        else:
            kept = {name: metrics[name] for name in ("validation", "kept_epoch", "wall_time_seconds")}
            scores.append({"values": values, **kept})
    if all("diverged" in score for score in scores):
        raise FloatingPointError("\n".join(score["diverged"] for score in scores))
    return scores


def _best(scores: list[dict[str, Any]], dataset: GraphDataset) -> int:
    """The candidate that is best in the deciding metric, the first of equal ones; none that diverged."""
    assert dataset.task is not None
    metric = next(iter(dataset.task.metrics))
    sign = 1 if dataset.task.higher_is_better else -1
    whole = [i for i, score in enumerate(scores) if "diverged" not in score]
    return max(whole, key=lambda i: sign * scores[i]["validation"][metric])


def _with_split(config: Config, split: str, fold: int, seed: int) -> Config:
    data = replace(config.data, split=split, fold=fold)
    return replace(config, data=data, training=replace(config.training, seed=seed))


def _result(
    config: Config, source: str, num_folds: int, num_runs: int, folds: list[dict[str, Any]]
) -> dict[str, Any]:
    ensemble = {"members": num_runs, "summary": {"test": summarise([fold["ensemble"] for fold in folds])}}
    return {
        "protocol": "fair",
        "outer_folds": source,
        "num_outer_folds": num_folds,
        "summary": {part: summarise([fold[part] for fold in folds]) for part in ("validation", "test")},
        **({"ensemble": ensemble} if num_runs > 1 else {}),
        "folds": folds,
        "config": asdict(config),
    }


def _in_words(number: int, fold: dict[str, Any]) -> str:
    chosen = ", ".join(f"{name} {value}" for name, value in fold["values"].items())
    scores = [
        f"{part} {name} {significant(value)}"
        for part in ("validation", "test")
        for name, value in list(fold[part].items())[:1]
        if value is not None
    ]
    return f"fold {number}: {chosen + ': ' if chosen else ''}{', '.join(scores)}, runs: {len(fold['runs'])}"
