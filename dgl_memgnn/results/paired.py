"""Whether two rows of results on the same folds differ by more than chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from scipy import stats

__all__ = ["corrected_t_test", "fold_scores", "paired_difference"]


def corrected_t_test(differences: Sequence[float], test_ratio: float) -> float:
    r"""p-value, two-sided, of the corrected resampled t-test of `Nadeau and Bengio
    <https://link.springer.com/article/10.1023/A:1024068626366>`__.

    .. math::
        t = \bar{d} \Big/ \sqrt{\Big(\frac{1}{k} + \frac{n_{test}}{n_{train}}\Big) s_d^2}

    with :math:`k - 1` degrees of freedom. The second term is there because the folds share training samples.

    Parameters
    ----------
    differences : sequence of float
        A difference :math:`d` a fold, of at least two folds.
    test_ratio : float
        :math:`n_{test} / n_{train}`.

    Examples
    --------
    >>> round(corrected_t_test([0.01, 0.03, 0.02, 0.0, 0.04], 1 / 4), 3)
    0.132
    """
    count = len(differences)
    mean = math.fsum(differences) / count
    variance = math.fsum((each - mean) ** 2 for each in differences) / (count - 1)
    if variance == 0:
        return 1.0 if mean == 0 else 0.0
    statistic = mean / math.sqrt((1 / count + test_ratio) * variance)
    return float(2 * stats.t.sf(abs(statistic), count - 1))


def fold_scores(result: Mapping[str, Any], metric: str) -> dict[int, tuple[float, float]]:
    """Score of each fold of a result, and the ratio of its scored part to the rest; empty without folds.

    Under protocol ``fair`` the score is the test part's, the mean of the runs; under ``paper``, validation's.
    """
    if "folds" in result:
        return {
            fold["fold"]: (fold["test"][metric], _ratio(next(iter(fold["runs"].values())), "test"))
            for fold in result["folds"]
            if fold["test"][metric] is not None
        }
    if result["protocol"] != "paper":
        return {}
    return {
        int(name.removeprefix("fold")): (run["validation"][metric], _ratio(run, "validation"))
        for name, run in result["runs"].items()
        if run["validation"][metric] is not None
    }


def paired_difference(
    scores: Mapping[int, tuple[float, float]], reference: Mapping[int, tuple[float, float]]
) -> tuple[float, float, int] | None:
    """Mean difference over the folds that both have, its p-value, and their number; None below two folds."""
    both = sorted(scores.keys() & reference.keys())
    if len(both) < 2:
        return None
    differences = [scores[fold][0] - reference[fold][0] for fold in both]
    ratio = math.fsum(scores[fold][1] for fold in both) / len(both)
    return math.fsum(differences) / len(both), corrected_t_test(differences, ratio), len(both)


def _ratio(run: Mapping[str, Any], part: str) -> float:
    sizes: Mapping[str, int] = run["parts"]
    return sizes[part] / (sum(sizes.values()) - sizes[part])
