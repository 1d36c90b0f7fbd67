"""Random walks with restart (equation 12) against its dense formula, and over whole data sets.

The dense formula is an inverse and a full sort of each row, of one graph after the other. Ours is given the same
graphs in one call, as for a data set, and one by one. The whole data sets are embedded in one call, without and
with a stored result; peak memory is the growth of a new process over that with the data set loaded.
"""
import multiprocessing
import resource
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import common  # before torch and DGL
import dgl
import numpy as np
import samples
import torch

from dgl_memgnn.transforms import RandomWalkWithRestart, embed

WIDTH, CONTINUE_PROB = 100, 0.1
LARGE = 300  # nodes above which graphs are compared
TRANSFORM = RandomWalkWithRestart(WIDTH, CONTINUE_PROB)


def dense_numpy(dtype, graph):
    num_nodes = graph.num_nodes()
    adjacency = np.zeros((num_nodes, num_nodes), dtype)
    adjacency[tuple(ids.numpy() for ids in graph.edges())] = 1
    scale = 1 / np.sqrt(np.maximum(adjacency.sum(1), 1))
    walk = CONTINUE_PROB * scale[:, None] * adjacency * scale
    rows = (1 - CONTINUE_PROB) * np.linalg.inv(np.eye(num_nodes, dtype=dtype) - walk)
    return np.sort(rows, axis=1)[:, : -WIDTH - 1 : -1]


def dense_torch(dtype, graph):
    num_nodes = graph.num_nodes()
    adjacency = torch.zeros(num_nodes, num_nodes, dtype=dtype)
    adjacency[graph.edges()] = 1
    scale = adjacency.sum(1).clamp(min=1) ** -0.5
    walk = CONTINUE_PROB * scale[:, None] * adjacency * scale
    rows = (1 - CONTINUE_PROB) * torch.linalg.inv(torch.eye(num_nodes, dtype=dtype) - walk)
    return rows.sort(descending=True)[0][:, :WIDTH]


DENSE = {
    "numpy float64": partial(dense_numpy, np.float64),
    "numpy float32": partial(dense_numpy, np.float32),
    "torch float64": partial(dense_torch, torch.float64),
    "torch float32": partial(dense_torch, torch.float32),
}


def against_dense(name, graphs):
    def one_by_one(function):
        return lambda: [function(graph) for graph in graphs]

    times = common.compare({
        "ours": lambda: embed(graphs, TRANSFORM),
        "ours, one by one": one_by_one(TRANSFORM),
        **{peer: one_by_one(function) for peer, function in DENSE.items()},
    }, seconds=0, warm_up=1)
    ratios = {f"{peer}/ours": times[peer].ms / times["ours"].ms for peer in DENSE}
    exact = (dense_numpy(np.float64, graph) for graph in graphs)
    return {
        "graphs": name,
        "number": len(graphs),
        "mean nodes": sum(graph.num_nodes() for graph in graphs) / len(graphs),
        "largest": max(graph.num_nodes() for graph in graphs),
        **{f"{contestant} ms": timing.ms for contestant, timing in times.items()},
        **ratios,
        "error": max(np.abs(graph.ndata["topology"][:, : rows.shape[1]].numpy() - rows).max()
                     for graph, rows in zip(graphs, exact)).item(),
    }


def whole(name, graphs):
    with tempfile.TemporaryDirectory() as folder:
        store = partial(embed, graphs, TRANSFORM, folder)
        store()
        (file,) = Path(folder).iterdir()
        times = common.compare({"compute": lambda: embed(graphs, TRANSFORM), "reload": store}, seconds=0, warm_up=0)
        stored = file.stat().st_size
    for graph in graphs:
        graph.ndata.pop("topology")
    return {
        "graphs": name,
        "number": len(graphs),
        "nodes": sum(graph.num_nodes() for graph in graphs),
        "edges": sum(graph.num_edges() for graph in graphs),
        "compute s": times["compute"].ms / 1e3,
        "reload s": times["reload"].ms / 1e3,
        "result MB": stored / 1e6,
        "peak MB": growth_in_new_process(graphs) / 1e6,
    }


def growth(graphs):
    before = peak()
    embed(graphs, TRANSFORM)
    return peak() - before


def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
