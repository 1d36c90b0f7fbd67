"""What cannot be learned is refused before the training."""

import pytest
import torch

from dgl_memgnn.tasks import BinaryTasks, Classes, Regression

NAN = float("nan")
TASKS = {"regression": Regression("ab"), "binary": BinaryTasks("ab"), "classes": Classes([7, 8, 9])}


def check(labels, task, train, validation, weights=None):
    weights = None if weights is None else torch.tensor(weights)
    TASKS[task].check_learnable(
        torch.tensor(labels), {"train": list(train), "validation": list(validation)}, weights
    )


@pytest.mark.parametrize(
    "labels, task",
    [
        ([[1.0, 2.0], [2.0, NAN], [NAN, 1.0]], "regression"),
        ([[1.0, 0.0], [0.0, 1.0], [1.0, NAN], [0.0, 1.0], [1.0, NAN]], "binary"),
        ([0, 1, 2, 1], "classes"),
    ],
)
def test_what_can_be_learned(labels, task):
    half = len(labels) // 2 + (task == "classes")
    check(labels, task, range(half), range(half, len(labels)))


@pytest.mark.parametrize(
    "labels, task, train, validation, message",
    [
        ([[1.0, 3.0], [2.0, 3.0]], "regression", [0], [1], "target 'b' is 3 wherever it is given"),
        ([[1.0, NAN], [2.0, NAN]], "regression", [0], [1], "training part has no value of the target 'b'"),
        ([[1.0, 0.0], [1.0, 1.0]], "binary", [0], [1], "target 'a' is 1 wherever"),
        ([[1.0, 0.0], [0.0, NAN], [1.0, 0.0]], "binary", [0, 1], [2], "target 'b' is 0 wherever"),
        ([0, 0], "classes", [0], [1], "target 'class' is 7 wherever"),
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
        ([0, 1, 2], "classes", [0, 1], [2], "training part has no class 9 of the target"),
        ([0, 2, 2], "classes", [0, 1], [2], "Only dropped rows have class '8' of the target 'class': mend their"),
        (
            [[1.0, 1.0], [2.0, 1.0], [2.0, 2.0]],
            "regression",
            [0, 1],
            [2],
            "'b' is 1 in all of the training part: ",
        ),
    ],
)
def test_what_cannot(labels, task, train, validation, message):
    with pytest.raises(ValueError, match=message):
        check(labels, task, train, validation)


def test_rows_of_weight_0_are_not_learned_from():
    binary, numbers = (
        [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]],
        [[1.0, 1.0], [2.0, 2.0], [2.0, 2.0], [3.0, 3.0]],
    )
    check(binary, "binary", [0, 1], [2, 3], [1.0, 0.5, 0.0, 0.0])
    with pytest.raises(ValueError, match="no class 0 of the target 'a' with a weight above 0"):
        check(binary, "binary", [0, 1], [2, 3], [1.0, 0.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="'a' is 2 in all of the training part with a weight above 0"):
        check(numbers, "regression", [0, 1, 2], [3], [0.0, 1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="no value of the target 'a' with a weight above 0"):
        check(numbers, "regression", [0, 1], [3], [0.0, 0.0, 1.0, 1.0])
