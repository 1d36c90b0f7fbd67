"""Predictions of a trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dgl
import torch
from dgl.dataloading import GraphDataLoader
from torch import Tensor, nn

from dgl_memgnn.tasks import Task

__all__ = ["descriptor_argument", "evaluating", "predict", "predict_batches"]


def predict(
    model: nn.Module,
    task: Task,
    inputs: Callable[[dgl.DGLGraph], tuple[Any, ...]],
    graphs: Sequence[dgl.DGLGraph],
    batch_size: int = 128,
    device: str | torch.device = "cpu",
    descriptors: Tensor | None = None,
) -> Tensor:
    """Predict for graphs, batch by batch, in evaluation mode and without gradients.

    The model's training mode and torch's random numbers are left as they were.

    Parameters
    ----------
    model : torch.nn.Module
        A network called as ``model(graph, *inputs(graph))``.
    task : Task
        Turns the network's output into predictions.
    inputs : callable
        The model's inputs beside the graph, taken from a batched graph.
    graphs : sequence of DGLGraph
        Graphs; at least one.
    batch_size : int, optional
        Number of graphs in a batch. Default: ``128``.
    device : str or torch.device, optional
        Where the model is. Default: ``"cpu"``.
    descriptors : torch.Tensor, optional
        Descriptors of the graphs of shape :math:`(n, D)`, for a network that takes them. Default: none.

    Returns
    -------
    torch.Tensor
        Predictions of shape :math:`(n, D_{out})`: class probabilities, probabilities, or targets, on the CPU.

    Raises
    ------
    ValueError
        If there are not as many rows of descriptors as graphs.
    """
    if descriptors is not None and len(descriptors) != len(graphs):
        raise ValueError(
            f"There are {len(descriptors)} rows of descriptors for {len(graphs)} graphs: give a row a graph."
        )
    items = [(graph,) for graph in graphs] if descriptors is None else list(zip(graphs, descriptors))
    batches = GraphDataLoader(items, batch_size=batch_size, generator=torch.Generator())
    return predict_batches(model, task, inputs, batches, device)


def predict_batches(
    model: nn.Module,
    task: Task,
    inputs: Callable[[dgl.DGLGraph], tuple[Any, ...]],
    batches: Iterable[Sequence[Any]],
    device: str | torch.device = "cpu",
) -> Tensor:
    """As :func:`predict`, of batched graphs, each followed by the descriptors of its graphs if there are any."""
    device = torch.device(device)  # which dgl compares with a graph's own
    with evaluating(model), torch.no_grad():
        outputs = []
        for graph, *described in batches:
            graph = graph.to(device)
            outputs.append(model(graph, *inputs(graph), **descriptor_argument(described, device)))
    output = torch.cat(outputs)
    task.check_output(output)
    return task.predict(output).cpu()


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode while the block lasts; then each module is in its own mode again."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def descriptor_argument(described: Sequence[Tensor], device: str | torch.device) -> dict[str, Tensor]:
    """The keyword arguments of a network for what may follow graph and label in a batch: descriptors."""
    return {"descriptors": described[0].to(device)} if described else {}
