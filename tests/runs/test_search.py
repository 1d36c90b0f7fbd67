"""Searches of hyper-parameters: on validation alone, resumable, refused where another search lies."""

import builtins
import importlib
import json
import shutil
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config
from dgl_memgnn.data import random_split
from dgl_memgnn.runs import assemble, load_dataset, train_run
from dgl_memgnn.runs.search import search
from dgl_memgnn.training import Trainer

optuna = pytest.importorskip("optuna")
module = importlib.import_module("dgl_memgnn.runs.search")  # its function has its name
TARGET = "y [pEC50/pKi]"
OUTCOME = {"metric": "rmse", "scores": [0.0], "kept_epochs": [1], "seconds": 0.0}
SPACE = {"hidden_feats": [8, 4], "dropout": [0.0, 0.3], "num_keys": [[2, 1], [3, 1]]}


@pytest.fixture(scope="module")
def csv(data_dir, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "activities.csv"
    pd.read_csv(data_dir / "moleculeace" / "CHEMBL2034_Ki.csv").head(50).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def config(csv):
    values = {"num_layers": 1, "num_heads": 1, "num_keys": [2, 1], "hidden_feats": 8, "epochs": 2}
    named = {"csv": str(csv), "tasks": [TARGET], "split": "random", "dropout": 0.0, "clustering_period": 0}
    return load_config(overrides={**values, **named})


@pytest.fixture(scope="module")
def searched(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    predicted = []
    with pytest.MonkeyPatch.context() as patch:
        original = Trainer.predict
        patch.setattr(
            Trainer,
            "predict",
            lambda self, data, indices=None: predicted.append(list(indices)) or original(self, data, indices),
        )
        result = search(config, folder, num_trials=5, space=SPACE, workers=1)
    return folder, result, predicted


def test_the_page_of_searches_shows_its_trials(searched, monkeypatch):
    folder, result, _ = searched
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "examples" / "benchmarks")
    lines = importlib.import_module("search_report").search_section(folder)
    assert "1 validation parts a trial, 5 trials" in lines[3]
    values = " | ".join(str(result["values"][name]) for name in SPACE)
    assert (
        lines[7].startswith(f"| {values} | {result['score']:.4f} | {result['score']:.3f} |") and len(lines) == 12
    )


def test_no_test_part_is_predicted(searched):
    _, _, predicted = searched
    _, validation, test = random_split(50)
    assert {i for indices in predicted for i in indices} == set(validation.tolist())
    assert not set(validation) & set(test)


def test_the_best_configuration_reruns_the_best_trial(searched, config, tmp_path):
    folder, result, _ = searched
    best = load_config(folder / "best.yaml")
    assert {name: getattr(best.model, name) for name in SPACE} == result["values"]
    metrics = train_run(best, tmp_path / "run", progress=False, report=False)
    assert metrics["validation"]["rmse"] == pytest.approx(result["score"], rel=1e-6)
    table = pd.read_csv(folder / "trials.csv")
    assert table["validation_rmse"].is_monotonic_increasing and table["validation_rmse"][0] == result["score"]
    assert len(table) == result["trials"] == 5
    assert table.loc[table["trial"] == 0, ["hidden_feats", "dropout", "num_keys"]].values.tolist() == [
        [8, 0.0, "[2, 1]"]
    ]  # the configuration as it was
    assert sum(result["importance"].values()) == pytest.approx(1) and set(result["importance"]) == set(SPACE)
    assert (folder / "search.png").stat().st_size > 5000


def test_what_weights_fix_is_not_searched(config, tmp_path):
    train_run(config, tmp_path / "weights", progress=False, report=False)
    named = {"csv": config.data.csv, "tasks": [TARGET], "split": "random", "epochs": 1}
    started = load_config(overrides={**named, "pretrained": str(tmp_path / "weights")})
    result = search(started, tmp_path / "search", num_trials=2, workers=1)
    assert set(result["values"]) == {"dropout", "learning_rate", "weight_decay", "clustering_period"}
    best = load_config(tmp_path / "search" / "best.yaml")
    assert (best.model.hidden_feats, best.model.pretrained) == (8, str(tmp_path / "weights"))
    with pytest.raises(ValueError, match=r"search\.hidden_feats: the weights .*weights fix it"):
        search(started, tmp_path / "other", num_trials=2, space=SPACE, workers=1)


def test_it_goes_on_where_it_stopped_or_was_killed(config, tmp_path):
    search(config, tmp_path, num_trials=2, space=SPACE, workers=1)
    before = pd.read_csv(tmp_path / "trials.csv").set_index("trial")
    study = optuna.load_study(study_name="search", storage=f"sqlite:///{tmp_path / 'search.db'}")
    study.enqueue_trial({"hidden_feats": 0, "dropout": 1, "num_keys": 1})
    killed = study.ask()  # and never told
    for name in SPACE:
        killed.suggest_int(name, 0, 1) if name != "num_keys" else killed.suggest_categorical(name, [0, 1])
    again = search(config, tmp_path, num_trials=2, space=SPACE, workers=1)
    assert again["trials"] == 2
    search(config, tmp_path, num_trials=3, space=SPACE, workers=1)
    after = pd.read_csv(tmp_path / "trials.csv").set_index("trial")
    pd.testing.assert_frame_equal(after.loc[before.index], before)
    (new,) = after.index.difference(before.index)
    assert after.loc[new, ["hidden_feats", "dropout", "num_keys"]].tolist() == [4, 0.3, "[3, 1]"]


def test_what_it_goes_on_with_is_drawn_anew(config, tmp_path, monkeypatch):
    """In one call it draws as Optuna's sampler of its seed does; each later call draws others, always the same."""
    monkeypatch.setattr(module, "validate", lambda config, draws: {**OUTCOME, "score": 1.0})
    space = {"dropout": [i / 20 for i in range(20)], "learning_rate": [i / 1000 for i in range(1, 21)]}
    sampler = optuna.samplers.TPESampler(seed=config.training.seed, constant_liar=True)
    alone = optuna.create_study(sampler=sampler)
    alone.enqueue_trial({"dropout": 0, "learning_rate": 0})
    expected = [
        [values[trial.suggest_int(name, 0, 19)] for name, values in space.items()]
        for trial in (alone.ask() for _ in range(3))
    ]

    def tried(folder, num_trials):
        search(config, folder, num_trials=num_trials, space=space, workers=1)
        return pd.read_csv(folder / "trials.csv").sort_values("trial")[[*space]].values.tolist()

    assert tried(tmp_path / "whole", 3) == expected
    for number in (2, 3, 4):
        parts, again = tried(tmp_path / "parts", number), tried(tmp_path / "again", number)
        assert parts == again and len({*map(tuple, parts)}) == number
    assert parts[:2] == expected[:2]


def test_draws_have_validation_parts_of_their_own(config, tmp_path, monkeypatch):
    validated = []
    original = Trainer.fit

    def fit(self, dataset, train, validation=None, *arguments, **options):
        validated.append(tuple(validation))
        return original(self, dataset, train, validation, *arguments, **options)

    monkeypatch.setattr(Trainer, "fit", fit)
    search(config, tmp_path, num_trials=1, draws=3, space={"dropout": [0.0]}, workers=1)
    assert len(set(validated)) == 3
    assert not set(np.concatenate(validated)) & set(random_split(50)[2])
    row = pd.read_csv(tmp_path / "trials.csv").iloc[0]
    assert row["validation_rmse"] == pytest.approx(np.mean(json.loads(row["scores"])))


def test_a_trial_that_diverges_is_put_aside(config, tmp_path, monkeypatch):
    original = Trainer.fit

    def fit(self, *arguments, **options):
        if self.config.learning_rate > 0.5:
            raise FloatingPointError("The loss is nan in batch 1 of epoch 1.")
        return original(self, *arguments, **options)

    monkeypatch.setattr(Trainer, "fit", fit)
    result = search(config, tmp_path, num_trials=3, space={"learning_rate": [1e-3, 2e-3, 1.0]}, workers=1)
    assert result["trials"] == 2 and result["values"]["learning_rate"] < 1


@pytest.mark.parametrize("workers", [1, 2])
def test_no_values_are_tried_twice(config, tmp_path, capsys, monkeypatch, workers):
    """Neither in a call, in which the sampler proposes them again, nor in a later one."""
    monkeypatch.setattr(module, "process_pool", lambda workers: nullcontext(module._ThisProcess()))
    monkeypatch.setattr(module, "_score", lambda config, values, draws: {**OUTCOME, "score": sum(values.values())})
    space = {"dropout": [0.0, 0.1, 0.2], "learning_rate": [1e-3, 2e-3, 4e-3], "tau": [1, 2]}
    for num_trials, expected in [(5, 5), (16, 16), (50, 18), (50, 18)]:
        result = search(config, tmp_path, num_trials, space=space, workers=workers)
        table = pd.read_csv(tmp_path / "trials.csv")
        assert len(table) == len(table.drop_duplicates(list(space))) == result["trials"] == expected
        assert ("All 18 combinations of values are tried." in capsys.readouterr().out) == (expected == 18)


def test_several_targets_are_compared_in_their_standard_deviations(csv, tmp_path):
    """Also those of a forest, which does not scale them; a search by the mean of their errors does not go on."""
    table = pd.read_csv(csv).assign(other=lambda each: 1e6 * each[TARGET])
    table.to_csv(tmp_path / "two.csv", index=False)
    named = {"csv": str(tmp_path / "two.csv"), "tasks": [TARGET, "other"], "split": "random", "epochs": 1}
    config = load_config(overrides={**named, "network": "RandomForest"})
    result = search(config, tmp_path / "s", 1, space={"network": ["RandomForest"]}, workers=1)
    dataset = load_dataset(config)
    train, validation, _ = (torch.from_numpy(part) for part in random_split(50))
    learner = assemble(config, dataset).learner
    learner.fit(dataset, train.numpy(), validation.numpy())
    error = learner.predict(dataset, validation.numpy()) - dataset.labels[validation]
    expected = (error.square().mean(0).sqrt() / dataset.labels[train].std(0)).mean().item()
    assert result["metric"] == "rmse_in_std" and result["score"] == pytest.approx(expected, rel=1e-5)
    study = optuna.load_study(study_name="search", storage=f"sqlite:///{tmp_path / 's' / 'search.db'}")
    setting = study.user_attrs["setting"]
    study.set_user_attr("setting", {key: value for key, value in setting.items() if key != "metric"})
    with pytest.raises(ValueError, match="holds another search, which differs in metric"):
        search(config, tmp_path / "s", 2, space={"network": ["RandomForest"]}, workers=1)


def test_values_that_failed_are_not_tried_again(config, tmp_path, monkeypatch):
    tried, space = [], {"dropout": [0.0, 0.1, 0.2, 0.3]}

    def score(config, values, draws):
        tried.append(values["dropout"])
        if values["dropout"] > 0.1 or broken:
            raise FloatingPointError("The loss is nan.")
        return {**OUTCOME, "score": values["dropout"]}

    monkeypatch.setattr(module, "_score", score)
    broken = False
    for num_trials in (1, 2, 2, 9):
        result = search(config, tmp_path / "some", num_trials, space=space, workers=1)
        assert len(set(tried)) == len(tried) and result["trials"] == min(num_trials, 2)
    broken = True
    for _ in range(2):
        with pytest.raises(ValueError, match="None of the 4 combinations of values can be .*: The loss is nan."):
            search(config, tmp_path / "none", 9, space=space, workers=1)
    assert len(tried) == 8


@pytest.mark.parametrize("error", [KeyboardInterrupt, ChildProcessError])
def test_stopped_it_reports_what_is_finished(config, tmp_path, monkeypatch, error):
    def score(config, values, draws):
        if len(scored) == 2:
            raise error
        scored.append(values["dropout"])
        return {**OUTCOME, "score": values["dropout"]}

    scored = []
    monkeypatch.setattr(module, "_score", score)
    with pytest.raises(error):
        search(config, tmp_path, 3, space={"dropout": [0.1, 0.2, 0.3]}, workers=1)
    assert json.loads((tmp_path / "search.json").read_text())["score"] == min(scored)
    assert len(pd.read_csv(tmp_path / "trials.csv")) == 2


def test_a_validation_seed_is_no_seed_of_several_draws(config, tmp_path):
    seeded = replace(config, data=replace(config.data, validation_seed=5))
    with pytest.raises(ValueError, match="validation_seed draws one validation part"):
        search(seeded, tmp_path / "out", 1, draws=2, space=SPACE, workers=1)
    assert not (tmp_path / "out").exists()


def test_values_that_do_not_go_together_are_put_aside(config, tmp_path, capsys):
    """Each is one for the configuration; and what others have reached is stored."""
    space = {"network": ["MemGNN", "GIN"], "readout": ["memory", "sum"]}
    result = search(config, tmp_path / "some", num_trials=5, space=space, workers=1)
    printed = capsys.readouterr().out
    assert (
        "sum is for GMN, MemGNN, not for GIN" in printed and "All 4 combinations of values are tried." in printed
    )
    table = pd.read_csv(tmp_path / "some" / "trials.csv")
    assert len(table) == result["trials"] == 3
    assert not ((table["network"] == "GIN") & (table["readout"] == "sum")).any()

    keys = {"num_keys": [[3, 1], [9000, 1]]}
    config = replace(config, training=replace(config.training, initial_keys="kmeans"))
    with pytest.raises(ValueError, match="queries for the 9000 keys"):
        search(config, tmp_path / "few", num_trials=1, space={"num_keys": [[9000, 1]]}, workers=1)
    assert not (tmp_path / "few" / "trials.csv").exists()
    assert search(config, tmp_path / "one", num_trials=1, space=keys, workers=1)["values"] == {"num_keys": [3, 1]}


def test_the_usual_space_is_what_the_network_reads(csv, tmp_path, capsys):
    start = ["search", "--csv", str(csv), "--tasks", TARGET, "--split", "random", "--epochs", "1", "--trials", "1"]
    start += ["--pretrained", "none", "--workers", "1"]
    assert main([*start, "--network", "GIN", "--hidden-feats", "8", "--out", str(tmp_path / "gin")]) == 0
    assert "Searched: hidden_feats of 64, 128, 256; num_layers of 2, 3, 4, 5; dropout" in capsys.readouterr().out
    values = json.loads((tmp_path / "gin" / "search.json").read_text())["values"]
    assert set(values) == {"hidden_feats", "num_layers", "dropout", "learning_rate", "weight_decay"}
    assert main([*start, "--network", "RandomForest", "--out", str(tmp_path / "forest")]) == 1
    assert "is one of RandomForest: say what to choose from (--search)" in capsys.readouterr().err


def test_with_weights_and_without(config, tmp_path):
    space = {"pretrained": ["none", "molecules"]}
    result = search(config, tmp_path, num_trials=2, space=space, workers=1)
    table = pd.read_csv(tmp_path / "trials.csv", keep_default_na=False)
    assert result["trials"] == 2 and set(table["pretrained"]) <= {"none", "molecules"}
    best = load_config(tmp_path / "best.yaml")
    assert (best.model.pretrained_sha256 is None) == (result["values"]["pretrained"] == "none")


def test_a_draw_that_nothing_can_be_learned_from_is_named_before_any_trains(tmp_path):
    smiles = ["C" * n for n in range(1, 61)]
    table = pd.DataFrame({"smiles": smiles, "active": [int(n % 10 == 0) for n in range(60)]})
    table.to_csv(tmp_path / "rare.csv", index=False)
    values = {"csv": str(tmp_path / "rare.csv"), "smiles_column": "smiles", "tasks": ["active"], "split": "random"}
    config = load_config(overrides={**values, "seed": 3, "hidden_feats": 4, "epochs": 1, "pretrained": "none"})
    with pytest.raises(ValueError, match="draw [0-4]: .*both classes in the validation part"):
        search(config, tmp_path / "out", num_trials=1, draws=5, space={"dropout": [0.0]}, workers=1)
    assert not (tmp_path / "out").exists()


def test_what_is_dropped_is_said_and_stored(tmp_path, capsys):
    smiles = ["C" * n for n in range(1, 31)] + ["C1CC"]
    pd.DataFrame({"smiles": smiles, "size": range(31)}).to_csv(tmp_path / "own.csv", index=False)
    values = {"csv": str(tmp_path / "own.csv"), "smiles_column": "smiles", "tasks": ["size"], "split": "random"}
    config = load_config(overrides={**values, "hidden_feats": 4, "epochs": 1, "pretrained": "none"})
    search(config, tmp_path / "out", num_trials=1, space={"dropout": [0.0]}, workers=1)
    report = "30 of 31 molecules kept, 1 dropped"
    said, stored = capsys.readouterr().out, json.loads((tmp_path / "out" / "search.json").read_text())["data"]
    assert report in said and "Split: random" in said and stored[0].startswith(report)


def test_a_damaged_database_is_named(config, tmp_path):
    (tmp_path / "search.db").write_bytes(b"no database" * 100)
    with pytest.raises(ValueError, match="search.db is damaged .*--overwrite"):
        search(config, tmp_path, 1, space=SPACE, workers=1)
    assert search(config, tmp_path, 1, space=SPACE, workers=1, overwrite=True)["trials"] == 1


def test_another_search_or_something_else_is_refused(searched, config, tmp_path):
    folder, _, _ = searched
    with pytest.raises(ValueError, match="holds another search, which differs in space.dropout, draws"):
        search(config, folder, 1, draws=2, space={**SPACE, "dropout": [0.1]}, workers=1)
    other = load_config(overrides={**asdict(config)["data"], **asdict(config)["model"], "epochs": 3})
    with pytest.raises(ValueError, match="differs in config.training"):
        search(other, folder, 1, space=SPACE, workers=1)
    moved = shutil.copy(config.data.csv, tmp_path / "moved.csv")
    values = {**asdict(config)["data"], **asdict(config)["model"], **asdict(config)["training"]}
    elsewhere = load_config(overrides={**values, "csv": str(moved), "cache_dir": str(tmp_path / "cache")})
    assert search(elsewhere, folder, 5, space=SPACE, workers=1)["trials"] == 5
    pd.read_csv(moved).head(49).to_csv(moved, index=False)
    with pytest.raises(ValueError, match="differs in digest"):
        search(elsewhere, folder, 5, space=SPACE, workers=1)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="holds no search"):
        search(config, tmp_path, 1, space=SPACE, workers=1)


@pytest.mark.parametrize(
    "options, message",
    [
        (["--search", '{"hidden": [8]}'], "Unknown key search.hidden. Did you mean search.hidden_feats?"),
        (["--search", '{"dropout": 0.1}'], "search.dropout must be a list of values to choose from, got 0.1"),
        (["--search", '{"dropout": [0.1, 2]}'], "model.dropout must be at most 0.99, got 2.0"),
        (["--split-sizes", "0.9,0,0.1"], "A search chooses by a validation part, and the split has none"),
        (["--trials", "0"], "The number of trials must be at least 1, got 0"),
        (["--csv", "none.csv"], "none.csv"),
    ],
)
def test_bad_arguments(options, message, csv, tmp_path, capsys):
    start = ["search", "--csv", str(csv), "--tasks", TARGET, "--split", "random", "--out", str(tmp_path / "s")]
    assert main([*start, *options]) == 1
    assert message in capsys.readouterr().err and not (tmp_path / "s").exists()


def test_without_optuna_it_says_what_to_install(config, tmp_path, monkeypatch):
    original = builtins.__import__

    def without(name, *arguments, **options):
        if name == "optuna":
            raise ModuleNotFoundError(name)
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "dgl-memgnn\[search\]"'):
        search(config, tmp_path / "s")


@pytest.mark.slow
def test_two_processes_on_the_command_line(csv, tmp_path, capfd):
    options = ["--epochs", "1", "--num-layers", "1", "--num-heads", "1", "--split", "random", "--workers", "2"]
    space = json.dumps({"hidden_feats": [4, 8]})
    start = ["search", "--csv", str(csv), "--tasks", TARGET, "--trials", "2", "--search", space]
    assert main([*start, *options, "--out", str(tmp_path / "s")]) == 0
    said = capfd.readouterr().out
    assert "Best of 2 trials: validation rmse" in said and "best.yaml" in said
    assert len(pd.read_csv(tmp_path / "s" / "trials.csv")) == 2


def test_what_it_says_at_its_end_and_when_stopped(csv, tmp_path, monkeypatch, capsys):
    small = ["--epochs", "1", "--num-layers", "1", "--hidden-feats", "8", "--split", "random", "--workers", "1"]
    start = ["search", "--csv", str(csv), "--tasks", TARGET, "--trials", "1", *small]
    out = tmp_path / "of mine"
    assert main([*start, "--search", '{"dropout": [0.1]}', "--out", str(out)]) == 0
    assert f"Train it: dgl-memgnn train '{out / 'best.yaml'}'" in capsys.readouterr().out

    def stopped(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib.import_module("dgl_memgnn.search_command"), "search", stopped)
    assert main([*start, "--out", str(out)]) == 130
    assert "stopped. Finished trials are stored, and the same command continues." in capsys.readouterr().err
