"""What cannot be learned is refused before the training."""

from types import SimpleNamespace

import pytest
import torch

from dgl_memgnn.evaluation.learnable import check_learnable

NAN = float("nan")


def check(labels, task, train, validation):
    dataset = SimpleNamespace(labels=torch.tensor(labels), task_names=["a", "b"], classes=[7, 8, 9])
    check_learnable(dataset, task, {"train": train, "validation": validation})


@pytest.mark.parametrize(
    "labels, task",
    [
        ([[1.0, 2.0], [2.0, NAN], [NAN, 1.0]], "regression"),
        ([[1.0, 0.0], [0.0, 1.0], [1.0, NAN], [0.0, 1.0], [1.0, NAN]], "binary"),
        ([0, 1, 2, 1], "classification"),
    ],
)
def test_what_can_be_learned(labels, task):
    half = len(labels) // 2 + (task == "classification")
    check(labels, task, range(half), range(half, len(labels)))


@pytest.mark.parametrize(
    "labels, task, train, validation, message",
    [
        ([[1.0, 3.0], [2.0, 3.0]], "regression", [0], [1], "target 'b' is 3 wherever it is given"),
        ([[1.0, NAN], [2.0, NAN]], "regression", [0], [1], "training part has no value of the target 'b'"),
        ([[1.0, 0.0], [1.0, 1.0]], "binary", [0], [1], "target 'a' is 1 wherever"),
        ([[1.0, 0.0], [0.0, NAN], [1.0, 0.0]], "binary", [0, 1], [2], "target 'b' is 0 wherever"),
        ([0, 0], "classification", [0], [1], "target 'class' is 0 wherever"),
        ([[1.0, NAN], [2.0, 1.0], [3.0, 2.0]], "regression", [0], [1, 2], "training part has no value of .* 'b'"),
        (
            [[1.0, 1.0], [2.0, 2.0], [NAN, NAN]],
            "regression",
            [0, 1],
            [2],
            "No target has a value in the validation",
        ),
        ([[1.0, 0.0], [0.0, 1.0]], "binary", [0], [1], "training part has no class 0 of the target 'a'"),
        ([[1.0, 0.0], [0.0, NAN], [0.0, 1.0]], "binary", [0, 1], [2], "training part has no class 1 of .* 'b'"),
        (
            [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]],
            "binary",
            [0, 1],
            [2],
            "No target has both classes in the validation",
        ),
        ([0, 1, 2], "classification", [0, 1], [2], "training part has no class 9 of the target"),
    ],
)
def test_what_cannot(labels, task, train, validation, message):
    with pytest.raises(ValueError, match=message):
        check(labels, task, train, validation)
