"""Softmax and sums over the in-edges of each node: DGL's sparse kernels, with higher derivatives.

N_src and N_dst nodes, E edges; further dimensions are kept, or broadcast.
"""

from __future__ import annotations

import dgl
import torch

from dgl_memgnn.nn.autograd import transformable

__all__ = ["add_ends", "edge_softmax", "sum_edges", "sum_neighbors"]


def add_ends(graph: dgl.DGLGraph, src_feat: torch.Tensor, dst_feat: torch.Tensor) -> torch.Tensor:
    """Sum of the features of an edge's source and destination: (E, ...)."""

    def plain(src_feat: torch.Tensor, dst_feat: torch.Tensor) -> torch.Tensor:
        src, dst = graph.edges(order="eid")
        return src_feat[src.long()] + dst_feat[dst.long()]

    return transformable(lambda *feats: dgl.ops.u_add_v(graph, *feats), plain, src_feat, dst_feat)


def edge_softmax(graph: dgl.DGLGraph, score: torch.Tensor) -> torch.Tensor:
    """Softmax of scores of shape (E, H, 1) over the in-edges of each node."""

    def plain(score: torch.Tensor) -> torch.Tensor:
        dst = _destinations(graph)
        lowest = score.new_full((graph.num_dst_nodes(), *score.shape[1:]), -torch.inf)
        index = dst.view(-1, *[1] * (score.dim() - 1)).expand_as(score)
        largest = lowest.scatter_reduce(0, index, score.detach(), "amax")
        exponential = (score - largest[dst]).exp()
        return exponential / _sum_by(dst, exponential, graph)[dst]

    return transformable(lambda score: dgl.ops.edge_softmax(graph, score), plain, score)


def sum_neighbors(graph: dgl.DGLGraph, feat: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Sum of the sources' features, of shape (N_src, H, D), by weights of shape (E, H, 1): (N_dst, H, D)."""

    def plain(feat: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        src, _ = graph.edges(order="eid")
        return _sum_by(_destinations(graph), feat[src.long()] * weight, graph)

    return transformable(lambda feat, weight: dgl.ops.u_mul_e_sum(graph, feat, weight), plain, feat, weight)


def sum_edges(graph: dgl.DGLGraph, feat: torch.Tensor) -> torch.Tensor:
    """Sum of edge features, of shape (E, H, D): (N_dst, H, D)."""
    return transformable(
        lambda feat: dgl.ops.copy_e_sum(graph, feat),
        lambda feat: _sum_by(_destinations(graph), feat, graph),
        feat,
    )


def _destinations(graph: dgl.DGLGraph) -> torch.Tensor:
    dst: torch.Tensor = graph.edges(order="eid")[1].long()
    return dst


def _sum_by(dst: torch.Tensor, feat: torch.Tensor, graph: dgl.DGLGraph) -> torch.Tensor:
    return feat.new_zeros(graph.num_dst_nodes(), *feat.shape[1:]).index_add(0, dst, feat)
