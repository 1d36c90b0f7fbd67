"""What a configuration stands for: data, their split, the network, and its training."""

from dataclasses import asdict

import torch

from dgl_memgnn.cache import default_cache_dir
from dgl_memgnn.data import (
    TU_DATASETS,
    MoleculeDataset,
    TUDataset,
    load_molecules,
    random_split,
    scaffold_split,
    stratified_folds,
)
from dgl_memgnn.evaluation.baselines import MorganForest, PooledReadout, attentive_fp
from dgl_memgnn.evaluation.metrics import score_binary, score_classification, score_regression
from dgl_memgnn.models import GMN, MemGNN
from dgl_memgnn.training import BinaryTasks, Classification, Regression, Trainer
from dgl_memgnn.transforms import EMBEDDINGS, embed

__all__ = [
    "SCORES",
    "build_model",
    "build_trainer",
    "descriptors_of",
    "embedding",
    "load_dataset",
    "model_inputs",
    "model_sizes",
    "numeric_tasks",
    "split",
    "task_names",
]

SCORES = {  # task -> (score, whether its first metric is better when higher)
    "classification": (score_classification, True),
    "binary": (score_binary, True),
    "regression": (score_regression, False),
}


def load_dataset(config):
    """The data set of a configuration, embedded if the network is GMN, and its kind of task."""
    data = config.data
    cache_dir = data.cache_dir or default_cache_dir()
    if data.dataset in TU_DATASETS:
        dataset, task = TUDataset(data.dataset, data.data_dir), "classification"
    elif data.dataset is not None:
        dataset = load_molecules(data.dataset, data.featurizer, data.data_dir, cache_dir, data.descriptors)
        task = dataset.task
    else:
        dataset = MoleculeDataset.from_csv(
            data.csv, data.smiles_column, data.tasks, data.featurizer, cache_dir, data.descriptors
        )
        task = "regression" if numeric_tasks(dataset) else "binary"
    if config.model.network == "GMN":
        embed(dataset.graphs, embedding(config), cache_dir)
    return dataset, task


def numeric_tasks(dataset):
    """Names of the tasks whose targets are not all 0 or 1."""
    labels = dataset.labels
    is_numeric = ~((labels == 0) | (labels == 1) | labels.isnan()).all(dim=0)
    return [name for name, numeric in zip(dataset.task_names, is_numeric) if numeric]


def embedding(config):
    """The topological embedding of a configuration."""
    return EMBEDDINGS[config.data.embedding](config.data.embedding_width)


def split(config, dataset):
    """Indices of the parts of a data set: train and validation, and test unless it is a fold."""
    data = config.data
    seed = config.training.seed if data.split_seed is None else data.split_seed
    if data.split == "folds":
        parts = stratified_folds(dataset.labels, data.num_folds)[data.fold]
    elif data.split == "scaffold":
        parts = scaffold_split(dataset.smiles)
    else:
        parts = random_split(len(dataset), seed=seed)
    return dict(zip(("train", "validation", "test"), parts))


def task_names(dataset, task):
    """Names of what is predicted."""
    return ["class"] if task == "classification" else list(dataset.task_names)


def descriptors_of(dataset):
    """Names of the descriptors that come with each graph."""
    return dataset.descriptor_names if isinstance(dataset, MoleculeDataset) else []


def model_sizes(dataset, task):
    """Widths of the network's inputs and output on a data set, as :func:`build_model` takes them."""
    out_feats = dataset.num_classes if task == "classification" else len(dataset.task_names)
    return {
        "node_feats": dataset.node_feats,
        "edge_feats": dataset.edge_feats,
        "out_feats": out_feats,
        "descriptor_feats": len(descriptors_of(dataset)),
    }


def build_model(config, node_feats, edge_feats, out_feats, descriptor_feats=0):
    """The network of a configuration, untrained."""
    model = config.model
    memory = {
        "num_keys": model.num_keys,
        "num_heads": model.num_heads,
        "tau": model.tau,
        "log_scores": model.log_scores,
    }
    if model.network == "GMN":
        width = config.data.embedding_width
        return GMN(node_feats, width, model.hidden_feats, out_feats, dropout=model.dropout, **memory)
    if model.network == "AttentiveFP":
        return attentive_fp(node_feats, edge_feats, model.hidden_feats, out_feats, model.num_layers, model.dropout)
    readout = None if model.readout == "memory" else PooledReadout(model.readout, model.hidden_feats)
    return MemGNN(
        node_feats,
        edge_feats,
        model.hidden_feats,
        out_feats,
        model.num_layers,
        dropout=model.dropout,
        edge_message=model.edge_message,
        update=model.update,
        readout=readout,
        descriptor_feats=descriptor_feats,
        **memory,
    )


def model_inputs(config):
    """What the network takes beside the graph, as a function of the batched graph."""
    if config.model.network == "GMN":
        return lambda graph: (graph.ndata["feat"], graph.ndata["topology"])
    return lambda graph: (graph.ndata["feat"], graph.edata.get("feat"))


def build_trainer(config, dataset, task, train, progress=False):
    """The trainer of a configuration, with a new network; targets are standardised by the training graphs."""
    if config.model.network == "RandomForest":
        return MorganForest(task, config.training.seed)
    torch.manual_seed(config.training.seed)
    model = build_model(config, **model_sizes(dataset, task))
    if config.data.descriptors:
        model.descriptor_norm.fit(dataset.descriptors[train])
    score, higher_is_better = SCORES[task]
    return Trainer(
        model,
        _objective(task, dataset.labels[train]),
        model_inputs(config),
        score,
        higher_is_better,
        progress=progress,
        **asdict(config.training),
    )


def _objective(task, labels):
    if task == "regression":
        return Regression.fit(labels)
    return BinaryTasks() if task == "binary" else Classification()
