"""The graph isomorphism network, for comparison."""

from __future__ import annotations

from typing import Any

import dgl
from dgl.nn import GINConv, SumPooling
from torch import Tensor, nn

from dgl_memgnn.models.network import Network, Widths
from dgl_memgnn.nn.norm import BatchNorm
from dgl_memgnn.nn.reset import Resettable

__all__ = ["GIN", "GIN_NETWORK"]


class GIN(Resettable):
    r"""Graph isomorphism network (GIN) from
    `How Powerful are Graph Neural Networks? <https://arxiv.org/abs/1810.00826>`__

    .. math::
        h_i^{(l)} = \mathrm{ReLU} \Big( \mathrm{BN} \Big( \mathrm{MLP}^{(l)} \Big( (1 + \epsilon^{(l)})
            h_i^{(l-1)} + \sum_{j \in N(i)} h_j^{(l-1)} \Big) \Big) \Big) && (4.1)

        o_g = \sum_l W^{(l)} \sum_{i \in g} h_i^{(l)} + b^{(l)} && (4.2)

    Perceptrons have two layers, with batch normalisation between them; :math:`h^{(0)}` are the node features, and
    the outputs of all layers are read.

    Parameters
    ----------
    in_feats : int
        Width of the node features.
    hidden_feats : int
        Width of the layers.
    out_feats : int
        Number of outputs: classes, or tasks.
    num_layers : int
        Number of convolutions.
    dropout : float, optional
        Dropout rate on what each layer adds to the output. Default: ``0.0``.
    feat_norm : bool, optional
        Whether the node features are batch-normalised first. Default: ``False``.

    Examples
    --------
    >>> import torch
    >>> graph = dgl.batch([dgl.rand_graph(9, 20), dgl.rand_graph(5, 8)])
    >>> GIN(in_feats=3, hidden_feats=32, out_feats=6, num_layers=4)(graph, torch.randn(14, 3)).shape
    torch.Size([2, 6])
    """

    def __init__(
        self,
        in_feats: int,
        hidden_feats: int,
        out_feats: int,
        num_layers: int,
        dropout: float = 0.0,
        feat_norm: bool = False,
    ) -> None:
        super().__init__()
        self.feat_norm = BatchNorm(in_feats) if feat_norm else nn.Identity()
        widths = [in_feats] + [hidden_feats] * num_layers
        self.convs = nn.ModuleList(
            _Convolution(_perceptron(width, hidden_feats), "sum", learn_eps=True) for width in widths[:-1]
        )
        self.norms = nn.ModuleList(BatchNorm(hidden_feats) for _ in range(num_layers))
        self.pooling = SumPooling()
        self.heads = nn.ModuleList(nn.Linear(width, out_feats) for width in widths)
        self.activation = nn.ReLU()
        self.dropout = nn.Dropout(dropout)

    def forward(self, graph: dgl.DGLGraph, feat: Tensor) -> Tensor:
        r"""Predict for each graph.

        Parameters
        ----------
        graph : DGLGraph
            A graph, or a batch of B graphs.
        feat : torch.Tensor
            Node features of shape :math:`(N, D_{in})`.

        Returns
        -------
        torch.Tensor
            Output of shape :math:`(B, D_{out})`.
        """
        layers = [self.feat_norm(feat)]
        for conv, norm in zip(self.convs, self.norms):
            layers.append(self.activation(norm(conv(graph, layers[-1]))))
        outputs = [self.dropout(head(self.pooling(graph, each))) for head, each in zip(self.heads, layers)]
        return sum(outputs[1:], outputs[0])


class _Convolution(GINConv):
    def reset_parameters(self) -> None:
        nn.init.zeros_(self.eps)


def _perceptron(in_feats: int, out_feats: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(in_feats, out_feats), BatchNorm(out_feats), nn.ReLU(), nn.Linear(out_feats, out_feats)
    )


def _build(options: Any, widths: Widths, task: Any, seed: int) -> GIN:
    return GIN(
        widths.node_feats,
        options.hidden_feats,
        widths.out_feats,
        options.num_layers,
        options.dropout,
        widths.measured_feats,
    )


GIN_NETWORK = Network(
    "GIN",
    _build,
    inputs=lambda options: ("feat",),
    options=lambda options: ("hidden_feats", "num_layers", "dropout"),
)
