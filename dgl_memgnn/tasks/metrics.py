"""Scores of predictions, task by task, with missing labels left out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator

import numpy as np
from torch import Tensor

__all__ = ["score_binary", "score_classes", "score_regression"]


def score_classes(prediction: Tensor, label: Tensor) -> dict[str, float]:
    r"""Accuracy of class probabilities, F1 score, and area under the ROC curve of each class against the rest.

    The last two are means over classes: F1 over those that are labels or predicted, ROC-AUC over those that some
    of the labels are, but not all.

    Parameters
    ----------
    prediction : torch.Tensor
        Class probabilities of shape :math:`(n, C)`.
    label : torch.Tensor
        Classes of shape :math:`(n,)`.

    Returns
    -------
    dict
        ``accuracy``, ``f1`` and ``roc_auc``, between 0 and 1; the last is NaN if all labels are of one class.

    Examples
    --------
    >>> import torch
    >>> score_classes(torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]]), torch.tensor([0, 1, 1, 1]))
    {'accuracy': 0.75, 'f1': 0.7333333333333334, 'roc_auc': 1.0}
    """
    from sklearn import metrics

    probability, y = prediction.double().numpy(), label.numpy()
    best = probability.argmax(axis=1)
    present, counts = np.unique(y, return_counts=True)
    areas = [metrics.roc_auc_score(y == c, probability[:, c]) for c in present[counts < len(y)]]
    return {
        "accuracy": float((best == y).mean()),
        "f1": float(metrics.f1_score(y, best, average="macro")),
        "roc_auc": _mean(areas),
    }


def score_binary(prediction: Tensor, label: Tensor) -> dict[str, float]:
    r"""Areas under the ROC curve and the precision-recall curve, averaged over tasks.

    A task without both classes among its labels has neither; it is left out of the average with a warning.

    Parameters
    ----------
    prediction : torch.Tensor
        Probabilities of shape :math:`(n, T)`.
    label : torch.Tensor
        Labels 0, 1 or NaN of shape :math:`(n, T)`.

    Returns
    -------
    dict
        ``roc_auc`` and ``pr_auc``; NaN if no task has both classes.

    Examples
    --------
    >>> import torch
    >>> scores = score_binary(torch.tensor([[0.1], [0.9], [0.8]]), torch.tensor([[0.0], [1.0], [0.0]]))
    >>> scores["roc_auc"]
    1.0
    """
    from sklearn import metrics

    tasks = list(_tasks(prediction, label))
    scored = [(y, p) for y, p in tasks if len(np.unique(y)) == 2]
    if len(scored) < len(tasks):
        warnings.warn(
            f"{len(tasks) - len(scored)} of {len(tasks)} tasks lack one class among these labels "
            "and are left out of the average.",
            stacklevel=2,
        )
    return {
        "roc_auc": _mean(metrics.roc_auc_score(y, p) for y, p in scored),
        "pr_auc": _mean(metrics.average_precision_score(y, p) for y, p in scored),
    }


def score_regression(prediction: Tensor, label: Tensor) -> dict[str, float]:
    r"""Errors in the unit of the targets, averaged over tasks.

    A task without labels is left out of the average with a warning.

    Parameters
    ----------
    prediction : torch.Tensor
        Predicted targets of shape :math:`(n, T)`.
    label : torch.Tensor
        Targets of shape :math:`(n, T)`, NaN where missing.

    Returns
    -------
    dict
        ``rmse``, ``mae`` and ``r2``; the last is NaN unless each task has two different labels.

    Examples
    --------
    >>> import torch
    >>> score_regression(torch.tensor([[1.0], [3.0]]), torch.tensor([[1.0], [2.0]]))["mae"]
    0.5
    """
    from sklearn import metrics

    tasks = list(_tasks(prediction, label))
    scored = [(y, p) for y, p in tasks if len(y) > 0]
    if len(scored) < len(tasks):
        warnings.warn(
            f"{len(tasks) - len(scored)} of {len(tasks)} tasks have no target here and are left out "
            "of the average.",
            stacklevel=2,
        )
    return {
        "rmse": _mean(metrics.mean_squared_error(y, p) ** 0.5 for y, p in scored),
        "mae": _mean(metrics.mean_absolute_error(y, p) for y, p in scored),
        "r2": _mean(metrics.r2_score(y, p) if len(np.unique(y)) > 1 else np.nan for y, p in scored),
    }


def _tasks(prediction: Tensor, label: Tensor) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Labels and predictions of each task, without the missing ones, in float64."""
    for y, p in zip(label.double().T.numpy(), prediction.double().T.numpy()):
        present = ~np.isnan(y)
        yield y[present], p[present]


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return float(np.mean(values)) if values else float("nan")
