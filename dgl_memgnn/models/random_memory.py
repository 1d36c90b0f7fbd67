"""Memory layers that assign at random, for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from dgl_memgnn.nn import MemoryPooling, MemoryReadout
from dgl_memgnn.nn import functional as F

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
    >>> import dgl
    >>> pool = RandomPooling(16, 32, num_keys=4)
    >>> feat, assignment = pool(dgl.rand_graph(5, 8), torch.randn(5, 16), get_assignment=True)
    >>> feat.shape, assignment.shape
    (torch.Size([1, 4, 32]), torch.Size([5, 4]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.keys.requires_grad_(False)  # which processes that share a training would wait for
        self.head_weight.requires_grad_(False)

    def _pool(self, query: torch.Tensor, sizes: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        precision = torch.promote_types(query.dtype, torch.float32)
        draws = query.new_zeros(len(query), self.keys.shape[1], dtype=precision)
        assignment = (draws.normal_() if self.training else draws).softmax(dim=1)
        return F.sum_by_assignment(assignment, query, sizes, self.mean), assignment


class RandomMemoryReadout(MemoryReadout):
    """Memory layers of random assignments, down to one row a graph

    Parameters
    ----------
    The same as those of :class:`MemoryReadout`.

    Examples
    --------
    >>> import dgl
    >>> graph = dgl.batch([dgl.rand_graph(5, 8), dgl.rand_graph(9, 20)])
    >>> RandomMemoryReadout(in_feats=16, out_feats=16)(graph, torch.randn(14, 16)).shape
    torch.Size([2, 16])
    """

    layer = RandomPooling
