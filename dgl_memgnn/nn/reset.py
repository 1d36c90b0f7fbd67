"""Resetting networks: all their parameters and buffers."""

from __future__ import annotations

from dgl import DGLError
from torch import nn

__all__ = ["Resettable", "reset"]


class Resettable(nn.Module):
    """A module whose parameters all lie in its parts."""

    def reset_parameters(self) -> None:
        r"""Reset all parameters and buffers, by the random numbers that building the network anew would take."""
        for child in self.children():
            reset(child)


def reset(module: nn.Module) -> None:
    """Reset a module as its constructor does: its parts in their order, then itself.

    Raises
    ------
    DGLError
        If a module has parameters or buffers of its own and no ``reset_parameters``.

    Examples
    --------
    >>> import torch
    >>> norm = nn.Sequential(nn.BatchNorm1d(3))
    >>> _ = norm(torch.randn(4, 3))
    >>> reset(norm)
    >>> norm[0].running_mean
    tensor([0., 0., 0.])
    """
    for child in module.children():
        reset(child)
    if isinstance(module, Resettable):
        return
    reset_itself = getattr(module, "reset_parameters", None)
    if reset_itself is not None:
        reset_itself()
    elif any(True for _ in (*module.parameters(recurse=False), *module.buffers(recurse=False))):
        raise DGLError(f"{type(module).__name__} cannot be reset: it has parameters but no reset_parameters.")
