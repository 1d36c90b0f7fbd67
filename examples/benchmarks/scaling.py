"""MemoryPooling, forward and backward: time per node from 1000 to 1,000,000 nodes, in many graphs and in one."""

import common  # before torch and DGL
import dgl
import torch

from dgl_memgnn import MemoryPooling

WIDTH, HEADS, KEYS = 64, 5, 16
GRAPH = 100  # nodes of each of many graphs


def batch(num_graphs, num_nodes):
    """A batch of graphs without edges, which pooling does not look at."""
    graph = dgl.graph(([], []), num_nodes=num_graphs * num_nodes)
    graph.set_batch_num_nodes(torch.full((num_graphs,), num_nodes))
    graph.set_batch_num_edges(torch.zeros(num_graphs, dtype=torch.long))
    return graph


def step(pool, graph):
    feat = torch.randn(graph.num_nodes(), WIDTH, requires_grad=True)
    grad = torch.randn(graph.batch_size, KEYS, WIDTH)
    leaves = [feat, *pool.parameters()]
    return lambda: torch.autograd.grad(pool(graph, feat), leaves, grad)


def measure(pool, num_nodes, seconds):
    batches = {"graphs of 100": batch(num_nodes // GRAPH, GRAPH), "one graph": batch(1, num_nodes)}
    timings = common.compare({name: step(pool, graph) for name, graph in batches.items()}, seconds)
    row = {"nodes": num_nodes}
    for name, timing in timings.items():
        row[f"{name}: ms"] = timing.ms
        row[f"{name}: us/node"] = 1e3 * timing.ms / num_nodes
    return row


if __name__ == "__main__":
    args = common.argument_parser(__doc__).parse_args()
    torch.manual_seed(0)
    pool = MemoryPooling(WIDTH, WIDTH, KEYS, HEADS)
    seconds, sizes = (0, [100, 1000]) if args.quick else (10, [1000, 10_000, 100_000, 1_000_000])
    table = {
        "title": f"MemoryPooling, forward and backward, width {WIDTH}, {HEADS} heads, {KEYS} keys",
        "rows": [measure(pool, num_nodes, seconds) for num_nodes in sizes],
    }
    common.report("scaling", [table], args)
