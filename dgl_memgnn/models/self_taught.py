"""Base of models that learn by themselves, in place of steps along a gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

__all__ = ["SelfTaught"]


class SelfTaught(nn.Module):
    """A model with ``fit`` and ``predict`` as a :class:`~dgl_memgnn.training.Trainer` has them

    What it learns is kept in buffers, so that ``state_dict()`` holds it.

    Parameters
    ----------
    task : Task
        What is predicted.
    seed : int
        Seed of what is random.
    """

    kept_epoch = None

    def __init__(self, task: Any, seed: int) -> None:
        super().__init__()
        self.task, self.seed = task, seed
        self.history: list[dict[str, Any]] = []

    @property
    def evaluated(self) -> SelfTaught:
        """What is kept: the model itself."""
        return self

    def fit(
        self,
        dataset: Any,
        train: Sequence[int],
        validation: Sequence[int] | None = None,
        on_epoch: Callable[..., None] | None = None,
        weights: Tensor | None = None,
    ) -> list[dict[str, Any]]:
        """Learn from the training samples; there are no epochs, and the history stays empty."""
        raise NotImplementedError

    def predict(self, dataset: Any, indices: Iterable[int] | None = None) -> Tensor:
        """Predictions of the task, of shape (n, num_outputs)."""
        raise NotImplementedError

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Take what a state holds, whatever its size."""
        for name, value in state_dict.items():
            if "." not in name:  # not one of the task
                self.register_buffer(name, value)
        return super().load_state_dict(state_dict, *args, **kwargs)
