"""One label of several classes."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from dgl_memgnn.tasks.calibration import cooled, score_probabilities, temperature
from dgl_memgnn.tasks.column import Column
from dgl_memgnn.tasks.metrics import score_classes
from dgl_memgnn.tasks.task import Task
from dgl_memgnn.wording import list_names

__all__ = ["Classes"]

_FEW = 10  # whole numbers that may be meant as classes


class Classes(Task):
    r"""Classification into one of several classes: cross-entropy

    .. math::
        \mathcal{L}_{sup} = - \frac{1}{B} \sum_g \log \mathrm{softmax}_c(o_{gc}) \big|_{c = y_g}

    Parameters
    ----------
    classes : sequence of int or str
        The classes, as the source of the data calls them. Label :math:`c` stands for ``classes[c]``.
    name : str, optional
        Name of the label. Default: ``"class"``.

    Examples
    --------
    >>> task = Classes(["active", "inactive"])
    >>> task(torch.zeros(4, 2), torch.tensor([0, 1, 1, 0]))
    tensor(0.6931)
    >>> list(task.columns(np.array([[0.9, 0.1]])))
    ['class', 'class_active', 'class_inactive']
    """

    task_type = "classes"
    noun = "classification"
    metrics = {
        "accuracy": "accuracy",
        "f1": "F1 score, mean over classes",
        "roc_auc": "ROC-AUC of each class against the rest, mean over classes",
    }
    higher_is_better = True
    discrete = True
    column_types = {"target": str, "prediction": str}  # classes may be called TRUE, 01 or 1e3
    meaning = "The column of the label holds the most probable class, the others the probability of each class."

    def __init__(self, classes: Sequence[int | str], name: str = "class") -> None:
        super().__init__([name])
        self.classes = list(classes)

    @classmethod
    def suits(cls, columns: Sequence[Column]) -> str | None:
        if len(columns) != 1 or columns[0].missing.all():
            return None
        words = columns[0].text[~columns[0].missing]
        if np.isnan(columns[0].parsed).all() and all(
            word[0].isalpha() for word in words
        ):  # none like 0,61 or >100
            return "whose values are words"
        if columns[0].is_numeric and columns[0].distinct().tolist() == [-1, 1]:
            return "whose values are all -1 or 1"
        return None

    @classmethod
    def hint(cls, columns: Sequence[Column]) -> str | None:
        if len(columns) != 1 or not columns[0].is_numeric:
            return None
        values = columns[0].distinct()
        if len(values) > _FEW or len(values) < 3 or (values != np.round(values)).any():
            return None
        listed = ", ".join(f"{value:g}" for value in values)
        return f"If its values, {listed}, are classes, say so (--task-type {cls.task_type})."

    @classmethod
    def read(cls, columns: Sequence[Column]) -> tuple[Classes, Tensor]:
        if len(columns) != 1:
            names = ", ".join(repr(column.name) for column in columns)
            raise ValueError(
                f"Classes are those of one column, got {len(columns)}: {names}. Train each in a run of its own."
            )
        (column,) = columns
        if column.is_numeric:
            labels = _whole_numbers(column)
        else:
            labels = np.where(column.missing, np.array(None), column.text)
            _check_spelling(column)
            _say_missing(column)
        classes = sorted({label for label in labels if label is not None})
        position = {label: float(i) for i, label in enumerate(classes)}
        matrix = [[position.get(label, np.nan)] for label in labels]
        return cls(classes, column.name), torch.tensor(matrix, dtype=torch.float64)

    def describe(self) -> str:
        return f"{super().describe()} into {list_names(self.classes)}"

    @property
    def arguments(self) -> dict[str, Any]:
        return {"classes": self.classes, "name": self.names[0]}

    def check_learnable(
        self, label: Tensor, parts: Mapping[str, np.ndarray], weights: Tensor | None = None
    ) -> None:
        super().check_learnable(label, parts, weights)
        absent = set(range(len(self.classes))) - set(label.tolist())
        if absent:
            raise ValueError(
                f"Only dropped rows have class {self.value_name(min(absent))!r} of the target {self.names[0]!r}: "
                "mend their SMILES, or remove them from the file."
            )

    def labels(self, matrix: Tensor) -> Tensor:
        return matrix[:, 0].long()

    def checked(self, label: Tensor, num_graphs: int) -> Tensor:
        if label.dtype.is_floating_point or label.dtype == torch.bool:
            raise ValueError(f"Labels for {self.noun} into classes must be integers, got {label.dtype}.")
        if label.shape == (num_graphs, 1):
            label = label[:, 0]
        if label.shape != (num_graphs,):
            raise ValueError(
                f"Labels for {self.noun} into classes must have shape ({num_graphs},), a class a graph, got "
                f"{tuple(label.shape)}."
            )
        if len(label) and not (0 <= label.min() and label.max() < len(self.classes)):
            raise ValueError(
                f"Labels of {len(self.classes)} classes must be between 0 and {len(self.classes) - 1}, got "
                f"{label.min().item()} to {label.max().item()}."
            )
        return label.long()

    @property
    def num_outputs(self) -> int:
        return len(self.classes)

    def forward(self, output: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of outputs of shape (B, C) for labels of shape (B,)."""
        self.check_output(output)
        label = self.checked(label, len(output))
        if weight is None:
            return F.cross_entropy(output, label)
        losses = F.cross_entropy(output, label, reduction="none")
        return (losses * weight[:, 0].to(losses)).mean()

    def counts(self, label: Tensor) -> Tensor:
        return torch.ones(len(label))

    def predict(self, output: Tensor) -> Tensor:
        """Class probabilities of shape (B, C)."""
        return output.softmax(dim=1)

    def calibrated(self, known: np.ndarray, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Probabilities at another temperature, the one of the least log loss.

        Where the known labels are of one class they stay, with a warning.
        """
        if len(np.unique(label)) < 2:
            warnings.warn(
                f"Probabilities of {self.names[0]!r} are not calibrated, since the validation part has one of its "
                "classes alone: train with another one (--split, --split-sizes, --validation-seed).",
                stacklevel=2,
            )
            return prediction
        with np.errstate(divide="ignore"):
            return cooled(np.log(prediction), temperature(known, label))

    def score_uncertainty(
        self, known: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor]
    ) -> dict[str, dict[str, Any]]:
        """Calibration error and log loss of probabilities as they are and calibrated."""
        prediction, label = held_out[0].double().numpy(), held_out[1].numpy()
        before = score_probabilities(prediction, label)
        after = dict.fromkeys(before)
        if len(known[1].unique()) > 1:
            calibrated = self.calibrated(known[0].double().numpy(), known[1].numpy(), prediction)
            after = score_probabilities(calibrated, label)
        return {self.names[0]: {**before, **{f"{key}_calibrated": value for key, value in after.items()}}}

    def score(self, prediction: Tensor, label: Tensor) -> dict[str, float]:
        """Accuracy, F1 and ROC-AUC, see :func:`dgl_memgnn.tasks.score_classes`."""
        return score_classes(prediction, self.checked(label, len(prediction)))

    def quality(self, scores: Mapping[str, float], prediction: Tensor, label: Tensor) -> tuple[float, ...]:
        """Accuracy, then ROC-AUC: where one class is rare, the accuracy is that of the other for many epochs."""
        return (scores["accuracy"], 0.0 if math.isnan(scores["roc_auc"]) else scores["roc_auc"])

    @property
    def output_names(self) -> list[str]:
        return [f"{self.names[0]}_{each}" for each in self.classes]

    def columns(self, prediction: np.ndarray, spread: np.ndarray | None = None) -> dict[str, Any]:
        """The most probable class, empty where there is no prediction, then the probability of each class."""
        return {self.names[0]: self._most_probable(prediction), **super().columns(prediction, spread)}

    def targets(self, prediction: Tensor, label: Tensor) -> dict[str, dict[str, Any]]:
        label = self.checked(label, len(prediction))
        probabilities = prediction.numpy()
        table = {
            "target": [self.classes[i] for i in label.tolist()],
            "prediction": self._most_probable(probabilities),
            **super().columns(probabilities),
        }
        return {self.names[0]: table}

    def from_targets(self, tables: Mapping[str, Mapping[str, Any] | pd.DataFrame]) -> tuple[Tensor, Tensor]:
        (table,) = tables.values()
        position = {str(each): i for i, each in enumerate(self.classes)}
        prediction = torch.stack([torch.from_numpy(np.array(table[name])) for name in self.output_names], dim=1)
        return prediction, torch.tensor([position[str(target)] for target in table["target"]])

    def perfect(self, label: Tensor) -> Tensor:
        return F.one_hot(label.long(), len(self.classes)).to(torch.float32)

    def value_name(self, value: float) -> str:
        return str(self.classes[int(value)])

    def _most_probable(self, probabilities: np.ndarray) -> list[int | str]:
        known = ~np.isnan(probabilities).any(axis=1)
        best = np.where(np.isnan(probabilities), -1, probabilities).argmax(axis=1)
        return [self.classes[i] if there else "" for i, there in zip(best.tolist(), known)]


def _whole_numbers(column: Column) -> np.ndarray:
    """Labels as int, None where missing; ValueError if one has a fraction."""
    numbers = column.numbers()
    fraction = ~np.isnan(numbers) & (numbers != np.round(numbers))
    if fraction.any():
        raise ValueError(
            f"{column.culprit(int(fraction.argmax()))} is not a class: classes are whole numbers or words. Train "
            "with --task-type regression to predict numbers."
        )
    return np.array([None if np.isnan(value) else int(value) for value in numbers], dtype=object)


def _say_missing(column: Column) -> None:
    """Warn of words that stand for no value: among classes, one of them may be meant as such."""
    words = Counter(
        text
        for text, value, missing in zip(column.text, column.values, column.missing)
        if missing and text and isinstance(value, str)
    )
    for word, count in words.items():
        warnings.warn(
            f"{count} of {len(column.text)} values of {column.name!r} say {word!r}, which is read as no value: "
            "rename it if it is a class.",
            stacklevel=2,
        )


def _check_spelling(column: Column) -> None:
    """Refuse words that differ in case only: they are hardly meant to be two classes."""
    first: dict[str, int] = {}
    for i, word in enumerate(column.text):
        known = first.setdefault(word.lower(), i)
        if not column.missing[i] and column.text[known] != word:
            raise ValueError(
                f"{column.culprit(i)} and {column.text[known]!r} above it differ in case only: spell both alike "
                "if they are one class, or else rename one."
            )
