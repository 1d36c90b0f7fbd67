"""Random walks with restart (equation 12) against its dense formula, and over whole data sets.

The dense formula is an inverse and a full sort of each row. It is timed on graphs of some sizes, against ours on
the same graph; and, in the form that is fastest on large graphs, once on all large graphs of a data set, one after
the other, against ours on all in one call. Whole data sets are embedded without and with a stored result. Peak
memory is that of a new process.
"""

import multiprocessing
import resource
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter

import common  # before torch and DGL
import dgl
import numpy as np
import samples
import torch

from dgl_memgnn.data import TUDataset, find_file
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
FASTEST = "torch float32"  # on graphs of thousands of nodes


def by_size(name, graphs, quantiles):
    graphs = large(graphs)
    for quantile in quantiles:
        graph = graphs[int(quantile * len(graphs))]
        contestants = {"ours": partial(TRANSFORM, graph), **{n: partial(f, graph) for n, f in DENSE.items()}}
        times = common.compare(contestants, seconds=0.2, warm_up=1)
        exact = dense_numpy(np.float64, graph)
        yield {
            "graph of": f"{name}, {quantile:.0%} quantile",
            "nodes": graph.num_nodes(),
            **{f"{contestant} ms": timing.ms for contestant, timing in times.items()},
            "fastest/ours": min(times[peer].ms for peer in DENSE) / times["ours"].ms,
            "slowest/ours": max(times[peer].ms for peer in DENSE) / times["ours"].ms,
            "error": np.abs(graph.ndata["topology"][:, : exact.shape[1]].numpy() - exact).max().item(),
        }


def all_large(name, graphs):
    graphs = large(graphs)
    ours = common.compare({"ours": lambda: embed(graphs, TRANSFORM)}, seconds=0, warm_up=1)["ours"].ms / 1e3
    start = perf_counter()
    for graph in graphs:
        DENSE[FASTEST](graph)
    dense = perf_counter() - start
    return {
        "graphs": name,
        "number": len(graphs),
        "mean nodes": sum(graph.num_nodes() for graph in graphs) / len(graphs),
        "largest": graphs[-1].num_nodes(),
        "ours s": ours,
        f"{FASTEST} s": dense,
        f"{FASTEST}/ours": dense / ours,
    }


def large(graphs):
    """Graphs above the limit, by size."""
    return sorted((graph for graph in graphs if graph.num_nodes() > LARGE), key=dgl.DGLGraph.num_nodes)


def whole(name, graphs):
    with tempfile.TemporaryDirectory() as folder:
        store = partial(embed, graphs, TRANSFORM, folder)
        store()
        (file,) = Path(folder).iterdir()
        contestants = {"compute": lambda: embed(graphs, TRANSFORM), "reload": store}
        times = common.compare(contestants, seconds=0, warm_up=0)
        stored = file.stat().st_size
    return {
        "graphs": name,
        "number": len(graphs),
        "nodes": sum(graph.num_nodes() for graph in graphs),
        "edges": sum(graph.num_edges() for graph in graphs),
        "compute s": times["compute"].ms / 1e3,
        "reload s": times["reload"].ms / 1e3,
        "result MB": stored / 1e6,
    }


def memory(load):
    """Peak MB of a new process. It inherits the size of this one, which must not have loaded anything yet."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        loaded, embedded = executor.submit(peaks, load).result()
    return {"peak MB, loaded": loaded / 1e6, "peak MB, embedded": embedded / 1e6}


def peaks(load):
    """Peak bytes of this process after loading the graphs, and after embedding them."""
    graphs = load()
    loaded = peak()
    embed(graphs, TRANSFORM)
    return loaded, peak()


def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def protein(num_nodes):
    """A chain whose residues are linked to the next two and, half of them, to one close by: mean degree 5."""
    node = torch.arange(num_nodes)
    chord = node[::2]
    src = torch.cat([node, node, chord])
    dst = torch.cat([node + 1, node + 2, chord + torch.randint(3, 20, chord.shape)])
    return dgl.to_bidirected(dgl.graph((src, dst % num_nodes), num_nodes=num_nodes))


def thread(num_nodes):
    """A tree of stars: a few authors to whom the others reply, the more to the earlier ones."""
    hubs = max(1, num_nodes // 40)
    node = torch.arange(1, num_nodes)
    parent = (torch.rand(num_nodes - 1) ** 2 * node.clamp(max=hubs)).long()
    return dgl.to_bidirected(dgl.graph((parent, node), num_nodes=num_nodes))


def synthetic(build, sizes, number, largest):
    torch.manual_seed(0)
    return [build(size) for size in sizes(number) if size <= largest]


def real(name, data_dir):
    return TUDataset(name, data_dir).graphs


def present(name, data_dir):
    try:
        return find_file([f"tu/{name}.zip"], data_dir)
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    parser = common.argument_parser(__doc__)
    parser.add_argument("--data-dir", help="folder with tu/DD.zip and others; default: $DGL_MEMGNN_DATA")
    args = parser.parse_args()
    number, largest, quantiles = (60, 400, [0.5]) if args.quick else (1000, 5748, [0.5, 0.9])
    synthetic_sets = {
        "like DD": partial(synthetic, protein, samples.dd_sizes, number, largest),
        "like REDDIT-BINARY": partial(synthetic, thread, samples.reddit_sizes, number, largest),
    }
    names = [] if args.quick else [n for n in ("DD", "REDDIT-BINARY", "COLLAB") if present(n, args.data_dir)]
    real_sets = {name: partial(real, name, args.data_dir) for name in names}
    sets = real_sets or synthetic_sets
    peak_memory = {name: memory(load) for name, load in sets.items()}

    sizes, together, totals = [], [], []
    for name, load in {**synthetic_sets, **real_sets}.items():
        graphs = load()
        if name != "COLLAB":  # it has few large graphs, of at most 492 nodes
            sizes += by_size(name, graphs, quantiles)
        if name in sets:
            if name != "COLLAB":
                together.append(all_large(name, graphs))
            totals.append({**whole(name, graphs), **peak_memory[name]})
    parameters = f"width {WIDTH}, p = {CONTINUE_PROB}, tol = {TRANSFORM.tol:g}"
    tables = [
        {
            "title": f"One graph, of those over {LARGE} nodes, {parameters}",
            "rows": sizes,
            "notes": ["error: the largest of an entry, against the dense formula in float64."],
        },
        {
            "title": f"All graphs over {LARGE} nodes, {parameters}",
            "rows": together,
        },
        {
            "title": f"Whole data sets in one call, {parameters}",
            "rows": totals,
            "notes": [
                "reload: reading the stored result, finding it by the edges included.",
                "peak: the largest resident size of a new process; embedded, with graphs and result.",
            ],
        },
    ]
    common.report("embedding", tables, args)
