"""A trained network on disk: written by a run, and read to predict."""

from __future__ import annotations

from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dgl_memgnn.config import Config, load_config
from dgl_memgnn.models import NETWORKS, Widths
from dgl_memgnn.runs.assembly import Assembly, build_learner, widths_of
from dgl_memgnn.tasks import Task, make_task
from dgl_memgnn.training import load_checkpoint, save_checkpoint
from dgl_memgnn.training.inference import descriptor_argument

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
        self._learner = build_learner(self.config, self.task, Widths(**content["widths"]))
        self._learner.task.load_state_dict(content["task"])
        self._learner.evaluated.load_state_dict(content["model"])

    def predict(self, molecules: Any) -> Tensor:
        """Predict for molecules, with the descriptors and embedding that the network takes: (n, num_outputs)."""
        learner = self._learner
        if NETWORKS[self.config.model.network].learns_by_itself:
            return learner.predict(molecules)
        model = learner.evaluated.eval()
        with torch.no_grad():
            outputs = [
                model(graph, *learner.inputs(graph), **descriptor_argument(described, "cpu"))
                for graph, *described in molecules.batches(4 * self.config.training.batch_size)
            ]
        return learner.task.predict(torch.cat(outputs))
