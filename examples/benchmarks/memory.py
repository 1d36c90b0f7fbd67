"""Peak memory of one forward and backward pass of MemoryPooling, and of torch_geometric's MemPooling.

Each case runs in a process of its own. Its figure is the growth of the process's largest resident size over
that after imports, inputs and a small first step.
"""

import multiprocessing
import resource
import sys
from concurrent.futures import ProcessPoolExecutor

import common  # before torch and DGL
import dgl
import torch

from dgl_memgnn import MemoryPooling

WIDTH, HEADS, KEYS = 64, 5, 16
LIMIT = 8e9  # bytes above which PyG is not run
PYG = common.torch_geometric()


def ours(sizes, keys):
    pool = MemoryPooling(WIDTH, WIDTH, keys, HEADS, bias=False, activation=None)
    graph = dgl.batch([dgl.graph(([], []), num_nodes=n) for n in sizes])
    return pool, lambda query: pool(graph, query)


def pyg(sizes, keys):
    pool = PYG.nn.MemPooling(WIDTH, WIDTH, HEADS, keys)
    batch = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    return pool, lambda query: pool(query, batch)[0]


def step(build, sizes, keys):
    pool, forward = build(sizes, keys)
    query = torch.randn(sum(sizes), WIDTH, requires_grad=True)
    grad = torch.randn(len(sizes), keys, WIDTH)
    return lambda: torch.autograd.grad(forward(query), [query, *pool.parameters()], grad)


def growth(build, sizes, keys):
    """Bytes that a step adds to the peak of this process."""
    step(build, [10, 20], keys)()
    measured = step(build, sizes, keys)
    before = peak()
    measured()
    return peak() - before


def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def in_new_process(*case):
    """The growth of a new process. It inherits the peak of this one, which must do nothing but import."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as executor:
        return executor.submit(growth, *case).result()


def minimum(nodes, keys):
    """Bytes of the scores and the queries in float32: 4 (N H K + N D)."""
    return 4 * nodes * (HEADS * keys + WIDTH)


def against_pyg(batches):
    """What PyG would need follows from the first batch, a graph without padding, by the number of padded nodes."""
    pyg_over_minimum = None
    for name, sizes in batches.items():
        row = {"batch": name, **usage(sizes, KEYS)}
        if PYG:
            padded = minimum(len(sizes) * max(sizes), KEYS)
            if pyg_over_minimum and pyg_over_minimum * padded > LIMIT:
                row["PyG MB"] = f"would need {1e-6 * pyg_over_minimum * padded:.0f}"
            else:
                used = in_new_process(pyg, sizes, KEYS)
                row["PyG MB"] = used / 1e6
                pyg_over_minimum = pyg_over_minimum or used / padded
        yield row


def usage(sizes, keys):
    used = in_new_process(ours, sizes, keys)
    return {"nodes": sum(sizes), "keys": keys, "MB": used / 1e6, "MB/minimum": used / minimum(sum(sizes), keys)}


if __name__ == "__main__":
    args = common.argument_parser(__doc__).parse_args()
    if args.quick:
        batches = {"one graph": [20_000]}
        swept = [(20_000, 16), (20_000, 32)]
    else:
        batches = {
            "one graph": [200_000],
            "1000 graphs of 30 nodes": [30] * 1000,
            "the same, and one of 50,000": [30] * 1000 + [50_000],
        }
        swept = [(n, KEYS) for n in (50_000, 100_000, 200_000, 400_000)] + [(100_000, k) for k in (4, 8, 32, 64)]
    note = "minimum: 4 bytes times N H K + N D, the scores and the queries. The inputs are not counted in MB."
    padding = f"PyG pads all graphs to the largest; it is not run where that would need over {LIMIT / 1e9:.0f} GB."
    tables = [
        {
            "title": f"Peak memory of a step, width {WIDTH}, {HEADS} heads",
            "rows": list(against_pyg(batches)),
            "notes": [note, padding if PYG else "torch_geometric is not installed: no comparison."],
        },
        {
            "title": f"Peak memory of a step on one graph, width {WIDTH}, {HEADS} heads",
            "rows": [usage([nodes], keys) for nodes, keys in swept],
            "notes": [note],
        },
    ]
    common.report("memory", tables, args)
