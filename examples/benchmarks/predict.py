"""The command predict on a CSV file, in one process and in two, beside chemprop's.

chemprop takes part where --chemprop names its program, in an environment of its own:
    pip install torch==2.13.0 chemprop==2.3.1 cuik-molmaker-pin
Both networks have their default sizes, and few epochs of training on the molecules that come with rdkit.
Commands are run on the file and on its first rows: the difference is free of what it takes to start.
"""

import shutil
import statistics
import tempfile
from pathlib import Path

import commands
import common  # before torch and DGL
import libraries

from dgl_memgnn.data import FreeWilson

FIRST = 100  # rows of the short file
INSTALL = (
    "install torch==2.13.0, chemprop==2.3.1 and cuik-molmaker-pin in an environment of their own, and name the "
    "program chemprop in it with --chemprop."
)


def write(path, smiles):
    path.write_text("smiles\n" + "\n".join(smiles) + "\n")
    return path


def train_both(folder, chemprop, number, sizes):
    """The commands that predict, by who does; each takes a file to read and one to write."""
    known = FreeWilson()
    table = folder / "known.csv"
    rows = [f"{text},{label.item()}" for text, label in zip(known.smiles[:number], known.labels)]
    table.write_text("smiles,y\n" + "\n".join(rows) + "\n")
    run, peer = folder / "ours", folder / "chemprop"
    commands.run(commands.ours("train", "--csv", table, "--tasks", "y", "--epochs", "1", "--out", run, *sizes))

    def ours(workers):
        def command(source, target):
            arguments = ["predict", run, "--csv", source, "--out", target, "--overwrite", "--workers", workers]
            return commands.ours(*arguments)

        return command

    contestants = {"ours": ours(1), "ours, 2 workers": ours(2)}
    if chemprop:
        cpu = ["-s", "smiles", "--accelerator", "cpu", "-n", "0", "-qq"]
        learn = ["--target-columns", "y", "--epochs", "3"]  # it warms up for two
        commands.run([chemprop, "train", "-i", table, "-o", peer, *learn, *cpu])
        (best,) = peer.glob("**/best.pt")

        def theirs(*options):
            return lambda source, target: [
                chemprop, "predict", "-i", source, "-o", target, "--model-paths", best, *cpu, *options
            ]  # fmt: skip

        contestants["chemprop, Python features"] = theirs()
        contestants["chemprop, C++ features"] = theirs("--use-cuikmolmaker-featurization")
    return contestants


def command_rows(contestants, folder, smiles, rounds):
    whole, first = write(folder / "whole.csv", smiles), write(folder / "first.csv", smiles[:FIRST])
    usages = {who: ([], []) for who in contestants}
    order = list(contestants)
    for _ in range(rounds):
        for who in order:
            for source, usage in zip((whole, first), usages[who]):
                usage.append(commands.run(contestants[who](source, folder / "predicted.csv")))
        order.reverse()
    rows = []
    for who, (long, short) in usages.items():
        wall, start = (statistics.median(usage.wall for usage in each) for each in (long, short))
        cpu, start_cpu = (statistics.median(usage.cpu for usage in each) for each in (long, short))
        rows.append(
            {
                "command": who,
                "start s": start,
                "whole s": wall,
                "molecules/s": (len(smiles) - FIRST) / max(wall - start, 1e-9),
                "molecules/s of processor time": (len(smiles) - FIRST) / max(cpu - start_cpu, 1e-9),
                "largest process MB": max(usage.peak_mb for usage in long),
            }
        )
    for row in rows:
        row["ours/it"] = rows[0]["molecules/s"] / row["molecules/s"]
        row["ours/it, processor time"] = (
            rows[0]["molecules/s of processor time"] / row["molecules/s of processor time"]
        )
    return rows


if __name__ == "__main__":
    parser = common.argument_parser(__doc__)
    parser.add_argument("--data-dir", help="folder with smiles/*.csv.gz; default: DGL_MEMGNN_DATA")
    parser.add_argument("--chemprop", metavar="PROGRAM", help="the program chemprop of an environment of its own")
    args = parser.parse_args()
    if args.chemprop and not shutil.which(args.chemprop):
        parser.error(f"there is no program {args.chemprop}: {INSTALL}")
    number, learned_from, rounds, sizes = 15_000, None, 3, []
    if args.quick:
        number, learned_from, rounds = FIRST + 20, 100, 1
        sizes = ["--hidden-feats", "8", "--num-layers", "1"]
    samples = libraries.libraries(args.data_dir, number)
    with tempfile.TemporaryDirectory() as folder:
        contestants = train_both(Path(folder), args.chemprop, learned_from, sizes)
        if args.quick:
            del contestants["ours, 2 workers"]
        rows = command_rows(contestants, Path(folder), libraries.mixed(samples, number), rounds)
    table = {
        "title": f"Predicting a CSV file of {number} molecules of {' and '.join(samples)}",
        "rows": rows,
        "notes": [
            f"Medians of {rounds} alternating runs of whole commands, one thread a process.",
            f"start: the same command on {FIRST} molecules; molecules/s: of the others.",
            "chemprop 2.3.1, its default network." if args.chemprop else f"chemprop is not compared: {INSTALL}",
        ],
    }
    common.report("predict", [table], args)
