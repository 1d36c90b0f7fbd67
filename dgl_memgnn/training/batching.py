"""Batches that never leave a graph alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

__all__ = ["EvenBatches", "num_batches"]


class EvenBatches:
    """Shuffled batches whose sizes differ by one at most

    A last batch of a single graph would have no variance to normalise by, and a small one would weigh its
    graphs more than the others.

    Parameters
    ----------
    num_graphs : int
        Number of graphs.
    batch_size : int
        Largest size of a batch; exceeded by one where a graph would be left alone.
    seed : int
        Seed of the orders.
    rank, num_processes : int, optional
        Each of several processes gets its share of every batch. Default: all of it.

    Examples
    --------
    >>> [len(batch) for batch in EvenBatches(9, batch_size=4, seed=0)]
    [3, 3, 3]
    """

    def __init__(self, num_graphs: int, batch_size: int, seed: int, rank: int = 0, num_processes: int = 1) -> None:
        self.num_graphs = num_graphs
        self.num_batches = num_batches(num_graphs, batch_size)
        if num_graphs // self.num_batches < num_processes:
            raise ValueError(
                f"{num_processes} processes cannot share batches of {num_graphs // self.num_batches} "
                "graphs. Use fewer processes or a larger batch size."
            )
        self.seed = seed
        self.epoch = 1
        self.rank, self.num_processes = rank, num_processes

    def __len__(self) -> int:
        return self.num_batches

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next, counted from 1. Each has an order of its own."""
        self.epoch = epoch

    def whole(self) -> tuple[Tensor, ...]:
        """Batches of this epoch as all processes share them, each a tensor of indices."""
        generator = torch.Generator().manual_seed(epoch_seed(self.seed, self.epoch))
        return torch.randperm(self.num_graphs, generator=generator).tensor_split(self.num_batches)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.whole():
            yield self.share(batch).tolist()

    def share(self, batch: Tensor) -> Tensor:
        """This process's share of a whole batch."""
        return batch.tensor_split(self.num_processes)[self.rank]


def num_batches(num_graphs: int, batch_size: int) -> int:
    """Number of batches that graphs are put into; ValueError if one would have a single graph."""
    if min(num_graphs, batch_size) < 2:
        raise ValueError(
            f"Batch normalisation needs at least two graphs in a batch: there are {num_graphs} "
            f"training graphs, and the batch size is {batch_size}."
        )
    return min(-(-num_graphs // batch_size), num_graphs // 2)


def epoch_seed(*numbers: int) -> int:
    """A seed that stands for a seed, an epoch and so on: equal for equal numbers, else unrelated."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
