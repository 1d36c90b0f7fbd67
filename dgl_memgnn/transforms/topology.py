"""Topological embeddings: what a node sees of its graph, in a vector of fixed width."""

from __future__ import annotations

from inspect import signature
from numbers import Integral
from typing import Any

import dgl
import numpy as np
import torch
from dgl import DGLError
from dgl.transforms import BaseTransform
from scipy import sparse

from dgl_memgnn.transforms.adjacency import (
    adjacency_matrix,
    degrees,
    leaf_twins,
    normalized_adjacency,
    transition_matrix,
)
from dgl_memgnn.transforms.spectral import (
    BLOCK_ENTRIES,
    function_rows,
    heat_coefficients,
    restart_coefficients,
)

__all__ = [
    "Adjacency",
    "HeatKernel",
    "NoTopology",
    "NormalizedAdjacency",
    "PersonalizedPageRank",
    "RandomWalkWithRestart",
    "TopologicalEmbedding",
]


class TopologicalEmbedding(BaseTransform):
    """Writes a row for each node, of `width` entries, to ``ndata[feat_name]``."""

    width: int
    sort: bool
    feat_name: str
    weight_name: str | None

    def __init__(self, width: int, sort: bool, feat_name: str, weight_name: str | None) -> None:
        if not isinstance(width, Integral) or width < 1:
            raise ValueError(f"Expected width to be an integer of at least 1, got {width!r}.")
        self.width = width
        self.sort = sort
        self.feat_name = feat_name
        self.weight_name = weight_name

    def __call__(self, graph: dgl.DGLGraph) -> dgl.DGLGraph:
        adjacency = adjacency_matrix(graph, self.weight_name)
        embedding = self._embed(adjacency, graph.batch_num_nodes().cpu().numpy())
        graph.ndata[self.feat_name] = torch.from_numpy(embedding).to(graph.device)
        return graph

    def _embed(self, adjacency: Any, sizes: Any) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        names = signature(type(self)).parameters
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"


class _SparseEmbedding(TopologicalEmbedding):
    """Rows of a matrix with the entries of the adjacency matrix."""

    def __init__(
        self, width: int, sort: bool = True, feat_name: str = "topology", weight_name: str | None = None
    ) -> None:
        super().__init__(width, sort, feat_name, weight_name)

    def _matrix(self, adjacency: Any) -> Any:
        raise NotImplementedError

    def _embed(self, adjacency: Any, sizes: Any) -> Any:
        matrix = self._matrix(adjacency)
        row, data = matrix.nonzero()[0], matrix.data
        if self.sort:
            data = data[np.lexsort((-data, row))]
            column = np.arange(len(row)) - matrix.indptr[row]
        else:
            column = matrix.indices - np.repeat(sizes.cumsum() - sizes, sizes)[row]
        kept = column < self.width
        embedding = np.zeros((matrix.shape[0], self.width), np.float32)
        embedding[row[kept], column[kept]] = data[kept]
        return embedding


class _SpectralEmbedding(TopologicalEmbedding):
    """Rows of a function of a normalised adjacency matrix."""

    def __init__(self, width: int, sort: bool, tol: float, feat_name: str, weight_name: str | None) -> None:
        super().__init__(width, sort, feat_name, weight_name)
        if not 0 < tol < 1:
            raise ValueError(f"Expected tol to lie between 0 and 1, got {tol!r}.")
        self.tol = tol

    def _matrix(self, adjacency: Any) -> Any:
        raise NotImplementedError

    def _coefficients(self, bound: float) -> Any:
        """Coefficients of the function in Chebyshev polynomials, for graphs with such a bound."""
        raise NotImplementedError

    def _bounds(self, adjacency: Any, sizes: Any) -> Any:
        """An upper bound of each graph's number of nodes, a power of two."""
        return 2.0 ** np.frexp(sizes)[1]

    def _embed(self, adjacency: Any, sizes: Any) -> Any:
        embedding = np.zeros((sizes.sum(), self.width), np.float32)
        twin = leaf_twins(adjacency) if self.sort else np.arange(len(embedding))
        own = twin == np.arange(len(twin))
        bounds = self._bounds(adjacency, sizes)
        for nodes, rows in function_rows(self._matrix(adjacency), sizes, bounds, self._coefficients, own):
            if not self.sort:
                rows = rows[:, : self.width]
            rows = _nonzero(rows) if self.sort and sparse.issparse(rows) else _dense(rows)
            np.maximum(rows, 0, out=rows)  # an error below zero would sort behind the padding
            if self.sort:
                rows.sort(axis=1)
                rows = rows[:, ::-1]
            embedding[nodes, : rows.shape[1]] = rows[:, : self.width]
        for nodes in np.array_split(np.flatnonzero(~own), 1 + embedding.size // BLOCK_ENTRIES):
            embedding[nodes] = embedding[twin[nodes]]
        return embedding


def _dense(rows: Any) -> Any:
    return np.ascontiguousarray(rows.toarray() if sparse.issparse(rows) else rows, np.float32)


def _nonzero(rows: Any) -> Any:
    """The stored entries of each row of a sparse matrix, zero-padded to the longest."""
    rows = rows.tocsr()
    counts = np.diff(rows.indptr)
    packed = np.zeros((len(counts), counts.max()), np.float32)
    packed[np.arange(packed.shape[1]) < counts[:, None]] = rows.data
    return packed


def _check_continue_prob(continue_prob: float) -> None:
    if not 0 <= continue_prob < 1:
        raise ValueError(f"Expected continue_prob to lie in [0, 1), got {continue_prob!r}.")


class RandomWalkWithRestart(_SpectralEmbedding):
    r"""Random walks with restart (equation 12).

    As introduced in `Memory-Based Graph Networks <https://arxiv.org/abs/2002.09518>`__:

    .. math::
        S = (1 - p) \left(I - p \tilde{A}\right)^{-1}, \quad \tilde{A} = D^{-1/2} A D^{-1/2}

    The embedding of a node is its row of :math:`S`, sorted in descending order, cut or zero-padded to a fixed
    width. A fixed width lets a network trained on small graphs run on larger ones.

    The paper calls :math:`p = 0.1` the "restart probability", but :math:`p` multiplies :math:`\tilde{A}`: it
    is the probability to go on. In the usual sense of the word, the walk restarts with probability 0.9.

    Like :class:`dgl.transforms.RandomWalkPE`, the transform writes into the given graph and returns it.
    Graphs of a batch do not see each other: the result is that of each graph alone.

    Parameters
    ----------
    width : int
        Number of entries of an embedding.
    continue_prob : float, optional
        :math:`p`, in [0, 1). Default: ``0.1``, which gives the paper's numbers.
    sort : bool, optional
        Whether to sort each row in descending order. Unsorted, entry j of a row belongs to the j-th node of
        the graph, so that the embedding depends on the order of the nodes. Default: ``True``, the paper's.
    tol : float, optional
        Bound on the error of an entry, apart from the rounding to float32. Default: ``1e-6``.
    feat_name : str, optional
        Name of the node feature to write. Default: ``"topology"``.
    weight_name : str, optional
        Name of the edge feature, of shape :math:`(E,)`, that holds the weights of the edges: the entries of
        :math:`A`, at least 0 and the same in both directions. Default: None, all weigh 1.

    Raises
    ------
    ValueError
        If a parameter is out of range.
    DGLError
        On a call, if the graph is not homogeneous, not undirected (every edge in both directions) or has
        duplicate edges, or if weights are missing, negative, not finite or differ between directions.

    Notes
    -----
    A self-loop is an edge: it adds 1, or its weight, to the diagonal of :math:`A` and to the degree.
    The row of an isolated node is :math:`(1 - p, 0, \ldots)`, and on irregular graphs rows need not sum to 1.

    No inverse is computed, nor any N x N matrix: the rows come from a Chebyshev expansion in
    :math:`\tilde{A}`, in blocks, with as many terms as `tol` needs. The time grows with the number of nodes that
    walks of as many steps reach, at worst with the sum of the squared graph sizes. Leaves that hang on one node
    by the same weight have the same sorted row, which is computed once. For many graphs, see :func:`embed`.

    Examples
    --------
    >>> import dgl
    >>> from dgl_memgnn.transforms import RandomWalkWithRestart
    >>> path = dgl.to_bidirected(dgl.graph(([0, 1], [1, 2])))
    >>> RandomWalkWithRestart(width=4)(path).ndata["topology"]
    tensor([[0.9045, 0.0643, 0.0045, 0.0000],
            [0.9091, 0.0643, 0.0643, 0.0000],
            [0.9045, 0.0643, 0.0045, 0.0000]])
    """

    def __init__(
        self,
        width: int,
        continue_prob: float = 0.1,
        sort: bool = True,
        tol: float = 1e-6,
        feat_name: str = "topology",
        weight_name: str | None = None,
    ) -> None:
        super().__init__(width, sort, tol, feat_name, weight_name)
        _check_continue_prob(continue_prob)
        self.continue_prob = continue_prob

    def _matrix(self, adjacency: Any) -> Any:
        return normalized_adjacency(adjacency)

    def _coefficients(self, bound: float) -> Any:
        return restart_coefficients(self.continue_prob, self.tol)


class HeatKernel(_SpectralEmbedding):
    r"""Diffusion of heat along the edges.

    .. math::
        S = e^{-t (I - \tilde{A})}, \quad \tilde{A} = D^{-1/2} A D^{-1/2}

    The embedding of a node is its row of :math:`S`, sorted in descending order, cut or zero-padded to a fixed
    width: an alternative to equation 12 of `Memory-Based Graph Networks <https://arxiv.org/abs/2002.09518>`__
    that the paper leaves to future work.

    Like :class:`dgl.transforms.RandomWalkPE`, the transform writes into the given graph and returns it.
    Graphs of a batch do not see each other: the result is that of each graph alone.

    Parameters
    ----------
    width : int
        Number of entries of an embedding.
    time : float, optional
        :math:`t > 0`, the mean number of steps of a walk in continuous time. Default: ``1.0``.
    sort : bool, optional
        Whether to sort each row in descending order. Unsorted, entry j of a row belongs to the j-th node of
        the graph, so that the embedding depends on the order of the nodes. Default: ``True``.
    tol : float, optional
        Bound on the error of an entry, apart from the rounding to float32. Default: ``1e-6``.
    feat_name : str, optional
        Name of the node feature to write. Default: ``"topology"``.
    weight_name : str, optional
        Name of the edge feature, of shape :math:`(E,)`, that holds the weights of the edges: the entries of
        :math:`A`, at least 0 and the same in both directions. Default: None, all weigh 1.

    Raises
    ------
    ValueError
        If a parameter is out of range.
    DGLError
        On a call, if the graph is not homogeneous, not undirected (every edge in both directions) or has
        duplicate edges, or if weights are missing, negative, not finite or differ between directions.

    Notes
    -----
    A self-loop is an edge: it adds 1, or its weight, to the diagonal of :math:`A` and to the degree.
    The row of an isolated node is :math:`(e^{-t}, 0, \ldots)`.

    Examples
    --------
    >>> import dgl
    >>> from dgl_memgnn.transforms import HeatKernel
    >>> path = dgl.to_bidirected(dgl.graph(([0, 1], [1, 2])))
    >>> HeatKernel(width=4)(path).ndata["topology"]
    tensor([[0.4678, 0.3057, 0.0999, 0.0000],
            [0.5677, 0.3057, 0.3057, 0.0000],
            [0.4678, 0.3057, 0.0999, 0.0000]])
    """

    def __init__(
        self,
        width: int,
        time: float = 1.0,
        sort: bool = True,
        tol: float = 1e-6,
        feat_name: str = "topology",
        weight_name: str | None = None,
    ) -> None:
        super().__init__(width, sort, tol, feat_name, weight_name)
        if not 0 < time < float("inf"):
            raise ValueError(f"Expected time to be positive and finite, got {time!r}.")
        self.time = time

    def _matrix(self, adjacency: Any) -> Any:
        return normalized_adjacency(adjacency)

    def _coefficients(self, bound: float) -> Any:
        return heat_coefficients(self.time, self.tol)


class PersonalizedPageRank(_SpectralEmbedding):
    r"""Where a random walk that starts at a node stops.

    .. math::
        S = (1 - p) \left(I - p D^{-1} A\right)^{-1}

    The embedding of a node is its row of :math:`S`, sorted in descending order, cut or zero-padded to a fixed
    width: an alternative to equation 12 of `Memory-Based Graph Networks <https://arxiv.org/abs/2002.09518>`__
    that the paper leaves to future work. An uncut row is a probability distribution over the nodes.

    Like :class:`dgl.transforms.RandomWalkPE`, the transform writes into the given graph and returns it.
    Graphs of a batch do not see each other: the result is that of each graph alone.

    Parameters
    ----------
    width : int
        Number of entries of an embedding.
    continue_prob : float, optional
        :math:`p`, in [0, 1): the walk takes another step with probability :math:`p`. Default: ``0.85``, the
        customary damping factor of PageRank.
    sort : bool, optional
        Whether to sort each row in descending order. Unsorted, entry j of a row belongs to the j-th node of
        the graph, so that the embedding depends on the order of the nodes. Default: ``True``.
    tol : float, optional
        Bound on the error of an entry, apart from the rounding to float32. Default: ``1e-6``.
    feat_name : str, optional
        Name of the node feature to write. Default: ``"topology"``.
    weight_name : str, optional
        Name of the edge feature, of shape :math:`(E,)`, that holds the weights of the edges: the entries of
        :math:`A`, at least 0 and the same in both directions. Default: None, all weigh 1.

    Raises
    ------
    ValueError
        If a parameter is out of range.
    DGLError
        On a call, if the graph is not homogeneous, not undirected (every edge in both directions) or has
        duplicate edges, or if weights are missing, negative, not finite or differ between directions.

    Notes
    -----
    A self-loop is an edge: it adds 1, or its weight, to the diagonal of :math:`A` and to the degree.
    A walk on an isolated node stays there, so that its row is :math:`(1, 0, \ldots)` and sums to 1 like every
    other.

    Examples
    --------
    >>> import dgl
    >>> from dgl_memgnn.transforms import PersonalizedPageRank
    >>> path = dgl.to_bidirected(dgl.graph(([0, 1], [1, 2])))
    >>> PersonalizedPageRank(width=4)(path).ndata["topology"]
    tensor([[0.4595, 0.3453, 0.1953, 0.0000],
            [0.5405, 0.2297, 0.2297, 0.0000],
            [0.4595, 0.3453, 0.1953, 0.0000]])
    """

    def __init__(
        self,
        width: int,
        continue_prob: float = 0.85,
        sort: bool = True,
        tol: float = 1e-6,
        feat_name: str = "topology",
        weight_name: str | None = None,
    ) -> None:
        super().__init__(width, sort, tol, feat_name, weight_name)
        _check_continue_prob(continue_prob)
        self.continue_prob = continue_prob

    def _matrix(self, adjacency: Any) -> Any:
        return transition_matrix(adjacency)

    def _bounds(self, adjacency: Any, sizes: Any) -> Any:
        """An upper bound of the ratio of degrees within each graph, a power of two."""
        if self.weight_name is None:
            return super()._bounds(adjacency, sizes)
        degree = degrees(adjacency)
        graph = np.repeat(np.arange(len(sizes)), sizes)[degree > 0]
        largest, smallest = np.zeros(len(sizes)), np.full(len(sizes), np.inf)
        np.maximum.at(largest, graph, degree[degree > 0])
        np.minimum.at(smallest, graph, degree[degree > 0])
        bounds = 2.0 ** np.frexp(largest / smallest)[1]
        if (np.sqrt(bounds) * np.finfo(float).eps > self.tol).any():
            raise DGLError(
                f"The weights in edata[{self.weight_name!r}] make degrees of a graph differ by a factor of up to "
                f"{bounds.max():.0e}, too much for an error of tol={self.tol}: raise tol, or limit the weights."
            )
        return bounds

    def _coefficients(self, bound: float) -> Any:
        # D^-1 A = D^-1/2 (D^-1/2 A D^-1/2) D^1/2: an error grows by at most the root of the ratio of degrees.
        return restart_coefficients(self.continue_prob, self.tol / np.sqrt(bound))


class NormalizedAdjacency(_SparseEmbedding):
    r"""The normalised adjacency matrix, row by row.

    From section 4.4.2 of `Memory-Based Graph Networks <https://arxiv.org/abs/2002.09518>`__:

    .. math::
        \tilde{A} = D^{-1/2} A D^{-1/2}

    The embedding of a node is its row of :math:`\tilde{A}`, sorted in descending order, cut or zero-padded to
    a fixed width.

    Like :class:`dgl.transforms.RandomWalkPE`, the transform writes into the given graph and returns it.
    Graphs of a batch do not see each other: the result is that of each graph alone.

    Parameters
    ----------
    width : int
        Number of entries of an embedding.
    sort : bool, optional
        Whether to sort each row in descending order. Unsorted, entry j of a row belongs to the j-th node of
        the graph, so that the embedding depends on the order of the nodes. Default: ``True``, the paper's.
    feat_name : str, optional
        Name of the node feature to write. Default: ``"topology"``.
    weight_name : str, optional
        Name of the edge feature, of shape :math:`(E,)`, that holds the weights of the edges: the entries of
        :math:`A`, at least 0 and the same in both directions. Default: None, all weigh 1.

    Raises
    ------
    ValueError
        If `width` is not a positive integer.
    DGLError
        On a call, if the graph is not homogeneous, not undirected (every edge in both directions) or has
        duplicate edges, or if weights are missing, negative, not finite or differ between directions.

    Notes
    -----
    A self-loop is an edge: it adds 1, or its weight, to the diagonal of :math:`A` and to the degree.
    The row of an isolated node is zero.

    Examples
    --------
    >>> import dgl
    >>> from dgl_memgnn.transforms import NormalizedAdjacency
    >>> path = dgl.to_bidirected(dgl.graph(([0, 1], [1, 2])))
    >>> NormalizedAdjacency(width=4)(path).ndata["topology"]
    tensor([[0.7071, 0.0000, 0.0000, 0.0000],
            [0.7071, 0.7071, 0.0000, 0.0000],
            [0.7071, 0.0000, 0.0000, 0.0000]])
    """

    def _matrix(self, adjacency: Any) -> Any:
        return normalized_adjacency(adjacency)


class Adjacency(_SparseEmbedding):
    r"""The adjacency matrix, row by row.

    From section 4.4.2 of `Memory-Based Graph Networks <https://arxiv.org/abs/2002.09518>`__.

    The embedding of a node is its row of :math:`A`, sorted in descending order, cut or zero-padded to a fixed
    width. Sorted, and without weights, the row of a node of degree d is d ones, then zeros.

    Like :class:`dgl.transforms.RandomWalkPE`, the transform writes into the given graph and returns it.
    Graphs of a batch do not see each other: the result is that of each graph alone.

    Parameters
    ----------
    width : int
        Number of entries of an embedding.
    sort : bool, optional
        Whether to sort each row in descending order. Unsorted, entry j of a row belongs to the j-th node of
        the graph, so that the embedding depends on the order of the nodes. Default: ``True``, the paper's.
    feat_name : str, optional
        Name of the node feature to write. Default: ``"topology"``.
    weight_name : str, optional
        Name of the edge feature, of shape :math:`(E,)`, that holds the weights of the edges: the entries of
        :math:`A`, at least 0 and the same in both directions. Default: None, all weigh 1.

    Raises
    ------
    ValueError
        If `width` is not a positive integer.
    DGLError
        On a call, if the graph is not homogeneous, not undirected (every edge in both directions) or has
        duplicate edges, or if weights are missing, negative, not finite or differ between directions.

    Notes
    -----
    A self-loop is an edge: it puts 1, or its weight, on the diagonal of :math:`A`.

    Examples
    --------
    >>> import dgl
    >>> from dgl_memgnn.transforms import Adjacency
    >>> path = dgl.to_bidirected(dgl.graph(([0, 1], [1, 2])))
    >>> Adjacency(width=4)(path).ndata["topology"]
    tensor([[1., 0., 0., 0.],
            [1., 1., 0., 0.],
            [1., 0., 0., 0.]])
    """

    def _matrix(self, adjacency: Any) -> Any:
        return adjacency


class NoTopology(TopologicalEmbedding):
    """Zeros: nothing of a graph's structure, for comparison with embeddings that tell of it.

    Parameters
    ----------
    width : int
        Number of entries of an embedding.
    feat_name : str, optional
        Name of the node feature to write. Default: ``"topology"``.

    Raises
    ------
    ValueError
        If `width` is not a positive integer.

    Examples
    --------
    >>> import dgl
    >>> from dgl_memgnn.transforms import NoTopology
    >>> NoTopology(width=2)(dgl.to_bidirected(dgl.graph(([0], [1])))).ndata["topology"]
    tensor([[0., 0.],
            [0., 0.]])
    """

    def __init__(self, width: int, feat_name: str = "topology") -> None:
        super().__init__(width, sort=False, feat_name=feat_name, weight_name=None)

    def _embed(self, adjacency: Any, sizes: Any) -> Any:
        return np.zeros((adjacency.shape[0], self.width), np.float32)
