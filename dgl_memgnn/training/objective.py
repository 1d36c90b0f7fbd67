"""What training minimises: a supervised loss per kind of task, and the memory layers' clustering loss."""

import torch
from torch import nn
from torch.nn import functional as F

from dgl_memgnn.nn import clustering_loss

__all__ = ["BinaryTasks", "Classification", "Regression", "memory_clustering_loss"]


class Classification(nn.Module):
    r"""Cross-entropy over the classes of one task

    Examples
    --------
    >>> objective = Classification()
    >>> objective(torch.zeros(4, 2), torch.tensor([0, 1, 1, 0]))
    tensor(0.6931)
    """

    def forward(self, output, label):
        """The loss of outputs of shape (B, C) for labels of shape (B,)."""
        return F.cross_entropy(output, label)

    def counts(self, label):
        """Number of labels of each graph that the loss averages over, of shape (B,)."""
        return torch.ones(len(label))

    def predict(self, output):
        """Class probabilities of shape (B, C)."""
        return output.softmax(dim=1)


class BinaryTasks(nn.Module):
    r"""Binary cross-entropy, averaged over the labels that are there

    Labels are 0, 1, or NaN where missing.

    Examples
    --------
    >>> objective = BinaryTasks()
    >>> objective(torch.zeros(2, 2), torch.tensor([[0.0, 1.0], [float("nan"), 1.0]]))
    tensor(0.6931)
    """

    def forward(self, output, label):
        """The loss of outputs of shape (B, T) for labels of shape (B, T)."""
        present = ~label.isnan()
        loss = F.binary_cross_entropy_with_logits(output, label.nan_to_num(), present.to(output), reduction="sum")
        return loss / present.sum().clamp_min(1)

    def counts(self, label):
        """Number of labels of each graph that the loss averages over, of shape (B,)."""
        return (~label.isnan()).sum(1)

    def predict(self, output):
        """Probabilities of shape (B, T) that the label is 1."""
        return output.sigmoid()


class Regression(nn.Module):
    r"""Squared error on targets standardised task by task, averaged over the targets that are there

    Parameters
    ----------
    mean, std : torch.Tensor
        Of each task's training targets, of shape :math:`(T,)`. They travel with ``state_dict()``.

    Examples
    --------
    >>> objective = Regression.fit(torch.tensor([[1.0], [3.0], [float("nan")]]))
    >>> objective.predict(torch.tensor([[0.0], [1.0]]))  # in the unit of the targets
    tensor([[2.0000],
            [3.4142]])
    """

    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    @classmethod
    def fit(cls, label):
        """Standardise by training labels of shape (n, T) with NaN where missing."""
        present = ~label.isnan()
        count = present.sum(0)
        if (count == 0).any():
            task = int((count == 0).nonzero()[0])
            raise ValueError(
                f"Task {task} has no target among the training molecules. Leave it out, or split otherwise."
            )
        mean = label.nan_to_num().sum(0) / count
        variance = ((label - mean).nan_to_num().square().sum(0)) / (count - 1).clamp_min(1)
        std = variance.sqrt()
        return cls(mean, torch.where(std > 0, std, torch.ones_like(std)))

    def forward(self, output, label):
        """The loss of outputs of shape (B, T) for labels of shape (B, T) in their own unit."""
        present = ~label.isnan()
        error = output - (label.nan_to_num() - self.mean) / self.std
        return (error.square() * present).sum() / present.sum().clamp_min(1)

    def counts(self, label):
        """Number of labels of each graph that the loss averages over, of shape (B,)."""
        return (~label.isnan()).sum(1)

    def predict(self, output):
        """Targets of shape (B, T) in their own unit."""
        return output * self.std + self.mean


def memory_clustering_loss(graph, assignments):
    r"""Clustering loss, summed over the memory layers with more than one key (equation 10).

    Parameters
    ----------
    graph : DGLGraph
        The batch of graphs that went into the network.
    assignments : list of torch.Tensor
        What the network returned with ``get_assignments=True``.

    Returns
    -------
    torch.Tensor
        A scalar, in nats per graph.
    """
    graphs = [graph] + [None] * (len(assignments) - 1)
    return sum(clustering_loss(g, c) for g, c in zip(graphs, assignments) if c.shape[-1] > 1)
