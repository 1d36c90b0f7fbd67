"""Ablations: every file of the examples is sound, and one runs, continues and becomes a table."""

import importlib
import json
import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from graphs import write_graphs

from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config
from dgl_memgnn.models import NETWORKS, Widths
from dgl_memgnn.results.paired import fold_scores, paired_difference
from dgl_memgnn.runs import ablate, ablations, benchmark, read_ablation
from dgl_memgnn.runs import run as run_module
from dgl_memgnn.tasks import Regression

benchmark_module = importlib.import_module("dgl_memgnn.runs.benchmark")  # whose name is the function's too

FILES = sorted((Path(__file__).parents[2] / "examples" / "ablations").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_files_of_the_examples_change_what_they_say(path):
    ablation = read_ablation(path)
    configs = {name: asdict(config) for name, config in ablation.configs().items()}
    assert ablation.title and len(configs) >= 2
    for name, config in configs.items():
        assert config != configs[ablation.reference] or name == ablation.reference, f"{name} changes nothing"
    index = (path.parent / "README.md").read_text()
    assert f"`{path.name}`" in index


def test_readouts_are_compared_at_equal_parameter_counts():
    configs = read_ablation(FILES[0].parent / "readouts_esol.yaml").configs()
    counts = {}
    for name, config in configs.items():
        model = NETWORKS[config.model.network].build(config.model, Widths(74, 12, 1), Regression(["y"]), 0)
        counts[name] = sum(parameter.numel() for parameter in model.parameters())
    assert all(abs(count / counts["memory"] - 1) < 0.05 for count in counts.values()), counts


@pytest.fixture
def file(tmp_path):
    write_graphs(tmp_path, [graph % 2 for graph in range(36)])
    sections = {
        "data": {"dataset": "TINY"},
        "model": {"network": "GMN", "hidden_feats": 8, "num_keys": [2, 1], "num_heads": 2},
        "training": {"batch_size": 8, "epochs": 2},
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(sections))
    content = {
        "title": "Heads on TINY",
        "config": str(tmp_path / "tiny.yaml"),
        "protocol": "paper",
        "repeats": 3,
        "reference": "two",
        "rows": {
            "two": {"paper": 0.75},
            "one": {"values": {"num_heads": 1}},
            "three": {"values": {"num_heads": 3}},
        },
    }
    path = tmp_path / "heads.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def test_runs_continues_and_becomes_a_table(file, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run_module, "plot_curves", lambda histories, path: None)
    out = tmp_path / "results" / "heads"
    own = ["--data-dir", str(tmp_path), "--cache-dir", str(tmp_path / "cache")]
    command = ["benchmark", str(file), "--out", str(out), "--workers", "1", *own]
    ablation = read_ablation(file)
    overrides = {"data_dir": str(tmp_path), "cache_dir": str(tmp_path / "cache")}
    two = benchmark(ablation.configs(overrides)["two"], "paper", out / "two", 3, workers=1)
    (out / "ablation.yaml").write_text(file.read_text())
    assert main(["tables", str(tmp_path / "results")]) == 0
    text = (tmp_path / "results" / "ablations.md").read_text()
    assert "Rows still to run: 2 of 3." in text and "| `one` |  |  | still to run |  |  |  |" in text
    assert not (tmp_path / "results" / "README.md").exists()

    before = (out / "two" / "fold0" / "metrics.json").read_text()
    assert main(command) == 0
    assert (out / "two" / "fold0" / "metrics.json").read_text() == before
    assert "Heads on TINY. Protocol paper" in capsys.readouterr().out
    results = {name: json.loads((out / name / "result.json").read_text()) for name in ("two", "one", "three")}
    assert results["two"] == two
    assert [results[name]["config"]["model"]["num_heads"] for name in results] == [2, 1, 3]
    monkeypatch.setattr(run_module, "_begin", None)
    assert ablate(ablation, out, overrides, workers=1) == results

    assert main(["tables", str(tmp_path / "results")]) == 0
    text = (tmp_path / "results" / "ablations.md").read_text()
    difference = paired_difference(*(fold_scores(results[name], "accuracy") for name in ("one", "two")))
    exceeds = "yes" if abs(difference.mean) > difference.margin else "no"
    assert f"| 3 | {difference.mean:+.3f} ± {difference.margin:.3f} | {exceeds} |  |" in text
    assert "| `two` | 0.75 |" in text and "## Heads on TINY" in text
    assert "](heads/curves.png)" in text and (out / "curves.png").is_file()
    (out / "curves.png").write_bytes(b"of all runs")
    shutil.rmtree(out / "one" / "fold0")
    assert ablate(ablation, out, overrides, workers=1) == results
    assert (out / "curves.png").read_bytes() == b"of all runs"
    monkeypatch.undo()
    monkeypatch.setattr(run_module, "plot_curves", lambda histories, path: None)
    assert len(ablate(ablation, out, overrides, repeats=4, workers=1)["two"]["runs"]) == 4
    assert not (out / "curves.png").exists()


def test_a_wrong_call_changes_nothing(file, tmp_path, monkeypatch, capsys):
    """Neither the option, nor another file that has a row of the same name and other values."""
    monkeypatch.setattr(run_module, "plot_curves", lambda histories, path: None)
    own = ["--data-dir", str(tmp_path), "--cache-dir", str(tmp_path / "cache"), "--workers", "1"]
    command = ["benchmark", str(file), "--out", str(tmp_path / "out"), "--epochs", "1", "--repeats", "2", *own]
    assert main(command) == 0
    stored = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    for wrong in (["--repeats", "0"], ["--workers", "0"], ["--csv", "molecules.csv"], ["--repeats", "11"]):
        with suppress(SystemExit):
            assert main([*command, *wrong, "--overwrite"]) == 1
    other = yaml.safe_load(file.read_text())
    other["rows"] = {"four": {"values": {"num_heads": 4}}, "two": {"values": {"num_heads": 1}}}
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(other))
    capsys.readouterr()
    assert main([command[0], str(tmp_path / "other.yaml"), *command[2:]]) == 1
    assert "model.num_heads is 2, not 1" in capsys.readouterr().err
    assert stored == {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}


def test_rows_that_the_file_has_no_more_are_named(file, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "plot_curves", lambda histories, path: None)
    overrides = {"data_dir": str(tmp_path), "cache_dir": str(tmp_path / "cache"), "epochs": 1}
    content = yaml.safe_load(file.read_text())
    ablate(read_ablation(file), tmp_path / "results" / "heads", overrides, repeats=2, workers=1)
    content["rows"]["many"] = content["rows"].pop("three")
    content["rows"]["one"] = {"values": None}
    (tmp_path / "results" / "heads" / "ablation.yaml").write_text(yaml.safe_dump(content))
    assert main(["tables", str(tmp_path / "results")]) == 0
    text = (tmp_path / "results" / "ablations.md").read_text()
    assert "Left out, since ablation.yaml has no such row: 'three'." in text
    assert "| `many` |  |  | still to run |" in text and "Rows still to run: 1 of 3." in text


def test_a_row_that_diverges_lets_the_others_finish(file, tmp_path, monkeypatch):
    train, out = benchmark_module.train_run, tmp_path / "out"
    monkeypatch.setattr(run_module, "plot_curves", lambda histories, path: None)

    def diverging(config, folder, *args):
        if folder.parent.name == "one":
            raise FloatingPointError(f"{folder.name}: nan")
        return train(config, folder, *args)

    monkeypatch.setattr(benchmark_module, "train_run", diverging)
    overrides = {"data_dir": str(tmp_path), "cache_dir": str(tmp_path / "cache"), "epochs": 1}
    for _ in range(2):
        with pytest.raises(FloatingPointError, match="one: fold0: nan\nfold1: nan"):
            ablate(read_ablation(file), out, overrides, repeats=2, workers=1)
        assert {path.parent.name for path in out.glob("*/result.json")} == {"two", "three"}


def test_broken_off_after_overwriting_no_row_is_of_before(file, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "plot_curves", lambda histories, path: None)
    overrides = {"data_dir": str(tmp_path), "cache_dir": str(tmp_path / "cache"), "epochs": 1}
    ablation, out = read_ablation(file), tmp_path / "out"
    ablate(ablation, out, overrides, repeats=2, workers=1)
    stored = [*out.glob("*/fold*/metrics.json")]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ablations, "benchmark", lambda *args, **options: (_ for _ in ()).throw(KeyboardInterrupt))
        ablate(ablation, out, overrides, repeats=2, workers=1, overwrite=True)
    assert len(stored) == 6 and not any(path.exists() for path in [*stored, *out.glob("*/result.json")])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"titel": "x"}, "unknown key titel"),
        ({"protocol": "best"}, "protocol must be one of paper"),
        ({"reference": "four"}, "rows must hold 'four'"),
        ({"title": None}, "needs title"),
        ({"rows": {"two": {"value": {}}}}, "row 'two' must be"),
        ({"rows": {"two": {}, "../up": {}}}, "row '../up' must be"),
        ({"rows": {"two": {"values": {"num_head": 1}}}}, "Did you mean num_heads"),
        (
            {"rows": {"two": {}, "one": {"paper": "good"}}},
            "must be a figure, or one of better, worse",
        ),
        ({"rows": {"two": {}, "one": {"paper": True}}}, "paper of row 'one' must be a figure"),
    ],
)
def test_what_is_wrong_is_named_before_anything_runs(change, message, file, tmp_path, capsys):
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **change}))
    assert main(["benchmark", str(file), "--out", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_options_that_an_ablation_has_itself(file, capsys):
    assert main(["benchmark", str(file), "--num-heads", "4"]) == 1
    assert "num_heads is what row one changes: leave out --num-heads, or change the row" in capsys.readouterr().err
    assert main(["benchmark", str(file), "--protocol", "paper"]) == 1
    assert "--protocol is the ablation's own" in capsys.readouterr().err
    assert main(["benchmark", "quickstart"]) == 1
    assert "Which protocol? Give --protocol, one of paper" in capsys.readouterr().err


def test_a_configuration_is_no_ablation(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(load_config("quickstart").to_yaml())
    assert read_ablation(path) is None and read_ablation("quickstart") is None
