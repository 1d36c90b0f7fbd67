"""Small runs of every kind, to be drawn and reported."""

from types import SimpleNamespace

import pandas as pd
import pytest

from dgl_memgnn.config import load_config
from dgl_memgnn.runs import train_run

SMALL = {"hidden_feats": 8, "num_layers": 1, "epochs": 3, "clustering_period": 2, "split": "random"}
MOLECULES = ["C" * n + tail for n in range(1, 13) for tail in ("O", "C(=O)O", "C(Cl)(Cl)Cl", "c1ccccc1")]


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Run folders by what they are, and the file that they learned from."""
    folder = tmp_path_factory.mktemp("pictured")
    table = pd.DataFrame(
        {
            "smiles": MOLECULES,
            "length": [float(len(text)) for text in MOLECULES],
            "ring": [int("c" in text) for text in MOLECULES],
            "<b>long & odd</b>": [int(len(text) > 11) if i % 3 else None for i, text in enumerate(MOLECULES)],
            "kind": [("acid" if "=O" in text else "salt") if len(text) % 2 else "other" for text in MOLECULES],
        }
    )
    table.loc[5, "smiles"] = "C1CC"
    table.to_csv(folder / "molecules.csv", index=False)
    options = {
        "regression": {"tasks": ["length"], "num_keys": [6, 3, 1]},
        "binary": {"tasks": ["ring", "<b>long & odd</b>"], "num_keys": [4, 1]},
        "classes": {"tasks": ["kind"], "num_keys": [4, 1]},
        "sum": {"tasks": ["length"], "readout": "sum"},
        "forest": {"tasks": ["length"], "network": "RandomForest"},
        "descriptors": {"tasks": ["length"], "num_keys": [4, 1], "descriptors": True},
        "rest": {"tasks": ["length"], "num_keys": [6, 3, 1], "clustering_period": 0},
    }
    for name, own in options.items():
        config = load_config(overrides={**SMALL, "csv": str(folder / "molecules.csv"), **own})
        train_run(config, folder / name, progress=False, report=False)
    return SimpleNamespace(
        folder=folder, csv=folder / "molecules.csv", **{name: folder / name for name in options}
    )


@pytest.fixture(scope="session")
def graph_run(tmp_path_factory):
    """A run of GMN with two layers of several keys on rings and paths."""
    folder = tmp_path_factory.mktemp("graphs")
    source = folder / "tu" / "TINY"
    source.mkdir(parents=True)
    edges, indicator, first = [], [], 1
    for g in range(40):
        size = 4 + g % 5
        pairs = [(first + i, first + i + 1) for i in range(size - 1)] + [(first + size - 1, first)] * (g % 2)
        edges += [f"{a}, {b}" for u, v in pairs for a, b in ((u, v), (v, u))]
        indicator += [g + 1] * size
        first += size
    files = {"A": edges, "graph_indicator": indicator, "graph_labels": [g % 2 for g in range(40)]}
    for suffix, lines in files.items():
        (source / f"TINY_{suffix}.txt").write_text("".join(f"{line}\n" for line in lines))
    overrides = {**SMALL, "dataset": "TINY", "data_dir": str(folder), "network": "GMN", "num_keys": [5, 3, 1]}
    train_run(load_config(overrides=overrides), folder / "run", progress=False, report=False)
    return folder / "run"
