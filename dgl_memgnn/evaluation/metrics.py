"""Scores of predictions, task by task, with missing labels left out."""

import warnings

import numpy as np
from sklearn import metrics

__all__ = ["score_binary", "score_classification", "score_regression"]


def score_classification(prediction, label):
    r"""Accuracy of class probabilities.

    Parameters
    ----------
    prediction : torch.Tensor
        Class probabilities of shape :math:`(n, C)`.
    label : torch.Tensor
        Classes of shape :math:`(n,)`.

    Returns
    -------
    dict
        ``accuracy``, between 0 and 1.

    Examples
    --------
    >>> import torch
    >>> score_classification(torch.eye(2), torch.tensor([0, 0]))
    {'accuracy': 0.5}
    """
    return {"accuracy": float((prediction.argmax(1) == label).double().mean())}


def score_binary(prediction, label):
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


def score_regression(prediction, label):
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
        ``rmse``, ``mae`` and ``r2``; the last is NaN where a task has a single label.

    Examples
    --------
    >>> import torch
    >>> score_regression(torch.tensor([[1.0], [3.0]]), torch.tensor([[1.0], [2.0]]))["mae"]
    0.5
    """
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
        "r2": _mean(metrics.r2_score(y, p) if len(y) > 1 else np.nan for y, p in scored),
    }


def _tasks(prediction, label):
    """Labels and predictions of each task, without the missing ones, in float64."""
    for y, p in zip(label.double().T.numpy(), prediction.double().T.numpy()):
        present = ~np.isnan(y)
        yield y[present], p[present]


def _mean(values):
    values = list(values)
    return float(np.mean(values)) if values else float("nan")
