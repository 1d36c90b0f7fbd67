"""All runs of a protocol, two at a time, each stored before the next starts."""

from __future__ import annotations

from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dgl_memgnn.config import Config
from dgl_memgnn.data import GraphDataset
from dgl_memgnn.run_files import RESULT
from dgl_memgnn.runs.assembly import assemble, check_splits, load_dataset
from dgl_memgnn.runs.fair import NUM_RUNS, check_fair, fair_benchmark
from dgl_memgnn.runs.jobs import check_workers, finished_jobs
from dgl_memgnn.runs.kept import check_benchmark_folder, kept_runs, remove_stored
from dgl_memgnn.runs.protocols import runs, split_of
from dgl_memgnn.runs.run import check_unchanged, stored_result, train_run, write_json
from dgl_memgnn.runs.summaries import ensemble_score, summarise
from dgl_memgnn.tasks import make_task
from dgl_memgnn.visualization.curves import plot_curves

__all__ = ["benchmark", "check_benchmark"]


def benchmark(
    config: Config,
    protocol: str,
    folder: str | PathLike[str],
    repeats: int | None = None,
    workers: int = 2,
    overwrite: bool = False,
    members: int | None = None,
) -> dict[str, Any]:
    """Run a protocol, or what is left of it.

    Parameters
    ----------
    config : dgl_memgnn.config.Config
        The configuration.
    protocol : str
        One of :func:`dgl_memgnn.runs.runs`, or ``"fair"``: candidates chosen on the inner part of ten outer folds.
    folder : str or os.PathLike
        Receives a run folder a run, curves.png, and result.json. Runs that are complete there are kept, and those
        of result.json whose folders are gone; one that was interrupted continues.
    repeats : int, optional
        Number of folds or seeds. Default: the protocol's.
    workers : int, optional
        Number of processes, of one thread each; with 1, no process is started. Default: ``2``.
    overwrite : bool, optional
        Whether to remove the runs that are there and start anew. Default: ``False``.
    members : int, optional
        Number of networks trained on each split, whose mean prediction is scored too. Default: ``1``, and under
        ``"fair"``, where a fold's score is their mean, the protocol's ``3``.

    Returns
    -------
    dict
        The content of result.json: mean and standard deviation of each metric over the protocol's runs, those of
        the ensembles if there are any, all runs, and the configuration.

    Raises
    ------
    ValueError
        If the folder holds a run or results of another configuration, or of data that have changed since.
    """
    folder = Path(folder)
    if protocol == "fair":
        return fair_benchmark(config, folder, repeats, workers, overwrite, members or NUM_RUNS)
    check_workers(workers)
    members = members or 1
    configs, dataset, finished, ensembles = _begun(config, protocol, folder, repeats, overwrite, members)
    pending = {name: run for name, run in configs.items() if name not in finished}
    if overwrite:
        remove_stored(folder, config)
    calls = [
        # the first one tells what it has loaded; processes load the data themselves
        (name, run, folder / name, i == 0, dataset if workers == 1 else None)
        for i, (name, run) in enumerate(pending.items())
    ]
    result = _stored(config, protocol, folder, configs, members, finished, ensembles)
    if pending:
        (folder / "curves.png").unlink(missing_ok=True)  # of fewer runs
    with tqdm(total=len(configs), initial=len(configs) - len(pending), unit="run") as bar:
        for name, metrics in finished_jobs(_named_run, calls, workers):
            finished[name] = metrics
            result = _stored(config, protocol, folder, configs, members, finished, ensembles)
            bar.update()
    histories = {name: folder / name / "history.csv" for name in configs}
    if all(history.is_file() for history in histories.values()):  # not those of a network without epochs
        plot_curves(histories, folder / "curves.png")
    return result


def check_benchmark(
    config: Config,
    protocol: str,
    folder: Path,
    repeats: int | None = None,
    workers: int = 2,
    overwrite: bool = False,
    members: int | None = None,
) -> None:
    """ValueError for what :func:`benchmark` would refuse before it trains; it takes the same arguments."""
    if protocol == "fair":
        check_fair(config, folder, repeats, workers, overwrite, members or NUM_RUNS)
    else:
        check_workers(workers)
        _begun(config, protocol, folder, repeats, overwrite, members or 1)


def _begun(
    config: Config, protocol: str, folder: Path, repeats: int | None, overwrite: bool, members: int
) -> tuple[dict[str, Config], GraphDataset, dict[str, Any], dict[str, dict[str, Any]]]:
    """The runs, their data, and results of those and of their ensembles that are there; ValueError if something is
    wrong.
    """
    configs = runs(config, protocol, repeats, members)
    check_benchmark_folder(folder)
    dataset = load_dataset(config)
    finished: dict[str, Any] = {}
    ensembles: dict[str, dict[str, Any]] = {}
    if not overwrite:
        finished, ensembles = kept_runs(folder, config, protocol, configs, members, dataset)
        finished.update(_finished(configs, folder, dataset))
    pending = {name: run for name, run in configs.items() if name not in finished}
    if pending:  # and processes find what this has cached
        assemble(next(iter(pending.values())), dataset)
        check_splits({name: run for name, run in pending.items() if split_of(name) == name}, dataset)
    return configs, dataset, finished, ensembles


def _named_run(
    name: str, config: Config, folder: Path, report: bool, dataset: GraphDataset | None
) -> tuple[str, dict[str, Any]]:
    """Train a run: its name, and the content of its metrics.json."""
    return name, train_run(config, folder, False, False, report, dataset)


def _finished(configs: dict[str, Config], folder: Path, dataset: GraphDataset) -> dict[str, Any]:
    """Results of the runs that are finished; ValueError if one is of another configuration or of other data."""
    stored = {name: stored_result(folder / name, run) for name, run in configs.items()}
    finished = {name: result for name, result in stored.items() if result is not None}
    for name, result in finished.items():
        check_unchanged(folder / name, result, dataset)
    return finished


def _stored(
    config: Config,
    protocol: str,
    folder: Path,
    configs: dict[str, Config],
    members: int,
    finished: dict[str, Any],
    ensembles: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Write result.json, of the runs that are finished and ensembles that are scored, and return its content."""
    metrics = {name: finished[name] for name in configs if name in finished}
    splits = [name for name in configs if split_of(name) == name]
    scored = [metrics[name] for name in splits if name in metrics]
    parts = [part for part in ("validation", "test") if scored and part in scored[0]]
    result = {
        "protocol": protocol,
        "num_splits": len(splits),
        "summary": {part: summarise([each[part] for each in scored]) for part in parts},
        "runs": metrics,
        "config": asdict(config),
    }
    runs_of = {split: [name for name in configs if split_of(name) == split] for split in splits}
    whole = {split: names for split, names in runs_of.items() if all(name in metrics for name in names)}
    if members > 1 and whole:
        task = make_task(scored[0]["task"], scored[0]["task_arguments"])
        for split, names in whole.items():
            if split not in ensembles:
                ensembles[split] = ensemble_score([folder / name for name in names], task)
        scores = {split: ensembles[split] for split in whole}
        result["ensemble"] = {
            "members": members,
            "num_splits": len(whole),
            # of the part that runs store predictions for
            "summary": {parts[-1]: summarise(list(scores.values()))},
            "splits": scores,
        }
    if scored:  # not before there is more than members of an ensemble
        write_json(folder / RESULT, result)
    return result
