"""The paper's alternating schedule of supervised and clustering steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import torch
from packaging.version import Version
from torch import Tensor, nn

from dgl_memgnn.nn.checks import check_positive
from dgl_memgnn.training.assignments import has_several_keys, memory_layers
from dgl_memgnn.training.distributed import sum_gradients

__all__ = ["AlternatingSchedule", "cosine", "halving"]

FUSED_ON_CPU = Version(torch.__version__) >= Version("2.4")


def halving(every: int) -> Callable[[int], float]:
    """Decay of the learning rate by half after each ``every`` epochs. The paper's is 500.

    Examples
    --------
    >>> [halving(every=2)(epoch) for epoch in range(1, 6)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    return lambda epoch: 0.5 ** ((epoch - 1) // every)


def cosine(epochs: int) -> Callable[[int], float]:
    """Decay of the learning rate along half a cosine, towards 0 after the last of ``epochs``.

    Examples
    --------
    >>> [round(cosine(epochs=4)(epoch), 2) for epoch in range(1, 5)]
    [1.0, 0.85, 0.5, 0.15]
    """
    return lambda epoch: 0.5 + 0.5 * math.cos(math.pi * (epoch - 1) / epochs)


class AlternatingSchedule:
    r"""Supervised steps that leave the keys alone, and clustering steps that move everything

    .. math::
        \mathcal{L} = (1 - \lambda) \mathcal{L}_{sup} + \lambda \mathcal{L}_{KL} \quad (11)

    where :math:`\lambda` is 0 batch by batch, and 1 once at the end of every ``period``-th epoch. Each of
    the two losses has an Adam optimiser of its own: the moments of one would scale the steps of the other.

    Parameters
    ----------
    model : torch.nn.Module
        A network with memory layers.
    learning_rate : float, optional
        Learning rate of both optimisers. Default: ``1e-3``.
    decay : callable, optional
        ``decay(epoch)`` is the factor of the learning rate in an epoch, counted from 1: :func:`halving` or
        :func:`cosine`; :meth:`begin_epoch` sets it, and until then it is that of epoch 1. Default: it halves
        every 500 epochs, as the paper's.
    period : int, optional
        Number of epochs from one clustering step to the next; 0 for none, with keys that never move but by
        `supervised_keys`. A model without memory layers of several keys takes none. Default: ``5``.
    clip_norm : float, optional
        Largest norm of the gradient of a step. Default: ``2.0``.
    weight_decay : float, optional
        Weight decay of the supervised steps. Default: ``0.0``.
    supervised_keys : bool, optional
        Whether supervised steps move the keys as well. Default: ``False``, the paper's.
    pretrained : iterable of torch.nn.Parameter, optional
        Parameters that have a learning rate of their own. Default: none.
    pretrained_rate : float, optional
        That learning rate. Default: that of the others.
    """

    def __init__(
        self,
        model: nn.Module,
        learning_rate: float = 1e-3,
        decay: Callable[[int], float] = halving(500),
        period: int = 5,
        clip_norm: float = 2.0,
        weight_decay: float = 0.0,
        supervised_keys: bool = False,
        pretrained: Iterable[nn.Parameter] = (),
        pretrained_rate: float | None = None,
    ) -> None:
        check_positive("AlternatingSchedule", learning_rate=learning_rate, clip_norm=clip_norm)
        if pretrained_rate is not None and not pretrained_rate >= 0:
            raise ValueError(f"AlternatingSchedule takes a pretrained_rate of at least 0, got {pretrained_rate}.")
        if not period >= 0 or period != int(period):
            raise ValueError(f"AlternatingSchedule takes an integer of at least 0 as period, got {period!r}.")
        memories = memory_layers(model)
        keys = set() if supervised_keys else {id(module.keys) for module in memories}
        moving = [(id(p) in keys, p) for p in model.parameters() if p.requires_grad]
        if all(is_keys for is_keys, _ in moving):
            raise ValueError("Nothing can be trained: all parameters but the keys are frozen (requires_grad).")
        self.model = model
        self.decay = decay
        self.period: int = period if has_several_keys(model) else 0
        self.clip_norm = clip_norm
        apart = set() if pretrained_rate is None else set(map(id, pretrained))
        self.rates = [learning_rate if pretrained_rate is None else pretrained_rate, learning_rate]
        self._weight_decay = weight_decay
        rates = [rate * decay(1) for rate in self.rates]
        self._supervised = _groups([p for is_keys, p in moving if not is_keys], apart, rates)
        self._clustering = _groups([p for _, p in moving], apart, rates)

    @cached_property
    def supervised(self) -> torch.optim.Adam:
        """The optimiser of supervised steps: made for the first, since making one takes torch seconds."""
        return _adam(self._supervised, self._weight_decay)

    @cached_property
    def clustering(self) -> torch.optim.Adam:
        """The optimiser of clustering steps."""
        return _adam(self._clustering, 0.0)

    def begin_epoch(self, epoch: int) -> None:
        """Set the learning rate of this epoch, counted from 1."""
        factor = self.decay(epoch)
        for optimizer in (self.supervised, self.clustering):
            groups = optimizer.param_groups
            for group, rate in zip(groups, self.rates[-len(groups) :]):
                group["lr"] = rate * factor

    def supervised_step(self, loss: Tensor) -> None:
        """Descend the supervised loss of a batch: everything moves, but the keys only with `supervised_keys`.

        FloatingPointError, and nothing moves, if the loss or its gradient is not finite.
        """
        self.model.zero_grad(set_to_none=True)
        _backward(loss)
        self._descend(self.supervised)

    def clusters_after(self, epoch: int) -> bool:
        """Whether a clustering step ends this epoch, counted from 1."""
        return self.period > 0 and epoch % self.period == 0

    def clustering_step(self, losses: Iterable[Tensor]) -> None:
        """Descend the sum of clustering losses, computed one by one so that one graph of operations is alive.

        Losses of several processes are summed as well. FloatingPointError, and nothing moves, if a loss or the
        gradient is not finite.
        """
        self.model.zero_grad(set_to_none=True)
        for loss in losses:
            _backward(loss)
        sum_gradients(self.model.parameters())
        self._descend(self.clustering)

    def state_dict(self) -> dict[str, Any]:
        """State of both optimisers."""
        return {"supervised": self.supervised.state_dict(), "clustering": self.clustering.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from the state of both optimisers."""
        self.supervised.load_state_dict(state["supervised"])
        self.clustering.load_state_dict(state["clustering"])

    def _descend(self, optimizer: torch.optim.Optimizer) -> None:
        moved = [p for group in optimizer.param_groups for p in group["params"]]
        norm = torch.nn.utils.clip_grad_norm_(moved, self.clip_norm).item()
        if not math.isfinite(norm):
            raise FloatingPointError(f"The norm of the gradient is {norm}")
        optimizer.step()


def _groups(parameters: list[nn.Parameter], apart: set[int], rates: list[float]) -> list[dict[str, Any]]:
    """Groups of an optimiser: parameters that are apart, if there are any, before the others."""
    groups = [[p for p in parameters if (id(p) in apart) is first] for first in (True, False)]
    return [{"params": group, "lr": rate} for group, rate in zip(groups, rates) if group or group is groups[-1]]


def _adam(groups: list[dict[str, Any]], weight_decay: float) -> torch.optim.Adam:
    """Adam in one call for all parameters, where torch has that for their device."""
    on_cpu = any(p.device.type == "cpu" for group in groups for p in group["params"])
    fused = FUSED_ON_CPU or not on_cpu
    return torch.optim.Adam(groups, weight_decay=weight_decay, fused=fused)


def _backward(loss: Tensor) -> None:
    if not math.isfinite(loss.item()):
        raise FloatingPointError(f"The loss is {loss.item()}")
    loss.backward()
