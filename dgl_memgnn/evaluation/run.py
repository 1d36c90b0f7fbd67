"""One run: data, network, training, and a folder with all that came of it."""
import csv
import json
import math
import os
import platform
import time
import warnings
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import pandas as pd
import torch

from dgl_memgnn.data import (
    TU_DATASETS,
    MoleculeDataset,
    TUDataset,
    load_molecules,
    random_split,
    scaffold_split,
    stratified_folds,
)
from dgl_memgnn.evaluation.baselines import PooledReadout, attentive_fp
from dgl_memgnn.evaluation.metrics import score_binary, score_classification, score_regression
from dgl_memgnn.models import GMN, MemGNN
from dgl_memgnn.training import BinaryTasks, Classification, Regression, Trainer, save_checkpoint
from dgl_memgnn.transforms import EMBEDDINGS, default_cache_dir, embed

__all__ = ["build_model", "embedding", "load_dataset", "model_inputs", "split", "train_run", "write_json"]

SCORES = {  # task -> (score, whether its first metric is better when higher)
    "classification": (score_classification, True),
    "binary": (score_binary, True),
    "regression": (score_regression, False),
}
PACKAGES = ("dgl-memgnn", "dgl", "torch", "numpy", "scipy", "scikit-learn", "dgllife", "rdkit")


def load_dataset(config):
    """The data set of a configuration, embedded if the network is GMN, and its kind of task."""
    data = config.data
    if data.dataset in TU_DATASETS:
        dataset, task = TUDataset(data.dataset, data.data_dir), "classification"
    elif data.dataset is not None:
        dataset = load_molecules(data.dataset, data.featurizer, data.data_dir)
        task = dataset.task
    else:
        dataset = MoleculeDataset.from_csv(data.csv, data.smiles_column, data.tasks, data.featurizer)
        present = dataset.labels[~dataset.labels.isnan()]
        task = "binary" if ((present == 0) | (present == 1)).all() else "regression"
    if config.model.network == "GMN":
        embed(dataset.graphs, embedding(config), data.cache_dir or default_cache_dir())
    return dataset, task


def embedding(config):
    """The topological embedding of a configuration."""
    return EMBEDDINGS[config.data.embedding](config.data.embedding_width)


def split(config, dataset):
    """Indices of the parts of a data set: train and validation, and test unless it is a fold."""
    data, seed = config.data, config.training.seed
    if data.split == "folds":
        parts = stratified_folds(dataset.labels, data.num_folds)[data.fold]
    elif data.split == "scaffold":
        parts = scaffold_split(dataset.smiles)
    else:
        parts = random_split(len(dataset), seed=seed)
    return dict(zip(("train", "validation", "test"), parts))


def build_model(config, node_feats, edge_feats, out_feats):
    """The network of a configuration, untrained."""
    model = config.model
    memory = {"num_keys": model.num_keys, "num_heads": model.num_heads, "tau": model.tau}
    if model.network == "GMN":
        width = config.data.embedding_width
        return GMN(node_feats, width, model.hidden_feats, out_feats, dropout=model.dropout, **memory)
    if model.network == "AttentiveFP":
        return attentive_fp(node_feats, edge_feats, model.hidden_feats, out_feats, model.num_layers, model.dropout)
    readout = None if model.readout == "memory" else PooledReadout(model.readout, model.hidden_feats)
    return MemGNN(node_feats, edge_feats, model.hidden_feats, out_feats, model.num_layers, dropout=model.dropout,
                  readout=readout, **memory)


def model_inputs(config):
    """What the network takes beside the graph, as a function of the batched graph."""
    if config.model.network == "GMN":
        return lambda graph: (graph.ndata["feat"], graph.ndata["topology"])
    return lambda graph: (graph.ndata["feat"], graph.edata.get("feat"))


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
    (folder / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    dataset, task = load_dataset(config)
    parts = split(config, dataset)
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
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)


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
