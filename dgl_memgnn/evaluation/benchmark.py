"""All runs of a protocol, two at a time, each stored before the next starts."""

import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from dgl_memgnn.evaluation.assembly import SCORES
from dgl_memgnn.evaluation.protocols import runs
from dgl_memgnn.evaluation.run import finished_result, train_run, write_json
from dgl_memgnn.visualization import plot_curves

__all__ = ["benchmark"]


def benchmark(config, protocol, folder, repeats=None, workers=2, overwrite=False, members=1):
    """Run a protocol, or what is left of it.

    Parameters
    ----------
    config : dgl_memgnn.config.Config
        The configuration.
    protocol : str
        See :func:`dgl_memgnn.evaluation.protocols.runs`.
    folder : str or os.PathLike
        Receives a run folder a run, curves.png, and result.json. Runs that are complete there are kept; one that
        was interrupted continues.
    repeats : int, optional
        Number of folds or seeds. Default: the protocol's.
    workers : int, optional
        Number of processes, of one thread each. Default: ``2``.
    overwrite : bool, optional
        Whether to remove the runs that are there and start anew. Default: ``False``.
    members : int, optional
        Number of networks trained on the split of each seed, whose mean prediction is scored too. Default: ``1``.

    Returns
    -------
    dict
        The content of result.json: mean and standard deviation of each metric over the protocol's runs, those of
        the ensembles if there are any, all runs, and the configuration.

    Raises
    ------
    ValueError
        If the folder holds a run of another configuration.
    """
    folder = Path(folder)
    configs = runs(config, protocol, repeats, members)
    pending = {
        name: run for name, run in configs.items() if overwrite or finished_result(folder / name, run) is None
    }
    with tqdm(total=len(configs), initial=len(configs) - len(pending), unit="run") as bar:
        if pending:
            # spawned, not forked: OpenMP does not survive a fork
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(workers, context, initializer=_one_thread) as pool:
                started = [
                    pool.submit(train_run, run, folder / name, False, overwrite, report=i == 0)
                    for i, (name, run) in enumerate(pending.items())
                ]
                try:
                    for done in as_completed(started):
                        done.result()
                        bar.update()
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    for process in multiprocessing.active_children():
                        process.terminate()  # what they have stored is whole, and continues
                    raise
    result = _result(config, protocol, folder, configs, members)
    if config.model.network != "RandomForest":
        plot_curves({name: folder / name / "history.csv" for name in configs}, folder / "curves.png")
    write_json(folder / "result.json", result)
    return result


def _one_thread():
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


def _result(config, protocol, folder, configs, members):
    metrics = {name: json.loads((folder / name / "metrics.json").read_text(encoding="utf-8")) for name in configs}
    splits = [name for name in configs if "-member" not in name]
    parts = [part for part in ("validation", "test") if part in metrics[splits[0]]]
    result = {
        "protocol": protocol,
        "summary": {part: _summary([metrics[name][part] for name in splits]) for part in parts},
        "runs": metrics,
        "config": asdict(config),
    }
    if members > 1:
        ensembles = [[name for name in configs if name.partition("-")[0] == split] for split in splits]
        scores = [
            _ensemble_score([folder / name for name in names], metrics[names[0]]["task"]) for names in ensembles
        ]
        result["ensemble"] = {"members": members, "summary": {"test": _summary(scores)}}
    return result


def _ensemble_score(folders, task):
    """Metrics of the mean of the test predictions of some runs on the same split."""
    tables = [pd.read_csv(folder / "predictions.csv").set_index(["id", "task"]) for folder in folders]
    mean = sum(table["prediction"] for table in tables) / len(tables)
    score, _ = SCORES[task]
    target, prediction = tables[0]["target"].unstack(), mean.unstack()  # a row a molecule, a column a task
    return score(torch.tensor(prediction.to_numpy()).nan_to_num(), torch.tensor(target.to_numpy()))


def _summary(scores):
    return {metric: _mean_and_std([score[metric] for score in scores]) for metric in scores[0]}


def _mean_and_std(values):
    values = np.array(values, dtype=float)  # null, where a metric is not defined, becomes NaN
    defined = values[~np.isnan(values)]
    if len(defined) == 0:
        return {"mean": None, "std": None}
    return {"mean": float(defined.mean()), "std": float(defined.std())}
