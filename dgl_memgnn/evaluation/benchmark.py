"""All runs of a protocol, two at a time, each stored before the next starts."""
import json
import multiprocessing
import os
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

from dgl_memgnn.evaluation.protocols import runs
from dgl_memgnn.evaluation.run import train_run, write_json

__all__ = ["benchmark"]


def benchmark(config, protocol, folder, repeats=None, workers=2):
    """Run a protocol, or what is left of it.

    Parameters
    ----------
    config : dgl_memgnn.config.Config
        The configuration.
    protocol : str
        See :func:`dgl_memgnn.evaluation.protocols.runs`.
    folder : str or os.PathLike
        Receives a run folder a run, and result.json. Runs that are complete there are kept; one that was
        interrupted starts anew.
    repeats : int, optional
        Number of folds or seeds. Default: the protocol's.
    workers : int, optional
        Number of processes, of one thread each. Default: ``2``.

    Returns
    -------
    dict
        The content of result.json: mean and standard deviation of each metric, the runs, and the configuration.

    Raises
    ------
    ValueError
        If the folder holds a run of another configuration.
    """
    folder = Path(folder)
    configs = runs(config, protocol, repeats)
    pending = {name: run for name, run in configs.items() if not _is_complete(folder / name, run)}
    with tqdm(total=len(configs), initial=len(configs) - len(pending), unit="run") as bar:
        if pending:
            # spawned, not forked: OpenMP does not survive a fork
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(workers, context, initializer=_one_thread) as pool:
                started = [pool.submit(_run, folder / name, run, report=i == 0)
                           for i, (name, run) in enumerate(pending.items())]
                for done in as_completed(started):
                    done.result()
                    bar.update()
    result = _summary(config, protocol, folder, configs)
    write_json(folder / "result.json", result)
    return result


def _is_complete(folder, config):
    if not (folder / "metrics.json").is_file():
        return False
    stored = folder / "config.yaml"
    if stored.read_text(encoding="utf-8") != config.to_yaml():
        raise ValueError(f"{stored} is of another configuration. Give another --out, or remove {folder}.")
    return True


def _one_thread():
    import torch

    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


def _run(folder, config, report):
    if folder.exists():
        shutil.rmtree(folder)
    train_run(config, folder, progress=False, report=report)


def _summary(config, protocol, folder, configs):
    metrics = {name: json.loads((folder / name / "metrics.json").read_text(encoding="utf-8")) for name in configs}
    first = next(iter(metrics.values()))
    return {
        "protocol": protocol,
        "summary": {
            part: {
                metric: _mean_and_std([run[part][metric] for run in metrics.values()]) for metric in first[part]
            }
            for part in ("validation", "test") if part in first
        },
        "runs": metrics,
        "config": asdict(config),
    }


def _mean_and_std(values):
    values = np.array(values, dtype=float)  # null, where a metric is not defined, becomes NaN
    defined = values[~np.isnan(values)]
    if len(defined) == 0:
        return {"mean": None, "std": None}
    return {"mean": float(defined.mean()), "std": float(defined.std())}
