"""The fair protocol: parts, selection without the test part, assessment, and what is stored."""

import dataclasses
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from itertools import count
from types import SimpleNamespace

import dgl
import numpy as np
import pandas as pd
import pytest
import torch
from graphs import write_graphs

from dgl_memgnn import files
from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config
from dgl_memgnn.data import fair_folds
from dgl_memgnn.runs import assemble, benchmark, fair, run
from dgl_memgnn.tasks import Classes, Regression
from dgl_memgnn.training import load_checkpoint

SETTINGS = {
    "dataset": "TINY",
    "network": "GMN",
    "hidden_feats": 8,
    "num_keys": [2, 1],
    "num_heads": 2,
    "batch_size": 8,
    "epochs": 2,
    "clustering_period": 2,
    "weight_average": 0.5,
}


def write_splits(folder):
    """Three outer folds, drawn, as the file of the authors holds them; a list of them."""
    parts = np.random.default_rng(0).permutation(36).reshape(3, 12)
    folds = []
    for i in range(3):
        rest = np.concatenate([parts[j] for j in range(3) if j != i])
        inner = {"train": rest[4:].tolist(), "validation": rest[:4].tolist()}
        folds.append({"test": parts[i].tolist(), "model_selection": [inner]})
    (folder / "splits").mkdir()
    (folder / "splits" / "TINY_splits.json").write_text(json.dumps(folds))
    return folds


@pytest.fixture(autouse=True, scope="module")
def no_curves_of_single_runs():
    """To draw them takes longer than to train."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "plot_curves", lambda histories, path: None)
        yield


LABELS = [graph % 2 for graph in range(36)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_graphs(folder, LABELS)
    write_splits(folder)
    return folder


@pytest.fixture(scope="module")
def config(data):
    config = load_config(overrides={**SETTINGS, "data_dir": str(data), "cache_dir": str(data / "cache")})
    config.search = {"dropout": [0.0, 0.5], "learning_rate": [0.05, 0.001]}
    return config


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fair")
    benchmark(config, "fair", folder, workers=1)
    return folder


def read(path):
    return json.loads(path.read_text())


def without_times(content):
    if isinstance(content, dict):
        return {name: without_times(value) for name, value in content.items() if name != "wall_time_seconds"}
    return [without_times(value) for value in content] if isinstance(content, list) else content


def test_parts_are_those_of_the_file(data, whole):
    for i, fold in enumerate(read(data / "splits" / "TINY_splits.json")):
        inner, test = fold["model_selection"][0], fold["test"]
        for j in range(3):
            table = pd.read_csv(whole / "assessment" / f"fold{i}" / f"run{j}" / "splits.csv")
            parts = {part: sorted(of_part["id"]) for part, of_part in table.groupby("part")}
            assert parts == {part: sorted(ids) for part, ids in {**inner, "test": test}.items()}
        for j in range(4):
            table = pd.read_csv(whole / "selection" / f"fold{i}" / f"candidate{j}" / "splits.csv")
            parts = {part: sorted(of_part["id"]) for part, of_part in table.groupby("part")}
            assert parts == {part: sorted(ids) for part, ids in {**inner, "dropped": test}.items()}


def test_the_parts_of_a_selection_are_those_of_another_run(config, whole, tmp_path):
    """Its file has a row a graph, in a part or not."""
    candidate = whole / "selection" / "fold0" / "candidate0"
    given = {"splits_file": str(candidate / "splits.csv"), "data_dir": config.data.data_dir}
    other = load_config(overrides={**SETTINGS, **given, "cache_dir": config.data.cache_dir})
    result = run.train_run(other, tmp_path, progress=False)
    assert result["parts"] == read(candidate / "metrics.json")["parts"]
    assert pd.read_csv(tmp_path / "splits.csv").equals(pd.read_csv(candidate / "splits.csv"))


def test_the_best_candidate_is_assessed_by_three_runs(whole):
    result = read(whole / "result.json")
    proposed = [(d, r) for d in (0.0, 0.5) for r in (0.05, 0.001)]
    tests, ensembles, seeds = [], [], []
    for i, fold in enumerate(result["folds"]):
        folders = [whole / "selection" / f"fold{i}" / f"candidate{j}" for j in range(4)]
        scores = [read(folder / "metrics.json")["validation"]["accuracy"] for folder in folders]
        assert [each["validation"]["accuracy"] for each in fold["selection"]] == scores
        chosen = scores.index(max(scores))
        assert fold["candidate"] == chosen
        assert tuple(fold["values"].values()) == proposed[chosen]
        runs = [whole / "assessment" / f"fold{i}" / f"run{j}" for j in range(3)]
        for folder in runs:
            own = load_config(folder / "config.yaml")
            assert (own.model.dropout, own.training.learning_rate) == proposed[chosen]
            seeds.append(own.training.seed)
        seeds += [load_config(folder / "config.yaml").training.seed for folder in folders[:1]]
        tests.append(statistics.mean(read(folder / "metrics.json")["test"]["accuracy"] for folder in runs))
        tables = [pd.read_csv(folder / "predictions.csv") for folder in runs]
        mean = sum(table["class_1"] for table in tables) / 3
        ensembles.append(((mean > 0.5) == tables[0]["target"]).mean())
    assert len(set(seeds)) == len(seeds) == 12
    for summary, values in [
        (result["summary"]["test"], tests),
        (result["ensemble"]["summary"]["test"], ensembles),
    ]:
        assert summary["accuracy"]["mean"] == pytest.approx(statistics.mean(values))
        assert summary["accuracy"]["std"] == pytest.approx(statistics.pstdev(values))


@pytest.mark.parametrize("task, best", [(Classes([0, 1]), 1), (Regression(), 0)])
def test_the_candidate_is_chosen_by_the_metric_that_decides(task, best):
    """The first of equal ones; candidates of small networks may well be equal in all folds."""
    first, second, *_ = task.metrics
    scores = [{"validation": {first: own, second: 1 - own}} for own in (0.25, 0.75, 0.5, 0.75, 0.25)]
    assert fair._best(scores, SimpleNamespace(task=task)) == best


def test_selection_never_sees_the_test_labels(config, data, whole, tmp_path):
    """Poisoned, they change no choice, no epoch and no validation score, but the test score."""
    poisoned = tmp_path / "data"
    shutil.copytree(data, poisoned)
    test = read(data / "splits" / "TINY_splits.json")[0]["test"]
    write_graphs(poisoned, [1 - label if i in test else label for i, label in enumerate(LABELS)])
    other = load_config(overrides={**SETTINGS, "data_dir": str(poisoned), "cache_dir": str(data / "cache")})
    other.search = config.search
    benchmark(other, "fair", tmp_path / "out", repeats=1, workers=1)
    names = [*(f"selection/fold0/candidate{i}" for i in range(4)), *(f"assessment/fold0/run{i}" for i in range(3))]
    for name in names:
        assert (whole / name / "history.csv").read_bytes() == (
            tmp_path / "out" / name / "history.csv"
        ).read_bytes()
    ours, theirs = (read(folder / "result.json")["folds"][0] for folder in (whole, tmp_path / "out"))
    assert ours["candidate"] == theirs["candidate"] and ours["validation"] == theirs["validation"]
    assert ours["test"]["accuracy"] == pytest.approx(1 - theirs["test"]["accuracy"])
    for name in names[:4]:
        assert "test" not in read(whole / name / "metrics.json")


def test_more_folds_than_there_are_are_refused(config, tmp_path):
    with pytest.raises(ValueError, match="repeats must be between 1 and .* got 99"):
        benchmark(config, "fair", tmp_path / "out", repeats=99, workers=1)


def test_stopped_and_continued_it_ends_the_same(config, whole, tmp_path, monkeypatch):
    for last, place in [(3, "selection/fold0"), (45, "assessment/fold0"), (40, "selection/fold1")]:

        def failing(source, target, writes=count(1), last=last):
            os.rename(source, target)
            if next(writes) == last:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(files.os, "replace", failing)
            benchmark(config, "fair", tmp_path, workers=1)
        assert max(tmp_path.glob("*/*"), key=lambda path: path.stat().st_ctime) == tmp_path / place
    benchmark(config, "fair", tmp_path, workers=1)
    ours, expected = (read(folder / "result.json") for folder in (tmp_path, whole))
    assert without_times(ours) == without_times(expected)


def test_broken_off_after_overwriting_it_continues_with_nothing_of_before(config, whole, tmp_path, monkeypatch):
    out = shutil.copytree(whole, tmp_path / "out")
    shutil.rmtree(out / "assessment" / "fold2")
    for path in [out / "result.json", *out.rglob("metrics.json")]:
        path.write_text(path.read_text().replace('"wall_time_seconds": ', '"wall_time_seconds": 9999'))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(fair, "run_fold", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        benchmark(config, "fair", out, workers=1, overwrite=True)
    benchmark(config, "fair", out, workers=1)
    text = (out / "result.json").read_text()
    assert '"wall_time_seconds": 9999' not in text
    assert without_times(json.loads(text)) == without_times(read(whole / "result.json"))


@pytest.mark.slow
def test_killed_in_processes_it_continues_and_ends_the_same(config, whole, tmp_path):
    (tmp_path / "tiny.yaml").write_text(config.to_yaml())
    command = ["benchmark", str(tmp_path / "tiny.yaml"), "--protocol", "fair", "--out", str(tmp_path / "out")]
    process = subprocess.Popen([sys.executable, "-m", "dgl_memgnn", *command], start_new_session=True)
    while process.poll() is None and len(list((tmp_path / "out").glob("selection/*/*/metrics.json"))) < 2:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out" / "result.json").exists()
    assert main([*command, "--workers", "1"]) == 0
    ours, expected = (read(folder / "result.json") for folder in (tmp_path / "out", whole))
    assert without_times(ours) == without_times(expected)


def test_a_second_call_trains_nothing(config, whole, monkeypatch):
    before = read(whole / "result.json")
    monkeypatch.setattr(run, "_begin", None)
    assert benchmark(config, "fair", whole, workers=1) == before


def test_a_stored_run_is_rerun_by_its_configuration(whole, tmp_path):
    for name in ("selection/fold1/candidate2", "assessment/fold2/run1"):
        again = run.train_run(load_config(whole / name / "config.yaml"), tmp_path / name, progress=False)
        assert without_times(again) == without_times(read(whole / name / "metrics.json"))


def test_a_single_candidate_needs_no_selection(config, data, tmp_path, capsys):
    (tmp_path / "tiny.yaml").write_text(config.to_yaml())
    command = ["benchmark", str(tmp_path / "tiny.yaml"), "--protocol", "fair", "--out", str(tmp_path / "out")]
    options = ["--workers", "1", "--repeats", "1", "--dropout", "0.2", "--learning-rate", "0.01"]
    assert main([*command, *options]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "assessment",
        "curves.png",
        "result.json",
    ]
    (fold,) = read(tmp_path / "out" / "result.json")["folds"]
    assert fold["selection"] == [] and fold["values"] == {}
    assert load_config(tmp_path / "out" / "assessment" / "fold0" / "run0" / "config.yaml").model.dropout == 0.2
    printed = capsys.readouterr().out
    assert (
        "The outer folds are those of splits/TINY_splits.json." in printed and "ensemble test accuracy" in printed
    )


def test_candidates_and_the_number_of_final_runs_from_the_command_line(data, tmp_path, capsys):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items() if name != "num_keys"]
    command = [
        "benchmark",
        "--protocol",
        "fair",
        "--repeats",
        "1",
        "--workers",
        "1",
        "--out",
        str(tmp_path / "out"),
    ]
    command += [*options, "--num-keys", "2,1", "--data-dir", str(data), "--cache-dir", str(data / "cache")]
    for members, search in [("0", "{}"), ("one", "{}"), ("1", "[1]"), ("1", "{dropout: [0]}")]:
        with pytest.raises(SystemExit):
            main([*command, "--members", members, "--search", search])
    assert main([*command, "--search", '{"droput": [0.1]}']) == 1
    assert "search.droput. Did you mean search.dropout?" in capsys.readouterr().err
    assert main([*command, "--members", "1", "--search", '{"dropout": [0.0, 0.5]}']) == 0
    result = read(tmp_path / "out" / "result.json")
    (fold,) = result["folds"]
    assert [each["values"] for each in fold["selection"]] == [{"dropout": 0.0}, {"dropout": 0.5}]
    assert list(fold["runs"]) == ["run0"] and "ensemble" not in result


def test_a_candidate_that_diverges_is_not_chosen(config, tmp_path, monkeypatch):
    train = fair.train_run

    def diverging(run, folder, *args):
        if folder.name in gone:
            raise FloatingPointError(f"{folder.name}: nan")
        return train(run, folder, *args)

    monkeypatch.setattr(fair, "train_run", diverging)
    gone = {"candidate0", "candidate2", "candidate3"}
    _, fold = fair.run_fold(config, 0, tmp_path / "some", num_runs=1)
    assert fold["candidate"] == 1 and fold["values"] == fold["selection"][1]["values"]
    assert [each.get("diverged") for each in fold["selection"]] == [
        "candidate0: nan",
        None,
        "candidate2: nan",
        "candidate3: nan",
    ]
    gone.add("candidate1")
    with pytest.raises(FloatingPointError, match="(?s)candidate0: nan.*candidate3: nan"):
        fair.run_fold(config, 0, tmp_path / "all", num_runs=1)


@pytest.mark.parametrize(
    "control",
    [
        {"network": "GIN"},
        {"network": "WLKernel", "num_layers": 1},
        {"readout": "mean"},
        {"network": "MemGNN", "readout": "random", "edge_features": False},
        {"embedding": "NoTopology", "embedding_sort": False, "initial_keys": "kmeans", "clustering_weight": 0.1},
        {"supervised_keys": True, "edge_fraction": 0.5, "edge_sampling": "rwr"},
        {"readout": "rows", "num_keys": [4, 2, 1], "key_means": True},
        {"network": "MemGNN", "key_means": True},
        {"readout": "set2set"},
        {"network": "MemGNN", "topology": True},
        {"network": "MemGNN", "readout": "sort"},
    ],
)
def test_controls_run_under_the_same_protocol(control, data, tmp_path):
    options = {**SETTINGS, "data_dir": str(data), "cache_dir": str(data / "cache"), "epochs": 1, **control}
    result = benchmark(load_config(overrides=options), "fair", tmp_path, repeats=1, workers=1)
    assert len(result["folds"]) == 1 and 0 <= result["summary"]["test"]["accuracy"]["mean"] <= 1


def test_keys_stay_where_they_were_drawn(data, tmp_path):
    """Without clustering steps, those of a trained network are those of a new one of the same seed."""
    options = {**SETTINGS, "data_dir": str(data), "cache_dir": str(data / "cache"), "clustering_period": 0}
    config = load_config(overrides=options)
    benchmark(config, "fair", tmp_path, repeats=1, workers=1)
    run_config = load_config(tmp_path / "assessment" / "fold0" / "run1" / "config.yaml")
    new = assemble(run_config).learner.evaluated
    trained = load_checkpoint(tmp_path / "assessment" / "fold0" / "run1" / "checkpoint.pt")["model"]
    assert torch.equal(trained["readout.layers.0.keys"], new.readout.layers[0].keys)
    assert not torch.equal(trained["readout.layers.0.fc.weight"], new.readout.layers[0].fc.weight)


def test_without_a_file_folds_of_the_same_shape_are_drawn(data, tmp_path):
    labels = np.repeat([0, 1, 2], [60, 90, 150])
    folds, source = fair_folds("TINY", labels, tmp_path)
    assert len(folds) == 10 and "drawn" in source
    assert sorted(np.concatenate([test for *_, test in folds])) == list(range(300))
    for train, validation, test in folds:
        assert sorted(np.concatenate([train, validation, test])) == list(range(300))
        assert np.bincount(labels[test]).tolist() == [6, 9, 15] and len(validation) == 27
        assert np.abs(np.bincount(labels[validation]) - [5.4, 8.1, 13.5]).max() < 1
    with pytest.raises(ValueError, match="TINY_splits.json is of 36 graphs where TINY has 300"):
        fair_folds("TINY", labels, data)


def test_real_folds(data_dir):
    """A training run on the split is on the parts of the authors' file."""
    from dgl_memgnn.runs import load_dataset, split

    config = load_config(overrides={"dataset": "ENZYMES", "data_dir": str(data_dir), "split": "fair", "fold": 7})
    parts = split(config, load_dataset(config))
    fold = read(data_dir / "splits" / "ENZYMES_splits.json")[7]
    assert sorted(fold["test"]) == parts["test"].tolist()
    assert sorted(fold["model_selection"][0]["validation"]) == parts["validation"].tolist()
    assert {part: len(ids) for part, ids in parts.items()} == {"train": 486, "validation": 54, "test": 60}


@pytest.mark.parametrize("tasks", [["size"], ["small", "size"]], ids=" ".join)
def test_what_has_no_classes_of_one_label_is_refused_as_that(tasks, tmp_path):
    """Not by the number of samples of a "class" that is a measured value."""
    table = pd.DataFrame({"smiles": ["C" * i for i in range(1, 31)], "size": range(30), "small": [0, 1] * 15})
    table.to_csv(tmp_path / "molecules.csv", index=False)
    config = load_config(overrides={"csv": str(tmp_path / "molecules.csv"), "tasks": tasks})
    with pytest.raises(ValueError, match="data.split: fair is for classes of one label, not for"):
        benchmark(config, "fair", tmp_path / "out", workers=1)


def test_a_column_of_zeros_and_ones_has_folds_of_its_classes(tmp_path):
    table = pd.DataFrame({"smiles": ["C" * i for i in range(1, 41)], "odd": [0, 1] * 20})
    table.to_csv(tmp_path / "molecules.csv", index=False)
    small = {"hidden_feats": 4, "num_layers": 1, "num_keys": [2, 1], "epochs": 1}
    config = load_config(overrides={"csv": str(tmp_path / "molecules.csv"), "tasks": ["odd"], **small})
    result = benchmark(config, "fair", tmp_path / "out", repeats=1, workers=1, members=1)
    assert list(result["summary"]["test"]) == ["roc_auc", "pr_auc"]
    predicted = pd.read_csv(tmp_path / "out" / "assessment" / "fold0" / "run0" / "predictions.csv")
    assert predicted["target"].value_counts().to_dict() == {0: 2, 1: 2}


def test_a_fold_that_nothing_can_be_learned_from_is_named_before_any_trains(config, data, tmp_path):
    """Its inner training part lacks a class."""
    second = read(data / "splits" / "TINY_splits.json")[1]["model_selection"][0]["train"]
    shutil.copytree(data / "splits", tmp_path / "splits")
    write_graphs(tmp_path, [0 if i in second else i % 2 for i in range(36)])
    other = load_config(overrides={**SETTINGS, "data_dir": str(tmp_path), "cache_dir": str(tmp_path / "cache")})
    with pytest.raises(ValueError, match="fold1: The training part has no class 1 of the target 'class'"):
        benchmark(other, "fair", tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


def test_a_fold_that_is_not_there(config, tmp_path):
    beyond = load_config(overrides={**SETTINGS, "data_dir": config.data.data_dir, "split": "fair", "fold": 3})
    with pytest.raises(ValueError, match="data.fold must be below 3, the number of outer folds, got 3"):
        run.train_run(beyond, tmp_path)


def test_a_fold_that_is_stored_is_kept_though_its_runs_are_gone(config, whole, tmp_path):
    """Continued on another machine from result.json alone, the result is that of one call."""
    result = read(whole / "result.json")
    first = {**result, "folds": result["folds"][:2]}
    (tmp_path / "result.json").write_text(json.dumps(first))
    with pytest.raises(ValueError, match="holds results of fold1, which are not asked for"):
        benchmark(config, "fair", tmp_path, repeats=1, workers=1)
    with pytest.raises(ValueError, match="holds 3 runs of fold 0, not 1: ask for as many with --members"):
        benchmark(config, "fair", tmp_path, workers=1, members=1)
    other = load_config(
        overrides={**SETTINGS, "data_dir": config.data.data_dir, "cache_dir": config.data.cache_dir}
    )
    with pytest.raises(ValueError, match=r"search.dropout is \[0.0, 0.5\], not None"):
        benchmark(other, "fair", tmp_path, workers=1)
    other.search = {**config.search, "tau": [1.0, 2.0]}
    with pytest.raises(ValueError, match=r"search.tau is None, not \[1.0, 2.0\]"):
        benchmark(other, "fair", tmp_path, workers=1)
    with pytest.raises(ValueError, match="holds results of protocol fair, not paper"):
        benchmark(config, "paper", tmp_path, workers=1)
    assert read(tmp_path / "result.json") == first

    continued = benchmark(config, "fair", tmp_path, workers=1)
    assert sorted(each.name for each in (tmp_path / "assessment").iterdir()) == ["fold2"]
    assert continued["folds"][:2] == result["folds"][:2]
    assert without_times(continued) == without_times(result) == without_times(read(tmp_path / "result.json"))
    shutil.rmtree(tmp_path / "selection")
    shutil.rmtree(tmp_path / "assessment" / "fold2" / "run1")
    assert benchmark(config, "fair", tmp_path, workers=1) == continued
    assert not (tmp_path / "selection").exists() and not (tmp_path / "assessment" / "fold2" / "run1").exists()


def test_other_candidates_are_refused_before_any_is_trained(config, whole, tmp_path, monkeypatch):
    """Of folds that are stored, whose folders are there; and of one that is not, but is being assessed."""
    out = tmp_path / "out"
    shutil.copytree(whole, out)
    more = dataclasses.replace(config, search={**config.search, "learning_rate": [0.05, 0.001, 0.01]})
    monkeypatch.setattr(fair, "train_run", None)
    with pytest.raises(ValueError, match=r"search.learning_rate is \[0.05, 0.001\], not \[0.05, 0.001, 0.01\]"):
        benchmark(more, "fair", out, workers=1)
    (out / "result.json").unlink()
    with pytest.raises(ValueError, match="holds 4 candidates of fold 0, and 6 are proposed. Give another"):
        benchmark(more, "fair", out, workers=1)
    for folder in (out / "assessment").iterdir():
        shutil.rmtree(folder)
    fewer = dataclasses.replace(config, search={"dropout": [0.0, 0.5]})
    with pytest.raises(ValueError, match="holds 4 candidates of fold 0, and 2 are proposed. Give another"):
        benchmark(fewer, "fair", out, workers=1)


def test_a_stored_fold_of_other_data_is_refused(config, whole, tmp_path):
    result = read(whole / "result.json")
    result["folds"][0]["runs"]["run0"]["digest"] = "another"
    (tmp_path / "result.json").write_text(json.dumps(result))
    with pytest.raises(ValueError, match="fold0 is finished, and its data have changed since"):
        benchmark(config, "fair", tmp_path, workers=1)


@pytest.mark.parametrize("network", ["GMN", "MemGNN", "GIN"])
def test_the_unit_of_a_measured_feature_does_not_matter(network, tmp_path):
    """In training, outputs are the same whether it is given in 1 or in thousands."""
    measured, outputs = np.random.default_rng(0).normal(size=108), []
    for scale in (1.0, 5000.0):
        write_graphs(tmp_path, LABELS)
        lines = "\n".join(f"{scale * (value + 2)}, 1" for value in measured)
        (tmp_path / "tu" / "TINY" / "TINY_node_attributes.txt").write_text(lines)
        options = {"data_dir": str(tmp_path), "cache_dir": str(tmp_path / "cache"), "network": network}
        assembly = assemble(load_config(overrides={**SETTINGS, **options, "split": "folds"}))
        batch = dgl.batch(assembly.dataset.graphs)
        torch.manual_seed(0)  # of dropout
        outputs.append(assembly.learner.model(batch, *assembly.learner.inputs(batch)))
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-3, atol=1e-3)
