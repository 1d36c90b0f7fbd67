"""The moving average of a network's weights."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.optim import swa_utils
from torch.optim.swa_utils import AveragedModel

__all__ = ["moving_average"]


def moving_average(model: nn.Module, decay: float) -> AveragedModel:
    r"""Keep an exponential moving average of all weights and of the statistics of batch normalisation.

    .. math::

        \bar\theta_t = d_t \bar\theta_{t-1} + (1 - d_t) \theta_t, \quad
        d_t = \min\Big(\text{decay}, \frac{1 + t}{10 + t}\Big)

    The decay begins small, since a training of few steps would else be an average of its start: 100 steps at 0.99
    leave the first weights a third. The paper has no average; this is how TensorFlow's counts updates.

    Parameters
    ----------
    model : torch.nn.Module
        The network that is trained.
    decay : float
        Decay a step, after some steps: 0.99 is reached after 890.

    Returns
    -------
    torch.optim.swa_utils.AveragedModel
        Its ``update_parameters(model)`` takes a step in, its ``module`` is the network with averaged weights.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Linear(2, 1)
    >>> average = moving_average(model, 0.99)
    >>> average.update_parameters(model)
    >>> torch.equal(average.module.weight, model.weight)
    True
    """

    def decay_at(num_averaged: Any) -> float:
        t = int(num_averaged)
        return min(decay, (1 + t) / (10 + t))

    if hasattr(swa_utils, "get_ema_multi_avg_fn"):  # one call for all tensors, since torch 2.1

        def average_all(averages: Any, currents: Any, num_averaged: Any) -> None:
            swa_utils.get_ema_multi_avg_fn(decay_at(num_averaged))(averages, currents, num_averaged)

        return AveragedModel(model, multi_avg_fn=average_all, use_buffers=True)
    return AveragedModel(
        model,
        avg_fn=lambda average, current, n: average + (1 - decay_at(n)) * (current - average),
        use_buffers=True,
    )
