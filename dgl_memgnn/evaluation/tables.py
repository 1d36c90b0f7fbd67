"""Tables of stored results beside the published figures, one for each protocol and data set."""

import json
from pathlib import Path

from dgl_memgnn.evaluation.protocols import PROTOCOLS, protocols_of
from dgl_memgnn.files import replacing

__all__ = ["write_tables"]

HEADINGS = {"accuracy": "accuracy", "roc_auc": "ROC-AUC, mean over tasks", "rmse": "RMSE, in the target's unit"}

# (protocol, data set) -> rows of who, and the figure of each part that the protocol scores
PUBLISHED = {
    ("paper", "ENZYMES"): [("paper, GMN", "0.7866"), ("paper, MemGNN", "0.7550")],
    ("paper", "PROTEINS_full"): [("paper, GMN", "0.8225"), ("paper, MemGNN", "0.8135")],
    ("paper", "DD"): [("paper, GMN", "0.8440"), ("paper, MemGNN", "0.8292")],
    ("paper", "COLLAB"): [("paper, GMN", "0.8018"), ("paper, MemGNN", "0.770")],
    ("paper", "REDDIT-BINARY"): [("paper, GMN", "0.9528"), ("paper, MemGNN", "0.8555")],
    ("moleculenet", "ESOL"): [("paper, MemGNN", "0.53 ± 0.03", "0.54 ± 0.01")],
    ("moleculenet", "Lipophilicity"): [("paper, MemGNN", "0.555 ± 0.039", "0.556 ± 0.023")],
    ("moleculenet", "BACE"): [("paper, MemGNN", "0.859 ± 0.000", "0.907 ± 0.000")],
    ("moleculenet", "Tox21"): [("paper, MemGNN", "0.862 ± 0.009", "0.828 ± 0.004")],
    ("scaffold", "ESOL"): [("dgllife, AttentiveFP", None, "0.82")],
    ("scaffold", "Lipophilicity"): [("dgllife, Weave", None, "0.67")],
    ("scaffold", "BACE"): [("dgllife, pre-trained GIN", None, "0.86"), ("dgllife, MPNN", None, "0.85")],
    ("scaffold", "Tox21"): [("dgllife, pre-trained GIN", None, "0.80")],
}


def write_tables(folder):
    """Write README.md into a folder of results.

    Parameters
    ----------
    folder : str or os.PathLike
        Its folders hold a result.json each, as ``dgl-memgnn benchmark`` writes it; their names name the rows.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    FileNotFoundError
        If there is no result.json.
    """
    folder = Path(folder)
    results = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*/result.json"))
    }
    if not results:
        raise FileNotFoundError(f"No folder in {folder} holds a result.json; dgl-memgnn benchmark writes them.")
    lines = [
        "# Results",
        "",
        "Made by `dgl-memgnn tables` from the `result.json` of each row's folder, which holds every run with its "
        "seed, configuration, versions and wall time. Mean ± standard deviation over the runs, each at the epoch "
        "that is best on validation, or at its last where a row says so. Links lead to the training curves.",
    ]
    for protocol, meaning in PROTOCOLS.items():
        of_protocol = {
            name: result
            for name, result in results.items()
            if protocol in protocols_of(result["protocol"], _dataset(result))
        }
        if of_protocol:
            lines += ["", f"## Protocol `{protocol}`", "", f"{meaning[0].upper()}{meaning[1:]}."]
        for dataset in sorted({_dataset(result) for result in of_protocol.values()}):
            rows = {name: result for name, result in of_protocol.items() if _dataset(result) == dataset}
            lines += _table(folder, protocol, dataset, rows)
    path = folder / "README.md"
    with replacing(path) as unfinished:
        unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _dataset(result):
    return result["config"]["data"]["dataset"] or result["config"]["data"]["csv"]


def _table(folder, protocol, dataset, results):
    summary = next(iter(results.values()))["summary"]
    parts = list(summary)
    metric = next(iter(summary[parts[0]]))  # the one that decides stands first
    rows = [
        [who, *(figure or "" for figure in figures), ""]
        for who, *figures in PUBLISHED.get((protocol, dataset), [])
    ]
    for name, result in results.items():
        title = f"[`{name}`]({name}/curves.png)" if (folder / name / "curves.png").is_file() else f"`{name}`"
        num_runs = sum("-member" not in run for run in result["runs"])
        has_epochs = any(run.get("kept_epoch") for run in result["runs"].values())
        if has_epochs and result["config"]["training"].get("keep") == "last":
            title += ", last epoch"
        rows.append([title, *(_figure(result["summary"][part][metric]) for part in parts), num_runs])
        if "ensemble" in result:
            summary = result["ensemble"]["summary"]
            figures = [_figure(summary[part][metric]) if part in summary else "" for part in parts]
            rows.append([f"`{name}`, ensembles of {result['ensemble']['members']}", *figures, num_runs])
    header = ["", *parts, "runs"]
    return [
        "",
        f"### {dataset}: {HEADINGS[metric]}",
        "",
        *(f"| {' | '.join(map(str, row))} |" for row in [header, ["---"] * len(header), *rows]),
    ]


def _figure(summary):
    if summary["mean"] is None:
        return ""
    return f"{summary['mean']:.3f} ± {summary['std']:.3f}"
