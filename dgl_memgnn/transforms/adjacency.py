"""The adjacency matrix of a DGLGraph and its normalised forms, as SciPy CSR matrices."""

import numpy as np
from dgl import DGLError
from scipy import sparse


def adjacency_matrix(graph):
    """Symmetric 0/1 matrix of a homogeneous, undirected graph; a self-loop is one entry on the diagonal."""
    if not graph.is_homogeneous:
        raise DGLError("Expected a homogeneous graph; convert it with dgl.to_homogeneous first.")
    source, target = (ids.cpu().numpy() for ids in graph.edges())
    num_nodes = graph.num_nodes()
    matrix = sparse.coo_matrix((np.ones(len(source)), (source, target)), (num_nodes, num_nodes)).tocsr()
    if matrix.nnz < len(source):
        raise DGLError("Expected a graph without duplicate edges; remove them with dgl.to_simple before batching.")
    if not _is_symmetric(matrix):
        raise DGLError(
            "Expected an undirected graph, with every edge in both directions; before batching, convert it "
            "with dgl.to_bidirected, or with dgl.add_reverse_edges if no edge has its reverse yet."
        )
    return matrix


def _is_symmetric(matrix):
    # Duplicate entries were summed, which sorts them: equal patterns have equal arrays.
    columns = matrix.tocsc()
    return np.array_equal(matrix.indptr, columns.indptr) and np.array_equal(matrix.indices, columns.indices)


def leaf_twins(adjacency):
    """The first leaf at the same node for each leaf, for every other node itself.

    Leaves at one node can be exchanged without changing the graph: their sorted rows are equal.
    """
    twin = np.arange(adjacency.shape[0])
    leaves = np.flatnonzero(np.diff(adjacency.indptr) == 1)
    neighbor = adjacency.indices[adjacency.indptr[leaves]]
    _, first, which = np.unique(neighbor, return_index=True, return_inverse=True)
    twin[leaves] = leaves[first[which]]
    return twin


def normalized_adjacency(adjacency):
    r""":math:`D^{-1/2} A D^{-1/2}`; the row of an isolated node is zero."""
    degree = np.diff(adjacency.indptr)
    scale = 1 / np.sqrt(np.maximum(degree, 1))
    return _with_data(adjacency, scale.repeat(degree) * scale[adjacency.indices])


def transition_matrix(adjacency):
    r""":math:`D^{-1} A`; a walk on an isolated node stays there, so that every row sums to 1."""
    isolated = np.diff(adjacency.indptr) == 0
    if isolated.any():
        adjacency = adjacency + sparse.diags(isolated.astype(float), format="csr")
    degree = np.diff(adjacency.indptr)
    return _with_data(adjacency, (1 / degree).repeat(degree))


def _with_data(matrix, data):
    return sparse.csr_matrix((data, matrix.indices, matrix.indptr), matrix.shape)
