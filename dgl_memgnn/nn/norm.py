"""Batch normalisation, of the batch of one process or of the joint batch of several."""

from __future__ import annotations

from typing import Any

import torch
from dgl import DGLError
from torch import distributed, nn

from dgl_memgnn.nn.checks import check_tensor
from dgl_memgnn.nn.functional import is_transformed

__all__ = ["BatchNorm", "is_joined", "join_batch_norms"]


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation of rows: :class:`torch.nn.BatchNorm1d` on shape (n, num_features)

    After :func:`join_batch_norms` its statistics in training are those of all processes: what
    :class:`torch.nn.SyncBatchNorm` is on a GPU, for all devices.

    Examples
    --------
    >>> import torch
    >>> BatchNorm(5)(torch.randn(4, 5)).shape
    torch.Size([4, 5])
    """

    joint = False

    def forward(self, feat: torch.Tensor) -> torch.Tensor:
        """Normalise features of shape (n, num_features).

        Raises
        ------
        DGLError
            If the shape is another; in training, if there is one row only, or a transform of :mod:`torch.func`
            keeps the running statistics from being updated.
        """
        check_tensor("BatchNorm", "feat", feat, "n", self.num_features)
        if self.training and self.joint and is_joined():
            return self._normalize_jointly(feat)
        if self.training and len(feat) == 1:
            raise _single_row()
        try:
            return super().forward(feat)
        except RuntimeError as error:
            if self.training and is_transformed():
                raise DGLError(
                    "BatchNorm cannot update its running statistics within this transform of torch.func: call "
                    "eval() on the model, or pass its buffers to torch.func.functional_call beside its parameters."
                ) from error
            raise

    def _normalize_jointly(self, feat: torch.Tensor) -> torch.Tensor:
        if is_transformed():
            raise DGLError(
                "BatchNorm that is joined with other processes has no part in transforms of torch.func: use "
                "torch.autograd.grad, or call join_batch_norms(model, False)."
            )
        rows = feat.float() if feat.dtype in (torch.bfloat16, torch.float16) else feat
        mean, variance, count = _joint_moments(rows)
        if count < 2:
            raise _single_row()
        if self.track_running_stats:
            self._track(mean.detach(), variance.detach() * (count / (count - 1)))
        out = (rows - mean) * (variance + self.eps).rsqrt()
        if self.affine:
            out = torch.addcmul(self.bias, out, self.weight)
        return out.to(feat.dtype)

    def _track(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        assert self.num_batches_tracked is not None
        assert self.running_mean is not None and self.running_var is not None
        self.num_batches_tracked += 1
        share = self.momentum if self.momentum is not None else 1 / self.num_batches_tracked.item()
        self.running_mean.lerp_(mean.to(self.running_mean), share)
        self.running_var.lerp_(variance.to(self.running_var), share)


def join_batch_norms(model: nn.Module, joint: bool = True) -> None:
    """Let each :class:`BatchNorm` of a model normalise by the joint batch of all processes.

    Call it in every process that trains the model, and only there: each waits for the others. A step is then that
    of one process on the joint batch.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    joint : bool, optional
        False undoes it. Default: ``True``.

    Examples
    --------
    >>> from dgl_memgnn import GMN
    >>> model = GMN(in_feats=3, topology_feats=8, hidden_feats=16, out_feats=2)
    >>> join_batch_norms(model)
    >>> model.query.feat_norm.joint
    True
    """
    for module in model.modules():
        if isinstance(module, BatchNorm):
            module.joint = joint


def is_joined() -> bool:
    """Whether this process trains together with others."""
    return distributed.is_available() and distributed.is_initialized()


def _joint_moments(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Mean, variance and number of the rows of all processes, with one message, and one more for the gradient."""
    own_mean = rows.sum(0) / max(len(rows), 1)
    rest = (rows - own_mean).double()  # sums of small numbers keep their digits
    own_sum = rest.sum(0) + len(rows) * own_mean.double()
    own_square = rest.square().sum(0) + own_mean.double() * (own_sum + rest.sum(0))
    sums = torch.cat([own_sum, own_square, own_square.new_tensor([len(rows)])])
    sums = _AllSum.apply(sums)
    count = sums[-1].item()
    mean, square = (sums[:-1] / max(count, 1)).chunk(2)
    variance = (square - mean.square()).clamp_min(0)
    return mean.to(rows), variance.to(rows), count


class _AllSum(torch.autograd.Function):
    """The sum over all processes. So is its gradient, that of the sum of the processes' losses."""

    @staticmethod
    def forward(ctx: Any, own: torch.Tensor) -> torch.Tensor:
        joint = own.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(joint)
        return joint

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        return _AllSum.apply(grad)


def _single_row() -> DGLError:
    return DGLError(
        "Batch normalisation cannot train on a single graph: put two or more into a batch, or call eval() on the "
        "model."
    )
