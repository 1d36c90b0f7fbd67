"""The script that measures levers: each trains, none sees a test part, and what is stored is continued."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from graphs import write_graphs

from dgl_memgnn.config import load_config
from dgl_memgnn.data import fair_folds

BENCHMARKS = Path(__file__).parents[1] / "examples" / "benchmarks"


@pytest.fixture
def levers(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("levers")


@pytest.fixture
def config(tmp_path):
    write_graphs(tmp_path, [graph % 2 for graph in range(40)])
    data = {"dataset": "TINY", "data_dir": str(tmp_path), "cache_dir": str(tmp_path / "cache")}
    model = {"network": "MemGNN", "hidden_feats": 8, "num_layers": 1, "num_keys": [2, 1], "num_heads": 2}
    training = {"epochs": 2, "batch_size": 8, "clustering_period": 1, "weight_average": 0.5}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump({"data": data, "model": model, "training": training}))
    return path


def test_all_levers_are_measured_and_stored_ones_are_not_measured_again(levers, config, tmp_path, monkeypatch):
    out = tmp_path / "levers.json"
    arguments = ["levers.py", str(config), "--folds", "1", "--workers", "1", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", arguments)
    losses = []

    class Recorded(levers.Trainer):
        def fit(self, *arguments):
            history = super().fit(*arguments)
            losses.append(history[-1]["loss"])
            return history

    monkeypatch.setattr(levers, "Trainer", Recorded)
    levers.main()
    stored = json.loads(out.read_text())
    assert [trial["values"]["lever"] for trial in stored["trials"]] == list(levers.LEVERS)
    alike = {
        "nothing",
        "no moving average",
        "probabilities mixed",
    }  # which this configuration does; what is evaluated
    for i, name in enumerate(levers.LEVERS):
        same = {other for j, other in enumerate(levers.LEVERS) if losses[j] == losses[i]}
        assert same == (alike if name in alike else {name})
    monkeypatch.setattr(levers, "validate", None)
    levers.main()
    assert json.loads(out.read_text()) == stored
    report = importlib.import_module("search_report")
    assert any(line.startswith("| lever means |") for line in report.section(out))
    out.write_text(json.dumps({**stored, "trials": []}))
    assert report.section(out)[-1] == "Nothing is measured on all folds yet."


def test_folds_are_stored_one_by_one_and_other_levers_are_measured(levers, config, tmp_path, monkeypatch):
    """Where a fold diverges: called again, it measures that one alone."""
    out, measured, broken = tmp_path / "levers.json", [], {("nothing", 1)}
    arguments = ["levers.py", str(config), "--folds", "3", "--workers", "1", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", [*arguments, "--levers", "nothing", "plain sum"])

    def validate(source, start, name, fold):
        measured.append((name, fold))
        if (name, fold) in broken:
            raise FloatingPointError("The loss is nan.")
        return {"seed": fold, "score": fold, "metric": "accuracy", "sign": 1, "kept_epoch": 1, "seconds": 0.0}

    monkeypatch.setattr(levers, "validate", validate)
    with pytest.raises(FloatingPointError, match="nothing: The loss is nan."):
        levers.main()
    assert len(measured) == 6
    broken.clear()
    levers.main()
    assert measured[6:] == [("nothing", 1)]
    stored = json.loads(out.read_text())
    assert {trial["values"]["lever"]: [each["seed"] for each in trial["seeds"]] for trial in stored["trials"]} == {
        "nothing": [0, 1, 2],
        "plain sum": [0, 1, 2],
    }
    assert set(stored) == {"setting", "trials"}


def test_test_parts_are_never_looked_at(levers, config, monkeypatch):
    """A trial ends the same whatever the labels of the outer test part."""
    levers.load.cache_clear()
    first = levers.validate(str(config), {}, "nothing", 2)
    dataset = levers.load(str(config), "{}")
    folds, _ = fair_folds("TINY", dataset.labels, load_config(config).data.data_dir)
    changed = np.array(dataset.labels)
    dataset.labels[folds[2][2]] = 1 - dataset.labels[folds[2][2]]
    assert not np.array_equal(changed, dataset.labels)
    monkeypatch.setattr(levers, "split", lambda config, dataset: dict(zip(("train", "validation"), folds[2][:2])))
    second = levers.validate(str(config), {}, "nothing", 2)
    assert {**first, "seconds": 0} == {**second, "seconds": 0}


def test_disturbed_graphs_lose_nodes_or_features_and_the_data_set_does_not(levers, config):
    levers.load.cache_clear()
    dataset = levers.load(str(config), "{}")
    before = [graph.ndata["feat"].clone() for graph in dataset.graphs]
    drop = levers.LEVERS["a tenth of the nodes dropped"][3]
    counts = [levers.Disturbed(dataset, drop)[i][0].num_nodes() for i in range(40) for _ in range(5)]
    whole = [graph.num_nodes() for graph in dataset.graphs for _ in range(5)]
    assert 0.8 < sum(counts) / sum(whole) < 0.97 and min(counts) > 0
    masked = levers.mask(dataset.graphs[0])
    assert masked.num_nodes() == dataset.graphs[0].num_nodes()
    assert all((graph.ndata["feat"] == feat).all() for graph, feat in zip(dataset.graphs, before))
