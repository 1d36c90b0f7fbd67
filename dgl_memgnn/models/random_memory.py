"""Memory layers that assign at random, for comparison."""

from __future__ import annotations

from typing import Any

import dgl
import torch
from dgl.ops import segment_reduce

from dgl_memgnn.nn import MemoryPooling, MemoryReadout
from dgl_memgnn.nn.checks import node_counts

__all__ = ["RandomMemoryReadout", "RandomPooling"]


class RandomPooling(MemoryPooling):
    r"""A memory layer that looks at no key: each forward pass draws assignments anew

    .. math::
        C_{i,j} = \mathrm{softmax}_j(z_{i,j}), \quad z_{i,j} \sim \mathcal{N}(0, 1)

    takes the place of equations 1 and 2. In evaluation every node belongs to all keys alike, as the draws do on
    average. `Rethinking Pooling in Graph Neural Networks <https://arxiv.org/abs/2010.11418>`__ finds that random
    assignments do as well as learned ones.

    Parameters
    ----------
    The same as those of :class:`MemoryPooling`.

    Examples
    --------
    >>> pool = RandomPooling(16, 32, num_keys=4)
    >>> feat, assignment = pool(dgl.rand_graph(5, 8), torch.randn(5, 16), get_assignment=True)
    >>> feat.shape, assignment.shape
    (torch.Size([1, 4, 32]), torch.Size([5, 4]))
    """

    def forward(self, graph: dgl.DGLGraph | None, feat: torch.Tensor, get_assignment: bool = False) -> Any:
        """As :meth:`MemoryPooling.forward`."""
        shape = (*feat.shape[:-1], self.keys.shape[1])
        draws = torch.randn(shape, device=feat.device) if self.training else torch.zeros(shape, device=feat.device)
        assignment = draws.softmax(dim=-1)
        query = self.feat_drop(feat)
        if graph is None:
            value = assignment.transpose(1, 2) @ query
        else:
            sizes = torch.tensor(node_counts("RandomPooling", graph), device=feat.device)
            value = segment_reduce(sizes, assignment[:, :, None] * query[:, None, :])
        out = self.fc(value)
        if self.activation is not None:
            out = self.activation(out)
        return (out, assignment) if get_assignment else out


class RandomMemoryReadout(MemoryReadout):
    """Memory layers of random assignments, down to one row a graph

    Parameters
    ----------
    The same as those of :class:`MemoryReadout`.

    Examples
    --------
    >>> graph = dgl.batch([dgl.rand_graph(5, 8), dgl.rand_graph(9, 20)])
    >>> RandomMemoryReadout(in_feats=16, out_feats=16)(graph, torch.randn(14, 16)).shape
    torch.Size([2, 16])
    """

    layer = RandomPooling
