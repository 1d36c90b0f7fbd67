"""Scores of several runs as one."""

import pandas as pd
import pytest
import torch

from dgl_memgnn.runs.summaries import ensemble_score
from dgl_memgnn.tasks import Classes, Regression

NAN = float("nan")


def store(folder, task, prediction, label, ids):
    """The predictions.csv of a run."""
    tables = task.targets(prediction, label).items()
    table = pd.concat(pd.DataFrame({"id": list(ids), "task": name, **columns}) for name, columns in tables)
    folder.mkdir()
    table.dropna(subset=["target"]).to_csv(folder / "predictions.csv", index=False)
    return folder


@pytest.mark.parametrize(
    "task, label",
    [
        (Regression(["a", "b"]), torch.tensor([[1.0, NAN], [2.0, 5.0], [NAN, 4.0], [4.0, 6.0]])),
        (Classes(["x", "y"]), torch.tensor([0, 1, 1, 0])),
    ],
)
def test_members_that_were_tested_on_others_are_refused(task, label, tmp_path):
    first, second = torch.rand(2, 4, 2)
    one = store(tmp_path / "one", task, first, label, "abcd")
    two = store(tmp_path / "two", task, second, label, "abcd")
    assert ensemble_score([one, two], task) == pytest.approx(task.score((first + second) / 2, label), nan_ok=True)

    swapped = store(tmp_path / "ids", task, second, label, "abdc")
    relabelled = store(tmp_path / "labels", task, second, label.roll(1, 0), "abcd")
    fewer = store(tmp_path / "fewer", task, second[:3], label[:3], "abc")
    for other in (swapped, relabelled, fewer):
        with pytest.raises(ValueError, match=f"one and .*{other.name} were tested on different graphs or labels"):
            ensemble_score([one, two, other], task)
