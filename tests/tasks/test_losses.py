"""Losses against scikit-learn, numpy and loops, with missing labels."""

import dgl
import numpy as np
import pytest
import torch
from graphs import random_graph
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from dgl_memgnn import clustering_loss
from dgl_memgnn.tasks import BinaryTasks, Classes, MeanVariance, Regression
from dgl_memgnn.training import memory_clustering_loss

NAN = float("nan")


def test_classification_is_log_loss():
    output, label = torch.randn(7, 3), torch.tensor([0, 1, 2, 0, 1, 2, 2])
    task = Classes([0, 1, 2])
    expected = log_loss(label, output.double().softmax(1))
    assert task(output, label).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32])
def test_classes_may_be_integers_of_any_size(dtype):
    output, label = torch.randn(7, 3), torch.tensor([0, 1, 2, 0, 1, 2, 2])
    task, weight = Classes([0, 1, 2]), torch.rand(7, 1)
    assert task(output, label.to(dtype)).item() == pytest.approx(log_loss(label, output.double().softmax(1)))
    weighted = log_loss(label, output.double().softmax(1), sample_weight=weight[:, 0].numpy(), normalize=False) / 7
    assert task(output, label.to(dtype), weight).item() == pytest.approx(weighted)


@pytest.mark.parametrize(
    ("task", "label"),
    [
        (Regression("ab"), torch.zeros(4, 2)),
        (MeanVariance("ab"), torch.zeros(4, 2)),
        (BinaryTasks("ab"), torch.zeros(4, 2)),
        (Classes("ab"), torch.zeros(4, dtype=torch.long)),
    ],
)
def test_outputs_of_another_shape_are_refused_not_broadcast(task, label):
    right = task.num_outputs
    task(torch.zeros(4, right), label)
    for shape in [(4,), (4, right - 1), (4, right + 1), (4, right, 1)]:
        with pytest.raises(
            ValueError, match=rf"output has shape \({shape[0]},.* needs \(B, {right}\), a row a graph"
        ):
            task(torch.zeros(shape), label)


def test_binary_tasks_leave_out_missing_labels():
    output = torch.randn(4, 2, requires_grad=True)
    label = torch.tensor([[0.0, NAN], [1.0, NAN], [NAN, 1.0], [1.0, 0.0]])
    task = BinaryTasks("ab")
    present = ~label.isnan()
    expected = log_loss(label[present], task.predict(output)[present].detach().double())
    loss = task(output, label)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert torch.equal(output.grad != 0, present)


@pytest.mark.parametrize("task", [BinaryTasks("ab"), Regression("ab")])
def test_a_batch_without_labels_has_loss_zero(task):
    output = torch.randn(3, 2, requires_grad=True)
    loss = task(output, torch.full((3, 2), NAN))
    loss.backward()
    assert loss.item() == 0 and not output.grad.any()


def test_regression_standardises_by_the_present_targets():
    label = torch.tensor([[1.0, 20.0], [3.0, NAN], [8.0, 40.0], [NAN, 90.0]])
    output = torch.randn(4, 2)
    task = Regression("ab").fit(label)
    scaler = StandardScaler().fit(label.numpy())
    unbiased = scaler.scale_ * np.sqrt([3 / 2, 3 / 2])
    np.testing.assert_allclose(task.mean, scaler.mean_, rtol=1e-6)
    np.testing.assert_allclose(task.std, unbiased, rtol=1e-6)
    error = output.numpy() - (label.numpy() - scaler.mean_) / unbiased
    assert task(output, label).item() == pytest.approx(np.nanmean(error**2), rel=1e-5)
    torch.testing.assert_close(task.predict((label - task.mean) / task.std), label.double(), equal_nan=True)


def test_a_constant_target_is_not_divided_by_zero():
    task = Regression().fit(torch.tensor([[2.0], [2.0], [2.0]]))
    assert task(torch.zeros(3, 1), torch.full((3, 1), 2.0)).item() == 0


def test_a_task_without_a_target():
    with pytest.raises(ValueError, match="target 'b' has no value"):
        Regression("ab").fit(torch.tensor([[1.0, NAN], [2.0, NAN]]))


def test_clustering_loss_sums_over_layers_with_several_keys():
    graph = dgl.batch([random_graph(3), random_graph(5)])
    assignments = [torch.rand(8, 4).softmax(1), torch.rand(2, 4, 3).softmax(2), torch.ones(2, 3, 1)]
    expected = clustering_loss(graph, assignments[0]) + clustering_loss(None, assignments[1])
    torch.testing.assert_close(memory_clustering_loss(graph, assignments), expected)


@pytest.mark.parametrize("scale, offset", [(1e-30, 0.0), (1e25, 0.0), (0.06, -1254300.0), (1e-6, 1e3)])
def test_targets_keep_their_digits(scale, offset):
    """Standardised, scored and put back in float64, as numpy does it, whatever their unit."""
    unit = np.random.default_rng(0).normal(size=(40, 1))
    label = torch.from_numpy(offset + scale * unit)
    task = Regression().fit(label)
    expected = (label.numpy() - label.numpy().mean()) / label.numpy().std(ddof=1)
    output = torch.zeros(40, 1)
    assert task(output, label).item() == pytest.approx((expected**2).mean(), rel=1e-5)
    exact = torch.from_numpy(expected).float()  # what a network could give
    scores = task.score(task.predict(exact), label)
    assert scores["rmse"] < 1e-6 * scale + 1e-15 * abs(offset) * 2 and scores["r2"] > 1 - 1e-9
    assert task.score(task.predict(output), label)["rmse"] == pytest.approx(label.numpy().std(), rel=1e-6)


@pytest.mark.parametrize("task", [Regression(), BinaryTasks()])
def test_labels_of_a_single_target_may_come_in_one_dimension(task):
    label = torch.tensor([0.0, 1.0, 1.0, 0.0])
    output = torch.randn(4, 1)
    assert task(output, label).item() == task(output, label[:, None]).item()
    assert task.counts(label).tolist() == [1, 1, 1, 1]
    assert task.score(task.predict(output), label) == task.score(task.predict(output), label[:, None])
    perfect = (label[:, None] - 0.5) / Regression().fit(label).std  # mean 0.5
    assert Regression().fit(label)(perfect.float(), label).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "task, label, message",
    [
        (Regression("ab"), torch.zeros(4), r"shape \(4, 2\), a row a graph and a column a target, got \(4,\)"),
        (Regression(), torch.zeros(4, 2), r"regression of 1 targets must have shape \(4, 1\).* got \(4, 2\)"),
        (Regression(), torch.zeros(3), r"shape \(4, 1\).* got \(3,\)"),
        (Regression(), torch.zeros(4, 1).long(), "must be floating-point numbers, got torch.int64: call .float()"),
        (BinaryTasks(), torch.zeros(4).bool(), "classification must be floating-point numbers, got torch.bool"),
        (BinaryTasks("ab"), torch.zeros(4, 1), r"shape \(4, 2\)"),
        (
            BinaryTasks("ab"),
            torch.tensor([[0.0, 1.0], [NAN, NAN], [1.0, 2.0], [3.0, 0.0]]),
            "The label 2 of 'b' is neither 0 nor 1, as binary targets are, nor NaN",
        ),
        (BinaryTasks(), torch.tensor([1.0, 0.0, -1.0, 1.0]), "The label -1 of 'target' is neither 0 nor 1"),
        (Classes("ab"), torch.zeros(4), "must be integers, got torch.float32"),
        (Classes("ab"), torch.zeros(4, 2).long(), r"shape \(4,\), a class a graph, got \(4, 2\)"),
        (Classes("ab"), torch.tensor([0, 1, 2, 0]), "Labels of 2 classes must be between 0 and 1, got 0 to 2"),
    ],
)
def test_labels_of_another_shape_type_or_value_are_refused(task, label, message):
    output = torch.zeros(4, task.num_outputs)
    for use in (lambda: task(output, label), lambda: task.score(output, label)):
        with pytest.raises(ValueError, match=message):
            use()
