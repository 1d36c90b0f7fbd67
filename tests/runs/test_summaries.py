"""Scores of several runs as one."""

import json

import pandas as pd
import pytest
import torch

from dgl_memgnn.runs.summaries import ensemble_score
from dgl_memgnn.tasks import BinaryTasks, Classes, MeanVariance, Regression
from dgl_memgnn.visualization import read_held_out

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


@pytest.mark.parametrize(
    "task",
    [
        Classes(["FALSE", "TRUE"]),
        Classes(["01", "1", "1.0"]),
        Classes([0, 1, 2], name="null"),
        Regression(["NA", "null", "nan"]),
        BinaryTasks(["None", "1"]),
        MeanVariance(["n/a", "2"]),
    ],
)
def test_names_and_classes_are_read_as_they_are_written(task, tmp_path):
    """Whatever pandas takes the words for."""
    first, second = torch.rand(2, 6, task.num_outputs)
    matrix = torch.tensor([[i % len(task.output_names), 1 - i % 2, i % 2] for i in range(6)])[:, : len(task.names)]
    label = task.labels(matrix)
    if label.is_floating_point():
        label[0, 0] = NAN
    ids = ["1", "01", "NA", "null", "1e1", "TRUE"]
    members = [store(tmp_path / name, task, each, label, ids) for name, each in (("a", first), ("b", second))]
    combined, _ = task.combine(torch.stack([first, second]))
    assert ensemble_score(members, task) == pytest.approx(task.score(combined, label))

    content = {"task": task.task_type, "task_arguments": task.arguments}
    (members[0] / "metrics.json").write_text(json.dumps(content))
    held_out = read_held_out(members[0])
    order = [ids.index(row) for row in held_out.rows]
    assert sorted(order) == list(range(6))
    for name, columns in task.targets(first, label).items():
        expected = [None if value != value else str(value) for value in (columns["target"][i] for i in order)]
        found = held_out.targets[name]["target"]
        assert [None if pd.isna(value) else str(value) for value in found] == expected
