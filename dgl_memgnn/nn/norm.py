"""Batch normalisation over everything that a step sees."""
import torch
from dgl import DGLError
from torch import distributed, nn

__all__ = ["BatchNorm"]


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
        if self.training and len(rows) == 1 and not _is_joined():
            raise DGLError("Batch normalisation cannot train on a single graph: put two or more into a batch, or "
                           "call eval() on the model.")
        if self.training and _is_joined():
            return self._normalize_jointly(rows).view_as(feat)
        return super().forward(rows).view_as(feat)

    def _normalize_jointly(self, rows):
        sums = _AllSum.apply(torch.cat([rows.sum(0), rows.new_tensor([len(rows)])]))
        mean, count = sums[:-1] / sums[-1], sums[-1].item()
        variance = _AllSum.apply((rows - mean).square().sum(0)) / count
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        return (rows - mean) * (variance + self.eps).rsqrt() * self.weight + self.bias


def _is_joined():
    return distributed.is_available() and distributed.is_initialized()


class _AllSum(torch.autograd.Function):
    """The sum of a tensor over all processes; their gradients are summed likewise."""

    @staticmethod
    def forward(ctx, tensor):
        total = tensor.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad):
        return _AllSum.apply(grad)
