"""The memory layer on batched graphs."""

import dgl
import pytest
import torch
from dgl import DGLError
from graphs import random_graph

from dgl_memgnn import MemoryPooling, MemoryReadout


def random_graphs(sizes, idtype=torch.int64):
    return [random_graph(n, idtype) for n in sizes]


def randomised(layer):
    """With heads that count differently, so that a mix-up of heads shows."""
    for module in layer.modules():
        if isinstance(module, MemoryPooling):
            torch.nn.init.normal_(module.head_weight, std=3.0)
    return layer


@pytest.mark.parametrize("num_heads, num_keys", [(1, 1), (1, 4), (3, 1), (3, 4)])
def test_equations_3_and_4(num_heads, num_keys):
    layer = randomised(MemoryPooling(6, 5, num_keys, num_heads))
    graph, feat = dgl.batch(random_graphs([3, 7])), torch.randn(10, 6)
    out, assignment = layer(graph, feat, get_assignment=True)
    torch.testing.assert_close(assignment.sum(1), torch.ones(10))
    for g, nodes in enumerate([range(3), range(3, 10)]):
        for k in range(num_keys):
            value = sum(assignment[i, k] * feat[i] for i in nodes)
            hidden = value @ layer.fc.weight.T + layer.fc.bias
            torch.testing.assert_close(out[g, k], torch.where(hidden > 0, hidden, 0.2 * hidden))


def test_one_key_is_a_projected_sum():
    layer = MemoryPooling(4, 3, num_keys=1, num_heads=5, activation=None)
    graph, feat = dgl.batch(random_graphs([2, 5])), torch.randn(7, 4)
    expected = layer.fc(dgl.ops.segment_reduce(graph.batch_num_nodes(), feat))
    torch.testing.assert_close(layer(graph, feat).squeeze(1), expected)


@pytest.mark.parametrize("idtype", [torch.int32, torch.int64])
@pytest.mark.parametrize("sizes", [[0, 4, 9], [4, 0, 9], [4, 9, 0], [0], [0, 0], [1], [1, 1, 30]])
def test_a_graph_alone_equals_the_graph_in_a_batch(sizes, idtype):
    readout = randomised(MemoryReadout(6, 5, num_keys=(4, 2, 1), num_heads=3))
    graphs = random_graphs(sizes, idtype)
    feats = [torch.randn(n, 6) for n in sizes]
    joint = readout(dgl.batch(graphs), torch.cat(feats))
    alone = torch.cat([readout(graph, feat) for graph, feat in zip(graphs, feats)])
    assert joint.isfinite().all()
    torch.testing.assert_close(joint, alone)


@pytest.mark.parametrize("log_scores", [False, True])
def test_a_readout_is_its_layers(log_scores):
    """Built alone with the same options, and given the same weights."""
    options = {"num_heads": 3, "tau": 2.0, "log_scores": log_scores}
    readout = randomised(MemoryReadout(6, 5, num_keys=(4, 1), **options))
    layers = MemoryPooling(6, 5, 4, **options), MemoryPooling(5, 5, 1, **options)
    for layer, own in zip(layers, readout.layers):
        layer.load_state_dict(own.state_dict())
    graph, feat = dgl.batch(random_graphs([3, 7])), torch.randn(10, 6)
    out, (first, _) = readout(graph, feat, get_assignments=True)
    hidden, expected = layers[0](graph, feat, get_assignment=True)
    assert torch.equal(first, expected)
    assert torch.equal(out, layers[1](None, hidden).squeeze(1))


def test_means_are_sums_over_the_number_of_queries():
    graph, feat = dgl.batch(random_graphs([3, 0, 7])), torch.randn(10, 6)
    sums = MemoryPooling(6, 5, num_keys=4, activation=None, bias=False)
    means = MemoryPooling(6, 5, num_keys=4, activation=None, bias=False, mean=True)
    means.load_state_dict(sums.state_dict())
    expected = sums(graph, feat) / torch.tensor([3.0, 1.0, 7.0])[:, None, None]
    torch.testing.assert_close(means(graph, feat), expected)
    stacked = feat.view(2, 5, 6)
    torch.testing.assert_close(means(None, stacked), sums(None, stacked) / 5)
    readout = MemoryReadout(6, 5, (4, 1), mean=True)
    assert all(layer.mean for layer in readout.layers)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("num_keys", [1, 2])
def test_means_in_half_precision_are_rounded_once(num_keys, dtype):
    """Sums of so many nodes are beyond the range of float16, and their number beyond the digits of bfloat16."""
    sizes = [20033, 259]
    layer = MemoryPooling(16, 16, num_keys, activation=None, mean=True).to(dtype)
    layer.fc = torch.nn.Identity()
    feat = (10 + torch.randn(sum(sizes), 16)).to(dtype)
    out, assignment = layer(dgl.batch(random_graphs(sizes)), feat, get_assignment=True)
    parts = zip(assignment.double().split(sizes), feat.double().split(sizes))
    expected = torch.stack([c.t() @ q / len(q) for c, q in parts])
    torch.testing.assert_close(out.double(), expected, rtol=0.51 * torch.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_readout_of_rows_reads_them_side_by_side(batch_norm):
    graph, feat = dgl.batch([dgl.rand_graph(n, 9) for n in (4, 7, 5)]), torch.randn(16, 6)
    readout = MemoryReadout(6, 8, num_keys=(5, 3, 1), num_heads=2, batch_norm=batch_norm, concat=True)
    out, assignments = readout(graph, feat, get_assignments=True)
    rows = readout.layers[1](None, readout.layers[0](graph, feat))
    assert [tuple(c.shape) for c in assignments] == [(16, 5), (3, 5, 3)]
    fc = readout.concat[1]
    expected = torch.stack([fc.weight @ torch.cat(list(row)) for row in rows])
    if batch_norm:
        expected = (expected - expected.mean(dim=0)) / (expected.var(dim=0, unbiased=False) + 1e-5).sqrt()
    else:
        expected = expected + fc.bias
    torch.testing.assert_close(out, torch.nn.functional.leaky_relu(expected, 0.2), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="no rows to concat"):
        MemoryReadout(6, 8, num_keys=(1,), concat=True)


def test_an_empty_graph_gets_the_answer_to_a_zero_value():
    layer = MemoryPooling(6, 5, num_keys=4)
    out = layer(dgl.batch(random_graphs([3, 0])), torch.randn(3, 6))
    torch.testing.assert_close(out[1], layer.activation(layer.fc.bias).expand(4, 5))


def test_node_order_does_not_matter():
    readout = randomised(MemoryReadout(6, 5, num_heads=3))
    graph, feat, order = dgl.rand_graph(12, 30), torch.randn(12, 6), torch.randperm(12)
    torch.testing.assert_close(readout(graph, feat), readout(graph, feat[order]))


def test_stacked_use_equals_a_batch_of_equal_graphs():
    layer = randomised(MemoryPooling(6, 5, num_keys=4, num_heads=3))
    feat = torch.randn(3, 7, 6)
    stacked, stacked_assignment = layer(None, feat, get_assignment=True)
    graph, assignment = layer(dgl.batch(random_graphs([7] * 3)), feat.flatten(0, 1), get_assignment=True)
    torch.testing.assert_close(stacked, graph)
    torch.testing.assert_close(stacked_assignment.flatten(0, 1), assignment)


def test_gradcheck():
    layer = MemoryPooling(3, 2, num_keys=4, num_heads=2, tau=1.5).double()
    graph = dgl.batch(random_graphs([2, 0, 3]))
    feat = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    parameters = dict(layer.named_parameters())

    def run(feat, *values):
        return torch.func.functional_call(layer, dict(zip(parameters, values)), (graph, feat))

    assert torch.autograd.gradcheck(run, (feat, *parameters.values()))


def test_bfloat16():
    layer = MemoryPooling(16, 8, num_keys=4, num_heads=2)
    graph, feat = dgl.batch(random_graphs([5, 9])), torch.randn(14, 16)
    expected = layer(graph, feat)
    out = layer.to(torch.bfloat16)(graph, feat.to(torch.bfloat16))
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), expected, atol=0.1, rtol=0.05)
    out.sum().backward()


def test_autocast():
    readout = MemoryReadout(16, 8, num_heads=2)
    graph, feat = dgl.batch(random_graphs([5, 9])), torch.randn(14, 16)
    expected = readout(graph, feat)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = readout(graph, feat)
        out.float().sum().backward()
    torch.testing.assert_close(out.float(), expected, atol=0.1, rtol=0.05)


def test_a_heterograph_with_one_node_type():
    layer = MemoryPooling(4, 3, num_keys=2)
    edges = (torch.tensor([0, 1]), torch.tensor([1, 2]))
    graph = dgl.heterograph({("atom", "bond", "atom"): edges, ("atom", "close", "atom"): edges})
    assert layer(graph, torch.randn(3, 4)).shape == (1, 2, 3)


def test_several_node_types_are_ambiguous():
    edges = (torch.tensor([0, 1]), torch.tensor([1, 2]))
    graph = dgl.heterograph({("atom", "in", "ring"): edges})
    with pytest.raises(DGLError, match="node type"):
        MemoryPooling(4, 3, num_keys=2)(graph, torch.randn(3, 4))


def test_features_stay_out_of_the_graph():
    graph = dgl.rand_graph(5, 8)
    MemoryReadout(4, 3)(graph, torch.randn(5, 4))
    assert not graph.ndata and not graph.edata


def test_dropout_only_in_training():
    layer = MemoryPooling(16, 3, num_keys=2, feat_drop=0.5)
    graph, feat = dgl.rand_graph(5, 8), torch.randn(5, 16)
    assert not torch.equal(layer(graph, feat), layer(graph, feat))
    layer.eval()
    assert torch.equal(layer(graph, feat), layer(graph, feat))


@pytest.mark.parametrize("name", ["in_feats", "out_feats", "num_keys", "num_heads"])
def test_sizes_are_positive(name):
    with pytest.raises(ValueError, match=name):
        MemoryPooling(**{"in_feats": 3, "out_feats": 3, "num_keys": 2, "num_heads": 1, name: 0})


def test_wrong_arguments():
    layer, graph = MemoryPooling(4, 3, num_keys=2), dgl.rand_graph(5, 8)
    for tau in (0, -1.0, float("nan"), None):
        with pytest.raises(ValueError, match="a positive number as tau, got"):
            MemoryPooling(4, 3, num_keys=2, tau=tau)
    with pytest.raises(DGLError, match=r"\(5, 4\), a row for each node; got shape \(5, 5\)"):
        layer(graph, torch.randn(5, 5))
    with pytest.raises(DGLError, match=r"\(5, 4\)"):
        layer(graph, torch.randn(6, 4))
    with pytest.raises(DGLError, match=r"\(B, M, 4\); got shape \(5, 4\)"):
        layer(None, torch.randn(5, 4))
    with pytest.raises(ValueError, match="end in 1"):
        MemoryReadout(4, 3, num_keys=(8, 2))


def test_repr():
    text = repr(MemoryPooling(4, 3, num_keys=2, num_heads=5))
    assert "in_feats=4, out_feats=3, num_keys=2, num_heads=5, tau=1.0" in text


def test_reset_parameters_draws_anew():
    readout = MemoryReadout(4, 3, batch_norm=True)
    before = readout.layers[0].keys.clone()
    readout(dgl.batch(random_graphs([3, 4])), torch.randn(7, 4))
    readout.reset_parameters()
    assert not torch.equal(before, readout.layers[0].keys)
    assert readout.layers[0].activation[0].running_mean.abs().sum() == 0
