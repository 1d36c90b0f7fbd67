"""Any number of binary targets, with labels missing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dgl_memgnn.tasks.calibration import logit, platt, score_probabilities
from dgl_memgnn.tasks.column import Column
from dgl_memgnn.tasks.metrics import score_binary
from dgl_memgnn.tasks.task import Task

__all__ = ["BinaryTasks"]


class BinaryTasks(Task):
    r"""Classification into 0 and 1: binary cross-entropy, averaged over the labels that are there

    .. math::
        \mathcal{L}_{sup} = - \frac{1}{|P|} \sum_{(g, t) \in P}
            y_{gt} \log \sigma(o_{gt}) + (1 - y_{gt}) \log (1 - \sigma(o_{gt}))

    over the pairs :math:`P` of graph and target that have a label. Labels are 0, 1, or NaN where missing.

    Parameters
    ----------
    names : sequence of str, optional
        Names of the targets. Default: one, ``"target"``.

    Examples
    --------
    >>> task = BinaryTasks(["toxic", "mutagenic"])
    >>> task(torch.zeros(2, 2), torch.tensor([[0.0, 1.0], [float("nan"), 1.0]]))
    tensor(0.6931)
    >>> task.predict(torch.zeros(1, 2))
    tensor([[0.5000, 0.5000]])
    """

    task_type = "binary"
    noun = "classification"
    metrics = {
        "roc_auc": "ROC-AUC, mean over tasks",
        "pr_auc": "area under the precision-recall curve, mean over tasks",
    }
    higher_is_better = True
    discrete = True
    meaning = "The column of a target holds the probability of class 1."
    validates_on = (2, "both classes")

    def __init__(self, names: Sequence[str] = ("target",)) -> None:
        super().__init__(names)

    @classmethod
    def suits(cls, columns: Sequence[Column]) -> str | None:
        fits = all(column.is_numeric and np.isin(column.distinct(), (0, 1)).all() for column in columns)
        return "whose values are all 0 or 1" if fits else None

    @classmethod
    def read(cls, columns: Sequence[Column]) -> tuple[BinaryTasks, Tensor]:
        numbers = np.stack([column.targets() for column in columns], axis=1)
        other = ~(np.isin(numbers, (0, 1)) | np.isnan(numbers))
        if other.any():
            row, task = np.argwhere(other)[0]
            raise ValueError(
                f"{columns[task].culprit(row)} is neither 0 nor 1, as binary targets are. Train with --task-type "
                "classes for other labels of classes, with --task-type regression for numbers."
            )
        return cls([column.name for column in columns]), torch.from_numpy(numbers)

    def labels(self, matrix: Tensor) -> Tensor:
        return matrix.float()

    def checked(self, label: Tensor, num_graphs: int) -> Tensor:
        label = super().checked(label, num_graphs)
        other = ~((label == 0) | (label == 1) | label.isnan())
        if other.any():
            row, task = other.nonzero()[0].tolist()
            raise ValueError(
                f"The label {label[row, task].item():g} of {self.names[task]!r} is neither 0 nor 1, as binary "
                "targets are, nor NaN, as missing ones: use Classes for other labels of classes, Regression for "
                "numbers."
            )
        return label

    def forward(self, output: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of outputs of shape (B, T) for labels of shape (B, T)."""
        self.check_output(output)
        label = self.checked(label, len(output))
        present = ~label.isnan()
        weights = present.to(output) if weight is None else present * weight.to(output)
        loss = F.binary_cross_entropy_with_logits(output, label.nan_to_num(), weights, reduction="sum")
        return loss / present.sum().clamp_min(1)

    def predict(self, output: Tensor) -> Tensor:
        """Probabilities of shape (B, T) that the label is 1."""
        return output.sigmoid()

    def calibrated(self, known: np.ndarray, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Platt's scaling, target by target; one with a single class among the labels stays, with a warning."""
        scaled = prediction.copy()
        for i, name in enumerate(self.names):
            if _has_both_classes(label[:, i]):
                scaled[:, i] = _scaled(known[:, i], label[:, i], prediction[:, i])
            else:
                warnings.warn(
                    f"Probabilities of {name!r} are not calibrated, since the validation part has not both of its "
                    "classes: train with another one (--split, --split-sizes, --validation-seed).",
                    stacklevel=2,
                )
        return scaled

    def score_uncertainty(
        self, known: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor]
    ) -> dict[str, dict[str, Any]]:
        """Calibration error and log loss of probabilities as they are and calibrated."""
        prediction, label = (part.double().numpy() for part in held_out)
        fitted, fitted_label = (part.double().numpy() for part in known)
        scores = {}
        for i, name in enumerate(self.names):
            before = _score(prediction[:, i], label[:, i])
            after = dict.fromkeys(before)
            if _has_both_classes(fitted_label[:, i]):
                after = _score(_scaled(fitted[:, i], fitted_label[:, i], prediction[:, i]), label[:, i])
            scores[name] = {**before, **{f"{key}_calibrated": value for key, value in after.items()}}
        return scores

    def score(self, prediction: Tensor, label: Tensor) -> dict[str, float]:
        """Areas under curves, averaged over tasks, see :func:`dgl_memgnn.tasks.score_binary`."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # see undefined()
            return score_binary(prediction, self.checked(label, len(prediction)))


def _has_both_classes(label: np.ndarray) -> bool:
    return len(np.unique(label[~np.isnan(label)])) == 2


def _scaled(known: np.ndarray, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Probabilities of one target, scaled as makes those that are known likeliest."""
    from scipy.special import expit

    slope, intercept = platt(known, label)
    return expit(slope * logit(prediction) + intercept)


def _score(probability: np.ndarray, label: np.ndarray) -> dict[str, Any]:
    return score_probabilities(np.stack([1 - probability, probability], axis=1), label)
