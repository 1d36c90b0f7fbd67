"""Topological embeddings of nodes, as :class:`dgl.transforms.BaseTransform`."""

from dgl_memgnn.transforms.cache import embed
from dgl_memgnn.transforms.topology import (
    Adjacency,
    HeatKernel,
    NormalizedAdjacency,
    PersonalizedPageRank,
    RandomWalkWithRestart,
)

EMBEDDINGS = {
    embedding.__name__: embedding
    for embedding in (Adjacency, HeatKernel, NormalizedAdjacency, PersonalizedPageRank, RandomWalkWithRestart)
}

__all__ = [
    "Adjacency",
    "EMBEDDINGS",
    "HeatKernel",
    "NormalizedAdjacency",
    "PersonalizedPageRank",
    "RandomWalkWithRestart",
    "embed",
]
