"""The memory layer, and a stack of them as a readout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import dgl
import torch
from torch import nn

from dgl_memgnn.nn import functional as F
from dgl_memgnn.nn.checks import check_positive, check_sizes, check_tensor, node_counts
from dgl_memgnn.nn.dropout import Dropout
from dgl_memgnn.nn.norm import BatchNorm
from dgl_memgnn.nn.reset import Resettable, reset

__all__ = ["MemoryPooling", "MemoryReadout"]

_DEFAULT_ACTIVATION = nn.LeakyReLU(0.2)  # stands for one of its own for each layer


class MemoryPooling(nn.Module):
    r"""Memory layer from `Memory-Based Graph Networks <https://arxiv.org/abs/2002.09518>`__

    It assigns the nodes of each graph softly to learned keys, and sums and projects them into one query a key:

    .. math::
        C_{i,j}^{(h)} &= \frac{(1 + \|q_i - k_j^{(h)}\|^2 / \tau)^{-\frac{\tau + 1}{2}}}
        {\sum_{j'} (1 + \|q_i - k_{j'}^{(h)}\|^2 / \tau)^{-\frac{\tau + 1}{2}}} && (1)

        C_{i,j} &= \mathrm{softmax}_j \Big( \sum_h \phi_h C_{i,j}^{(h)} \Big) && (2)

        V_g &= \sum_{i \in g} C_i^\top q_i && (3)

        Q_g &= \mathrm{LeakyReLU}(V_g W + b) && (4)

    Parameters
    ----------
    in_feats : int
        Width of the queries.
    out_feats : int
        Width of the output.
    num_keys : int
        Number of keys, and so of output rows a graph. A layer with one key is a sum, projected.
    num_heads : int, optional
        Number of heads of keys. Default: ``1``.
    tau : float, optional
        Degrees of freedom of Student's t kernel. Default: ``1.0``, the paper's.
    feat_drop : float, optional
        Dropout rate on the queries. Default: ``0.0``.
    activation : callable or None, optional
        Applied to the output. Default: ``LeakyReLU(0.2)``.
    bias : bool, optional
        Whether the projection has a bias. Default: ``True``.
    log_scores : bool, optional
        Whether equation 2 mixes :math:`\log C_{i,j}^{(h)}` in place of :math:`C_{i,j}^{(h)}`, which tells keys
        apart from the start of training. Default: ``False``, the paper's.
    mean : bool, optional
        Whether equation 3 is divided by the number of queries of the graph, so that graphs of different sizes give
        rows of the same scale. Default: ``False``, the paper's.

    Notes
    -----
    A graph without nodes gives the layer's answer to :math:`V = 0`.

    Examples
    --------
    >>> import dgl
    >>> import torch
    >>> from dgl_memgnn import MemoryPooling
    >>> graph = dgl.batch([dgl.rand_graph(5, 8), dgl.rand_graph(9, 20)])
    >>> pool = MemoryPooling(in_feats=16, out_feats=32, num_keys=4, num_heads=5)
    >>> feat, assignment = pool(graph, torch.randn(14, 16), get_assignment=True)
    >>> feat.shape, assignment.shape
    (torch.Size([2, 4, 32]), torch.Size([14, 4]))

    Stacked: the output of one layer holds the queries of the next.

    >>> MemoryPooling(32, 8, num_keys=1)(None, feat).shape
    torch.Size([2, 1, 8])
    """

    def __init__(
        self,
        in_feats: int,
        out_feats: int,
        num_keys: int,
        num_heads: int = 1,
        tau: float = 1.0,
        feat_drop: float = 0.0,
        activation: Callable[[torch.Tensor], torch.Tensor] | None = _DEFAULT_ACTIVATION,
        bias: bool = True,
        log_scores: bool = False,
        mean: bool = False,
    ) -> None:
        super().__init__()
        check_sizes(
            "MemoryPooling", in_feats=in_feats, out_feats=out_feats, num_keys=num_keys, num_heads=num_heads
        )
        check_positive("MemoryPooling", tau=tau)
        self.tau = tau
        self.log_scores = log_scores
        self.mean = mean
        self.keys = nn.Parameter(torch.empty(num_heads, num_keys, in_feats))
        self.head_weight = nn.Parameter(torch.empty(num_heads))
        self.fc = nn.Linear(in_feats, out_feats, bias=bias)
        self.feat_drop = Dropout(feat_drop)
        self.activation = nn.LeakyReLU(0.2) if activation is _DEFAULT_ACTIVATION else activation
        self._draw_parameters()

    def reset_parameters(self) -> None:
        r"""Draw the keys from a standard normal distribution, weigh all heads alike, reset the projection.

        An activation that is a module is reset too.
        """
        if isinstance(self.activation, nn.Module):
            reset(self.activation)
        self._draw_parameters()

    def _draw_parameters(self) -> None:
        nn.init.normal_(self.keys)
        nn.init.ones_(self.head_weight)
        self.fc.reset_parameters()

    def forward(
        self, graph: dgl.DGLGraph | None, feat: torch.Tensor, get_assignment: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        r"""Pool the nodes of each graph into one row a key.

        Parameters
        ----------
        graph : DGLGraph or None
            A graph, or a batch of B graphs, with a single node type. None for stacked use.
        feat : torch.Tensor
            Queries of shape :math:`(N, D_{in})`; of shape :math:`(B, M, D_{in})` if ``graph`` is None.
        get_assignment : bool, optional
            Whether to return the assignment to the keys as well. Default: ``False``.

        Returns
        -------
        torch.Tensor
            Output of shape :math:`(B, K, D_{out})`.
        torch.Tensor, optional
            Assignment :math:`C` of shape :math:`(N, K)`; of shape :math:`(B, M, K)` if ``graph`` is None.

        Raises
        ------
        DGLError
            If ``feat`` does not fit the layer or the graph, or the graph has several node types.
        """
        num_keys, in_feats = self.keys.shape[1:]
        sizes = _checked_sizes(type(self).__name__, graph, feat, in_feats)
        value, assignment = self._pool(self.feat_drop(feat).flatten(0, -2), sizes)
        assignment = assignment.view(*feat.shape[:-1], num_keys)
        out = self.fc(value)
        if self.activation is not None:
            out = self.activation(out)
        return (out, assignment) if get_assignment else out

    def _pool(self, query: torch.Tensor, sizes: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        return F.memory_pooling(query, self.keys, self.head_weight, sizes, self.tau, self.log_scores, self.mean)

    def extra_repr(self) -> str:
        num_heads, num_keys, in_feats = self.keys.shape
        return (
            f"in_feats={in_feats}, out_feats={self.fc.out_features}, num_keys={num_keys}, "
            f"num_heads={num_heads}, tau={self.tau}"
            + ", log_scores=True" * self.log_scores
            + ", mean=True" * self.mean
        )


class MemoryReadout(Resettable):
    r"""Memory layers, one on the other, down to one row a graph

    It stands where :class:`dgl.nn.SumPooling` or :class:`dgl.nn.Set2Set` stood.

    Parameters
    ----------
    in_feats : int
        Width of the node features.
    out_feats : int
        Width of the output, and of the queries between the layers.
    num_keys : sequence of int, optional
        Number of keys of each layer; the last is 1. Default: ``(32, 1)``, the paper's for molecules.
    num_heads : int, optional
        Number of heads of every layer. Default: ``5``, the paper's.
    tau : float, optional
        Degrees of freedom of Student's t kernel. Default: ``1.0``, the paper's.
    feat_drop : float, optional
        Dropout rate on the queries of every layer. Default: ``0.0``.
    batch_norm : bool, optional
        Whether each layer normalises its projection over the batch, before the activation (the paper's
        appendix A.1; :class:`GMN` and :class:`MemGNN` do). Default: ``False``.
    log_scores : bool, optional
        See :class:`MemoryPooling`. Default: ``False``, the paper's.
    mean : bool, optional
        See :class:`MemoryPooling`. Default: ``False``, the paper's.
    concat : bool, optional
        Whether the rows of the last layer but one are read side by side,
        :math:`\mathrm{LeakyReLU}((Q_{g,1} \| \ldots \| Q_{g,K}) W + b)`, so that each key has weights of its
        own; else the last layer sums them, and a key is worth what any other is. Default: ``False``, the paper's.

    Examples
    --------
    >>> import dgl
    >>> import torch
    >>> from dgl_memgnn import MemoryReadout
    >>> graph = dgl.batch([dgl.rand_graph(5, 8), dgl.rand_graph(9, 20)])
    >>> readout = MemoryReadout(in_feats=16, out_feats=16)
    >>> readout(graph, torch.randn(14, 16)).shape
    torch.Size([2, 16])
    """

    layer = MemoryPooling

    def __init__(
        self,
        in_feats: int,
        out_feats: int,
        num_keys: Sequence[int] = (32, 1),
        num_heads: int = 5,
        tau: float = 1.0,
        feat_drop: float = 0.0,
        batch_norm: bool = False,
        log_scores: bool = False,
        mean: bool = False,
        concat: bool = False,
    ) -> None:
        super().__init__()
        _check_num_keys(num_keys)
        if concat and len(num_keys) < 2:
            raise ValueError(
                f"MemoryReadout has no rows to concat with num_keys of {num_keys!r}: give (10, 1), say."
            )
        self._in_feats = in_feats
        self.layers = nn.ModuleList()

        def make_activation() -> nn.Module:  # batch normalisation takes a bias away
            activation = nn.LeakyReLU(0.2)
            return _RowByRow(BatchNorm(out_feats), activation) if batch_norm else activation

        for keys in num_keys[:-1] if concat else num_keys:
            self.layers.append(
                self.layer(
                    in_feats,
                    out_feats,
                    keys,
                    num_heads,
                    tau,
                    feat_drop,
                    make_activation(),
                    bias=not batch_norm,
                    log_scores=log_scores,
                    mean=mean,
                )
            )
            in_feats = out_feats
        self.concat = None
        if concat:
            projection = nn.Linear(num_keys[-2] * out_feats, out_feats, bias=not batch_norm)
            self.concat = nn.Sequential(nn.Flatten(), projection, make_activation())

    def forward(
        self, graph: dgl.DGLGraph, feat: torch.Tensor, get_assignments: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, list[torch.Tensor]]:
        r"""Pool each graph into one row.

        Parameters
        ----------
        graph : DGLGraph
            A graph, or a batch of B graphs, with a single node type.
        feat : torch.Tensor
            Node features of shape :math:`(N, D_{in})`.
        get_assignments : bool, optional
            Whether to return the assignments of the layers as well. Default: ``False``.

        Returns
        -------
        torch.Tensor
            Output of shape :math:`(B, D_{out})`.
        list of torch.Tensor, optional
            The assignment of each layer: of shape :math:`(N, K_1)`, then :math:`(B, K_{l-1}, K_l)`. With `concat`,
            the last has none.

        Raises
        ------
        DGLError
            If ``feat`` does not fit the layer or the graph, or the graph has several node types.
        """
        _checked_sizes("MemoryReadout", graph, feat, self._in_feats)
        assignments = []
        for layer in self.layers:
            feat, assignment = layer(graph, feat, get_assignment=True)
            assignments.append(assignment)
            graph = None
        feat = feat.squeeze(1) if self.concat is None else self.concat(feat)
        return (feat, assignments) if get_assignments else feat


class _RowByRow(nn.Sequential):
    """Modules that take rows of shape (n, D), on a tensor of shape (B, K, D)."""

    def forward(self, feat: torch.Tensor) -> torch.Tensor:
        rows: torch.Tensor = super().forward(feat.flatten(0, -2))
        return rows.view_as(feat)


def _checked_sizes(layer: str, graph: dgl.DGLGraph | None, feat: Any, in_feats: int) -> list[int]:
    """The number of queries of each graph; DGLError if they do not fit the graph and the layer."""
    if graph is None:
        check_tensor(layer, "feat", feat, "B", "M", in_feats)
        return [feat.shape[1]] * feat.shape[0]
    sizes = node_counts(layer, graph)
    check_tensor(layer, "feat", feat, sum(sizes), in_feats, rows="node")
    return sizes


def _check_num_keys(num_keys: Any) -> None:
    is_valid = isinstance(num_keys, Sequence) and all(
        isinstance(keys, Integral) and int(keys) > 0 for keys in num_keys
    )
    if not is_valid or not num_keys or num_keys[-1] != 1:
        raise ValueError(
            "MemoryReadout takes num_keys as a sequence of positive integers, one a layer, that must end in 1, "
            f"a row a graph: (32, 1), say; got {num_keys!r}."
        )
