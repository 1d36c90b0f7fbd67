"""Losses against scikit-learn, numpy and loops, with missing labels."""

import dgl
import numpy as np
import pytest
import torch
from graphs import random_graph
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from dgl_memgnn import clustering_loss
from dgl_memgnn.tasks import BinaryTasks, Classes, Regression
from dgl_memgnn.training import memory_clustering_loss

NAN = float("nan")


def test_classification_is_log_loss():
    output, label = torch.randn(7, 3), torch.tensor([0, 1, 2, 0, 1, 2, 2])
    task = Classes([0, 1, 2])
    expected = log_loss(label, output.double().softmax(1))
    assert task(output, label).item() == pytest.approx(expected, rel=1e-5)


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
    torch.testing.assert_close(task.predict((label - task.mean) / task.std), label, equal_nan=True)


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
