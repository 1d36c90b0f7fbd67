"""How far intervals and probabilities can be trusted: what stored runs say of their test parts.

Takes folders that ``dgl-memgnn benchmark`` filled. Intervals of 0.9 come from the validation part of each run.
Shown are their coverage, mean width (in the unit of the target) and calibration error; of classes calibration
error and log loss of the probabilities as they are and calibrated. Of several targets, means over them.
"""

import argparse
import json
from pathlib import Path

import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders with a result.json")
    args = parser.parse_args()
    for folder in args.folders:
        runs = json.loads((folder / "result.json").read_text(encoding="utf-8"))["runs"]
        print(f"{folder}: test part, {len(runs)} runs")
        for name, values in scores(runs).items():
            listed = ", ".join(f"{value:.3f}" for value in values)
            print(f"  {name}: {np.mean(values):.3f} +- {np.std(values):.3f} ({listed})")


def scores(runs):
    """A value a run of each score: the mean over the targets that define it."""
    found = {}
    for run in runs.values():
        targets = list(run["uncertainty"]["test"].values())
        for name in targets[0]:
            values = [target[name] for target in targets if target[name] is not None]
            if values:
                found.setdefault(name, []).append(float(np.mean(values)))
    return found


if __name__ == "__main__":
    main()
