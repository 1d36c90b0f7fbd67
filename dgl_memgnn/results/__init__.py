"""Tables of stored results."""

from dgl_memgnn.results.tables import write_tables

__all__ = ["write_tables"]
