"""Batch normalisation over everything that a step sees."""

import torch
from dgl import DGLError
from torch import distributed, nn

__all__ = ["BatchNorm", "is_joined"]


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation of the last dimension over all others and, in distributed training, over all processes

    With several processes a step is the same as that of one process on the joint batch. That is
    :class:`torch.nn.SyncBatchNorm`, which needs a GPU, for all devices. Arguments and state are those of
    :class:`torch.nn.BatchNorm1d`.

    Examples
    --------
    >>> import torch
    >>> BatchNorm(3)(torch.randn(4, 5, 3)).shape
    torch.Size([4, 5, 3])
    """

    def forward(self, feat):
        """Normalise features of shape (..., num_features)."""
        rows = feat.flatten(0, -2)
        if self.training and len(rows) == 1 and not is_joined():
            raise DGLError(
                "Batch normalisation cannot train on a single graph: put two or more into a batch, or "
                "call eval() on the model."
            )
        if self.training and is_joined():
            return self._normalize_jointly(rows).view_as(feat)
        return super().forward(rows).view_as(feat)

    def _normalize_jointly(self, rows):
        out, mean, variance, count = _JointNormalization.apply(rows, self.weight, self.bias, self.eps)
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
        return out


class _JointNormalization(torch.autograd.Function):
    """Batch normalisation over all processes, with one message forward and one backward."""

    @staticmethod
    def forward(ctx, rows, weight, bias, eps):
        own_count, own_sum = len(rows), rows.sum(0)
        own_mean = own_sum / max(own_count, 1)
        own_square = (rows - own_mean).square_().sum(0).double() + own_count * own_mean.double().square()
        sums = torch.cat([own_sum.double(), own_square, own_square.new_tensor([own_count])])
        distributed.all_reduce(sums)
        count = sums[-1]
        mean, square = (sums[:-1] / count).chunk(2)
        variance = (square - mean.square()).clamp_min(0)
        scale = (variance + eps).rsqrt().to(rows)
        mean, variance, count = mean.to(rows), variance.to(rows), count.to(rows)
        normal = (rows - mean).mul_(scale)
        ctx.save_for_backward(normal, weight, scale, count)
        ctx.mark_non_differentiable(mean, variance, count)
        return torch.addcmul(bias, normal, weight), mean, variance, count

    @staticmethod
    def backward(ctx, grad, *_):
        normal, weight, scale, count = ctx.saved_tensors
        grad_bias, grad_weight = grad.sum(0), (grad * normal).sum(0)
        joint = torch.cat([grad_bias, grad_weight])
        distributed.all_reduce(joint)
        mean_bias, mean_weight = (joint / count).chunk(2)
        grad_rows = (grad - mean_bias).addcmul_(normal, -mean_weight).mul_(weight * scale)
        return grad_rows, grad_weight, grad_bias, None


def is_joined():
    """Whether this process trains together with others."""
    return distributed.is_available() and distributed.is_initialized()
