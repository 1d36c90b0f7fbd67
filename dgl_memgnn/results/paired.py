"""Whether two rows of results on the same folds or seeds differ by more than chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from scipy.special import stdtr, stdtrit

__all__ = ["PairedDifference", "corrected_t_test", "fold_scores", "paired_difference"]


class PairedDifference(NamedTuple):
    """Mean difference of two rows over their pairs

    Parameters
    ----------
    mean : float
    margin : float
        Half the width of the interval of 95 % around the mean.
    p : float
        See :func:`corrected_t_test`.
    pairs : int
        Their number.
    """

    mean: float
    margin: float
    p: float
    pairs: int


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
    mean, error = _mean_and_error(differences, test_ratio)
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stdtr(len(differences) - 1, -abs(mean / error)))


def _mean_and_error(differences: Sequence[float], test_ratio: float) -> tuple[float, float]:
    """The mean difference and its corrected standard error."""
    count = len(differences)
    mean = math.fsum(differences) / count
    variance = math.fsum((each - mean) ** 2 for each in differences) / (count - 1)
    return mean, math.sqrt((1 / count + test_ratio) * variance)


def fold_scores(result: Mapping[str, Any], metric: str) -> dict[int, tuple[float, float]]:
    """Score of each fold or seed of a result, and the ratio of the part scored to the rest.

    The score is the test part's, of several runs of a fold their mean; without a test part, as under protocol
    ``paper``, validation's.
    """
    if "folds" in result:
        return {
            fold["fold"]: (fold["test"][metric], _ratio(next(iter(fold["runs"].values())), "test"))
            for fold in result["folds"]
            if fold["test"][metric] is not None
        }
    part = "test" if "test" in result["summary"] else "validation"
    return {
        int(name.lstrip("foldse")): (run[part][metric], _ratio(run, part))
        for name, run in result["runs"].items()
        if "-member" not in name and run[part][metric] is not None
    }


def paired_difference(
    scores: Mapping[int, tuple[float, float]], reference: Mapping[int, tuple[float, float]]
) -> PairedDifference | None:
    """The difference over the folds or seeds that both have; None below two."""
    both = sorted(scores.keys() & reference.keys())
    if len(both) < 2:
        return None
    differences = [scores[fold][0] - reference[fold][0] for fold in both]
    ratio = math.fsum(scores[fold][1] for fold in both) / len(both)
    mean, error = _mean_and_error(differences, ratio)
    margin = error * float(stdtrit(len(both) - 1, 0.975))
    return PairedDifference(mean, margin, corrected_t_test(differences, ratio), len(both))


def _ratio(run: Mapping[str, Any], part: str) -> float:
    sizes: Mapping[str, int] = run["parts"]
    return sizes[part] / (sum(sizes.values()) - sizes[part])
