"""Whether two rows of results on the same folds or seeds differ by more than chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from scipy.special import stdtr, stdtrit

from dgl_memgnn.config import DataConfig
from dgl_memgnn.runs.protocols import protocols_of, split_of

__all__ = [
    "ONE_PART",
    "OTHER_SPLIT",
    "PairedDifference",
    "corrected_t_test",
    "fold_scores",
    "paired_difference",
    "same_parts",
    "scored_on_one_part",
]

OTHER_SPLIT = "other split"  # what tables say in place of a difference
ONE_PART = "All runs are scored on one and the same part: {} about seeds, not about other splits."
_SPLIT = ("split_sizes", "split_seed", "validation_seed")
_OWN_PARTS = ("splits_column", "validation_csv", "test_csv", "splits_file")
# what the digest of data is of, and their split is not
_IN_DIGEST = (
    "task_type",
    "weight_column",
    "descriptors_columns",
    "degree_features",
    "edge_fraction",
    "edge_sampling",
)


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

    @property
    def exceeds_noise(self) -> bool:
        """Whether 0 is outside of the interval."""
        return abs(self.mean) > self.margin


def corrected_t_test(differences: Sequence[float], test_ratio: float) -> float:
    r"""p-value, two-sided, of the corrected resampled t-test of `Nadeau and Bengio
    <https://link.springer.com/article/10.1023/A:1024068626366>`__.

    .. math::
        t = \bar{d} \Big/ \sqrt{\Big(\frac{1}{k} + \frac{n_{test}}{n_{train}}\Big) s_d^2}

    with :math:`k - 1` degrees of freedom. The second term is there because the folds share training samples; it is
    Student's test without it.

    Parameters
    ----------
    differences : sequence of float
        A difference :math:`d` a fold, of at least two folds.
    test_ratio : float
        :math:`n_{test} / n_{train}`; 0 where all are of one test part, see :func:`scored_on_one_part`.

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


def same_parts(result: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two results of a protocol are of the same parts of the same data, as far as both say."""
    ours, theirs = _measured_on(result), _measured_on(other)
    return all(ours[what] == theirs[what] for what in ours.keys() & theirs.keys())


def scored_on_one_part(result: Mapping[str, Any]) -> bool:
    """Whether all runs of a result are scored on the same samples: they tell of seeds, not of other splits.

    On these samples, differences are independent: they vary by the seeds, and by what each draws to train on.
    """
    protocol, data = result["protocol"], result["config"]["data"]
    if protocol == "repeats":
        return "test" in result["summary"]  # without one, each seed draws what it is scored on
    by_scaffold = "scaffold" in protocols_of(protocol, data["dataset"])
    return by_scaffold or (protocol == "moleculenet" and data.get("split_seed") is not None)


def _measured_on(result: Mapping[str, Any]) -> dict[str, Any]:
    """What a result says about the samples that its runs learned from and were scored on, by what it is."""
    data = {**asdict(DataConfig()), **result["config"]["data"]}  # older results have fewer keys
    told = {name: data[name] for name in ("tasks", *_SPLIT, *_OWN_PARTS)}
    if result["protocol"] == "repeats":  # the others replace the split, and the seed of the training
        told["split"] = data["split"]
        if data["split_seed"] is None:
            told["split_seed"] = result["config"].get("training", {}).get("seed")
    if "outer_folds" in result:
        told["outer_folds"] = result["outer_folds"]
    features = ", ".join(f"{name} {data[name]}" for name in _IN_DIGEST)
    for number, run in _runs(result).items():
        told[f"parts of {number}"] = run["parts"]
        if "digest" in run:
            told[f"digest with {features}"] = run["digest"]
    return told


def _runs(result: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    """A run of each fold or seed, by its number."""
    if "folds" in result:
        return {fold["fold"]: next(iter(fold["runs"].values())) for fold in result["folds"]}
    return {int(name.lstrip("foldse")): run for name, run in result["runs"].items() if split_of(name) == name}


def fold_scores(result: Mapping[str, Any], metric: str) -> dict[int, tuple[float, float]]:
    """Score of each fold or seed of a result, and the ratio by which :func:`corrected_t_test` corrects.

    The score is the test part's, of several runs of a fold their mean; without a test part, as under protocol
    ``paper``, validation's. The ratio is that of the part scored to the rest; 0 where it is one part for all, see
    :func:`scored_on_one_part`.
    """
    part, runs = "test" if "test" in result["summary"] else "validation", _runs(result)
    is_one_part = scored_on_one_part(result)
    scored = {fold["fold"]: fold for fold in result["folds"]} if "folds" in result else runs
    return {
        number: (scored[number][part][metric], 0.0 if is_one_part else _ratio(run, part))
        for number, run in runs.items()
        if scored[number][part][metric] is not None
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
