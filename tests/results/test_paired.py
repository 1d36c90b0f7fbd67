"""The corrected t-test against scipy's and against its formula; differences fold by fold, on the same parts."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from dgl_memgnn.cli import main
from dgl_memgnn.data import fair_folds
from dgl_memgnn.results import write_tables
from dgl_memgnn.results.paired import corrected_t_test, fold_scores, paired_difference

RESULTS = Path(__file__).parents[2] / "docs" / "results"


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
        {
            "fold": fold,
            "selection": [{}, {}],
            "test": {"accuracy": score},
            "runs": {"run0": run},
            "validation": {"accuracy": score},
        }
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


def repeats_result(network, protocol="repeats", sizes=(80, 10, 10), digest="a", seed=0, **data):
    """Three seeds with errors of 0.5, 0.625 and 0.75 for MemGNN, 0.25 more for others."""
    sizes = {part: size for part, size in zip(("train", "validation", "test"), sizes) if size}
    errors = [error + 0.25 * (network != "MemGNN") for error in (0.5, 0.625, 0.75)]
    scores = [{part: {"rmse": error} for part in sizes if part != "train"} for error in errors]
    digest = {} if digest is None else {"digest": digest}
    summary = {"rmse": {"mean": float(np.mean(errors)), "std": float(np.std(errors))}}
    data = {"dataset": None, "csv": "m.csv", "tasks": ["logS"], "split": "random", "split_seed": None, **data}
    return {
        "protocol": protocol,
        "num_splits": 3,
        "summary": {part: summary for part in scores[0]},
        "runs": {f"seed{i}": {**score, "parts": sizes, **digest} for i, score in enumerate(scores)},
        "config": {"data": data, "model": {"network": network}, "training": {"seed": seed}},
    }


def store(folder, **rows):
    for name, result in rows.items():
        (folder / name).mkdir()
        (folder / name / "result.json").write_text(json.dumps(result))


def row_of(folder, name):
    write_tables(folder)
    rows = [line for line in (folder / "README.md").read_text().splitlines() if line.startswith(f"| `{name}`")]
    return rows[0]


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
    config = {"data": {"dataset": "DD"}}
    result = {"protocol": "paper", "summary": {"validation": {}}, "runs": {"fold3": run}, "config": config}
    assert fold_scores(result, "accuracy") == {3: (0.5, pytest.approx(1 / 9))}


def test_seeds_are_scored_on_their_test_parts_and_members_of_ensembles_are_left_out():
    run = {"parts": {"train": 80, "validation": 10, "test": 10}, "test": {"rmse": 0.5}}
    result = {
        "protocol": "moleculenet",
        "summary": {"validation": {}, "test": {}},
        "runs": {"seed12": run, "seed12-member1": run},
        "config": {"data": {"dataset": "ESOL"}},
    }
    assert fold_scores(result, "rmse") == {12: (0.5, pytest.approx(1 / 9))}


ONE_PART = "All runs are scored on one and the same part: "


@pytest.mark.parametrize(
    ("protocol", "options", "is_one"),
    [
        ("scaffold", {"dataset": "ESOL"}, True),
        ("scaffold", {}, True),
        ("moleculenet", {"dataset": "BACE"}, True),
        ("moleculenet", {"dataset": "ESOL"}, False),
        ("moleculenet", {"dataset": "ESOL", "split_seed": 3}, True),
        ("repeats", {}, True),
        ("repeats", {"sizes": (90, 10, 0)}, False),
    ],
    ids=str,
)
def test_on_one_part_the_test_is_students_over_seeds(protocol, options, is_one, tmp_path):
    """What is scored is resampled or not; scipy's paired test is for what is not."""
    ours, other = (repeats_result(network, protocol, **options) for network in ("MemGNN", "GIN"))
    part = "validation" if "sizes" in options else "test"
    errors = [[run[part]["rmse"] for run in result["runs"].values()] for result in (other, ours)]
    for i, change in enumerate((0.0, 0.125, -0.25)):
        other["runs"][f"seed{i}"][part]["rmse"] += change
        errors[0][i] += change
    difference = paired_difference(fold_scores(other, "rmse"), fold_scores(ours, "rmse"))
    test = stats.ttest_rel(*errors)
    factor = 1 if is_one else np.sqrt(1 + 3 / 9)  # of the error, by a part of 10 beside 90
    assert difference.p == pytest.approx(2 * stats.t.sf(abs(test.statistic) / factor, 2))
    low, high = test.confidence_interval()
    assert difference.margin == pytest.approx(factor * (high - low) / 2)
    store(tmp_path, memgnn=ours, gin=other)
    assert f"({difference.p:.2f}) |" in row_of(tmp_path, "gin")
    note = ONE_PART + "p is about seeds, not about other splits."
    assert ((tmp_path / "README.md").read_text().count(note) > 0) == is_one


@pytest.mark.parametrize("protocol", ["repeats", "moleculenet"])
def test_an_ablation_says_what_its_interval_is_about(protocol, tmp_path):
    rows = {name: repeats_result("MemGNN", protocol, dataset="ESOL") for name in ("one", "two")}
    store(tmp_path, **rows)
    content = {"title": "Heads", "config": "x", "protocol": protocol, "reference": "one", "note": "Few epochs."}
    (tmp_path / "ablation.yaml").write_text(json.dumps({**content, "rows": {name: {} for name in rows}}))
    write_tables(tmp_path)
    note = ONE_PART + "the interval is about seeds, not about other splits. Few epochs."
    assert (note in (tmp_path / "ablations.md").read_text()) == (protocol == "repeats")


def test_the_table_compares_controls_with_the_memory_network(tmp_path):
    rows = {
        "gmn": fair_result("GMN", {0: 0.5, 1: 0.75, 2: 0.5}),
        "gmn_sum": fair_result("GMN", {0: 0.625, 1: 0.75, 2: 0.25}),
        "gin": fair_result("GIN", {0: 0.5, 1: 0.5}),
    }
    store(tmp_path, **rows)
    assert main(["tables", str(tmp_path)]) == 0
    text = (tmp_path / "README.md").read_text()
    assert "|  | validation | test | folds | against `gmn` (p) |" in text
    assert f"| -0.042 ({corrected_t_test([0.125, 0, -0.25], 1 / 9):.2f}) |" in text
    assert f"| -0.125 ({corrected_t_test([0, -0.25], 1 / 9):.2f}), 2 pairs |" in text
    (own,) = [line for line in text.splitlines() if line.startswith("| `gmn`")]
    assert own.endswith("| 3 |  |")


def test_a_small_p_value_is_not_rounded_to_0(tmp_path):
    rows = {"gmn": {0: 0.5, 1: 0.75, 2: 0.5, 3: 0.25}, "gin": {0: 0.25, 1: 0.5, 2: 0.26, 3: 0.0}}
    rows = {name: fair_result(name.upper(), scores) for name, scores in rows.items()}
    difference = paired_difference(*(fold_scores(rows[name], "accuracy") for name in ("gin", "gmn")))
    assert 0 < difference.p < 0.005
    store(tmp_path, **rows)
    assert row_of(tmp_path, "gin").endswith("| -0.247 (<0.01) |")


@pytest.mark.parametrize(
    "other",
    [
        {"split": "scaffold"},
        {"split_sizes": [0.7, 0.1, 0.2]},
        {"split_seed": 1},
        {"seed": 1},
        {"splits_file": "splits.csv"},
        {"sizes": (79, 10, 10)},
        {"digest": "b"},
        {"max_atoms": 40, "digest": "b"},
    ],
    ids=str,
)
def test_rows_of_another_split_or_of_other_data_are_not_paired(other, tmp_path):
    store(tmp_path, memgnn=repeats_result("MemGNN"), gin=repeats_result("GIN", **other))
    assert row_of(tmp_path, "gin").endswith("| 3 | other split |")


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"split_seed": 0},
        {"digest": None},
        {"split_sizes": [0.8, 0.1, 0.1], "edge_fraction": 1.0},
        {"weight_column": "weight", "digest": "b"},
        {"task_type": "mean_variance", "digest": "b"},
    ],
    ids=str,
)
def test_rows_of_the_same_split_are_paired_whatever_their_results_do_not_tell(other, tmp_path):
    store(tmp_path, memgnn=repeats_result("MemGNN"), gin=repeats_result("GIN", **other))
    assert "| 3 | +0.250 (" in row_of(tmp_path, "gin")


def test_a_protocol_that_splits_by_itself_pairs_what_older_configurations_call_otherwise(tmp_path):
    """The scaffold split of BACE was called scaffold, and is dgllife_scaffold; digests were not stored."""
    data = {"dataset": "BACE", "csv": None, "tasks": []}
    older = repeats_result("MemGNN", "moleculenet", digest=None, **data, split="scaffold")
    newer = repeats_result("GIN", "scaffold", **data, split="dgllife_scaffold", split_sizes=[0.8, 0.1, 0.1])
    store(tmp_path, memgnn=older, gin=newer)
    write_tables(tmp_path)
    assert (tmp_path / "README.md").read_text().count("| 3 | +0.250 (") == 2  # protocols


def test_folds_of_our_own_are_not_paired_with_published_ones(tmp_path):
    published, drawn = (fair_result(name, {0: 0.5, 1: 0.75, 2: 0.25}) for name in ("GMN", "GIN"))
    published["outer_folds"] = "those of splits/ENZYMES_splits.json"
    drawn["outer_folds"] = fair_folds(None, [0, 1] * 50)[1]
    store(tmp_path, gmn=published, gin=drawn)
    assert row_of(tmp_path, "gin").endswith("| 3 | other split |")


def test_other_tasks_and_metrics_have_tables_of_their_own(tmp_path):
    classes = json.loads(json.dumps(repeats_result("MemGNN")).replace("rmse", "roc_auc"))
    store(tmp_path, memgnn=repeats_result("MemGNN"), gin=repeats_result("GIN", tasks=["logP"]), classes=classes)
    write_tables(tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("###")] == [
        "### m.csv, 'logP': RMSE, in the target's unit",
        "### m.csv, 'logS': RMSE, in the target's unit",
        "### m.csv, 'logS': ROC-AUC, mean over tasks",
    ]
    assert "against" not in text.partition("###")[2]


@pytest.mark.parametrize("first", ["a", "z"])
def test_a_row_without_a_test_part_takes_it_from_no_other(first, tmp_path):
    rows = {"memgnn": repeats_result("MemGNN"), first: repeats_result("GIN", sizes=(90, 10, 0))}
    store(tmp_path, **rows)
    assert row_of(tmp_path, first) == f"| `{first}` | 0.875 ± 0.102 |  | 3 | other split |"
    assert row_of(tmp_path, "memgnn") == "| `memgnn` | 0.625 ± 0.102 | 0.625 ± 0.102 | 3 |  |"


def test_an_ablation_compares_rows_of_the_same_split_and_other_edges(tmp_path):
    """A change of the edges is one of the data, not of their folds."""
    rows = {name: repeats_result(network) for name, network in [("all", "MemGNN"), ("split", "GIN")]}
    rows["tenth"] = repeats_result("GIN", edge_fraction=0.1, digest="b")
    rows["split"]["config"]["data"]["split_seed"] = 1
    store(tmp_path, **rows)
    content = {"title": "Edges", "config": "x", "protocol": "repeats", "reference": "all"}
    content["rows"] = {name: {} for name in rows}
    (tmp_path / "ablation.yaml").write_text(json.dumps(content))
    write_tables(tmp_path)
    lines = (tmp_path / "ablations.md").read_text().splitlines()
    last = {line.split("`")[1]: line.split(" | ")[-3:] for line in lines if line.startswith("| `")}
    assert last["split"] == ["other split", "", " |"] and last["tenth"] == ["+0.250 ± 0.000", "yes", " |"]


@pytest.mark.parametrize(
    "figure, of_reference, change, verdict",
    [
        (0.5, 0.6, -0.1, "holds"),  # errors: the smaller, the better
        (0.7, 0.6, -0.1, "does not hold"),
        (0.7, 0.6, 0.1, "holds"),
        (0.7, 0.6, 0.0, "within the noise"),
        (0.6, 0.6, 0.1, ""),
        (0.7, None, 0.1, ""),
        (None, 0.6, 0.1, ""),
        ("better", None, -0.1, "holds"),
        ("worse", None, -0.1, "does not hold"),
        ("no better", None, -0.1, "does not hold"),
        ("no better", None, 0.0, "holds"),
        ("no better", 0.6, 0.1, "holds"),
    ],
)
def test_an_ablation_says_whether_the_papers_claim_is_seen(figure, of_reference, change, verdict, tmp_path):
    rows = {name: repeats_result("MemGNN") for name in ("one", "two")}
    for i, noise in enumerate((-0.01, 0.01, 0.0)):
        rows["two"]["runs"][f"seed{i}"]["test"]["rmse"] += change + noise
    store(tmp_path, **rows)
    content = {"title": "Heads", "config": "x", "protocol": "repeats", "reference": "one"}
    papers = {"one": of_reference, "two": figure}
    content["rows"] = {name: {} if paper is None else {"paper": paper} for name, paper in papers.items()}
    (tmp_path / "ablation.yaml").write_text(json.dumps(content))
    write_tables(tmp_path)
    lines = (tmp_path / "ablations.md").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("| `two`")]
    assert line.split("|")[-2].strip() == verdict
    in_short = [line for line in lines if line.startswith("- 1: ")]
    assert in_short == [
        line for line in in_short if f"- 1: {verdict}. `two` " in line and "`one` (Heads)." in line
    ]
    assert len(in_short) == bool(verdict)


def test_published_rows_are_of_one_split(tmp_path):
    for path in RESULTS.rglob("result.json"):
        target = tmp_path / path.relative_to(RESULTS)
        target.parent.mkdir(parents=True)
        shutil.copy(path, target)
    write_tables(tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert "against `memgnn` (p)" in text and "| other split |" not in text
