"""Metrics against plain formulas."""

import itertools
import math

import pytest
import torch

from dgl_memgnn.evaluation import score_binary, score_classification, score_regression

NAN = float("nan")


def test_accuracy():
    prediction = torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]])
    assert score_classification(prediction, torch.tensor([0, 1, 0])) == {"accuracy": pytest.approx(2 / 3)}


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


def test_a_single_target_has_no_r2():
    scores = score_regression(torch.zeros(1, 1), torch.ones(1, 1))
    assert scores["mae"] == 1 and math.isnan(scores["r2"])
