"""What a configuration stands for: data, their split, and a learner."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import signature
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dgl_memgnn.cache import default_cache_dir
from dgl_memgnn.config import Config, DataConfig
from dgl_memgnn.data import GraphDataset, MoleculeDataset, load_named
from dgl_memgnn.data.folder import DATA_DIR_VARIABLE
from dgl_memgnn.models import NETWORKS, Network, Widths
from dgl_memgnn.runs.parts import split, take_parts, task_of
from dgl_memgnn.tasks import Task
from dgl_memgnn.training import Trainer, TrainingConfig
from dgl_memgnn.transforms import EMBEDDINGS, SampleEdges, embed
from dgl_memgnn.transforms.topology import TopologicalEmbedding
from dgl_memgnn.weights import NONE, freeze, load_weights, take_over

__all__ = [
    "Assembly",
    "assemble",
    "build_learner",
    "check_splits",
    "embed_for",
    "embedding_of",
    "load_dataset",
    "start_learner",
    "takes_topology",
    "widths_of",
]


SIMILARITY = "similarity_to_training"  # a column of predictions


@dataclass
class Assembly:
    """All that a run is made of.

    Parameters
    ----------
    config : Config
    dataset : GraphDataset
        With the topological embedding, if the network takes one.
    parts : dict of ndarray
        Indices of ``"train"`` and, where the split has them, ``"validation"`` and ``"test"``.
    learner : Trainer, or a network that learns by itself
        Not yet trained.
    pretrained : list of str
        Names of the modules that start from weights; empty if none do.
    """

    config: Config
    dataset: GraphDataset
    parts: dict[str, np.ndarray]
    learner: Any
    pretrained: list[str]

    @property
    def network(self) -> Network:
        """The network's entry in :data:`dgl_memgnn.models.NETWORKS`."""
        return NETWORKS[self.config.model.network]


def assemble(
    config: Config,
    dataset: GraphDataset | None = None,
    parts: dict[str, np.ndarray] | None = None,
    progress: bool = False,
    pretrained: list[str] | None = None,
) -> Assembly:
    """Assemble a run.

    Parameters
    ----------
    config : Config
    dataset : GraphDataset, optional
        What :func:`load_dataset` gave for the same data. Default: it is loaded.
    parts : dict of ndarray, optional
        The split. Default: the configuration's.
    progress : bool, optional
        Whether training shows a progress bar. Default: ``False``.
    pretrained : list of str, optional
        Names of the modules that started from weights, of a run that continues: its state holds what became of
        them. Default: they are taken from the file of weights that the configuration names, if it names one.

    Raises
    ------
    ValueError
        If the data are not what the configuration says, or nothing can be learned from them, or the weights to
        start from are not those of the configuration.
    """
    dataset = load_dataset(config) if dataset is None else dataset
    embed_for(config, dataset.graphs, config.data.cache_dir or default_cache_dir())
    parts = split(config, dataset) if parts is None else parts
    task = task_of(dataset)
    task.check_learnable(dataset.labels, parts, dataset.weights)
    _check_columns(config, task)
    learner, pretrained = start_learner(config, task, widths_of(config, dataset), progress, pretrained)
    if dataset.descriptors is not None:
        learner.model.descriptor_norm.fit(dataset.descriptors[parts["train"]])
    return Assembly(config, dataset, parts, learner, pretrained)


def check_splits(configs: Mapping[str, Config], dataset: GraphDataset) -> None:
    """ValueError if nothing can be learned from one of several splits of a data set; it names which."""
    for name, config in configs.items():
        try:
            task_of(dataset).check_learnable(dataset.labels, split(config, dataset), dataset.weights)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error


def load_dataset(config: Config) -> GraphDataset:
    """The data set of a configuration, without a topological embedding."""
    dataset = _load(config)
    if config.data.splits_file is not None:
        take_parts(config.data.splits_file, dataset)
    return dataset


def load_stored_dataset(config: Config) -> GraphDataset:
    """The data set of a run that is stored: if its data folder is gone, that of ``DGL_MEMGNN_DATA``."""
    data_dir = config.data.data_dir
    if data_dir is not None and not Path(data_dir).is_dir() and os.environ.get(DATA_DIR_VARIABLE):
        config = replace(config, data=replace(config.data, data_dir=None))
    return load_dataset(config)


def _load(config: Config) -> GraphDataset:
    data = config.data
    cache_dir = data.cache_dir or default_cache_dir()
    if data.dataset is not None:
        dataset = load_named(
            data.dataset,
            data.featurizer,
            data.data_dir,
            cache_dir,
            data.descriptors,
            data.task_type,
            data.degree_features,
        )
        if data.edge_fraction < 1:
            sample = SampleEdges(data.edge_fraction, data.edge_sampling)
            dataset.graphs = [sample(graph) for graph in dataset.graphs]
        return dataset
    assert data.csv is not None  # see check_together
    return MoleculeDataset.from_csv(
        data.csv,
        data.smiles_column,
        data.tasks,
        data.featurizer,
        cache_dir,
        data.descriptors,
        data.task_type,
        data.limits,
        data.splits_column,
        data.validation_csv,
        data.test_csv,
        data.weight_column,
        data.descriptors_columns,
    )


def takes_topology(config: Config) -> bool:
    """Whether the network of a configuration takes a topological embedding."""
    return NETWORKS[config.model.network].takes_topology(config.model)


def embed_for(config: Config, graphs: list[Any], cache_dir: str | PathLike[str] | None = None) -> None:
    """Give graphs the topological embedding of a configuration, if its network takes one."""
    if takes_topology(config):
        embed(graphs, embedding_of(config.data), cache_dir)


def embedding_of(data: DataConfig) -> TopologicalEmbedding:
    """The topological embedding of a configuration."""
    kind: Any = EMBEDDINGS[data.embedding]
    options = {"continue_prob": data.continue_prob, "sort": data.embedding_sort}
    taken = signature(kind).parameters
    given = {name: value for name, value in options.items() if name in taken and value is not None}
    return kind(data.embedding_width, **given)


def widths_of(config: Config, dataset: GraphDataset) -> Widths:
    """Widths of the network's inputs and output on a data set."""
    return Widths(
        dataset.node_feats,
        dataset.edge_feats,
        task_of(dataset).num_outputs,
        config.data.embedding_width,
        len(dataset.descriptor_names),
        len(dataset.property_names),
        measured_feats=dataset.smiles is None,
    )


def build_learner(config: Config, task: Task, widths: Widths) -> Any:
    """A new network of a configuration, with weights that are drawn or yet to be loaded, and what trains it."""
    return start_learner(config, task, widths, pretrained=[])[0]


def start_learner(
    config: Config, task: Task, widths: Widths, progress: bool = False, pretrained: list[str] | None = None
) -> tuple[Any, list[str]]:
    """A new network, and what trains it; and which modules start from weights, see :func:`assemble`."""
    network, seed = NETWORKS[config.model.network], config.training.seed
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        model = network.build(config.model, widths, task, seed)
    if network.learns_by_itself:
        if task.needs_gradients:
            raise ValueError(f"model.network: {network.name} cannot learn a task of type {task.task_type}.")
        return model, []
    if pretrained is None:
        pretrained = [] if config.model.pretrained == NONE else _take_over(model, config)
    if config.model.freeze_query:
        freeze(model.get_submodule("query"))
    slow = [parameter for part in pretrained for parameter in getattr(model, part).parameters()]
    trainer = Trainer(model, task, network.take_inputs(config.model), config.training, progress, slow)
    return trainer, pretrained


def _take_over(model: Any, config: Config) -> list[str]:
    """Copy the weights of a configuration into a network; names of the modules that have them."""
    options = config.model
    weights = load_weights(options.pretrained)
    if weights.sha256 != options.pretrained_sha256:
        raise ValueError(
            f"The weights {options.pretrained} have SHA-256 {weights.sha256}, and the run is to start from those "
            f"with {options.pretrained_sha256}: restore the file, or start a new run from the one that is there."
        )
    for name, value in weights.settings(options.readout).items():
        own = config.data.featurizer if name == "featurizer" else getattr(options, name)
        if own != value:
            raise ValueError(f"{name} is {own!r}, and the weights {weights.name} were trained with {value!r}.")
    parts = take_over(model, weights, options.readout)
    if config.training.initial_keys != TrainingConfig.initial_keys and "readout" in parts:
        raise ValueError(
            f"training.initial_keys: {config.training.initial_keys} would replace the keys of the weights "
            f"{weights.name}: leave it out, or start without weights (--pretrained {NONE})."
        )
    return parts


def _check_columns(config: Config, task: Task) -> None:
    """Refuse names that a table of predictions would hold twice."""
    _, spread = task.combine(torch.empty(2, 0, task.num_outputs))
    columns = [*task.columns(np.empty((0, task.num_outputs))), SIMILARITY, "reason"]
    columns += [f"{name}_std" for name in task.output_names if spread is not None]
    columns += [f"{name}_{end}" for name in task.names for end in ("low", "high") if task.has_intervals]
    if config.data.csv is not None:
        columns.append(config.data.smiles_column)
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    if doubled:
        raise ValueError(
            f"Tables of predictions would have two columns {doubled[0]!r}: rename a column or a class."
        )
