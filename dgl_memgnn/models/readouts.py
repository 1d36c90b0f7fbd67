"""Readouts that a network can have: memory layers and, for comparison, random ones and DGL's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dgl
from dgl.nn import AvgPooling, GlobalAttentionPooling, Set2Set, SortPooling, SumPooling
from torch import Tensor, nn

from dgl_memgnn.models.random_memory import RandomMemoryReadout
from dgl_memgnn.nn import MemoryReadout
from dgl_memgnn.nn.norm import BatchNorm

__all__ = ["PooledReadout", "READOUTS", "Readout", "pool"]

SORTED_NODES = 30  # that SortPooling keeps


class PooledReadout(nn.Module):
    """One of DGL's readouts, with the projection, batch normalisation and activation of a memory layer

    Parameters
    ----------
    pooling : torch.nn.Module
        ``pooling(graph, feat)`` gives one row a graph.
    width : int
        Width of that row.
    feats : int
        Width of the output.

    Examples
    --------
    >>> import torch
    >>> graph = dgl.batch([dgl.rand_graph(5, 8), dgl.rand_graph(9, 20)])
    >>> PooledReadout(SumPooling(), 16, 32)(graph, torch.randn(14, 16)).shape
    torch.Size([2, 32])
    """

    def __init__(self, pooling: nn.Module, width: int, feats: int) -> None:
        super().__init__()
        self.pooling = pooling
        self.projection = nn.Sequential(nn.Linear(width, feats), BatchNorm(feats), nn.LeakyReLU(0.2))

    def forward(self, graph: dgl.DGLGraph, feat: Tensor) -> Tensor:
        """One row of shape (feats,) a graph."""
        return self.projection(self.pooling(graph, feat))


def pool(readout: nn.Module, graph: dgl.DGLGraph, query: Tensor) -> tuple[Tensor, list[Tensor]]:
    """A row a graph, and the assignments of memory layers if the readout is made of them."""
    if isinstance(readout, MemoryReadout):
        return readout(graph, query, get_assignments=True)
    return readout(graph, query), []


@dataclass(frozen=True)
class Readout:
    """A readout by the name that a configuration gives it

    Parameters
    ----------
    build : callable
        ``build(options, feat_drop)`` makes it, of the options of a configuration's section ``model`` and the
        dropout rate of queries that the network's own memory layers have; None stands for those.
    options : sequence of str
        Names of the options that it heeds.
    """

    build: Callable[[Any, float], nn.Module | None]
    options: Sequence[str] = ("readout",)


def _sum(options: Any, feat_drop: float) -> nn.Module:
    return PooledReadout(SumPooling(), options.hidden_feats, options.hidden_feats)


def _mean(options: Any, feat_drop: float) -> nn.Module:
    return PooledReadout(AvgPooling(), options.hidden_feats, options.hidden_feats)


def _sort(options: Any, feat_drop: float) -> nn.Module:
    return PooledReadout(SortPooling(SORTED_NODES), SORTED_NODES * options.hidden_feats, options.hidden_feats)


def _attention(options: Any, feat_drop: float) -> nn.Module:
    pooling = GlobalAttentionPooling(nn.Linear(options.hidden_feats, 1))
    return PooledReadout(pooling, options.hidden_feats, options.hidden_feats)


def _set2set(options: Any, feat_drop: float) -> nn.Module:
    pooling = Set2Set(options.hidden_feats, n_iters=6, n_layers=1)
    return PooledReadout(pooling, 2 * options.hidden_feats, options.hidden_feats)


def _random(options: Any, feat_drop: float) -> nn.Module:
    return RandomMemoryReadout(
        options.hidden_feats, options.hidden_feats, options.num_keys, num_heads=1, batch_norm=True
    )


def _memory(options: Any, feat_drop: float) -> nn.Module | None:
    return _memory_readout(options, feat_drop) if options.key_means else None


def _rows(options: Any, feat_drop: float) -> nn.Module:
    return _memory_readout(options, feat_drop, concat=True)


def _memory_readout(options: Any, feat_drop: float, concat: bool = False) -> nn.Module:
    return MemoryReadout(
        options.hidden_feats,
        options.hidden_feats,
        options.num_keys,
        options.num_heads,
        options.tau,
        feat_drop,
        batch_norm=True,
        log_scores=options.log_scores,
        mean=options.key_means,
        concat=concat,
    )


_OF_MEMORY = ("num_keys", "num_heads", "tau", "key_means", "log_scores")
READOUTS = {
    "memory": Readout(_memory, _OF_MEMORY),
    "rows": Readout(_rows, ("readout", *_OF_MEMORY)),
    "random": Readout(_random, ("readout", "num_keys")),
    "sum": Readout(_sum),
    "mean": Readout(_mean),
    "sort": Readout(_sort),
    "attention": Readout(_attention),
    "set2set": Readout(_set2set),
}
