"""The memory layer, forward and backward, against torch_geometric's MemPooling and against bare matrix products.

All get the same queries, keys, head weights and projection, and compute the gradients of all of them. The bare
products are those that no implementation can do without, on memory reserved beforehand: queries by keys, the
read of each graph, the projection, and their gradients; no kernel, no softmax, no padding.
"""

from typing import NamedTuple

import common  # before torch and DGL
import dgl
import samples
import torch
from torch.nn.functional import linear

from dgl_memgnn import MemoryPooling


class Case(NamedTuple):
    name: str
    width: int
    heads: int
    keys: int
    batches: list[list[int]]  # the sizes of the graphs of each batch


class Layer(NamedTuple):
    """A case's weights: those of eqs 1, 2 and 4."""

    keys: torch.Tensor
    head_weight: torch.Tensor
    weight: torch.Tensor


def cases(num_batches, data_dir):
    """The paper's settings for four data sets, on random sizes and on those of the real graphs."""
    for name, num_graphs, width, heads, keys, draw in [
        ("ENZYMES", 20, 100, 5, 10, samples.enzymes_sizes),
        ("DD", 64, 120, 5, 16, samples.dd_sizes),
        ("REDDIT-BINARY", 32, 16, 1, 32, samples.reddit_sizes),
        ("ESOL", 32, 16, 5, 64, samples.esol_sizes),
    ]:
        yield Case(f"{name}-like", width, heads, keys, [draw(num_graphs) for _ in range(num_batches)])
        dataset = samples.real_dataset(name, data_dir)
        if dataset is not None:
            sizes = torch.tensor([graph.num_nodes() for graph, _ in dataset])
            drawn = sizes[torch.randperm(len(sizes))[: num_batches * num_graphs]]
            yield Case(name, width, heads, keys, drawn.view(num_batches, num_graphs).tolist())


def quick_cases():
    yield Case("quick", 16, 2, 4, [[1, 5, 0, 20]])


def ours(case, layer, inputs):
    pool = MemoryPooling(case.width, case.width, case.keys, case.heads, bias=False, activation=None)
    load(pool, layer, "keys", "head_weight", "fc.weight")
    batches = [dgl.batch([dgl.graph(([], []), num_nodes=n) for n in sizes]) for sizes in case.batches]
    return lambda: [
        gradients(pool(graph, query), query, pool, grad) for graph, (query, grad) in zip(batches, inputs)
    ]


def pyg(case, layer, inputs):
    pool = common.torch_geometric().nn.MemPooling(case.width, case.width, case.heads, case.keys)
    load(pool, layer, "k", "conv.weight", "lin.weight")
    batches = [torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes)) for sizes in case.batches]
    return lambda: [
        gradients(pool(query, batch)[0], query, pool, grad) for batch, (query, grad) in zip(batches, inputs)
    ]


def load(pool, layer, *names):
    state = dict(zip(names, layer))
    pool.load_state_dict({name: state[name].view_as(old) for name, old in pool.state_dict().items()})


def gradients(out, query, pool, grad):
    """The output, and the gradients of queries, keys, head weights and projection."""
    return [out.detach(), *torch.autograd.grad(out, [query, *pool.parameters()], grad)]


def bare(case, layer, inputs):
    steps = [bare_step(sizes, layer, *tensors) for sizes, tensors in zip(case.batches, inputs)]
    return lambda: [step() for step in steps]


def bare_step(sizes, layer, query, grad):
    query, grad = query.detach(), grad.flatten(0, 1)
    keys, weight = layer.keys.flatten(0, 1), layer.weight
    scores, grad_keys = torch.rand(len(query), len(keys)), torch.empty_like(keys)
    assignment = torch.rand(len(query), layer.keys.shape[1])
    grad_assignment, grad_query = torch.empty_like(assignment), torch.empty_like(query)
    value, grad_value, out = torch.empty_like(grad), torch.empty_like(grad), torch.empty_like(grad)
    grad_weight = torch.empty_like(weight)
    num_keys = assignment.shape[1]
    per_graph = list(
        zip(
            *(x.split(sizes) for x in (assignment, query, grad_assignment, grad_query)),
            value.split(num_keys),
            grad_value.split(num_keys),
        )
    )

    def step():
        torch.mm(query, keys.t(), out=scores)
        for c, q, _, _, v, _ in per_graph:
            torch.mm(c.t(), q, out=v)
        torch.mm(value, weight.t(), out=out)

        torch.mm(grad.t(), value, out=grad_weight)
        torch.mm(grad, weight, out=grad_value)
        for c, q, grad_c, grad_q, _, grad_v in per_graph:
            torch.mm(q, grad_v.t(), out=grad_c)
            torch.mm(c, grad_v, out=grad_q)
        torch.mm(scores.t(), query, out=grad_keys)
        grad_query.addmm_(scores, keys)

    return step


def simple(sizes, layer, query, grad):
    """Eqs 1 to 4 as they are written, graph by graph and head by head."""
    leaves = [x.detach().clone().requires_grad_() for x in (query, *layer)]
    outs = []
    for nodes, grad_out in zip(leaves[0].split(sizes), grad):
        scores = []
        for keys in leaves[1]:
            kernel = 1 / (1 + (nodes.unsqueeze(1) - keys).square().sum(2))
            scores.append(kernel / kernel.sum(1, keepdim=True))
        assignment = torch.softmax(sum(phi * c for phi, c in zip(leaves[2], scores)), dim=1)
        out = linear(assignment.t() @ nodes, leaves[3])
        out.backward(grad_out)
        outs.append(out.detach())
    return [torch.stack(outs), *(leaf.grad for leaf in leaves)]


def difference(results, references):
    """The largest difference of output and gradients, each relative to its largest entry."""
    return max(((a.view_as(b) - b).abs().max() / b.abs().max()).item() for a, b in zip(results, references))


def measure(case, seconds):
    layer = Layer(
        torch.randn(case.heads, case.keys, case.width),
        torch.rand(case.heads) + 0.5,
        torch.randn(case.width, case.width) / case.width**0.5,
    )
    inputs = [
        (torch.randn(sum(sizes), case.width, requires_grad=True), torch.randn(len(sizes), case.keys, case.width))
        for sizes in case.batches
    ]
    contestants = {"PyG": pyg} if common.torch_geometric() else {}
    contestants.update(ours=ours, bare=bare)
    steps = {name: build(case, layer, inputs) for name, build in contestants.items()}
    reference = simple(case.batches[0], layer, *inputs[0])
    timings = common.compare(steps, seconds)

    ms = {name: timing.ms / len(case.batches) for name, timing in timings.items()}
    row = {
        "batch": case.name,
        "graphs": len(case.batches[0]),
        "nodes": sum(map(sum, case.batches)) // len(case.batches),
        "largest": max(map(max, case.batches)),
        **{f"{name} ms": value for name, value in ms.items()},
    }
    if "PyG" in ms:
        row["PyG/ours"] = ms["PyG"] / ms["ours"]
        user = {name: ms[name] * (1 - timings[name].system) for name in ms}
        row["user PyG/ours"] = user["PyG"] / user["ours"]
    row["ours/bare"] = ms["ours"] / ms["bare"]
    row.update({f"{name} system": timing.system for name, timing in timings.items()})
    row.update({f"{name} error": difference(steps[name]()[0], reference) for name in timings if name != "bare"})
    return row


if __name__ == "__main__":
    parser = common.argument_parser(__doc__)
    parser.add_argument("--data-dir", help="folder with real data sets; default: $DGL_MEMGNN_DATA")
    args = parser.parse_args()
    torch.manual_seed(0)
    seconds, chosen = (0, quick_cases()) if args.quick else (20, cases(8, args.data_dir))
    table = {
        "title": "MemoryPooling, forward and backward: median time of a batch",
        "rows": [measure(case, seconds) for case in chosen],
        "notes": [
            "Times and nodes are per batch, averaged over eight random ones; largest: graph of all of them.",
            "system: share of the time that went into the system, most of it page faults of large tensors; "
            "user PyG/ours: the ratio without it.",
            "error: largest difference from the equations as they are written, in float32, of output and "
            "gradients, relative to the largest entry of each.",
            "DD-like and REDDIT-BINARY-like sizes are log-normal, fitted to the sizes of the real graphs; each "
            "REDDIT-BINARY-like batch has one of 3782 nodes, as many as the largest real graph.",
            "Real batches have the sizes of real graphs; queries are random, as wide as in the paper's networks.",
        ],
    }
    if not common.torch_geometric():
        table["notes"].append("torch_geometric is not installed: no comparison with its MemPooling.")
    common.report("layer", [table], args)
