"""A run that is killed, interrupted, continued, repeated, or kept from writing."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import pandas as pd
import pytest
import torch
from processes import fork, heed_ctrl_c

from dgl_memgnn import files
from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config
from dgl_memgnn.data import random_split
from dgl_memgnn.runs import Predictor, parts, run, train_run
from dgl_memgnn.tasks import Regression
from dgl_memgnn.training import load_checkpoint
from dgl_memgnn.visualization import RunClusters
from dgl_memgnn.weights import load_weights

SETTINGS = {
    "tasks": ["size"],
    "split": "random",
    "hidden_feats": 8,
    "num_layers": 1,
    "num_keys": [2, 1],
    "epochs": 3,
    "clustering_period": 2,
    "batch_size": 8,
    "decay": "cosine",
    "weight_average": 0.9,
    "dropout": 0.2,
}


@pytest.fixture(scope="module")
def csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "molecules.csv"
    smiles = ["C" * n + tail for n in range(1, 16) for tail in ("O", "N", "Cl", "=O")]
    pd.DataFrame({"smiles": smiles, "size": [len(s) for s in smiles]}).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def config(csv):
    return load_config(overrides={"csv": str(csv), **SETTINGS})


@pytest.fixture(scope="module")
def uninterrupted(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train_run(config, folder, progress=False)
    train_run(config, folder, progress=False, overwrite=True)  # once more: its wall time is without imports
    return folder


def assert_same_run(folder, other):
    weights, expected = (load_checkpoint(path / "checkpoint.pt")["model"] for path in (folder, other))
    assert all(torch.equal(weights[name], value) for name, value in expected.items())
    for name in ("history.csv", "predictions.csv", "config.yaml"):
        assert (folder / name).read_bytes() == (other / name).read_bytes()
    metrics, expected = (json.loads((path / "metrics.json").read_text()) for path in (folder, other))
    metrics.pop("wall_time_seconds"), expected.pop("wall_time_seconds")
    assert metrics == expected
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in other.iterdir())


def killed_after(seconds, config, folder):
    """Train in a process of its own, and kill it; whether it had finished before."""
    process = fork(train_run, config, folder, False)
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode == 0


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_the_same(config, uninterrupted, tmp_path):
    moments, attempt, kills, kills_of_run = random.Random(0), tmp_path / "0", 0, 0
    whole = json.loads((uninterrupted / "metrics.json").read_text())["wall_time_seconds"]
    continued = []
    while kills < 20:
        if not killed_after(moments.uniform(0, whole), config, attempt):
            kills, kills_of_run = kills + 1, kills_of_run + 1
            continue
        assert_same_run(attempt, uninterrupted)
        continued.append(kills_of_run)
        attempt, kills_of_run = tmp_path / str(kills), 0
    train_run(config, attempt, progress=False)
    assert_same_run(attempt, uninterrupted)
    assert max(continued, default=kills_of_run) > 1


def test_a_run_killed_between_any_two_writes_ends_the_same(config, uninterrupted, tmp_path, monkeypatch):
    """Every file that a run writes is once the last one that it writes whole."""
    for last in count(1):

        def failing(source, target, writes=count(1), last=last):
            os.rename(source, target)
            if next(writes) == last:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(files.os, "replace", failing)
            try:
                train_run(config, tmp_path / str(last), progress=False)
            except KeyboardInterrupt:
                pass
            else:
                break
        train_run(config, tmp_path / str(last), progress=False)
        assert_same_run(tmp_path / str(last), uninterrupted)


def test_ctrl_c_ends_at_a_batch_and_says_how_to_continue(csv, uninterrupted, tmp_path):
    settings = {**SETTINGS, "csv": csv, "out": tmp_path, "epochs": 10**6, "patience": 10**6}
    words = [
        f"--{name.replace('_', '-')}={','.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in settings.items()
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "dgl_memgnn", "train", *words],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=heed_ctrl_c,
    )
    while process.poll() is None and not (tmp_path / "training.pt").exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in error and error.endswith("the same command continues.\n")
    epochs = len(load_checkpoint(tmp_path / "training.pt")["trainer"]["history"])
    assert epochs == len(pd.read_csv(tmp_path / "history.csv")) > 0


def test_ctrl_c_after_the_last_batch_is_heeded_and_the_run_then_ends_the_same(
    config, uninterrupted, tmp_path, monkeypatch
):
    save = run.save_checkpoint

    def press_after_the_last_epoch(path, **content):
        save(path, **content)
        if path.name == run.STATE and len(content["trainer"]["history"]) == config.training.epochs:
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(run, "save_checkpoint", press_after_the_last_epoch)
            train_run(config, tmp_path, progress=False)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not (tmp_path / "metrics.json").exists()
    train_run(config, tmp_path, progress=False)
    assert_same_run(tmp_path, uninterrupted)


def test_a_finished_run_is_left_alone(config, uninterrupted):
    before = {path: path.read_bytes() for path in uninterrupted.iterdir()}
    assert train_run(config, uninterrupted) == json.loads(before[uninterrupted / "metrics.json"])
    assert {path: path.read_bytes() for path in uninterrupted.iterdir()} == before


def test_overwriting_removes_the_run_and_nothing_else(config, csv, tmp_path):
    shorter = load_config(overrides={"csv": str(csv), **SETTINGS, "epochs": 1})
    train_run(config, tmp_path, progress=False)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="training.epochs is 3, not 1"):
        train_run(shorter, tmp_path)
    train_run(shorter, tmp_path, progress=False, overwrite=True)
    assert len(pd.read_csv(tmp_path / "history.csv")) == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_killed_while_it_removes_a_run_it_begins_anew(config, uninterrupted, tmp_path, monkeypatch):
    for last in count(1):
        folder = shutil.copytree(uninterrupted, tmp_path / str(last))

        def failing(path, missing_ok=False, unlink=Path.unlink, unlinks=count(1), last=last):
            unlink(path, missing_ok)
            if next(unlinks) == last:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", failing)
            try:
                run.remove_run(folder)
            except KeyboardInterrupt:
                pass
            else:
                break
        removed = not (folder / "metrics.json").exists()
        assert (run.stored_result(folder, config) is None) == removed
        assert removed or (folder / "checkpoint.pt").exists()
        shutil.rmtree(folder)
    assert last > 8 and [path.name for path in folder.iterdir()] == ["config.yaml"]
    train_run(config, folder, progress=False)
    assert_same_run(folder, uninterrupted)


def test_a_run_without_a_whole_epoch_may_become_one_of_another_configuration(config, csv, tmp_path):
    """Nothing is lost."""
    shorter = load_config(overrides={"csv": str(csv), **SETTINGS, "epochs": 1})
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run, "store_network", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        train_run(config, tmp_path, progress=False)
    assert (tmp_path / "config.yaml").is_file()
    assert train_run(shorter, tmp_path, progress=False)["kept_epoch"] == 1


def test_a_run_continues_with_a_cache_elsewhere(config, uninterrupted, csv, tmp_path, monkeypatch):
    elsewhere = load_config(overrides={"csv": str(csv), **SETTINGS, "cache_dir": str(tmp_path / "cache")})
    save, folder, calls = run.save_checkpoint, tmp_path / "run", count(1)

    def stopped_after_two_epochs(*args, **content):
        save(*args, **content)
        if Path(args[0]).name == run.STATE and next(calls) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run, "save_checkpoint", stopped_after_two_epochs)
        train_run(config, folder, progress=False)
    continued = train_run(elsewhere, folder, progress=False)
    assert pd.read_csv(folder / "history.csv").equals(pd.read_csv(uninterrupted / "history.csv"))
    assert train_run(config, folder, progress=False) == continued


@pytest.mark.parametrize("name", ["predictions.csv", "splits.csv", "history.csv"])
def test_overwriting_keeps_files_that_are_no_run(csv, tmp_path, name, capsys):
    (tmp_path / name).write_bytes(csv.read_bytes())
    options = [f"--{key.replace('_', '-')}={value}" for key, value in SETTINGS.items() if isinstance(value, int)]
    command = ["train", "--tasks", "size", *options, "--out", str(tmp_path), "--overwrite", "--num-keys=2,1"]
    assert main([*command, "--csv", str(csv)]) == 1
    assert "is not empty, and holds no run. Give another folder with --out." in capsys.readouterr().err
    assert (tmp_path / name).read_bytes() == csv.read_bytes()


def test_overwriting_keeps_what_is_to_be_learned_from(csv, tmp_path, capsys):
    config = load_config(overrides={"csv": str(csv), **SETTINGS, "epochs": 1})
    train_run(config, tmp_path, progress=False)
    predictions = (tmp_path / "predictions.csv").read_bytes()
    own = load_config(overrides={"csv": str(tmp_path / "predictions.csv"), **SETTINGS, "tasks": ["prediction"]})
    with pytest.raises(FileExistsError, match="predictions.csv is a file of the run that --overwrite removes"):
        train_run(own, tmp_path, progress=False, overwrite=True)
    for name, own in [
        ("splits.csv", replace(config, data=replace(config.data, splits_file=str(tmp_path / "splits.csv")))),
        ("checkpoint.pt", replace(config, model=replace(config.model, pretrained=str(tmp_path)))),
    ]:
        with pytest.raises(FileExistsError, match=f"{name} is a file of the run that --overwrite removes"):
            train_run(own, tmp_path, progress=False, overwrite=True)
    assert (tmp_path / "predictions.csv").read_bytes() == predictions


def test_data_that_have_changed_are_noticed(config, csv, tmp_path, capsys):
    copy = tmp_path / "copy.csv"
    copy.write_bytes(csv.read_bytes())
    config = replace(config, data=replace(config.data, csv=str(copy)))
    interrupt_after_first_epoch(config, tmp_path / "run")
    copy.write_bytes(csv.read_bytes().replace(b"CCO,3", b"CCO,4"))
    with pytest.raises(ValueError, match="data of .* have changed since it was begun"):
        train_run(config, tmp_path / "run", progress=False)
    copy.write_bytes(csv.read_bytes())
    result = train_run(config, tmp_path / "run", progress=False)
    digest = load_checkpoint(tmp_path / "run" / "checkpoint.pt")["digest"]
    assert result["digest"] == digest == json.loads((tmp_path / "run" / "metrics.json").read_text())["digest"]

    text = csv.read_text()
    for other in (text.replace("CCO,3", "CCO,4"), text.replace("CCCl,4", "CCBr,4"), text + "CF,2\n"):
        copy.write_text(other)
        assert main(["train", str(tmp_path / "run" / "config.yaml"), "--out", str(tmp_path / "run")]) == 1
        assert "run is finished, and its data have changed since" in capsys.readouterr().err
        assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == result
    copy.write_text(text.replace("CCO,3", "CCO,3.0"))
    assert train_run(config, tmp_path / "run", progress=False) == result


def test_a_run_killed_while_it_wrote_its_first_file_begins_anew(config, uninterrupted, tmp_path):
    (tmp_path / ".unfinished-abc").mkdir()
    (tmp_path / ".unfinished-abc" / "config.yaml").write_text("data:")
    assert run.stored_result(tmp_path, config) is None
    train_run(config, tmp_path, progress=False)
    assert_same_run(tmp_path, uninterrupted)


def test_a_run_of_an_older_version_is_refused_by_its_version(config, uninterrupted, tmp_path):
    shutil.copytree(uninterrupted, tmp_path / "old")
    metrics = json.loads((tmp_path / "old" / "metrics.json").read_text())
    del metrics["digest"]
    metrics["versions"]["dgl-memgnn"] = "0.1.0"
    (tmp_path / "old" / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(ValueError, match="old was finished by dgl-memgnn 0.1.0, which did not store the digest"):
        train_run(config, tmp_path / "old")


def test_another_split_of_the_same_data_is_noticed(config, tmp_path, monkeypatch):
    """As another version of a library could give it."""
    interrupt_after_first_epoch(config, tmp_path)
    monkeypatch.setattr(parts, "random_split", lambda size, sizes, seed: random_split(size, sizes, seed + 1))
    with pytest.raises(ValueError, match="split of .* has changed since it was begun"):
        train_run(config, tmp_path, progress=False)


def interrupt_after_first_epoch(config, folder):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        real = run.save_checkpoint

        def save_and_stop(path, **content):
            real(path, **content)
            if path.name == "training.pt":
                raise KeyboardInterrupt

        patch.setattr(run, "save_checkpoint", save_and_stop)
        train_run(config, folder, progress=False)


def test_a_loss_that_is_not_a_number_leaves_the_best_epoch(config, uninterrupted, tmp_path, monkeypatch):
    forward, calls = Regression.forward, count(1)
    batches_an_epoch = 6  # 48 training molecules, 8 at a time

    def poisoned(self, output, label):
        loss = forward(self, output, label)
        return loss * float("nan") if next(calls) == 2 * batches_an_epoch + 3 else loss

    with monkeypatch.context() as patch:
        patch.setattr(Regression, "forward", poisoned)
        with pytest.raises(FloatingPointError, match=f"{tmp_path}: .* nan in batch 3 of epoch 3"):
            train_run(config, tmp_path, progress=False)
    assert pd.read_csv(tmp_path / "history.csv").equals(pd.read_csv(uninterrupted / "history.csv").head(2))
    with pytest.warns(UserWarning, match="is not finished: its network is that of the best epoch so far"):
        assert len(Predictor(tmp_path).predict(["CCO"])) == 1


def test_a_full_disk_names_the_file_and_loses_nothing(config, uninterrupted, tmp_path):
    interrupt_after_first_epoch(config, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    size = len(before[tmp_path / "training.pt"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, limits[1]))
    try:
        with pytest.raises(OSError, match="(training|checkpoint).pt cannot be written"):
            train_run(config, tmp_path, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "training.pt").read_bytes() == before[tmp_path / "training.pt"]
    train_run(config, tmp_path, progress=False)
    assert_same_run(tmp_path, uninterrupted)


def test_a_file_in_place_of_the_folder_is_an_error(config, tmp_path):
    (tmp_path / "run").touch()
    nowhere = load_config(overrides={**SETTINGS, "csv": str(tmp_path / "none.csv")})  # told before data are read
    with pytest.raises(NotADirectoryError, match=f"{tmp_path / 'run'} is a file. Give a folder with --out"):
        train_run(nowhere, tmp_path / "run", progress=False)


def test_the_same_data_at_another_place_are_the_same_run(config, uninterrupted, csv, tmp_path, capsys):
    shutil.copytree(uninterrupted, tmp_path / "run")
    moved = shutil.copy(csv, tmp_path / "moved.csv")
    elsewhere = load_config(overrides={"csv": str(moved), **SETTINGS})
    stored = json.loads((uninterrupted / "metrics.json").read_text())
    assert train_run(elsewhere, tmp_path / "run", progress=False) == stored
    interrupt_after_first_epoch(config, tmp_path / "begun")
    train_run(elsewhere, tmp_path / "begun", progress=False)
    assert pd.read_csv(tmp_path / "begun" / "history.csv").equals(pd.read_csv(uninterrupted / "history.csv"))
    interrupt_after_first_epoch(config, tmp_path / "other")
    pd.read_csv(moved).assign(size=range(60)).to_csv(moved, index=False)
    for folder in ("run", "other"):
        with pytest.raises(ValueError, match="changed since"):
            train_run(elsewhere, tmp_path / folder, progress=False)


def test_weights_by_another_path_are_the_same_weights(config, uninterrupted, csv, tmp_path):
    own = {"csv": str(csv), "epochs": 1, "tasks": ["size"], "split": "random"}
    named = [str(uninterrupted), str(uninterrupted.parent / "." / uninterrupted.name) + "/"]
    first, second = (load_config("molecules", {**own, "pretrained": name}) for name in named)
    stored = train_run(first, tmp_path / "run", progress=False)
    assert train_run(second, tmp_path / "run", progress=False) == stored
    other = load_config("molecules", {**own, "pretrained": str(tmp_path / "run")})
    with pytest.raises(ValueError, match="model.pretrained is "):
        train_run(other, tmp_path / "run", progress=False)


def test_who_takes_a_network_that_is_not_finished_is_told(config, tmp_path):
    interrupt_after_first_epoch(config, tmp_path / "run")
    for take in (load_weights, RunClusters, Predictor):
        with pytest.warns(UserWarning, match="run is not finished: its network is that of the best epoch so far"):
            take(tmp_path / "run")
