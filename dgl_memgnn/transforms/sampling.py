"""Thinning out the edges of dense graphs."""

from __future__ import annotations

from typing import Any

import dgl
import numpy as np
import torch
from dgl.transforms import BaseTransform

from dgl_memgnn.transforms.adjacency import adjacency_matrix, normalized_adjacency
from dgl_memgnn.transforms.spectral import function_rows, restart_coefficients

__all__ = ["SAMPLINGS", "SampleEdges"]

SAMPLINGS = ("random", "rwr")
TOL = 1e-6  # error of a score; scores that differ by less are a tie


class SampleEdges(BaseTransform):
    r"""Keeps a share of the edges of an undirected graph, at random or those that random walks favour.

    As in section 4.4.3 of `Memory-Based Graph Networks <https://arxiv.org/abs/2002.09518>`__, which keeps 10 % of
    the edges of dense graphs. The score of an edge between i and j is :math:`S_{i,j}` of random walks with
    restart (equation 12, :class:`RandomWalkWithRestart`).

    Parameters
    ----------
    fraction : float, optional
        Share of the edges to keep, in (0, 1]; a fraction of an edge counts as one. Default: ``0.1``, the paper's.
    by : str, optional
        ``"random"``: every edge with the same probability; ``"rwr"``: those of the highest scores, and among
        equal ones at random. Default: ``"random"``.
    continue_prob : float, optional
        :math:`p` of equation 12, in [0, 1). Default: ``0.1``, the paper's.
    seed : int, optional
        Seed of the draw. The same graph gives the same edges. Default: ``0``.

    Raises
    ------
    ValueError
        If a parameter is out of range.
    DGLError
        On a call, if the graph is not homogeneous, not undirected or has duplicate edges.

    Notes
    -----
    Both directions of an edge stay, or neither; a self-loop is an edge. Nodes, features and batch information
    stay. Graphs of a batch do not see each other. Unlike topological embeddings, the transform returns a new
    graph.

    Examples
    --------
    >>> import dgl
    >>> from dgl_memgnn.transforms import SampleEdges
    >>> ring = dgl.to_bidirected(dgl.graph((range(20), [*range(1, 20), 0])))
    >>> SampleEdges(0.1)(ring).num_edges()
    4
    >>> path = dgl.to_bidirected(dgl.graph(([0, 1, 2], [1, 2, 3])))  # walks favour an end's only edge
    >>> SampleEdges(0.6, by="rwr")(path).edges()
    (tensor([0, 1, 2, 3]), tensor([1, 0, 3, 2]))
    """

    def __init__(
        self, fraction: float = 0.1, by: str = "random", continue_prob: float = 0.1, seed: int = 0
    ) -> None:
        if not 0 < fraction <= 1:
            raise ValueError(f"Expected fraction to lie in (0, 1], got {fraction!r}.")
        if by not in SAMPLINGS:
            raise ValueError(f"Unknown way to sample edges {by!r}: choose one of {', '.join(SAMPLINGS)}.")
        if not 0 <= continue_prob < 1:
            raise ValueError(f"Expected continue_prob to lie in [0, 1), got {continue_prob!r}.")
        self.fraction, self.by, self.continue_prob, self.seed = fraction, by, continue_prob, seed

    def __call__(self, graph: dgl.DGLGraph) -> dgl.DGLGraph:
        adjacency = adjacency_matrix(graph)
        sizes = graph.batch_num_nodes().cpu().numpy()
        row = np.repeat(np.arange(adjacency.shape[0]), np.diff(adjacency.indptr))
        edge = np.flatnonzero(row <= adjacency.indices)  # one direction of each
        of_graph = np.repeat(np.arange(len(sizes)), sizes)[row[edge]]
        num_edges = np.bincount(of_graph, minlength=len(sizes))
        draws = np.concatenate([[], *(np.random.default_rng(self.seed).random(count) for count in num_edges)])
        score = self._scores(adjacency, sizes)[edge] if self.by == "rwr" else np.zeros(len(edge))
        order = np.lexsort((draws, -np.rint(score / TOL), of_graph))
        rank = np.arange(len(edge)) - np.repeat(np.cumsum(num_edges) - num_edges, num_edges)
        kept = edge[order[rank < np.ceil(np.round(self.fraction * num_edges, 9))[of_graph]]]
        return _with_edges(graph, row[kept], adjacency.indices[kept])

    def _scores(self, adjacency: Any, sizes: Any) -> Any:
        """The entry of S at each entry of the adjacency matrix."""
        first = np.repeat(np.cumsum(sizes) - sizes, sizes)
        scores = np.empty(adjacency.nnz)
        coefficients = restart_coefficients(self.continue_prob, TOL / 10)
        everything = np.ones(len(first), bool)
        for nodes, rows in function_rows(
            normalized_adjacency(adjacency), sizes, np.ones(len(sizes)), lambda bound: coefficients, everything
        ):
            counts = np.diff(adjacency.indptr)[nodes]
            own = np.repeat(np.arange(len(nodes)), counts)
            entry = np.arange(counts.sum()) + np.repeat(
                adjacency.indptr[nodes] - (counts.cumsum() - counts), counts
            )
            scores[entry] = np.asarray(rows[own, adjacency.indices[entry] - first[nodes[own]]]).ravel()
        return scores

    def __repr__(self) -> str:
        return (
            f"SampleEdges(fraction={self.fraction}, by={self.by!r}, continue_prob={self.continue_prob}, "
            f"seed={self.seed})"
        )


def _with_edges(graph: dgl.DGLGraph, src: Any, dst: Any) -> dgl.DGLGraph:
    """The graph with both directions of some of its edges only."""
    num_nodes = graph.num_nodes()
    source, target = (ends.cpu().numpy().astype(np.int64) for ends in graph.edges())
    pairs = np.minimum(source, target) * num_nodes + np.maximum(source, target)
    kept = np.isin(pairs, src.astype(np.int64) * num_nodes + dst)
    sampled = graph.edge_subgraph(
        torch.from_numpy(np.flatnonzero(kept)).to(graph.idtype).to(graph.device),
        relabel_nodes=False,
        store_ids=False,
    )
    sampled.set_batch_num_nodes(graph.batch_num_nodes())  # which the subgraph has lost
    of_graph = np.repeat(np.arange(graph.batch_size), graph.batch_num_edges().cpu().numpy())
    num_edges = np.bincount(of_graph[kept], minlength=graph.batch_size)
    sampled.set_batch_num_edges(torch.from_numpy(num_edges).to(graph.batch_num_edges()))
    return sampled
