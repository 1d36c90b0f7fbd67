"""One run: data, network, training, and a folder with all that came of it."""
import csv
import json
import math
import platform
import time
import warnings
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import pandas as pd
import torch

from dgl_memgnn.data import MoleculeDataset
from dgl_memgnn.evaluation.assembly import build_model, load_dataset, model_inputs, split
from dgl_memgnn.evaluation.learnable import check_learnable
from dgl_memgnn.evaluation.metrics import score_binary, score_classification, score_regression
from dgl_memgnn.files import replacing
from dgl_memgnn.training import BinaryTasks, Classification, Regression, Trainer, save_checkpoint

__all__ = ["train_run", "write_json"]

SCORES = {  # task -> (score, whether its first metric is better when higher)
    "classification": (score_classification, True),
    "binary": (score_binary, True),
    "regression": (score_regression, False),
}
PACKAGES = ("dgl-memgnn", "dgl", "torch", "numpy", "scipy", "scikit-learn", "dgllife", "rdkit")


def train_run(config, folder, progress=True):
    """Train as a configuration says, and store the run.

    Parameters
    ----------
    config : dgl_memgnn.config.Config
        The configuration.
    folder : str or os.PathLike
        The run folder, new or empty. It receives config.yaml, history.csv, metrics.json, predictions.csv
        and checkpoint.pt.
    progress : bool, optional
        Whether to print what was loaded and show a progress bar. Default: ``True``.

    Returns
    -------
    dict
        The content of metrics.json.

    Raises
    ------
    FileExistsError
        If the folder is not empty.
    """
    started = time.perf_counter()
    folder = _new_folder(folder)
    dataset, task = load_dataset(config)
    parts = split(config, dataset)
    check_learnable(dataset, task, parts)
    if progress:
        _describe(dataset, task, parts)

    torch.manual_seed(config.training.seed)
    names = ["class"] if task == "classification" else list(dataset.task_names)
    sizes = {
        "node_feats": dataset.node_feats,
        "edge_feats": dataset.edge_feats,
        "out_feats": dataset.num_classes if task == "classification" else len(names),
    }
    model = build_model(config, **sizes)
    objective = _objective(task, dataset.labels[parts["train"]])
    score, higher_is_better = SCORES[task]
    trainer = Trainer(model, objective, model_inputs(config), score, higher_is_better, progress=progress,
                      **asdict(config.training))

    (folder / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")

    def on_epoch(record, improved):
        _append_row(folder / "history.csv", record)
        if improved:
            save_checkpoint(
                folder / "checkpoint.pt", model=model.state_dict(), objective=objective.state_dict(),
                config=asdict(config), task=task, task_names=names, sizes=sizes,
            )

    trainer.fit(dataset, parts["train"], parts["validation"], on_epoch)
    predictions = {part: trainer.predict(dataset, indices) for part, indices in parts.items() if part != "train"}
    result = {part: _json(score(p, dataset.labels[parts[part]])) for part, p in predictions.items()}
    if len(names) > 1:
        result["tasks"] = {
            part: {name: _task_score(score, p, dataset.labels[parts[part]], i) for i, name in enumerate(names)}
            for part, p in predictions.items()
        }
    held_out = "test" if "test" in parts else "validation"
    _predictions_table(dataset, task, names, parts[held_out], predictions[held_out]).to_csv(
        folder / "predictions.csv", index=False
    )
    result.update(
        task=task,
        parts={part: len(indices) for part, indices in parts.items()},
        best_epoch=trainer.best_epoch,
        seed=config.training.seed,
        dropped=dataset.drop_report() if isinstance(dataset, MoleculeDataset) else None,
        versions={"python": platform.python_version(), **{p: metadata.version(p) for p in PACKAGES}},
        wall_time_seconds=round(time.perf_counter() - started, 1),
    )
    write_json(folder / "metrics.json", result)
    return result


def write_json(path, content):
    """Write a JSON file, whole or not at all."""
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _new_folder(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty. Give another folder with --out, or remove it.")
    return folder


def _json(metrics):
    """Metrics as JSON has them: null where a metric is not defined."""
    return {name: None if math.isnan(value) else value for name, value in metrics.items()}


def _task_score(score, prediction, label, task):
    """Metrics of a single task; null where its labels do not define them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the score over all tasks has warned
        return _json(score(prediction[:, [task]], label[:, [task]]))


def _describe(dataset, task, parts):
    if isinstance(dataset, MoleculeDataset):
        print(dataset.drop_report())
        print(f"Task: {task} of {', '.join(dataset.task_names)}.")
    print("Split: " + ", ".join(f"{len(indices)} {part}" for part, indices in parts.items()) + ".", flush=True)


def _objective(task, labels):
    if task == "regression":
        return Regression.fit(labels)
    return BinaryTasks() if task == "binary" else Classification()


def _append_row(path, record):
    is_new = not path.exists()
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, record)
        if is_new:
            writer.writeheader()
        writer.writerow(record)


def _predictions_table(dataset, task, names, indices, prediction):
    """Targets and predictions of held-out graphs, a row a graph and task, without missing targets."""
    if task == "classification":
        classes = dataset.classes
        return pd.DataFrame({
            "id": indices,
            "target": [classes[i] for i in dataset.labels[indices].tolist()],
            "prediction": [classes[i] for i in prediction.argmax(1).tolist()],
        })
    tables = [
        pd.DataFrame({
            "id": [dataset.rows[i] for i in indices],
            "smiles": [dataset.smiles[i] for i in indices],
            "task": name,
            "target": dataset.labels[indices, task_id].numpy(),
            "prediction": prediction[:, task_id].numpy(),
        })
        for task_id, name in enumerate(names)
    ]
    return pd.concat(tables).dropna(subset=["target"])
