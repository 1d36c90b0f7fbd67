"""Write docs/results/search/README.md from the searches, lever by lever, and what keep.py stored there."""

import json

import common
import pandas as pd

FOLDER = common.RESULTS.parent / "search"


def section(file):
    """Heading and table of one search, best trial first."""
    stored = json.loads(file.read_text(encoding="utf-8"))
    setting, trials = stored["setting"], stored["trials"]
    data, training = setting["config"]["data"], setting["config"]["training"]
    if not trials:
        return ["", f"## {file.stem}: {data['dataset']}", "", "Nothing is measured on all folds yet."]
    first = trials[0]["seeds"][0]
    draws = setting.get("resamples") or 1
    several = "outer folds" if setting["protocol"] == "fair" else "seeds"
    lines = [
        "",
        f"## {file.stem}: {data['dataset'] or data['csv']}",
        "",
        f"Protocol `{setting['protocol']}`, {setting['seeds']} {several}, {draws} validation parts each, "
        f"{training['epochs']} epochs, {len(trials)} trials. Changed against the configuration in `{file.name}`:",
        "",
        f"| changed | validation {first['metric']} | single runs | kept epochs | seconds a run |",
        "| --- | --- | --- | --- | --- |",
    ]
    for trial in sorted(trials, key=lambda trial: -first["sign"] * trial["mean"]):
        changed = ", ".join(f"{name} {value}" for name, value in trial["values"].items()) or "nothing"
        runs = trial["seeds"]
        scores = ", ".join(f"{run['score']:.3f}" for run in runs)
        epochs = ", ".join(str(run["kept_epoch"]) for run in runs)
        seconds = sum(run["seconds"] for run in runs) / len(runs)
        lines.append(f"| {changed} | {trial['mean']:.4f} | {scores} | {epochs} | {seconds:.0f} |")
    return lines


def search_section(folder):
    """Heading and table of what ``dgl-memgnn search`` has stored, best trial first."""
    stored = json.loads((folder / "search.json").read_text(encoding="utf-8"))
    data, table = stored["config"]["data"], pd.read_csv(folder / "trials.csv")
    weights = stored["config"]["model"]["pretrained"]
    started = "" if weights == "none" else f", from weights `{weights}`"
    score, *changed = [name for name in table if name not in ("trial", "scores", "kept_epochs", "seconds")]
    lines = [
        "",
        f"## {folder.name}: {data['dataset'] or data['csv']}",
        "",
        f"`dgl-memgnn search`{started}: {stored['draws']} validation parts a trial, {len(table)} trials. All "
        f"else is that of the configuration in `{folder.name}/search.json`.",
        "",
        f"| {' | '.join(changed)} | {score.replace('_', ' ', 1)} | single runs | seconds |",
        "| --- " * (len(changed) + 3) + "|",
    ]
    for row in table.to_dict("records"):
        scores = ", ".join(f"{each:.3f}" for each in json.loads(row["scores"]))
        values = " | ".join(str(row[name]) for name in changed)
        lines.append(f"| {values} | {row[score]:.4f} | {scores} | {row['seconds']:.0f} |")
    return lines


def keep_section(file):
    """Heading and table of one comparison of epochs."""
    stored = json.loads(file.read_text(encoding="utf-8"))
    setting, draws = stored["setting"], stored["draws"]
    metric, last = draws[0]["metric"], draws[0]["last_epoch"]
    lines = [
        "",
        f"## {file.stem}: {setting['config']['data']['dataset']}",
        "",
        f"Which epoch to keep, by the {metric} of parts held out of what is not tested, one row a draw.",
        "",
        f"| best epoch on validation | its {metric} | {metric} of epoch {last}, the last |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {draw['best_epoch']} | {draw['best']:.4f} | {draw['last']:.4f} |" for draw in draws]
    best, last = (sum(draw[name] for draw in draws) / len(draws) for name in ("best", "last"))
    return [*lines, f"| mean | {best:.4f} | {last:.4f} |"]


if __name__ == "__main__":
    lines = [
        "# How hyper-parameters were chosen",
        "",
        "Made by `examples/benchmarks/search_report.py` from the JSON files beside this page: searches of one "
        "lever after the other, by a script that `dgl-memgnn search` has replaced, comparisons of changes by "
        "`examples/benchmarks/levers.py`, of kept epochs by `examples/benchmarks/keep.py`, and searches of the "
        "command itself. "
        "Scores are of parts drawn from what is not tested, and no test part was predicted.",
    ]
    for file in sorted(FOLDER.glob("*.json")):
        lines += keep_section(file) if file.stem.endswith("_keep") else section(file)
    for file in sorted(FOLDER.glob("*/search.json")):
        lines += search_section(file.parent)
    page = FOLDER / "README.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"Wrote {page}.")
