"""What all kinds of task have in common."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from dgl_memgnn.tasks.column import Column
from dgl_memgnn.wording import list_names

__all__ = ["Task"]


class Task(nn.Module):
    r"""A kind of task: what labels mean, how a network's output is scored, and what is predicted from it

    Everything that depends on the kind of task is asked of a task, so that a new kind is a subclass in a file of
    its own, listed in :mod:`dgl_memgnn.tasks`. What it learns from training labels travels with ``state_dict()``.

    Parameters
    ----------
    names : sequence of str
        Names of the targets.

    Attributes
    ----------
    task_type : str
        Its name in configurations.
    noun : str
        What it is called in a report.
    metrics : dict
        Its metrics, and the heading of each in a table. The first decides which epoch is best, see
        :meth:`quality`.
    higher_is_better : bool
        Whether the metric that decides grows as predictions improve.
    discrete : bool
        Whether targets are classes, so that a training part without one of them cannot teach it.
    meaning : str
        What its columns of predictions hold, in a sentence.
    """

    task_type: ClassVar[str]
    noun: ClassVar[str]
    metrics: ClassVar[Mapping[str, str]]
    higher_is_better: ClassVar[bool]
    discrete: ClassVar[bool]
    meaning: ClassVar[str]
    spread_meaning: ClassVar[str] = "their standard deviation"  # what _std of several networks is
    needs_gradients: ClassVar[bool] = False  # whether only networks that descend its loss can learn it
    has_intervals: ClassVar[bool] = False  # whether predictions are numbers that an interval can lie around
    column_types: ClassVar[Mapping[str, type]] = {}  # of columns of targets() that a CSV file does not tell

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = list(names)
        for name in self.names:
            if self.names.count(name) > 1:
                raise ValueError(f"Two targets are called {name!r}: give each a name of its own.")

    # From values to labels

    @classmethod
    @abstractmethod
    def suits(cls, columns: Sequence[Column]) -> str | None:
        """Why columns of values suggest this kind of task, as the end of a sentence; None if they do not."""

    @classmethod
    def hint(cls, columns: Sequence[Column]) -> str | None:
        """A sentence that says when columns that suggest another kind of task are for this one; None if never."""
        return None

    @classmethod
    @abstractmethod
    def read(cls, columns: Sequence[Column]) -> tuple[Task, Tensor]:
        """The task that columns of values pose, and their labels of shape (n, T), float64, NaN where missing.

        ValueError if values are none for this kind of task; the message names the first.
        """

    def describe(self) -> str:
        """What is predicted, as part of a sentence."""
        return f"{self.noun} of {list_names(self.names)}"

    @property
    def arguments(self) -> dict[str, Any]:
        """What the class takes to make this task again, as plain values."""
        return {"names": self.names}

    @abstractmethod
    def labels(self, matrix: Tensor) -> Tensor:
        """Labels as a data set keeps them, of a matrix of shape (n, T) as :meth:`read` gives it."""

    def checked(self, label: Tensor, num_graphs: int) -> Tensor:
        """Labels of some graphs in their shape; a single target may come in shape (B,).

        ValueError if shape, type or values are not those of labels of this task.
        """
        if not label.dtype.is_floating_point:
            raise ValueError(
                f"Labels for {self.noun} must be floating-point numbers, got {label.dtype}: call .float()."
            )
        expected = (num_graphs, len(self.names))
        if label.shape == (num_graphs,) and len(self.names) == 1:
            label = label[:, None]
        if label.shape != expected:
            raise ValueError(
                f"Labels for {self.noun} of {len(self.names)} targets must have shape {expected}, a row a graph "
                f"and a column a target, got {tuple(label.shape)}."
            )
        return label

    # Training

    @property
    def num_outputs(self) -> int:
        """Number of outputs a network needs."""
        return len(self.names)

    def fit(self, label: Tensor, weight: Tensor | None = None) -> Task:
        """Learn from training labels what the loss and the link need; returns the task itself.

        A graph of weight 2, of shape (n,), counts as two graphs do.
        """
        return self

    def check_output(self, output: Tensor) -> None:
        """ValueError if a network's output has not the shape (B, num_outputs), which would be broadcast."""
        if output.dim() != 2 or output.shape[1] != self.num_outputs:
            raise ValueError(
                f"The network's output has shape {tuple(output.shape)}, and {self.describe()} needs (B, "
                f"{self.num_outputs}), a row a graph: give the network {self.num_outputs} outputs (out_feats)."
            )

    @abstractmethod
    def forward(self, output: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of outputs of shape (B, num_outputs).

        With weights of the labels, of shape (B, T), it is the sum of the weighted losses over the number of
        labels, see :func:`dgl_memgnn.tasks.label_weights`.
        """

    def counts(self, label: Tensor) -> Tensor:
        """Number of labels of each graph that the loss averages over, of shape (B,)."""
        return (~self.checked(label, len(label)).isnan()).sum(1)

    # Prediction

    @abstractmethod
    def predict(self, output: Tensor) -> Tensor:
        """What outputs of shape (B, num_outputs) mean, in the same shape."""

    def combine(self, predictions: Tensor) -> tuple[Tensor, Tensor | None]:
        """The prediction of several networks, of (networks, n, num_outputs), and their standard deviation.

        The latter is None for one network, and where the prediction holds it.
        """
        mean = predictions.mean(0)
        spread = (predictions - mean).square().mean(0).sqrt() if len(predictions) > 1 else None
        return mean, spread

    def moments(self, predictions: Tensor) -> tuple[Tensor, Tensor | None]:
        """Mean and standard deviation of the targets, of shape (n, T), out of what :meth:`combine` takes.

        The latter is None where nothing tells it.
        """
        return self.combine(predictions)

    @abstractmethod
    def score(self, prediction: Tensor, label: Tensor) -> dict[str, float]:
        """Metrics of predictions; NaN where the labels do not define one."""

    @property
    def deciding(self) -> str:
        """What the first number of :meth:`quality` is called, without its sign."""
        return next(iter(self.metrics))

    def quality(self, scores: Mapping[str, float], prediction: Tensor, label: Tensor) -> tuple[float, ...]:
        """How good predictions are, for the choice of an epoch or a trial: the larger, the better.

        It is the first metric of their scores, with its sign, and then what decides among equal ones.
        """
        first = next(iter(scores.values()))
        return (first if self.higher_is_better else -first,)

    def score_each(self, prediction: Tensor, label: Tensor) -> dict[str, dict[str, float]]:
        """Metrics of each target, if there are several."""
        if len(self.names) == 1:
            return {}
        label = self.checked(label, len(prediction))
        return {
            name: type(self)([name]).score(prediction[:, [i]], label[:, [i]]) for i, name in enumerate(self.names)
        }

    def undefined(self, label: Tensor) -> list[str]:
        """Which metrics of which target some labels do not define, a sentence a target.

        Examples
        --------
        >>> from dgl_memgnn.tasks import BinaryTasks
        >>> BinaryTasks(["toxic"]).undefined(torch.zeros(5))
        ["'toxic' is 0 in all 5 labels: no roc_auc, pr_auc."]
        """
        sentences = []
        matrix = self.checked(label, len(label)).reshape(len(label), -1).double()
        for name, column in zip(self.names, matrix.T):
            present = column[~column.isnan()]
            distinct = present.unique().tolist()
            if len(distinct) > 1:
                continue
            if not distinct:
                sentences.append(f"{name!r} has no label: no {', '.join(self.metrics)}.")
                continue
            alone = self if len(self.names) == 1 else type(self)([name])
            scores = alone.score(alone.perfect(present), present.to(label.dtype))
            lacking = [metric for metric, value in scores.items() if math.isnan(value)]
            if lacking:
                value, count = self.value_name(distinct[0]), len(present)
                labels = f"all {count} labels" if count > 1 else "its only label"
                sentences.append(f"{name!r} is {value} in {labels}: no {', '.join(lacking)}.")
        return sentences

    @property
    def output_names(self) -> list[str]:
        """The columns that hold the outputs in tables of predictions."""
        return self.names

    def columns(self, prediction: np.ndarray, spread: np.ndarray | None = None) -> dict[str, Any]:
        """Columns of a table of predictions of shape (n, num_outputs); NaN where there is none.

        With ``spread``, a standard deviation a prediction, a column ``<name>_std`` follows each.
        """
        table = {}
        for i, name in enumerate(self.output_names):
            table[name] = prediction[:, i]
            if spread is not None:
                table[f"{name}_std"] = spread[:, i]
        return table

    def targets(self, prediction: Tensor, label: Tensor) -> dict[str, dict[str, Any]]:
        """Target and prediction of each of some graphs, target by target, as columns of a table of results."""
        label = self.checked(label, len(prediction))
        return {
            name: {"target": label[:, i].numpy(), "prediction": prediction[:, i].numpy()}
            for i, name in enumerate(self.names)
        }

    def from_targets(self, tables: Mapping[str, Mapping[str, Any] | pd.DataFrame]) -> tuple[Tensor, Tensor]:
        """Predictions and labels from what :meth:`targets` has made of them."""
        prediction, label = (
            torch.stack([torch.from_numpy(np.array(tables[name][what])) for name in self.names], dim=1)
            for what in ("prediction", "target")
        )
        return prediction, label

    def perfect(self, label: Tensor) -> Tensor:
        """The prediction that is right, of shape (n, num_outputs), for labels of one target of shape (n,)."""
        return label[:, None]

    # Uncertainty, told by a part that was not trained on

    def centre_and_scale(self, prediction: Tensor) -> tuple[Tensor, Tensor]:
        """Where intervals of each target lie, and the unit of their width, both of shape (n, T).

        ValueError if the task has no intervals.
        """
        raise ValueError(f"Intervals are for regression, not for {self.describe()} (--interval): see --calibrate.")

    def calibrated(self, known: np.ndarray, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Calibrated probabilities in place of predicted ones, by predictions for known labels.

        ValueError if the task has no probabilities.
        """
        raise ValueError(f"There are no probabilities in {self.describe()} to calibrate: see --interval.")

    @abstractmethod
    def score_uncertainty(
        self, known: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor]
    ) -> dict[str, dict[str, Any]]:
        """Scores of intervals or probabilities of each target, made from predictions for known labels."""

    # What cannot be learned

    def check_learnable(
        self, label: Tensor, parts: Mapping[str, np.ndarray], weights: Tensor | None = None
    ) -> None:
        """Refuse targets that nothing can be learned from, and parts that no epoch can be chosen on.

        Parameters
        ----------
        label : torch.Tensor
            Labels of a whole data set, NaN where missing.
        parts : dict
            Indices of ``"train"`` and, if there is one, ``"validation"``.
        weights : torch.Tensor, optional
            Weight of each row; those of weight 0 are not learned from. Default: 1 each.

        Raises
        ------
        ValueError
            If a target has one value only, there or in the training part, if that lacks a class, or if
            the validation part has nothing that the deciding metric is defined for. The message names the target.
        """
        matrix = label.reshape(len(label), -1).double().numpy()
        learned = np.asarray(parts["train"])
        if weights is not None:
            learned = learned[weights.numpy()[learned] > 0]
        counted = "" if len(learned) == len(parts["train"]) else " with a weight above 0"
        for name, column in zip(self.names, matrix.T):
            everywhere, training = _values(column), _values(column[learned])
            if len(everywhere) == 1:
                raise ValueError(
                    f"The target {name!r} is {self.value_name(everywhere[0])} wherever it is given: there is "
                    "nothing to learn. Leave it out (--tasks), or add molecules with other values."
                )
            lost = np.setdiff1d(everywhere, training)
            if len(training) == 0 or (self.discrete and len(lost)):
                lacks = f"class {self.value_name(lost[0])}" if len(training) else "value"
                raise ValueError(
                    f"The training part has no {lacks} of the target {name!r}{counted}. Split otherwise (--split, "
                    "--seed), give the training part such rows where parts are given, or leave the target out."
                )
            if len(training) == 1 and len(learned) > 1:
                raise ValueError(
                    f"The target {name!r} is {self.value_name(training[0])} in all of the training part{counted}: "
                    "there is nothing to learn. Split otherwise (--split, --seed), or leave the target out."
                )
        if "validation" in parts:
            needed, wanted = self.validates_on
            values = [_values(column) for column in matrix[parts["validation"]].T]
            if not any(len(column) >= needed for column in values):
                raise ValueError(
                    f"No target has {wanted} in the validation part, so no epoch can be chosen. Split otherwise "
                    "(--split, --seed), or add samples."
                )

    validates_on: ClassVar[tuple[int, str]] = (1, "a value")  # distinct values that the metric needs, in words

    def value_name(self, value: float) -> str:
        """How a label is written in messages."""
        return f"{value:.10g}"


def _values(column: np.ndarray) -> np.ndarray:
    return np.unique(column[~np.isnan(column)])
