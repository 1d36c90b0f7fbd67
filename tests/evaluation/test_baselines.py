"""The random forest among the networks it is compared with."""

import json

import pytest
import torch

from dgl_memgnn.cli import main
from dgl_memgnn.data import MoleculeDataset
from dgl_memgnn.evaluation.baselines import MorganForest

SMILES = ["C" * n + tail for n in range(1, 8) for tail in ("O", "N")]
NAN = float("nan")


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_each_task_learns_from_its_labels_alone(task):
    """A task with missing labels is predicted as if the molecules without them were not there."""
    first = [float(s.endswith("O")) for s in SMILES]
    second = [float(len(s) > 4) if i % 3 else NAN for i, s in enumerate(SMILES)]
    both, present = MorganForest(task, seed=1), MorganForest(task, seed=1)
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
    forest = MorganForest("binary", seed=0)
    forest.fit(molecules, range(10))
    assert forest.predict(molecules, [11, 12]).tolist() == [[0.0], [0.0]]


def test_the_same_command_trains_it(tmp_path):
    path = tmp_path / "molecules.csv"
    path.write_text("smiles,oxygen\n" + "".join(f"{s},{int('O' in s)}\n" for s in SMILES * 5))
    assert (
        main(
            [
                "train",
                "--csv",
                str(path),
                "--tasks",
                "oxygen",
                "--split",
                "random",
                "--network",
                "RandomForest",
                "--out",
                str(tmp_path / "run"),
            ]
        )
        == 0
    )
    assert {p.name for p in (tmp_path / "run").iterdir()} == {"config.yaml", "predictions.csv", "metrics.json"}
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["kept_epoch"] is None and metrics["parts"]["test"] == 7
