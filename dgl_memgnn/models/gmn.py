"""The graph memory network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dgl
import torch
from torch import nn

from dgl_memgnn.models.head import prediction_head
from dgl_memgnn.models.network import Network, Widths
from dgl_memgnn.models.readouts import READOUTS, pool
from dgl_memgnn.nn import MemoryReadout, TopologyQuery
from dgl_memgnn.nn.checks import check_sizes, check_tensor, node_counts
from dgl_memgnn.nn.reset import Resettable

__all__ = ["GMN", "GMN_NETWORK"]


class GMN(Resettable):
    r"""Graph memory network (GMN) from `Memory-Based Graph Networks <https://arxiv.org/abs/2002.09518>`__

    No messages are passed: queries come from a topological embedding and the node features (equation 6,
    :class:`~dgl_memgnn.nn.TopologyQuery`), memory layers pool them (equations 1-4,
    :class:`MemoryReadout` with batch normalisation), and a two-layer perceptron predicts.

    Parameters
    ----------
    in_feats : int
        Width of the node features.
    topology_feats : int
        Width of the topological embedding.
    hidden_feats : int
        Width of the queries.
    out_feats : int
        Number of outputs: classes, or tasks.
    num_keys : sequence of int, optional
        Number of keys of each memory layer; the last is 1. Default: ``(10, 1)``, the paper's for ENZYMES.
    num_heads : int, optional
        Number of heads of the memory layers. Default: ``5``, the paper's.
    tau : float, optional
        Degrees of freedom of Student's t kernel. Default: ``1.0``, the paper's.
    dropout : float, optional
        Dropout rate in the query network, on the queries of every memory layer, and in the head.
        Default: ``0.0``.
    log_scores : bool, optional
        See :class:`MemoryPooling`. Default: ``False``, the paper's.
    readout : torch.nn.Module, optional
        Stands in for the memory layers, for comparisons: ``readout(graph, feat)`` returns one row of
        ``hidden_feats`` a graph, as DGL's poolings do. Default: the memory layers.

    Examples
    --------
    >>> import dgl
    >>> import torch
    >>> from dgl_memgnn import GMN
    >>> from dgl_memgnn.transforms import RandomWalkWithRestart
    >>> embed = RandomWalkWithRestart(width=16)
    >>> graphs = [embed(dgl.to_bidirected(dgl.rand_graph(n, 2 * n))) for n in (9, 5)]
    >>> graph = dgl.batch(graphs)
    >>> model = GMN(in_feats=3, topology_feats=16, hidden_feats=32, out_feats=6)
    >>> model(graph, torch.randn(14, 3), graph.ndata["topology"]).shape
    torch.Size([2, 6])
    """

    def __init__(
        self,
        in_feats: int,
        topology_feats: int,
        hidden_feats: int,
        out_feats: int,
        num_keys: Sequence[int] = (10, 1),
        num_heads: int = 5,
        tau: float = 1.0,
        dropout: float = 0.0,
        log_scores: bool = False,
        readout: nn.Module | None = None,
    ) -> None:
        super().__init__()
        check_sizes(
            "GMN", in_feats=in_feats, topology_feats=topology_feats, hidden_feats=hidden_feats, out_feats=out_feats
        )
        self.query = TopologyQuery(in_feats, topology_feats, hidden_feats, dropout)
        if readout is None:
            readout = MemoryReadout(
                hidden_feats,
                hidden_feats,
                num_keys,
                num_heads,
                tau,
                dropout,
                batch_norm=True,
                log_scores=log_scores,
            )
        self.readout = readout
        self.head = prediction_head(hidden_feats, hidden_feats, out_feats, dropout)

    def forward(
        self, graph: dgl.DGLGraph, feat: torch.Tensor, topology: torch.Tensor, get_assignments: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, list[torch.Tensor]]:
        r"""Predict for each graph.

        Parameters
        ----------
        graph : DGLGraph
            A graph, or a batch of B graphs.
        feat : torch.Tensor
            Node features of shape :math:`(N, D_{in})`.
        topology : torch.Tensor
            Topological embedding of shape :math:`(N, D_{topology})`.
        get_assignments : bool, optional
            Whether to return the assignments of the memory layers as well. Default: ``False``.

        Returns
        -------
        torch.Tensor
            Output of shape :math:`(B, D_{out})`.
        list of torch.Tensor, optional
            The assignment of each layer: of shape :math:`(N, K_1)`, then :math:`(B, K_{l-1}, K_l)`.

        Raises
        ------
        DGLError
            If an input does not fit the network or the graph, or the graph has several node types.
        """
        num_nodes = sum(node_counts("GMN", graph))
        check_tensor("GMN", "feat", feat, num_nodes, self.query.feat_norm.num_features, rows="node")
        check_tensor("GMN", "topology", topology, num_nodes, self.query.topology_fc.in_features, rows="node")
        pooled, assignments = pool(self.readout, graph, self.query(feat, topology))
        out = self.head(pooled)
        return (out, assignments) if get_assignments else out


def _build(options: Any, widths: Widths, task: Any, seed: int) -> GMN:
    return GMN(
        widths.node_feats,
        widths.topology_feats,
        options.hidden_feats,
        widths.out_feats,
        options.num_keys,
        options.num_heads,
        options.tau,
        options.dropout,
        options.log_scores,
        READOUTS[options.readout].build(options, options.dropout),
    )


GMN_NETWORK = Network(
    "GMN",
    _build,
    inputs=lambda options: ("feat", "topology"),
    options=lambda options: ("hidden_feats", *READOUTS[options.readout].options, "dropout"),
)
