"""Equations 1-3, 9 and 10 against plain loops, closed forms and published figures."""
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dgl_memgnn.nn import functional as F


def scores_by_loops(query, keys, tau):
    num_nodes, (num_heads, num_keys, _) = len(query), keys.shape
    scores = torch.empty(num_nodes, num_heads, num_keys, dtype=query.dtype)
    for i in range(num_nodes):
        for h in range(num_heads):
            kernel = [(1 + sum((q - k) ** 2 for q, k in zip(query[i], key)) / tau) ** (-(tau + 1) / 2)
                      for key in keys[h]]
            for j in range(num_keys):
                scores[i, h, j] = kernel[j] / sum(kernel)
    return scores


def assignment_by_loops(query, keys, head_weight, tau):
    scores = scores_by_loops(query, keys, tau)
    assignment = torch.empty(len(query), keys.shape[1], dtype=query.dtype)
    for i, score in enumerate(scores):
        mixed = [sum(w * s[j] for w, s in zip(head_weight, score)) for j in range(keys.shape[1])]
        total = sum(math.exp(m) for m in mixed)
        for j, m in enumerate(mixed):
            assignment[i, j] = math.exp(m) / total
    return assignment


def clustering_loss_by_loops(assignment, sizes):
    loss, start = 0.0, 0
    for size in sizes:
        c = assignment[start:start + size].tolist()
        start += size
        columns = [sum(row[j] for row in c) for j in range(assignment.shape[1])]
        for row in c:
            sharp = [value**2 / column for value, column in zip(row, columns)]
            for value, s in zip(row, sharp):
                p = s / sum(sharp)
                loss += p * math.log(p / value)
    return loss / len(sizes)


@pytest.mark.parametrize("tau", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("num_heads, num_keys", [(1, 1), (1, 4), (3, 1), (3, 4)])
def test_scores_and_assignment_equal_loops(num_heads, num_keys, tau):
    query = torch.randn(6, 2, dtype=torch.float64)
    keys = torch.randn(num_heads, num_keys, 2, dtype=torch.float64)
    head_weight = torch.randn(num_heads, dtype=torch.float64)
    torch.testing.assert_close(F.memory_scores(query, keys, tau), scores_by_loops(query, keys, tau))
    torch.testing.assert_close(
        F.memory_assignment(query, keys, head_weight, tau), assignment_by_loops(query, keys, head_weight, tau)
    )


def test_assignment_equals_pyg():
    """Computed once with torch_geometric 2.8.1: MemPooling(2, 3, heads=2, num_clusters=3, tau=1.5)."""
    query = torch.tensor([[0.5, 0.25], [-1.0, 2.0], [3.0, 0.0], [0.0, -0.5]])
    keys = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [-1.0, 0.0], [0.5, -1.0]]])
    expected = torch.tensor([
        [0.2444275, 0.4555582, 0.3000143],
        [0.1942671, 0.1225253, 0.6832076],
        [0.1270381, 0.6799352, 0.1930268],
        [0.6287479, 0.2461563, 0.1250958],
    ])
    torch.testing.assert_close(F.memory_assignment(query, keys, torch.tensor([2.0, -3.0]), 1.5), expected)


@pytest.mark.parametrize("scale", [1e-6, 1e6, 1e12])
@pytest.mark.parametrize("tau", [0.1, 100.0])
def test_extreme_features_stay_finite(scale, tau):
    query = (torch.randn(20, 8) * scale).requires_grad_()
    keys = torch.randn(2, 5, 8, requires_grad=True)
    assignment = F.memory_assignment(query, keys, torch.ones(2), tau)
    F.clustering_loss(assignment, [20]).backward()
    torch.testing.assert_close(assignment.sum(1), torch.ones(20))
    assert query.grad.isfinite().all() and keys.grad.isfinite().all()


def test_a_hard_assignment_has_a_finite_clustering_loss():
    assignment = torch.tensor([[1.0, 0.0], [1.0, 0.0]], requires_grad=True)
    loss = F.clustering_loss(assignment, [2])
    loss.backward()
    assert loss.item() == 0 and assignment.grad.isfinite().all()


@given(
    sizes=st.lists(st.integers(0, 5), min_size=1, max_size=5),
    num_keys=st.integers(1, 4),
    width=st.integers(1, 4),
)
@settings(deadline=None, max_examples=50)
def test_read_equals_loops(sizes, num_keys, width):
    assignment = torch.rand(sum(sizes), num_keys, dtype=torch.float64)
    query = torch.randn(sum(sizes), width, dtype=torch.float64)
    value, start = F.memory_read(assignment, query, sizes), 0
    for g, size in enumerate(sizes):
        for k in range(num_keys):
            for d in range(width):
                expected = sum(assignment[i, k] * query[i, d] for i in range(start, start + size))
                torch.testing.assert_close(value[g, k, d], torch.as_tensor(expected, dtype=torch.float64))
        start += size


@pytest.mark.parametrize("sizes", [[4], [1, 3], [2, 0, 2]])
def test_clustering_loss_equals_loops(sizes):
    assignment = torch.rand(4, 3, dtype=torch.float64).softmax(1)
    expected = clustering_loss_by_loops(assignment, sizes)
    assert F.clustering_loss(assignment, sizes).item() == pytest.approx(expected, rel=1e-12)


def test_no_gradient_flows_through_the_target():
    """With P constant, the gradient of KL is -P/C."""
    assignment = torch.rand(5, 3, dtype=torch.float64).softmax(1).requires_grad_()
    F.clustering_loss(assignment, [5]).backward()
    target = F.target_distribution(assignment, [5])
    assert not target.requires_grad
    torch.testing.assert_close(assignment.grad, -target / assignment.detach())


def test_the_sum_of_clustering_losses_does_not_depend_on_batching():
    assignment = torch.rand(9, 3, dtype=torch.float64).softmax(1)
    joint = 3 * F.clustering_loss(assignment, [4, 2, 3])
    apart = sum(F.clustering_loss(part, [len(part)]) for part in assignment.split([4, 2, 3]))
    torch.testing.assert_close(joint, apart)


def test_no_graph_at_all():
    empty = torch.empty(0, 3)
    assert F.clustering_loss(empty, []).item() == 0
    assert F.memory_read(empty, torch.empty(0, 2), []).shape == (0, 3, 2)


def test_gradcheck():
    query = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    keys = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    head_weight = torch.randn(2, dtype=torch.float64, requires_grad=True)

    def layer(query, keys, head_weight):
        assignment = F.memory_assignment(query, keys, head_weight, 1.5)
        return F.memory_read(assignment, query, [2, 0, 3])

    assert torch.autograd.gradcheck(layer, (query, keys, head_weight))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_scores_are_those_of_float32(dtype):
    query, keys = torch.randn(7, 16).to(dtype), torch.randn(2, 3, 16).to(dtype)
    scores = F.memory_scores(query, keys)
    assert scores.dtype == torch.float32
    assert torch.equal(scores, F.memory_scores(query.float(), keys.float()))
