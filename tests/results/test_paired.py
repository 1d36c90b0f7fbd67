"""The corrected t-test against scipy's and against its formula; differences fold by fold."""

import json

import numpy as np
import pytest
from scipy import stats

from dgl_memgnn.cli import main
from dgl_memgnn.results.paired import corrected_t_test, fold_scores, paired_difference


@pytest.mark.parametrize("seed", range(3))
def test_without_the_correction_it_is_students_test(seed):
    differences = np.random.default_rng(seed).normal(0.01, 0.02, 10)
    expected = stats.ttest_1samp(differences, 0).pvalue
    assert corrected_t_test(differences, 0.0) == pytest.approx(expected)


def test_the_correction_of_ten_folds_takes_a_factor_off_the_statistic():
    """1/10 + 1/9 in place of 1/10 under the root."""
    differences = [0.01 * i for i in (1, 3, 2, 4, -1, 0, 2, 5, 1, 2)]
    statistic = stats.ttest_1samp(differences, 0).statistic * np.sqrt((1 / 10) / (1 / 10 + 1 / 9))
    assert corrected_t_test(differences, 1 / 9) == pytest.approx(2 * stats.t.sf(statistic, 9))


def test_equal_differences():
    assert corrected_t_test([0.0, 0.0], 0.1) == 1.0
    assert corrected_t_test([0.5, 0.5], 0.1) == 0.0


def fair_result(network, scores):
    run = {"parts": {"train": 81, "validation": 9, "test": 10}}
    folds = [
        {"fold": fold, "test": {"accuracy": score}, "runs": {"run0": run}, "validation": {"accuracy": score}}
        for fold, score in scores.items()
    ]
    values = list(scores.values())
    summary = {"accuracy": {"mean": float(np.mean(values)), "std": float(np.std(values))}}
    return {
        "protocol": "fair",
        "num_outer_folds": len(scores),
        "summary": {"validation": summary, "test": summary},
        "folds": folds,
        "config": {"data": {"dataset": "ENZYMES", "csv": None}, "model": {"network": network}},
    }


def test_only_folds_that_both_have_count():
    ours = fold_scores(fair_result("GMN", {0: 0.5, 1: 0.75, 2: 0.25}), "accuracy")
    other = fold_scores(fair_result("GIN", {1: 0.5, 2: 0.25, 3: 1.0}), "accuracy")
    difference = paired_difference(other, ours)
    assert (difference.mean, difference.pairs) == (-0.125, 2)
    assert difference.p == pytest.approx(corrected_t_test([-0.25, 0.0], 1 / 9))
    error = np.sqrt((1 / 2 + 1 / 9) * np.var([-0.25, 0.0], ddof=1))
    low, high = stats.t.interval(0.95, 1, -0.125, error)
    assert difference.margin == pytest.approx((high - low) / 2)
    assert paired_difference(fold_scores(fair_result("GIN", {2: 0.1}), "accuracy"), ours) is None


def test_folds_of_the_papers_protocol_are_scored_on_validation():
    run = {"parts": {"train": 90, "validation": 10}, "validation": {"accuracy": 0.5}}
    result = {"summary": {"validation": {}}, "runs": {"fold3": run}}
    assert fold_scores(result, "accuracy") == {3: (0.5, pytest.approx(1 / 9))}


def test_seeds_are_scored_on_their_test_parts_and_members_of_ensembles_are_left_out():
    run = {"parts": {"train": 80, "validation": 10, "test": 10}, "test": {"rmse": 0.5}}
    result = {"summary": {"validation": {}, "test": {}}, "runs": {"seed12": run, "seed12-member1": run}}
    assert fold_scores(result, "rmse") == {12: (0.5, pytest.approx(1 / 9))}


def test_the_table_compares_controls_with_the_memory_network(tmp_path):
    rows = {
        "gmn": fair_result("GMN", {0: 0.5, 1: 0.75, 2: 0.5}),
        "gmn_sum": fair_result("GMN", {0: 0.625, 1: 0.75, 2: 0.25}),
        "gin": fair_result("GIN", {0: 0.5, 1: 0.5}),
    }
    for name, result in rows.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(json.dumps(result))
    assert main(["tables", str(tmp_path)]) == 0
    text = (tmp_path / "README.md").read_text()
    assert "|  | validation | test | folds | against `gmn` (p) |" in text
    assert f"| -0.042 ({corrected_t_test([0.125, 0, -0.25], 1 / 9):.2f}) |" in text
    assert f"| -0.125 ({corrected_t_test([0, -0.25], 1 / 9):.2f}), 2 pairs |" in text
    (own,) = [line for line in text.splitlines() if line.startswith("| `gmn`")]
    assert own.endswith("| 3 |  |")
