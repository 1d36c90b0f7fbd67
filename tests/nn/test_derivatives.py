"""Second derivatives, torch.func and forward mode, through every layer and network, in float64."""

import dgl
import pytest
import torch
from graphs import random_graph
from packaging.version import Version
from torch.utils.checkpoint import checkpoint

from dgl_memgnn import GMN, EdgeGATConv, MemGNN, MemoryPooling, MemoryReadout

SIZES = [3, 0, 2]


def case(name):
    """A network, its graph, and its further inputs, which require gradients."""
    torch.manual_seed(0)
    graph = dgl.batch([random_graph(n) for n in SIZES])
    feat, edge_feat = torch.randn(sum(SIZES), 4), torch.randn(graph.num_edges(), 3)
    memory = {"num_keys": (3, 1), "num_heads": 2}
    networks = {
        "MemoryPooling": lambda: (MemoryPooling(4, 2, 3, num_heads=2), feat),
        "MemoryPooling, tau": lambda: (MemoryPooling(4, 2, 3, tau=1.5, activation=torch.tanh), feat),
        "MemoryPooling, log_scores": lambda: (MemoryPooling(4, 2, 3, num_heads=2, log_scores=True), feat),
        "MemoryReadout": lambda: (MemoryReadout(4, 2, **memory, batch_norm=True), feat),
        "EdgeGATConv": lambda: (conv(), feat, edge_feat),
        "EdgeGATConv, edge_message": lambda: (conv(edge_message=True), feat, edge_feat),
        "EdgeGATConv, residual": lambda: (conv(residual=True, bias=False, activation=torch.tanh), feat, edge_feat),
        "GMN": lambda: (GMN(4, 3, 4, 2, **memory), feat, torch.rand(sum(SIZES), 3)),
        "MemGNN": lambda: (MemGNN(4, 3, 4, 2, 1, **memory), feat, edge_feat),
        "MemGNN, gru": lambda: (MemGNN(4, 3, 4, 2, 1, **memory, update="gru", edge_message=True), feat, edge_feat),
        "MemGNN, no edge features": lambda: (MemGNN(4, 0, 4, 2, 1, **memory), feat, None),
    }
    network, *inputs = networks[name]()
    inputs = [x if x is None else x.double().requires_grad_() for x in inputs]
    return network.double(), graph, inputs


def conv(**options):
    return EdgeGATConv(4, 3, 2, num_heads=2, allow_zero_in_degree=True, **options)


CASES = [
    "MemoryPooling",
    "MemoryPooling, tau",
    "MemoryPooling, log_scores",
    "MemoryReadout",
    "EdgeGATConv",
    "EdgeGATConv, edge_message",
    "EdgeGATConv, residual",
    "GMN",
    "MemGNN",
    "MemGNN, gru",
    "MemGNN, no edge features",
]


@pytest.fixture(params=CASES)
def name(request):
    return request.param


def as_function(network, graph, inputs):
    """The network as a function of its inputs and parameters, and all of these."""
    parameters = dict(network.named_parameters())
    given = [x for x in inputs if x is not None]

    def function(*values):
        state = dict(zip(parameters, values[len(given) :]))
        rest = list(values[: len(given)]) + [None] * (len(inputs) - len(given))
        return torch.func.functional_call(network, state, (graph, *rest))

    return function, [*given, *parameters.values()]


def test_gradgradcheck(name):
    function, values = as_function(*case(name))
    assert torch.autograd.gradcheck(function, values, fast_mode=True)
    assert torch.autograd.gradgradcheck(function, values, fast_mode=True)


def energy_of(network, graph, inputs):
    return lambda x: network.eval()(graph, x, *inputs[1:]).square().sum()


@pytest.mark.skipif(
    Version(torch.__version__) < Version("2.3"), reason="this torch transforms what DGL counts too"
)
def test_the_same_hessian_in_all_ways(name):
    """By double backward, vectorised, by torch.func and in forward mode, beside finite differences."""
    network, graph, inputs = case(name)
    energy, x = energy_of(network, graph, inputs), inputs[0].detach()

    def gradient(x):
        x = x.clone().requires_grad_()
        return torch.autograd.grad(energy(x), x)[0]

    step = torch.zeros_like(x)
    step[0, 0] = 1e-5
    differences = (gradient(x + step) - gradient(x - step)) / 2e-5
    expected = torch.autograd.functional.hessian(energy, x)
    torch.testing.assert_close(expected[0, 0], differences, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(torch.autograd.functional.hessian(energy, x, vectorize=True), expected)
    torch.testing.assert_close(torch.func.hessian(energy)(x), expected)
    torch.testing.assert_close(torch.func.jacrev(torch.func.grad(energy))(x), expected)


def test_jacobians_in_all_ways(name):
    network, graph, inputs = case(name)
    x, network = inputs[0].detach(), network.eval()
    function = lambda x: network(graph, x, *inputs[1:])  # noqa: E731
    expected = torch.autograd.functional.jacobian(function, x)
    for options in ({"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"}):
        torch.testing.assert_close(torch.autograd.functional.jacobian(function, x, **options), expected)


def test_checkpoints_give_the_same_gradient(name):
    network, graph, inputs = case(name)
    values = [x for x in (*inputs, *network.parameters()) if x is not None]
    plain, checkpointed = network(graph, *inputs), checkpoint(network, graph, *inputs, use_reentrant=False)
    gradients = (torch.autograd.grad(out.square().sum(), values) for out in (plain, checkpointed))
    for expected, found in zip(*gradients):
        torch.testing.assert_close(found, expected)


def test_an_ensemble_by_vmap(name):
    networks = [case(name)[0].eval() for _ in range(2)]
    _, graph, inputs = case(name)
    for network in networks:
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter)
    state = torch.func.stack_module_state(networks)
    call = lambda *state: torch.func.functional_call(networks[0], state, (graph, *inputs))  # noqa: E731
    expected = torch.stack([network(graph, *inputs) for network in networks])
    torch.testing.assert_close(torch.func.vmap(call)(*state), expected)


def test_a_penalty_on_the_gradient_reaches_the_layers_before():
    """Also through a frozen memory layer without an activation."""
    _, graph, (feat,) = case("MemoryPooling")
    before, pool = torch.nn.Linear(4, 3).double(), MemoryPooling(3, 4, 4, 2, activation=None).double()
    pool.requires_grad_(False)

    def penalty():
        out = pool(graph, torch.tanh(before(feat))).sum()
        (force,) = torch.autograd.grad(out, feat, create_graph=True)
        return force.square().sum()

    penalty().backward()
    weight = before.weight.detach()
    values = []
    for step in (1e-6, -2e-6):
        weight[0, 0] += step
        values.append(penalty().item())
    assert before.weight.grad[0, 0].item() == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-5)


def test_keys_that_depend_on_the_queries():
    """Each argument's gradient is its own, though one was made from the other."""
    from dgl_memgnn.nn.functional import memory_pooling

    def function(query):
        return memory_pooling(query, query[:3].square().unsqueeze(0), torch.ones(1).double(), [3, 2])

    query = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(function, [query])


def test_curvature_at_a_key():
    """A query that is a key: the distance is 0, its second derivative is not."""
    from dgl_memgnn.nn.functional import memory_pooling

    keys = torch.tensor([[[0.3, 0.7], [1.1, -0.2]]], dtype=torch.float64)
    energy = lambda x: memory_pooling(x, keys, torch.ones(1).double(), [1])[1][0, 0]  # noqa: E731

    def direct(x):
        kernel = 1 / (1 + (x - keys[0]).square().sum(1))
        return (kernel / kernel.sum()).softmax(0)[0]

    found, expected = (torch.autograd.functional.hessian(f, keys[:, 0].clone()) for f in (energy, direct))
    torch.testing.assert_close(found, expected)


def test_a_second_backward_and_another_place():
    """The fast gradient may be taken again, and does not depend on what else was taken."""
    network, graph, inputs = case("EdgeGATConv, edge_message")
    out = network(graph, *inputs).sum()
    first = torch.autograd.grad(out, inputs, retain_graph=True)
    with_graph = torch.autograd.grad(out, inputs, retain_graph=True, create_graph=True)
    second = torch.autograd.grad(out, inputs)
    for a, b, c in zip(first, second, with_graph):
        assert torch.equal(a, b)
        torch.testing.assert_close(a, c)
