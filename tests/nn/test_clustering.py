"""The clustering loss on graphs, and the coarsened graph."""

import dgl
import pytest
import torch
from dgl import DGLError
from graphs import random_graph

from dgl_memgnn import clustering_loss, coarsen


def test_clustering_loss_of_a_batch_is_the_mean_over_its_graphs():
    graphs = [random_graph(n) for n in (3, 1, 6, 0)]
    assignments = [torch.rand(g.num_nodes(), 4, dtype=torch.float64).softmax(1) for g in graphs]
    joint = clustering_loss(dgl.batch(graphs), torch.cat(assignments))
    torch.testing.assert_close(joint, sum(map(clustering_loss, graphs, assignments)) / 4)


def test_clustering_loss_of_a_stacked_layer():
    assignment = torch.rand(3, 5, 4, dtype=torch.float64).softmax(2)
    graph = dgl.batch([dgl.rand_graph(5, 8) for _ in range(3)])
    torch.testing.assert_close(clustering_loss(None, assignment), clustering_loss(graph, assignment.flatten(0, 1)))


def test_coarsen_equals_the_product_of_dense_matrices():
    graphs = [random_graph(4), random_graph(0), random_graph(7)]
    assignment = torch.rand(11, 3, requires_grad=True)
    coarse = coarsen(dgl.batch(graphs), assignment)
    assert coarse.batch_num_nodes().tolist() == [3, 3, 3]
    assert coarse.batch_num_edges().tolist() == [9, 9, 9]
    parts = dgl.unbatch(coarse)
    for part, graph, c in zip(parts, graphs, assignment.split([4, 0, 7])):
        adjacency = torch.zeros(len(c), len(c))
        for u, v in zip(*graph.edges()):
            adjacency[u, v] += 1
        dense = torch.zeros(3, 3)
        src, dst = part.edges()
        dense[src, dst] = part.edata["weight"]
        torch.testing.assert_close(dense, c.T @ adjacency @ c)
    coarse.edata["weight"].sum().backward()
    assert assignment.grad.isfinite().all()


def test_coarsening_twice_is_coarsening_by_the_product():
    graph = dgl.batch([random_graph(4), random_graph(7)])
    first, second = torch.rand(11, 3).double(), torch.rand(6, 2).double()
    coarse = coarsen(graph, first)
    twice = coarsen(coarse, second, coarse.edata["weight"])
    joint = torch.cat([c @ d for c, d in zip(first.split([4, 7]), second.split([3, 3]))])
    torch.testing.assert_close(twice.edata["weight"], coarsen(graph, joint).edata["weight"])
    with pytest.raises(DGLError, match=r"edge_weight of shape \(18\), a row for each edge; got shape \(9,\)"):
        coarsen(coarse, second, torch.ones(9))


def test_coarsen_of_no_graphs_and_under_transforms():
    empty = dgl.graph(([], []), num_nodes=0)
    empty.set_batch_num_nodes(torch.zeros(0, dtype=torch.int64))
    empty.set_batch_num_edges(torch.zeros(0, dtype=torch.int64))
    assert coarsen(empty, torch.rand(0, 3)).batch_size == 0
    graph, assignment, direction = random_graph(7), torch.rand(7, 3).double(), torch.rand(7, 3).double()

    def weight(c):
        return coarsen(graph, c).edata["weight"].square().sum()

    step = 1e-6 * direction
    expected = (weight(assignment + step) - weight(assignment - step)) / 2e-6
    torch.testing.assert_close((torch.func.grad(weight)(assignment) * direction).sum(), expected)
    many = torch.rand(5, 7, 3)
    batched = torch.func.vmap(lambda c: coarsen(graph, c).edata["weight"])(many)
    torch.testing.assert_close(batched, torch.stack([coarsen(graph, c).edata["weight"] for c in many]))


@pytest.mark.parametrize("idtype", [torch.int32, torch.int64])
def test_coarsen_keeps_the_index_type(idtype):
    graph = dgl.rand_graph(4, 9, idtype=idtype)
    assert coarsen(graph, torch.rand(4, 2)).idtype == idtype


def test_an_assignment_of_another_graph():
    for function in (clustering_loss, coarsen):
        with pytest.raises(DGLError, match=r"takes assignment of shape \(4, K\), .* got shape \(5, 2\)"):
            function(dgl.rand_graph(4, 9), torch.rand(5, 2))
