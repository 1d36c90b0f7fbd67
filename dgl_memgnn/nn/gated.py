"""The step of a gated recurrent unit, from a message and a state to the next state."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import linear

from dgl_memgnn.nn.autograd import Tensors, transformable

__all__ = ["gated_update"]


def gated_update(message: torch.Tensor, feat: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
    r""":class:`torch.nn.GRUCell`, with its gradient written by hand: fewer steps and less memory.

    .. math::
        r &= \sigma(W_{ir} x + b_{ir} + W_{hr} h + b_{hr}) \\
        z &= \sigma(W_{iz} x + b_{iz} + W_{hz} h + b_{hz}) \\
        n &= \tanh(W_{in} x + b_{in} + r (W_{hn} h + b_{hn})) \\
        h' &= (1 - z) n + z h

    Parameters
    ----------
    message, feat : torch.Tensor
        x and h, of shape (N, D).
    *weights : torch.Tensor
        The cell's ``weight_ih``, ``weight_hh``, ``bias_ih`` and ``bias_hh``.

    Returns
    -------
    torch.Tensor
        The new state, of shape (N, D).

    Examples
    --------
    >>> cell, message, feat = torch.nn.GRUCell(4, 4), torch.randn(3, 4), torch.randn(3, 4)
    >>> new = gated_update(message, feat, cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
    >>> torch.allclose(new, cell(message, feat), atol=1e-6)
    True
    """
    if len({x.dtype for x in (message, feat, *weights)}) > 1:  # for autocast to settle
        return _plain(message, feat, *weights)
    return transformable(_fast, _gradient, _plain, message, feat, *weights)


def _fast(
    message: torch.Tensor,
    feat: torch.Tensor,
    weight_ih: torch.Tensor,
    weight_hh: torch.Tensor,
    bias_ih: torch.Tensor,
    bias_hh: torch.Tensor,
) -> tuple[torch.Tensor, Tensors]:
    gates, of_feat = linear(message, weight_ih, bias_ih), linear(feat, weight_hh, bias_hh)
    width = feat.shape[1]
    reset_keep, new, of_feat_new = gates[:, : 2 * width], gates[:, 2 * width :], of_feat[:, 2 * width :]
    reset_keep.add_(of_feat[:, : 2 * width]).sigmoid_()
    new.addcmul_(reset_keep[:, :width], of_feat_new)
    new.mul_(2).sigmoid_().mul_(2).sub_(1)  # tanh, which torch is ten times as slow at
    return torch.lerp(new, feat, reset_keep[:, width:]), [gates, of_feat_new]


def _gradient(
    grad: torch.Tensor, needed: Sequence[bool], inputs: Tensors, kept: Tensors
) -> Sequence[torch.Tensor | None]:
    message, feat, weight_ih, weight_hh, *_ = inputs
    (reset, keep, new), of_feat_new = kept[0].chunk(3, dim=1), kept[1]
    grad_gates = torch.empty_like(kept[0])
    grad_reset, grad_keep, grad_new = grad_gates.chunk(3, dim=1)
    torch.addcmul(grad, grad, keep, value=-1, out=grad_new)
    grad_new.addcmul_(grad_new, new.square(), value=-1)
    torch.sub(feat, new, out=grad_keep).mul_(grad).mul_(torch.addcmul(keep, keep, keep, value=-1))
    torch.mul(grad_new, of_feat_new, out=grad_reset).mul_(torch.addcmul(reset, reset, reset, value=-1))
    grad_of_feat = grad_gates.clone()
    grad_of_feat.chunk(3, dim=1)[2].mul_(reset)
    return [
        grad_gates @ weight_ih if needed[0] else None,
        torch.addmm(grad * keep, grad_of_feat, weight_hh) if needed[1] else None,
        grad_gates.t() @ message if needed[2] else None,
        grad_of_feat.t() @ feat if needed[3] else None,
        grad_gates.sum(0) if needed[4] else None,
        grad_of_feat.sum(0) if needed[5] else None,
    ]


def _plain(
    message: torch.Tensor,
    feat: torch.Tensor,
    weight_ih: torch.Tensor,
    weight_hh: torch.Tensor,
    bias_ih: torch.Tensor,
    bias_hh: torch.Tensor,
) -> torch.Tensor:
    of_message = linear(message, weight_ih, bias_ih).chunk(3, dim=1)
    of_feat = linear(feat, weight_hh, bias_hh).chunk(3, dim=1)
    reset, keep = (torch.sigmoid(a + b) for a, b in zip(of_message[:2], of_feat[:2]))
    new = torch.tanh(of_message[2] + reset * of_feat[2])
    return new + keep * (feat - new)
