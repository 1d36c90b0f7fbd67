"""What all objectives of pre-training have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn

__all__ = ["Objective", "sample"]

SAMPLE = 50_000  # training molecules that means and deviations are taken from, at most


class Objective(ABC):
    """Something to learn from molecules without labels

    It has a head, a module that turns a batch into some columns, a row a molecule, and a loss of these columns.
    A new one is a subclass in a file of its own, listed in ``dgl_memgnn.objectives.kinds``.

    Parameters
    ----------
    molecules : MoleculeStore
        All molecules.
    train : ndarray
        Numbers of those to learn from; means and deviations are theirs.
    options : object
        The section ``pretraining`` of a configuration.

    Attributes
    ----------
    name : str
        Its name in configurations.
    meaning : str
        What is learned, and what its score is, in a sentence.
    modules : tuple of str
        Which modules of the network its gradient trains.
    joins : bool
        Whether it is nothing by itself, but only beside an objective that trains the readout.
    takes_descriptors : bool
        Whether molecules need descriptors.
    width : int
        Number of columns.
    """

    name: ClassVar[str]
    meaning: ClassVar[str]
    modules: ClassVar[tuple[str, ...]]
    joins: ClassVar[bool] = False
    takes_descriptors: ClassVar[bool] = False
    width: int

    @abstractmethod
    def __init__(self, molecules: Any, train: np.ndarray, options: Any) -> None:
        """Take what the loss needs from the training molecules."""

    @abstractmethod
    def head(self, hidden_feats: int, dropout: float, edge_features: bool) -> nn.Module:
        """A module called with a :class:`View` of a batch that returns columns of shape (B, width)."""

    @abstractmethod
    def loss(self, columns: Tensor, numbers: Tensor) -> Tensor | None:
        """The loss of each molecule, of shape (B,); None if its loss is none of a batch."""

    @abstractmethod
    def score(self, columns: Tensor, numbers: Tensor) -> dict[str, float]:
        """Scores of held-out molecules; the first has the objective's name."""


def sample(train: np.ndarray) -> np.ndarray:
    """Some of the training molecules, always the same."""
    if len(train) <= SAMPLE:
        return train
    return np.sort(np.random.default_rng(0).choice(train, SAMPLE, replace=False))
