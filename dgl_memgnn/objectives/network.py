"""A network with the heads of several objectives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import dgl
import torch
from torch import Tensor, nn

from dgl_memgnn.models.readouts import pool

__all__ = ["PretrainingNetwork", "View"]


class View:
    """A batch of molecules as heads see it; what one of them computes serves the others

    Parameters
    ----------
    graph : DGLGraph
    feat : torch.Tensor
        Node features of shape (N, D).
    edge_feat : torch.Tensor or None
        Edge features of shape (E, D_e); None for a network that takes none.
    query, readout : torch.nn.Module
        The network.
    """

    def __init__(
        self, graph: dgl.DGLGraph, feat: Tensor, edge_feat: Tensor | None, query: nn.Module, readout: nn.Module
    ) -> None:
        self.graph, self.feat, self.edge_feat = graph, feat, edge_feat
        self._query, self._readout = query, readout

    def query_of(self, feat: Tensor, edge_feat: Tensor | None) -> Tensor:
        """Queries of the nodes, of shape (N, D), with other features."""
        query: Tensor = self._query(self.graph, feat, edge_feat)
        return query

    @property
    def pooled(self) -> Tensor:
        """A row a molecule."""
        return self._pooled[0]

    @property
    def assignments(self) -> list[Tensor]:
        """Of the memory layers."""
        return self._pooled[1]

    @cached_property
    def _pooled(self) -> tuple[Tensor, list[Tensor]]:
        return pool(self._readout, self.graph, self.query_of(self.feat, self.edge_feat))


class PretrainingNetwork(nn.Module):
    """Query network and readout of a :class:`~dgl_memgnn.MemGNN`, with a head an objective in place of its own

    Parameters
    ----------
    network : MemGNN
    heads : dict of torch.nn.Module
        By the name of the objective; see :meth:`Objective.head`.
    """

    def __init__(self, network: Any, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.query, self.readout = network.query, network.readout
        self.heads = nn.ModuleDict(heads)

    def forward(
        self, graph: dgl.DGLGraph, feat: Tensor, edge_feat: Tensor | None, get_assignments: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """The columns of all objectives, side by side, and the assignments of the memory layers."""
        view = View(graph, feat, edge_feat, self.query, self.readout)
        columns = torch.cat([head(view) for head in self.heads.values()], dim=1)
        return (columns, view.assignments) if get_assignments else columns
