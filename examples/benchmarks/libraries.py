"""Libraries of molecules: those of the data folder, or rdkit's own."""

import csv
import gzip
import os
import random
from pathlib import Path

from dgl_memgnn.data import FreeWilson

LIBRARIES = {"MOSES": "moses_test.csv.gz", "ChEMBL": "chembl_ligands.csv.gz"}


def libraries(data_dir, number):
    """Molecules by the name of their source; rdkit's own without a data folder."""
    folder = Path(data_dir or os.environ.get("DGL_MEMGNN_DATA", ""), "smiles")
    found = {}
    for name, file in LIBRARIES.items():
        if (folder / file).exists():
            with gzip.open(folder / file, "rt") as text:
                smiles = [row["smiles"] for row in csv.DictReader(text)]
            found[name] = random.Random(0).sample(smiles, min(number, len(smiles)))
    return found or {"Free-Wilson": [FreeWilson().smiles[i % 1017] for i in range(number)]}


def mixed(samples, number):
    """Some molecules of all sources."""
    return random.Random(0).sample([text for smiles in samples.values() for text in smiles], number)
