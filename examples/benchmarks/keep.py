"""Which epoch to keep, the best on validation or the last, without a look at the test part.

What is not tested is split anew into training, validation and held-out parts, by scaffold where the split is by
scaffold. One training a draw gives the held-out score of both choices.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from levers import same

from dgl_memgnn.config import load_config
from dgl_memgnn.runs import assemble, load_dataset, runs, split
from dgl_memgnn.runs.parts import redraw
from dgl_memgnn.runs.run import write_json


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("config", help="a YAML file, or the name of a configuration of the package")
    parser.add_argument("--draws", type=int, default=4, help="number of draws; each has its own seed")
    parser.add_argument("--values", type=json.loads, default={}, metavar="JSON", help="values to change")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="JSON file to write, or to continue; search_report.py shows those named *_keep.json",
    )
    args = parser.parse_args()

    configs = runs(load_config(args.config, {**args.values, "keep": "last"}), "moleculenet", args.draws)
    (first, *_) = configs.values()
    stored = {"setting": {"config": asdict(first), "protocol": "moleculenet"}, "draws": []}
    if args.out.exists():
        setting, stored = stored["setting"], json.loads(args.out.read_text(encoding="utf-8"))
        if not same(stored["setting"], setting):
            parser.error(f"{args.out} is of another setting. Give another --out, or remove it.")
    dataset = load_dataset(first)
    for config in list(configs.values())[len(stored["draws"]) :]:
        stored["draws"].append(compare(config, dataset))
        print(stored["draws"][-1], flush=True)
        write_json(args.out, stored)


def compare(config, dataset):
    """Held-out scores of one training: at the epoch that is best on validation, and at the last."""
    seed = config.training.seed
    given = split(config, dataset)
    samples = np.concatenate([given["train"], given["validation"]])
    outer = redraw(config, dataset, samples, len(samples) // 9, seed)
    held_out, rest = outer["validation"], outer["train"]
    parts = redraw(config, dataset, rest, len(rest) // 9, seed)
    scores, qualities = [], []

    def on_epoch(record, kept):
        scores.append(next(iter(trainer.score(dataset, held_out).items())))
        qualities.append(trainer.kept_quality)  # of each, since the last is kept

    trainer = assemble(config, dataset, parts).learner
    trainer.fit(dataset, parts["train"], parts["validation"], on_epoch)
    metric, last = scores[-1]
    best = 1 + qualities.index(max(qualities))
    return {
        "seed": seed,
        "metric": metric,
        "best_epoch": best,
        "best": scores[best - 1][1],
        "last_epoch": len(scores),
        "last": last,
    }


if __name__ == "__main__":
    main()
