"""Features of atoms and bonds that are hidden from the network."""

from __future__ import annotations

import math
from typing import Any

import dgl
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from dgl_memgnn.models.head import prediction_head
from dgl_memgnn.objectives.network import View
from dgl_memgnn.objectives.objective import Objective, sample

__all__ = ["FeatureLoss", "Masked"]

_DRAWS = 4096


class Masked(Objective):
    r"""Features of some atoms and of their bonds, from the queries of nodes whose own features are hidden

    In every pass each atom is hidden with probability ``hidden_atoms``, at least one a molecule: the network gets
    zeros in place of its features and of those of its bonds. They are predicted from its query, and from the sum
    of the queries of both ends. Loss: see :class:`FeatureLoss`, mean over the atoms and over the bonds of a
    molecule, and of these two; that of a network that knows nothing is about 1. Held-out molecules always have the
    same atoms hidden.
    """

    name = "masked"
    meaning = "hidden features of atoms and bonds: loss relative to that of their mean"
    modules = ("query",)
    width = 2

    def __init__(self, molecules: Any, train: np.ndarray, options: Any) -> None:
        some = sample(train)
        self._share = options.hidden_atoms
        self._atoms = FeatureLoss(*_distribution(molecules.node_feat, molecules.node_rows(some)))
        self._bonds = FeatureLoss(*_distribution(molecules.edge_feat, molecules.edge_rows(some)))

    def head(self, hidden_feats: int, dropout: float, edge_features: bool) -> nn.Module:
        return MaskedHead(hidden_feats, dropout, self._share, self._atoms, self._bonds if edge_features else None)

    def loss(self, columns: Tensor, numbers: Tensor) -> Tensor:
        return columns[:, 0]

    def score(self, columns: Tensor, numbers: Tensor) -> dict[str, float]:
        loss, right = columns.double().mean(0).tolist()
        return {self.name: loss, "masked_accuracy": right}


class FeatureLoss:
    r"""Loss of predicted features, relative to that of the best prediction that is the same for all

    .. math::
        \mathcal{L} = \frac{\sum_{d} H(x_d, \sigma(o_d)) + \sum_{e} (o_e - x'_e)^2}{\sum_d H(p_d) + E}

    with the cross-entropy :math:`H` of the features :math:`d` that are 0 or 1 in training, which is that of their
    frequencies :math:`p_d` in the denominator, and squared errors of the :math:`E` other features, standardised.
    Features that never differ are left out.

    Parameters
    ----------
    feats : torch.Tensor
        Different rows of features, of shape (K, D).
    weight : torch.Tensor
        How often each occurs, of shape (K,).
    """

    def __init__(self, feats: Tensor, weight: Tensor) -> None:
        feats, share = feats.double(), (weight / weight.sum().clamp_min(1)).double()
        mean = share @ feats
        variance = share @ (feats - mean).square()
        varies = variance > 1e-12
        binary = ((feats == 0) | (feats == 1)).all(0)
        self.binary = (binary & varies).nonzero().flatten()
        self.numeric = (~binary & varies).nonzero().flatten()
        self.mean, self.std = mean[self.numeric].float(), variance[self.numeric].sqrt().float()
        p = mean[self.binary]
        entropy = -(p * p.log() + (1 - p) * (1 - p).log()).sum().item()
        self.scale = entropy + len(self.numeric)
        self.num_feats = len(mean)

    def __call__(self, output: Tensor, feat: Tensor) -> Tensor:
        """The loss of each of some rows, of shape (n,); 0 if no feature differs."""
        mean, std = self.mean.to(output), self.std.to(output)
        cross = binary_cross_entropy_with_logits(output[:, self.binary], feat[:, self.binary], reduction="none")
        squared = (output[:, self.numeric] - (feat[:, self.numeric] - mean) / std).square()
        return (cross.sum(1) + squared.sum(1)) / (self.scale or 1.0)

    def right(self, output: Tensor, feat: Tensor) -> Tensor:
        """Which rows have all their features of 0 or 1 right, as 0 or 1, of shape (n,)."""
        return ((output[:, self.binary] > 0) == (feat[:, self.binary] > 0.5)).all(1).to(output)


class MaskedHead(nn.Module):
    """Hides atoms, and predicts their features

    Parameters
    ----------
    hidden_feats : int
        Width of the queries.
    dropout : float
    share : float
        Probability that an atom is hidden.
    atoms : FeatureLoss
    bonds : FeatureLoss or None
        None if the network does not read the features of bonds.
    """

    def __init__(
        self, hidden_feats: int, dropout: float, share: float, atoms: FeatureLoss, bonds: FeatureLoss | None
    ) -> None:
        super().__init__()
        self.share, self.atom_loss, self.bond_loss = share, atoms, bonds
        self.atoms = prediction_head(hidden_feats, hidden_feats, atoms.num_feats, dropout)
        self.bonds = prediction_head(hidden_feats, hidden_feats, bonds.num_feats, dropout) if bonds else None
        self.draws = torch.rand(_DRAWS, generator=torch.Generator().manual_seed(0))

    def forward(self, view: View) -> Tensor:
        """Loss of each molecule, and the share of its hidden atoms that are right, of shape (B, 2)."""
        graph = view.graph
        graph_of_node = _graph_of(graph.batch_num_nodes())
        hidden = self.hidden(graph, graph_of_node)
        src, dst = (ends.long() for ends in graph.edges())
        of_hidden = hidden[src] | hidden[dst]
        edge_feat = None if view.edge_feat is None else view.edge_feat.masked_fill(of_hidden[:, None], 0)
        query = view.query_of(view.feat.masked_fill(hidden[:, None], 0), edge_feat)
        output, feat, atom_of = self.atoms(query[hidden]), view.feat[hidden], graph_of_node[hidden]
        size = graph.batch_size
        loss, _ = _means(self.atom_loss(output, feat), atom_of, size)
        right, _ = _means(self.atom_loss.right(output, feat), atom_of, size)
        if self.bonds is not None and self.bond_loss is not None and view.edge_feat is not None:
            output = self.bonds(query[src[of_hidden]] + query[dst[of_hidden]])
            bond_of = _graph_of(graph.batch_num_edges())[of_hidden]
            of_bonds, has_bonds = _means(self.bond_loss(output, view.edge_feat[of_hidden]), bond_of, size)
            loss = torch.where(has_bonds, (loss + of_bonds) / 2, loss)
        return torch.stack([loss, right.detach()], dim=1)

    def hidden(self, graph: dgl.DGLGraph, graph_of_node: Tensor) -> Tensor:
        """Which atoms are hidden: drawn anew in training; else those of fixed draws, whatever the batch."""
        sizes = graph.batch_num_nodes()
        if self.training:
            drawn = torch.rand(len(graph_of_node), device=graph_of_node.device)
        else:
            first = sizes.cumsum(0) - sizes
            place = torch.arange(len(graph_of_node), device=graph_of_node.device) - first[graph_of_node]
            drawn = self.draws.to(place.device)[(place + 31 * sizes[graph_of_node]) % _DRAWS]
        lowest = drawn.new_full((graph.batch_size,), math.inf).scatter_reduce(0, graph_of_node, drawn, "amin")
        return (drawn < self.share) | (drawn == lowest[graph_of_node])


def _distribution(feats: Tensor, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """The rows of a table, and how often each is used."""
    return feats, torch.from_numpy(np.bincount(rows, minlength=len(feats))).double()


def _graph_of(sizes: Tensor) -> Tensor:
    """Which graph each node, or edge, is of."""
    return torch.arange(len(sizes), device=sizes.device).repeat_interleave(sizes)


def _means(values: Tensor, group_of: Tensor, num_groups: int) -> tuple[Tensor, Tensor]:
    """Mean of each group, 0 if it is empty, and whether it has members; both of shape (num_groups,)."""
    sums = values.new_zeros(num_groups).index_add(0, group_of, values)
    count = values.new_zeros(num_groups).index_add(0, group_of, torch.ones_like(values))
    return sums / count.clamp_min(1), count > 0
