"""Graphs with their nodes in the colours of their keys."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dgl_memgnn.visualization.legend import legend
from dgl_memgnn.visualization.pictures import as_text, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dgl_memgnn.visualization.clusters import ClusteredGraph

__all__ = ["LARGEST_GRAPH", "draw_graphs"]

LARGEST_GRAPH = 500
"""Nodes of a graph that a picture still shows."""

_LETTERS = 14  # of the legend in an inch
_STRESS = 100  # nodes of a graph that is laid out by distances, which takes long for more


def draw_graphs(graphs: Sequence[ClusteredGraph], layer: int = 1, soft: bool = False, columns: int = 4) -> Figure:
    """Draw graphs with their nodes in the colours of their keys, and a legend.

    A key without a colour of its own is grey, with its number in the node.

    Parameters
    ----------
    graphs : sequence of ClusteredGraph
        Graphs of one run; several make a grid.
    layer : int, optional
        Which memory layer, counted from 1. Default: ``1``.
    soft : bool, optional
        Whether a node is paler the more of it other keys have. Default: ``False``.
    columns : int, optional
        Columns of the grid. Default: ``4``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no graph.
    """
    if not graphs:
        raise ValueError("There is no graph to draw.")
    columns = min(columns, len(graphs))
    rows = -(-len(graphs) // columns)
    width = max(3.4 * columns, 4.5)
    figure = new_figure(width, 3.2 * rows + 0.7)
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for each, ax in zip(graphs, axes):
        _draw(each, ax, layer, soft)
    for ax in axes[len(graphs) :]:
        ax.set_axis_off()
    entries, note = legend(graphs, layer, soft)
    handles = [_dot(colour) for _, colour in entries]
    title = textwrap.fill(note, int(width * _LETTERS))
    figure.legend(
        handles, [text for text, _ in entries], loc="outside lower center", ncols=max(1, len(handles)),
        frameon=False, columnspacing=1, handletextpad=0.2, fontsize="small", title=title, title_fontsize="small",
    )  # fmt: skip
    return figure


def _draw(clustered: ClusteredGraph, ax: Any, layer: int, soft: bool) -> None:
    import networkx

    drawn = networkx.Graph()
    drawn.add_nodes_from(range(clustered.graph.num_nodes()))
    drawn.add_edges_from(zip(*(ends.tolist() for ends in clustered.graph.edges())))
    drawn.remove_edges_from(list(networkx.selfloop_edges(drawn)))
    places = networkx.spring_layout(drawn, seed=0)
    if len(drawn) <= _STRESS and networkx.is_connected(drawn):
        places = networkx.kamada_kawai_layout(drawn, pos=places)
    size = 200 if len(drawn) <= 30 else 6000 / len(drawn)
    networkx.draw_networkx_edges(drawn, places, ax=ax, width=0.8, edge_color="#666666")
    networkx.draw_networkx_nodes(
        drawn, places, ax=ax, node_size=size, node_color=clustered.fill(layer, soft), edgecolors="#444444",
        linewidths=0.5,
    )  # fmt: skip
    numbers = {node: str(key) for node, key in clustered.unnamed(layer).items()}
    networkx.draw_networkx_labels(drawn, places, numbers, ax=ax, font_size=max(3, min(7, size**0.5 / 2)))
    ax.set_title(as_text(clustered.name), fontsize="small")
    ax.set_axis_off()


def _dot(colour: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], marker="o", linestyle="", color=colour, markeredgecolor="#444444")
