"""Write the runs of this version that all later ones must read: python tests/golden/make.py

Tiny networks of each kind on molecules made up here, and what they predict. A version's folder, once released,
stays as it is.
"""

import os
import shutil
import sys
from pathlib import Path

import dgl
import numpy as np
import pandas as pd
import torch

import dgl_memgnn
from dgl_memgnn import MemGNN
from dgl_memgnn.cli import main
from dgl_memgnn.runs import load_dataset
from dgl_memgnn.runs.assembly import embed_for
from dgl_memgnn.runs.stored import StoredNetwork

GOLDEN = Path(__file__).resolve().parent
sys.path.insert(0, str(GOLDEN.parent))  # for graphs.py
KEPT = ("checkpoint.pt", "config.yaml", "fingerprints.npy", "weights.pt", "expected.csv")
SMALL = [
    *("--hidden-feats", "8", "--num-layers", "1", "--num-keys", "2,1", "--num-heads", "2"),
    *("--epochs", "2", "--clustering-period", "2", "--seed", "0"),
]
CSV = ["--csv", "molecules.csv", "--split", "random"]
TRAINED = {  # by the options of train; those of predict
    "regression": ([*CSV, "--tasks", "size"], ["--interval", "0.5", "--similarity"]),
    "mean_and_variance": (
        [*CSV, "--tasks", "size", "--task-type", "regression-mve", "--descriptors-columns", "temperature"],
        ["--interval", "0.5"],
    ),
    "binary": ([*CSV, "--tasks", "ring, oxygen", "--descriptors"], ["--calibrate"]),
    "classes": ([*CSV, "--tasks", "tail", "--readout", "rows", "--supervised-keys"], []),
    "sum": ([*CSV, "--tasks", "size", "--readout", "sum", "--no-edge-features"], []),
    "forest": ([*CSV, "--tasks", "size", "--network", "RandomForest"], []),
    "graphs": (["--dataset", "TINY", "--data-dir", "data", "--network", "GMN", "--split", "stratified"], None),
}
TAILS = {"O": "alcohol", "N": "amine", "c1ccccc1": "ring"}


def molecules():
    """Chains of one to sixteen carbon atoms with three kinds of tail."""
    rows = []
    for tail, name in TAILS.items():
        for length in range(1, 17):
            rows.append(
                {
                    "smiles": "C" * length + tail,
                    "size": length + len(tail) / 10,
                    "temperature": 280 + length % 5,
                    "ring": int(name == "ring"),
                    "oxygen": int(name == "alcohol"),
                    "tail": name,
                }
            )
    return pd.DataFrame(rows)


def write(folder):
    """The data of the runs and all runs, in a folder that is new or empty."""
    from graphs import write_graphs

    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)  # so that paths in configurations are relative
    molecules().to_csv("molecules.csv", index=False)
    Path("data").mkdir()
    write_graphs(Path("data"), [graph % 2 for graph in range(20)])
    for name, (options, how) in TRAINED.items():
        small = SMALL if name != "graphs" else [*SMALL[:2], *SMALL[4:]]
        command(["train", *options, *(small if name != "forest" else ["--seed", "0"]), "--out", name])
        if how is not None:
            out = str(Path(name, "expected.csv"))
            command(["predict", name, "--csv", "molecules.csv", "--out", out, *how])
    command(["pretrain", "--csv", "molecules.csv", "--held-out", "0.05", *SMALL[:-4], "--out", "weights"])
    shares().to_csv("graphs/expected.csv", index=False)
    queries().to_csv("weights/expected.csv", index=False)
    for name in [*TRAINED, "weights"]:
        for path in Path(name).iterdir():
            if path.name not in KEPT:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def shares():
    """Shares of the nodes of all graphs among the keys of the first memory layer of the run on graphs."""
    network = StoredNetwork(Path("graphs"))
    graphs = [graph for graph, _ in load_dataset(network.config)]
    embed_for(network.config, graphs)
    return pd.DataFrame(np.concatenate([layers[0] for layers in network.node_shares(graphs)]))


def queries():
    """Queries of a path of five atoms by the pre-trained query network."""
    network = MemGNN.from_pretrained("weights", out_feats=1).eval()
    graph = dgl.graph(([0, 1, 2, 3], [1, 2, 3, 4]))
    feat, edge_feat = (
        torch.linspace(-1, 1, n * width).view(n, width)
        for n, width in ((5, network.query.embedding.in_features), (4, network.query.edge_feats))
    )
    with torch.no_grad():
        return pd.DataFrame(network.query(graph, feat, edge_feat).numpy())


def command(arguments):
    if main(arguments):
        raise SystemExit(f"failed: {' '.join(arguments)}")


if __name__ == "__main__":
    write(GOLDEN / dgl_memgnn.__version__)
