"""What weights are worth with few measured molecules: test error by their number, with and without.

Of each data set the test part stays as it is: a random tenth, the same for all sizes of a seed, or that of a file
of MoleculeACE. The training molecules are drawn from the rest, smaller numbers among larger ones, and the network
of the last epoch is scored, so that nothing is chosen on molecules beyond them. Finished trials are stored, and a
second call continues after them.
"""

import argparse
import functools
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dgl_memgnn.config import load_config
from dgl_memgnn.data import random_split
from dgl_memgnn.runs import assemble, load_dataset
from dgl_memgnn.runs.jobs import finished_jobs
from dgl_memgnn.runs.run import write_json

SIZES = [50, 100, 200, 400]
TARGET = "y [pEC50/pKi]"
WATCHED = 50  # molecules that the curve of a training is drawn for, and nothing else


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pretrained", required=True, metavar="RUN|NAME", help="the weights")
    parser.add_argument("--datasets", nargs="*", default=["FreeWilson", "ESOL"], help="data sets with a name")
    parser.add_argument("--moleculeace", nargs="*", default=[], metavar="F", help="CSV files of MoleculeACE")
    parser.add_argument("--sizes", nargs="*", type=int, default=SIZES, help="numbers of training molecules")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--values", type=json.loads, default={}, metavar="JSON", help="values of both networks")
    parser.add_argument(
        "--pretrained-values",
        type=json.loads,
        default={},
        metavar="JSON",
        help="values of the one with weights alone, such as its pretrained_learning_rate",
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write, or to continue")
    parser.add_argument("--picture", type=Path, help="picture to write; its ending is its format")
    args = parser.parse_args()

    networks = {
        "without weights": {**args.values, "pretrained": "none"},
        "with weights": {**args.values, "pretrained": args.pretrained, **args.pretrained_values},
    }
    sources = {name: {"dataset": name} for name in args.datasets}
    sources.update({Path(file).stem: {"csv": file, "tasks": [TARGET]} for file in args.moleculeace})
    configs = {
        (source, name): load_config("molecules", {**data, "split": "random", "keep": "last", **values})
        for source, data in sources.items()
        for name, values in networks.items()
    }
    setting = {name: asdict(config) for (_, name), config in configs.items()}  # of the last source
    for sections in setting.values():
        del sections["data"]
    stored = {"setting": setting, "trials": []}
    if args.out.exists():
        stored = json.loads(args.out.read_text(encoding="utf-8"))
        if stored["setting"] != setting:
            parser.error(f"{args.out} is of another setting. Give another --out, or remove it.")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    done = {tuple(trial[key] for key in ("source", "network", "size", "seed")) for trial in stored["trials"]}
    calls = [
        (config, source, name, size, seed)
        for seed in range(args.seeds)
        for (source, name), config in configs.items()
        for size in args.sizes
        if (source, name, size, seed) not in done
    ]
    for trial in finished_jobs(measure, calls, args.workers):
        stored["trials"].append(trial)
        write_json(args.out, stored)
        print(
            "{source}, {size} molecules, {network}, seed {seed}: {metric} {score:.3f}".format(**trial), flush=True
        )
    if args.picture:
        draw(pd.DataFrame(stored["trials"]), args.picture)


def measure(config, source, network, size, seed):
    """The test score of a network that has learned from some molecules."""
    config.training.seed = seed
    dataset = load(json.dumps(asdict(config.data)))
    parts = drawn_parts(config, dataset, size, seed)
    trainer = assemble(config, dataset, parts).learner
    trainer.fit(dataset, parts["train"], parts["validation"])
    metric, score = next(iter(trainer.score(dataset, parts["test"]).items()))
    return {
        "source": source,
        "network": network,
        "size": size,
        "seed": seed,
        "metric": metric,
        "score": score,
        "tested": len(parts["test"]),
    }


def drawn_parts(config, dataset, size, seed):
    """Training molecules, some others to watch the training by, and the test part."""
    if config.data.csv:
        part_of = pd.read_csv(config.data.csv)["split"].to_numpy()[np.array(dataset.rows) - 2]  # line 2 is row 0
        rest, test = np.flatnonzero(part_of == "train"), np.flatnonzero(part_of == "test")
    else:
        *others, test = random_split(len(dataset), seed=seed)
        rest = np.sort(np.concatenate(others))
    if len(rest) < size + 2:
        raise ValueError(f"{len(rest)} molecules that are not tested are too few for {size} to learn from.")
    order = np.random.default_rng(seed).permutation(rest)
    return {"train": np.sort(order[:size]), "validation": np.sort(order[size : size + WATCHED]), "test": test}


@functools.lru_cache(maxsize=4)
def load(data):
    return load_dataset(load_config(overrides=json.loads(data)))


def draw(trials, path):
    """Mean and standard deviation of the test score over the seeds, by the number of molecules; a panel a set."""
    sources = list(dict.fromkeys(trials["source"]))
    figure = Figure(figsize=(4 * len(sources), 3.4), layout="constrained")
    for axes, source in zip(figure.subplots(1, len(sources), squeeze=False)[0], sources):
        of_source = trials[trials["source"] == source]
        for i, (network, of_network) in enumerate(sorted(of_source.groupby("network"))[::-1]):
            score = of_network.groupby("size")["score"]
            axes.errorbar(
                score.mean().index,
                score.mean(),
                score.std(ddof=0),
                label=network,
                color=f"C{i}",
                marker="o",
                markersize=4,
                capsize=3,
            )
        sizes = sorted(of_source["size"].unique())
        axes.set(
            title=source, xlabel="training molecules", ylabel=f"test {of_source['metric'].iloc[0]}", xscale="log"
        )
        axes.set_xticks(sizes, [str(size) for size in sizes], minor=False)
        axes.minorticks_off()
    axes.legend(title=f"mean and deviation over {trials['seed'].nunique()} seeds", title_fontsize="small")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
