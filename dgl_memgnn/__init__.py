"""Memory-based graph networks (ICLR 2020) for DGL."""

import dgl_memgnn._backend  # noqa: F401  (first: it must run before DGL is imported)
from dgl_memgnn.models import GMN, MemGNN
from dgl_memgnn.nn import EdgeGATConv, MemoryPooling, MemoryReadout, clustering_loss, coarsen

__version__ = "0.1.0"
__all__ = ["GMN", "EdgeGATConv", "MemGNN", "MemoryPooling", "MemoryReadout", "clustering_loss", "coarsen"]
