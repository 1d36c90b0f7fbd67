"""Predictions of a trained network."""
import torch
from dgl.dataloading import GraphDataLoader

__all__ = ["predict"]


def predict(model, objective, inputs, graphs, batch_size=128, device="cpu"):
    """Predict for graphs, batch by batch, in evaluation mode and without gradients.

    Parameters
    ----------
    model : torch.nn.Module
        A network called as ``model(graph, *inputs(graph))``.
    objective : torch.nn.Module
        Turns the network's output into predictions.
    inputs : callable
        The model's inputs beside the graph, taken from a batched graph.
    graphs : sequence of DGLGraph
        Graphs; at least one.
    batch_size : int, optional
        Number of graphs in a batch. Default: ``128``.
    device : str or torch.device, optional
        Where the model is. Default: ``"cpu"``.

    Returns
    -------
    torch.Tensor
        Predictions of shape :math:`(n, D_{out})`: class probabilities, probabilities, or targets, on the CPU.
    """
    model.eval()
    with torch.no_grad():
        batches = (graph.to(device) for graph in GraphDataLoader(graphs, batch_size=batch_size))
        outputs = [model(graph, *inputs(graph)) for graph in batches]
    return objective.predict(torch.cat(outputs)).cpu()
