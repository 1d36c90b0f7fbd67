"""What each objective of pre-training is worth: its held-out scores, and errors of networks that start from it.

MemGNN learns from the same molecules for as many epochs, by one objective or by several together. From the weights
of each, and from none, a configuration is trained on the splits of protocol scaffold. What is learned from holds
none of the measured molecules (pretraining.py). Runs that are finished are kept, and a second call continues.
objectives.json has every run, README.md beside it the table.
"""

import argparse
from pathlib import Path

import pandas as pd
from pages import file_name, store
from pretraining import molecules

from dgl_memgnn.config import load_config
from dgl_memgnn.results.cells import mean_and_deviation
from dgl_memgnn.runs import benchmark, load_pretraining_config, pretrain
from dgl_memgnn.runs.run import installed_versions
from dgl_memgnn.visualization.group_tables import markdown_table

NONE = "no weights"
OBJECTIVES = {
    "descriptors": ["descriptors"],
    "masked": ["masked"],
    "descriptors and masked": ["descriptors", "masked"],
    "descriptors and clustering": ["descriptors", "clustering"],
}
PROTOCOL = "scaffold"
STORED = ("seed", "kept_epoch", "validation", "test", "digest", "wall_time_seconds")  # of each run


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--data-dir", type=Path, help="data folder; default: the environment variable DGL_MEMGNN_DATA"
    )
    parser.add_argument("--config", default="esol_memgnn", help="what starts from the weights")
    parser.add_argument("--molecules", type=int, default=20_000, help="number of molecules to learn from")
    parser.add_argument("--epochs", type=int, default=5, help="of learning from them")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds of what starts from the weights")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument(
        "--results", type=Path, help="folder of objectives.json and its page; default: that of --out"
    )
    args = parser.parse_args()

    args.out.mkdir(parents=True, exist_ok=True)
    files, excluded = molecules(parser, args.data_dir, args.out / "excluded")
    drawn = args.out / "molecules.csv"
    smiles = pd.concat([pd.read_csv(file, usecols=["smiles"]) for file in files])
    if len(smiles) < args.molecules:
        parser.error(f"--molecules {args.molecules}: the files hold {len(smiles)}.")
    smiles.sample(args.molecules, random_state=0).to_csv(drawn, index=False)
    learned = {"csv": [str(drawn)], "exclude": excluded, "batch_size": 128, "learning_rate": 2e-3}

    rows = {NONE: {}}
    for name, objectives in OBJECTIVES.items():
        config = load_pretraining_config(overrides={**learned, "objectives": objectives, "epochs": args.epochs})
        rows[name] = pretrain(config, args.out / "weights" / file_name(name))
    for name, row in rows.items():
        weights = "none" if name == NONE else str(args.out / "weights" / file_name(name))
        config = load_config(args.config, {"pretrained": weights})
        done = benchmark(config, PROTOCOL, args.out / file_name(name), args.seeds, workers=1)
        kept = {run: {key: metrics[key] for key in STORED} for run, metrics in done["runs"].items()}
        row["started"] = {"summary": done["summary"], "runs": kept}

    told = {"config": args.config, "protocol": PROTOCOL, "molecules": args.molecules, "epochs": args.epochs}
    result = {**told, "rows": rows, "versions": installed_versions()}
    store(args.results or args.out, "objectives.json", result, page(result))


def page(result):
    """A row an objective: scores of held-out molecules, and of the networks that start from the weights."""
    first = result["rows"][NONE]["started"]
    metric = next(iter(first["summary"]["test"]))
    table = []
    for name, row in result["rows"].items():
        held_out = {key: value for key, value in row.get("held_out", {}).items() if key != "held_out_loss"}
        told = ", ".join(f"{key} {value:.3f}" for key, value in held_out.items())
        cells = {"objectives": name, "held out": told}
        for part in ("validation", "test"):
            cells[f"{part} {metric}"] = mean_and_deviation(row["started"]["summary"][part][metric])
        table.append(cells)
    lines = [
        "# Objectives of pre-training",
        "",
        "Made by `examples/benchmarks/objectives.py` from `objectives.json` beside this page. MemGNN has learned "
        f"from {result['molecules']} molecules in {result['epochs']} epochs, one seed; scores of those held out "
        f"are losses, unless they are named otherwise. From its weights, `{result['config']}` was trained on "
        f"the splits of protocol `{result['protocol']}` over {len(first['runs'])} seeds, mean ± deviation.",
        "",
        markdown_table(pd.DataFrame(table)),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
