"""Batches that never leave a graph alone."""
import torch

__all__ = ["EvenBatches"]


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
    generator : torch.Generator
        Draws the order.

    Examples
    --------
    >>> import torch
    >>> [len(batch) for batch in EvenBatches(9, 4, torch.Generator())]
    [3, 3, 3]
    """

    def __init__(self, num_graphs, batch_size, generator):
        if min(num_graphs, batch_size) < 2:
            raise ValueError(f"Batch normalisation needs at least two graphs in a batch: there are {num_graphs} "
                             f"training graphs, and the batch size is {batch_size}.")
        self.num_graphs = num_graphs
        self.num_batches = min(-(-num_graphs // batch_size), num_graphs // 2)
        self.generator = generator

    def __len__(self):
        return self.num_batches

    def __iter__(self):
        order = torch.randperm(self.num_graphs, generator=self.generator)
        return (batch.tolist() for batch in order.tensor_split(self.num_batches))
