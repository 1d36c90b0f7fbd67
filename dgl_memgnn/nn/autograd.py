"""Functions with a fast form, whose gradient can be taken once, and a plain form, for all else that torch can do.

The fast form serves the forward pass and the first gradient. Higher derivatives, the transforms of
:mod:`torch.func`, forward-mode differentiation and batched gradients go through the plain form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.autograd import forward_ad

__all__ = ["gradients", "is_transformed", "needs_plain_gradient", "transformable"]


def is_transformed() -> bool:
    """Whether a transform of :mod:`torch.func` or forward mode is at work. Torch has no public way to ask."""
    return bool(torch._C._are_functorch_transforms_active()) or forward_ad._current_level >= 0


def needs_plain_gradient(grads: Sequence[torch.Tensor | None]) -> bool:
    """Whether the gradient that is being computed will be differentiated, is transformed, or is one of a batch."""
    return torch.is_grad_enabled() or is_transformed() or any(map(_is_batched, grads))


def _is_batched(grad: torch.Tensor | None) -> bool:
    """Whether a gradient stands for several, as with ``vectorize=True``: it has no memory of its own."""
    try:
        return grad is not None and grad.data_ptr() is None
    except RuntimeError:
        return True


def gradients(
    function: Callable[..., Sequence[torch.Tensor]],
    inputs: Sequence[torch.Tensor],
    grads: Sequence[torch.Tensor | None],
    needed: Sequence[bool],
) -> list[torch.Tensor | None]:
    """Gradients at the inputs of a function, by computing it anew; where gradients are recorded, these are too.

    Parameters
    ----------
    function : callable
        Takes the inputs, and returns a sequence of tensors.
    inputs : sequence of torch.Tensor
        Where to differentiate.
    grads : sequence of torch.Tensor or None
        Gradient at each output; None for zero.
    needed : sequence of bool
        Which of the inputs need a gradient; for the others, None is returned.

    Examples
    --------
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> (first,) = gradients(lambda x: [x**3], [x], [torch.tensor(1.0)], [True])
    >>> first.item(), torch.autograd.grad(first, x)[0].item()
    (27.0, 18.0)
    """
    recorded = torch.is_grad_enabled()
    with torch.enable_grad(), torch.autocast(inputs[0].device.type, enabled=False):
        # Views: if an input depends on another, that is not this function's business.
        own = [x.view_as(x) if need else x.detach() for x, need in zip(inputs, needed)]
        outs, outer = zip(*((out, grad) for out, grad in zip(function(*own), grads) if grad is not None))
        wanted = [x for x, need in zip(own, needed) if need]
        found = iter(torch.autograd.grad(outs, wanted, outer, create_graph=recorded, allow_unused=True))
    return [next(found) if need else None for need in needed]


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
