"""Networks that read a topological embedding beside the node features."""

import dgl
import pytest
import torch
from dgl import DGLError
from graphs import random_graph
from torch.nn import functional as F

from dgl_memgnn import MemGNN
from dgl_memgnn.models.with_topology import WithTopology


def make():
    return WithTopology(MemGNN(5 + 16, 8, 16, 3, num_layers=2, num_keys=(6, 1)), 4, 16).eval()


def make_input(num_nodes):
    graph = random_graph(num_nodes)
    return graph, torch.randn(num_nodes, 5), torch.rand(num_nodes, 4), torch.randn(graph.num_edges(), 8)


def test_the_embedding_is_that_of_equation_6():
    model, (graph, feat, topology, edge_feat) = make(), make_input(9)
    embedded = F.leaky_relu(topology @ model.topology_fc.weight.T + model.topology_fc.bias, 0.2)
    expected = model.network(graph, torch.cat([embedded, feat], dim=1), edge_feat)
    out, assignments = model(graph, feat, topology, edge_feat, get_assignments=True)
    torch.testing.assert_close(out, expected)
    assert [c.shape for c in assignments] == [(9, 6), (1, 6, 1)]


def test_a_graph_alone_equals_the_graph_in_a_batch():
    model, inputs = make(), [make_input(n) for n in (4, 1, 9)]
    graphs, *others = zip(*inputs)
    joint = model(dgl.batch(graphs), *map(torch.cat, others))
    torch.testing.assert_close(joint, torch.cat([model(*each) for each in inputs]))


def test_an_embedding_that_does_not_fit():
    graph, feat, topology, edge_feat = make_input(9)
    with pytest.raises(DGLError, match="WithTopology"):
        make()(graph, feat, topology[:, :3], edge_feat)
