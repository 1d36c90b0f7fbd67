"""The memory graph neural network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from types import SimpleNamespace
from typing import Any

import dgl
import torch
from dgl import DGLError
from torch import nn

from dgl_memgnn.models.head import prediction_head
from dgl_memgnn.models.network import Network, Widths
from dgl_memgnn.models.readouts import READOUTS, pool
from dgl_memgnn.models.with_topology import WithTopology
from dgl_memgnn.nn import ConvQuery, DescriptorNorm, MemoryReadout
from dgl_memgnn.nn.checks import check_conv_inputs, check_sizes, check_tensor
from dgl_memgnn.nn.reset import Resettable

__all__ = ["MEMGNN_NETWORK", "MemGNN"]


class MemGNN(Resettable):
    r"""Memory graph neural network (MemGNN) from
    `Memory-Based Graph Networks <https://arxiv.org/abs/2002.09518>`__

    Queries come from graph convolutions (equation 7, :class:`~dgl_memgnn.nn.ConvQuery`), by default
    edge-featured graph attention (equation 8, :class:`EdgeGATConv`); memory layers pool them (equations 1-4,
    :class:`MemoryReadout` with batch normalisation), and a two-layer perceptron predicts.

    Parameters
    ----------
    in_feats : int
        Width of the node features.
    edge_feats : int
        Width of the edge features; 0 if there are none.
    hidden_feats : int
        Width of the queries.
    out_feats : int
        Number of outputs: classes, or tasks.
    num_layers : int
        Number of convolutions.
    num_keys : sequence of int, optional
        Number of keys of each memory layer; the last is 1. Default: ``(32, 1)``, the paper's for molecules.
    num_heads : int, optional
        Number of heads of the memory layers. Default: ``5``, the paper's.
    tau : float, optional
        Degrees of freedom of Student's t kernel. Default: ``1.0``, the paper's.
    dropout : float, optional
        Dropout rate in the query network and in the head. Default: ``0.0``.
    conv : callable, optional
        Makes the convolutions, see :class:`~dgl_memgnn.nn.ConvQuery`. Default: four-headed attention.
    edge_message : bool, optional
        Whether messages of the default convolution carry edge features, see :class:`EdgeGATConv`; without,
        edges weigh in the attention only. Default: ``False``.
    update : str, optional
        How a convolution updates the nodes, ``"skip"`` or ``"gru"``, see :class:`~dgl_memgnn.nn.ConvQuery`.
        Default: ``"skip"``, the paper's.
    log_scores : bool, optional
        See :class:`MemoryPooling`. Default: ``False``, the paper's.
    readout : torch.nn.Module, optional
        Stands in for the memory layers, for comparisons: ``readout(graph, feat)`` returns one row of
        ``hidden_feats`` a graph, as DGL's poolings do. Default: the memory layers.
    descriptor_feats : int, optional
        Number of descriptors of each graph, which are joined to the pooled graph before the perceptron. They are
        standardised by ``model.descriptor_norm``, a :class:`~dgl_memgnn.nn.DescriptorNorm`: call its ``fit`` with
        those of the training graphs. Default: ``0``, the paper's.
    plain_descriptors : int, optional
        Number of those, the last, that are standardised without logarithms, see
        :class:`~dgl_memgnn.nn.DescriptorNorm`. Default: ``0``.
    feat_norm : bool, optional
        Whether the node features are batch-normalised first, see :class:`~dgl_memgnn.nn.ConvQuery`.
        Default: ``False``.

    Examples
    --------
    >>> import dgl
    >>> import torch
    >>> from dgl_memgnn import MemGNN
    >>> graph = dgl.batch([dgl.rand_graph(9, 20), dgl.rand_graph(5, 8)])
    >>> model = MemGNN(in_feats=39, edge_feats=10, hidden_feats=64, out_feats=1, num_layers=3)
    >>> model(graph, torch.randn(14, 39), torch.randn(28, 10)).shape
    torch.Size([2, 1])
    """

    def __init__(
        self,
        in_feats: int,
        edge_feats: int,
        hidden_feats: int,
        out_feats: int,
        num_layers: int,
        num_keys: Sequence[int] = (32, 1),
        num_heads: int = 5,
        tau: float = 1.0,
        dropout: float = 0.0,
        conv: Callable[[int, int], nn.Module] | None = None,
        edge_message: bool = False,
        update: str = "skip",
        log_scores: bool = False,
        readout: nn.Module | None = None,
        descriptor_feats: int = 0,
        plain_descriptors: int = 0,
        feat_norm: bool = False,
    ) -> None:
        super().__init__()
        check_sizes("MemGNN", out_feats=out_feats)
        self.query = ConvQuery(
            in_feats, edge_feats, hidden_feats, num_layers, conv, dropout, edge_message, update, feat_norm
        )
        if readout is None:
            readout = MemoryReadout(
                hidden_feats, hidden_feats, num_keys, num_heads, tau, batch_norm=True, log_scores=log_scores
            )
        self.readout = readout
        self.descriptor_norm = None
        if descriptor_feats:
            self.descriptor_norm = DescriptorNorm(descriptor_feats, plain_descriptors)
        self.head = prediction_head(hidden_feats + descriptor_feats, hidden_feats, out_feats, dropout)

    @staticmethod
    def from_pretrained(
        weights: str | PathLike[str],
        out_feats: int,
        dropout: float | None = None,
        descriptor_feats: int = 0,
        freeze_query: bool = False,
    ) -> MemGNN:
        """A network whose query network and memory layers are trained already; its head is new.

        Parameters
        ----------
        weights : str or os.PathLike
            Name of weights that come with the package, or the folder of a run of ``dgl-memgnn pretrain`` or, on
            molecules, ``dgl-memgnn train``. They give all sizes but those below.
        out_feats : int
            Number of outputs: classes, or tasks.
        dropout : float, optional
            Dropout rate in the query network and in the head. Default: that of the weights.
        descriptor_feats : int, optional
            Number of descriptors of each graph. Default: ``0``.
        freeze_query : bool, optional
            Whether the query network stays as it is. Default: ``False``.

        Returns
        -------
        MemGNN

        Raises
        ------
        FileNotFoundError
            If there are no such weights.
        ValueError
            If the file is damaged, or of another network.
        """
        from dgl_memgnn.weights import freeze, load_weights, take_over

        loaded = load_weights(weights)
        options = SimpleNamespace(**loaded.model)
        if dropout is not None:
            options.dropout = dropout
        widths = Widths(*loaded.widths, out_feats, descriptor_feats=descriptor_feats)
        network: Any = _build(options, widths, None, 0)
        take_over(network, loaded, options.readout)
        if freeze_query:
            freeze(network.query)
        return network

    def forward(
        self,
        graph: dgl.DGLGraph,
        feat: torch.Tensor,
        edge_feat: torch.Tensor | None,
        get_assignments: bool = False,
        descriptors: torch.Tensor | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, list[torch.Tensor]]:
        r"""Predict for each graph.

        Parameters
        ----------
        graph : DGLGraph
            A graph, or a batch of B graphs.
        feat : torch.Tensor
            Node features of shape :math:`(N, D_{in})`.
        edge_feat : torch.Tensor or None
            Edge features of shape :math:`(E, D_{edge})`; None if ``edge_feats`` is 0.
        get_assignments : bool, optional
            Whether to return the assignments of the memory layers as well. Default: ``False``.
        descriptors : torch.Tensor, optional
            Descriptors of the graphs of shape :math:`(B, D_{descriptor})`, NaN where missing; needed if
            ``descriptor_feats`` is not 0.

        Returns
        -------
        torch.Tensor
            Output of shape :math:`(B, D_{out})`.
        list of torch.Tensor, optional
            The assignment of each memory layer: of shape :math:`(N, K_1)`, then :math:`(B, K_{l-1}, K_l)`.

        Raises
        ------
        DGLError
            If an input does not fit the network or the graph; if descriptors are missing, not expected, or not a
            row of ``descriptor_feats`` a graph; or if the graph has several node or edge types.
        """
        query = self.query
        check_conv_inputs("MemGNN", graph, feat, query.embedding.in_features, edge_feat, query.edge_feats)
        if self.descriptor_norm is not None:
            width = len(self.descriptor_norm.mean)
            check_tensor("MemGNN", "descriptors", descriptors, graph.batch_size, width, rows="graph")
        elif descriptors is not None:
            raise DGLError("This MemGNN takes no descriptors: build it with descriptor_feats, their number.")
        query = self.query(graph, feat, edge_feat)
        pooled, assignments = pool(self.readout, graph, query)
        if descriptors is not None and self.descriptor_norm is not None:
            pooled = torch.cat([pooled, self.descriptor_norm(descriptors).to(pooled)], dim=1)
        out = self.head(pooled)
        return (out, assignments) if get_assignments else out


def _build(options: Any, widths: Widths, task: Any, seed: int) -> nn.Module:
    topology_feats = options.hidden_feats if options.topology else 0  # as WithTopology passes it on
    network = MemGNN(
        widths.node_feats + topology_feats,
        widths.edge_feats if options.edge_features else 0,
        options.hidden_feats,
        widths.out_feats,
        options.num_layers,
        options.num_keys,
        options.num_heads,
        options.tau,
        options.dropout,
        edge_message=options.edge_message,
        update=options.update,
        log_scores=options.log_scores,
        readout=READOUTS[options.readout].build(options, 0.0),
        descriptor_feats=widths.descriptor_feats,
        plain_descriptors=widths.property_feats,
        feat_norm=widths.measured_feats,
    )
    return WithTopology(network, widths.topology_feats, topology_feats) if options.topology else network


def _inputs(options: Any) -> Sequence[str]:
    edge_feat = "edge_feat" if options.edge_features else "nothing"
    return ("feat", "topology", edge_feat) if options.topology else ("feat", edge_feat)


def _options(options: Any) -> Sequence[str]:
    sizes = ("hidden_feats", "num_layers", *READOUTS[options.readout].options)
    edges = ("edge_features", "edge_message") if options.edge_features else ("edge_features",)
    return (*sizes, "pretrained", *edges, "update", "topology", "dropout")


MEMGNN_NETWORK = Network(
    "MemGNN",
    _build,
    _inputs,
    _options,
    takes_descriptors=True,
)
