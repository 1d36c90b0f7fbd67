"""Edges that SampleEdges keeps, against the inverse matrix of equation 12 and what sampling promises."""

import dgl
import numpy as np
import pytest
import torch
from dgl import DGLError

from dgl_memgnn.transforms import SampleEdges


def some_graph(num_nodes=30, num_edges=80, seed=0):
    """An undirected graph without loops, with features, whose nodes differ in degree."""
    rng = np.random.default_rng(seed)
    src, dst = rng.integers(0, num_nodes, num_edges) ** 2 // num_nodes, rng.integers(0, num_nodes, num_edges)
    graph = dgl.to_bidirected(dgl.graph((src[src != dst], dst[src != dst]), num_nodes=num_nodes))
    graph.ndata["x"] = torch.arange(num_nodes)
    ends = torch.stack(graph.edges())
    graph.edata["pair"] = ends.min(dim=0).values * 1000 + ends.max(dim=0).values
    return graph


def pairs(graph):
    """The pairs of nodes that are joined, and a check that both directions are there."""
    src, dst = (ends.tolist() for ends in graph.edges())
    both = set(zip(src, dst))
    assert both == {(b, a) for a, b in both} and len(both) == graph.num_edges()
    return {(a, b) for a, b in both if a <= b}


@pytest.mark.parametrize("by", ["random", "rwr"])
@pytest.mark.parametrize("fraction", [0.1, 0.3, 1.0])
def test_keeps_that_share_with_all_features(by, fraction):
    graph = some_graph()
    sampled = SampleEdges(fraction, by)(graph)
    assert pairs(sampled) <= pairs(graph)
    assert len(pairs(sampled)) == int(np.ceil(fraction * len(pairs(graph))))
    assert torch.equal(sampled.ndata["x"], graph.ndata["x"])
    src, dst = sampled.edges()
    assert torch.equal(sampled.edata["pair"], torch.minimum(src, dst) * 1000 + torch.maximum(src, dst))
    assert graph.num_edges() == some_graph().num_edges()


@pytest.mark.parametrize("continue_prob", [0.1, 0.6])
def test_scores_are_those_of_equation_12(continue_prob):
    graph = some_graph()
    adjacency = np.zeros((30, 30))
    for a, b in pairs(graph):
        adjacency[a, b] = adjacency[b, a] = 1
    degree = np.maximum(adjacency.sum(axis=1), 1)
    normalized = adjacency / np.sqrt(np.outer(degree, degree))
    score = (1 - continue_prob) * np.linalg.inv(np.eye(30) - continue_prob * normalized)
    kept = pairs(SampleEdges(0.25, "rwr", continue_prob)(graph))
    lowest = min(score[pair] for pair in kept)
    assert all(score[pair] <= lowest + 2e-6 for pair in pairs(graph) - kept)
    assert lowest > np.median([score[pair] for pair in pairs(graph)])


@pytest.mark.parametrize("by", ["random", "rwr"])
def test_graphs_of_a_batch_do_not_see_each_other(by):
    graphs = [some_graph(seed=1), dgl.graph(([], []), num_nodes=2), some_graph(50, 200, seed=2)]
    graphs[1].ndata["x"], graphs[1].edata["pair"] = torch.arange(2), torch.empty(0, dtype=torch.int64)
    sample = SampleEdges(0.2, by)
    batch = sample(dgl.batch(graphs))
    for of_batch, alone in zip(dgl.unbatch(batch), map(sample, graphs)):
        assert pairs(of_batch) == pairs(alone) and of_batch.num_nodes() == alone.num_nodes()


def test_random_edges_depend_on_the_seed_and_are_even():
    graph = some_graph()
    counts = dict.fromkeys(pairs(graph), 0)
    for seed in range(400):
        for pair in pairs(SampleEdges(0.5, seed=seed)(graph)):
            counts[pair] += 1
    assert 150 < min(counts.values()) and max(counts.values()) < 250
    assert pairs(SampleEdges(0.5, seed=3)(graph)) == pairs(SampleEdges(0.5, seed=3)(graph))


def test_ties_are_broken_at_random():
    ring = dgl.to_bidirected(dgl.graph((torch.arange(40), (torch.arange(40) + 1) % 40)))
    kept = [pairs(SampleEdges(0.25, "rwr", seed=seed)(ring)) for seed in range(5)]
    assert len(set().union(*kept)) > 20


def test_a_share_of_whole_edges_is_not_rounded_up():
    star = dgl.to_bidirected(dgl.graph(([0] * 10, list(range(1, 11)))))
    assert len(pairs(SampleEdges(0.1)(star))) == 1
    assert len(pairs(SampleEdges(0.3)(star))) == 3


def test_self_loops_are_edges_and_integers_keep_their_width():
    graph = dgl.add_self_loop(some_graph()).int()
    sampled = SampleEdges(0.5)(graph)
    assert sampled.idtype == torch.int32
    assert len(pairs(sampled)) == int(np.ceil(0.5 * len(pairs(graph))))


@pytest.mark.parametrize(
    "options", [{"fraction": 0.0}, {"fraction": 1.1}, {"by": "degree"}, {"continue_prob": 1.0}]
)
def test_refuses_values_out_of_range(options):
    with pytest.raises(ValueError, match=next(iter(options)) if "by" not in options else "degree"):
        SampleEdges(**options)


def test_refuses_a_directed_graph():
    with pytest.raises(DGLError, match="undirected"):
        SampleEdges()(dgl.graph(([0, 1], [1, 2])))
