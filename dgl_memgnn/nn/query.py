"""Query networks: what turns the nodes of a graph into the queries of the first memory layer."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import dgl
import torch
from torch import nn

from dgl_memgnn.nn.checks import check_conv_inputs, check_sizes, check_tensor
from dgl_memgnn.nn.conv import EdgeGATConv, GATConv
from dgl_memgnn.nn.dropout import Dropout
from dgl_memgnn.nn.gated import gated_update
from dgl_memgnn.nn.norm import BatchNorm
from dgl_memgnn.nn.reset import Resettable

__all__ = ["UPDATES", "ConvQuery", "TopologyQuery"]


class TopologyQuery(Resettable):
    r"""Query network of GMN: a topological embedding, fused with the node features

    .. math::
        Q_0 = \mathrm{LeakyReLU} \big( [\mathrm{LeakyReLU}(S W_0) \, \| \, X] W_1 \big) \quad (6)

    The node features are batch-normalised. The hidden units are not: the memory layers sum over a graph's
    nodes, so that a shift between the statistics of training and of inference would count once a node.

    Parameters
    ----------
    in_feats : int
        Width of the node features :math:`X`.
    topology_feats : int
        Width of the topological embedding :math:`S`.
    hidden_feats : int
        Width of the queries.
    feat_drop : float, optional
        Dropout rate on :math:`[\mathrm{LeakyReLU}(S W_0) \, \| \, X]`. Default: ``0.0``.

    Examples
    --------
    >>> import torch
    >>> from dgl_memgnn.nn import TopologyQuery
    >>> query = TopologyQuery(in_feats=3, topology_feats=8, hidden_feats=16)
    >>> query(torch.randn(10, 3), torch.rand(10, 8)).shape
    torch.Size([10, 16])
    """

    def __init__(self, in_feats: int, topology_feats: int, hidden_feats: int, feat_drop: float = 0.0) -> None:
        super().__init__()
        check_sizes("TopologyQuery", in_feats=in_feats, topology_feats=topology_feats, hidden_feats=hidden_feats)
        self.topology_fc = nn.Linear(topology_feats, hidden_feats)
        self.feat_norm = BatchNorm(in_feats)
        self.fusion_fc = nn.Linear(hidden_feats + in_feats, hidden_feats)
        self.feat_drop = Dropout(feat_drop)
        self.activation = nn.LeakyReLU(0.2)

    def forward(self, feat: torch.Tensor, topology: torch.Tensor) -> torch.Tensor:
        r"""Embed the nodes.

        Parameters
        ----------
        feat : torch.Tensor
            Node features of shape :math:`(N, D_{in})`.
        topology : torch.Tensor
            Topological embedding of shape :math:`(N, D_{topology})`.

        Returns
        -------
        torch.Tensor
            Queries of shape :math:`(N, D_{hidden})`.

        Raises
        ------
        DGLError
            If an input does not fit the network, or the two do not have as many rows.
        """
        check_tensor("TopologyQuery", "feat", feat, "N", self.feat_norm.num_features)
        check_tensor("TopologyQuery", "topology", topology, len(feat), self.topology_fc.in_features, rows="node")
        embedded = self.activation(self.topology_fc(topology))
        fused = torch.cat([embedded, self.feat_norm(feat)], dim=1)
        query: torch.Tensor = self.activation(self.fusion_fc(self.feat_drop(fused)))
        return query


class ConvQuery(Resettable):
    r"""Query network of MemGNN: a stack of graph convolutions

    .. math::
        Q_0 = \mathrm{GNN}(A, X) \quad (7)

    After a linear embedding of the node features, each layer adds to its input (a skip connection) its
    batch-normalised, activated and dropped-out convolution (the paper's appendix A.1). With ``update="gru"`` its
    input is instead the state of a gated recurrent unit, which reads the convolution:

    .. math::
        h_i' = \mathrm{GRU} \big( \mathrm{ELU}(\mathrm{conv}(h)_i), h_i \big)

    as in `AttentiveFP <https://pubs.acs.org/doi/10.1021/acs.jmedchem.9b00959>`__, without batch normalisation.

    Parameters
    ----------
    in_feats : int
        Width of the node features.
    edge_feats : int
        Width of the edge features; 0 if there are none.
    hidden_feats : int
        Width of the queries.
    num_layers : int
        Number of convolutions.
    conv : callable, optional
        Makes a convolution: ``conv(hidden_feats, hidden_feats)`` returns any DGL layer whose output has
        ``hidden_feats`` features a node once flattened. It is called as ``layer(graph, feat, edge_feat)``,
        or ``layer(graph, feat)`` if ``edge_feats`` is 0. Default: four-headed :class:`~dgl_memgnn.EdgeGATConv`, or
        :class:`dgl.nn.GATConv` without edge features.
    feat_drop : float, optional
        Dropout rate on the output of each convolution. Default: ``0.0``.
    edge_message : bool, optional
        That of the default :class:`~dgl_memgnn.EdgeGATConv`. Default: ``False``.
    update : str, optional
        How a layer updates its input: ``"skip"`` or ``"gru"``. Default: ``"skip"``, the paper's.
    feat_norm : bool, optional
        Whether the node features are batch-normalised first, as GMN's are; for measured features of any scale,
        since memory layers sum over a graph's nodes. Default: ``False``, for one-hot ones.

    Examples
    --------
    >>> import dgl
    >>> import torch
    >>> from dgl_memgnn.nn import ConvQuery
    >>> graph = dgl.graph(([0, 1, 2], [1, 2, 0]))
    >>> query = ConvQuery(in_feats=8, edge_feats=3, hidden_feats=16, num_layers=2)
    >>> query(graph, torch.randn(3, 8), torch.randn(3, 3)).shape
    torch.Size([3, 16])

    Another convolution:

    >>> query = ConvQuery(8, 0, 16, num_layers=2, conv=dgl.nn.GraphConv)
    >>> query(graph, torch.randn(3, 8)).shape
    torch.Size([3, 16])
    """

    def __init__(
        self,
        in_feats: int,
        edge_feats: int,
        hidden_feats: int,
        num_layers: int,
        conv: Callable[[int, int], nn.Module] | None = None,
        feat_drop: float = 0.0,
        edge_message: bool = False,
        update: str = "skip",
        feat_norm: bool = False,
    ) -> None:
        super().__init__()
        check_sizes("ConvQuery", in_feats=in_feats, hidden_feats=hidden_feats)
        for name, value in (("edge_feats", edge_feats), ("num_layers", num_layers)):
            if not isinstance(value, Integral) or value < 0:
                raise ValueError(f"ConvQuery takes an integer of at least 0 as {name}, got {value!r}.")
        if update not in UPDATES:
            raise ValueError(f"Unknown update {update!r}: choose one of {', '.join(UPDATES)}.")
        if edge_message and conv is not None:
            raise ValueError("ConvQuery: edge_message is that of EdgeGATConv, and conv is another: leave it out.")
        if conv is None:  # no bias before batch normalisation, which leaves rounding errors to learn it from
            conv = _attention(edge_feats, edge_message, bias=update != "skip")
        self.edge_feats = edge_feats
        self.feat_norm = BatchNorm(in_feats) if feat_norm else nn.Identity()
        self.embedding = nn.Linear(in_feats, hidden_feats)
        self.convs = nn.ModuleList(conv(hidden_feats, hidden_feats) for _ in range(num_layers))
        self.updates = nn.ModuleList(UPDATES[update](hidden_feats, feat_drop) for _ in range(num_layers))

    def forward(
        self, graph: dgl.DGLGraph, feat: torch.Tensor, edge_feat: torch.Tensor | None = None
    ) -> torch.Tensor:
        r"""Embed the nodes.

        Parameters
        ----------
        graph : DGLGraph
            The graph.
        feat : torch.Tensor
            Node features of shape :math:`(N, D_{in})`.
        edge_feat : torch.Tensor, optional
            Edge features of shape :math:`(E, D_{edge})`; None if ``edge_feats`` is 0.

        Returns
        -------
        torch.Tensor
            Queries of shape :math:`(N, D_{hidden})`.

        Raises
        ------
        DGLError
            If the features do not fit the network or the graph, or the graph has several node or edge types.
        """
        check_conv_inputs("ConvQuery", graph, feat, self.embedding.in_features, edge_feat, self.edge_feats)
        edge_args = (edge_feat,) if self.edge_feats > 0 else ()
        feat = self.embedding(self.feat_norm(feat))
        for conv, update in zip(self.convs, self.updates):
            feat = update(conv(graph, feat, *edge_args).flatten(1), feat)
        return feat


class _SkipUpdate(nn.Module):
    def __init__(self, feats: int, feat_drop: float) -> None:
        super().__init__()
        self.norm = BatchNorm(feats)
        self.activation = nn.LeakyReLU(0.2)
        self.feat_drop = Dropout(feat_drop)

    def forward(self, message: torch.Tensor, feat: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = feat + self.feat_drop(self.activation(self.norm(message)))
        return out


class _GRUUpdate(nn.Module):
    def __init__(self, feats: int, feat_drop: float) -> None:
        super().__init__()
        self.activation = nn.ELU()
        self.feat_drop = Dropout(feat_drop)
        self.cell = nn.GRUCell(feats, feats)

    def forward(self, message: torch.Tensor, feat: torch.Tensor) -> torch.Tensor:
        cell = self.cell
        weights = cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh
        return gated_update(self.feat_drop(self.activation(message)), feat, *weights)


UPDATES: dict[str, type[Any]] = {"skip": _SkipUpdate, "gru": _GRUUpdate}


def _attention(
    edge_feats: int, edge_message: bool, bias: bool, num_heads: int = 4
) -> Callable[[int, int], nn.Module]:
    """A maker of attention layers whose heads, side by side, are as wide as their input."""

    def conv(in_feats: int, out_feats: int) -> nn.Module:
        if out_feats % num_heads:
            raise ValueError(
                f"hidden_feats must be a multiple of the {num_heads} attention heads, got {out_feats}."
            )
        out_feats //= num_heads
        if edge_feats > 0:
            return EdgeGATConv(
                in_feats,
                edge_feats,
                out_feats,
                num_heads,
                allow_zero_in_degree=True,
                bias=bias,
                edge_message=edge_message,
            )
        return GATConv(in_feats, out_feats, num_heads, bias)

    return conv
