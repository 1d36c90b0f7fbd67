"""The objectives there are."""

from __future__ import annotations

from dgl_memgnn.objectives.clustering import Clustering
from dgl_memgnn.objectives.descriptors import Descriptors
from dgl_memgnn.objectives.masked import Masked
from dgl_memgnn.objectives.objective import Objective

__all__ = ["OBJECTIVES"]

OBJECTIVES: dict[str, type[Objective]] = {kind.name: kind for kind in (Descriptors, Masked, Clustering)}
