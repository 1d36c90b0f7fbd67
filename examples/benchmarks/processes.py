"""Seconds an epoch of MemGNN in one process and in two, of one thread each, that train together under torchrun."""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import common

EPOCHS = 6  # the difference between so many and one is without the start


def seconds(num_processes, epochs, options, folder):
    """Wall time of a run, by its own record."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={num_processes}"]
    command = [
        sys.executable,
        *launcher,
        "-m",
        "dgl_memgnn",
        "train",
        "quickstart",
        "--out",
        str(folder / "run"),
        "--epochs",
        str(epochs),
        *options,
    ]
    subprocess.run(command, check=True, capture_output=True)
    return json.loads((folder / "run" / "metrics.json").read_text(encoding="utf-8"))["wall_time_seconds"]


def measure(batch_size, repeats, epochs, folder):
    options = ["--batch-size", str(batch_size), "--hidden-feats", "128"]
    an_epoch = {1: [], 2: []}
    for _ in range(repeats):
        for num_processes, found in an_epoch.items():
            long, short = (seconds(num_processes, e, options, folder) for e in (epochs, 1))
            found.append((long - short) / (epochs - 1))
    one, two = (statistics.median(found) for found in an_epoch.values())
    return {"batch size": batch_size, "one: s": one, "two: s": two, "ratio": one / two}


if __name__ == "__main__":
    args = common.argument_parser(__doc__).parse_args()
    sizes, repeats, epochs = ([32], 1, 2) if args.quick else ([32, 512], 3, EPOCHS)
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(batch_size, repeats, epochs, folder) for batch_size in sizes]
    table = {"title": "MemGNN, width 128, on rdkit's own molecules: median seconds an epoch", "rows": rows}
    common.report("processes", [table], args)
