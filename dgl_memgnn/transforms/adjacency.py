"""The adjacency matrix of a DGLGraph and its normalised forms, as SciPy CSR matrices."""

from __future__ import annotations

from typing import Any

import dgl
import numpy as np
from dgl import DGLError
from scipy import sparse

__all__ = [
    "adjacency_matrix",
    "degrees",
    "edge_weights",
    "leaf_twins",
    "normalized_adjacency",
    "transition_matrix",
]


def adjacency_matrix(graph: dgl.DGLGraph, weight_name: str | None = None) -> Any:
    """Symmetric matrix of a homogeneous, undirected graph; a self-loop is one entry on the diagonal.

    Its entries are 1, or the edge weights. An edge of weight 0 is none.
    """
    if not graph.is_homogeneous:
        raise DGLError(
            "Expected a homogeneous graph; convert it with dgl.to_homogeneous first, which keeps the features "
            "that its ndata and edata name."
        )
    source, target = (ids.cpu().numpy() for ids in graph.edges())
    num_nodes = graph.num_nodes()
    weight = np.ones(len(source)) if weight_name is None else edge_weights(graph, weight_name)
    matrix = sparse.coo_matrix((weight, (source, target)), (num_nodes, num_nodes)).tocsr()
    if matrix.nnz < len(source):
        raise DGLError(
            "Expected a graph without duplicate edges; remove them with dgl.to_simple before batching, which "
            "keeps edge features only with copy_edata=True."
        )
    columns = matrix.tocsc()  # Duplicate entries were summed, which sorts them: equal patterns have equal arrays.
    if not (np.array_equal(matrix.indptr, columns.indptr) and np.array_equal(matrix.indices, columns.indices)):
        raise DGLError(
            "Expected an undirected graph, with every edge in both directions. Make it one before batching: if no "
            "edge has its reverse yet, dgl.add_reverse_edges(graph, copy_edata=True) keeps all features; else "
            "dgl.to_bidirected(graph, copy_ndata=True) keeps those of the nodes, and drops those of the edges."
        )
    if not np.array_equal(matrix.data, columns.data):
        raise DGLError(
            f"Expected the same weight in both directions of an edge, but edata[{weight_name!r}] has pairs that "
            "differ: give both their mean, say."
        )
    matrix.eliminate_zeros()
    return matrix


def edge_weights(graph: dgl.DGLGraph, weight_name: str) -> Any:
    """The weights of a graph's edges, as a float64 array of shape (E,)."""
    if weight_name not in graph.edata:
        raise DGLError(f"Expected edge weights in edata[{weight_name!r}], found {sorted(graph.edata)}.")
    weight = graph.edata[weight_name].detach().cpu().double().numpy()
    if weight.shape != (graph.num_edges(),):
        raise DGLError(
            f"Expected a weight for each edge in edata[{weight_name!r}], of shape ({graph.num_edges()},), "
            f"got shape {weight.shape}."
        )
    if not np.isfinite(weight).all():
        raise DGLError(
            f"Expected finite weights in edata[{weight_name!r}], got {weight[~np.isfinite(weight)][0]}."
        )
    if (weight < 0).any():
        raise DGLError(f"Expected weights of at least 0 in edata[{weight_name!r}], got {weight.min()}.")
    return weight


def leaf_twins(adjacency: Any) -> Any:
    """The first leaf at the same node, by an edge of the same weight, for each leaf; for every other node itself.

    Such leaves can be exchanged without changing the graph: their sorted rows are equal.
    """
    twin = np.arange(adjacency.shape[0])
    leaves = np.flatnonzero(np.diff(adjacency.indptr) == 1)
    first_entry = adjacency.indptr[leaves]
    weights, weight = np.unique(adjacency.data[first_entry], return_inverse=True)
    attachment = adjacency.indices[first_entry].astype(np.int64) * len(weights) + weight
    _, first, which = np.unique(attachment, return_index=True, return_inverse=True)
    twin[leaves] = leaves[first[which]]
    return twin


def degrees(adjacency: Any) -> Any:
    """The sum of each row."""
    return np.asarray(adjacency.sum(axis=1)).ravel()


def normalized_adjacency(adjacency: Any) -> Any:
    r""":math:`D^{-1/2} A D^{-1/2}`; the row of an isolated node is zero."""
    degree = degrees(adjacency)
    scale = 1 / np.sqrt(np.where(degree > 0, degree, 1))
    data = scale.repeat(np.diff(adjacency.indptr)) * scale[adjacency.indices] * adjacency.data
    return sparse.csr_matrix((data, adjacency.indices, adjacency.indptr), adjacency.shape)


def transition_matrix(adjacency: Any) -> Any:
    r""":math:`D^{-1} A`; a walk on an isolated node stays there, so that every row sums to 1."""
    isolated = np.diff(adjacency.indptr) == 0
    if isolated.any():
        adjacency = adjacency + sparse.diags(isolated.astype(float), format="csr")
    data = (1 / degrees(adjacency)).repeat(np.diff(adjacency.indptr)) * adjacency.data
    return sparse.csr_matrix((data, adjacency.indices, adjacency.indptr), adjacency.shape)
