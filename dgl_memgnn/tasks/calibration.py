"""Probabilities that mean what they say."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["expected_calibration_error", "platt", "score_probabilities", "temperature"]

_BINS = 10
_LEAST = 1e-7  # distance of a probability from 0 and 1


def platt(probability: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    r"""Slope and intercept of Platt's scaling :math:`\sigma(a \, \mathrm{logit}(p) + b)`, by logistic regression.

    It has no penalty, so that the scale of the logits does not matter. The labels are Platt's smoothed ones,
    :math:`(n_+ + 1) / (n_+ + 2)` and :math:`1 / (n_- + 2)`, which keep the slope finite where the classes are
    separated.

    Parameters
    ----------
    probability, label : ndarray of shape (n,)
        Probabilities of class 1 of molecules that were not trained on, and their labels, NaN where missing.

    Returns
    -------
    (float, float)
        The slope is at least 0: probabilities that rank these molecules the wrong way round are not turned over,
        all become the share of class 1.

    Examples
    --------
    >>> a, b = platt(np.array([0.1, 0.2, 0.8, 0.9] * 5), np.array([0.0, 1.0, 0.0, 1.0] * 5))  # much too sure
    >>> 0 < a < 1
    True
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    present = ~np.isnan(label)
    given, positive = logit(probability[present]), label[present] == 1
    target = np.where(positive, 1 - 1 / (positive.sum() + 2), 1 / ((~positive).sum() + 2))
    centre, width = given.mean(), np.ptp(given) or 1.0
    scaled = (given - centre) / width

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        score = line[0] * scaled + line[1]
        error = (expit(score) - target) / len(target)
        return (np.logaddexp(0, score) - target * score).mean(), np.array([error @ scaled, error.sum()])

    fitted = minimize(loss, (0, logit(target.mean())), jac=True, bounds=[(0, None), (None, None)], tol=1e-12).x
    slope = fitted[0] / width
    return float(slope), float(fitted[1] - slope * centre)


def temperature(probability: np.ndarray, label: np.ndarray) -> float:
    r"""The temperature :math:`T` of :math:`\mathrm{softmax}(\log p / T)` that makes labels likeliest.

    Parameters
    ----------
    probability : ndarray of shape (n, C)
        Of molecules that were not trained on.
    label : ndarray of shape (n,)
        Their classes.

    Returns
    -------
    float
        Above 1 if the probabilities are too sure.

    Examples
    --------
    >>> round(temperature(np.array([[0.99, 0.01]] * 10), np.array([0] * 8 + [1] * 2)), 2)
    3.31
    """
    from scipy.optimize import minimize_scalar

    logs, rows = np.log(probability.clip(_LEAST)), np.arange(len(label))

    def loss(log_temperature: float) -> float:
        return -float(np.log(cooled(logs, np.exp(log_temperature))[rows, label].clip(_LEAST)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def cooled(logs: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities of shape (n, C) of logarithms at a temperature."""
    from scipy.special import softmax

    return softmax(logs / temperature, axis=1)


def logit(probability: np.ndarray) -> np.ndarray:
    clipped = probability.astype(np.float64).clip(_LEAST, 1 - _LEAST)
    return np.log(clipped) - np.log1p(-clipped)


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Mean distance between confidence and the share that is right, over ten bins of confidence by their size.

    Examples
    --------
    >>> expected_calibration_error(np.array([0.75, 0.75, 0.75, 0.75]), np.array([1, 1, 1, 0]))
    0.0
    """
    number = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    distances = [
        (number == i).mean() * abs(confidence[number == i].mean() - right[number == i].mean())
        for i in np.unique(number)
    ]
    return float(sum(distances))


def score_probabilities(probability: np.ndarray, label: np.ndarray) -> dict[str, Any]:
    """How well probabilities agree with labels.

    Parameters
    ----------
    probability : ndarray of shape (n, C)
        Probability of each class.
    label : ndarray of shape (n,)
        Classes; NaN where missing.

    Returns
    -------
    dict
        ``calibration_error``: of each class's probability, averaged over two classes or more, see
        :func:`expected_calibration_error`; ``log_loss``, in nats. None where there is no label.
    """
    present = ~np.isnan(label)
    probability, label = probability[present], label[present].astype(int)
    if not len(label):
        return {"calibration_error": None, "log_loss": None}
    likelihood = probability[np.arange(len(label)), label].clip(_LEAST)
    errors = [expected_calibration_error(p, label == c) for c, p in enumerate(probability.T)]
    return {"calibration_error": float(np.mean(errors)), "log_loss": -float(np.log(likelihood).mean())}
