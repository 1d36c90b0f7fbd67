"""Training curves."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

import pandas as pd

from dgl_memgnn.files import replacing

__all__ = ["plot_curves"]


def plot_curves(histories: Mapping[str, str | PathLike[str]], path: str | PathLike[str]) -> None:
    """Draw the training loss and the validation metric of runs over their epochs.

    Parameters
    ----------
    histories : dict
        Names of runs, and the ``history.csv`` of each. The metric drawn is the one that chose the epoch, if there
        was a validation part to choose on.
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
    from matplotlib.figure import Figure  # not pyplot, which needs to know about screens

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    tables = {name: pd.read_csv(history) for name, history in histories.items()}
    metric = next(iter(tables.values())).columns[3:4]  # after epoch, loss and clustering_loss
    axes = figure.subplots(1, 1 + len(metric), squeeze=False)[0]
    for name, table in tables.items():
        for ax, column in zip(axes, ["loss", *metric]):
            ax.plot(table["epoch"], table[column], label=name, linewidth=1)
    axes[0].set(xlabel="epoch", ylabel="training loss", yscale="log")
    for ax, column in zip(axes[1:], metric):
        ax.set(xlabel="epoch", ylabel=f"validation {column}")
    if len(histories) > 1:
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    with replacing(path) as unfinished:
        figure.savefig(unfinished, dpi=100)
