"""Topological embeddings of many graphs, stored on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dgl
import numpy as np
import torch

from dgl_memgnn.cache import read_arrays, store_arrays
from dgl_memgnn.transforms.adjacency import edge_weights
from dgl_memgnn.transforms.topology import TopologicalEmbedding

_FORMAT = "dgl_memgnn embedding 2"  # to be counted up when the same transform gives other numbers
_BATCH_SIZE = 2**18  # nodes and edges that are embedded together; one graph always fits


def embed(
    graphs: list[dgl.DGLGraph],
    transform: TopologicalEmbedding,
    cache_dir: str | os.PathLike[str] | None = None,
) -> list[dgl.DGLGraph]:
    """Apply a topological embedding to many graphs, or take what an earlier call stored.

    Small graphs are embedded some hundred at a time, which is faster than one by one and gives the same.

    Parameters
    ----------
    graphs : list of DGLGraph
        The graphs. Like the transform, the function writes into them.
    transform : TopologicalEmbedding
        A transform of :data:`dgl_memgnn.transforms.EMBEDDINGS`.
    cache_dir : str or os.PathLike, optional
        Folder that keeps the result, in a file named after the numbers of nodes, the edges and the weights of
        the graphs and the parameters of the transform; other features do not matter. A damaged file is
        computed anew, and a folder that cannot be written leaves the result unstored, both with a warning.
        Default: None, nothing is stored.

    Returns
    -------
    list of DGLGraph
        The graphs.

    Raises
    ------
    TypeError
        If the transform is no topological embedding.
    DGLError
        If a graph is not homogeneous, not undirected, has duplicate edges, or weights that the transform refuses.

    Examples
    --------
    >>> import dgl, tempfile
    >>> from dgl_memgnn.transforms import Adjacency
    >>> graphs = [dgl.to_bidirected(dgl.graph(([0], [1]))), dgl.graph(([], []), num_nodes=1)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = embed(graphs, Adjacency(2), folder)
    ...     len(list(Path(folder).iterdir()))
    1
    >>> [graph.ndata["topology"].tolist() for graph in graphs]
    [[[1.0, 0.0], [1.0, 0.0]], [[0.0, 0.0]]]
    """
    if not isinstance(transform, TopologicalEmbedding):
        raise TypeError(f"Expected a topological embedding, got {transform!r}.")
    if cache_dir is None or not graphs:
        _compute(graphs, transform)
        return graphs
    file = Path(cache_dir) / f"{_key(graphs, transform)}.npz"
    shape = (sum(graph.num_nodes() for graph in graphs), transform.width)
    stored = read_arrays(file, lambda arrays: _check(arrays["rows"], shape))
    if stored is not None:
        _assign(graphs, torch.from_numpy(stored["rows"]), transform.feat_name)
        return graphs
    _compute(graphs, transform)
    store_arrays(file, rows=np.concatenate([graph.ndata[transform.feat_name].cpu().numpy() for graph in graphs]))
    return graphs


def _compute(graphs: Sequence[dgl.DGLGraph], transform: TopologicalEmbedding) -> None:
    for some in _batches(graphs):
        batch = dgl.batch(some, ndata=None, edata=None)
        if transform.weight_name is not None:
            weights = [edge_weights(graph, transform.weight_name) for graph in some]
            batch.edata[transform.weight_name] = torch.from_numpy(np.concatenate(weights)).to(batch.device)
        transform(batch)
        _assign(some, batch.ndata[transform.feat_name], transform.feat_name)


def _batches(graphs: Sequence[dgl.DGLGraph]) -> Iterator[Sequence[dgl.DGLGraph]]:
    first = size = 0
    for last, graph in enumerate(graphs):
        own = graph.num_nodes() + graph.num_edges()
        if last > first and size + own > _BATCH_SIZE:
            yield graphs[first:last]
            first, size = last, 0
        size += own
    if graphs:
        yield graphs[first:]


def _assign(graphs: Sequence[dgl.DGLGraph], rows: torch.Tensor, feat_name: str) -> None:
    for graph, own in zip(graphs, rows.split([graph.num_nodes() for graph in graphs])):
        # A clone: a pickled view would carry the rows of all graphs.
        graph.ndata[feat_name] = own.to(graph.device, copy=True)


def _key(graphs: Sequence[dgl.DGLGraph], transform: TopologicalEmbedding) -> str:
    digest = hashlib.sha256(f"{_FORMAT}\n{transform!r}\n".encode())
    for graph in graphs:
        sizes = graph.batch_num_nodes()
        digest.update(np.array([len(sizes), *sizes.tolist(), graph.num_edges()]).tobytes())
        for ids in graph.edges():
            digest.update(ids.cpu().long().numpy())
        if transform.weight_name is not None:
            digest.update(edge_weights(graph, transform.weight_name))
    return digest.hexdigest()


def _check(rows: Any, shape: Any) -> None:
    if rows.shape != shape or rows.dtype != np.float32:
        raise ValueError(f"{rows.dtype} of shape {rows.shape} where float32 of shape {shape} was expected")
