"""EdgeGATConv, forward and backward, against dgl.nn.EdgeGATConv and dgl.nn.GATConv.

The latter has no edge features. The node features require gradients, as inside a network; the edge features,
which are data, do not.
"""

import common  # before torch and DGL
import dgl
import torch

from dgl_memgnn import EdgeGATConv

IN, EDGE, OUT, HEADS = 64, 12, 64, 4


def random_graph(num_nodes, num_edges):
    """A graph whose nodes all have an in-edge: a self-loop."""
    return dgl.add_self_loop(dgl.rand_graph(num_nodes, num_edges - num_nodes))


def step(conv, *inputs, grad):
    feat = inputs[1]
    out = conv(*inputs)
    return out.detach(), torch.autograd.grad(out, [feat, *conv.parameters()], grad)[0]


def difference(results, references):
    """The largest difference of output and gradient, each relative to its largest entry."""
    return max(((a - b).abs().max() / b.abs().max()).item() for a, b in zip(results, references))


def measure(num_nodes, num_edges, seconds):
    graph = random_graph(num_nodes, num_edges)
    feat, edge_feat = torch.randn(num_nodes, IN, requires_grad=True), torch.randn(graph.num_edges(), EDGE)
    grad = torch.randn(num_nodes, HEADS, OUT)

    peer = dgl.nn.EdgeGATConv(IN, EDGE, OUT, HEADS, residual=False)
    same = EdgeGATConv(IN, EDGE, OUT, HEADS, edge_message=True)
    same.load_state_dict(peer.state_dict())
    contestants = {
        "dgl.nn.GATConv": (dgl.nn.GATConv(IN, OUT, HEADS), graph, feat),
        "dgl.nn.EdgeGATConv": (peer, graph, feat, edge_feat),
        "EdgeGATConv": (EdgeGATConv(IN, EDGE, OUT, HEADS), graph, feat, edge_feat),
        "EdgeGATConv, edge_message": (same, graph, feat, edge_feat),
    }
    steps = {
        name: lambda arguments=arguments: step(*arguments, grad=grad) for name, arguments in contestants.items()
    }
    timings = common.compare(steps, seconds)
    rows = [
        {
            "layer": name,
            "ms": timing.ms,
            "dgl.nn.EdgeGATConv/it": timings["dgl.nn.EdgeGATConv"].ms / timing.ms,
            "it/dgl.nn.GATConv": timing.ms / timings["dgl.nn.GATConv"].ms,
            "system": timing.system,
        }
        for name, timing in timings.items()
    ]
    rows[-1]["error"] = difference(steps["EdgeGATConv, edge_message"](), steps["dgl.nn.EdgeGATConv"]())
    return {
        "title": f"Graph attention, forward and backward: {num_nodes} nodes, {num_edges} edges, "
        f"{HEADS} heads of {OUT}, {EDGE} edge features, {IN} node features",
        "rows": rows,
        "notes": [
            "system: share of the time that went into the system, most of it page faults of large tensors.",
            "error: with dgl.nn.EdgeGATConv's weights, the largest difference from its output and from its "
            "gradient by the node features, relative to the largest entry of each.",
        ],
    }


if __name__ == "__main__":
    args = common.argument_parser(__doc__).parse_args()
    torch.manual_seed(0)
    dgl.seed(0)
    table = measure(60, 300, seconds=0) if args.quick else measure(6000, 30_000, seconds=30)
    common.report("conv", [table], args)
