"""Parts that nothing can be learned from are refused before training."""
import pytest
import torch

from dgl_memgnn.data import MoleculeDataset
from dgl_memgnn.evaluation.assembly import check_targets, numeric_tasks

NAN = float("nan")
PARTS = {"train": [0, 1, 2], "validation": [3, 4], "test": [5]}


def dataset(*columns):
    return MoleculeDataset(["C"] * 6, torch.tensor(columns).T, "memgnn", ["a", "b"][:len(columns)])


@pytest.mark.parametrize("task, columns, message", [
    ("binary", [[1, 1, 1, 1, 1, 1.]], "'a' has the class 1 alone. Leave it out"),
    ("binary", [[0, 1, 0, 1, 0, 0.], [0, NAN, 0, 0, 0, 0]], "'b' has the class 0 alone. Leave it out"),
    ("binary", [[1, 1, 1, 0, 1, 0.]], "'a' has the class 1 alone in the training part. .* split otherwise"),
    ("binary", [[0, 1, 0, 1, 0, 0.], [NAN, NAN, NAN, 0, 1, 0]], "'b' has no target in the training part"),
    ("binary", [[0, 1, 0, 1, NAN, 0.], [0, 1, 0, 1, 1, 1.]], "No task has both classes in the validation part"),
    ("regression", [[1, 2, 3, 4, 5, 6.], [NAN, NAN, NAN, 4, 5, 6]], "'b' has no target in the training part"),
])
def test_refused(task, columns, message):
    with pytest.raises(ValueError, match=message):
        check_targets(dataset(*columns), task, PARTS)


@pytest.mark.parametrize("task, columns", [
    ("binary", [[0, 1, 0, 1, 0, 0.]]),
    ("binary", [[0, 1, 0, 1, 0, 0.], [0, 1, NAN, 1, 1, NAN]]),  # one class in validation: a warning, later
    ("regression", [[7, 7, 7, 7, 7, 7.], [1, NAN, NAN, NAN, NAN, NAN]]),
])
def test_accepted(task, columns):
    check_targets(dataset(*columns), task, PARTS)


def test_numeric_tasks():
    assert numeric_tasks(dataset([0, 1, NAN, 1, 1, 0], [0, 1, 0.5, 1, 1, 0])) == ["b"]
    assert numeric_tasks(dataset([0, 1, NAN, 1, 1, 0.])) == []
