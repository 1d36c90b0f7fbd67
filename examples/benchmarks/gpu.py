"""The memory layer on a GPU, forward and backward: the plain-tensor function against torch_geometric's MemPooling.

No DGL graph is needed: a batch is its queries and the sizes of its graphs. MemPooling is told the batch size and
the size of the largest graph, so that it need not ask the GPU for them.
"""

import statistics

import common  # before torch and DGL
import samples
import torch
from torch.nn.functional import linear

from dgl_memgnn.nn.functional import memory_pooling


def our_step(leaves, sizes, grad):
    query, keys, head_weight, weight = leaves

    def step():
        value, _ = memory_pooling(query, keys, head_weight, sizes)
        out = linear(value, weight)
        return [out.detach(), *torch.autograd.grad(out, leaves, grad)]

    return step


def peer_step(leaves, sizes, grad):
    query, keys, head_weight, weight = leaves
    heads, num_keys, width = keys.shape
    pool = common.torch_geometric().nn.MemPooling(width, width, heads, num_keys).to(query.device)
    pool.load_state_dict({"k": keys, "conv.weight": head_weight.view(1, heads, 1, 1), "lin.weight": weight})
    batch = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes)).to(query.device)

    def step():
        out, _ = pool(query, batch, max_num_nodes=max(sizes), batch_size=len(sizes))
        return [out.detach(), *torch.autograd.grad(out, [query, *pool.parameters()], grad)]

    return step


def tensors(shapes, device):
    """Queries, keys, head weights and projection that require gradients."""
    return [torch.randn(shape).to(device).requires_grad_() for shape in shapes]


def difference(results, references):
    """The largest difference of output and gradients, each relative to its largest entry."""
    pairs = [(a.double().cpu(), b.view_as(a).double().cpu()) for a, b in zip(results, references)]
    return max(((a - b).abs().max() / b.abs().max()).item() for a, b in pairs)


def waits_for_gpu(step):
    """Whether a step makes the host wait for the GPU."""
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    except RuntimeError as error:
        if "synchroniz" not in str(error):
            raise
        return True
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return False


def compare(steps, rounds):
    """Median milliseconds of each step by the GPU's clock, in alternating rounds."""
    times = {name: [] for name in steps}
    for timed in [False] * 3 + [True] * rounds:
        for name, step in steps.items():
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            torch.cuda.synchronize()
            start.record()
            step()
            end.record()
            torch.cuda.synchronize()
            if timed:
                times[name].append(start.elapsed_time(end))
    return {name: statistics.median(of_step) for name, of_step in times.items()}


def measure(name, sizes, width, heads, keys, rounds):
    shapes = [(sum(sizes), width), (heads, keys, width), (heads,), (width, width)]
    leaves, grad = tensors(shapes, "cuda"), torch.randn(len(sizes), keys, width, device="cuda")
    on_cpu = [leaf.detach().cpu().double().requires_grad_() for leaf in leaves]
    reference = our_step(on_cpu, sizes, grad.cpu().double())()

    steps = {"ours": our_step(leaves, sizes, grad)}
    if common.torch_geometric():
        steps["PyG"] = peer_step(leaves, sizes, grad)
    row = {"batch": name, "graphs": len(sizes), "nodes": sum(sizes), "largest": max(sizes)}
    row["ours error"] = difference(steps["ours"](), reference)
    row["ours waits"] = waits_for_gpu(steps["ours"])
    ms = compare(steps, rounds)
    row.update({f"{contestant} ms": value for contestant, value in ms.items()})
    if "PyG" in steps:
        row["PyG/ours"] = ms["PyG"] / ms["ours"]
        row["PyG error"] = difference(steps["PyG"](), reference)
    return row


def main(args):
    torch.manual_seed(0)
    cases = {
        "ENZYMES-like": (samples.enzymes_sizes(20), 100, 5, 10),
        "DD-like": (samples.dd_sizes(64), 120, 5, 16),
        "REDDIT-BINARY-like": (samples.reddit_sizes(32), 16, 1, 32),
        "ESOL-like": (samples.esol_sizes(32), 16, 5, 64),
    }
    rows = [measure(name, *case, rounds=3 if args.quick else 200) for name, case in cases.items()]
    notes = [
        f"on {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}",
        "waits: whether a step makes the host wait for the GPU; error: largest difference of output and gradients "
        "from ours on the CPU in float64, relative to the largest entry of each.",
    ]
    if not common.torch_geometric():
        notes.append("torch_geometric is not installed: no comparison with its MemPooling.")
    title = "Memory layer on a GPU, forward and backward: median time of a batch"
    common.report("gpu", [{"title": title, "rows": rows, "notes": notes}], args)


if __name__ == "__main__":
    args = common.argument_parser(__doc__).parse_args()
    if torch.cuda.is_available():
        main(args)
    else:
        print("torch sees no GPU here: nothing was run.")
