"""A training epoch of our default network for molecules on ESOL, against one of chemprop's default network.

Both learn from the same 80% of ESOL and are validated on the same 10% after each epoch, on one thread, each with
the settings that its command line takes by default: configuration esol_memgnn here, `chemprop train` there. Epochs
take turns. Featurizing and start-up are not counted. chemprop lives in an environment of its own, whose Python is
named by --peer-python (`pip install chemprop==2.3.1`).
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
        """Seconds of its next epoch."""
        self._tell("")
        return float(self.process.stdout.readline())

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
    seconds = {"ours": [], "chemprop": []}
    peer.epoch()
    start = time.perf_counter()

    def on_epoch(record, kept):
        nonlocal start
        seconds["ours"].append(time.perf_counter() - start)
        seconds["chemprop"].append(peer.epoch())
        start = time.perf_counter()

    ours.learner.fit(dataset, ours.parts["train"], ours.parts["validation"], on_epoch)
    peer.end()
    ordinary = {name: [s for i, s in enumerate(found, 1) if i > 1] for name, found in seconds.items()}
    plain = [s for i, s in enumerate(seconds["ours"], 1) if i > 1 and i % CLUSTERING_EPOCHS]
    clustering = seconds["ours"][CLUSTERING_EPOCHS - 1 :: CLUSTERING_EPOCHS]
    chemprop = statistics.median(ordinary["chemprop"])
    row = {
        "training": "ESOL, 902 molecules" if len(parts["train"]) == 902 else f"{len(parts['train'])} molecules",
        "ours ms": 1e3 * statistics.median(plain),
        "chemprop ms": 1e3 * chemprop,
        "chemprop/ours": chemprop / statistics.median(plain),
    }
    if clustering:
        mean = (4 * statistics.median(plain) + statistics.median(clustering)) / CLUSTERING_EPOCHS
        row.update({"ours with clustering ms": 1e3 * mean, "chemprop/ours with clustering": chemprop / mean})
    return row


if __name__ == "__main__":
    parser = common.argument_parser(__doc__)
    parser.add_argument("--data-dir", help="folder with real data sets; default: $DGL_MEMGNN_DATA")
    parser.add_argument("--peer-python", required=True, help="Python of an environment with chemprop")
    args = parser.parse_args()
    row = measure(args.data_dir, args.peer_python, 3 if args.quick else 30)
    code = "import chemprop, torch; print(chemprop.__version__, 'torch', torch.__version__)"
    version = subprocess.run(
        [args.peer_python, "-c", code],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    table = {
        "title": "A training epoch of the default networks, validation included: median time",
        "rows": [row],
        "notes": [
            f"chemprop {version}, with the settings of its command line; ours: configuration esol_memgnn.",
            "with clustering: the mean over five epochs, of which one ends in a clustering step over all graphs.",
        ],
    }
    common.report("epoch_chemprop", [table], args)
