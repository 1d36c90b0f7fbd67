"""What holds for every graph: with loops, repeated edges, isolated nodes and empty graphs among them."""

import dgl
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dgl_memgnn import GMN, MemoryReadout, clustering_loss, coarsen
from dgl_memgnn.transforms import EMBEDDINGS

WIDTH = 4
drawn = settings(max_examples=25, deadline=None, derandomize=True)


@st.composite
def graphs(draw, simple=False):
    """Some graphs; if simple, undirected and without repeated edges, as embeddings need them."""
    made = []
    for size in draw(st.lists(st.integers(0, 6), min_size=1, max_size=4)):
        node = st.integers(0, max(size - 1, 0))
        edges = draw(st.lists(st.tuples(node, node), max_size=10 if size else 0))
        if simple:
            edges = sorted({pair for u, v in edges for pair in ((u, v), (v, u))})
        ends = torch.tensor(edges, dtype=draw(st.sampled_from([torch.int32, torch.int64]))).view(-1, 2).T
        made.append(dgl.graph(tuple(ends), num_nodes=size).long())
    return made


features = st.tuples(st.integers(0, 99), st.sampled_from([1e-6, 1e-3, 1.0, 1e3, 1e6]))


def draw_features(num_nodes, seed_and_scale):
    seed, scale = seed_and_scale
    return scale * torch.randn(num_nodes, 3, generator=torch.Generator().manual_seed(seed))


def shuffled(graph, seed):
    """The graph with its nodes in another order; new node i is old node order[i]."""
    order = torch.randperm(graph.num_nodes(), generator=torch.Generator().manual_seed(seed))
    src, dst = (torch.argsort(order)[ends] for ends in graph.edges())
    return dgl.graph((src, dst), num_nodes=graph.num_nodes()), order


def assert_close(actual, expected):
    """Up to float32, beside the largest number."""
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item() + 1e-6)


@drawn
@given(graphs(), features, st.sampled_from([(1,), (3, 1), (9, 4, 1)]), st.sampled_from([0.1, 1.0, 100.0]))
def test_readout(some, seed_and_scale, num_keys, tau):
    torch.manual_seed(0)
    readout = MemoryReadout(3, 5, num_keys, num_heads=2, tau=tau)
    feats = [draw_features(graph.num_nodes(), seed_and_scale) for graph in some]
    out, assignments = readout(dgl.batch(some), torch.cat(feats), get_assignments=True)
    assert out.isfinite().all()
    for assignment in assignments:
        assert (assignment >= 0).all()
        torch.testing.assert_close(assignment.sum(-1), torch.ones(assignment.shape[:-1]))
    for row, graph, feat in zip(out, some, feats):
        assert_close(row, readout(graph, feat)[0])
        other, order = shuffled(graph, seed=0)
        assert_close(row, readout(other, feat[order])[0])


@drawn
@given(graphs(simple=True), features, st.sampled_from(sorted(EMBEDDINGS)))
def test_gmn_on_its_embeddings(some, seed_and_scale, embedding):
    torch.manual_seed(0)
    embed = EMBEDDINGS[embedding](WIDTH)
    model = GMN(3, WIDTH, 8, 2, num_keys=(4, 1)).eval()
    feats = [draw_features(graph.num_nodes(), seed_and_scale) for graph in some]

    def predict(graph, feat):
        return model(graph, feat, embed(graph).ndata["topology"])

    out = predict(dgl.batch(some), torch.cat(feats))
    assert out.isfinite().all()
    for row, graph, feat in zip(out, some, feats):
        assert_close(row, predict(graph, feat)[0])
        other, order = shuffled(graph, seed=1)
        torch.testing.assert_close(embed(other).ndata["topology"], graph.ndata["topology"][order])
        assert_close(row, predict(other, feat[order])[0])


@drawn
@given(graphs(), st.integers(1, 5))
def test_coarsened_graphs(some, num_keys):
    """The weights of a graph are its edges, shared out; batched equals alone."""
    torch.manual_seed(0)
    assignments = [torch.randn(graph.num_nodes(), num_keys).softmax(1) for graph in some]
    together, assignment = dgl.batch(some), torch.cat(assignments)
    coarse = dgl.unbatch(coarsen(together, assignment))
    assert clustering_loss(together, assignment) > -1e-5
    for part, graph, own in zip(coarse, some, assignments):
        torch.testing.assert_close(part.edata["weight"].sum(), torch.tensor(float(graph.num_edges())))
        torch.testing.assert_close(part.edata["weight"], coarsen(graph, own).edata["weight"])
        other, order = shuffled(graph, seed=2)
        torch.testing.assert_close(part.edata["weight"], coarsen(other, own[order]).edata["weight"])
