"""Regression of a mean and a variance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from dgl_memgnn.tasks.column import Column
from dgl_memgnn.tasks.regression import Regression

__all__ = ["MeanVariance"]

_LEAST = 1e-6  # variance, of standardised targets


class MeanVariance(Regression):
    r"""Regression whose network also predicts how far off it may be: the Gaussian negative log-likelihood of
    `Nix and Weigend (1994) <https://doi.org/10.1109/ICNN.1994.374138>`__

    .. math::
        \mathcal{L}_{sup} = \frac{1}{|P|} \sum_{(g, t) \in P} \frac{1}{2} \Big( \log 2 \pi \sigma_{gt}^2 +
            \frac{(\mu_{gt} - y'_{gt})^2}{\sigma_{gt}^2} \Big),
        \quad \sigma_{gt}^2 = \mathrm{softplus}(s_{gt}) + 10^{-6}

    where :math:`y'` are the targets, standardised as by :class:`Regression`, and the network has two outputs a
    target: the means :math:`\mu` of all targets, then the :math:`s`.

    Parameters
    ----------
    names : sequence of str, optional
        Names of the targets. Default: one, ``"target"``.

    Examples
    --------
    >>> task = MeanVariance(["pKa"]).fit(torch.tensor([[1.0], [3.0]]))
    >>> task.predict(torch.tensor([[0.0, 0.5413]]))  # mean and standard deviation, in the unit of the target
    tensor([[2.0000, 1.4142]], dtype=torch.float64)
    """

    task_type = "regression-mve"
    metrics = {**Regression.metrics, "nll": "Gaussian negative log-likelihood, in nats"}
    meaning = (
        "The column of a target holds its value, in the unit of the training data, that ending in _std the "
        "standard deviation that the network expects."
    )
    spread_meaning = "the standard deviation of the mixture of what they expect"
    needs_gradients = True

    @classmethod
    def suits(cls, columns: Sequence[Column]) -> str | None:
        return None  # it is asked for

    @property
    def num_outputs(self) -> int:
        return 2 * len(self.names)

    def forward(self, output: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of outputs of shape (B, 2T) for labels of shape (B, T) in their own unit."""
        self.check_output(output)
        label = self.checked(label, len(output))
        present = ~label.isnan()
        mean, variance = self._moments(output)
        error = mean - ((label.nan_to_num().double() - self.mean) / self.std).to(output)
        losses = 0.5 * (math.log(2 * math.pi) + variance.log() + error.square() / variance)
        weights = present if weight is None else present * weight.to(error)
        return (losses * weights).sum() / present.sum().clamp_min(1)

    def _moments(self, output: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw = output.chunk(2, dim=1)
        return mean, F.softplus(raw) + _LEAST

    def predict(self, output: Tensor) -> Tensor:
        """Means, then standard deviations, of shape (B, 2T), in the unit of the targets, float64."""
        mean, variance = self._moments(output.double())
        return torch.cat([super().predict(mean), variance.sqrt() * self.std], dim=1)

    def combine(self, predictions: Tensor) -> tuple[Tensor, Tensor | None]:
        """The prediction of several networks, which holds its standard deviation itself."""
        return torch.cat(self.moments(predictions), dim=1), None

    def moments(self, predictions: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the mixture of several networks' Gaussians."""
        means, stds = predictions.chunk(2, dim=2)
        mean = means.mean(0)
        variance = stds.square().mean(0) + (means - mean).square().mean(0)
        return mean, variance.sqrt()

    def score(self, prediction: Tensor, label: Tensor) -> dict[str, float]:
        """Errors of the means, see :func:`dgl_memgnn.tasks.score_regression`, and the likelihood."""
        label = self.checked(label, len(prediction))
        mean, std = prediction.double().chunk(2, dim=1)
        losses = 0.5 * (math.log(2 * math.pi) + 2 * std.log() + ((label - mean) / std).square())
        return {**super().score(mean, label), "nll": losses.nanmean().item()}

    def score_each(self, prediction: Tensor, label: Tensor) -> dict[str, dict[str, float]]:
        if len(self.names) == 1:
            return {}
        label, count = self.checked(label, len(prediction)), len(self.names)
        return {
            name: type(self)([name]).score(prediction[:, [i, count + i]], label[:, [i]])
            for i, name in enumerate(self.names)
        }

    def perfect(self, label: Tensor) -> Tensor:
        return torch.stack([label, torch.ones_like(label)], dim=1)

    def columns(self, prediction: np.ndarray, spread: np.ndarray | None = None) -> dict[str, Any]:
        mean, std = np.split(prediction, 2, axis=1)
        return super().columns(mean, std)

    def targets(self, prediction: Tensor, label: Tensor) -> dict[str, dict[str, Any]]:
        mean, std = prediction.chunk(2, dim=1)
        tables = super().targets(mean, label)
        for i, table in enumerate(tables.values()):
            table["std"] = std[:, i].numpy()
        return tables

    def from_targets(self, tables: Mapping[str, Mapping[str, Any] | pd.DataFrame]) -> tuple[Tensor, Tensor]:
        mean, label = super().from_targets(tables)
        std = torch.stack([torch.from_numpy(np.array(tables[name]["std"])) for name in self.names], dim=1)
        return torch.cat([mean, std], dim=1), label

    def centre_and_scale(self, prediction: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = prediction.double().chunk(2, dim=1)
        return mean, std
