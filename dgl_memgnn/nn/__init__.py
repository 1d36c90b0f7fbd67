"""Layers: memory pooling, edge-featured graph attention, and what they are made of."""

from dgl_memgnn.nn.clustering import clustering_loss, coarsen
from dgl_memgnn.nn.conv import EdgeGATConv
from dgl_memgnn.nn.descriptors import DescriptorNorm
from dgl_memgnn.nn.pooling import MemoryPooling, MemoryReadout
from dgl_memgnn.nn.query import ConvQuery, TopologyQuery

__all__ = [
    "ConvQuery",
    "DescriptorNorm",
    "EdgeGATConv",
    "MemoryPooling",
    "MemoryReadout",
    "TopologyQuery",
    "clustering_loss",
    "coarsen",
]
