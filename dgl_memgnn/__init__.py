"""Memory-based graph networks (ICLR 2020) for DGL."""

from __future__ import annotations

import importlib
from types import ModuleType

import dgl_memgnn._backend  # noqa: F401  (first: it must run before DGL is imported)
from dgl_memgnn.models import GMN, MemGNN
from dgl_memgnn.nn import EdgeGATConv, MemoryPooling, MemoryReadout, clustering_loss, coarsen

__version__ = "0.3.0.dev0"
__all__ = ["GMN", "EdgeGATConv", "MemGNN", "MemoryPooling", "MemoryReadout", "clustering_loss", "coarsen"]

_ROOMS = (
    "cli",
    "config",
    "data",
    "objectives",
    "results",
    "runs",
    "sklearn",
    "tasks",
    "training",
    "transforms",
    "visualization",
    "weights",
)


def __getattr__(name: str) -> ModuleType:
    """The rooms that a quick import leaves out are imported when they are first used."""
    if name in _ROOMS:
        return importlib.import_module(f"dgl_memgnn.{name}")
    raise AttributeError(f"module 'dgl_memgnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
