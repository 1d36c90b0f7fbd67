"""How much each label weighs in the loss."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from dgl_memgnn.tasks.column import Column
from dgl_memgnn.tasks.task import Task

__all__ = ["label_weights", "read_weights"]


def read_weights(column: Column, dropped: Collection[int] = ()) -> Tensor:
    """The weight of each row out of a column of numbers.

    Parameters
    ----------
    column : Column
        Numbers that are not negative, none missing.
    dropped : collection of int, optional
        Numbers of the rows that will be dropped for what else is missing there, and need no weight: they get 0.
        Default: none.

    Returns
    -------
    Tensor of shape (n,)
        float64.

    Raises
    ------
    ValueError
        If a weight is missing, negative or no number, or none is positive; the message names the first.

    Examples
    --------
    >>> read_weights(Column("weight", ["2", "0.5"], str))
    tensor([2.0000, 0.5000], dtype=torch.float64)
    """
    numbers = column.numbers()
    numbers[[row for row in dropped if column.missing[row]]] = 0
    bad = ~(numbers >= 0)
    if bad.any():
        first = int(bad.argmax())
        raise ValueError(f"{column.culprit(first)} is no weight: each row needs a number that is not negative.")
    if not (numbers > 0).any():
        raise ValueError(f"All weights in the column {column.name!r} are 0: there is nothing to learn from.")
    return torch.from_numpy(numbers)


def label_weights(
    task: Task,
    label: Tensor,
    rows: Tensor | None = None,
    class_balance: bool = False,
    task_weights: Sequence[float] = (),
) -> Tensor | None:
    r"""How much each label weighs in the loss, 1 on average.

    A label's weight is the product of that of its row, that of its target, and, with ``class_balance``,

    .. math::
        \frac{\sum_g w_g}{C \sum_{g: y_{gt} = c} w_g}

    for class :math:`c` of the :math:`C` classes of target :math:`t`, so that the classes of each target weigh the
    same altogether.

    Parameters
    ----------
    task : Task
        What is predicted.
    label : torch.Tensor
        Labels of the training part, of shape :math:`(n, T)` or :math:`(n,)`, NaN where missing.
    rows : torch.Tensor, optional
        Weights of the rows, of shape :math:`(n,)`. Default: all are 1.
    class_balance : bool, optional
        Whether classes weigh the same. Default: ``False``.
    task_weights : sequence of float, optional
        Weights of the targets. Default: all are 1.

    Returns
    -------
    torch.Tensor or None
        Of shape :math:`(n, T)`, 0 where a label is missing; None if nothing is weighted.

    Raises
    ------
    ValueError
        If there are no classes to balance, the number of targets is another, or nothing that has a label weighs.

    Examples
    --------
    >>> from dgl_memgnn.tasks import BinaryTasks
    >>> label_weights(BinaryTasks(["toxic"]), torch.tensor([[1.0], [0.0], [0.0], [0.0]]), class_balance=True)[:2]
    tensor([[2.0000],
            [0.6667]], dtype=torch.float64)
    """
    if rows is None and not class_balance and not task_weights:
        return None
    matrix = task.checked(label, len(label)).reshape(len(label), -1).double()
    present = ~matrix.isnan()
    weights = present * (torch.ones(len(label)) if rows is None else rows).double()[:, None]
    if class_balance:
        if not task.discrete:
            raise ValueError(
                f"Class balance is for classes, not for {task.describe()}: leave out --class-balance."
            )
        for column, own in zip(matrix.T, weights.T):
            _balance(column, own)
    if task_weights:
        if len(task_weights) != matrix.shape[1]:
            raise ValueError(
                f"There are {len(task_weights)} task weights (--task-weights) for {matrix.shape[1]} targets: "
                "give one each."
            )
        weights = weights * weights.new_tensor(task_weights)
    total = weights.sum()
    if total <= 0:
        raise ValueError("The weights of all labels of the training part are 0: there is nothing to learn from.")
    return weights * (present.sum() / total)


def _balance(label: Tensor, weights: Tensor) -> None:
    """Scale the weights of one target's labels so that its classes weigh the same, and as much as before."""
    masks = [label == value for value in label[~label.isnan()].unique()]
    totals = [weights[mask].sum() for mask in masks]
    weighing = [(mask, total) for mask, total in zip(masks, totals) if total > 0]
    share = weights.sum() / max(len(weighing), 1)
    for mask, total in weighing:
        weights[mask] *= share / total
