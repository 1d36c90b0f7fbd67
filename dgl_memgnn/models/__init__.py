"""GMN and MemGNN: query network, memory layers, head."""

from dgl_memgnn.models.gmn import GMN
from dgl_memgnn.models.memgnn import MemGNN

__all__ = ["GMN", "MemGNN"]
