"""Graphs for tests."""

import dgl
import torch


def random_graph(num_nodes, idtype=torch.int64):
    """A directed graph of twice as many edges as nodes; loops and repeated edges may occur."""
    ends = torch.randint(max(num_nodes, 1), (2, 2 * num_nodes), dtype=idtype)
    return dgl.graph(tuple(ends), num_nodes=num_nodes)
