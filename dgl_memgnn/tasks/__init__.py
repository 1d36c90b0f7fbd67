"""Kinds of task: regression, binary targets, classes."""

from dgl_memgnn.tasks.binary import BinaryTasks
from dgl_memgnn.tasks.classes import Classes
from dgl_memgnn.tasks.column import Column
from dgl_memgnn.tasks.intervals import conformal_quantile, score_intervals
from dgl_memgnn.tasks.kinds import TASK_TYPES, make_task, read_task
from dgl_memgnn.tasks.mean_variance import MeanVariance
from dgl_memgnn.tasks.metrics import score_binary, score_classes, score_regression
from dgl_memgnn.tasks.regression import Regression
from dgl_memgnn.tasks.task import Task
from dgl_memgnn.tasks.weights import label_weights, read_weights

__all__ = [
    "BinaryTasks",
    "Classes",
    "Column",
    "MeanVariance",
    "Regression",
    "TASK_TYPES",
    "Task",
    "conformal_quantile",
    "label_weights",
    "make_task",
    "read_task",
    "read_weights",
    "score_binary",
    "score_classes",
    "score_intervals",
    "score_regression",
]
