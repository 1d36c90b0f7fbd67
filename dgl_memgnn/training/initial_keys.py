"""Keys that begin where the queries are."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import dgl
import torch
from dgl.dataloading import GraphDataLoader
from torch import Tensor, nn
from torch.utils.data import Subset

from dgl_memgnn.nn import MemoryPooling
from dgl_memgnn.training.assignments import watch_queries
from dgl_memgnn.training.batching import EvenBatches
from dgl_memgnn.training.inference import descriptor_argument

__all__ = ["initialise_keys"]

NUM_QUERIES = 20_000  # at most, that centres are found for


def initialise_keys(
    model: nn.Module,
    dataset: Sequence[Any],
    train: Sequence[int],
    inputs: Callable[[dgl.DGLGraph], tuple[Any, ...]],
    batch_size: int,
    seed: int,
    device: str | torch.device = "cpu",
) -> None:
    """Move the keys of all memory layers to the centres that k-means finds for their queries.

    As in section 4.4.5 of `Memory-Based Graph Networks <https://arxiv.org/abs/2002.09518>`__. Layers take their
    turns from the first to the last, since the queries of one depend on the keys before it. Each head has a start
    of k-means of its own.

    Parameters
    ----------
    model : torch.nn.Module
        A network with memory layers, called as ``model(graph, *inputs(graph))``.
    dataset : sequence of (DGLGraph, torch.Tensor, ...)
    train : sequence of int
        Indices of the graphs whose queries count.
    inputs : callable
        The model's inputs beside the graph.
    batch_size : int
        Number of graphs in a batch; batch normalisation is as in training.
    seed : int
        Seed of k-means, and of the queries drawn where there are more than 20,000.
    device : str or torch.device, optional
        Where the model is. Default: ``"cpu"``.

    Raises
    ------
    ValueError
        If there are fewer queries than keys.
    """
    from sklearn.cluster import KMeans

    for name, layer in model.named_modules():
        if not isinstance(layer, MemoryPooling) or layer.keys.shape[1] == 1:
            continue
        num_heads, num_keys, _ = layer.keys.shape
        query = _queries(model, name, dataset, train, inputs, batch_size, seed, device)
        if len(query) < num_keys:
            raise ValueError(f"There are {len(query)} queries for the {num_keys} keys of {name}: use fewer keys.")
        generator = torch.Generator().manual_seed(seed)
        drawn = query[torch.randperm(len(query), generator=generator)[:NUM_QUERIES]].numpy()
        centres = [
            KMeans(num_keys, n_init=1, random_state=(seed + head) % 2**32).fit(drawn).cluster_centers_
            for head in range(num_heads)
        ]
        with torch.no_grad():
            layer.keys.copy_(torch.stack([torch.as_tensor(each) for each in centres]))


def _queries(
    model: nn.Module,
    name: str,
    dataset: Sequence[Any],
    train: Sequence[int],
    inputs: Callable[[dgl.DGLGraph], tuple[Any, ...]],
    batch_size: int,
    seed: int,
    device: str | torch.device,
) -> Tensor:
    """What a layer is asked for the training graphs, without dropout, normalised batch by batch; (n, D)."""
    model = copy.deepcopy(model).train()  # whose running statistics may change
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    seen: list[Tensor] = []
    watch_queries(model.get_submodule(name), lambda query: seen.append(query.flatten(0, -2).cpu()))
    items: Any = dataset
    with torch.no_grad():
        batches = EvenBatches(len(train), batch_size, seed)
        loader = GraphDataLoader(Subset(items, train), batch_sampler=batches, generator=torch.Generator())
        for graph, _, *described in loader:
            graph = graph.to(device)
            model(graph, *inputs(graph), **descriptor_argument(described, device))
    return torch.cat(seen)
