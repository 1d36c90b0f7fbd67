"""Training curves."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dgl_memgnn.visualization.names import folder_names
from dgl_memgnn.visualization.palette import line_style
from dgl_memgnn.visualization.pictures import as_text, new_figure, write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_curves", "draw_loss_and_metric", "plot_curves", "run_histories"]

_LEGEND_ROWS = 24
_LINE = 32  # letters of a name


def draw_curves(histories: Mapping[str, str | PathLike[str]]) -> Figure:
    """Draw the training loss and the validation metric of runs over their epochs, side by side.

    Parameters
    ----------
    histories : dict
        Names of runs, and the ``history.csv`` of each. The metric drawn is the one that chose the epoch.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the runs are scored by different metrics, or some have no validation part.
    """
    tables = _read(histories)
    figure, (losses, metrics) = two_panels(histories)
    _draw_losses(losses, tables)
    _draw_metrics(metrics, tables)
    if len(histories) > 1:
        add_legend(figure, losses)
    return figure


def two_panels(names: Iterable[str]) -> tuple[Figure, Any]:
    """A figure of two panels, with room for a legend of these names beside them."""
    heights = _heights(map(line_name, names))
    columns = _legend_columns(heights)
    rows = max(map(sum, np.array_split(heights, columns)))
    figure = new_figure(9 + 3.2 * (columns - 1), max(3.2, 0.19 * rows + 0.3))
    return figure, figure.subplots(1, 2)


def add_legend(figure: Figure, ax: Any) -> None:
    """Name the lines of a panel beside the panels that :func:`two_panels` has made."""
    handles, labels = ax.get_legend_handles_labels()
    columns = _legend_columns(_heights(labels))
    figure.legend(handles, labels, loc="outside right upper", ncols=columns, fontsize="small", handlelength=3)


def line_name(name: str) -> str:
    """A name as the legend has it: a long one takes several lines."""
    return as_text(textwrap.fill(name, _LINE))


def _heights(labels: Iterable[str]) -> list[int]:
    return [1 + label.count("\n") for label in labels]


def _legend_columns(heights: Sequence[int]) -> int:
    return max(1, -(-sum(heights) // _LEGEND_ROWS))


def draw_loss_and_metric(history: str | PathLike[str]) -> tuple[Figure, Figure]:
    """The two panels of :func:`draw_curves` for one run, each as a figure of its own."""
    tables, figures = _read({"": history}), (new_figure(4.4, 3.2), new_figure(4.4, 3.2))
    for figure, draw in zip(figures, (_draw_losses, _draw_metrics)):
        draw(figure.subplots(), tables)
    return figures


def _read(histories: Mapping[str, str | PathLike[str]]) -> dict[str, pd.DataFrame]:
    tables = {name: pd.read_csv(history) for name, history in histories.items()}
    metrics = {name: _metric(table) for name, table in tables.items()}
    lacking = [name for name, metric in metrics.items() if metric is None]
    if 0 < len(lacking) < len(metrics):
        raise ValueError(
            f"These runs have no validation part, and no metric to compare: {', '.join(lacking)}. Draw them apart."
        )
    if len(set(metrics.values())) > 1:
        listed = ", ".join(f"{name} by {metric}" for name, metric in metrics.items())
        raise ValueError(f"Curves of runs that are scored by different metrics are not comparable: {listed}.")
    return tables


def metric_names(table: pd.DataFrame) -> list[str]:
    """Metrics on validation of a history, the one that chose the epoch first; none without a validation part."""
    return list(table.columns[3:])  # after epoch, loss and clustering_loss


def _metric(table: pd.DataFrame) -> str | None:
    """The metric that chose the epoch; None without a validation part."""
    return next(iter(metric_names(table)), None)


def _draw_losses(ax: Any, tables: Mapping[str, pd.DataFrame]) -> None:
    for i, (name, table) in enumerate(tables.items()):
        ax.plot(table["epoch"], table["loss"], label=line_name(name), linewidth=1, **line_style(i))
    positive = all((table["loss"] > 0).all() for table in tables.values())  # a log-likelihood need not be
    ax.set(xlabel="epoch", ylabel="training loss", yscale="log" if positive else "linear")


def _draw_metrics(ax: Any, tables: Mapping[str, pd.DataFrame]) -> None:
    for i, table in enumerate(tables.values()):
        metric = _metric(table)
        if metric is None:
            ax.text(0.5, 0.5, "no validation part", transform=ax.transAxes, ha="center")
            ax.set_axis_off()
            return
        ax.plot(table["epoch"], table[metric], linewidth=1, **line_style(i))
        ax.set(xlabel="epoch", ylabel=f"validation {metric}")


def plot_curves(histories: Mapping[str, str | PathLike[str]], path: str | PathLike[str]) -> None:
    """Write the picture of :func:`draw_curves`.

    Parameters
    ----------
    histories : dict
        Names of runs, and the ``history.csv`` of each.
    path : str or os.PathLike
        The picture to write; its ending is its format.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "history.csv").write_text("epoch,loss,clustering_loss,rmse,mae,r2\\n1,1.0,,0.9,0.7,0.1\\n")
    >>> plot_curves({"seed0": folder / "history.csv"}, folder / "curves.png")
    >>> sorted(p.name for p in folder.iterdir())
    ['curves.png', 'history.csv']
    """
    figure = draw_curves(histories)
    write_figure(figure, path)


def run_histories(runs: list[str | PathLike[str]]) -> dict[str, Path]:
    """The histories of run folders, or of all runs in folders of several, by names that tell them apart.

    Parameters
    ----------
    runs : list of str or os.PathLike
        Folders of runs, finished or not, or of several runs.

    Raises
    ------
    FileNotFoundError
        If a folder holds no ``history.csv``, as that of a network that takes no epochs does not.
    """
    histories: list[Path] = []
    for run in map(Path, runs):
        own = run / "history.csv"
        found = [own] if own.is_file() else sorted(run.rglob("history.csv"))
        if not found:
            raise FileNotFoundError(
                f"{run} holds no history.csv. Give the folder of a run that has ended an epoch, or of several."
            )
        histories += [history for history in found if history not in histories]
    return dict(zip(folder_names([history.parent for history in histories]), histories))
