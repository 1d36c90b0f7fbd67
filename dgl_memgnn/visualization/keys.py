"""How keys are used, and where they lie among the queries: figure 4 of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import dgl
import numpy as np
import pandas as pd

from dgl_memgnn.training.key_usage import assignment_entropy
from dgl_memgnn.visualization.clusters import RunClusters
from dgl_memgnn.visualization.palette import LINES
from dgl_memgnn.visualization.pictures import as_text, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_keys", "project", "usage_table"]

_DRAWN_QUERIES = 3000


def usage_table(shares: Sequence[Sequence[np.ndarray]]) -> pd.DataFrame:
    """How the nodes of graphs use the keys of each memory layer.

    Parameters
    ----------
    shares : list of list of ndarray
        What :meth:`RunClusters.shares` has found.

    Returns
    -------
    pandas.DataFrame
        A row a key: ``layer``, ``key``, the number of ``nodes`` that belong to it, ``part``, that part of all
        nodes, ``mean_share``, the mean share that the key has of a node, and ``dead``, whether no node belongs to
        it.
    """
    tables = []
    for layer, arrays in enumerate(zip(*shares), start=1):
        share = np.concatenate(arrays)
        nodes = np.bincount(share.argmax(axis=1), minlength=share.shape[1])
        tables.append(
            pd.DataFrame(
                {
                    "layer": layer,
                    "key": range(share.shape[1]),
                    "nodes": nodes,
                    "part": nodes / max(1, len(share)),
                    "mean_share": share.mean(axis=0, dtype=np.float64),
                    "dead": nodes == 0,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def project(queries: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Queries and keys in the plane of the two principal components of both.

    Parameters
    ----------
    queries : ndarray of shape (n, D)
        Queries of nodes.
    keys : ndarray of shape (heads, K, D)
        Keys.

    Returns
    -------
    (ndarray of shape (n, 2), ndarray of shape (heads, K, 2))
    """
    from sklearn.decomposition import PCA

    flat = keys.reshape(-1, keys.shape[-1])
    plane = PCA(2, random_state=0).fit(np.concatenate([queries, flat]))
    return plane.transform(queries), plane.transform(flat).reshape(*keys.shape[:2], 2)


def draw_keys(runs: Mapping[str, str | PathLike[str] | RunClusters], graphs: Sequence[dgl.DGLGraph]) -> Figure:
    """Draw how the first memory layer of runs uses its keys, before the training and after.

    A row is of a run. Its panels: queries and keys before the training and after, in the plane of the principal
    components of each; the part of the nodes that belongs to each key, largest first; and how many nodes have
    which entropy of their assignment, where 1 means all keys alike. The network before the training is made again
    from configuration and seed, and from the weights that it started from; without these, if they are not here any
    more, and called untrained then. Its keys are those that were drawn, also where k-means moved them first.

    Parameters
    ----------
    runs : dict
        Names and folders of runs: the same model with the clustering loss and without, say.
    graphs : sequence of DGLGraph
        Graphs with the features that the runs take.

    Returns
    -------
    matplotlib.figure.Figure
    """
    loaded = {name: run if isinstance(run, RunClusters) else RunClusters(run) for name, run in runs.items()}
    check_comparable(loaded)
    figure = new_figure(14, 3.2 * len(runs))
    for row, (name, clusters) in zip(figure.subplots(len(runs), 4, squeeze=False), loaded.items()):
        clusters.embed(graphs)
        network, begun = clusters.network.before_training(graphs)
        states = {begun: network, "after training": clusters.network}
        found = {}
        for ax, (when, network) in zip(row, states.items()):
            found[when] = np.concatenate([shares[0] for shares in network.node_shares(graphs)])
            _draw_projection(ax, network.node_queries(graphs), network.keys[0], found[when].argmax(axis=1))
            ax.set_title(f"{as_text(name)}, {when}", fontsize="medium")
        # shares of float32 can sum to more than 1, and their entropy then is beyond the last bin
        entropies = {when: np.minimum(assignment_entropy(share), 1) for when, share in found.items()}
        lowest = np.floor(20 * min(entropy.min() for entropy in entropies.values())) / 20
        for (when, share), colour in zip(found.items(), ("#999999", LINES[0])):
            usage = np.bincount(share.argmax(axis=1), minlength=share.shape[1]) / len(share)
            dead = f"{when}: {(usage == 0).sum()} of {len(usage)} dead"
            row[2].step(np.arange(1, len(usage) + 1), np.sort(usage)[::-1], where="mid", color=colour, label=dead)
            row[3].hist(
                entropies[when],
                bins=np.linspace(min(lowest, 0.95), 1, 41),
                weights=np.full(len(share), 1 / len(share)),
                color=colour,
                alpha=0.7,
                label=f"{when}: mean {entropies[when].mean():.3f}",
            )
        row[2].set(xlabel="key, by its number of nodes", ylabel="part of the nodes")
        row[3].set(xlabel="entropy of a node's assignment", ylabel="part of the nodes")
        for ax in row[2:]:
            ax.legend(fontsize="small")
    return figure


def check_comparable(runs: Mapping[str, RunClusters]) -> None:
    """ValueError if a run cannot take the graphs of the first: their features, or the data set, are others."""
    (first, clusters), *others = runs.items()
    for name, other in others:
        own_set, other_set = _graph_set(clusters), _graph_set(other)
        if own_set and other_set and own_set != other_set:
            raise ValueError(f"{name} was trained on {other_set}, {first} on {own_set}: they do not compare.")
        if _features(other) != _features(clusters):
            raise ValueError(f"{name} takes other features of nodes and edges than {first}: they do not compare.")


def _graph_set(clusters: RunClusters) -> str | None:
    """The data set of a run of graphs; None of a run of molecules, which takes any."""
    network = clusters.network
    return None if network.for_molecules else network.config.data.dataset


def _features(clusters: RunClusters) -> tuple[Any, ...]:
    """What tells the features that a network takes; degrees are features of graphs that are no molecules."""
    network = clusters.network
    degree_features = None if network.for_molecules else network.config.data.degree_features
    return (*network.features, degree_features)


def _draw_projection(ax: Any, queries: np.ndarray, keys: np.ndarray, key_of: np.ndarray) -> None:
    chosen = np.random.default_rng(0).permutation(len(queries))[:_DRAWN_QUERIES]
    points, centres = project(queries[chosen], keys)
    belongs = key_of[chosen]
    ranked = np.argsort(-np.bincount(belongs, minlength=keys.shape[1]), kind="stable")
    colours = np.full(keys.shape[1], "#BBBBBB", dtype=object)
    colours[ranked[: len(LINES) - 1]] = LINES[: min(len(LINES) - 1, keys.shape[1])]
    ax.scatter(*points.T, s=4, c=list(colours[belongs]), linewidths=0, alpha=0.6, rasterized=True)
    ax.scatter(*centres.reshape(-1, 2).T, marker="x", s=14, linewidths=0.7, c="black", label="keys of all heads")
    ax.set(xlabel="principal component 1", ylabel="principal component 2")
    ax.legend(fontsize="x-small", loc="best")
