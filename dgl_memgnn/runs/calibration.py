"""What the validation part tells about predictions: intervals, and probabilities that mean what they say."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dgl_memgnn.tasks import Task, conformal_quantile

__all__ = ["Calibration"]


@dataclass
class Calibration:
    """Predictions for the validation part, and its labels

    Parameters
    ----------
    task : Task
    prediction : Tensor of shape (n, num_outputs)
    label : Tensor
    rows : list of str
        Names of the rows.
    """

    task: Task
    prediction: Tensor
    label: Tensor
    rows: list[str]

    @property
    def content(self) -> dict[str, Any]:
        """Tensors and plain values to store."""
        return {"prediction": self.prediction, "label": self.label, "rows": self.rows}

    @staticmethod
    def joint(task: Task, contents: Sequence[dict[str, Any] | None]) -> Calibration:
        """That of the mean of several networks.

        ValueError if a network has none, or their validation parts differ.
        """
        if any(content is None for content in contents):
            raise ValueError(
                "The run has no validation part to make intervals or calibrated probabilities from, is not "
                "finished, or is of an older version: train with one, to the end."
            )
        given: list[Any] = list(contents)
        if any(content["rows"] != given[0]["rows"] for content in given):
            raise ValueError(
                "The runs have different validation parts, so that none tells about their mean: give one of the "
                "runs, or runs of one split (benchmark --repeats 1 --members 5)."
            )
        prediction, _ = task.combine(torch.stack([content["prediction"] for content in given]))
        return Calibration(task, prediction, given[0]["label"], given[0]["rows"])

    def intervals(self, level: float) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        """Columns ``<task>_low`` and ``<task>_high`` of predictions of shape (n, num_outputs).

        ValueError if the task has no intervals, or the validation part is too small for the level.
        """
        if not 0 < level < 1:
            raise ValueError(f"The level of intervals must be between 0 and 1, got {level} (--interval).")
        scores = _scores(self.task, self.prediction, self.label)
        reaches = [conformal_quantile(column, level) for column in scores.T]
        for name, column, reach in zip(self.task.names, scores.T, reaches):
            if math.isinf(reach):
                count = int((~np.isnan(column)).sum())
                raise ValueError(
                    f"The validation part has {count} values of {name!r}, too few for intervals of {level}: that "
                    f"takes {math.ceil(level / (1 - level) - 1e-9)} (--interval)."
                )

        def columns(prediction: np.ndarray) -> dict[str, np.ndarray]:
            centre, scale = (part.numpy() for part in self.task.centre_and_scale(torch.from_numpy(prediction)))
            table = {}
            for i, (name, reach) in enumerate(zip(self.task.names, reaches)):
                table[f"{name}_low"] = centre[:, i] - reach * scale[:, i]
                table[f"{name}_high"] = centre[:, i] + reach * scale[:, i]
            return table

        return columns

    def calibrate(self, prediction: np.ndarray) -> np.ndarray:
        """Calibrated probabilities in place of predicted ones."""
        return self.task.calibrated(self.prediction.numpy(), self.label.numpy(), prediction)

    def score(self, prediction: Tensor, label: Tensor) -> dict[str, dict[str, Any]]:
        """How well intervals or probabilities do on another part, target by target."""
        return self.task.score_uncertainty((self.prediction, self.label), (prediction, label))


def _scores(task: Task, prediction: Tensor, label: Tensor) -> np.ndarray:
    centre, scale = task.centre_and_scale(prediction)
    return ((label.double() - centre).abs() / scale).numpy()
