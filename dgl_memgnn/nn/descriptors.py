"""Descriptors of whole graphs on a common scale."""

from __future__ import annotations

import torch
from torch import nn

from dgl_memgnn.nn.checks import check_sizes

__all__ = ["DescriptorNorm"]


class DescriptorNorm(nn.Module):
    r"""Standardises descriptors, whose ranges differ by orders of magnitude, by those of the training graphs

    .. math::
        x' = \frac{s(x) - \mathrm{mean}(s)}{\mathrm{std}(s)}, \quad s(x) = \mathrm{sign}(x) \log(1 + |x|)

    limited to the interval from -5 to 5; for the last ``num_plain`` descriptors :math:`s(x) = x`. A
    descriptor that is missing (NaN) or infinite, or that is the same for all training graphs, becomes 0.
    Until it is fitted, mean and std are 0 and 1; they travel with ``state_dict()``.

    Parameters
    ----------
    num_descriptors : int
        Number of descriptors of a graph.
    num_plain : int, optional
        Number of those, the last, whose scale is theirs already, such as temperatures. Default: ``0``.

    Examples
    --------
    >>> norm = DescriptorNorm(2)
    >>> norm.fit(torch.tensor([[0.0, 3.0], [1e6, 3.0]]))
    >>> norm(torch.tensor([[1e6, 9.0], [float("nan"), 3.0]])).round(decimals=3)
    tensor([[1., 0.],
            [0., 0.]])
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, num_descriptors: int, num_plain: int = 0) -> None:
        super().__init__()
        check_sizes("DescriptorNorm", num_descriptors=num_descriptors)
        if not 0 <= num_plain <= num_descriptors:
            raise ValueError(f"DescriptorNorm takes num_plain from 0 to {num_descriptors}, got {num_plain}.")
        self.num_squashed = num_descriptors - num_plain
        self.register_buffer("mean", torch.zeros(num_descriptors))
        self.register_buffer("scale", torch.ones(num_descriptors))

    def reset_parameters(self) -> None:
        """Forget what was fitted."""
        self.mean.zero_()
        self.scale.fill_(1)

    def fit(self, descriptors: torch.Tensor) -> None:
        """Take mean and standard deviation from training graphs, of shape (n, D) with NaN where missing."""
        squashed = self._squash(descriptors.double())
        present = ~squashed.isnan()
        count = present.sum(0)
        mean = squashed.nansum(0) / count.clamp_min(1)
        variance = (squashed - mean).square().nansum(0) / count.clamp_min(1)
        varies = variance > 1e-12 * (1 + mean.square())
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(varies, variance.clamp_min(1e-300).rsqrt(), torch.zeros_like(mean)))

    def forward(self, descriptors: torch.Tensor) -> torch.Tensor:
        """Standardise descriptors of shape (B, D)."""
        return ((self._squash(descriptors) - self.mean) * self.scale).nan_to_num(0.0).clamp(-5, 5)

    def _squash(self, descriptors: torch.Tensor) -> torch.Tensor:
        given = descriptors.masked_fill(descriptors.isinf(), torch.nan)
        x = given[:, : self.num_squashed]
        return torch.cat([x.sign() * x.abs().log1p(), given[:, self.num_squashed :]], dim=1)
