"""A trained network on disk: written by a run, and read to predict."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import dgl
import numpy as np
import torch
from torch import Tensor

from dgl_memgnn.config import Config, flat_values, stored_config
from dgl_memgnn.models import NETWORKS, Widths
from dgl_memgnn.run_files import CHECKPOINT
from dgl_memgnn.runs.assembly import Assembly, build_learner, start_learner, widths_of
from dgl_memgnn.runs.calibration import Calibration
from dgl_memgnn.tasks import Task, make_task
from dgl_memgnn.training import load_checkpoint, memory_layers, node_queries, node_shares, save_checkpoint
from dgl_memgnn.training.assignments import fit_batch_norms
from dgl_memgnn.training.inference import predict_batches

__all__ = ["StoredNetwork", "network_content", "store_network"]


def store_network(folder: Path, assembly: Assembly, calibration: Calibration | None = None) -> None:
    """Write a network, as it now is, with all it takes to predict, to a run folder."""
    save_checkpoint(folder / CHECKPOINT, **network_content(assembly, calibration))


def network_content(assembly: Assembly, calibration: Calibration | None = None) -> dict[str, Any]:
    """A network, as it now is, with all it takes to predict: tensors and plain values."""
    learner, dataset = assembly.learner, assembly.dataset
    return dict(
        model=learner.evaluated.state_dict(),
        task_type=learner.task.task_type,
        task_arguments=learner.task.arguments,
        task=learner.task.state_dict(),
        widths=asdict(widths_of(assembly.config, dataset)),
        descriptor_names=list(dataset.descriptor_names),
        property_names=list(dataset.property_names),
        for_molecules=dataset.smiles is not None,
        config=asdict(assembly.config),
        digest=dataset.digest,
        calibration=None if calibration is None else calibration.content,
        package=metadata.version("dgl-memgnn"),
    )


class StoredNetwork:
    """A trained network as it was stored

    Parameters
    ----------
    folder : Path
        A run folder.

    Attributes
    ----------
    content : dict
    config : Config
    task : Task
    descriptor_names : list of str
        Names of the descriptors that the network takes; empty if it takes none.
    property_names : list of str
        The last of these: measured properties, which no SMILES tells.
    digest : str
        Digest of the data that it was trained on.
    for_molecules : bool
        Whether these were molecules.
    calibration : dict or None
        Predictions for the validation part and its labels, see :class:`~dgl_memgnn.runs.calibration.Calibration`.

    """

    config: Config
    task: Task

    def __init__(self, folder: Path) -> None:
        path = folder / CHECKPOINT
        content = load_checkpoint(path)
        try:
            self._assemble(content)
        except (AttributeError, KeyError, RuntimeError, TypeError) as error:
            problem = str(error).partition("\n")[0]
            raise ValueError(
                f"{path} does not hold a whole network ({problem}). Train again, or restore the file."
            ) from error

    @classmethod
    def of_content(cls, content: dict[str, Any]) -> StoredNetwork:
        """The network of what :func:`network_content` gave."""
        network = cls.__new__(cls)
        network._assemble(content)
        return network

    def _assemble(self, content: dict[str, Any]) -> None:
        self.content = content
        self.config = stored_config(overrides={**flat_values(content["config"]), "device": "cpu"})
        self.task = make_task(content["task_type"], content["task_arguments"])
        self.descriptor_names: list[str] = content["descriptor_names"]
        self.property_names: list[str] = content.get("property_names", [])  # older ones know none
        self.digest: str = content["digest"]
        self.calibration: dict[str, Any] | None = content.get("calibration")  # older ones have none
        self.for_molecules: bool = content["for_molecules"]
        self._widths = Widths(**content["widths"])
        self._learner = build_learner(self.config, self.task, self._widths)
        self._learner.task.load_state_dict(content["task"])
        self._learner.evaluated.load_state_dict(content["model"])

    def predict(self, molecules: Any) -> Tensor:
        """Predict for molecules, with the descriptors and embedding that the network takes: (n, num_outputs)."""
        learner = self._learner
        if NETWORKS[self.config.model.network].learns_by_itself:
            return learner.predict(molecules)
        batches = molecules.batches(4 * self.config.training.batch_size)
        return predict_batches(learner.evaluated, learner.task, learner.inputs, batches)

    def embed(self, dataset: Any) -> Tensor:
        """The pooled graphs, a row each: (n, D). ValueError if the network has none."""
        if NETWORKS[self.config.model.network].learns_by_itself:
            raise ValueError(f"{self.config.model.network} has no pooled graph, so there are no embeddings of it.")
        return self._learner.embed(dataset)

    @property
    def keys(self) -> list[np.ndarray]:
        """The keys of each memory layer, of shape (heads, K, D); none of a network without memory layers."""
        if NETWORKS[self.config.model.network].learns_by_itself:
            return []
        return [layer.keys.detach().numpy() for layer in memory_layers(self._learner.evaluated)]

    @property
    def features(self) -> tuple[str, int, int]:
        """What the network takes: the featurizer of molecules, and widths of node and edge features."""
        return self.config.data.featurizer, self._widths.node_feats, self._widths.edge_feats

    def node_shares(self, graphs: Sequence[dgl.DGLGraph]) -> list[list[np.ndarray]]:
        """How nodes are shared among the keys, see :func:`dgl_memgnn.training.node_shares`."""
        return node_shares(self._learner.evaluated, self._learner.inputs, graphs)

    def node_queries(self, graphs: Sequence[dgl.DGLGraph]) -> np.ndarray:
        """The queries of the first memory layer, see :func:`dgl_memgnn.training.node_queries`."""
        return node_queries(self._learner.evaluated, self._learner.inputs, graphs)

    def untrained(self, graphs: Sequence[dgl.DGLGraph], seed: int | None = None) -> StoredNetwork:
        """The network as it was drawn, by its seed or another; its batch normalisation fits the graphs."""
        config = self.config
        if seed is not None:
            config = replace(config, training=replace(config.training, seed=seed))
        return self._started(config, build_learner(config, self.task, self._widths), graphs)

    def before_training(self, graphs: Sequence[dgl.DGLGraph]) -> tuple[StoredNetwork, str]:
        """The network as :meth:`untrained` gives it, with the weights that it started from, and what to call it.

        Where these weights are not here, or others by now, it is without them.
        """
        try:
            learner, _ = start_learner(self.config, self.task, self._widths)
        except (OSError, ValueError):
            return self.untrained(graphs), "untrained"
        return self._started(self.config, learner, graphs), "before training"

    def _started(self, config: Config, learner: Any, graphs: Sequence[dgl.DGLGraph]) -> StoredNetwork:
        other = copy.copy(self)
        other.config, other._learner = config, learner
        with torch.random.fork_rng([]):
            torch.manual_seed(config.training.seed)  # of dropout
            fit_batch_norms(other._learner.evaluated, other._learner.inputs, graphs)
        return other
