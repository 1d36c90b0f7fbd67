"""What follows from an assignment: the clustering loss and the coarsened graph."""

from __future__ import annotations

import dgl
import torch

from dgl_memgnn.nn import functional as F
from dgl_memgnn.nn.checks import check_one_edge_type, check_tensor, node_counts, outside_transforms
from dgl_memgnn.nn.messages import sum_neighbors

__all__ = ["clustering_loss", "coarsen"]


def clustering_loss(graph: dgl.DGLGraph | None, assignment: torch.Tensor, detach: bool = True) -> torch.Tensor:
    r"""Clustering loss of an assignment from `Memory-Based Graph Networks
    <https://arxiv.org/abs/2002.09518>`__

    .. math::
        P_{i,j} &= \frac{C_{i,j}^2 / \sum_{i'} C_{i',j}}
        {\sum_{j'} C_{i,j'}^2 / \sum_{i'} C_{i',j'}} && (9)

        \mathcal{L}_{KL} &= \frac{1}{B} \sum_i \sum_j P_{i,j} \log \frac{P_{i,j}}{C_{i,j}} && (10)

    The sums over :math:`i'` run over the nodes of the same graph.
    The sum over the graphs of a data set does not depend on how they are batched.

    Parameters
    ----------
    graph : DGLGraph or None
        The graph, or batch of B graphs, whose nodes were assigned. None for a stacked layer's assignment.
    assignment : torch.Tensor
        Assignment of shape :math:`(N, K)`; of shape :math:`(B, M, K)` if ``graph`` is None.
    detach : bool, optional
        Whether the target :math:`P` is a constant, through which no gradient flows. Default: ``True``.

    Returns
    -------
    torch.Tensor
        A scalar, in nats per graph.

    Raises
    ------
    DGLError
        If the assignment does not fit the graph, or the graph has several node types.

    Examples
    --------
    >>> import dgl
    >>> import torch
    >>> from dgl_memgnn import MemoryPooling, clustering_loss
    >>> graph = dgl.rand_graph(9, 20)
    >>> _, assignment = MemoryPooling(16, 16, num_keys=4)(graph, torch.randn(9, 16), get_assignment=True)
    >>> clustering_loss(graph, assignment) >= 0
    tensor(True)
    """
    if graph is None:
        check_tensor("clustering_loss", "assignment", assignment, "B", "M", "K")
        num_graphs, num_rows, _ = assignment.shape
        return F.clustering_loss(assignment.flatten(0, 1), [num_rows] * num_graphs, detach)
    return F.clustering_loss(assignment, _sizes("clustering_loss", graph, assignment), detach)


def coarsen(
    graph: dgl.DGLGraph, assignment: torch.Tensor, edge_weight: torch.Tensor | None = None
) -> dgl.DGLGraph:
    r"""The graph between the clusters of an assignment

    .. math::
        A' = C^\top A C

    Parameters
    ----------
    graph : DGLGraph
        A homogeneous graph, or a batch of B of them.
    assignment : torch.Tensor
        Assignment :math:`C` of shape :math:`(N, K)`.
    edge_weight : torch.Tensor, optional
        Weight of each edge, of shape :math:`(E,)`: of a graph that was coarsened before, its
        ``edata["weight"]``. Default: 1 each.

    Returns
    -------
    DGLGraph
        A batch of B graphs of K nodes. Each has all :math:`K^2` edges, loops included, and
        ``edata["weight"]`` holds :math:`A'` row by row: the weight of the edge from cluster a to cluster b
        is that of the edges from nodes of a to nodes of b. The weights carry gradients.

    Raises
    ------
    DGLError
        If the assignment or the weights do not fit the graph, or the graph has several node or edge types.

    Examples
    --------
    >>> import dgl
    >>> import torch
    >>> from dgl_memgnn import coarsen
    >>> graph = dgl.graph(([0, 1, 2], [1, 2, 3]))  # a path, its halves two clusters
    >>> halves = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> coarsen(graph, halves).edata["weight"].view(2, 2)
    tensor([[1., 1.],
            [0., 1.]])

    Once more, where the edges of the coarse graph have their weights:

    >>> coarse = coarsen(graph, halves)
    >>> coarsen(coarse, torch.ones(2, 1), coarse.edata["weight"]).edata["weight"]
    tensor([3.])
    """
    check_one_edge_type("coarsen", graph)
    sizes = _sizes("coarsen", graph, assignment)
    num_graphs, num_keys = len(sizes), assignment.shape[1]
    if edge_weight is None:
        edge_weight = assignment.new_ones(graph.num_edges())
    check_tensor("coarsen", "edge_weight", edge_weight, graph.num_edges(), rows="edge")
    with torch.autocast(assignment.device.type, enabled=False):
        edge_weight = edge_weight.to(assignment).unsqueeze(1)
        received = sum_neighbors(graph, assignment.unsqueeze(1), edge_weight).squeeze(1)
        pairs = zip(received.split(sizes), assignment.split(sizes)) if sizes else ()
        weights = [r.t() @ c for r, c in pairs]
        weight = torch.stack(weights) if weights else assignment.new_zeros(0, num_keys, num_keys)

    with outside_transforms():
        ids = torch.arange(num_graphs * num_keys, dtype=graph.idtype, device=graph.device)
        src = ids.repeat_interleave(num_keys)
        dst = ids.view(num_graphs, 1, num_keys).expand(-1, num_keys, -1).flatten()
        coarse = dgl.graph((src, dst), num_nodes=num_graphs * num_keys)
        coarse.set_batch_num_nodes(graph.batch_num_nodes().new_full((num_graphs,), num_keys))
        coarse.set_batch_num_edges(graph.batch_num_nodes().new_full((num_graphs,), num_keys**2))
    coarse.edata["weight"] = weight.flatten()
    return coarse


def _sizes(function: str, graph: dgl.DGLGraph, assignment: torch.Tensor) -> list[int]:
    sizes = node_counts(function, graph)
    check_tensor(function, "assignment", assignment, sum(sizes), "K", rows="node")
    return sizes
