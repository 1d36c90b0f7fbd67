"""How far intervals and probabilities can be trusted: what stored runs say of their test parts.

Takes folders that ``dgl-memgnn benchmark`` filled, and writes a page. Intervals of 0.9 come from the validation
part of each run. Shown are their coverage, mean width (in the unit of the target) and calibration error; of
classes calibration error and log loss of the probabilities as they are and calibrated. Of several targets, means.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from dgl_memgnn.runs.protocols import split_of
from dgl_memgnn.visualization.group_tables import markdown_table


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders with a result.json")
    parser.add_argument("--page", type=Path, help="Markdown file to write")
    args = parser.parse_args()
    rows = [{"": "/".join(folder.parts[-3:]), **row(folder)} for folder in args.folders]
    tables = [
        pd.DataFrame([each for each in rows if ("coverage" in each) == of_intervals])
        for of_intervals in (True, False)
    ]
    text = "\n\n".join(markdown_table(table.fillna("–")) for table in tables if len(table))
    print(text)
    if args.page:
        about = (
            "Made by `examples/benchmarks/uncertainty.py` from the `result.json` of these folders. Test parts, "
            "mean ± standard deviation over runs, and the mean over targets of each. Intervals of 0.9 and the "
            "calibration come from the validation part of each run. `sharpness` is their mean width, in the "
            "target's unit."
        )
        args.page.parent.mkdir(parents=True, exist_ok=True)
        args.page.write_text(f"# Uncertainty\n\n{about}\n\n{text}\n", encoding="utf-8")


def row(folder):
    """Mean and deviation over the runs of each score; of an ensemble, its first member is the run."""
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    if result["protocol"] == "fair":
        raise SystemExit(f"{folder} is of protocol fair, whose table is that of dgl-memgnn tables: leave it out.")
    runs = {name: run for name, run in result["runs"].items() if split_of(name) == name}
    means = {
        name: f"{np.mean(values):.3f}" + (f" ± {np.std(values):.3f}" if len(values) > 1 else "")
        for name, values in scores(runs).items()
        if name != "level"
    }
    return {"runs": len(runs), **means}


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
