"""Softmax and sums over the in-edges of each node, with higher derivatives.

N_src and N_dst nodes, E edges, H heads. The sums are weighted sums of rows of a table, which torch does without
a table of messages (:func:`torch.nn.functional.embedding_bag`): in a tenth to a third of the time of DGL's sparse
products.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import dgl
import torch
from torch.nn.functional import embedding_bag

from dgl_memgnn.nn.autograd import Tensors, transformable

__all__ = ["edge_softmax", "sum_edges", "sum_neighbors"]


def edge_softmax(graph: dgl.DGLGraph, score: torch.Tensor) -> torch.Tensor:
    """Softmax of scores of shape (E, H) over the in-edges of each node."""
    dst = _destinations(graph)

    def fast(score: torch.Tensor) -> tuple[torch.Tensor, Tensors]:
        out = plain(score)
        return out, [out]

    def gradient(grad: torch.Tensor, needed: Sequence[bool], _: Tensors, kept: Tensors) -> Tensors:
        weighted = kept[0] * grad
        return [torch.addcmul(weighted, kept[0], _sum_by(dst, weighted, graph).index_select(0, dst), value=-1)]

    def plain(score: torch.Tensor) -> torch.Tensor:
        lowest = score.new_full((graph.num_dst_nodes(), score.shape[1]), -torch.inf)
        largest = lowest.scatter_reduce(0, dst.unsqueeze(1).expand_as(score), score.detach(), "amax")
        exponential = (score - largest.index_select(0, dst)).exp()
        return exponential / _sum_by(dst, exponential, graph).index_select(0, dst)

    return transformable(fast, gradient, plain, score)


def sum_neighbors(graph: dgl.DGLGraph, feat: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Sum of the sources' features, of shape (N_src, H, D), by weights of shape (E, H): (N_dst, H, D)."""

    def fast(feat: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, Tensors]:
        return _in_edges(graph).sum_ends(feat, weight), []

    def gradient(
        grad: torch.Tensor, needed: Sequence[bool], inputs: Tensors, _: Tensors
    ) -> Sequence[torch.Tensor | None]:
        feat, weight = inputs
        return [
            _out_edges(graph).sum_ends(grad, weight) if needed[0] else None,
            dgl.ops.u_dot_v(graph, feat, grad.contiguous()).squeeze(-1) if needed[1] else None,
        ]

    def plain(feat: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        src, _ = graph.edges(order="eid")
        return _sum_by(_destinations(graph), feat[src.long()] * weight.unsqueeze(-1), graph)

    return transformable(fast, gradient, plain, feat, weight)


def sum_edges(graph: dgl.DGLGraph, feat: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Sum of edge features, of shape (E, D), by weights of shape (E, H): (N_dst, H, D)."""

    def fast(feat: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, Tensors]:
        return _in_edges(graph).sum_edges(feat, weight), []

    def gradient(
        grad: torch.Tensor, needed: Sequence[bool], inputs: Tensors, _: Tensors
    ) -> Sequence[torch.Tensor | None]:
        feat, weight = inputs
        grad = grad.index_select(0, _destinations(graph))
        return [
            (grad * weight.unsqueeze(-1)).sum(1) if needed[0] else None,
            torch.bmm(grad, feat.unsqueeze(-1)).squeeze(-1) if needed[1] else None,
        ]

    def plain(feat: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return _sum_by(_destinations(graph), feat.unsqueeze(1) * weight.unsqueeze(-1), graph)

    return transformable(fast, gradient, plain, feat, weight)


class _Edges(NamedTuple):
    """The edges, by the node at one of their ends."""

    offsets: torch.Tensor  # (N + 1,): where those of a node begin
    others: torch.Tensor  # (E,): the nodes at their other ends
    ids: torch.Tensor  # (E,)

    def sum_ends(self, feat: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Weighted sums of the features (N_other, H, D) of the nodes at the other ends: (N, H, D)."""
        num_heads = weight.shape[1]
        heads = torch.arange(num_heads, dtype=self.others.dtype, device=self.others.device).unsqueeze(1)
        return self._sum(feat.reshape(-1, feat.shape[-1]), self.others * num_heads + heads, weight)

    def sum_edges(self, feat: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Weighted sums of the features (E, D) of the edges: (N, H, D)."""
        return self._sum(feat, self.ids.expand(weight.shape[1], -1), weight)

    def _sum(self, table: torch.Tensor, rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """For each head, the sums of those rows of a table that the edges of a node stand for."""
        num_edges, num_heads = weight.shape
        starts = torch.arange(num_heads, dtype=rows.dtype, device=rows.device).unsqueeze(1) * num_edges
        out = embedding_bag(
            rows.reshape(-1),
            table,
            (self.offsets[:-1] + starts).reshape(-1),
            mode="sum",
            per_sample_weights=weight.index_select(0, self.ids).t().reshape(-1),
        )
        return out.view(num_heads, len(self.offsets) - 1, table.shape[1]).transpose(0, 1)


def _in_edges(graph: dgl.DGLGraph) -> _Edges:
    return _sorted_edges(graph, "csc")


def _out_edges(graph: dgl.DGLGraph) -> _Edges:
    return _sorted_edges(graph, "csr")


def _sorted_edges(graph: dgl.DGLGraph, order: str) -> _Edges:
    offsets, others, ids = graph.adj_tensors(order)
    if len(ids) < len(others):  # of a graph that was made in this order: the ids are those of the places
        ids = torch.arange(len(others), dtype=others.dtype, device=others.device)
    return _Edges(offsets, others, ids)


def _destinations(graph: dgl.DGLGraph) -> torch.Tensor:
    dst: torch.Tensor = graph.edges(order="eid")[1].long()
    return dst


def _sum_by(dst: torch.Tensor, feat: torch.Tensor, graph: dgl.DGLGraph) -> torch.Tensor:
    return feat.new_zeros(graph.num_dst_nodes(), *feat.shape[1:]).index_add(0, dst, feat)
