"""A training epoch of our default network for molecules on ESOL, against one of chemprop's default network.

Both learn from the same 80% of ESOL and are validated on the same 10% after each epoch, on one thread, each with
the settings that its command line takes by default: configuration esol_memgnn here, `chemprop train` there. Epochs
take turns. Featurizing and start-up are not counted. Processor time tells what a busy machine hides. chemprop
lives in an environment of its own, whose Python is named by --peer-python (`pip install chemprop==2.3.1`).
"""

import json
import statistics
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import common  # before torch and DGL

from dgl_memgnn.config import load_config
from dgl_memgnn.runs.assembly import assemble

CLUSTERING_EPOCHS = 5  # of so many of ours, one has a clustering step


class Peer:
    """chemprop, in a process of its own."""

    def __init__(self, python, parts):
        command = [python, Path(__file__).with_name("chemprop_epochs.py")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._tell(json.dumps(parts))

    def epoch(self):
        """Seconds of wall and of processor time of its next epoch."""
        self._tell("")
        return tuple(map(float, self.process.stdout.readline().split()))

    def end(self):
        self.process.stdin.close()
        self.process.wait()

    def _tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


def assembled(data_dir, num_epochs):
    config = load_config("esol_memgnn")
    config = replace(
        config,
        data=replace(config.data, data_dir=data_dir),
        training=replace(config.training, epochs=num_epochs),
    )
    return assemble(config)


def measure(data_dir, python, num_epochs):
    ours = assembled(data_dir, num_epochs)
    dataset = ours.dataset
    parts = {
        name: [(dataset.smiles[i], dataset.labels[i].item()) for i in ours.parts[name]]
        for name in ("train", "validation")
    }
    peer = Peer(python, parts)
    found = {"ours": [], "chemprop": []}
    peer.epoch()
    start = now()

    def on_epoch(record, kept):
        nonlocal start
        found["ours"].append(tuple(b - a for a, b in zip(start, now())))
        found["chemprop"].append(peer.epoch())
        start = now()

    ours.learner.fit(dataset, ours.parts["train"], ours.parts["validation"], on_epoch)
    peer.end()
    rows = []
    for time_of, kind in enumerate(("wall", "processor")):
        mine, theirs = ([epoch[time_of] for epoch in found[name]] for name in ("ours", "chemprop"))
        chemprop = statistics.median(theirs[1:])
        plain = statistics.median(s for i, s in enumerate(mine, 1) if i > 1 and i % CLUSTERING_EPOCHS)
        row = {
            "time": kind,
            "ours ms": 1e3 * plain,
            "chemprop ms": 1e3 * chemprop,
            "chemprop/ours": chemprop / plain,
        }
        clustering = mine[CLUSTERING_EPOCHS - 1 :: CLUSTERING_EPOCHS]
        if clustering:
            mean = plain + (statistics.median(clustering) - plain) / CLUSTERING_EPOCHS
            row.update({"ours with clustering ms": 1e3 * mean, "chemprop/ours with clustering": chemprop / mean})
        rows.append(row)
    return rows, len(parts["train"])


def now():
    return time.perf_counter(), time.process_time()


if __name__ == "__main__":
    parser = common.argument_parser(__doc__)
    parser.add_argument("--data-dir", help="folder with real data sets; default: $DGL_MEMGNN_DATA")
    parser.add_argument("--peer-python", required=True, help="Python of an environment with chemprop")
    args = parser.parse_args()
    rows, num_molecules = measure(args.data_dir, args.peer_python, 3 if args.quick else 20)
    code = "import chemprop, torch; print(chemprop.__version__, 'torch', torch.__version__)"
    version = subprocess.run(
        [args.peer_python, "-c", code],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    table = {
        "title": f"A training epoch on {num_molecules} molecules of ESOL, validation included: median time",
        "rows": rows,
        "notes": [
            f"chemprop {version}, with the settings of its command line; ours: configuration esol_memgnn.",
            "with clustering: the mean over five epochs, of which one ends in a clustering step over all graphs.",
        ],
    }
    common.report("epoch_chemprop", [table], args)
