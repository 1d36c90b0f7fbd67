"""Functions whose first gradient is written by hand, with a plain form for all else that torch can do.

The fast form serves the forward pass and the first gradient. Higher derivatives, the transforms of
:mod:`torch.func`, forward-mode differentiation and batched gradients go through the plain form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from dgl_memgnn.nn.functional import gradients, is_transformed, needs_plain_gradient

__all__ = ["transformable"]

Tensors = Sequence[torch.Tensor]


def transformable(
    fast: Callable[..., tuple[torch.Tensor, Tensors]],
    gradient: Callable[[torch.Tensor, Sequence[bool], Tensors, Tensors], Sequence[torch.Tensor | None]],
    plain: Callable[..., torch.Tensor],
    *inputs: torch.Tensor,
) -> torch.Tensor:
    """A function of tensors in its fast form, with the plain form behind it.

    Parameters
    ----------
    fast : callable
        Takes the inputs, and returns the result and the tensors that its gradient needs beside the inputs.
    gradient : callable
        ``gradient(grad, needed, inputs, kept)`` gives, from the gradient at the result, that at each input; where
        ``needed`` is False it may be None.
    plain : callable
        The same function, made of operations of torch.
    *inputs : torch.Tensor
        What both forms take.

    Examples
    --------
    >>> def fast(x):
    ...     return x.square(), []
    >>> def gradient(grad, needed, inputs, kept):
    ...     return [2 * inputs[0] * grad]
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> (first,) = torch.autograd.grad(transformable(fast, gradient, torch.square, x), x, create_graph=True)
    >>> first.item(), torch.autograd.grad(first, x)[0].item()
    (6.0, 2.0)
    """
    if is_transformed():
        return plain(*inputs)
    out: torch.Tensor = _Transformable.apply(fast, gradient, plain, *inputs)
    return out


class _Transformable(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, fast: Any, gradient: Any, plain: Any, *inputs: torch.Tensor) -> torch.Tensor:
        with torch.autocast(inputs[0].device.type, enabled=False):
            out, kept = fast(*inputs)
        ctx.gradient, ctx.plain, ctx.num_inputs = gradient, plain, len(inputs)
        ctx.save_for_backward(*inputs, *kept)
        result: torch.Tensor = out
        return result

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        saved = ctx.saved_tensors  # which torch.utils.checkpoint hands out once
        inputs, kept = saved[: ctx.num_inputs], saved[ctx.num_inputs :]
        needed = ctx.needs_input_grad[3:]
        if needs_plain_gradient([grad]):
            return None, None, None, *gradients(lambda *x: [ctx.plain(*x)], inputs, [grad], needed)
        return None, None, None, *ctx.gradient(grad, needed, inputs, kept)
