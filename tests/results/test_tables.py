"""Tables from stored results."""

import json

import pytest

from dgl_memgnn.cli import main
from dgl_memgnn.data import fair_folds
from dgl_memgnn.results.published import PUBLISHED


def store(folder, name, protocol, dataset, task, **parts):
    runs = {"seed0": {"task": task, **{part: {} for part in parts}}, "seed1": {}}
    summary = {part: {metric: {"mean": mean, "std": std}} for part, (metric, mean, std) in parts.items()}
    (folder / name).mkdir()
    config = {"data": {"dataset": dataset, "csv": None}}
    result = {"protocol": protocol, "summary": summary, "runs": runs, "config": config}
    (folder / name / "result.json").write_text(json.dumps(result))


def test_protocols_stay_apart_and_published_figures_stand_beside_ours(tmp_path):
    store(
        tmp_path,
        "ours",
        "moleculenet",
        "ESOL",
        "regression",
        validation=("rmse", 0.51, 0.01),
        test=("rmse", 0.52345, 0.0321),
    )
    store(
        tmp_path,
        "hard",
        "scaffold",
        "ESOL",
        "regression",
        validation=("rmse", 0.9, 0.0),
        test=("rmse", None, None),
    )
    store(tmp_path, "folds", "paper", "ENZYMES", "classification", validation=("accuracy", 0.8, 0.05))
    assert main(["tables", str(tmp_path)]) == 0
    text = (tmp_path / "README.md").read_text()
    paper, rest = text.split("## Protocol `moleculenet`")
    moleculenet, scaffold = rest.split("## Protocol `scaffold`")
    assert "| paper, GMN | 0.7866 |  |" in paper and "| `folds` | 0.800 ± 0.050 | 2 |" in paper
    assert "| paper, MemGNN | 0.53 ± 0.03 | 0.54 ± 0.01 |  |" in moleculenet
    assert "| `ours` | 0.510 ± 0.010 | 0.523 ± 0.032 | 2 |" in moleculenet
    assert (
        "| Uni-Mol, pre-trained |  | 0.788 |  |\n| dgllife, AttentiveFP |  | 0.82 |  |" in scaffold
        and "| `hard` | 0.900 ± 0.000 |  | 2 |" in scaffold
    )
    assert "optimistic" in paper


def test_the_best_that_others_report_comes_first():
    """Which the README shows beside ours."""
    for (protocol, dataset), rows in PUBLISHED.items():
        figures = [float(row[-1].partition(" ")[0]) for row in rows if not row[0].startswith("paper, ")]
        assert figures == sorted(figures, reverse=dataset not in ("ESOL", "Lipophilicity")), (protocol, dataset)


def test_fair_folds_are_counted_and_never_mixed_with_the_papers(tmp_path):
    store(tmp_path, "folds", "paper", "ENZYMES", "classes", validation=("accuracy", 0.8, 0.05))
    parts = {"validation": ("accuracy", 0.75, 0.01), "test": ("accuracy", 0.731, 0.04)}
    store(tmp_path, "ours", "fair", "ENZYMES", "classes", **parts)
    path = tmp_path / "ours" / "result.json"
    result = json.loads(path.read_text())
    runs = result.pop("runs")
    result["folds"], result["num_outer_folds"] = [{"runs": runs, "selection": [{}, {}]}] * 4, 10
    result["ensemble"] = {"members": 3, "summary": {"test": {"accuracy": {"mean": 0.74, "std": 0.03}}}}
    result["outer_folds"] = "those of splits/ENZYMES_splits.json"
    path.write_text(json.dumps(result))
    (tmp_path / "drawn").mkdir()
    result["num_outer_folds"] = 4
    result["outer_folds"] = fair_folds(None, [0, 1] * 50)[1]
    (tmp_path / "drawn" / "result.json").write_text(json.dumps(result))
    (tmp_path / "single").mkdir()
    result["folds"] = [{"runs": runs, "selection": []}] * 4
    (tmp_path / "single" / "result.json").write_text(json.dumps(result))
    assert main(["tables", str(tmp_path)]) == 0
    paper, fair = (tmp_path / "README.md").read_text().split("## Protocol `fair`")
    assert "|  | validation | runs |" in paper and "PathNN" not in paper and "ours" not in paper
    assert "|  | validation | test | folds |" in fair and "paper, GMN" not in fair and "optimistic" not in fair
    assert "| PathNN, 2023 |  | 0.730 ± 0.052 |  |" in fair
    assert "| `ours` | 0.750 ± 0.010 | 0.731 ± 0.040 | 4 of 10 |" in fair
    assert "| `ours`, ensembles of 3 |  | 0.740 ± 0.030 | 4 of 10 |" in fair
    assert "| `single`, folds of our own, one candidate |" in fair
    assert "| `drawn`, folds of our own | 0.750 ± 0.010 | 0.731 ± 0.040 | 4 |" in fair


def test_ensembles_have_a_row_of_their_own(tmp_path):
    store(
        tmp_path,
        "ours",
        "moleculenet",
        "ESOL",
        "regression",
        validation=("rmse", 0.51, 0.01),
        test=("rmse", 0.52, 0.03),
    )
    path = tmp_path / "ours" / "result.json"
    result = json.loads(path.read_text())
    result["runs"]["seed0-member1"] = {}
    result["ensemble"] = {"members": 2, "summary": {"test": {"rmse": {"mean": 0.487, "std": 0.02}}}}
    path.write_text(json.dumps(result))
    assert main(["tables", str(tmp_path)]) == 0
    text = (tmp_path / "README.md").read_text()
    assert "| `ours` | 0.510 ± 0.010 | 0.520 ± 0.030 | 2 |" in text
    assert "| `ours`, ensembles of 2 |  | 0.487 ± 0.020 | 2 |" in text


def test_rows_lead_to_their_curves(tmp_path):
    store(tmp_path, "ours", "moleculenet", "ESOL", "regression", test=("rmse", 0.52, 0.03))
    (tmp_path / "ours" / "curves.png").touch()
    assert main(["tables", str(tmp_path)]) == 0
    assert "| [`ours`](ours/curves.png) | 0.520 ± 0.030 | 2 |" in (tmp_path / "README.md").read_text()


def test_the_last_epoch_is_named_where_it_is_kept(tmp_path):
    for name, keep, epoch in [("ours", "last", 20), ("forest", "last", None), ("other", "best", 7)]:
        store(tmp_path, name, "moleculenet", "ESOL", "regression", test=("rmse", 0.52, 0.03))
        path = tmp_path / name / "result.json"
        result = json.loads(path.read_text())
        result["config"]["training"] = {"keep": keep}
        result["runs"] = {"seed0": {"kept_epoch": epoch}}
        path.write_text(json.dumps(result))
    assert main(["tables", str(tmp_path)]) == 0
    text = (tmp_path / "README.md").read_text()
    assert "| `ours`, last epoch | 0.520" in text and "| `forest` | 0.520" in text and "| `other` | 0.520" in text


def test_no_results(tmp_path, capsys):
    assert main(["tables", str(tmp_path)]) == 1
    assert "holds a result.json" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_second_call_replaces_the_first(tmp_path):
    store(tmp_path, "a", "paper", "DD", "classification", validation=("accuracy", 0.7, 0.0))
    assert main(["tables", str(tmp_path)]) == 0
    first = (tmp_path / "README.md").read_text()
    assert main(["tables", str(tmp_path)]) == 0
    assert (tmp_path / "README.md").read_text() == first


def test_what_is_no_result_of_a_benchmark_is_left_out_and_named(tmp_path, capsys):
    foreign = {"a": {"score": 1}, "b": [1, 2], "c": {"protocol": "ours"}, "d": {"protocol": {"name": "paper"}}}
    for name, content in foreign.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(json.dumps(content))
    assert main(["tables", str(tmp_path)]) == 1
    assert "holds a result.json of a benchmark" in capsys.readouterr().err
    store(tmp_path, "ours", "moleculenet", "ESOL", "regression", test=("rmse", 0.52, 0.03))
    assert main(["tables", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "Left out 4" in printed and all(str(tmp_path / name / "result.json") in printed for name in foreign)
    text = (tmp_path / "README.md").read_text()
    assert "| `ours` | 0.520" in text and not any(f"`{name}`" in text for name in foreign)


OLDEST = (
    "# Results\n\nMade by `dgl-memgnn tables` from the `result.json` of each row's folder, which holds every run\n"
)


@pytest.mark.parametrize(
    ("name", "text", "is_own"),
    [
        ("README.md", "# My project\n", False),
        ("README.md", "", False),
        ("README.md", b"\xff\xfe", False),
        ("README.md", "# Results\n\nMade by hand.\n", False),
        ("README.md", OLDEST, True),
        ("README.md", OLDEST.replace("\n", "\r\n"), True),
        ("ablations.md", "# Ablations\n\nof a kind of our own\n", False),
        ("ablations.md", OLDEST, False),
    ],
)
def test_a_file_of_that_name_which_is_none_of_ours_stays(name, text, is_own, tmp_path, capsys):
    """And nothing else is written."""
    store(tmp_path, "ours", "moleculenet", "ESOL", "regression", test=("rmse", 0.52, 0.03))
    (tmp_path / "heads").mkdir()
    store(tmp_path / "heads", "one", "moleculenet", "ESOL", "regression", test=("rmse", 0.52, 0.03))
    result = json.loads((tmp_path / "heads" / "one" / "result.json").read_text())
    result["runs"] = {"seed0": {"test": {"rmse": 0.52}, "parts": {"train": 80, "validation": 10, "test": 10}}}
    (tmp_path / "heads" / "one" / "result.json").write_text(json.dumps(result))
    content = {"title": "Heads", "config": "x", "protocol": "moleculenet", "reference": "one", "rows": {"one": {}}}
    (tmp_path / "heads" / "ablation.yaml").write_text(json.dumps(content))
    path, old = tmp_path / name, text if isinstance(text, bytes) else text.encode()
    path.write_bytes(old)
    assert main(["tables", str(tmp_path)]) == (0 if is_own else 1)
    if is_own:
        assert "| `ours` | 0.520" in path.read_text()
        return
    assert path.read_bytes() == old and [each.name for each in tmp_path.glob("*.md")] == [name]
    error = capsys.readouterr().err
    assert str(path) in error and "move it away" in error


def test_bace_has_one_split_in_two_protocols(tmp_path):
    for name, protocol, validation, test in [("ours", "moleculenet", 0.8, 0.9), ("other", "scaffold", 0.7, 0.6)]:
        store(
            tmp_path,
            name,
            protocol,
            "BACE",
            "binary",
            validation=("roc_auc", validation, 0.0),
            test=("roc_auc", test, 0.0),
        )
    assert main(["tables", str(tmp_path)]) == 0
    _, moleculenet, scaffold = (tmp_path / "README.md").read_text().split("## Protocol")
    for text in (moleculenet, scaffold):
        assert "| `ours` | 0.800 ± 0.000 | 0.900 ± 0.000 | 2 |" in text
        assert "| `other` | 0.700 ± 0.000 | 0.600 ± 0.000 | 2 |" in text
    assert "| paper, MemGNN | 0.859" in moleculenet and "| dgllife, MPNN |  | 0.85 |" in scaffold
