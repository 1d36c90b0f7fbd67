"""Topological embeddings of nodes, and fewer edges, as :class:`dgl.transforms.BaseTransform`."""

from dgl_memgnn.transforms.cache import embed
from dgl_memgnn.transforms.sampling import SAMPLINGS, SampleEdges
from dgl_memgnn.transforms.topology import (
    Adjacency,
    HeatKernel,
    NormalizedAdjacency,
    NoTopology,
    PersonalizedPageRank,
    RandomWalkWithRestart,
)

EMBEDDINGS = {
    embedding.__name__: embedding
    for embedding in (
        Adjacency,
        HeatKernel,
        NormalizedAdjacency,
        PersonalizedPageRank,
        RandomWalkWithRestart,
        NoTopology,
    )
}

__all__ = [
    "Adjacency",
    "EMBEDDINGS",
    "HeatKernel",
    "NoTopology",
    "NormalizedAdjacency",
    "PersonalizedPageRank",
    "RandomWalkWithRestart",
    "SAMPLINGS",
    "SampleEdges",
    "embed",
]
