r"""Equations 1-3, 9 and 10 on plain tensors.

Nodes of a batch lie one graph after the other; ``sizes`` lists the number of nodes of each graph. Only
torch is imported, so everything here runs on any device.

N nodes, B graphs, H heads, K keys, D features.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch.autograd import forward_ad

__all__ = ["clustering_loss", "memory_pooling", "sum_by_assignment", "target_distribution"]

BLOCK_ENTRIES = 2**17  # of scores of some nodes for all keys on a CPU: 512 KiB, which its cache holds
LARGEST_CANCELLATION = 64  # squared norms to squared distance: float32 leaves five digits of the latter
LARGEST_TAU = 1e18  # beyond, Student's t kernel is the normal one to all digits


def memory_pooling(
    query: torch.Tensor,
    keys: torch.Tensor,
    head_weight: torch.Tensor,
    sizes: Sequence[int],
    tau: float = 1.0,
    log_scores: bool = False,
    mean: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Assign queries to keys, and sum them by their assignment (equations 1, 2 and 3).

    .. math::
        C_{i,j}^{(h)} &= \frac{(1 + \|q_i - k_j^{(h)}\|^2 / \tau)^{-\frac{\tau + 1}{2}}}
        {\sum_{j'} (1 + \|q_i - k_{j'}^{(h)}\|^2 / \tau)^{-\frac{\tau + 1}{2}}} && (1)

        C_{i,j} &= \mathrm{softmax}_j \Big( \sum_h \phi_h C_{i,j}^{(h)} \Big) && (2)

        V_g &= \sum_{i \in g} C_i^\top q_i && (3)

    Distances are :math:`\|q\|^2 - 2 q \cdot k + \|k\|^2`, a matrix product, so the memory it takes grows as
    :math:`N H K + N D`. Where these squares cancel, as for queries and keys that lie close together but far from
    the origin, they are taken from the mean of the keys, or in float64 where that does not help. Nothing is
    padded: the read is one product a graph, and a graph without nodes reads zeros. The first gradient is written
    by hand; higher ones, and the transforms of :mod:`torch.func`, take the same formulas through torch, all
    scores at a time.

    Parameters
    ----------
    query : torch.Tensor
        Queries of shape :math:`(N, D)`. Half precision is computed in float32.
    keys : torch.Tensor
        Keys of shape :math:`(H, K, D)`.
    head_weight : torch.Tensor
        Weights :math:`\phi` of the 1x1 convolution over the heads, of shape :math:`(H,)`.
    sizes : list of int
        Number of nodes of each of the B graphs.
    tau : float, optional
        Degrees of freedom of Student's t kernel. Default: ``1.0``, the paper's.
    log_scores : bool, optional
        Whether equation 2 mixes :math:`\log C_{i,j}^{(h)}` in place of :math:`C_{i,j}^{(h)}`. The latter lie
        between 0 and 1, so that all assignments are nearly equal until :math:`\phi` has grown; their logarithms
        tell keys apart from the start. Default: ``False``, the paper's.
    mean : bool, optional
        Whether each value is divided by the number of nodes of its graph. Default: ``False``, the paper's.

    Returns
    -------
    torch.Tensor
        Values :math:`V` of shape :math:`(B, K, D)`, in the precision of the queries.
    torch.Tensor
        Assignment :math:`C` of shape :math:`(N, K)`; each row sums to 1.

    Examples
    --------
    >>> query, keys = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[[2.0], [2.0]]])
    >>> value, assignment = memory_pooling(query, keys, torch.ones(1), [2, 0, 1])
    >>> value.squeeze(2)  # two equal keys: each reads half of the sum
    tensor([[1.5000, 1.5000],
            [0.0000, 0.0000],
            [1.5000, 1.5000]])
    >>> assignment[0]
    tensor([0.5000, 0.5000])
    """
    with torch.autocast(query.device.type, enabled=False):
        arguments = [_at_least_float32(x) for x in (query, keys, head_weight)]
        if keys.shape[1] == 1:
            value, assignment = _sum_pooling(arguments[0], arguments[1], arguments[2], sizes)
        else:
            pool: Any = _plain_memory_pooling if is_transformed() else _MemoryPooling.apply
            value, assignment = pool(*arguments, sizes, min(tau, LARGEST_TAU), log_scores)
        if mean:
            value = _means(value, sizes)
    return value.to(query.dtype), assignment


def sum_by_assignment(
    assignment: torch.Tensor, query: torch.Tensor, sizes: Sequence[int], mean: bool = False
) -> torch.Tensor:
    r"""Sum queries by an assignment that is given (equation 3).

    Parameters
    ----------
    assignment : torch.Tensor
        Assignment of shape :math:`(N, K)`.
    query : torch.Tensor
        Queries of shape :math:`(N, D)`. Half precision is computed in float32.
    sizes : list of int
        Number of nodes of each of the B graphs.
    mean : bool, optional
        See :func:`memory_pooling`. Default: ``False``.

    Returns
    -------
    torch.Tensor
        Values :math:`V` of shape :math:`(B, K, D)`, in the precision of the queries.

    Examples
    --------
    >>> sum_by_assignment(torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([[2.0], [4.0]]), [2])
    tensor([[[4.],
             [2.]]])
    """
    with torch.autocast(query.device.type, enabled=False):
        value = _read(_at_least_float32(assignment).t(), _at_least_float32(query), sizes)
        if mean:
            value = _means(value, sizes)
    return value.to(query.dtype)


def _means(value: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """Sums of shape (B, K, D) over the number of nodes of each graph."""
    return value / value.new_tensor(sizes).clamp_min(1)[:, None, None]


def _sum_pooling(
    query: torch.Tensor, keys: torch.Tensor, head_weight: torch.Tensor, sizes: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """What a single key does: each assignment is 1. All that it does not depend on gets a gradient, which is 0."""
    nothing = 0 * (keys.sum() + head_weight.sum())
    if len(set(sizes)) == 1:
        value = query.view(len(sizes), sizes[0], query.shape[1]).sum(1)
    else:
        graph_ids = torch.repeat_interleave(torch.tensor(sizes, dtype=torch.long, device=query.device))
        value = query.new_zeros(len(sizes), query.shape[1]).index_add(0, graph_ids, query)
    return (value + nothing).unsqueeze(1), query[:, :1].softmax(1) + nothing


class _MemoryPooling(torch.autograd.Function):
    """Scores have the layout (H, K, n): sums over the short K run along the long n.

    They are made in blocks of nodes that stay in the cache from one elementwise step to the next. Kept for
    the gradient are the kernels 1 / (1 + d) of each block. Where tau is not 1 it is d / tau: in 1 + d / tau a
    large tau leaves few digits of d.
    """

    @staticmethod
    def forward(
        ctx: Any,
        query: torch.Tensor,
        keys: torch.Tensor,
        head_weight: torch.Tensor,
        sizes: Sequence[int],
        tau: float,
        log_scores: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        num_heads, num_keys, _ = keys.shape
        assignment = query.new_empty(num_keys, len(query))
        blocks, totals = [], []
        is_bounded = head_weight.abs().sum().item() < 32  # equation 2 mixes values from 0 to 1
        frames = _frames(keys.flatten(0, 1))
        frame = next(frames)
        key_terms = _key_terms(frame, keys, tau)
        for nodes in _blocks(query, num_heads * num_keys):
            ratio, cancelled = _ratios(frame(query[nodes]), key_terms, tau)
            while cancelled and (better := next(frames, None)) is not None:
                frame = better
                key_terms = _key_terms(frame, keys, tau)
                ratio, cancelled = _ratios(frame(query[nodes]), key_terms, tau)
            if frame.precision != query.dtype:  # distances that overflow here are alike
                ratio = ratio.clamp_max_(torch.finfo(query.dtype).max / 8)
            kept = ratio.to(query.dtype).view(num_heads, num_keys, -1)
            kept = kept.reciprocal_() if tau == 1 else kept
            blocks.append(kept)
            if log_scores:
                log_kernel = _log_kernel(kept, tau).view(num_heads, -1)
                logits = torch.mv(log_kernel.t(), head_weight).view(num_keys, -1)
                assignment[:, nodes] = logits.softmax(0)
            else:
                kernel = _kernel(kept, tau)
                totals.append(kernel.sum(1))
                logits = kernel * (head_weight.unsqueeze(1) / math.log(2) / totals[-1]).unsqueeze(1)
                logits = logits[0] if num_heads == 1 else logits.sum(0)
                if not is_bounded:
                    logits -= logits.amax(0)
                power = logits.exp2_()  # of 2: torch takes several times as long for those of e
                torch.div(power, power.sum(0), out=assignment[:, nodes])
        value = _read(assignment, query, sizes)
        ctx.save_for_backward(query, keys, head_weight, assignment, *blocks, *totals)
        ctx.sizes, ctx.tau, ctx.log_scores, ctx.frame = sizes, tau, log_scores, frame
        ctx.set_materialize_grads(False)
        return value, assignment.t()

    @staticmethod
    def backward(ctx: Any, grad_value: torch.Tensor | None, grad_out: torch.Tensor | None) -> Any:
        """Up to the factor -(tau + 1) / tau phi_h, which is applied at the ends, with r = 1 / (1 + d / tau) and
        g the gradient at the softmax of equation 2, the gradient at |q - k|^2 / 2 is r C^(h) (g - sum_j C^(h) g).
        With logarithms it is r g.
        """
        query, keys, head_weight, assignment, *kept = ctx.saved_tensors
        if needs_plain_gradient([grad_value, grad_out]):
            return *_plain_gradients(ctx, (query, keys, head_weight), (grad_value, grad_out)), None, None, None
        dtype, (num_heads, num_keys, _) = query.dtype, keys.shape
        grad_assignment, grad_query = _read_gradients(ctx.sizes, assignment, query, grad_value)
        query, keys = ctx.frame(query), ctx.frame(keys)
        grad_query = grad_query.to(query.dtype)
        factor = -(ctx.tau + 1) / ctx.tau * head_weight.to(query.dtype)
        scaled_keys = (keys * factor.view(-1, 1, 1)).flatten(0, 1)
        if grad_out is not None:
            grad_assignment += grad_out.t()
        grad_head_weight = torch.zeros_like(head_weight)
        grad_by_query = torch.zeros_like(scaled_keys)
        grad_by_key = keys.new_zeros(num_heads * num_keys)
        blocks = _blocks(query, num_heads * num_keys)
        for i, nodes in enumerate(blocks):
            q, c, grad_c = query[nodes], assignment[:, nodes], grad_assignment[:, nodes]
            grad_mixed = (grad_c - (c * grad_c).sum(0)).mul_(c)
            inverse_base = kept[i] if ctx.tau == 1 else (kept[i] + 1).reciprocal_()
            if ctx.log_scores:
                log_kernel = _log_kernel(kept[i], ctx.tau).view(num_heads, -1)
                grad_head_weight += torch.mv(log_kernel, grad_mixed.flatten())
                grad_distance = inverse_base * grad_mixed
            else:
                kernel, total = _kernel(kept[i], ctx.tau), kept[len(blocks) + i].unsqueeze(1)
                grad_distance = kernel * grad_mixed
                expected = grad_distance.sum(1, keepdim=True).div_(total)
                grad_head_weight += expected.sum((1, 2))
                grad_distance.addcmul_(kernel, expected, value=-1).mul_(inverse_base).div_(total)
            grad_distance = grad_distance.to(query.dtype)
            grad_by_own = torch.mv(grad_distance.sum(1).t(), factor)
            grad_distance = grad_distance.flatten(0, 1)
            grad_query[nodes].addcmul_(q, grad_by_own.unsqueeze(1))
            grad_query[nodes].addmm_(grad_distance.t(), scaled_keys, alpha=-1)
            grad_by_query.addmm_(grad_distance, q)
            grad_by_key += grad_distance.sum(1)
        grad_keys = keys * grad_by_key.view(num_heads, num_keys, 1) - grad_by_query.view_as(keys)
        grad_keys = grad_keys * factor.view(-1, 1, 1)
        return grad_query.to(dtype), grad_keys.to(dtype), grad_head_weight, None, None, None


def _plain_gradients(
    ctx: Any, inputs: Sequence[torch.Tensor], grads: Sequence[torch.Tensor | None]
) -> list[torch.Tensor | None]:
    def pool(query: torch.Tensor, keys: torch.Tensor, head_weight: torch.Tensor) -> Sequence[torch.Tensor]:
        return _plain_memory_pooling(query, keys, head_weight, ctx.sizes, ctx.tau, ctx.log_scores)

    return gradients(pool, inputs, grads, ctx.needs_input_grad[:3])


def _plain_memory_pooling(
    query: torch.Tensor,
    keys: torch.Tensor,
    head_weight: torch.Tensor,
    sizes: Sequence[int],
    tau: float,
    log_scores: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """:class:`_MemoryPooling` by operations that torch can differentiate again, batch and transform."""
    num_heads, num_keys, _ = keys.shape
    q, k = query.double(), keys.flatten(0, 1).double()
    distance = k.square().sum(1, keepdim=True) - 2 * k @ q.t() + q.square().sum(1)
    distance = distance - distance.clamp_max(0).detach()  # a rounding error, which has no part in derivatives
    log_kernel = (distance / tau).log1p().view(num_heads, num_keys, -1) * (-(tau + 1) / 2)
    scores = (log_kernel.log_softmax(1) if log_scores else log_kernel.softmax(1)).to(query.dtype)
    assignment = (scores * head_weight.view(-1, 1, 1)).sum(0).softmax(0)
    if len(set(sizes)) == 1:
        value = torch.bmm(*_stacked(len(sizes), assignment, query))
    elif sizes:
        value = torch.stack([c @ q for c, q in zip(assignment.split(sizes, 1), query.split(sizes))])
    else:
        value = query.new_zeros(0, num_keys, query.shape[1])
    return value, assignment.t()


class _Frame(NamedTuple):
    """An origin and a precision, in which distances and their gradients are computed."""

    origin: torch.Tensor | None
    precision: torch.dtype

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return (x if self.origin is None else x - self.origin).to(self.precision)


def _frames(flat_keys: torch.Tensor) -> Iterator[_Frame]:
    """As things are, then two remedies against cancellation: the keys' mean as the origin, then float64."""
    yield _Frame(None, flat_keys.dtype)
    yield _Frame(flat_keys.mean(0), flat_keys.dtype)
    if flat_keys.dtype != torch.float64:
        yield _Frame(None, torch.float64)


class _KeyTerms(NamedTuple):
    """What distances take from the keys of a frame."""

    keys: torch.Tensor  # (HK, D)
    part: torch.Tensor  # |k|^2 / tau, of shape (HK, 1), and the least ratio
    largest: float  # of the parts
    least: float  # of the ratios


def _key_terms(frame: _Frame, keys: torch.Tensor, tau: float) -> _KeyTerms:
    flat_keys = frame(keys).flatten(0, 1)
    least = 1.0 if tau == 1 else 0.0
    part = flat_keys.square().sum(1, keepdim=True) / tau + least
    return _KeyTerms(flat_keys, part, part.amax().item(), least)


def _ratios(query: torch.Tensor, terms: _KeyTerms, tau: float) -> tuple[torch.Tensor, bool]:
    """d / tau, or 1 + d where tau is 1, of shape (HK, n), and whether the squares that make up a distance
    overflow, or cancel beyond the limit. What counts is the logarithm of the kernel, so that the limit depends on
    tau.
    """
    query_part = query.square().sum(1) / tau
    ratio = torch.addmm(terms.part, terms.keys, query.t(), alpha=-2 / tau).add_(query_part)
    smallest = ratio.amin().item()
    if not smallest >= terms.least:
        ratio.clamp_min_(terms.least)
        smallest = terms.least
    limit, rest = LARGEST_CANCELLATION * 2 / (tau + 1), 1 - terms.least
    largest = query_part.amax().item() + terms.largest
    if not math.isfinite(largest):
        return ratio, True
    if limit * (smallest + rest) >= largest:  # quickly seen of most blocks
        return ratio, False
    return ratio, bool((limit * (ratio.amin(0) + rest) < query_part + terms.largest).any())


def _blocks(query: torch.Tensor, num_scores: int) -> list[slice]:
    """Slices of nodes whose scores fit the cache; on a GPU, which is fastest on large tensors, one slice."""
    num_nodes = len(query)
    step = max(1, BLOCK_ENTRIES // num_scores) if query.device.type == "cpu" else max(1, num_nodes)
    return [slice(start, start + step) for start in range(0, num_nodes, step)]


def _kernel(kept: torch.Tensor, tau: float) -> torch.Tensor:
    """Student's t kernel up to a factor that is equal for all keys of a head, of shape (H, K, n)."""
    return kept if tau == 1 else _log_kernel(kept, tau).exp_()


def _log_kernel(kept: torch.Tensor, tau: float) -> torch.Tensor:
    """Its logarithm, up to a term that is equal for all keys of a head."""
    if tau == 1:
        return kept.log()
    nearest = kept.amin(1, keepdim=True)  # far from all keys, kernels underflow that are not relative to its own
    return (kept - nearest).div_(nearest + 1).log1p_().mul_(-(tau + 1) / 2)


def _read(assignment: torch.Tensor, query: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """Equation 3, for an assignment of shape (K, N)."""
    if len(set(sizes)) == 1:
        return torch.bmm(*_stacked(len(sizes), assignment, query))
    if not sizes:
        return query.new_zeros(0, len(assignment), query.shape[1])
    return torch.stack(list(map(torch.mm, assignment.split(sizes, 1), query.split(sizes))))


def _read_gradients(
    sizes: Sequence[int], assignment: torch.Tensor, query: torch.Tensor, grad_value: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of equation 3 at the assignment, of shape (K, N), and at the queries."""
    if grad_value is None:
        return torch.zeros_like(assignment), torch.zeros_like(query)
    if len(set(sizes)) == 1:
        grad_assignment, grad_query = torch.empty_like(assignment), torch.empty_like(query)
        c, q = _stacked(len(sizes), assignment, query)
        grad_c, grad_q = _stacked(len(sizes), grad_assignment, grad_query)
        torch.bmm(grad_value, q.transpose(1, 2), out=grad_c)
        torch.bmm(c.transpose(1, 2), grad_value, out=grad_q)
        return grad_assignment, grad_query
    if not sizes:
        return torch.zeros_like(assignment), torch.zeros_like(query)
    by_graph = grad_value.unbind()
    grad_assignment = torch.cat(list(map(torch.mm, by_graph, query.t().split(sizes, 1))), 1)
    return grad_assignment, torch.cat(list(map(torch.mm, assignment.t().split(sizes), by_graph)))


def _stacked(num_graphs: int, assignment: torch.Tensor, query: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Assignment (B, K, M) and queries (B, M, D) of graphs that all have M nodes."""
    num_keys, num_nodes = assignment.shape
    shape = (num_graphs, num_nodes // num_graphs)
    return assignment.view(num_keys, *shape).transpose(0, 1), query.view(*shape, query.shape[1])


def target_distribution(assignment: torch.Tensor, sizes: Sequence[int], detach: bool = True) -> torch.Tensor:
    r"""The sharpened assignment that clustering steers towards (equation 9).

    .. math::
        P_{i,j} = \frac{C_{i,j}^2 / \sum_{i'} C_{i',j}}{\sum_{j'} C_{i,j'}^2 / \sum_{i'} C_{i',j'}}

    The sums over :math:`i'` run over the nodes of the same graph.

    Parameters
    ----------
    assignment : torch.Tensor
        Assignment of shape :math:`(N, K)`.
    sizes : list of int
        Number of nodes of each of the B graphs.
    detach : bool, optional
        Whether the target is a constant, as in deep embedded clustering: no gradient flows through it. Default:
        ``True``.

    Returns
    -------
    torch.Tensor
        Target of shape :math:`(N, K)`; each row sums to 1.

    Examples
    --------
    >>> target_distribution(torch.tensor([[0.75, 0.25]]), [1])  # a node alone is its own target
    tensor([[0.7500, 0.2500]])
    """
    if detach:
        assignment = assignment.detach()
    graph_ids = torch.repeat_interleave(torch.tensor(sizes, dtype=torch.long, device=assignment.device))
    cluster_sizes = assignment.new_zeros(len(sizes), assignment.shape[1])
    cluster_sizes = cluster_sizes.index_add(0, graph_ids, assignment)
    tiny = torch.finfo(assignment.dtype).tiny
    weight = assignment.square() / cluster_sizes.clamp_min(tiny)[graph_ids]
    return weight / weight.sum(1, keepdim=True)


def clustering_loss(assignment: torch.Tensor, sizes: Sequence[int], detach: bool = True) -> torch.Tensor:
    r"""Kullback-Leibler divergence of the assignment from its target, averaged over graphs (equation 10).

    .. math::
        \mathcal{L}_{KL} = \frac{1}{B} \sum_i \sum_j P_{i,j} \log \frac{P_{i,j}}{C_{i,j}}

    Parameters
    ----------
    assignment : torch.Tensor
        Assignment of shape :math:`(N, K)`.
    sizes : list of int
        Number of nodes of each of the B graphs.
    detach : bool, optional
        See :func:`target_distribution`. Default: ``True``.

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
    target = target_distribution(assignment, sizes, detach)
    tiny = torch.finfo(assignment.dtype).tiny
    divergence = target * target.clamp_min(tiny).log() - target * assignment.clamp_min(tiny).log()
    return divergence.sum() / max(len(sizes), 1)


def is_transformed() -> bool:
    """Whether a transform of :mod:`torch.func` or forward mode is at work. Torch has no public way to ask."""
    return bool(torch._C._are_functorch_transforms_active()) or forward_ad._current_level >= 0


def needs_plain_gradient(grads: Sequence[torch.Tensor | None]) -> bool:
    """Whether the gradient that is being computed will be differentiated, is transformed, or is one of a batch."""
    return torch.is_grad_enabled() or is_transformed() or any(map(_is_batched, grads))


def _is_batched(grad: torch.Tensor | None) -> bool:
    """Whether a gradient stands for several, as with ``vectorize=True``: it has no memory of its own."""
    try:
        return grad is not None and grad.data_ptr() is None
    except RuntimeError:
        return True


def gradients(
    function: Callable[..., Sequence[torch.Tensor]],
    inputs: Sequence[torch.Tensor],
    grads: Sequence[torch.Tensor | None],
    needed: Sequence[bool],
) -> list[torch.Tensor | None]:
    """Gradients at the inputs of a function, by computing it anew; where gradients are recorded, these are too.

    Parameters
    ----------
    function : callable
        Takes the inputs, and returns a sequence of tensors.
    inputs : sequence of torch.Tensor
        Where to differentiate.
    grads : sequence of torch.Tensor or None
        Gradient at each output; None for zero.
    needed : sequence of bool
        Which of the inputs need a gradient; for the others, None is returned.

    Examples
    --------
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> (first,) = gradients(lambda x: [x**3], [x], [torch.tensor(1.0)], [True])
    >>> first.item(), torch.autograd.grad(first, x)[0].item()
    (27.0, 18.0)
    """
    recorded = torch.is_grad_enabled()
    with torch.enable_grad(), torch.autocast(inputs[0].device.type, enabled=False):
        # Views: if an input depends on another, that is not this function's business.
        own = [x.view_as(x) if need else x.detach() for x, need in zip(inputs, needed)]
        outs, outer = zip(*((out, grad) for out, grad in zip(function(*own), grads) if grad is not None))
        wanted = [x for x, need in zip(own, needed) if need]
        found = iter(torch.autograd.grad(outs, wanted, outer, create_graph=recorded, allow_unused=True))
    return [next(found) if need else None for need in needed]


def _at_least_float32(x: torch.Tensor) -> torch.Tensor:
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
