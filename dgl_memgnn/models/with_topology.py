"""A topological embedding beside the node features of any network."""

from __future__ import annotations

from typing import Any

import dgl
import torch
from torch import nn

from dgl_memgnn.nn.checks import check_sizes, check_tensor
from dgl_memgnn.nn.reset import Resettable

__all__ = ["WithTopology"]


class WithTopology(Resettable):
    r"""A network that reads a topological embedding beside the node features

    .. math::
        X' = \mathrm{LeakyReLU}(S W_0) \, \| \, X

    takes the place of the node features, as in equation 6 of
    `Memory-Based Graph Networks <https://arxiv.org/abs/2002.09518>`__.

    Parameters
    ----------
    network : torch.nn.Module
        Called as ``network(graph, feat, ...)``, with node features that are ``embedded_feats`` wider than those
        of the graphs.
    topology_feats : int
        Width of the topological embedding :math:`S`.
    embedded_feats : int
        Width of what is made of it.

    Examples
    --------
    >>> from dgl_memgnn import MemGNN
    >>> graph = dgl.batch([dgl.rand_graph(9, 20), dgl.rand_graph(5, 8)])
    >>> network = MemGNN(in_feats=3 + 32, edge_feats=0, hidden_feats=32, out_feats=6, num_layers=2)
    >>> WithTopology(network, topology_feats=16, embedded_feats=32)(
    ...     graph, torch.randn(14, 3), torch.rand(14, 16), None
    ... ).shape
    torch.Size([2, 6])
    """

    def __init__(self, network: nn.Module, topology_feats: int, embedded_feats: int) -> None:
        super().__init__()
        check_sizes("WithTopology", topology_feats=topology_feats, embedded_feats=embedded_feats)
        self.network = network
        self.topology_fc = nn.Linear(topology_feats, embedded_feats)
        self.activation = nn.LeakyReLU(0.2)

    @property
    def descriptor_norm(self) -> Any:
        """That of the network."""
        return self.network.descriptor_norm

    def forward(
        self, graph: dgl.DGLGraph, feat: torch.Tensor, topology: torch.Tensor, *inputs: Any, **options: Any
    ) -> Any:
        r"""What the network returns.

        Parameters
        ----------
        graph : DGLGraph
            A graph, or a batch of B graphs.
        feat : torch.Tensor
            Node features of shape :math:`(N, D_{in})`.
        topology : torch.Tensor
            Topological embedding of shape :math:`(N, D_{topology})`.
        *inputs, **options
            What the network takes after the node features.

        Raises
        ------
        DGLError
            If an input does not fit the network or the graph.
        """
        check_tensor("WithTopology", "topology", topology, len(feat), self.topology_fc.in_features, rows="node")
        embedded = self.activation(self.topology_fc(topology))
        return self.network(graph, torch.cat([embedded, feat], dim=1), *inputs, **options)
