"""The paper's clustering loss, on molecules without labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor, nn

from dgl_memgnn.objectives.network import View
from dgl_memgnn.objectives.objective import Objective
from dgl_memgnn.training.clustering import memory_clustering_loss

__all__ = ["Clustering"]


class Clustering(Objective):
    """The clustering loss of the memory layers (equations 9, 10)

    It is descended as in any training: by the alternating schedule, a step at the end of every
    ``clustering_period``-th epoch, or with ``clustering_weight`` in every step. Alone it would be met by queries
    that are all the same, so that another objective must train the memory layers too.
    """

    name = "clustering"
    meaning = "the clustering loss of the memory layers, in nats a molecule"
    modules = ("query", "readout")
    joins = True
    width = 1

    def __init__(self, molecules: Any, train: np.ndarray, options: Any) -> None:
        pass

    def head(self, hidden_feats: int, dropout: float, edge_features: bool) -> nn.Module:
        return _Head()

    def loss(self, columns: Tensor, numbers: Tensor) -> None:
        return None

    def score(self, columns: Tensor, numbers: Tensor) -> dict[str, float]:
        return {self.name: columns.double().mean().item()}


class _Head(nn.Module):
    def forward(self, view: View) -> Tensor:
        """The loss of a batch for each of its molecules; 0 in training, where the trainer computes it."""
        pooled = view.pooled
        if self.training:
            return pooled.new_zeros(len(pooled), 1)
        return memory_clustering_loss(view.graph, view.assignments).expand(len(pooled), 1)
