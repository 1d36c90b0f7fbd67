"""What mattered in a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike

import pandas as pd

from dgl_memgnn.visualization.pictures import as_text, new_figure, write_figure

__all__ = ["plot_search"]

_COLUMNS = 4  # of panels


def plot_search(
    trials: pd.DataFrame,
    names: Sequence[str],
    score: str,
    importance: Mapping[str, float],
    path: str | PathLike[str],
) -> None:
    """Draw the score of each trial over each key's values, and how much of its variance each key explains.

    Parameters
    ----------
    trials : pandas.DataFrame
        A row a trial, the best first, with columns ``trial``, the score, and each key.
    names : sequence of str
        The keys.
    score : str
        The column of the score.
    importance : dict
        Share of each key; empty if it is not known.
    path : str or os.PathLike
        The picture to write; its ending is its format.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> trials = pd.DataFrame({"trial": [1, 0], "validation_rmse": [0.5, 0.6], "dropout": [0.1, 0.0]})
    >>> plot_search(trials, ["dropout"], "validation_rmse", {"dropout": 1.0}, folder / "search.png")
    >>> [path.name for path in folder.iterdir()]
    ['search.png']
    """
    ranked = sorted(names, key=lambda name: -importance.get(name, 0.0))
    rows = -(-(len(ranked) + 1) // _COLUMNS)
    columns = min(len(ranked) + 1, _COLUMNS)
    figure = new_figure(3.2 * columns, 2.8 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    panels[0].plot(trials["trial"], trials[score], "o", markersize=4, color="0.4")
    panels[0].plot(trials["trial"][:1], trials[score][:1], "o", color="C3")
    panels[0].set(xlabel="trial", ylabel=score.replace("_", " "), title="all trials, the best in red")
    for panel, name in zip(panels[1:], ranked):
        values = trials[name].map(str)
        order = sorted(set(values), key=lambda text: next(_key(v) for v in trials[name] if str(v) == text))
        places = values.map({value: i for i, value in enumerate(order)})
        panel.plot(places, trials[score], "o", markersize=4, color="0.4")
        panel.plot(places[:1], trials[score][:1], "o", color="C3")
        share = f": {importance[name]:.0%}" if name in importance else ""
        panel.set(xlabel=name, title=f"{name}{share}", xlim=(-0.5, len(order) - 0.5))
        panel.set_xticks(
            range(len(order)),
            [as_text(value) for value in order],
            fontsize="small",
            rotation=30 if max(map(len, order)) > 6 else 0,
        )
    for panel in panels[len(ranked) + 1 :]:
        panel.set_axis_off()
    if importance:
        figure.suptitle("Share of the variance of scores that each key explains", fontsize="medium")
    write_figure(figure, path)


def _key(value: object) -> tuple[bool, float, str]:
    """Numbers by their size, before other values by their text."""
    is_number = isinstance(value, (int, float))
    return not is_number, float(value) if isinstance(value, (int, float)) else 0.0, str(value)
