"""Several objectives as one task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from dgl_memgnn.objectives.objective import Objective
from dgl_memgnn.tasks import Column, Task

__all__ = ["JointTask"]


class JointTask(Task):
    """The sum of the losses of objectives; labels are numbers of molecules

    Parameters
    ----------
    objectives : sequence of Objective
    """

    task_type = "pretraining"
    noun = "pre-training"
    metrics = {"held_out_loss": "sum of the losses of the objectives"}
    higher_is_better = False
    discrete = False
    meaning = "Columns hold what the heads of the objectives give."

    def __init__(self, objectives: Sequence[Objective]) -> None:
        super().__init__([objective.name for objective in objectives])
        self.objectives = list(objectives)

    @classmethod
    def suits(cls, columns: Sequence[Column]) -> None:
        return None

    @classmethod
    def read(cls, columns: Sequence[Column]) -> tuple[Task, Tensor]:
        raise ValueError("Pre-training is of molecules without labels: it reads no columns.")

    def labels(self, matrix: Tensor) -> Tensor:
        return matrix.long()

    @property
    def num_outputs(self) -> int:
        return sum(objective.width for objective in self.objectives)

    def checked(self, label: Tensor, num_graphs: int) -> Tensor:
        return label

    def counts(self, label: Tensor) -> Tensor:
        """Each molecule counts once, since the loss is the mean over molecules."""
        return torch.ones(len(label))

    def forward(self, output: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        if weight is not None:
            raise ValueError("Pre-training has no labels that could weigh more or less than others.")
        losses = [objective.loss(columns, label) for objective, columns in self._columns(output)]
        return torch.stack([loss for loss in losses if loss is not None]).sum(0).mean()

    def predict(self, output: Tensor) -> Tensor:
        return output

    def score(self, prediction: Tensor, label: Tensor) -> dict[str, float]:
        """The sum of the held-out losses, then the scores of each objective."""
        scores: dict[str, float] = {}
        total = 0.0
        for objective, columns in self._columns(prediction):
            scores.update(objective.score(columns, label))
            if not objective.joins:
                total += scores[objective.name]
        return {"held_out_loss": total, **scores}

    def score_uncertainty(
        self, known: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor]
    ) -> dict[str, dict[str, Any]]:
        """Nothing: nobody asks how far what the heads give can be trusted."""
        return {}

    def _columns(self, output: Tensor) -> Iterator[tuple[Objective, Tensor]]:
        return zip(self.objectives, output.split([objective.width for objective in self.objectives], dim=1))
