"""Metrics against plain formulas."""

import itertools
import math
import statistics

import pytest
import torch

from dgl_memgnn.tasks import (
    TASK_TYPES,
    BinaryTasks,
    Classes,
    Regression,
    score_binary,
    score_classes,
    score_regression,
)

NAN = float("nan")


def test_scores_of_classes():
    """F1 and areas of each class against the rest, counted pair by pair."""
    prediction, label = torch.rand(40, 4).softmax(1), torch.randint(3, (40,))
    prediction[:, 3] = 0  # a class that is neither a label nor predicted
    best = prediction.argmax(1)
    f1, areas = [], []
    for c in range(3):
        hits = ((best == c) & (label == c)).sum().item()
        f1.append(2 * hits / ((best == c).sum() + (label == c).sum()).item())
        pairs = itertools.product(prediction[label == c, c], prediction[label != c, c])
        areas.append(statistics.mean(float(p > n) for p, n in pairs))
    scores = score_classes(prediction, label)
    assert scores == {
        "accuracy": pytest.approx((best == label).double().mean().item()),
        "f1": pytest.approx(statistics.mean(f1)),
        "roc_auc": pytest.approx(statistics.mean(areas)),
    }


def test_labels_of_one_class_define_no_area():
    scores = score_classes(torch.eye(2), torch.tensor([0, 0]))
    assert scores["accuracy"] == 0.5 and math.isnan(scores["roc_auc"])


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_the_right_prediction_has_the_best_score(task_type):
    """And the metrics are those that the kind of task lists, the one that decides first."""
    kind = TASK_TYPES[task_type]
    task = kind([5, 6]) if kind is Classes else kind()
    label = torch.tensor([0, 1, 1, 0, 1])
    label = label if kind is Classes else label.float()
    right, wrong = task.perfect(label), task.perfect(1 - label)
    best, worst = task.score(right, label), task.score(wrong, label)
    assert list(best) == list(task.metrics)
    decides = next(iter(task.metrics))
    assert (best[decides] > worst[decides]) == task.higher_is_better
    assert best[decides] == (1 if task.higher_is_better else 0)


def test_roc_auc_is_the_share_of_ordered_pairs():
    prediction, label = torch.rand(30, 2), (torch.rand(30, 2) < 0.4).float()
    label[::7] = NAN
    shares = []
    for task in range(2):
        positive = prediction[label[:, task] == 1, task]
        negative = prediction[label[:, task] == 0, task]
        pairs = [float(p > n) for p, n in itertools.product(positive, negative)]
        shares.append(sum(pairs) / len(pairs))
    assert score_binary(prediction, label)["roc_auc"] == pytest.approx(sum(shares) / 2)


def test_pr_auc_of_a_perfect_ranking():
    label = torch.tensor([[0.0], [0.0], [1.0], [1.0]])
    assert score_binary(torch.tensor([[0.1], [0.2], [0.3], [0.4]]), label)["pr_auc"] == 1


def test_a_task_of_one_class_is_left_out_with_a_warning():
    prediction = torch.tensor([[0.1, 0.5], [0.9, 0.5]])
    label = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    with pytest.warns(UserWarning, match="1 of 2 tasks"):
        assert score_binary(prediction, label)["roc_auc"] == 1
    with pytest.warns(UserWarning, match="1 of 1 tasks"):
        assert math.isnan(score_binary(prediction[:, 1:], label[:, 1:])["roc_auc"])


def test_regression():
    prediction, label = torch.randn(20, 2), torch.randn(20, 2)
    label[3:6, 0] = NAN
    rmse, mae, r2 = [], [], []
    for task in range(2):
        present = ~label[:, task].isnan()
        y, error = label[present, task], (prediction - label)[present, task]
        rmse.append(error.square().mean().sqrt())
        mae.append(error.abs().mean())
        r2.append(1 - error.square().sum() / (y - y.mean()).square().sum())
    scores = score_regression(prediction, label)
    for name, values in [("rmse", rmse), ("mae", mae), ("r2", r2)]:
        assert scores[name] == pytest.approx(float(sum(values) / 2), rel=1e-5)


def test_a_task_without_targets_is_left_out_with_a_warning():
    prediction, label = torch.zeros(2, 2), torch.tensor([[1.0, NAN], [1.0, NAN]])
    with pytest.warns(UserWarning, match="1 of 2 tasks"):
        assert score_regression(prediction, label)["rmse"] == 1


@pytest.mark.parametrize("error", [0.0, 1.0])
@pytest.mark.parametrize("labels", [[2.5], [2.5, 2.5, 2.5], [2.5, NAN, 2.5]])
def test_targets_that_are_all_alike_have_no_r2(labels, error):
    label = torch.tensor(labels)[:, None]
    scores = score_regression(torch.full_like(label, 2.5 + error), label)
    assert scores["mae"] == error and math.isnan(scores["r2"])


@pytest.mark.parametrize(
    "task, label, sentences",
    [
        (BinaryTasks("ab"), [[0.0, 1.0], [0.0, 0.0]], ["'a' is 0 in all 2 labels: no roc_auc, pr_auc."]),
        (BinaryTasks("ab"), [[0.0, NAN], [1.0, NAN]], ["'b' has no label: no roc_auc, pr_auc."]),
        (BinaryTasks("a"), [[1.0]], ["'a' is 1 in its only label: no roc_auc, pr_auc."]),
        (Regression("a"), [[2.5]], ["'a' is 2.5 in its only label: no r2."]),
        (Regression("a"), [[2.5], [2.5]], ["'a' is 2.5 in all 2 labels: no r2."]),
        (Regression("a"), [[2.5], [2.0]], []),
        (Classes(["x", "y"], "kind"), [1, 1, 1], ["'kind' is y in all 3 labels: no roc_auc."]),
        (Classes(["x", "y"], "kind"), [1, 0, 1], []),
    ],
)
def test_what_labels_do_not_define_is_said_and_is_what_the_score_lacks(task, label, sentences):
    label = torch.tensor(label)
    assert task.undefined(label) == sentences
    prediction = torch.rand(len(label), task.num_outputs).softmax(1)
    scores = task.score_each(prediction, label) or {task.names[0]: task.score(prediction, label)}
    lacking = [name for name, each in scores.items() if any(math.isnan(value) for value in each.values())]
    assert lacking == [sentence.split("'")[1] for sentence in sentences]
