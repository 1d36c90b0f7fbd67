"""Topological embeddings of nodes, as :class:`dgl.transforms.BaseTransform`."""
from dgl_memgnn.transforms.topology import (
    Adjacency,
    HeatKernel,
    NormalizedAdjacency,
    PersonalizedPageRank,
    RandomWalkWithRestart,
)

__all__ = [
    "Adjacency",
    "HeatKernel",
    "NormalizedAdjacency",
    "PersonalizedPageRank",
    "RandomWalkWithRestart",
]
