"""Hyper-parameters of a configuration, one lever after the other, by validation score alone.

Each lever's values are tried on top of the best found so far, and the best is kept. A value scores its mean over
the seeds' validation parts; no test part is ever predicted. A single validation part of a small data set tells
networks apart badly: --resamples draws several from what is not tested, by scaffold where the split is by
scaffold. Finished trials are stored, and a second call continues after them. Written at the end: all trials and
the values to put into a configuration.
"""

import argparse
import functools
import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit

from dgl_memgnn.config import SCAFFOLD_SPLITS, load_config
from dgl_memgnn.runs import PROTOCOLS, assemble, load_dataset, runs, split
from dgl_memgnn.runs.run import write_json

LEVERS = {
    "log_scores": [True],
    "edge_message": [True],
    "update": ["gru"],
    "featurizer": ["canonical"],
    "hidden_feats": [64, 256],
    "num_layers": [2, 5],
    "descriptors": [True],
    "dropout": [0.0, 0.2, 0.4],
    "learning_rate": [3e-4, 2e-3],
    "num_keys": [[8, 1]],
    "weight_decay": [1e-4, 1e-3],
    "clustering_period": [0],
    "epochs": [40, 80],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("config", help="a YAML file, or the name of a configuration of the package")
    parser.add_argument("--protocol", choices=tuple(PROTOCOLS), default="moleculenet", help="gives the splits")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds a trial")
    parser.add_argument(
        "--resamples",
        type=int,
        default=0,
        metavar="N",
        help="validation parts drawn a seed; default: that of the protocol alone",
    )
    parser.add_argument("--epochs", type=int, help="epochs of a trial; default: the configuration's")
    parser.add_argument("--start", type=json.loads, default={}, metavar="JSON", help="values to start from")
    parser.add_argument(
        "--levers",
        type=json.loads,
        default=LEVERS,
        metavar="JSON",
        help="lists of values to try, by name, in this order; default: LEVERS in the script",
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write, or to continue")
    args = parser.parse_args()

    base = {**args.start, **({"epochs": args.epochs} if args.epochs else {})}
    setting = {
        "config": asdict(load_config(args.config, base)),
        "protocol": args.protocol,
        "seeds": args.seeds,
        "resamples": args.resamples,
    }
    stored = {"setting": setting, "trials": []}
    if args.out.exists():
        stored = json.loads(args.out.read_text(encoding="utf-8"))
        if stored["setting"] != setting:
            parser.error(f"{args.out} is of another setting. Give another --out, or remove it.")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(args.workers, context, initializer=torch.set_num_threads, initargs=(1,)) as pool:

        def stored_trial(values):
            return next((trial for trial in stored["trials"] if trial["values"] == values), None)

        def start(values):
            """The runs of a trial, on their way; none if it is stored."""
            if stored_trial(values):
                return []
            configs = runs(load_config(args.config, {**base, **values}), args.protocol, args.seeds)
            return [
                pool.submit(validate, config, resample)
                for config in configs.values()
                for resample in (range(args.resamples) or [None])
            ]

        def finish(values, started):
            """The trial of some values, once its runs are done."""
            if not started:
                return stored_trial(values)
            outcomes = [one.result() for one in started]
            scores = [outcome["score"] for outcome in outcomes]
            trial = {"values": values, "mean": sum(scores) / len(scores), "seeds": outcomes}
            stored["trials"].append(trial)
            write_json(args.out, stored)
            print(f"{trial['mean']:.4f} {outcomes[0]['metric']} with {values}", flush=True)
            return trial

        best = finish({}, start({}))
        for name, values in args.levers.items():
            current = {**flat(setting["config"]), **best["values"]}[name]
            tried = [{**best["values"], name: value} for value in values if value != current]
            started = [start(values) for values in tried]  # all at once, so that no worker waits
            for trial in map(finish, tried, started):
                if trial["seeds"][0]["sign"] * (trial["mean"] - best["mean"]) > 0:
                    best = trial
    stored["best"] = best
    write_json(args.out, stored)
    print(f"best: {best['mean']:.4f} with {best['values']}")


def flat(config):
    """The values of all sections in one dict."""
    return {name: value for section in config.values() for name, value in section.items()}


def validate(config, resample):
    """The validation score of a run's kept epoch, without a look at its test part."""
    started = time.perf_counter()
    data = {**asdict(config.data), "network": config.model.network, "split": "random"}
    dataset = load(json.dumps(data))
    parts = split(config, dataset)
    if resample is not None:
        parts = redrawn(parts, dataset, config, resample)
    trainer = assemble(config, dataset, parts).learner
    history = trainer.fit(dataset, parts["train"], parts["validation"])
    kept = history[trainer.kept_epoch - 1]
    metric = next(iter(trainer.task.metrics))
    return {
        "seed": config.training.seed,
        "resample": resample,
        "score": kept[metric],
        "metric": metric,
        "sign": 1 if trainer.task.higher_is_better else -1,
        "kept_epoch": trainer.kept_epoch,
        "seconds": round(time.perf_counter() - started, 1),
    }


def redrawn(parts, dataset, config, resample):
    """Other training and validation parts, about as large, of the same samples."""
    samples = np.concatenate([parts["train"], parts["validation"]])
    groups, kind = None, ShuffleSplit
    if config.data.split in SCAFFOLD_SPLITS:
        groups, kind = [MurckoScaffoldSmiles(dataset.smiles[i]) for i in samples], GroupShuffleSplit
    splitter = kind(1, test_size=1 / 9, random_state=1000 * resample + config.training.seed)
    train, validation = next(splitter.split(samples, groups=groups))
    return {"train": np.sort(samples[train]), "validation": np.sort(samples[validation])}


@functools.lru_cache(maxsize=2)
def load(data):
    return load_dataset(load_config(overrides=json.loads(data)))


if __name__ == "__main__":
    main()
