"""The clustering loss of a whole network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import dgl
from torch import Tensor

from dgl_memgnn.nn import clustering_loss

__all__ = ["memory_clustering_loss"]


def memory_clustering_loss(graph: dgl.DGLGraph, assignments: Sequence[Tensor], detach: bool = True) -> Tensor:
    r"""Clustering loss, summed over the memory layers with more than one key (equation 10).

    Parameters
    ----------
    graph : DGLGraph
        The batch of graphs that went into the network.
    assignments : list of torch.Tensor
        What the network returned with ``get_assignments=True``.
    detach : bool, optional
        See :func:`dgl_memgnn.clustering_loss`. Default: ``True``.

    Returns
    -------
    torch.Tensor
        A scalar, in nats per graph.
    """
    graphs = [graph] + [None] * (len(assignments) - 1)
    losses: Iterator[Any] = (clustering_loss(g, c, detach) for g, c in zip(graphs, assignments) if c.shape[-1] > 1)
    return sum(losses)
