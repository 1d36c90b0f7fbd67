"""Scores of several runs as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dgl_memgnn.runs.held_out import read_predictions
from dgl_memgnn.tasks import Task

__all__ = ["ensemble_score", "means", "summarise"]


def ensemble_score(folders: Sequence[Path], task: Task) -> dict[str, float | None]:
    """Metrics of the mean of the predictions that some runs on the same split have stored of their held-out part;
    None where the labels do not define one.

    ValueError if they are not of the same graphs and labels.
    """
    members = [_held_out(folder, task) for folder in folders]
    ids, _, label = members[0]
    for folder, (own_ids, _, own_label) in zip(folders, members):
        if own_ids != ids or not np.array_equal(own_label, label, equal_nan=True):
            raise ValueError(
                f"{folders[0]} and {folder} were tested on different graphs or labels: the mean of their "
                "predictions cannot be scored. Start anew with --overwrite."
            )
    prediction, _ = task.combine(torch.stack([prediction for _, prediction, _ in members]))
    return means([task.score(prediction, label)])


def summarise(scores: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation of each metric where it is defined; one score has no deviation.

    Examples
    --------
    >>> summarise([{"accuracy": 0.25}, {"accuracy": 0.75}, {"accuracy": None}])
    {'accuracy': {'mean': 0.5, 'std': 0.25}}
    >>> summarise([{"accuracy": 0.25}])
    {'accuracy': {'mean': 0.25, 'std': None}}
    """
    return {metric: _mean_and_std([score[metric] for score in scores]) for metric in scores[0]}


def means(scores: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """Mean of each metric where it is defined."""
    return {metric: summary["mean"] for metric, summary in summarise(scores).items()}


def _held_out(folder: Path, task: Task) -> tuple[list[str], torch.Tensor, torch.Tensor]:
    """Ids, predictions and labels of the held-out part of a run; where a label is missing, the prediction is 0."""
    table, of_targets = read_predictions(folder, task)
    prediction, label = task.from_targets(of_targets)
    return table["id"].unique().tolist(), prediction.nan_to_num(), label


def _mean_and_std(values: list[float | None]) -> dict[str, float | None]:
    array = np.array(values, dtype=float)  # null, where a metric is not defined, becomes NaN
    defined = array[~np.isnan(array)]
    if len(defined) == 0:
        return {"mean": None, "std": None}
    return {"mean": float(defined.mean()), "std": float(defined.std()) if len(defined) > 1 else None}
