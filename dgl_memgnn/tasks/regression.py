"""Regression of any number of targets."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dgl_memgnn.tasks.column import Column
from dgl_memgnn.tasks.intervals import score_intervals
from dgl_memgnn.tasks.metrics import score_regression
from dgl_memgnn.tasks.task import Task

__all__ = ["Regression"]


class Regression(Task):
    r"""Regression: squared error on targets standardised one by one, averaged over the targets that are there

    .. math::
        \mathcal{L}_{sup} = \frac{1}{|P|} \sum_{(g, t) \in P}
            \Big( o_{gt} - \frac{y_{gt} - \mathrm{mean}_t}{\mathrm{std}_t} \Big)^2

    over the pairs :math:`P` of graph and target that have a label. :meth:`fit` takes mean and standard deviation
    from training labels; until then they are 0 and 1. Targets keep the digits of float64: only what is left of
    them after standardisation is compared with the output, in its type.

    Parameters
    ----------
    names : sequence of str, optional
        Names of the targets. Default: one, ``"target"``.

    Examples
    --------
    >>> task = Regression(["pKa"]).fit(torch.tensor([[1.0], [3.0], [float("nan")]]))
    >>> task.predict(torch.tensor([[0.0], [1.0]]))  # in the unit of the targets
    tensor([[2.0000],
            [3.4142]], dtype=torch.float64)
    >>> task(torch.zeros(2, 1), torch.tensor([2.0, 2.0]))
    tensor(0.)
    """

    task_type = "regression"
    noun = "regression"
    metrics = {
        "rmse": "RMSE, in the target's unit",
        "mae": "mean absolute error, in the target's unit",
        "r2": "coefficient of determination",
    }
    higher_is_better = False
    discrete = False
    has_intervals = True
    meaning = "The column of a target holds its value, in the unit of the training data."

    mean: Tensor
    std: Tensor

    def __init__(self, names: Sequence[str] = ("target",)) -> None:
        super().__init__(names)
        self.register_buffer("mean", torch.zeros(len(self.names), dtype=torch.float64))
        self.register_buffer("std", torch.ones(len(self.names), dtype=torch.float64))

    @classmethod
    def suits(cls, columns: Sequence[Column]) -> str | None:
        return "whose values are not all 0 or 1" if all(column.is_numeric for column in columns) else None

    @classmethod
    def read(cls, columns: Sequence[Column]) -> tuple[Regression, Tensor]:
        numbers = [column.targets() for column in columns]
        return cls([column.name for column in columns]), torch.from_numpy(np.stack(numbers, axis=1))

    def labels(self, matrix: Tensor) -> Tensor:
        return matrix.double()

    def fit(self, label: Tensor, weight: Tensor | None = None) -> Regression:
        """Take mean and standard deviation from training labels of shape (n, T) with NaN where missing.

        With weights of shape (n,) they are those of rows repeated as often.
        """
        label = self.checked(label, len(label)).double()
        present = ~label.isnan()
        weights = present * (torch.ones_like(label[:, 0]) if weight is None else weight.double())[:, None]
        count, rows = weights.sum(0), (weights > 0).sum(0)
        if (count == 0).any():
            name = self.names[int((count == 0).nonzero()[0])]
            raise ValueError(
                f"The target {name!r} has no value among the training graphs. Leave it out, or split otherwise."
            )
        mean = (label.nan_to_num() * weights).sum(0) / count
        squares = ((label - mean).nan_to_num().square() * weights).sum(0)
        freedom = torch.maximum(count - 1, count * (rows - 1) / rows)  # the latter for weights below 1
        variance = squares / torch.where(rows > 1, freedom, torch.ones_like(freedom))
        std = variance.sqrt()
        self.mean, self.std = mean, torch.where(std > 0, std, torch.ones_like(std))
        return self

    def forward(self, output: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of outputs of shape (B, T) for labels of shape (B, T) in their own unit."""
        self.check_output(output)
        label = self.checked(label, len(output))
        present = ~label.isnan()
        error = output - ((label.nan_to_num().double() - self.mean) / self.std).to(output)
        weights = present if weight is None else present * weight.to(error)
        return (error.square() * weights).sum() / present.sum().clamp_min(1)

    def predict(self, output: Tensor) -> Tensor:
        """Targets of shape (B, T) in their own unit, float64."""
        return output.double() * self.std + self.mean

    @property
    def deciding(self) -> str:
        return super().deciding if len(self.names) == 1 else "rmse_in_std"

    def quality(self, scores: Mapping[str, float], prediction: Tensor, label: Tensor) -> tuple[float, ...]:
        """The RMSE; of several targets, the mean of theirs in standard deviations of the training part."""
        if len(self.names) == 1:
            return super().quality(scores, prediction, label)
        label = self.checked(label, len(prediction)).double().cpu()
        error = (prediction.double().cpu()[:, : len(self.names)] - label) / self.std.cpu()
        return (-error.square().nanmean(0).sqrt().nanmean().item(),)

    def centre_and_scale(self, prediction: Tensor) -> tuple[Tensor, Tensor]:
        """Intervals lie around the prediction, as wide for all."""
        return prediction.double(), torch.ones_like(prediction, dtype=torch.float64)

    def score_uncertainty(
        self, known: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor]
    ) -> dict[str, dict[str, Any]]:
        """Coverage, sharpness and calibration error, see :func:`dgl_memgnn.tasks.score_intervals`."""
        (_, fitted_scale), (_, scale) = (self.centre_and_scale(prediction) for prediction, _ in (known, held_out))
        fitted, error = (
            (self.checked(label, len(label)).double() - self.centre_and_scale(prediction)[0]).abs()
            for prediction, label in (known, held_out)
        )
        return {
            name: score_intervals(*(part[:, i].numpy() for part in (fitted / fitted_scale, error, scale)))
            for i, name in enumerate(self.names)
        }

    def score(self, prediction: Tensor, label: Tensor) -> dict[str, float]:
        """Errors in the unit of the targets, see :func:`dgl_memgnn.tasks.score_regression`."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # see undefined()
            return score_regression(prediction, self.checked(label, len(prediction)))
