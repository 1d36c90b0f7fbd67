"""Node features of graphs whose nodes have none: what a node's degree and its neighbours' edges tell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["DEGREE_FEATURES"]

LARGEST = 10  # degree with a column of its own; larger ones share the last
_BLOCK = 10_000  # nodes whose neighbours are compared at a time


def _log(src: np.ndarray, dst: np.ndarray, num_nodes: int) -> np.ndarray:
    """log(1 + degree)."""
    # Rounded from float64, since float32 logarithms differ from processor to processor, and the digest with them.
    return np.log1p(_degree(dst, num_nodes, np.float64)).astype(np.float32)[:, None]


def _inverse(src: np.ndarray, dst: np.ndarray, num_nodes: int) -> np.ndarray:
    """1 / (1 + degree)."""
    return (1 / (1 + _degree(dst, num_nodes, np.float32)))[:, None]


def _onehot(src: np.ndarray, dst: np.ndarray, num_nodes: int) -> np.ndarray:
    """Whether the degree is 0, 1, ..., 10, or more."""
    return np.eye(LARGEST + 2, dtype=np.float32)[np.minimum(_degree(dst, num_nodes), LARGEST + 1)]


def _clustering(src: np.ndarray, dst: np.ndarray, num_nodes: int) -> np.ndarray:
    """Clustering coefficient: the share of pairs of neighbours that are neighbours; 0 without a pair."""
    from scipy.sparse import csr_matrix

    adjacency = csr_matrix((np.ones(len(src), np.float32), (src, dst)), shape=(num_nodes, num_nodes))
    triangles = np.zeros(num_nodes, np.float32)
    for first in range(0, num_nodes, _BLOCK):  # a product of the whole matrix would fill the memory
        rows = adjacency[first : first + _BLOCK]
        triangles[first : first + _BLOCK] = (rows @ adjacency).multiply(rows).sum(axis=1).A1 / 2
    degree = _degree(dst, num_nodes, np.float32)
    return (triangles / np.maximum(degree * (degree - 1) / 2, 1))[:, None]


def _neighbours(src: np.ndarray, dst: np.ndarray, num_nodes: int) -> np.ndarray:
    """Least, greatest and mean log(1 + degree) of the neighbours, and its deviation; 0 without neighbours."""
    degree = _degree(dst, num_nodes)
    log, count = np.log1p(degree)[src], np.maximum(degree, 1)
    least, greatest = np.full(num_nodes, np.inf), np.zeros(num_nodes)
    np.minimum.at(least, dst, log)
    np.maximum.at(greatest, dst, log)
    least[np.isinf(least)] = 0
    mean = np.bincount(dst, log, num_nodes) / count
    deviation = np.sqrt(np.bincount(dst, (log - mean[dst]) ** 2, num_nodes) / count)
    columns = np.stack([least, greatest, mean, deviation], axis=1)
    return columns.round(4).astype(np.float32)  # to the digits that are the same on every processor


def _degree(dst: np.ndarray, num_nodes: int, dtype: type = np.int64) -> np.ndarray:
    return np.bincount(dst, minlength=num_nodes).astype(dtype)


# name -> columns of shape (num_nodes, k), float32, of the edges of simple undirected graphs side by side
DEGREE_FEATURES: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "log": _log,
    "inverse": _inverse,
    "onehot": _onehot,
    "clustering": _clustering,
    "neighbours": _neighbours,
}
