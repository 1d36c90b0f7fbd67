"""Predictions of a run beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dgl_memgnn.files import read_json
from dgl_memgnn.runs.held_out import read_predictions
from dgl_memgnn.tasks import Task, make_task
from dgl_memgnn.visualization.palette import LINES, line_style
from dgl_memgnn.visualization.pictures import as_text, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["HeldOut", "draw_calibration", "draw_measured", "draw_precision_recall", "draw_roc", "read_held_out"]

_CALIBRATED = 20  # predictions in a group, at least
_LISTED = 12  # curves with an entry in the legend


@dataclass(frozen=True)
class HeldOut:
    """The part of the data that a run has stored predictions for

    Parameters
    ----------
    task : Task
        What is predicted.
    rows : list of str
        Row of each graph in its source.
    smiles : list of str or None
        The molecules, where the graphs are molecules.
    prediction, truth : ndarray of shape (n, num_outputs)
        Predictions, and what they would be if they were right; NaN where a label is missing. Outputs are targets
        or classes.
    targets : dict of pandas.DataFrame
        Of each target, ``target`` and ``prediction`` of each graph, as they are called in the source.
    """

    task: Task
    rows: list[str]
    smiles: list[str] | None
    prediction: np.ndarray
    truth: np.ndarray
    targets: dict[str, pd.DataFrame]

    @property
    def errors(self) -> np.ndarray:
        """The largest error of each graph: in standard deviations of the target, or of a probability."""
        error = np.abs(self.prediction[:, : self.truth.shape[1]] - self.truth)  # means, without what follows them
        if not self.task.discrete:
            spread = np.array([truth.std() if len(truth) else 0 for _, truth, _ in self.outputs()])
            error = error / np.where(spread > 0, spread, 1)
        return np.nan_to_num(error, nan=-1.0).max(axis=1)

    def outputs(self) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """Name, truth and prediction of each output, without what is missing."""
        found = []
        for i, name in enumerate(self.task.output_names):
            there = ~np.isnan(self.truth[:, i])
            found.append((str(name), self.truth[there, i], self.prediction[there, i]))
        return found

    def describe(self, i: int) -> str:
        """Truth and prediction of a graph, in words."""
        rows = {name: table.iloc[i] for name, table in self.targets.items()}
        return "; ".join(
            f"{name}: is {_written(row['target'])}, predicted {_written(row['prediction'])}"
            for name, row in rows.items()
            if not pd.isna(row["target"])
        )


def read_held_out(folder: Path) -> HeldOut:
    """What a finished run has stored in ``predictions.csv``."""
    metrics = read_json(folder / "metrics.json")
    task = make_task(metrics["task"], metrics["task_arguments"])
    table, of_targets = read_predictions(folder, task)
    rows = table["id"].unique()
    prediction, label = task.from_targets(of_targets)
    truth = label if label.dim() == 2 else task.perfect(label)
    smiles = None
    if "smiles" in table:
        smiles = table.drop_duplicates("id").set_index("id").loc[rows, "smiles"].tolist()
    return HeldOut(task, rows.tolist(), smiles, prediction.double().numpy(), truth.double().numpy(), of_targets)


def draw_measured(name: str, truth: np.ndarray, prediction: np.ndarray) -> Figure:
    """Predicted against measured values of a target.

    Examples
    --------
    >>> figure = draw_measured("logS", np.array([-1.0, -3.0]), np.array([-1.2, -2.5]))
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('measured logS', 'predicted logS')
    """
    figure = new_figure(4.4, 4.0)
    ax = figure.subplots()
    ends = [min(truth.min(), prediction.min()), max(truth.max(), prediction.max())] if len(truth) else [0, 1]
    ax.plot(ends, ends, color="#999999", linewidth=1)
    ax.scatter(truth, prediction, s=10, color=LINES[0], alpha=0.6, linewidths=0, rasterized=len(truth) > 500)
    ax.set(xlabel=f"measured {_short(name)}", ylabel=f"predicted {_short(name)}")
    return figure


def draw_roc(held_out: HeldOut) -> Figure:
    """ROC curve of each target or class; of those that have labels of both kinds."""
    from sklearn.metrics import roc_auc_score, roc_curve

    figure, ax = _diagonal("false positive rate", "true positive rate")
    for name, truth, prediction, style in _two_sided(held_out):
        positive, true, _ = roc_curve(truth, prediction)
        ax.plot(positive, true, label=f"{name}: {roc_auc_score(truth, prediction):.3f}", **style)
    return _with_legend(figure, ax, "area")


def draw_precision_recall(held_out: HeldOut) -> Figure:
    """Precision-recall curve of each target or class; of those that have labels of both kinds."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    figure = new_figure(4.4, 4.0)
    ax = figure.subplots()
    ax.set(xlabel="recall", ylabel="precision", ylim=(0, 1.02))
    for name, truth, prediction, style in _two_sided(held_out):
        precision, recall, _ = precision_recall_curve(truth, prediction)
        area = average_precision_score(truth, prediction)
        ax.plot(recall, precision, label=f"{name}: {area:.3f}", drawstyle="steps-post", **style)
    return _with_legend(figure, ax, "area")


def draw_calibration(held_out: HeldOut) -> Figure:
    """How often what is predicted with a probability is so, in up to ten groups of equal size."""
    from sklearn.calibration import calibration_curve

    figure, ax = _diagonal("predicted probability", "part that is so")
    for name, truth, prediction, style in _two_sided(held_out):
        groups = min(10, max(2, len(truth) // _CALIBRATED))
        true, predicted = calibration_curve(truth, prediction, n_bins=groups, strategy="quantile")
        ax.plot(predicted, true, marker=".", label=name, **style)
    return _with_legend(figure, ax, None)


def _two_sided(held_out: HeldOut) -> list[tuple[str, np.ndarray, np.ndarray, dict[str, Any]]]:
    found = [each for each in held_out.outputs() if len(np.unique(each[1])) == 2]
    return [(_short(name), truth, prediction, line_style(i)) for i, (name, truth, prediction) in enumerate(found)]


def _diagonal(xlabel: str, ylabel: str) -> tuple[Figure, Any]:
    figure = new_figure(4.4, 4.0)
    ax = figure.subplots()
    ax.plot([0, 1], [0, 1], color="#999999", linewidth=1)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return figure, ax


def _with_legend(figure: Figure, ax: Any, title: str | None) -> Figure:
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        ax.legend(handles[:_LISTED], labels[:_LISTED], fontsize="x-small", title=title, title_fontsize="x-small")
    return figure


def _written(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _short(name: str) -> str:
    return as_text(name if len(name) <= 30 else name[:27] + "...")
