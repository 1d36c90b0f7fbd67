"""The settings of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Optional

from dgl_memgnn.options import Options, option
from dgl_memgnn.training.batching import num_batches

__all__ = ["TrainingConfig"]

FEWEST_EPOCHS, FEWEST_STEPS = 60, 1500  # of a training that is given no number of epochs


@dataclass
class TrainingConfig(Options):
    """How a network is trained: the section ``training`` of a configuration

    These are the settings of a :class:`~dgl_memgnn.training.Trainer`.
    Each is an option of the command line as well, whose help says what it means.

    Raises
    ------
    ValueError
        If a value has the wrong type or is out of range; the message names it.

    Examples
    --------
    >>> TrainingConfig(epochs=60, decay="cosine").batch_size
    32
    >>> TrainingConfig(decay="linear")
    Traceback (most recent call last):
    ...
    ValueError: training.decay must be one of halving, cosine, got 'linear'.
    """

    section: ClassVar[str] = "training"

    epochs: Optional[int] = option(
        100,
        f"largest number of epochs; none, as own CSV files of measurements have it: {FEWEST_EPOCHS}, or as many "
        f"as make {FEWEST_STEPS} batches where no weights are started from",
        low=1,
    )
    batch_size: int = option(32, "number of graphs in a batch, at most; of an epoch's, sizes differ by one", low=2)
    learning_rate: float = option(1e-3, "learning rate of Adam", low=1e-8, high=1.0)
    pretrained_learning_rate: Optional[float] = option(
        None,
        "learning rate of what was pre-trained; default: learning_rate",
        low=0.0,
        high=1.0,
    )
    decay: str = option(
        "halving",
        "how the learning rate falls: halving (the paper's), or cosine to 0 after the last epoch",
        choices=("halving", "cosine"),
    )
    halve_every: int = option(500, "epochs after which the learning rate halves; 500 is the paper's", low=1)
    weight_average: float = option(
        0.0,
        "decay, a step, of the moving average of the weights that is validated and kept; after t steps at most "
        "(1 + t) / (10 + t); 0 for none",
        low=0.0,
        high=0.99999,
    )
    weight_decay: float = option(0.0, "weight decay of Adam", low=0.0, high=1.0)
    clustering_period: int = option(5, "epochs from one clustering step to the next; 0 for none", low=0)
    supervised_keys: bool = option(
        False, "whether supervised steps move the keys as well, which the paper's do not"
    )
    clustering_weight: float = option(
        0.0,
        "weight of the clustering loss in every supervised step (lambda of equation 11), in place of clustering "
        "steps; 0, the paper's, for steps that take turns",
        low=0.0,
        high=1.0,
    )
    detach_target: bool = option(
        True, "whether the target of the clustering loss (equation 9) is a constant, or gradients flow through it"
    )
    initial_keys: str = option(
        "random",
        "how keys begin: random, or kmeans, the centres of the initial queries of the training graphs",
        choices=("random", "kmeans"),
    )
    clip_norm: float = option(2.0, "largest norm of a gradient", low=1e-8)
    keep: str = option(
        "best",
        "which epoch's network is kept: the best on validation, or the last, which is meant for cosine decay and "
        "a validation part too small or too different to choose on",
        choices=("best", "last"),
    )
    patience: int = option(
        200, "epochs without improvement after which training stops, unless the last is kept", low=1
    )
    class_balance: bool = option(
        False, "whether the classes of each target weigh the same in the loss, however many samples each has"
    )
    task_weights: list[float] = option([], "weight of each target in the loss; default: 1 each", low=0.0)
    device: str = option("cpu", "where to compute", choices=("cpu", "cuda"))
    seed: int = option(
        0, "seed of the weights, the order of the graphs, and a random split", low=0, high=2**32 - 1
    )

    def num_epochs(self, num_graphs: int) -> int:
        """Largest number of epochs of a training on some graphs.

        It is ``epochs`` or, where that is None, 60, or as many as make 1500 batches.

        Parameters
        ----------
        num_graphs : int
            Number of training graphs.

        Returns
        -------
        int

        Raises
        ------
        ValueError
            If ``epochs`` is None, and a batch would have a single graph.

        Examples
        --------
        >>> config = TrainingConfig(epochs=None, batch_size=32)
        >>> config.num_epochs(100), config.num_epochs(1000)
        (375, 60)
        """
        if self.epochs is not None:
            return self.epochs
        return max(FEWEST_EPOCHS, -(-FEWEST_STEPS // num_batches(num_graphs, self.batch_size)))
