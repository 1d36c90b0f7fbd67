"""Seconds an epoch of MemGNN on Lipophilicity in one process and in two that train together under torchrun.

Each process has one thread. Validation and what a run writes are counted, the start is not. One process and two
take turns. Lipophilicity must be in --data-dir or DGL_MEMGNN_DATA; --quick takes rdkit's own molecules.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

import commands
import common


def seconds(num_processes, epochs, arguments, folder):
    """Wall time of a run, by its own record."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={num_processes}"]
    train = ["-m", "dgl_memgnn", "train", *arguments, "--out", str(folder / "run"), "--epochs", str(epochs)]
    commands.run([sys.executable, *launcher, *train])
    return json.loads((folder / "run" / "metrics.json").read_text(encoding="utf-8"))["wall_time_seconds"]


def measure(batch_size, width, arguments, repeats, epochs, folder):
    """The difference between a run of many epochs and one of a single epoch is without the start."""
    arguments = [*arguments, "--batch-size", str(batch_size), "--hidden-feats", str(width)]
    an_epoch = {1: [], 2: []}
    for _ in range(repeats):
        for num_processes, found in an_epoch.items():
            long, short = (seconds(num_processes, e, arguments, folder) for e in (epochs, 1))
            found.append((long - short) / (epochs - 1))
    one, two = (statistics.median(found) for found in an_epoch.values())
    return {"batch size": batch_size, "one: s": one, "two: s": two, "ratio": one / two}


if __name__ == "__main__":
    parser = common.argument_parser(__doc__)
    parser.add_argument("--data-dir", help="folder with real data sets; default: $DGL_MEMGNN_DATA")
    args = parser.parse_args()
    arguments = ["quickstart"] if args.quick else ["lipophilicity_memgnn"]
    if args.data_dir:
        arguments += ["--data-dir", args.data_dir]
    batch_size, width, repeats, epochs = (32, 8, 1, 2) if args.quick else (256, 128, 3, 5)
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(batch_size, width, arguments, repeats, epochs, folder)]
    name = "rdkit's own molecules" if args.quick else "Lipophilicity"
    title = f"MemGNN, width {width}, on {name}: seconds an epoch"
    common.report("processes", [{"title": title, "rows": rows}], args)
