"""chemprop with its default settings on the splits of a protocol, scored as all other rows are.

chemprop lives in an environment of its own; --chemprop is its command there. Each run gets the training,
validation and test part that MemGNN has, and the network that it keeps predicts both held-out parts. Runs that are
finished are kept. RESULT/result.json has the form of benchmark's, so that dgl-memgnn tables shows it.
"""

import argparse
import json
import subprocess
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from dgl_memgnn.config import load_config
from dgl_memgnn.runs import load_dataset, runs, split
from dgl_memgnn.runs.run import write_json
from dgl_memgnn.runs.summaries import summarise

PARTS = {"train": "train", "validation": "val", "test": "test"}
KINDS = {"regression": "regression", "binary": "classification"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "config", help="a YAML file, or the name of a configuration of the package: gives the data"
    )
    parser.add_argument("--protocol", choices=("moleculenet", "scaffold"), default="moleculenet")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--values", type=json.loads, default={}, metavar="JSON", help="values to change, of the data"
    )
    parser.add_argument("--chemprop", required=True, metavar="PATH", help="its command")
    parser.add_argument("--epochs", type=int, help="default: chemprop's")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="RESULT", help="folder of result.json and the runs"
    )
    args = parser.parse_args()

    configs = runs(load_config(args.config, args.values), args.protocol, args.seeds)
    first = next(iter(configs.values()))
    dataset = load_dataset(first)
    if dataset.task.task_type not in KINDS:
        parser.error(f"chemprop's rows are of {' or '.join(KINDS)}, not of {dataset.task.noun}.")
    version = subprocess.run(
        [args.chemprop, "--version"], capture_output=True, text=True, check=False
    ).stdout.strip()
    setting = {"protocol": args.protocol, "version": version, "options": options(args, dataset)}
    metrics = {}
    for name, config in configs.items():
        stored = args.out / name / "metrics.json"
        if not stored.exists():
            stored.parent.mkdir(parents=True, exist_ok=True)
            parts = split(config, dataset)
            prediction = train_and_predict(args, dataset, parts, config.training.seed, stored.parent)
            scores = {
                part: dataset.task.score(prediction[indices], dataset.labels[indices])
                for part, indices in parts.items()
                if part != "train"
            }
            sizes = {part: len(indices) for part, indices in parts.items()}
            of_run = {"parts": sizes, "seed": config.training.seed, "digest": dataset.digest, "setting": setting}
            write_json(stored, {**scores, **of_run})
        metrics[name] = json.loads(stored.read_text(encoding="utf-8"))
        theirs = metrics[name].get("setting")  # older runs do not tell
        if theirs != setting or metrics[name]["digest"] != dataset.digest:
            parser.error(f"{stored} is of other data, or of {theirs}: give another --out.")
        print(f"{name}: {metrics[name]['test']}", flush=True)
    result = {
        "protocol": args.protocol,
        "summary": {part: summarise([each[part] for each in metrics.values()]) for part in ("validation", "test")},
        "runs": metrics,
        "chemprop": setting,
        "config": {"data": asdict(first.data), "model": {"network": "chemprop"}, "training": {"keep": "best"}},
    }
    write_json(args.out / "result.json", result)
    for metric, value in result["summary"]["test"].items():
        deviation = "" if value["std"] is None else f" +- {value['std']:.3f}"
        print(f"test {metric}: {value['mean']:.3f}{deviation}")


def options(args, dataset):
    """What chemprop is told beside files and seed."""
    words = ["-t", KINDS[dataset.task.task_type], "--accelerator", "cpu", "-n", "0"]
    return words if args.epochs is None else [*words, "--epochs", str(args.epochs)]


def train_and_predict(args, dataset, parts, seed, folder):
    """Predictions of all molecules, of shape (n, T), by a network that has learned from the training part."""
    columns = [f"target{i}" for i in range(len(dataset.task_names))]  # names without special characters
    labels = dataset.labels.reshape(len(dataset), -1).numpy()
    table = pd.DataFrame({"smiles": dataset.smiles, **dict(zip(columns, labels.T))})
    for part, indices in parts.items():
        table.loc[indices, "split"] = PARTS[part]
    source, out, predicted = folder / "molecules.csv", folder / "model", folder / "predictions.csv"
    table.to_csv(source, index=False)
    common = ["-i", str(source), "-s", "smiles"]
    train = [*common, "--target-columns", *columns, "--splits-column", "split", "-o", str(out)]
    run([args.chemprop, "train", *train, *options(args, dataset), "--pytorch-seed", str(seed), "-q"])
    devices = ["--accelerator", "cpu", "-n", "0", "-q"]
    run([args.chemprop, "predict", *common, "--model-paths", str(out), "-o", str(predicted), *devices])
    return torch.tensor(pd.read_csv(predicted)[columns].to_numpy(float))


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")


if __name__ == "__main__":
    main()
