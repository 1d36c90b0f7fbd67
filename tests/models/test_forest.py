"""The random forest among the networks it is compared with."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from dgl_memgnn.cli import main
from dgl_memgnn.data import MoleculeDataset
from dgl_memgnn.models.forest import MorganForest, morgan_fingerprints
from dgl_memgnn.tasks import TASK_TYPES
from dgl_memgnn.training import load_checkpoint, save_checkpoint

SMILES = ["C" * n + tail for n in range(1, 8) for tail in ("O", "N")]
NAN = float("nan")


@pytest.mark.parametrize("task_type", ["binary", "regression"])
def test_each_task_learns_from_its_labels_alone(task_type):
    """A task with missing labels is predicted as if the molecules without them were not there."""
    first = [float(s.endswith("O")) for s in SMILES]
    second = [float(len(s) > 4) if i % 3 else NAN for i, s in enumerate(SMILES)]
    both = MorganForest(TASK_TYPES[task_type]("ab"), seed=1)
    present = MorganForest(TASK_TYPES[task_type]("b"), seed=1)
    everything = MoleculeDataset(SMILES, torch.tensor([first, second]).T)
    both.fit(everything, range(10))
    fewer = [i for i in range(10) if i % 3]
    present.fit(MoleculeDataset(SMILES, second), [i - sum(j % 3 == 0 for j in range(i)) for i in fewer])
    indices = range(10, len(SMILES))
    of_fewer = present.predict(MoleculeDataset(SMILES), indices)
    torch.testing.assert_close(both.predict(everything, indices)[:, 1:], of_fewer)
    assert (both.predict(everything, indices)[:, 0] > 0.5).tolist() == [s.endswith("O") for s in SMILES[10:]]


def test_one_class_among_the_training_labels_is_predicted_throughout():
    molecules = MoleculeDataset(SMILES, [0.0] * 10 + [1.0] * 4)
    forest = MorganForest(molecules.task, seed=0)
    forest.fit(molecules, range(10))
    assert forest.predict(molecules, [11, 12]).tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("labels", [[0.0, 1.0] * 7, [0.5 * i for i in range(14)], list("abcabcabcabcab")])
def test_stored_trees_predict_what_those_of_scikit_learn_do(labels, tmp_path):
    molecules = MoleculeDataset(SMILES, labels)
    train, test = range(10), range(10, 14)
    forest = MorganForest(molecules.task, seed=3)
    forest.fit(molecules, train)
    kind = RandomForestClassifier if molecules.task.discrete else RandomForestRegressor
    reference = kind(500, max_features="sqrt", random_state=3)
    bits = morgan_fingerprints(SMILES)
    reference.fit(bits[list(train)], molecules.labels[train].numpy().ravel())
    expected = (
        reference.predict_proba(bits[10:]) if molecules.task.discrete else reference.predict(bits[10:])[:, None]
    )
    if len(molecules.task.names) == expected.shape[1] - 1 == molecules.task.num_outputs:  # probability of class 1
        expected = expected[:, 1:]
    save_checkpoint(tmp_path / "forest.pt", model=forest.state_dict())
    again = MorganForest(molecules.task, seed=0)
    again.load_state_dict(load_checkpoint(tmp_path / "forest.pt")["model"])
    np.testing.assert_allclose(again.predict(molecules, test), expected, rtol=1e-6)


def test_the_same_commands_train_it_and_predict(tmp_path, capsys):
    path = tmp_path / "molecules.csv"
    path.write_text("smiles,oxygen\n" + "".join(f"{s},{int('O' in s)}\n" for s in SMILES * 5))
    options = ["--tasks", "oxygen", "--split", "random", "--network", "RandomForest"]
    run = tmp_path / "run"
    assert main(["train", "--csv", str(path), *options, "--out", str(run)]) == 0
    assert "Network: RandomForest (--network)." in capsys.readouterr().out
    names = {"config.yaml", "splits.csv", "predictions.csv", "metrics.json", "checkpoint.pt", "fingerprints.npy"}
    assert {p.name for p in run.iterdir()} == names
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["kept_epoch"] is None and metrics["parts"]["test"] == 7
    held_out = pd.read_csv(run / "predictions.csv")
    assert (
        main(["predict", str(run), "--csv", str(run / "predictions.csv"), "--out", str(tmp_path / "p.csv")]) == 0
    )
    found = pd.read_csv(tmp_path / "p.csv")
    np.testing.assert_allclose(found["oxygen"], held_out["prediction"], rtol=1e-6)
