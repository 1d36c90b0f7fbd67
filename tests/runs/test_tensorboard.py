"""Epochs recorded for TensorBoard are those of history.csv."""

import builtins

import pandas as pd
import pytest

from dgl_memgnn.cli import main
from dgl_memgnn.runs import run as runs_run

pytest.importorskip("tensorboard")
SMALL = ["--epochs", "4", "--hidden-feats", "8", "--num-layers", "1", "--num-keys", "2,1", "--split", "random"]


@pytest.fixture
def arguments(data_dir, tmp_path):
    table = pd.read_csv(data_dir / "moleculeace" / "CHEMBL2034_Ki.csv").head(30)
    table.to_csv(tmp_path / "m.csv", index=False)
    more = ["--clustering-period", "2", "--decay", "cosine", "--tensorboard", "--out", str(tmp_path / "run")]
    return ["train", "--csv", str(tmp_path / "m.csv"), "--tasks", "y", *SMALL, *more]


def recorded(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    return {tag: {e.step: e.value for e in events.Scalars(tag)} for tag in events.Tags()["scalars"]}


def assert_history(run):
    history, found = pd.read_csv(run / "history.csv").set_index("epoch"), recorded(run)
    for column in history:
        group = "training" if "loss" in column else "validation"
        assert found.pop(f"{group}/{column}") == pytest.approx(history[column].dropna().to_dict(), rel=1e-5)
    assert found.pop("training/learning_rate")[1] == pytest.approx(1e-3) and not found


def test_records_of_a_run_and_of_one_that_was_killed_after_it_wrote_an_epoch(arguments, tmp_path, monkeypatch):
    original = runs_run.save_checkpoint

    def save(path, **content):
        if len(content["trainer"]["history"]) == 3:
            raise KeyboardInterrupt
        original(path, **content)

    monkeypatch.setattr(runs_run, "save_checkpoint", save)
    assert main(arguments) == 130
    assert 3 in recorded(tmp_path / "run")["training/loss"]
    monkeypatch.undo()
    assert main(arguments) == 0
    assert_history(tmp_path / "run")
    assert main([*arguments, "--overwrite", "--epochs", "2"]) == 0
    assert_history(tmp_path / "run")


def test_it_is_off_unless_asked_for_and_says_what_to_install(arguments, tmp_path, monkeypatch, capsys):
    arguments.remove("--tensorboard")
    assert main(arguments) == 0 and not (tmp_path / "run" / "tensorboard").exists()
    original = builtins.__import__

    def without(name, *others, **options):
        if name.startswith(("tensorboard", "torch.utils.tensorboard")):
            raise ModuleNotFoundError(name)
        return original(name, *others, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main([*arguments, "--overwrite", "--tensorboard"]) == 1
    assert 'pip install "dgl-memgnn[tensorboard]"' in capsys.readouterr().err
    assert (tmp_path / "run" / "metrics.json").is_file()  # nothing was removed
