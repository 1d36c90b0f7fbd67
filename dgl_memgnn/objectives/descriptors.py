"""Descriptors of a molecule from its pooled graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dgl_memgnn.models.head import prediction_head
from dgl_memgnn.nn import DescriptorNorm
from dgl_memgnn.objectives.network import View
from dgl_memgnn.objectives.objective import Objective, sample

__all__ = ["Descriptors"]


class Descriptors(Objective):
    r"""rdkit's descriptors of the whole molecule, from its pooled graph

    .. math::
        \mathcal{L} = \frac{1}{B} \sum_g \frac{1}{|P_g|} \sum_{d \in P_g} (o_{gd} - x'_{gd})^2

    over the descriptors :math:`P_g` that rdkit has a number for. :math:`x'` are those of
    :class:`~dgl_memgnn.nn.DescriptorNorm`: standardised by the training molecules, of which at most 50,000 are
    looked at, and limited to the interval from -5 to 5. Those that are the same for all are left out. The loss of
    a network that knows nothing is about 1.
    """

    name = "descriptors"
    meaning = "rdkit's descriptors, standardised: mean squared error"
    modules = ("query", "readout")
    takes_descriptors = True

    def __init__(self, molecules: Any, train: np.ndarray, options: Any) -> None:
        self._molecules = molecules
        self._norm = DescriptorNorm(len(molecules.descriptor_names))
        self._norm.fit(torch.from_numpy(molecules.descriptors[sample(train)]))
        self._varying = self._norm.scale > 0
        self.width = int(self._varying.sum())
        if not self.width:
            raise ValueError("All molecules have the same descriptors: there is nothing to learn from them.")

    def head(self, hidden_feats: int, dropout: float, edge_features: bool) -> nn.Module:
        return _Head(hidden_feats, self.width, dropout)

    def loss(self, columns: Tensor, numbers: Tensor) -> Tensor:
        target, present = (each.to(columns.device) for each in self.targets(numbers))
        return ((columns - target).square() * present).sum(1) / present.sum(1).clamp_min(1)

    def score(self, columns: Tensor, numbers: Tensor) -> dict[str, float]:
        target, present = self.targets(numbers)
        mean = (target * present).sum(0) / present.sum(0).clamp_min(1)
        error, spread = (((each - target).square() * present).double().sum().item() for each in (columns, mean))
        return {
            self.name: self.loss(columns, numbers).double().mean().item(),
            "descriptors_r2": 1 - error / spread if spread else float("nan"),  # of all together
        }

    def targets(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised descriptors of some molecules, and which of them there are; both (B, width)."""
        descriptors = torch.from_numpy(self._molecules.descriptors[numbers.cpu().numpy()])
        return self._norm(descriptors)[:, self._varying], ~descriptors[:, self._varying].isnan()


class _Head(nn.Module):
    def __init__(self, hidden_feats: int, width: int, dropout: float) -> None:
        super().__init__()
        self.head = prediction_head(hidden_feats, hidden_feats, width, dropout)

    def forward(self, view: View) -> Tensor:
        return self.head(view.pooled)
