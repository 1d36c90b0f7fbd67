"""Dropout whose random numbers cost less."""

from __future__ import annotations

import torch
from torch import nn

from dgl_memgnn.nn.functional import is_transformed

__all__ = ["Dropout"]

LEVELS = 2**16  # that a rate is rounded to


class Dropout(nn.Dropout):
    """:class:`torch.nn.Dropout`, with a quarter of the random numbers on a CPU

    One random number of 64 bits decides on four entries. The rate is therefore a multiple of 1/65536; what is kept
    is scaled by that rate, so that the expected value is exact.

    Examples
    --------
    >>> import torch
    >>> feat = Dropout(0.25)(torch.ones(8))
    >>> set(feat.tolist()) <= {0.0, torch.tensor(4 / 3).item()}
    True
    """

    def forward(self, feat: torch.Tensor) -> torch.Tensor:
        """Zero entries at random, and scale the others up; in evaluation, return what was given."""
        num_dropped = round(self.p * LEVELS)
        if not self.training or num_dropped == 0:
            return feat
        if feat.device.type != "cpu" or num_dropped == LEVELS or is_transformed():
            return super().forward(feat)
        words = torch.empty(-(-feat.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        levels = words.view(torch.int16)[: feat.numel()].view(feat.shape)
        kept = (levels >= num_dropped - LEVELS // 2).to(feat.dtype)
        return feat * kept.mul_(LEVELS / (LEVELS - num_dropped))
