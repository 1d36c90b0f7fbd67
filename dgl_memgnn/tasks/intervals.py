"""Intervals that hold a stated share of targets, and how well they do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["conformal_quantile", "score_intervals"]

LEVEL = 0.9  # of the intervals that are scored
_LEVELS = np.arange(1, 20) / 20  # over which the calibration error is averaged


def conformal_quantile(scores: np.ndarray, level: float) -> float:
    r"""How far off an interval has to reach: the split conformal quantile

    .. math::
        \hat{q} = s_{(\lceil (n + 1) \cdot level \rceil)}

    of the :math:`n` nonconformity scores :math:`s_{(1)} \le \dots \le s_{(n)}` of molecules that were not trained
    on. The intervals cover a share of at least ``level`` of molecules drawn as those were, on average over draws.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Distances between target and prediction; NaN is left out.
    level : float
        The share, between 0 and 1.

    Returns
    -------
    float
        Infinite if there are too few scores for this level.

    Examples
    --------
    >>> conformal_quantile(np.arange(1.0, 20.0), 0.9)
    18.0
    """
    scores = np.sort(scores[~np.isnan(scores)])
    rank = math.ceil((len(scores) + 1) * level - 1e-9)
    return float(scores[rank - 1]) if rank <= len(scores) else math.inf


def score_intervals(fitted: np.ndarray, error: np.ndarray, scale: np.ndarray) -> dict[str, Any]:
    """How well conformal intervals of one target do on molecules that they were not made from.

    Parameters
    ----------
    fitted : ndarray of shape (m,)
        Nonconformity scores that the intervals are made from: distances divided by their scale.
    error, scale : ndarray of shape (n,)
        Distances of targets from predictions, NaN where missing, and the scale of each.

    Returns
    -------
    dict
        ``level``, ``coverage`` and ``sharpness`` (mean width, in the unit of the target) of intervals of 0.9; and
        ``calibration_error``, the mean distance between level and coverage over levels from 0.05 to 0.95. None
        where there is nothing to score or too little to make the intervals from.

    Examples
    --------
    >>> score_intervals(np.arange(1.0, 100.0), np.array([50.0, 95.0]), np.ones(2))["coverage"]
    0.5
    """
    present = ~np.isnan(error)
    error, scale = error[present], scale[present]
    reach = conformal_quantile(fitted, LEVEL)
    reaches = np.array([conformal_quantile(fitted, level) for level in _LEVELS])
    if not len(error) or math.isinf(reach):
        return {"level": LEVEL, "coverage": None, "sharpness": None, "calibration_error": None}
    covered = error / scale <= reaches[:, None]
    return {
        "level": LEVEL,
        "coverage": float((error <= reach * scale).mean()),
        "sharpness": float((2 * reach * scale).mean()),
        "calibration_error": float(np.abs(covered.mean(axis=1) - _LEVELS).mean()),
    }
