"""Many graphs as a few long arrays."""

from __future__ import annotations

from collections.abc import Iterator

import dgl
import numpy as np
import torch


def graphs_from_arrays(
    num_nodes: np.ndarray,
    num_edges: np.ndarray,
    src: np.ndarray,
    dst: np.ndarray,
    node_feat: np.ndarray,
    edge_feat: np.ndarray,
) -> Iterator[dgl.DGLGraph]:
    """Graphs one by one, cut out of arrays that hold them one after the other.

    Parameters
    ----------
    num_nodes, num_edges : ndarray of shape (G,)
        Sizes of the graphs.
    src, dst : ndarray of shape (E,)
        Ends of the edges, counted from 0 in each graph.
    node_feat : ndarray of shape (N, D)
    edge_feat : ndarray of shape (E, D_e)
        Edges get no feature if its width is 0.

    Yields
    ------
    DGLGraph
        With float32 features and int64 ids.

    Examples
    --------
    >>> import numpy as np
    >>> feat = np.eye(3)
    >>> for graph in graphs_from_arrays(np.array([2, 1]), np.array([1, 0]), [0], [1], feat, np.ones((1, 1))):
    ...     print(graph.num_nodes(), graph.num_edges(), graph.ndata["feat"].shape)
    2 1 torch.Size([2, 3])
    1 0 torch.Size([1, 3])
    """
    num_nodes, num_edges = num_nodes.tolist(), num_edges.tolist()
    columns = [
        (torch.as_tensor(src).long(), num_edges),
        (torch.as_tensor(dst).long(), num_edges),
        (torch.as_tensor(node_feat), num_nodes),
        (torch.as_tensor(edge_feat), num_edges),
    ]
    for size, u, v, nodes, edges in zip(num_nodes, *(column.split(sizes) for column, sizes in columns)):
        graph = dgl.graph((u, v), num_nodes=size)
        # A copy: a pickled view would carry the features of all graphs.
        graph.ndata["feat"] = nodes.to(torch.float32, copy=True)
        if edges.shape[1]:
            graph.edata["feat"] = edges.to(torch.float32, copy=True)
        yield graph
