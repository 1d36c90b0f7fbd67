"""Validation curves of the rows of a table, each a mean over its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike

import pandas as pd

from dgl_memgnn.visualization.curves import add_legend, line_name, metric_names, two_panels
from dgl_memgnn.visualization.palette import line_style
from dgl_memgnn.visualization.pictures import write_figure

__all__ = ["plot_mean_curves"]


def plot_mean_curves(histories: Mapping[str, Sequence[str | PathLike[str]]], path: str | PathLike[str]) -> None:
    """Draw two validation metrics by epoch, a line a row of a table, as figure 3 of the paper does.

    The metrics are the one that chooses the epoch and the last of the history: RMSE and R2, accuracy and ROC-AUC,
    or ROC-AUC and PR-AUC. A line is the mean over the runs of a row, and ends where the first of them ends.

    Parameters
    ----------
    histories : dict
        Names of rows, and the ``history.csv`` of each of their runs.
    path : str or os.PathLike
        The picture to write; its ending is its format.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "history.csv").write_text("epoch,loss,clustering_loss,rmse,mae,r2\\n1,1.0,,0.9,0.7,0.1\\n")
    >>> plot_mean_curves({"e_gat": [folder / "history.csv"]}, folder / "curves.png")
    >>> sorted(p.name for p in folder.iterdir())
    ['curves.png', 'history.csv']
    """
    figure, panels = two_panels(histories)
    for i, (name, runs) in enumerate(histories.items()):
        tables = [pd.read_csv(run) for run in runs]
        shared = pd.concat([table[: min(map(len, tables))] for table in tables])
        names = metric_names(shared)
        means = shared.groupby("epoch")[names].mean()
        for ax, metric in zip(panels, (names[0], names[-1])):
            ax.plot(means.index, means[metric], label=line_name(name), linewidth=1, **line_style(i))
            ax.set(xlabel="epoch", ylabel=f"validation {metric}")
    add_legend(figure, panels[0])
    write_figure(figure, path)
