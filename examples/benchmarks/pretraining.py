"""Remake the weights that come with the package, from files of SMILES without labels.

No molecule of MoleculeNet's ESOL, Lipophilicity, BACE and Tox21, nor of the test parts of MoleculeACE's files, is
learned from. Options that are not this script's are those of dgl-memgnn pretrain, and go before RECIPE's. A run
that was stopped continues. With --ship, the weights and their card are put into the package.
"""

import argparse
import os
import shutil
from pathlib import Path

import pandas as pd

from dgl_memgnn import weights
from dgl_memgnn.cli import main as dgl_memgnn
from dgl_memgnn.data import find_file

RECIPE = ["--objectives", "descriptors", "--epochs", "6", "--batch-size", "128", "--learning-rate", "2e-3"]
LARGEST = 5_000_000  # bytes of weights in the package
MOLNET = {
    "delaney-processed.csv": "smiles",
    "Lipophilicity.csv": "smiles",
    "bace.csv": "mol",
    "tox21.csv.gz": "smiles",
}
ABOUT = """
## Where the molecules come from

- `moses_test.csv.gz`: the test part of MOSES, drug-like molecules of ZINC, out of the package molsets (MIT).
- `chembl_ligands.csv.gz`: ligands of ChEMBL targets, out of MoleculeACE (MIT), without their activities.

## What they are good and bad for

- Good for few measured molecules of the kind above: organic, drug-like, of some ten to forty heavy atoms; and for
  molecules of scaffolds that the training part lacks, in two of four sets (solubility and lipophilicity; not
  in BACE and Tox21).
- Worth little where thousands of molecules are measured, and the new ones are like them.
- Not for what the molecules above lack: metals, salts, peptides, polymers, other elements than C, N,
  O, S, F, Cl, Br, I.
- They know nothing of stereoisomers, which the features do not tell apart, nor of shapes in space.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--data-dir", type=Path, help="data folder; default: the environment variable DGL_MEMGNN_DATA"
    )
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument("--ship", metavar="NAME", help="put the weights into the package under this name")
    args, options = parser.parse_known_args()

    files, excluded = molecules(parser, args.data_dir, args.out.with_name(f"{args.out.name}_excluded"))
    command = ["pretrain", "--out", str(args.out), *RECIPE, *options]
    for option, paths in (("--csv", files), ("--exclude", excluded)):
        for path in paths:
            command += [option, str(path)]
    if dgl_memgnn(command):
        parser.exit(1)
    if args.ship:
        ship(args.out, args.ship)


def molecules(parser, data_dir, folder):
    """Files of molecules to learn from, and files of those to leave out, some of which are written to a folder."""
    data_dir = data_dir or os.environ.get("DGL_MEMGNN_DATA")
    if data_dir is None:
        parser.error("where are the molecules? Give --data-dir, or set DGL_MEMGNN_DATA.")
    files = sorted(Path(data_dir, "smiles").glob("*.csv*"))
    if not files:
        parser.error(f"{Path(data_dir, 'smiles')} holds no CSV file.")
    excluded = [f"{find_file([f'molnet/{name}'], data_dir)}:{column}" for name, column in MOLNET.items()]
    return files, excluded + test_parts(Path(data_dir, "moleculeace"), folder)


def test_parts(source, folder):
    """The molecules of the test parts of MoleculeACE's files, in files of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for file in sorted(source.glob("*.csv")):
        table = pd.read_csv(file)
        path = folder / f"{file.stem}_test.csv"
        table.loc[table["split"] == "test", ["smiles"]].to_csv(path, index=False)
        written.append(str(path))
    return written


def ship(run, name):
    """Put the weights of a run, and their card, into the package."""
    size = (run / weights.FILE).stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{run / weights.FILE} has {size} bytes, and weights in the package {LARGEST} at most.")
    folder = Path(weights.__file__).parent
    shutil.copy(run / weights.FILE, folder / f"{name}.pt")
    (folder / f"{name}.md").write_text((run / "card.md").read_text(encoding="utf-8") + ABOUT, encoding="utf-8")
    print(f"Copied to {folder / name}.pt, with its card beside it: say there what it is good and bad for.")


if __name__ == "__main__":
    main()
