"""What the benchmarks measure on: the real data sets where they are present, and graphs as large as theirs."""

import dgl
import torch

from dgl_memgnn.data import MoleculeNet, TUDataset
from dgl_memgnn.data.folder import find_file


def real_dataset(name, data_dir, **options):
    """A data set of the data folder, or None if it is not there. Nothing is downloaded."""
    file = "molnet/delaney-processed.csv" if name == "ESOL" else f"tu/{name}.zip"
    try:
        find_file([file], data_dir)
    except FileNotFoundError:
        return None
    return (MoleculeNet if name == "ESOL" else TUDataset)(name, data_dir=data_dir, **options)


def enzymes_sizes(num_graphs):
    return torch.randint(10, 61, (num_graphs,)).tolist()


def esol_sizes(num_graphs):
    return torch.randint(5, 31, (num_graphs,)).tolist()


def dd_sizes(num_graphs):
    """Mean and deviation of the logarithms, and the range, are those of DD (median 241, mean 284)."""
    return _log_normal(num_graphs, 5.42, 0.68, 30, 5748)


def reddit_sizes(num_graphs):
    """As dd_sizes for REDDIT-BINARY (median 305, mean 430); one graph is as large as its largest."""
    return _log_normal(num_graphs - 1, 5.41, 1.22, 6, 3782) + [3782]


def _log_normal(num_graphs, mean, std, low, high):
    return torch.empty(num_graphs).log_normal_(mean, std).round().clamp(low, high).int().tolist()


def ring_graphs(sizes, reach, node_feats, edge_feats):
    """Random features on rings in which each node is linked to the next ones, as far as it reaches."""
    for num_nodes in sizes:
        src = torch.arange(num_nodes).repeat_interleave(reach)
        dst = (src + torch.arange(1, reach + 1).repeat(num_nodes)) % num_nodes
        graph = dgl.to_bidirected(dgl.graph((src, dst), num_nodes=num_nodes))
        graph.ndata["feat"] = torch.randn(num_nodes, node_feats)
        graph.edata["feat"] = torch.randn(graph.num_edges(), edge_feats)
        yield graph
