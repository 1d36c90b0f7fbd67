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
from torch import Tensor

from dgl_memgnn.config import Config, load_config
from dgl_memgnn.models import NETWORKS, Widths
from dgl_memgnn.runs.assembly import Assembly, build_learner, widths_of
from dgl_memgnn.tasks import Task, make_task
from dgl_memgnn.training import load_checkpoint, memory_layers, node_queries, node_shares, save_checkpoint
from dgl_memgnn.training.assignments import fit_batch_norms

__all__ = ["StoredNetwork", "store_network"]

CHECKPOINT = "checkpoint.pt"


def store_network(folder: Path, assembly: Assembly) -> None:
    """Write a network, as it now is, with all it takes to predict, to a run folder."""
    learner, dataset = assembly.learner, assembly.dataset
    save_checkpoint(
        folder / CHECKPOINT,
        model=learner.evaluated.state_dict(),
        task_type=learner.task.task_type,
        task_arguments=learner.task.arguments,
        task=learner.task.state_dict(),
        widths=asdict(widths_of(assembly.config, dataset)),
        descriptor_names=list(dataset.descriptor_names),
        for_molecules=dataset.smiles is not None,
        config=asdict(assembly.config),
        digest=dataset.digest,
        package=metadata.version("dgl-memgnn"),
    )


class StoredNetwork:
    """A trained network out of a run folder

    Parameters
    ----------
    folder : Path
        The folder.

    Attributes
    ----------
    config : Config
    task : Task
    descriptor_names : list of str
        Names of the descriptors that the network takes; empty if it takes none.
    digest : str
        Digest of the data that it was trained on.
    for_molecules : bool
        Whether these were molecules.

    Raises
    ------
    FileNotFoundError
        If there is no checkpoint.
    ValueError
        If the checkpoint is damaged, or of another version.
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

    def _assemble(self, content: dict[str, Any]) -> None:
        sections = content["config"].values()
        values = {key: value for section in sections for key, value in section.items()}
        self.config = load_config(overrides={**values, "device": "cpu"})
        self.task = make_task(content["task_type"], content["task_arguments"])
        self.descriptor_names: list[str] = content["descriptor_names"]
        self.digest: str = content["digest"]
        self.for_molecules: bool = content["for_molecules"]
        self._widths = Widths(**content["widths"])
        self._learner = build_learner(self.config, self.task, self._widths)
        self._learner.task.load_state_dict(content["task"])
        self._learner.evaluated.load_state_dict(content["model"])

    def predict(self, dataset: Any) -> Tensor:
        """Predict for graphs, with the descriptors and the embedding that the network takes: (n, num_outputs)."""
        return self._learner.predict(dataset)

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
        other = copy.copy(self)
        if seed is not None:
            other.config = replace(self.config, training=replace(self.config.training, seed=seed))
        other._learner = build_learner(other.config, self.task, self._widths)
        fit_batch_norms(other._learner.evaluated, other._learner.inputs, graphs)
        return other
