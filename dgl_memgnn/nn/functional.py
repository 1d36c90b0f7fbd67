r"""Equations 1-3, 9 and 10 on plain tensors.

Nodes of a batch lie one graph after the other; ``sizes`` lists the number of nodes of each graph. Only
torch is imported, so everything here runs on any device.

N nodes, B graphs, H heads, K keys, D features.
"""
import torch
from torch.autograd.function import once_differentiable

__all__ = [
    "clustering_loss",
    "memory_assignment",
    "memory_read",
    "memory_scores",
    "target_distribution",
]


def memory_scores(query, keys, tau=1.0):
    r"""Similarity of each query to each key, head by head (equation 1).

    .. math::
        C_{i,j}^{(h)} = \frac{(1 + \|q_i - k_j^{(h)}\|^2 / \tau)^{-\frac{\tau + 1}{2}}}
        {\sum_{j'} (1 + \|q_i - k_{j'}^{(h)}\|^2 / \tau)^{-\frac{\tau + 1}{2}}}

    The distances come from one matrix product, :math:`\|q\|^2 - 2 q \cdot k + \|k\|^2`, and the kernel is
    normalised in log space, so no (N, H, K, D) tensor is built and nothing underflows far from the keys.
    Half-precision input is computed, and returned, in float32.

    Parameters
    ----------
    query : torch.Tensor
        Queries of shape :math:`(N, D)`.
    keys : torch.Tensor
        Keys of shape :math:`(H, K, D)`.
    tau : float, optional
        Degrees of freedom of Student's t kernel. Default: ``1.0``, the paper's.

    Returns
    -------
    torch.Tensor
        Scores of shape :math:`(N, H, K)`; each row sums to 1 over the keys.

    Examples
    --------
    >>> scores = memory_scores(torch.tensor([[0.0]]), torch.tensor([[[0.0], [1.0]]]))
    >>> scores  # kernel values 1 and 1/2
    tensor([[[0.6667, 0.3333]]])
    """
    num_heads, num_keys, _ = keys.shape
    with torch.autocast(query.device.type, enabled=False):
        query, keys = _at_least_float32(query), _at_least_float32(keys).flatten(0, 1)
        squares = query.square().sum(1, keepdim=True) + keys.square().sum(1)
        distance = torch.addmm(squares, query, keys.t(), alpha=-2).clamp_min(0)
        log_kernel = torch.log1p(distance / tau) * (-(tau + 1) / 2)
        return torch.softmax(log_kernel.view(-1, num_heads, num_keys), dim=2)


def memory_assignment(query, keys, head_weight, tau=1.0):
    r"""Soft assignment of each query to the keys (equations 1 and 2).

    .. math::
        C_{i,j} = \mathrm{softmax}_j \Big( \sum_h \phi_h C_{i,j}^{(h)} \Big)

    Parameters
    ----------
    query : torch.Tensor
        Queries of shape :math:`(N, D)`.
    keys : torch.Tensor
        Keys of shape :math:`(H, K, D)`.
    head_weight : torch.Tensor
        Weights :math:`\phi` of the 1x1 convolution over the heads, of shape :math:`(H,)`.
    tau : float, optional
        Degrees of freedom of Student's t kernel. Default: ``1.0``.

    Returns
    -------
    torch.Tensor
        Assignment of shape :math:`(N, K)`; each row sums to 1.

    Examples
    --------
    >>> query, keys = torch.zeros(3, 4), torch.zeros(2, 5, 4)
    >>> memory_assignment(query, keys, torch.ones(2))[0]
    tensor([0.2000, 0.2000, 0.2000, 0.2000, 0.2000])
    """
    scores = memory_scores(query, keys, tau)
    return torch.softmax(torch.einsum("nhk,h->nk", scores, head_weight.to(scores.dtype)), dim=1)


def memory_read(assignment, query, sizes):
    r"""Sum of each graph's queries, weighted by their assignment (equation 3).

    .. math::
        V_g = \sum_{i \in g} C_i^\top q_i

    One product a graph, without padding: a batch of many small graphs and a large one costs what its nodes
    cost. A graph without nodes gives zeros.

    Parameters
    ----------
    assignment : torch.Tensor
        Assignment of shape :math:`(N, K)`.
    query : torch.Tensor
        Queries of shape :math:`(N, D)`.
    sizes : list of int
        Number of nodes of each of the B graphs.

    Returns
    -------
    torch.Tensor
        Values of shape :math:`(B, K, D)`.

    Examples
    --------
    >>> memory_read(torch.ones(3, 1), torch.tensor([[1.0], [2.0], [3.0]]), [2, 0, 1])
    tensor([[[3.]],
    <BLANKLINE>
            [[0.]],
    <BLANKLINE>
            [[3.]]])
    """
    return _RaggedRead.apply(assignment.to(query.dtype), query, sizes)


class _RaggedRead(torch.autograd.Function):
    @staticmethod
    def forward(ctx, assignment, query, sizes):
        ctx.save_for_backward(assignment, query)
        ctx.sizes = sizes
        value = query.new_empty(len(sizes), assignment.shape[1], query.shape[1])
        for c, q, v in zip(assignment.split(sizes), query.split(sizes), value):
            torch.mm(c.t(), q, out=v)
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_value):
        assignment, query = ctx.saved_tensors
        grad_assignment, grad_query = torch.empty_like(assignment), torch.empty_like(query)
        for grad, q, out in zip(grad_value, query.split(ctx.sizes), grad_assignment.split(ctx.sizes)):
            torch.mm(q, grad.t(), out=out)
        for grad, c, out in zip(grad_value, assignment.split(ctx.sizes), grad_query.split(ctx.sizes)):
            torch.mm(c, grad, out=out)
        return grad_assignment, grad_query, None


def target_distribution(assignment, sizes):
    r"""The sharpened assignment that clustering steers towards (equation 9).

    .. math::
        P_{i,j} = \frac{C_{i,j}^2 / \sum_{i'} C_{i',j}}{\sum_{j'} C_{i,j'}^2 / \sum_{i'} C_{i',j'}}

    The sums over :math:`i'` run over the nodes of the same graph. As in deep embedded clustering, the target
    is a constant: no gradient flows through it.

    Parameters
    ----------
    assignment : torch.Tensor
        Assignment of shape :math:`(N, K)`.
    sizes : list of int
        Number of nodes of each of the B graphs.

    Returns
    -------
    torch.Tensor
        Target of shape :math:`(N, K)`; each row sums to 1.

    Examples
    --------
    >>> target_distribution(torch.tensor([[0.75, 0.25]]), [1])  # a node alone is its own target
    tensor([[0.7500, 0.2500]])
    """
    assignment = assignment.detach()
    graph_ids = torch.repeat_interleave(torch.tensor(sizes, dtype=torch.long, device=assignment.device))
    cluster_sizes = assignment.new_zeros(len(sizes), assignment.shape[1])
    cluster_sizes.index_add_(0, graph_ids, assignment)
    tiny = torch.finfo(assignment.dtype).tiny
    weight = assignment.square() / cluster_sizes.clamp_min(tiny)[graph_ids]
    return weight / weight.sum(1, keepdim=True)


def clustering_loss(assignment, sizes):
    r"""Kullback-Leibler divergence of the assignment from its target, averaged over graphs (equation 10).

    .. math::
        \mathcal{L}_{KL} = \frac{1}{B} \sum_i \sum_j P_{i,j} \log \frac{P_{i,j}}{C_{i,j}}

    Parameters
    ----------
    assignment : torch.Tensor
        Assignment of shape :math:`(N, K)`.
    sizes : list of int
        Number of nodes of each of the B graphs.

    Returns
    -------
    torch.Tensor
        A scalar, in nats per graph.

    Examples
    --------
    >>> clustering_loss(torch.full((3, 2), 0.5), [3])  # nothing to sharpen
    tensor(0.)
    """
    assignment = _at_least_float32(assignment)
    target = target_distribution(assignment, sizes)
    tiny = torch.finfo(assignment.dtype).tiny
    divergence = torch.xlogy(target, target) - target * assignment.clamp_min(tiny).log()
    return divergence.sum() / max(len(sizes), 1)


def _at_least_float32(x):
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
