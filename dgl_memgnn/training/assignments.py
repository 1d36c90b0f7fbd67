"""What the memory layers of a network make of the nodes of many graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dgl
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from dgl_memgnn.nn import MemoryPooling
from dgl_memgnn.training.inference import evaluating

__all__ = ["has_several_keys", "memory_layers", "node_queries", "node_shares", "watch_queries"]

_BATCH_SIZE = 128


def memory_layers(model: nn.Module) -> list[MemoryPooling]:
    """The memory layers of a network, the first one first; none if it has none."""
    return [module for module in model.modules() if isinstance(module, MemoryPooling)]


def has_several_keys(model: nn.Module) -> bool:
    """Whether a network has a memory layer of several keys, which can be clustered."""
    return any(layer.keys.shape[1] > 1 for layer in memory_layers(model))


def watch_queries(layer: nn.Module, on_query: Callable[[Tensor], None]) -> RemovableHandle:
    """Call a function with what a memory layer is asked, each time, until the handle is removed."""

    def watch(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        on_query(args[1] if len(args) > 1 else kwargs["feat"])

    return layer.register_forward_pre_hook(watch, with_kwargs=True)


def node_shares(
    model: nn.Module,
    inputs: Callable[[dgl.DGLGraph], tuple[Any, ...]],
    graphs: Sequence[dgl.DGLGraph],
    device: str | torch.device = "cpu",
) -> list[list[np.ndarray]]:
    r"""How the nodes of graphs are shared among the keys of each memory layer.

    .. math::
        S^{(l)} = C^{(1)} C^{(2)} \cdots C^{(l)}

    A node's share of a key of a later layer goes by way of the keys of the layers before it. Rows sum to 1. A last
    layer of one key, as a network has by default, has all of every node.

    Parameters
    ----------
    model : torch.nn.Module
        A network with memory layers, called as ``model(graph, *inputs(graph), get_assignments=True)``.
    inputs : callable
        The model's inputs beside the graph, taken from a batched graph.
    graphs : sequence of DGLGraph
        Graphs with the features that the network takes. Descriptors are joined behind the memory layers, so that
        none are needed.
    device : str or torch.device, optional
        Where the model is. Default: ``"cpu"``.

    Returns
    -------
    list of list of ndarray
        For each graph, of each memory layer, an array of shape :math:`(n_g, K_l)`.
    """
    found = []
    for graph, assignments, _ in _outputs(model, inputs, graphs, device):
        sizes = graph.batch_num_nodes().tolist()
        layers = [assignments[0].split(sizes)]
        for assignment in assignments[1:]:
            layers.append([share @ own for share, own in zip(layers[-1], assignment)])
        found += [[share.cpu().numpy() for share in shares] for shares in zip(*layers)]
    return found


def node_queries(
    model: nn.Module,
    inputs: Callable[[dgl.DGLGraph], tuple[Any, ...]],
    graphs: Sequence[dgl.DGLGraph],
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """The queries of the first memory layer: see :func:`node_shares` for the arguments.

    Returns
    -------
    ndarray
        Of shape :math:`(N, D)`: the nodes of the first graph, then those of the second, and so on.
    """
    return np.concatenate([query.cpu().numpy() for _, _, query in _outputs(model, inputs, graphs, device)])


def fit_batch_norms(
    model: nn.Module, inputs: Callable[[dgl.DGLGraph], tuple[Any, ...]], graphs: Sequence[dgl.DGLGraph]
) -> None:
    """Give the batch normalisation of a network that was not trained the statistics of graphs.

    Without them it would not do in evaluation what it does in training. A single graph has none to give.
    """
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d)]
    if len(graphs) < 2 or not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    model.train()
    with torch.no_grad():
        for batch in np.array_split(np.arange(len(graphs)), -(-len(graphs) // _BATCH_SIZE)):
            graph = dgl.batch([graphs[i] for i in batch])
            model(graph, *inputs(graph), **_no_descriptors(model, graph))
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum


def _outputs(
    model: nn.Module, inputs: Callable[..., tuple[Any, ...]], graphs: Sequence[dgl.DGLGraph], device: Any
) -> Iterator[tuple[dgl.DGLGraph, list[Tensor], Tensor]]:
    """Batch by batch, the graph, the assignments of the memory layers, and the queries of the first."""
    queries: list[Tensor] = []
    layers = memory_layers(model)
    if not layers:
        raise ValueError(f"{type(model).__name__} has no memory layer, and so no assignments.")
    hook = watch_queries(layers[0], queries.append)
    try:
        for start in range(0, len(graphs), _BATCH_SIZE):
            graph = dgl.batch(graphs[start : start + _BATCH_SIZE]).to(device)
            with evaluating(model), torch.no_grad():
                _, assignments = model(
                    graph, *inputs(graph), get_assignments=True, **_no_descriptors(model, graph)
                )
            yield graph, assignments, queries.pop()
    finally:
        hook.remove()


def _no_descriptors(model: nn.Module, graph: dgl.DGLGraph) -> dict[str, Tensor]:
    """Descriptors that are all missing, for a network that takes some."""
    norm = getattr(model, "descriptor_norm", None)
    if norm is None:
        return {}
    return {"descriptors": norm.mean.new_full((graph.batch_size, len(norm.mean)), torch.nan)}
