"""Equations 1-3, 9 and 10 against plain loops, closed forms and published figures."""

import math
from unittest import mock

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
            kernel = [
                (1 + sum((q - k) ** 2 for q, k in zip(query[i], key)) / tau) ** (-(tau + 1) / 2) for key in keys[h]
            ]
            for j in range(num_keys):
                scores[i, h, j] = kernel[j] / sum(kernel)
    return scores


def assignment_by_loops(query, keys, head_weight, tau, log_scores=False):
    scores = scores_by_loops(query, keys, tau)
    if log_scores:
        scores = scores.log()
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
        c = assignment[start : start + size].tolist()
        start += size
        columns = [sum(row[j] for row in c) for j in range(assignment.shape[1])]
        for row in c:
            sharp = [value**2 / column for value, column in zip(row, columns)]
            for value, s in zip(row, sharp):
                p = s / sum(sharp)
                loss += p * math.log(p / value)
    return loss / len(sizes)


@pytest.mark.parametrize("log_scores", [False, True])
@pytest.mark.parametrize("tau", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("num_heads, num_keys", [(1, 1), (1, 4), (3, 1), (3, 4)])
def test_assignment_equals_loops(num_heads, num_keys, tau, log_scores):
    query = torch.randn(6, 2, dtype=torch.float64)
    keys = torch.randn(num_heads, num_keys, 2, dtype=torch.float64)
    head_weight = torch.randn(num_heads, dtype=torch.float64)
    _, assignment = F.memory_pooling(query, keys, head_weight, [6], tau, log_scores)
    torch.testing.assert_close(assignment, assignment_by_loops(query, keys, head_weight, tau, log_scores))


def test_assignment_equals_pyg():
    """Computed once with torch_geometric 2.8.1: MemPooling(2, 3, heads=2, num_clusters=3, tau=1.5)."""
    query = torch.tensor([[0.5, 0.25], [-1.0, 2.0], [3.0, 0.0], [0.0, -0.5]])
    keys = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [-1.0, 0.0], [0.5, -1.0]]])
    expected = torch.tensor(
        [
            [0.2444275, 0.4555582, 0.3000143],
            [0.1942671, 0.1225253, 0.6832076],
            [0.1270381, 0.6799352, 0.1930268],
            [0.6287479, 0.2461563, 0.1250958],
        ]
    )
    _, assignment = F.memory_pooling(query, keys, torch.tensor([2.0, -3.0]), [4], 1.5)
    torch.testing.assert_close(assignment, expected)


@pytest.mark.parametrize("scale", [1e-6, 1e6, 1e12])
@pytest.mark.parametrize("tau", [0.1, 100.0])
def test_extreme_features_stay_finite(scale, tau):
    query = (torch.randn(20, 8) * scale).requires_grad_()
    keys = torch.randn(2, 5, 8, requires_grad=True)
    value, assignment = F.memory_pooling(query, keys, torch.ones(2), [20], tau)
    (F.clustering_loss(assignment, [20]) + value.mean() / scale).backward()
    torch.testing.assert_close(assignment.sum(1), torch.ones(20))
    assert query.grad.isfinite().all() and keys.grad.isfinite().all()


def test_a_distance_is_never_negative():
    """Two keys at a query of so large a norm that rounding errors of the squares are about 1: neither wins."""
    for _ in range(100):
        query = torch.randn(1, 8, dtype=torch.float64) * 2**24
        keys = torch.stack([query[0], torch.nextafter(query[0], torch.full_like(query[0], torch.inf))])
        value, assignment = F.memory_pooling(query, keys.unsqueeze(0), torch.full((1,), 10.0).double(), [1])
        assert 0.001 < assignment[0, 0].item() < 0.999


def test_a_hard_assignment_has_a_finite_clustering_loss():
    assignment = torch.tensor([[1.0, 0.0], [1.0, 0.0]], requires_grad=True)
    loss = F.clustering_loss(assignment, [2])
    loss.backward()
    assert loss.item() == 0 and assignment.grad.isfinite().all()


@pytest.mark.parametrize("detach", [True, False])
def test_a_saturated_assignment_has_the_gradients_of_its_logits(detach):
    """Against logarithms in float64, where no target underflows."""
    logits = torch.tensor([[0.0, -30.0, -60.0, -200.0], [0.0, -1.0, -2.0, -50.0]], requires_grad=True)
    exact = logits.detach().double().requires_grad_()
    log_assignment = exact.log_softmax(1)
    log_target = (2 * log_assignment - log_assignment.logsumexp(0)).log_softmax(1)
    log_target = log_target.detach() if detach else log_target
    expected = (log_target.exp() * (log_target - log_assignment)).sum()
    found = F.clustering_loss(logits.softmax(1), [2], detach)
    torch.testing.assert_close(found.double(), expected)
    (gradient,) = torch.autograd.grad(found, logits)
    torch.testing.assert_close(gradient.double(), torch.autograd.grad(expected, exact)[0], rtol=1e-5, atol=1e-7)


@given(
    sizes=st.lists(st.integers(0, 5), min_size=1, max_size=5),
    num_heads=st.integers(1, 3),
    num_keys=st.integers(1, 4),
    tau=st.sampled_from([0.5, 1.0, 4.0]),
    block_entries=st.sampled_from([1, 10, 1000]),
)
@settings(deadline=None, max_examples=60)
def test_value_and_gradients_equal_autograd(sizes, num_heads, num_keys, tau, block_entries):
    """Against the plain formulas, differentiated by torch, in blocks of any size."""

    def plain(query, keys, head_weight):
        distance = (query[:, None, None] - keys).square().sum(3)
        kernel = (1 + distance / tau) ** (-(tau + 1) / 2)
        scores = kernel / kernel.sum(2, keepdim=True)
        assignment = (scores * head_weight[:, None]).sum(1).softmax(1)
        parts = zip(assignment.split(sizes), query.split(sizes))
        return torch.stack([c.T @ q for c, q in parts]), assignment

    torch.manual_seed(0)
    arguments = [
        torch.randn(shape, dtype=torch.float64, requires_grad=True)
        for shape in [(sum(sizes), 2), (num_heads, num_keys, 2), (num_heads,)]
    ]
    expected = plain(*arguments)
    with mock.patch.object(F, "BLOCK_ENTRIES", block_entries):
        results = F.memory_pooling(*arguments, sizes, tau)
        weights = [torch.randn_like(x) for x in expected]
        for used in ([0], [1], [0, 1]):
            ours = torch.autograd.grad(
                [results[i] for i in used], arguments, [weights[i] for i in used], retain_graph=True
            )
            theirs = torch.autograd.grad(
                [expected[i] for i in used],
                arguments,
                [weights[i] for i in used],
                retain_graph=True,
                allow_unused=True,
            )
            for mine, reference in zip(ours, theirs):
                torch.testing.assert_close(mine, torch.zeros_like(mine) if reference is None else reference)
    for mine, reference in zip(results, expected):
        torch.testing.assert_close(mine, reference)


def test_float32_is_close_to_float64():
    """The expanded distance costs no more than float32 does anywhere: 1e-5 relative."""
    shapes = [(200, 100), (5, 10, 100), (5,)]
    arguments = [torch.randn(shape, requires_grad=True) for shape in shapes]
    exact = [x.detach().double().requires_grad_() for x in arguments]
    for mine, reference in zip(F.memory_pooling(*arguments, [120, 80]), F.memory_pooling(*exact, [120, 80])):
        torch.testing.assert_close(mine.double(), reference, rtol=1e-5, atol=1e-5 * reference.abs().max().item())


def offset_cases():
    """Queries and keys far from the origin, and near to each other or not."""

    def near(offset, *shape):
        return torch.randn(*shape, 16) + offset

    for offset in (100.0, -1000.0, 10000.0):
        query = near(offset, 60)
        spread = torch.cat([near(offset, 30), near(-offset, 30)])
        column = torch.randn(60, 16) + torch.tensor([0.0] * 15 + [offset])
        yield f"keys among the queries, {offset}", query, query[:8].clone().unsqueeze(0)
        yield (
            f"heads of keys here and there, {offset}",
            query,
            torch.stack([query[:8], near(0, 8), near(-offset, 8)]),
        )
        yield f"keys of one head here and there, {offset}", spread, spread[::6].clone().unsqueeze(0)
        yield f"graphs here and there, {offset}", spread, near(offset, 2, 8)
        yield f"keys far from the queries, {offset}", query, near(0, 2, 8)
        yield f"one column, {offset}", column, column[:8].clone().unsqueeze(0)


@pytest.mark.parametrize("log_scores", [False, True])
def test_an_offset_costs_no_digits(log_scores):
    """In float32, against differences of queries and keys in float64: the assignment, and its gradients."""
    torch.manual_seed(0)
    for name, query, keys in offset_cases():
        exact = [x.double().requires_grad_() for x in (query, keys)]
        distance = (exact[0][:, None, None] - exact[1]).square().sum(3)
        scores = 1 / (1 + distance)
        scores = scores / scores.sum(2, keepdim=True)
        weight = torch.full((len(keys),), 10.0 if not log_scores else 1.0)
        expected = ((scores.log() if log_scores else scores) * weight[:, None].double()).sum(1).softmax(1)
        given = [x.clone().requires_grad_() for x in (query, keys)]
        assignment = F.memory_pooling(*given, weight, [30, 30], log_scores=log_scores)[1]
        cotangent = torch.randn_like(expected)
        assert (assignment - expected).abs().max() < 1e-5, name
        found = torch.autograd.grad(assignment, given, cotangent.float())
        for mine, reference in zip(found, torch.autograd.grad(expected, exact, cotangent)):
            assert (mine - reference).norm() < 1e-3 * reference.norm(), name


@pytest.mark.parametrize("log_scores", [False, True])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("tau", [30.0, 1e4, 1e7, math.inf])
def test_a_large_tau_costs_no_digits(tau, offset, log_scores):
    """In float32, against the kernel's logarithm in float64: in the limit, that of a normal distribution."""
    torch.manual_seed(0)
    given = [(torch.randn(60, 16) + offset).requires_grad_(), (torch.randn(2, 8, 16) + offset).requires_grad_()]
    exact = [x.detach().double().requires_grad_() for x in given]
    distance = (exact[0][:, None, None] - exact[1]).square().sum(3)
    log_kernel = -distance / 2 if math.isinf(tau) else -(tau + 1) / 2 * torch.log1p(distance / tau)
    scores = log_kernel if log_scores else log_kernel.softmax(2)
    weight = torch.tensor([0.5, 1.0]) if log_scores else torch.tensor([5.0, 10.0])
    expected = (scores * weight[:, None].double()).sum(1).softmax(1)

    def assign(query, keys):
        return F.memory_pooling(query, keys, weight, [30, 30], tau, log_scores)[1]

    cotangent = torch.randn_like(expected)
    reference = torch.autograd.grad(expected, exact, cotangent)
    assignment = assign(*given)
    plain, pull = torch.func.vjp(assign, *given)
    found = torch.autograd.grad(assignment, given, cotangent.float()), pull(cotangent.float())
    for ours, gradients in zip((assignment, plain), found):
        assert (ours - expected).abs().max() < 1e-5
        assert all((a - b).norm() < 1e-4 * b.norm() for a, b in zip(gradients, reference))


def test_a_graph_far_from_the_origin_is_the_same_alone_and_in_a_batch():
    keys = torch.stack([torch.randn(4, 8) + 10000, torch.randn(4, 8)])
    queries = [torch.randn(5, 8) + offset for offset in (10000, 0, -10000)]
    joint = F.memory_pooling(torch.cat(queries), keys, torch.ones(2), [5, 5, 5])[1]
    alone = [F.memory_pooling(query, keys, torch.ones(2), [5])[1] for query in queries]
    torch.testing.assert_close(joint, torch.cat(alone))


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
    value, assignment = F.memory_pooling(torch.empty(0, 2), torch.randn(1, 3, 2), torch.ones(1), [])
    assert value.shape == (0, 3, 2) and assignment.shape == (0, 3)


@pytest.mark.parametrize("log_scores", [False, True])
@pytest.mark.parametrize("tau", [1.0, 1.5])
def test_gradcheck(tau, log_scores):
    query = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    keys = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    head_weight = torch.randn(2, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(
        lambda *x: F.memory_pooling(*x, [2, 0, 3], tau, log_scores), (query, keys, head_weight)
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype):
    query, keys = torch.randn(7, 16).to(dtype), torch.randn(2, 3, 16).to(dtype)
    value, assignment = F.memory_pooling(query, keys, torch.ones(2, dtype=dtype), [7])
    expected, expected_assignment = F.memory_pooling(query.float(), keys.float(), torch.ones(2), [7])
    assert value.dtype == dtype and torch.equal(value, expected.to(dtype))
    assert torch.equal(assignment, expected_assignment)
