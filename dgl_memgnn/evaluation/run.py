"""One run: data, network, training, and a folder with all that came of it."""

import hashlib
import json
import math
import platform
import time
import warnings
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd

from dgl_memgnn.config import load_config
from dgl_memgnn.data import MoleculeDataset
from dgl_memgnn.evaluation.assembly import (
    SCORES,
    build_trainer,
    descriptors_of,
    load_dataset,
    model_sizes,
    split,
    task_names,
)
from dgl_memgnn.evaluation.description import describe
from dgl_memgnn.evaluation.learnable import check_learnable
from dgl_memgnn.files import remove_unfinished, replacing
from dgl_memgnn.training import load_checkpoint, save_checkpoint
from dgl_memgnn.training.distributed import check_device, main_process_first, rank
from dgl_memgnn.visualization import plot_curves

__all__ = ["finished_result", "train_run", "write_json"]

PACKAGES = ("dgl-memgnn", "dgl", "torch", "numpy", "scipy", "scikit-learn", "dgllife", "rdkit")
FILES = ("config.yaml", "history.csv", "curves.png", "checkpoint.pt", "predictions.csv", "metrics.json")
STATE = "training.pt"  # all it takes to continue; removed when the run is finished


def train_run(config, folder, progress=True, overwrite=False, report=True):
    """Train as a configuration says, and store the run.

    All processes of a group (see :mod:`dgl_memgnn.training.distributed`) call it; the first of them writes.

    A run that was interrupted, however that was, continues after its last whole epoch and ends as if it had
    never stopped. A finished one is left as it is.

    Parameters
    ----------
    config : dgl_memgnn.config.Config
        The configuration.
    folder : str or os.PathLike
        The run folder: new, empty, or of the same configuration. It receives config.yaml, history.csv,
        curves.png, metrics.json, predictions.csv and checkpoint.pt.
    progress : bool, optional
        Whether to show a progress bar. Default: ``True``.
    overwrite : bool, optional
        Whether to remove a run that is there and start anew. Default: ``False``.
    report : bool, optional
        Whether to print what was loaded and what was chosen, or that the run is finished. Default: ``True``.

    Returns
    -------
    dict
        The content of metrics.json.

    Raises
    ------
    FileExistsError
        If the folder holds something else than a run.
    ValueError
        If the folder holds a run of another configuration or its data have changed since, or if the data are not
        what the configuration says, or nothing can be learned from them.
    """
    started = time.perf_counter()
    folder = Path(folder)
    check_device(config.training.device)
    with main_process_first():
        if rank() == 0:
            remove_unfinished(folder)
            if overwrite:
                _remove_run(folder)
    if not overwrite:
        result = finished_result(folder, config)
        if result is not None:
            if rank() == 0:
                (folder / STATE).unlink(missing_ok=True)
                if report:
                    print(f"{folder} is finished; --overwrite starts it anew.")
            return result
    with main_process_first():
        dataset, task = load_dataset(config)
    parts = split(config, dataset)
    check_learnable(dataset, task, parts)
    trainer = build_trainer(config, dataset, task, parts["train"], progress)
    if report and rank() == 0:
        print(describe(config, dataset, task, parts, trainer), flush=True)
    data = _digest(dataset, parts)
    elapsed = _continue(trainer, folder, data)
    if rank() == 0:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / "config.yaml") as unfinished:
            unfinished.write_text(config.to_yaml(), encoding="utf-8")

    def on_epoch(record, kept):
        if rank() > 0:
            return
        with replacing(folder / "history.csv") as unfinished:
            pd.DataFrame(trainer.history).to_csv(unfinished, index=False)
        if kept:
            save_checkpoint(
                folder / "checkpoint.pt",
                model=trainer.evaluated.state_dict(),
                objective=trainer.objective.state_dict(),
                config=asdict(config),
                task=task,
                task_names=task_names(dataset, task),
                sizes=model_sizes(dataset, task),
                descriptor_names=descriptors_of(dataset),
            )
        save_checkpoint(
            folder / STATE,
            trainer=trainer.state_dict(),
            data=data,
            elapsed=elapsed + time.perf_counter() - started,
        )

    trainer.fit(dataset, parts["train"], parts["validation"], on_epoch)
    predictions = {part: trainer.predict(dataset, indices) for part, indices in parts.items() if part != "train"}
    result = _scores(dataset, task, parts, predictions)
    result.update(
        task=task,
        parts={part: len(indices) for part, indices in parts.items()},
        kept_epoch=trainer.kept_epoch,
        seed=config.training.seed,
        dropped=dataset.drop_report() if isinstance(dataset, MoleculeDataset) else None,
        duplicates=dataset.duplicate_report() if isinstance(dataset, MoleculeDataset) else None,
        versions={"python": platform.python_version(), **{p: metadata.version(p) for p in PACKAGES}},
        wall_time_seconds=round(elapsed + time.perf_counter() - started, 1),
    )
    if rank() == 0:
        held_out = "test" if "test" in parts else "validation"
        with replacing(folder / "predictions.csv") as unfinished:
            table = _predictions_table(dataset, task, parts[held_out], predictions[held_out])
            table.to_csv(unfinished, index=False)
        if trainer.kept_epoch is not None:
            plot_curves({"": folder / "history.csv"}, folder / "curves.png")
        write_json(folder / "metrics.json", result)
        (folder / STATE).unlink(missing_ok=True)
    return result


def finished_result(folder, config):
    """What a finished run of this configuration scored; None if it has yet to run, or to end.

    Parameters
    ----------
    folder : pathlib.Path
        A run folder, or a folder yet to be made.
    config : dgl_memgnn.config.Config
        The configuration.

    Returns
    -------
    dict or None
        The content of metrics.json.

    Raises
    ------
    FileExistsError
        If the folder holds something else than a run.
    ValueError
        If the folder holds a run of another configuration; the message names what differs.
    """
    stored = folder / "config.yaml"
    if not stored.is_file():
        if folder.is_dir() and any(folder.iterdir()):
            raise FileExistsError(f"{folder} is not empty, and holds no run. Give another folder with --out.")
        return None
    theirs, ours = asdict(load_config(stored)), asdict(config)
    differing = [
        f"{section}.{key} is {value!r}, not {ours[section][key]!r}"
        for section in theirs
        for key, value in theirs[section].items()
        if value != ours[section][key]
    ]
    if differing:
        raise ValueError(
            f"{folder} holds a run of another configuration: {'; '.join(differing)}. "
            "Give another folder with --out, or start anew with --overwrite."
        )
    path = folder / "metrics.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def write_json(path, content):
    """Write a JSON file, whole or not at all."""
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _remove_run(folder):
    """Remove a run's files and nothing else."""
    for name in (*FILES, STATE):
        (folder / name).unlink(missing_ok=True)


def _continue(trainer, folder, data):
    """Take up an interrupted run; returns the seconds that it has taken."""
    path = folder / STATE
    if not path.is_file():
        return 0.0
    state = load_checkpoint(path)
    if state["data"] != data:
        raise ValueError(
            f"The data have changed since {folder} was begun. Restore them, or start anew with --overwrite."
        )
    trainer.load_state_dict(state["trainer"])
    return state["elapsed"]


def _digest(dataset, parts):
    """Tells whether graphs, labels or split are others than before."""
    digest = hashlib.sha256()
    for array in [dataset.labels.numpy(), *parts.values()]:
        digest.update(np.ascontiguousarray(array))
    if isinstance(dataset, MoleculeDataset):
        content = dataset.smiles
    else:
        content = [(graph.num_nodes(), graph.num_edges()) for graph in dataset.graphs]
    digest.update(repr(content).encode())
    return digest.hexdigest()


def _scores(dataset, task, parts, predictions):
    """Metrics of each part and, if there are several, of each task."""
    score, _ = SCORES[task]
    scores = {part: _json(score(p, dataset.labels[parts[part]])) for part, p in predictions.items()}
    names = task_names(dataset, task)
    if len(names) > 1:
        scores["tasks"] = {
            part: {name: _task_score(score, p, dataset.labels[parts[part]], i) for i, name in enumerate(names)}
            for part, p in predictions.items()
        }
    return scores


def _json(metrics):
    """Metrics as JSON has them: null where a metric is not defined."""
    return {name: None if math.isnan(value) else value for name, value in metrics.items()}


def _task_score(score, prediction, label, task):
    """Metrics of a single task; null where its labels do not define them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the score over all tasks has warned
        return _json(score(prediction[:, [task]], label[:, [task]]))


def _predictions_table(dataset, task, indices, prediction):
    """Targets and predictions of held-out graphs, a row a graph and task, without missing targets."""
    if task == "classification":
        classes = dataset.classes
        return pd.DataFrame(
            {
                "id": indices,
                "target": [classes[i] for i in dataset.labels[indices].tolist()],
                "prediction": [classes[i] for i in prediction.argmax(1).tolist()],
            }
        )
    tables = [
        pd.DataFrame(
            {
                "id": [dataset.rows[i] for i in indices],
                "smiles": [dataset.smiles[i] for i in indices],
                "task": name,
                "target": dataset.labels[indices, task_id].numpy(),
                "prediction": prediction[:, task_id].numpy(),
            }
        )
        for task_id, name in enumerate(dataset.task_names)
    ]
    return pd.concat(tables).dropna(subset=["target"])
