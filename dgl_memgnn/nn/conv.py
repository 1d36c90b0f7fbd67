"""Graph attention over node and edge features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dgl
import torch
from dgl import DGLError
from dgl.utils import expand_as_pair
from torch import nn
from torch.nn.functional import linear

from dgl_memgnn.nn.checks import check_one_edge_type, check_sizes, check_tensor
from dgl_memgnn.nn.dropout import Dropout
from dgl_memgnn.nn.messages import edge_softmax, sum_edges, sum_neighbors
from dgl_memgnn.nn.reset import reset

__all__ = ["EdgeGATConv", "GATConv"]


class EdgeGATConv(nn.Module):
    r"""Edge-featured graph attention (e-GAT) from
    `Memory-Based Graph Networks <https://arxiv.org/abs/2002.09518>`__

    .. math::
        \alpha_{ij} &= \mathrm{softmax}_j \Big( \mathrm{LeakyReLU} \big(
        \mathbf{W} [W_n h_i \, \| \, W_n h_j \, \| \, W_e e_{ij}] \big) \Big) && (8)

        h_i' &= \sum_{j \in \mathcal{N}(i)} \alpha_{ij} W_n h_j

    where the softmax runs over the in-edges of node :math:`i`. The paper leaves the update open; it is that
    of GAT here. With ``edge_message=True`` the message is :math:`W_n h_j + W_e e_{ij}` and the layer equals
    a :class:`dgl.nn.EdgeGATConv` that was built with the same ``residual`` (there the default is True), whose
    parameter names it shares.

    :math:`\mathbf{W}` is one row a head, so the concatenation splits into three scalar products a head, and
    the edge term into one small product of :math:`e_{ij}` with :math:`W_e^\top \mathbf{W}_e`: nothing of
    size :math:`(E, H, D_{out})` is built, with ``edge_message`` neither.

    Parameters
    ----------
    in_feats : int or pair of int
        Width of the node features; a pair for those of source and destination nodes.
    edge_feats : int
        Width of the edge features.
    out_feats : int
        Width of the output of each head.
    num_heads : int
        Number of attention heads.
    feat_drop : float, optional
        Dropout rate on the node features. Default: ``0.0``.
    attn_drop : float, optional
        Dropout rate on the attention. Default: ``0.0``.
    negative_slope : float, optional
        Slope of the LeakyReLU. Default: ``0.2``.
    residual : bool, optional
        Whether to add a projection of the destination's own features. Default: ``False``.
    activation : callable or None, optional
        Applied to the output. Default: ``None``.
    allow_zero_in_degree : bool, optional
        Whether nodes without in-edges are allowed; they receive no message. Default: ``False``.
    bias : bool, optional
        Whether to add a bias. Default: ``True``.
    edge_message : bool, optional
        Whether the message carries the edge term. Default: ``False``.

    Examples
    --------
    >>> import dgl
    >>> import torch
    >>> from dgl_memgnn import EdgeGATConv
    >>> graph = dgl.graph(([0, 1, 2], [1, 2, 0]))
    >>> conv = EdgeGATConv(in_feats=8, edge_feats=3, out_feats=4, num_heads=2)
    >>> feat, attention = conv(graph, torch.randn(3, 8), torch.randn(3, 3), get_attention=True)
    >>> feat.shape, attention.shape
    (torch.Size([3, 2, 4]), torch.Size([3, 2, 1]))
    """

    def __init__(
        self,
        in_feats: int | tuple[int, int],
        edge_feats: int,
        out_feats: int,
        num_heads: int,
        feat_drop: float = 0.0,
        attn_drop: float = 0.0,
        negative_slope: float = 0.2,
        residual: bool = False,
        activation: Callable[[torch.Tensor], torch.Tensor] | None = None,
        allow_zero_in_degree: bool = False,
        bias: bool = True,
        edge_message: bool = False,
    ) -> None:
        super().__init__()
        for width in in_feats if isinstance(in_feats, tuple) else (in_feats,):
            check_sizes("EdgeGATConv", in_feats=width)
        check_sizes("EdgeGATConv", edge_feats=edge_feats, out_feats=out_feats, num_heads=num_heads)
        self._num_heads = num_heads
        self._out_feats = out_feats
        self._allow_zero_in_degree = allow_zero_in_degree
        self._edge_message = edge_message
        src_feats, dst_feats = expand_as_pair(in_feats)
        if isinstance(in_feats, tuple):
            self.fc_src = nn.Linear(src_feats, out_feats * num_heads, bias=False)
            self.fc_dst = nn.Linear(dst_feats, out_feats * num_heads, bias=False)
        else:
            self.fc = nn.Linear(src_feats, out_feats * num_heads, bias=False)
        self.fc_edge = nn.Linear(edge_feats, out_feats * num_heads, bias=False)
        self.attn_l = nn.Parameter(torch.empty(1, num_heads, out_feats))
        self.attn_r = nn.Parameter(torch.empty(1, num_heads, out_feats))
        self.attn_edge = nn.Parameter(torch.empty(1, num_heads, out_feats))
        if bias:
            self.bias = nn.Parameter(torch.empty(num_heads * out_feats))
        else:
            self.register_buffer("bias", None)
        if residual:
            self.res_fc = nn.Linear(dst_feats, num_heads * out_feats, bias=False)
        else:
            self.register_buffer("res_fc", None)
        self.feat_drop = Dropout(feat_drop)
        self.attn_drop = Dropout(attn_drop)
        self.leaky_relu = nn.LeakyReLU(negative_slope)
        self.activation = activation
        self._draw_parameters()

    def reset_parameters(self) -> None:
        r"""Draw all weights by Xavier's normal initialisation with the gain of a ReLU; zero the bias.

        An activation that is a module is reset too.
        """
        if isinstance(self.activation, nn.Module):
            reset(self.activation)
        self._draw_parameters()

    def _draw_parameters(self) -> None:
        gain = nn.init.calculate_gain("relu")
        for name, parameter in self.named_parameters():
            if name == "bias":
                nn.init.zeros_(parameter)
            elif not name.startswith("activation."):
                nn.init.xavier_normal_(parameter, gain=gain)

    def set_allow_zero_in_degree(self, set_value: bool) -> None:
        r"""Set whether nodes without in-edges are allowed.

        Parameters
        ----------
        set_value : bool
            The new value.
        """
        self._allow_zero_in_degree = set_value

    def forward(
        self,
        graph: dgl.DGLGraph,
        feat: torch.Tensor | tuple[torch.Tensor, torch.Tensor],
        edge_feat: torch.Tensor,
        get_attention: bool = False,
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        r"""Attend over the in-edges of each node.

        Parameters
        ----------
        graph : DGLGraph
            A homogeneous graph, a unidirectional bipartite graph, or a block.
        feat : torch.Tensor or pair of torch.Tensor
            Node features of shape :math:`(N, D_{in})`, or a pair of them, for source and destination nodes. A
            block's destination nodes are the first of its source nodes; a bipartite graph needs a pair.
        edge_feat : torch.Tensor
            Edge features of shape :math:`(E, D_{edge})`.
        get_attention : bool, optional
            Whether to return the attention as well. Default: ``False``.

        Returns
        -------
        torch.Tensor
            Output of shape :math:`(N, H, D_{out})`.
        torch.Tensor, optional
            Attention :math:`\alpha` of shape :math:`(E, H, 1)`.

        Raises
        ------
        DGLError
            If a node has no in-edge and ``allow_zero_in_degree`` is False, ``feat`` or ``edge_feat`` does not fit
            the layer or the graph, or the graph has several edge types.
        """
        fc_src, fc_dst = (self.fc_src, self.fc_dst) if hasattr(self, "fc_src") else (self.fc, self.fc)
        self._check(graph, feat, edge_feat, fc_src.in_features, fc_dst.in_features)
        if not self._allow_zero_in_degree and (graph.in_degrees() == 0).any():
            raise DGLError(
                "The graph has nodes without in-edges, which would receive no message. Build EdgeGATConv with "
                "allow_zero_in_degree=True, or add self-loops with dgl.add_self_loop: before dgl.batch, since it "
                "drops batch information; it fills the loops' features in edata with 1, or with its fill_data."
            )

        if isinstance(feat, tuple):
            feat_src, feat_dst = self.feat_drop(feat[0]), self.feat_drop(feat[1])
        else:
            feat_src = feat_dst = self.feat_drop(feat)
            if graph.is_block:
                feat_dst = feat_dst[: graph.num_dst_nodes()]

        shape = (-1, self._num_heads, self._out_feats)
        src, dst = graph.edges(order="eid")
        score = self._score(self.fc_edge, self.attn_edge, edge_feat)
        score = score + self._score(fc_src, self.attn_l, feat_src).index_select(0, src)
        score = score + self._score(fc_dst, self.attn_r, feat_dst).index_select(0, dst)
        attention = self.attn_drop(edge_softmax(graph, self.leaky_relu(score)))
        message = fc_src(feat_src).view(shape)
        weight = attention.to(message.dtype)
        out = sum_neighbors(graph, message, weight)
        if self._edge_message:
            out = self._add_edge_update(out, graph, edge_feat, weight)

        if self.res_fc is not None:
            out = out + self.res_fc(feat_dst).view(shape)
        if self.bias is not None:
            out = out + self.bias.view(shape)
        if self.activation is not None:
            out = self.activation(out)
        return (out, attention.unsqueeze(-1)) if get_attention else out

    def _check(self, graph: dgl.DGLGraph, feat: Any, edge_feat: Any, src_feats: int, dst_feats: int) -> None:
        layer = "EdgeGATConv"
        check_one_edge_type(layer, graph)
        num_src, num_dst = graph.num_src_nodes(), graph.num_dst_nodes()
        if isinstance(feat, tuple) and len(feat) == 2:
            check_tensor(layer, "feat", feat[0], num_src, src_feats, rows="source node")
            check_tensor(layer, "feat", feat[1], num_dst, dst_feats, rows="destination node")
        elif src_feats == dst_feats and (graph.is_homogeneous or graph.is_block):
            check_tensor(layer, "feat", feat, num_src, src_feats, rows="node")
        else:
            raise DGLError(
                f"{layer} takes feat as a pair, of the source nodes and of the destination nodes, of shapes "
                f"({num_src}, {src_feats}) and ({num_dst}, {dst_feats}), got a {type(feat).__name__}."
            )
        check_tensor(layer, "edge_feat", edge_feat, graph.num_edges(), self.fc_edge.in_features, rows="edge")

    def _score(self, fc: nn.Linear, attn: torch.Tensor, feat: torch.Tensor) -> torch.Tensor:
        r"""A part of the attention score, such as :math:`\mathbf{W}_e W_e e_{ij}`, of shape (rows, H).

        The weights are multiplied first: that takes H products a row in place of H D.
        """
        weight = fc.weight.view(self._num_heads, self._out_feats, -1)
        return linear(feat, torch.bmm(attn.transpose(0, 1), weight).squeeze(1))

    def _add_edge_update(
        self, out: torch.Tensor, graph: dgl.DGLGraph, edge_feat: torch.Tensor, attention: torch.Tensor
    ) -> torch.Tensor:
        r"""Adds the edges' share of the update, :math:`W_e \sum_j \alpha_{ij} e_{ij}`, of shape (N, H, D)."""
        weighted = sum_edges(graph, edge_feat.to(attention.dtype), attention)
        weight = self.fc_edge.weight.view(self._num_heads, self._out_feats, -1).to(attention.dtype)
        by_head = torch.baddbmm(out.transpose(0, 1), weighted.transpose(0, 1), weight.transpose(1, 2))
        return by_head.transpose(0, 1)


class GATConv(dgl.nn.GATConv):
    """:class:`dgl.nn.GATConv` that also has higher derivatives, and works under autocast

    Parameters
    ----------
    in_feats, out_feats, num_heads, bias
        Those of :class:`dgl.nn.GATConv`. Nodes without in-edges are allowed; they receive no message.
    """

    def __init__(self, in_feats: int, out_feats: int, num_heads: int, bias: bool = True) -> None:
        super().__init__(in_feats, out_feats, num_heads, allow_zero_in_degree=True, bias=bias)

    def forward(
        self, graph: dgl.DGLGraph, feat: torch.Tensor, get_attention: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Attend over the in-edges of each node, for features of shape (N, in_feats): (N, H, out_feats)."""
        shape = (-1, self._num_heads, self._out_feats)
        feat = self.feat_drop(feat)
        message = self.fc(feat).view(shape)
        src_score, dst_score = ((message * attn).sum(-1) for attn in (self.attn_l, self.attn_r))
        src, dst = graph.edges(order="eid")
        score = src_score.index_select(0, src) + dst_score.index_select(0, dst)
        attention = self.attn_drop(edge_softmax(graph, self.leaky_relu(score)))
        out = sum_neighbors(graph, message, attention.to(message.dtype))
        if self.bias is not None:
            out = out + self.bias.view(shape)
        return (out, attention.unsqueeze(-1)) if get_attention else out
