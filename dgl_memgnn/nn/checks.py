"""Checks of what a layer is given. Their errors name the layer, what it takes, and what it got."""

from __future__ import annotations

from contextlib import nullcontext
from numbers import Integral, Real
from typing import Any

import dgl
import torch
from dgl import DGLError

__all__ = [
    "check_conv_inputs",
    "check_one_edge_type",
    "check_positive",
    "check_sizes",
    "check_tensor",
    "node_counts",
    "outside_transforms",
]

# PyTorch 2.0, which takes no graph through a transform, has no such context
_of_torch: Any = torch._C._DisableFuncTorch
outside_transforms = _of_torch if hasattr(_of_torch, "__enter__") else nullcontext


def check_sizes(layer: str, **sizes: Any) -> None:
    """ValueError unless all sizes, such as widths, are positive integers."""
    for name, value in sizes.items():
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{layer} takes a positive integer as {name}, got {value!r}.")


def check_positive(layer: str, **values: Any) -> None:
    """ValueError unless all values are positive numbers."""
    for name, value in values.items():
        if not isinstance(value, Real) or not float(value) > 0:
            raise ValueError(f"{layer} takes a positive number as {name}, got {value!r}.")


def check_tensor(layer: str, name: str, value: Any, *shape: int | str, rows: str = "") -> None:
    """DGLError unless a value is a tensor of floating-point numbers and of a shape.

    Parameters
    ----------
    layer : str
        Who takes the value.
    name : str
        What it is called there.
    value : object
        What was given.
    *shape : int or str
        The sizes that it must have; a letter stands for any.
    rows : str, optional
        What a row is of.

    Examples
    --------
    >>> check_tensor("MemoryPooling", "feat", torch.randn(5, 3), 5, 4, rows="node")
    Traceback (most recent call last):
    dgl._ffi.base.DGLError: MemoryPooling takes feat of shape (5, 4), a row for each node; got shape (5, 3).
    """
    is_tensor = isinstance(value, torch.Tensor)
    if not is_tensor or not _fits(value.shape, shape):
        got = (
            f"shape {tuple(value.shape)}"
            if is_tensor
            else "None"
            if value is None
            else f"a {type(value).__name__}"
        )
        meaning = f", a row for each {rows}" if rows else ""
        raise DGLError(f"{layer} takes {name} of shape ({', '.join(map(str, shape))}){meaning}; got {got}.")
    if not value.is_floating_point():
        raise DGLError(f"{layer} takes {name} in floating point, got {value.dtype}: convert it with float().")


def _fits(shape: tuple[int, ...], expected: tuple[int | str, ...]) -> bool:
    return len(shape) == len(expected) and all(isinstance(b, str) or a == b for a, b in zip(shape, expected))


def node_counts(layer: str, graph: dgl.DGLGraph) -> list[int]:
    """The number of nodes of each graph of a batch; DGLError unless the graph has a single node type."""
    _check_is_graph(layer, graph)
    if len(graph.ntypes) != 1:
        raise DGLError(
            f"{layer} takes a graph of one node type, got {graph.ntypes}: take the subgraph of one with "
            "dgl.node_type_subgraph."
        )
    with outside_transforms():  # DGL keeps the tensor with the graph, beyond a transform of torch.func
        counts: list[int] = graph.batch_num_nodes().tolist()
    return counts


def check_one_edge_type(layer: str, graph: dgl.DGLGraph) -> None:
    """DGLError unless the graph has a single edge type."""
    _check_is_graph(layer, graph)
    if len(graph.canonical_etypes) != 1:
        raise DGLError(
            f"{layer} takes a graph of one edge type, got {graph.canonical_etypes}: choose one, graph[etype]."
        )


def check_conv_inputs(
    layer: str, graph: dgl.DGLGraph, feat: Any, in_feats: int, edge_feat: Any, edge_feats: int
) -> None:
    """DGLError unless node and edge features fit the graph, and a network of these widths."""
    num_nodes = sum(node_counts(layer, graph))
    check_one_edge_type(layer, graph)
    check_tensor(layer, "feat", feat, num_nodes, in_feats, rows="node")
    if edge_feats > 0:
        check_tensor(layer, "edge_feat", edge_feat, graph.num_edges(), edge_feats, rows="edge")
    elif edge_feat is not None:
        raise DGLError(
            f"{layer} was built with edge_feats=0, so it has no use for edge_feat: pass None, or build it with "
            "the width of the edge features."
        )


def _check_is_graph(layer: str, graph: Any) -> None:
    if not isinstance(graph, dgl.DGLGraph):
        raise DGLError(f"{layer} takes a DGLGraph as its graph, got a {type(graph).__name__}.")
