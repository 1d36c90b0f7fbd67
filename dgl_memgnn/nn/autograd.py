"""Functions with a fast form, whose gradient can be taken once, and a plain form, for all else that torch can do.

The fast form serves the forward pass and the first gradient. Higher derivatives, the transforms of
:mod:`torch.func`, forward-mode differentiation and batched gradients go through the plain form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from dgl_memgnn.nn.functional import gradients, is_transformed, needs_plain_gradient

__all__ = ["transformable"]


def transformable(
    fast: Callable[..., torch.Tensor], plain: Callable[..., torch.Tensor], *inputs: torch.Tensor
) -> torch.Tensor:
    """The fast form of a function of tensors, with the plain form behind it.

    Parameters
    ----------
    fast : callable
        Takes the inputs, and returns a tensor; its first gradient is right.
    plain : callable
        The same function, made of operations of torch.
    *inputs : torch.Tensor
        What both take.
    """
    if is_transformed():
        return plain(*inputs)
    if not torch.is_grad_enabled() or not any(x.requires_grad for x in inputs):
        return fast(*inputs)
    out: torch.Tensor = _Transformable.apply(fast, plain, *inputs)
    return out


class _Transformable(torch.autograd.Function):
    """What the fast form recorded is kept for one gradient, and recorded anew for another."""

    @staticmethod
    def forward(
        ctx: Any,
        fast: Callable[..., torch.Tensor],
        plain: Callable[..., torch.Tensor],
        *inputs: torch.Tensor,
    ) -> torch.Tensor:
        ctx.fast, ctx.plain = fast, plain
        ctx.save_for_backward(*inputs)
        ctx.recorded = _record(fast, inputs)
        out: torch.Tensor = ctx.recorded[1]
        return out.detach()

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        inputs, needed = ctx.saved_tensors, ctx.needs_input_grad[2:]
        if needs_plain_gradient([grad]):
            return None, None, *gradients(lambda *x: [ctx.plain(*x)], inputs, [grad], needed)
        leaves, out = ctx.recorded or _record(ctx.fast, inputs)
        ctx.recorded = None
        wanted = [x for x in leaves if x.requires_grad]
        found = dict(zip(map(id, wanted), torch.autograd.grad(out, wanted, grad)))
        return None, None, *(found.get(id(x)) for x in leaves)


def _record(
    function: Callable[..., torch.Tensor], inputs: Sequence[torch.Tensor]
) -> tuple[list[torch.Tensor], torch.Tensor]:
    leaves = [x.detach().requires_grad_(x.requires_grad) for x in inputs]
    with torch.enable_grad():
        return leaves, function(*leaves)
