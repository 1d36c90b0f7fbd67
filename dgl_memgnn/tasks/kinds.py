"""The kinds of task there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from dgl_memgnn.tasks.binary import BinaryTasks
from dgl_memgnn.tasks.classes import Classes
from dgl_memgnn.tasks.column import Column
from dgl_memgnn.tasks.mean_variance import MeanVariance
from dgl_memgnn.tasks.regression import Regression
from dgl_memgnn.tasks.task import Task
from dgl_memgnn.wording import list_names

__all__ = ["TASK_TYPES", "make_task", "read_task"]

TASK_TYPES: dict[str, type[Task]] = {
    kind.task_type: kind
    for kind in (  # the first that values suggest is taken, the last if none is
        BinaryTasks,
        Classes,
        MeanVariance,
        Regression,
    )
}


def make_task(task_type: str, arguments: Mapping[str, Any]) -> Task:
    """A task from its type and its :attr:`Task.arguments`.

    Examples
    --------
    >>> make_task("classes", Classes([1, 2]).arguments).classes
    [1, 2]
    """
    return TASK_TYPES[task_type](**arguments)


def read_task(columns: Sequence[Column], task_type: str | None = None) -> tuple[Task, Tensor, str]:
    """The task that columns of values pose.

    Parameters
    ----------
    columns : sequence of Column
        At least one.
    task_type : str, optional
        ``"binary"``, ``"classes"`` or ``"regression"``. Default: the kind of task that the values suggest.

    Returns
    -------
    Task
        The task.
    Tensor of shape (n, T)
        Its labels, float64, NaN where missing.
    str
        What was chosen and why, in a sentence.

    Raises
    ------
    ValueError
        If there is no such kind, or values are none for it; the message names the first.

    Examples
    --------
    >>> task, labels, chosen = read_task([Column("activity", ["low", "high", "low"], str)])
    >>> labels.tolist()
    [[1.0], [0.0], [1.0]]
    >>> chosen
    "Task: classification of 'activity' into 'high', 'low', whose values are words (--tasks, --task-type)."
    """
    if task_type is not None:
        if task_type not in TASK_TYPES:
            raise ValueError(f"Unknown task type {task_type!r}: choose one of {', '.join(TASK_TYPES)}.")
        task, labels = TASK_TYPES[task_type].read(columns)
        return task, labels, f"Task: {task.describe()} (--tasks, --task-type)."
    kind = _suggested(columns)
    task, labels = kind.read(columns)
    chosen = f"Task: {task.describe()}, {kind.suits(columns)} (--tasks, --task-type)."
    hints = [other.hint(columns) for other in TASK_TYPES.values() if other is not kind]
    chosen = " ".join([chosen, *(hint for hint in hints if hint)])
    for other in TASK_TYPES.values():
        names = [column.name for column in columns if _suggested([column]) is other]
        if names and other is not kind:
            chosen += (
                f" Alone, {list_names(names)} would be {other.noun} ({other.task_type}): for that, train it in a "
                "run of its own."
            )
    return task, labels, chosen


def _suggested(columns: Sequence[Column]) -> type[Task]:
    *others, last = TASK_TYPES.values()
    return next((kind for kind in others if kind.suits(columns)), last)
