"""Fill the tables of README.md from stored results: python docs/readme_tables.py [--check]

A table stands between two comments that name it. With --check nothing is written, and a README that is not what
the results say is an error.
"""

import json
import sys
from pathlib import Path

import pandas as pd

from dgl_memgnn.results.counts import done_and_planned
from dgl_memgnn.results.published import PUBLISHED

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
GRAPHS = {"ENZYMES": "ENZYMES", "PROTEINS_full": "PROTEINS", "DD": "DD", "COLLAB": "COLLAB"}
GRAPHS["REDDIT-BINARY"] = "REDDIT-BINARY"
CONTROLS = {
    "memory layers (GMN)": "gmn",
    "memory layers whose keys are random and never move": "gmn_keys_at_rest",
    "sum": "gmn_sum",
    "mean": "gmn_mean",
    "Set2Set": "gmn_set2set",
    "SortPooling": "gmn_sort",
    "GIN": "gin",
    "Weisfeiler-Lehman kernel": "wl_kernel",
}
MOLECULES = {"ESOL": "RMSE", "Lipophilicity": "RMSE", "BACE": "ROC-AUC", "Tox21": "ROC-AUC"}
PLANNED = {"paper": (10, "folds"), "fair": (10, "folds"), "moleculenet": (3, "seeds"), "scaffold": (3, "seeds")}
METRICS = {"RMSE": "rmse", "ROC-AUC": "roc_auc"}
# The best of docs/results/search/bace_pretrained and bace_pretrained_2: the set's own validation part misleads.
SEARCHED = {("BACE", "MemGNN", True): "memgnn_pretrained_15_epochs"}


def figure(protocol, dataset, row, part, metric):
    """Mean of a stored result, with the number of folds or seeds where some are missing; a dash without one."""
    path = RESULTS / protocol / dataset / row / "result.json"
    if not path.is_file():
        return "–"
    result = json.loads(path.read_text(encoding="utf-8"))
    text = f"{result['summary'][part][metric]['mean']:.3f}"
    done, planned = done_of_protocol(protocol, result)
    return f"{text} ({done} of {planned} {PLANNED[protocol][1]})" if done < planned else text


def done_of_protocol(protocol, result):
    """Numbers of folds or seeds that are done, and that the protocol has or, where more, that were asked for."""
    done, asked = done_and_planned(result)
    return done, max(asked, PLANNED[protocol][0])


def chosen(protocol, dataset, network, metric, part="test", readouts=("memory", "rows"), pretrained=False):
    """Score of the whole row of a network that is best on validation, and which row it is.

    Keys that never move are a control, and no row of a network. Where the row that bears the network's name keeps
    the last epoch, those are left out that were best on the very part they are compared on. A row whose settings
    were searched on drawn parts goes before all.
    """
    searched = SEARCHED.get((dataset, network, pretrained))
    if searched and readouts != ("sum",) and (RESULTS / protocol / dataset / searched / "result.json").is_file():
        return figure(protocol, dataset, searched, part, metric) + f" (`{searched}`)"
    own = readouts[0] if readouts == ("sum",) else network.lower()
    own += "_pretrained" * pretrained
    results = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))
        for path in (RESULTS / protocol / dataset).glob("*/result.json")
    }
    kept = kept_epoch(results[own]) if own in results else None
    rows = {}
    for name, result in results.items():
        # older results have fewer keys
        model = {"pretrained": "none", "readout": "memory", **result["config"]["model"]}
        training = {"supervised_keys": False, **result["config"].get("training", {})}
        done, planned = done_of_protocol(protocol, result)
        if (
            model["network"] == network
            and model["readout"] in readouts
            and (model["pretrained"] not in (None, "none")) == pretrained
            and (model["readout"] == "sum" or training["clustering_period"] > 0 or training["supervised_keys"])
            and done == planned
            and kept in (None, kept_epoch(result))
        ):
            mean = result["summary"]["validation"][metric]["mean"]
            rows[name] = -mean if metric == "rmse" else mean
    if not rows:
        return figure(protocol, dataset, own, part, metric)
    row = max(rows, key=rows.get)
    return figure(protocol, dataset, row, part, metric) + ("" if row == own else f" (`{row}`)")


def kept_epoch(result):
    """Which epoch the runs of a result keep, best or last."""
    return result["config"].get("training", {}).get("keep", "best")


def published(protocol, dataset, who=None):
    """The figure that others report: of somebody, or the first, which is the best, and who it is."""
    rows = PUBLISHED.get((protocol, dataset), [])
    for name, *figures in rows:
        if who is None or name == who:
            return (figures[-1].partition(" ")[0], name)
    return ("–", "")


def table(*rows):
    header, *rest = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rest])


def graphs():
    rows = [
        [
            "accuracy",
            "paper protocol: GMN",
            "MemGNN",
            "fair protocol: GMN",
            "MemGNN",
            "best published",
        ]
    ]
    for dataset, name in GRAPHS.items():
        ours = [
            f"{chosen('paper', dataset, network, 'accuracy', part='validation')}, "
            f"paper {published('paper', dataset, f'paper, {network}')[0].rstrip('0')}"
            for network in ("GMN", "MemGNN")
        ]
        fair = [chosen("fair", dataset, network, "accuracy") for network in ("GMN", "MemGNN")]
        best, who = published("fair", dataset)
        rows.append([name, *ours, *fair, f"{best}, {who}"])
    return table(*rows)


def controls():
    """What stands in for the memory layers, on the sets where all of it was run."""
    datasets = ["ENZYMES", "PROTEINS_full"]
    rows = [["fair protocol, accuracy", *(GRAPHS[dataset] for dataset in datasets)]]
    for what, row in CONTROLS.items():
        rows.append([what, *(figure("fair", dataset, row, "test", "accuracy") for dataset in datasets)])
    return table(*rows)


def molecules():
    header = [
        "test",
        "",
        "paper's split: MemGNN",
        "pre-trained",
        "sum readout",
        "chemprop",
        "scaffold split: MemGNN",
        "pre-trained",
        "chemprop",
        "best published",
    ]
    rows = [header]
    for dataset, title in MOLECULES.items():
        metric = METRICS[title]
        row = [dataset, title]
        for protocol in ("moleculenet", "scaffold"):
            folder = "moleculenet" if dataset == "BACE" else protocol  # whose two splits are one
            row += [
                chosen(folder, dataset, "MemGNN", metric, pretrained=pretrained) for pretrained in (False, True)
            ]
            if protocol == "moleculenet":
                row[2] += f", paper {published('moleculenet', dataset, 'paper, MemGNN')[0]}"
                row += [chosen(folder, dataset, "MemGNN", metric, readouts=("sum",))]
            row += [figure(folder, dataset, "chemprop", "test", metric)]
        best, who = published("scaffold", dataset)
        rows.append([*row, f"{best}, {who}"])
    return table(*rows)


def rows_of(benchmark, table):
    """The rows of a table that a benchmark stored."""
    path = RESULTS / "speed" / f"{benchmark}.json"
    return json.loads(path.read_text(encoding="utf-8"))["tables"][table]["rows"]


def speed():
    rows = [["from SMILES, on one core unless said otherwise", "molecules a second", "beside"]]
    for row in rows_of("features", 0):
        if row["features"] == "canonical":
            what = f"features, {row['molecules']}"
            rows.append([what, f"{row['ours /s']:.0f}", f"dgllife {row['dgllife /s']:.0f}"])
    ours, *others = rows_of("predict", 0)
    beside = [
        f"{row['command']} {row['molecules/s']:.0f}" for row in others if row["command"].startswith("chemprop")
    ]
    rows.append(["`predict`", f"{ours['molecules/s']:.0f}", "; ".join(beside)])
    if (RESULTS / "speed" / "library.json").is_file():  # half an hour on two cores
        *_, million = rows_of("library", 0)
        beside = f"{million['minutes']:.1f} minutes, {million['largest process MB']:.0f} MB a process"
        rows.append([f"{million['molecules']:,} by `{million['what']}`", f"{million['molecules/s']:.0f}", beside])
    return table(*rows)


def keys():
    """What keys tell about functional groups, means over runs; examples/benchmarks/clusters.py stores it."""
    rows = [["mutual information, 0 to 1", "trained", "keys shuffled", "untrained", "keys random and at rest"]]
    for path in sorted(RESULTS.glob("clusters/*/information.csv")):
        told = pd.read_csv(path).groupby("network")[["information", "shuffled"]].mean()
        [untrained] = [name for name in told.index if name.startswith("untrained")]
        values = [told.loc["this run", "information"], told.loc["this run", "shuffled"]]
        values += [told.loc[name, "information"] for name in (untrained, "keys at rest")]
        rows.append([path.parent.name, *(f"{value:.3f}" for value in values)])
    return table(*rows)


def few():
    """Errors by the number of measured molecules, of examples/benchmarks/learning_curve.py, over whole seeds."""
    path = RESULTS / "pretraining" / "learning_curve.json"
    trials = pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))["trials"])
    scores = trials.pivot(index=["source", "network", "size"], columns="seed", values="score").dropna(axis=1)
    means = scores.mean(axis=1).unstack()
    metric = f"{trials['metric'].iloc[0].upper()} over {scores.shape[1]} seeds"
    rows = [[f"test {metric}, measured molecules:", *map(str, means.columns)]]
    for (source, network), scores in means[::-1].iterrows():
        rows.append([f"{source}, {network}", *(f"{score:.2f}" for score in scores)])
    return table(*rows)


def cliffs():
    """Errors on activities with cliffs, means over seeds, of examples/benchmarks/moleculeace.py."""
    path = RESULTS / "moleculeace" / "moleculeace.json"
    files = json.loads(path.read_text(encoding="utf-8"))["files"]
    rows = [["test RMSE of pKi", *(name.removesuffix("_Ki") for name in files)]]
    for name in next(iter(files.values()))["scores"]:
        seeds = [pd.DataFrame(file["scores"][name])["rmse"] for file in files.values()]
        rows.append([name, *(f"{scores.mean():.3f}" for scores in seeds)])
    return table(*rows)


TABLES = {
    "graphs": graphs,
    "controls": controls,
    "molecules": molecules,
    "keys": keys,
    "speed": speed,
    "few": few,
    "cliffs": cliffs,
}


def filled(text):
    """The text with all its tables as the results are."""
    for name, make in TABLES.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"\n<!-- /{name} -->")
        if not end:
            raise ValueError(
                f"README.md has no <!-- {name} --> with an <!-- /{name} --> in a line of its own below."
            )
        text = before + begin + make() + end + after
    return text


if __name__ == "__main__":
    readme = ROOT / "README.md"
    old = readme.read_text(encoding="utf-8")
    new = filled(old)
    if sys.argv[1:] == ["--check"]:
        sys.exit("README.md is not what docs/results say: run python docs/readme_tables.py." if new != old else 0)
    readme.write_text(new, encoding="utf-8")
