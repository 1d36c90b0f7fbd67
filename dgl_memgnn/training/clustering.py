"""The clustering loss of a whole network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dgl
import torch
from torch import Tensor, nn

from dgl_memgnn.nn import clustering_loss
from dgl_memgnn.training.assignments import memory_layers

__all__ = ["clustering_losses", "loss_of_calls", "memory_clustering_loss", "recorded_calls"]

Call = tuple[Any, Tensor]  # the graph that a memory layer was given, or None, and its assignment


def memory_clustering_loss(graph: dgl.DGLGraph, assignments: Sequence[Tensor], detach: bool = True) -> Tensor:
    r"""Clustering loss, summed over the memory layers with more than one key (equation 10).

    Parameters
    ----------
    graph : DGLGraph
        The batch of graphs that went into the network.
    assignments : list of torch.Tensor
        What the network returned with ``get_assignments=True``.
    detach : bool, optional
        See :func:`dgl_memgnn.clustering_loss`. Default: ``True``.

    Returns
    -------
    torch.Tensor
        A scalar, in nats per graph.
    """
    loss = loss_of_calls(zip([graph, *[None] * len(assignments)], assignments), detach)
    return torch.zeros(()) if loss is None else loss


def clustering_losses(
    model: nn.Module, batches: Iterable[tuple[Any, ...]], num_graphs: int, detach: bool = True
) -> Iterator[Tensor]:
    r"""Clustering losses of any network that has memory layers somewhere, batch by batch (equation 10).

    For a training loop of one's own: the network need not return assignments. The losses of all batches sum up to
    the mean over the graphs, for :meth:`AlternatingSchedule.clustering_step`.

    Parameters
    ----------
    model : torch.nn.Module
        The network. Its :class:`~dgl_memgnn.MemoryPooling` layers are found, those of a
        :class:`~dgl_memgnn.MemoryReadout` included.
    batches : iterable of tuple
        The arguments of each call: ``model(*batch)``, a batched graph first.
    num_graphs : int
        Number of graphs of all batches.
    detach : bool, optional
        See :func:`dgl_memgnn.clustering_loss`. Default: ``True``.

    Yields
    ------
    torch.Tensor
        A scalar, in nats: the sum over the graphs of a batch and the layers with several keys, divided by
        ``num_graphs``.

    Examples
    --------
    >>> import torch
    >>> from dgl_memgnn import MemoryReadout
    >>> graph = dgl.batch([dgl.rand_graph(9, 20), dgl.rand_graph(5, 8)])
    >>> losses = clustering_losses(MemoryReadout(4, 8, (6, 1)), [(graph, torch.randn(14, 4))], num_graphs=2)
    >>> [loss.dim() for loss in losses]
    [0]
    """
    for batch in batches:
        with recorded_calls(model) as calls:
            model(*batch)
        loss = loss_of_calls(calls, detach)
        if loss is not None:
            yield loss * (batch[0].batch_size / num_graphs)


def loss_of_calls(calls: Iterable[Call], detach: bool = True) -> Tensor | None:
    """The sum of the clustering losses of calls of memory layers with more than one key; None without any."""
    losses: list[Any] = [clustering_loss(graph, c, detach) for graph, c in calls if c.shape[-1] > 1]
    return sum(losses) if losses else None


@contextmanager
def recorded_calls(model: nn.Module) -> Iterator[list[Call]]:
    """Graph and assignment of each call of a memory layer, while the block lasts."""
    calls: list[Call] = []

    def ask(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        wanted = kwargs.get("get_assignment", args[2] if len(args) > 2 else False)
        asked.append(wanted)
        return args[:2], {**kwargs, "get_assignment": True}

    def keep(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        calls.append((args[0] if args else kwargs["graph"], output[1]))
        return output if asked.pop() else output[0]

    asked: list[bool] = []
    hooks = []
    for layer in memory_layers(model):
        hooks.append(layer.register_forward_pre_hook(ask, with_kwargs=True))
        hooks.append(layer.register_forward_hook(keep, with_kwargs=True))
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()
