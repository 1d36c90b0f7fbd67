"""GMN and MemGNN as whole networks."""

import dgl
import pytest
import torch
from dgl import DGLError
from graphs import random_graph

from dgl_memgnn import GMN, MemGNN, MemoryPooling, clustering_loss, coarsen
from dgl_memgnn.config import ModelConfig
from dgl_memgnn.models import NETWORKS, READOUTS, Widths


def make(name):
    if name == "GMN":
        return GMN(in_feats=5, topology_feats=8, hidden_feats=16, out_feats=3, num_keys=(6, 4, 1), dropout=0.2)
    return MemGNN(5, 8, 16, 3, num_layers=2, num_keys=(6, 4, 1), dropout=0.2)


def make_input(name, num_nodes):
    graph = random_graph(num_nodes)
    rows = num_nodes if name == "GMN" else graph.num_edges()
    return graph, torch.randn(num_nodes, 5), torch.randn(rows, 8)


@pytest.fixture(params=["GMN", "MemGNN"])
def name(request):
    return request.param


def test_shapes(name):
    graphs, feats, others = zip(*[make_input(name, n) for n in (4, 1, 9)])
    out, assignments = make(name)(dgl.batch(graphs), torch.cat(feats), torch.cat(others), get_assignments=True)
    assert out.shape == (3, 3)
    assert [c.shape for c in assignments] == [(14, 6), (3, 6, 4), (3, 4, 1)]


def test_a_graph_alone_equals_the_graph_in_a_batch(name):
    model = make(name).eval()
    inputs = [make_input(name, n) for n in (4, 1, 9)]
    graphs, feats, others = zip(*inputs)
    joint = model(dgl.batch(graphs), torch.cat(feats), torch.cat(others))
    torch.testing.assert_close(joint, torch.cat([model(*x) for x in inputs]))


def test_node_order_does_not_matter(name):
    model = make(name).eval()
    graph, feat, other = make_input(name, 9)
    order = torch.randperm(9)  # new node i is old node order[i]
    src, dst = (torch.argsort(order)[ends] for ends in graph.edges())
    permuted = dgl.graph((src, dst), num_nodes=9)
    torch.testing.assert_close(
        model(graph, feat, other), model(permuted, feat[order], other[order] if name == "GMN" else other)
    )


def test_all_parameters_but_single_keys_learn(name):
    model = make(name)
    graphs, feats, others = zip(*[make_input(name, n) for n in (4, 3, 9)])
    model(dgl.batch(graphs), torch.cat(feats), torch.cat(others)).square().sum().backward()
    still = {n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    single = {"readout.layers.2.keys", "readout.layers.2.head_weight"}
    assert single <= still
    assert not {n for n in still - single if "bias" not in n}


def test_dropout_reaches_the_query_network_and_the_head(name):
    model, inputs = make(name), make_input(name, 9)
    queried = inputs if name == "MemGNN" else inputs[1:]
    query, pooled = model.query(*queried), torch.randn(4, 16)
    assert not torch.allclose(model.query(*queried), query)
    assert not torch.allclose(model.head(pooled), model.head(pooled))
    model.eval()
    assert torch.equal(model.query(*queried), model.query(*queried))
    assert torch.equal(model.head(pooled), model.head(pooled))


def test_a_batch_of_one(name):
    """Has no variance to normalise by in training; otherwise it is as good as any."""
    model, single = make(name), make_input(name, 9)
    with pytest.raises(DGLError, match="cannot train on a single graph: put two or more into a batch"):
        model(*single)
    assert model.eval()(*single).isfinite().all()


def test_another_readout_of_gmn():
    model = GMN(5, 8, 16, 3, readout=dgl.nn.AvgPooling()).eval()
    graph, feat, topology = make_input("GMN", 9)
    out, assignments = model(graph, feat, topology, get_assignments=True)
    torch.testing.assert_close(out, model.head(model.query(feat, topology).mean(0, keepdim=True)))
    assert assignments == []


@pytest.mark.parametrize("readout", sorted(READOUTS))
@pytest.mark.parametrize("network", ["GMN", "MemGNN"])
def test_all_readouts_of_a_configuration(network, readout):
    """A graph's result is the same alone and in any batch, also of few nodes."""
    options = ModelConfig(network=network, readout=readout, hidden_feats=16, num_keys=[3, 1])
    model = NETWORKS[network].build(options, Widths(5, 8, 3, topology_feats=8), None, 0).eval()
    inputs = [make_input(network, n) for n in (4, 1, 9)]
    graphs, feats, others = zip(*inputs)
    joint = model(dgl.batch(graphs), torch.cat(feats), torch.cat(others))
    assert joint.shape == (3, 3)
    torch.testing.assert_close(joint, torch.cat([model(*each) for each in inputs]))


def test_another_readout():
    """The network is query, pooling and head; without memory layers there is no assignment."""
    model = MemGNN(5, 8, 16, 3, num_layers=2, readout=dgl.nn.SumPooling()).eval()
    graph, feat, edge_feat = make_input("MemGNN", 9)
    out, assignments = model(graph, feat, edge_feat, get_assignments=True)
    pooled = model.query(graph, feat, edge_feat).sum(0, keepdim=True)
    torch.testing.assert_close(out, model.head(pooled))
    assert assignments == []


def test_log_scores_reach_the_memory_layers(name):
    arguments = (5, 8, 16, 3) if name == "GMN" else (5, 8, 16, 3, 2)
    kind = {"GMN": GMN, "MemGNN": MemGNN}[name]
    plain, logarithmic = kind(*arguments).eval(), kind(*arguments, log_scores=True).eval()
    logarithmic.load_state_dict(plain.state_dict())
    graph, feat, other = make_input(name, 9)
    pooled = logarithmic.query(feat, other) if name == "GMN" else logarithmic.query(graph, feat, other)
    for network, log_scores in ((plain, False), (logarithmic, True)):
        own = network.readout.layers[0]
        layer = MemoryPooling(16, 16, own.keys.shape[1], own.keys.shape[0], log_scores=log_scores)
        layer.load_state_dict(own.state_dict(), strict=False)  # its normalisation is left out
        _, expected = layer(graph, pooled, get_assignment=True)
        _, (assignment, *_) = network(graph, feat, other, get_assignments=True)
        torch.testing.assert_close(assignment, expected)


def test_descriptors_join_the_pooled_graph():
    """The head's answer to the pooled graph with the standardised descriptors beside it, in any batch."""
    model = MemGNN(5, 8, 16, 3, num_layers=2, num_keys=(6, 1), descriptor_feats=4).eval()
    model.descriptor_norm.fit(torch.randn(20, 4))
    graphs, feats, others = zip(*[make_input("MemGNN", n) for n in (4, 1, 9)])
    graph, feat, other, descriptors = dgl.batch(graphs), torch.cat(feats), torch.cat(others), torch.randn(3, 4)
    pooled = model.readout(graph, model.query(graph, feat, other))
    expected = model.head(torch.cat([pooled, model.descriptor_norm(descriptors)], dim=1))
    joint = model(graph, feat, other, descriptors=descriptors)
    torch.testing.assert_close(joint, expected)
    alone = [model(*x, descriptors=d) for *x, d in zip(graphs, feats, others, descriptors.split(1))]
    torch.testing.assert_close(joint, torch.cat(alone))


@pytest.mark.parametrize(
    "expected, given, message",
    [
        (4, None, r"takes descriptors of shape \(1, 4\), a row for each graph; got None"),
        (4, (2, 4), r"shape \(1, 4\), a row for each graph; got shape \(2, 4\)"),
        (4, (1, 3), r"shape \(1, 4\), a row for each graph; got shape \(1, 3\)"),
        (0, (1, 4), "takes no descriptors: build it with descriptor_feats, their number"),
    ],
)
def test_descriptors_that_do_not_fit(expected, given, message):
    model = MemGNN(5, 8, 16, 3, num_layers=1, descriptor_feats=expected)
    with pytest.raises(DGLError, match=message):
        model(*make_input("MemGNN", 3), descriptors=None if given is None else torch.randn(given))


@pytest.mark.parametrize("edge_feats", [8, 0])
@pytest.mark.parametrize("update", ["skip", "gru"])
def test_autocast(edge_feats, update):
    """In bfloat16 the networks, with their gradients, and what is made of an assignment come close to float32."""
    model = MemGNN(5, edge_feats, 16, 3, num_layers=2, num_keys=(6, 1), update=update, descriptor_feats=2).eval()
    graph, feat, edge_feat = make_input("MemGNN", 9)
    inputs = (graph, feat, edge_feat if edge_feats else None)
    options = {"descriptors": torch.randn(1, 2), "get_assignments": True}
    expected, (assignment, _) = model(*inputs, **options)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, (half, _) = model(*inputs, **options)
        out.float().sum().backward()
        weight, loss = coarsen(graph, half).edata["weight"], clustering_loss(graph, half)
    torch.testing.assert_close(out.float(), expected, atol=0.05, rtol=0.05)
    torch.testing.assert_close(weight, coarsen(graph, half).edata["weight"])
    torch.testing.assert_close(loss, clustering_loss(graph, assignment), atol=0.01, rtol=0.05)


def test_autocast_of_gmn():
    model, inputs = make("GMN").eval(), make_input("GMN", 9)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(*inputs)
        out.float().sum().backward()
    torch.testing.assert_close(out.float(), model(*inputs), atol=0.05, rtol=0.05)
