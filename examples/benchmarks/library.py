"""Large files from beginning to end: time and memory of what a user waits for.

Molecules are those of the data folder, or rdkit's own, repeated as often as it takes.
"""

import random
import sys
import tempfile
from pathlib import Path

import commands
import common  # before torch and DGL
import libraries

BEFORE = 26 * 60  # seconds, with a graph and dgllife's featurizers molecule by molecule
FEATURIZE = """
import sys
from dgl_memgnn.data import MoleculeDataset
print(MoleculeDataset.from_csv(sys.argv[1], "smiles", ["y"], cache_dir=sys.argv[2]))
"""


def row(what, molecules, usage):
    return {
        "what": what,
        "molecules": molecules,
        "minutes": usage.wall / 60,
        "molecules/s": molecules / usage.wall,
        "processor minutes": usage.cpu / 60,
        "largest process MB": usage.peak_mb,
    }


def write(path, smiles, number):
    with open(path, "w", encoding="utf-8") as file:
        file.write("smiles,y\n")
        for i in range(number):
            text = smiles[i % len(smiles)]
            file.write(f"{text},{len(text)}\n")
    return path


if __name__ == "__main__":
    parser = common.argument_parser(__doc__)
    parser.add_argument("--data-dir", help="folder with smiles/*.csv.gz; default: DGL_MEMGNN_DATA")
    args = parser.parse_args()
    trained, predicted = (100, 300) if args.quick else (200_000, 1_000_000)
    samples = libraries.libraries(args.data_dir, predicted)
    smiles = [text for each in samples.values() for text in each]
    random.Random(0).shuffle(smiles)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = write(folder / "trained.csv", smiles, trained)
        large = write(folder / "predicted.csv", smiles, predicted)
        cached = folder / "cache"
        run, out = folder / "run", folder / "out.csv"
        rows = []
        if not args.quick:
            before = {"minutes": BEFORE / 60, "molecules/s": trained / BEFORE}
            rows.append({"what": "graphs, before", "molecules": trained, **before})
        featurized = commands.run([sys.executable, "-c", FEATURIZE, table, cached])
        rows.append(row("graphs", trained, featurized))
        learn = ["train", "--csv", table, "--tasks", "y", "--epochs", "1", "--split", "random", "--out", run]
        rows.append(row("train for an epoch", trained, commands.run(commands.ours(*learn, "--cache-dir", cached))))
        predictions = [(table, trained, 1), (table, trained, 2), (large, predicted, 2)]
        for source, number, workers in predictions[-1:] if args.quick else predictions:
            command = ["predict", run, "--csv", source, "--out", out, "--overwrite", "--workers", workers]
            rows.append(row(f"predict --workers {workers}", number, commands.run(commands.ours(*command))))
    table = {
        "title": "Whole commands on large files, from the start of the program to its end",
        "rows": rows,
        "notes": [
            f"{len(smiles)} different molecules of {' and '.join(samples)}; beyond, they are repeated.",
            "graphs: the data set from its CSV file, stored on disk; train: with duplicates and alike molecules "
            "found, a split, an epoch and the scores; batches of 32.",
            "graphs, before: dgllife's featurizers molecule by molecule, measured earlier on one core.",
            "Work is shared among processes, and the largest of them is counted in MB.",
        ],
    }
    common.report("library", [table], args)
