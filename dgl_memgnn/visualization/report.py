"""Everything about a run on one page."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dgl_memgnn.files import check_new_file, read_json, replacing
from dgl_memgnn.run_files import check_beside_runs
from dgl_memgnn.runs.assembly import load_stored_dataset
from dgl_memgnn.runs.stored import StoredNetwork
from dgl_memgnn.training import describe_key_usage, key_usage
from dgl_memgnn.visualization import html_page as html
from dgl_memgnn.visualization.clusters import (
    Clustered,
    ClusteredGraph,
    ClusteredMolecule,
    RunClusters,
    check_run_folder,
)
from dgl_memgnn.visualization.curves import draw_loss_and_metric
from dgl_memgnn.visualization.draw_graphs import LARGEST_GRAPH, draw_graphs
from dgl_memgnn.visualization.draw_molecules import draw_molecules, draw_plain_molecule
from dgl_memgnn.visualization.group_tables import leading_groups, readable_information
from dgl_memgnn.visualization.groups import group_enrichment, group_members
from dgl_memgnn.visualization.information import group_information
from dgl_memgnn.visualization.pictures import figure_svg
from dgl_memgnn.visualization.predictions import (
    HeldOut,
    draw_calibration,
    draw_measured,
    draw_precision_recall,
    draw_roc,
    read_held_out,
)

__all__ = ["report_html", "write_report"]

_WORST, _CLUSTERED, _PLOTTED = 12, 8, 12


def write_report(run: str | PathLike[str], path: str | PathLike[str], overwrite: bool = False) -> Path:
    """Write a page about a run, which needs no other file and no network.

    Parameters
    ----------
    run : str or os.PathLike
        Folder of a finished run.
    path : str or os.PathLike
        The HTML file to write.
    overwrite : bool, optional
        Whether to replace it if it is there. Default: ``False``.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    FileNotFoundError
        If the folder holds no finished run, or there is no folder for the file.
    FileExistsError
        If the file is there, without ``overwrite``.
    ValueError
        If the name of the file does not end in .html, if it is one of a run, or nothing of the data was held out.
    """
    path = Path(path)
    check_beside_runs(path)
    check_new_file(path, overwrite, [".html", ".htm"])
    with replacing(path) as unfinished:
        unfinished.write_text(report_html(run), encoding="utf-8")
    return path


def report_html(run: str | PathLike[str]) -> str:
    """The page that :func:`write_report` writes."""
    folder = Path(run)
    check_run_folder(folder)
    if not (folder / "metrics.json").is_file():
        raise FileNotFoundError(f"{folder} is not finished. Finish it (dgl-memgnn train), then report it.")
    metrics = read_json(folder / "metrics.json")
    if not {"validation", "test"} & set(metrics):
        raise ValueError(f"{folder} has no part that was held out: there are no predictions to report.")
    network, held_out = StoredNetwork(folder), read_held_out(folder)
    part = "test" if "test" in metrics else "validation"
    pictured = _Pictured(folder, network, held_out)
    sections = [
        ("Scores", _scores(metrics)),
        (f"Predictions of the {part} part", _predictions(held_out)),
        ("Worst predictions", _worst(held_out, pictured)),
        ("Training", _training(folder)),
        ("Data", _data(metrics)),
        ("What the keys learned", _keys(metrics, pictured, part)),
        ("Configuration", _configuration(folder, metrics)),
    ]
    name = network.config.data.dataset or Path(str(network.config.data.csv)).name
    return html.page(f"{network.config.model.network} on {name}: {held_out.task.describe()}", sections)


class _Pictured:
    """Graphs of the held-out part, with their clusters where the network has some"""

    def __init__(self, folder: Path, network: StoredNetwork, held_out: HeldOut) -> None:
        self.held_out, self.limits = held_out, network.config.data.limits
        self.clusters = RunClusters(folder) if network.keys else None
        self.problem = ""
        self._graphs: list[Any] = []
        if held_out.smiles is None:
            self._load(network)

    def _load(self, network: StoredNetwork) -> None:
        """Graphs that are no molecules are in the data set alone."""
        try:
            dataset = load_stored_dataset(network.config)
        except (OSError, ValueError) as error:
            self.problem = f"Graphs are not drawn, since the data set is not here ({error})"
            return
        if dataset.digest != network.digest:
            self.problem = "Graphs are not drawn, since the data set has changed since the training."
            return
        position = {str(row): i for i, row in enumerate(dataset.rows)}
        self._graphs = [dataset.graphs[position[row]] for row in self.held_out.rows]

    def draw(self, i: int) -> str | None:
        """The picture of one, as SVG; None if it cannot be drawn."""
        if self.held_out.smiles is not None:
            if self.clusters is None:
                return draw_plain_molecule(self.held_out.smiles[i], self.limits)
            return draw_molecules([self.clusters.molecule(self.held_out.smiles[i], "")])
        if not self._graphs or self._graphs[i].num_nodes() > LARGEST_GRAPH or self.clusters is None:
            return None
        return figure_svg(draw_graphs(self.clusters.graphs([self._graphs[i]], [f"graph {self.held_out.rows[i]}"])))

    def clustered(self) -> list[Clustered]:
        """All of them with their clusters."""
        assert self.clusters is not None
        rows = self.held_out.rows
        if self.held_out.smiles is not None:
            return [*self.clusters.molecules(self.held_out.smiles, [f"row {row}" for row in rows])]
        names = [f"graph {row}" for row in rows]
        return [*self.clusters.graphs(self._graphs, names)] if self._graphs else []


def _scores(metrics: dict[str, Any]) -> str:
    headings = [part for part in ("validation", "test") if part in metrics]
    names = list(metrics[headings[0]])
    rows = [[name, *(_value(metrics[part][name]) for part in headings)] for name in names]
    content = html.table(pd.DataFrame(rows, columns=["metric", *headings]), "Scores of all targets together")
    for part, each in metrics.get("tasks", {}).items():
        rows = [[task, *(_value(values[name]) for name in names)] for task, values in each.items()]
        content += html.table(pd.DataFrame(rows, columns=["target", *names]), f"Scores of each target, {part}")
    if metrics["undefined"]:
        content += html.paragraph("\n".join(metrics["undefined"]))
    return content


def _value(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _predictions(held_out: HeldOut) -> str:
    outputs = [output for output in held_out.outputs() if len(output[1])]
    if held_out.task.discrete:
        drawn = {
            "ROC curves": draw_roc(held_out),
            "Precision-recall curves": draw_precision_recall(held_out),
            "Calibration: on the line, probabilities are what they say": draw_calibration(held_out),
        }
        figures = [html.picture(figure_svg(figure), caption, caption) for caption, figure in drawn.items()]
    else:
        figures = [
            html.picture(figure_svg(draw_measured(*each)), f"Predicted against measured {each[0]}", each[0])
            for each in outputs[:_PLOTTED]
        ]
    note = f"{len(held_out.rows)} {'graphs' if held_out.smiles is None else 'molecules'}."
    if not held_out.task.discrete and len(outputs) > _PLOTTED:
        note += f" The first {_PLOTTED} of {len(outputs)} targets are drawn."
    lacking = [name for name, truth, _ in held_out.outputs() if not len(truth)]
    if lacking:
        note += f" None has a label of {', '.join(lacking)}, so that nothing is drawn of it."
    return html.paragraph(note) + html.pictures(figures)


def _worst(held_out: HeldOut, pictured: _Pictured) -> str:
    worst = np.argsort(-held_out.errors, kind="stable")[:_WORST].tolist()
    unit = "of a probability" if held_out.task.discrete else "in standard deviations of the target"
    content = html.paragraph(f"Those with the largest error, {unit}. {pictured.problem}".strip())
    figures, undrawn = [], []
    for i in worst:
        text = f"row {held_out.rows[i]}: {held_out.describe(i)}"
        drawn = pictured.draw(i)
        if drawn is None:
            undrawn.append(text)
            continue
        smiles = f"\n{held_out.smiles[i]}" if held_out.smiles is not None else ""
        figures.append(html.picture(drawn, f"Picture of {text}{smiles}", text + smiles))
    content += html.pictures(figures)
    return content + (html.paragraph("\n".join(undrawn)) if undrawn else "")


def _training(folder: Path) -> str:
    history = folder / "history.csv"
    if not history.is_file():
        return html.paragraph("This network takes no epochs.")
    texts = ("Training loss, epoch by epoch", "Validation metric, epoch by epoch")
    figures = zip(draw_loss_and_metric(history), texts)
    return html.pictures([html.picture(figure_svg(figure), text, text) for figure, text in figures])


def _data(metrics: dict[str, Any]) -> str:
    sizes = pd.DataFrame(list(metrics["parts"].items()), columns=["part", "graphs"])
    content = html.table(sizes, "Parts of the data set")
    for heading, name in (
        ("Dropped", "dropped"),
        ("In several rows", "duplicates"),
        ("Not told apart by the features", "alike"),
    ):
        if metrics.get(name):
            content += html.section(heading, html.paragraph(metrics[name]))
    return content


def _keys(metrics: dict[str, Any], pictured: _Pictured, part: str) -> str:
    if pictured.clusters is None:
        return html.paragraph("This network has no memory layers.")
    clustered = pictured.clustered()
    usages = metrics.get("keys")
    seen = "training part" if usages else f"{part} part"
    if not usages:
        usages = key_usage([each.shares for each in clustered])
    lines = describe_key_usage(usages)
    lines.append(f"Of the {seen}.")
    if pictured.clusters.num_keys[-1] == 1:
        lines[-1] += " The last memory layer has one key, which reads out the graph."
    content = html.paragraph("\n".join(lines))
    for layer, keys in enumerate(pictured.clusters.num_keys, start=1):
        if keys > 1 and clustered:
            content += html.section(f"Memory layer {layer}", _layer(pictured.clusters, clustered, layer, part))
    return content


def _layer(clusters: RunClusters, clustered: list[Clustered], layer: int, part: str) -> str:
    title = f"Clusters of memory layer {layer}, a colour a key"
    molecules = [each for each in clustered if isinstance(each, ClusteredMolecule)]
    if not molecules:
        graphs = [
            each
            for each in clustered
            if isinstance(each, ClusteredGraph) and each.graph.num_nodes() <= LARGEST_GRAPH
        ]
        if not graphs:
            return html.paragraph(f"All graphs have more than {LARGEST_GRAPH} nodes, too many to draw.")
        drawn = [(figure_svg(draw_graphs([each], layer)), each.name) for each in graphs[:_CLUSTERED]]
        return html.pictures([html.picture(svg, f"{title}: {name}") for svg, name in drawn])
    drawn = [(draw_molecules([each], layer), each.smiles) for each in molecules[:_CLUSTERED]]
    content = html.pictures([html.picture(svg, f"{title}: {smiles}") for svg, smiles in drawn])
    members = group_members([each.molecule for each in molecules])
    if members.empty:
        return content
    keys = np.concatenate([each.keys(layer) for each in molecules])
    caption = f"Functional groups that each key's atoms are enriched in, {part} part"
    content += html.table(leading_groups(group_enrichment(keys, members)), caption)
    content += html.paragraph(
        "Fisher's exact test, corrected for all pairs of key and group; it takes atoms for independent."
    )
    told = group_information(clusters, molecules, layer=layer, members=members)
    return content + html.table(
        readable_information(told), "What keys tell about functional groups: 0 nothing, 1 all"
    )


def _configuration(folder: Path, metrics: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in metrics["versions"].items())
    facts = [f"Seed {metrics['seed']}; {metrics['wall_time_seconds']:.0f} seconds.", versions]
    facts.append(f"Digest of the data: {metrics['digest']}.")
    if metrics["kept_epoch"] is not None:
        facts.insert(0, f"Epoch kept: {metrics['kept_epoch']}.")
    text = (folder / "config.yaml").read_text(encoding="utf-8")
    return html.paragraph("\n".join(facts)) + html.preformatted(text)
