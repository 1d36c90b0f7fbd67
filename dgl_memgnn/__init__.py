"""Memory-based graph networks (ICLR 2020) for DGL."""
import dgl_memgnn._backend  # noqa: F401  (first: it must run before DGL is imported)

__version__ = "0.1.0"
