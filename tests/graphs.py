"""Graphs for tests."""

import dgl
import torch


def random_graph(num_nodes, idtype=torch.int64):
    """A directed graph of twice as many edges as nodes; loops and repeated edges may occur."""
    ends = torch.randint(max(num_nodes, 1), (2, 2 * num_nodes), dtype=idtype)
    return dgl.graph(tuple(ends), num_nodes=num_nodes)


def write_graphs(folder, labels):
    """A TU set TINY in a data folder: paths of 2 to 4 nodes, whose labels are as given."""
    (folder / "tu" / "TINY").mkdir(parents=True, exist_ok=True)
    edges, graph_of = [], []
    for graph in range(len(labels)):
        first = len(graph_of) + 1
        graph_of += [graph + 1] * (2 + graph % 3)
        path = [(node, node + 1) for node in range(first, len(graph_of))]
        edges += [f"{a}, {b}\n{b}, {a}" for a, b in path]
    for name, lines in {"A": edges, "graph_indicator": graph_of, "graph_labels": labels}.items():
        (folder / "tu" / "TINY" / f"TINY_{name}.txt").write_text("\n".join(map(str, lines)))
