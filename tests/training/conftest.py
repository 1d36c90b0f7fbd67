import dgl
import pytest
import torch

from dgl_memgnn import GMN
from dgl_memgnn.tasks import Classes
from dgl_memgnn.training import Trainer, TrainingConfig


def inputs(graph):
    return graph.ndata["feat"], graph.ndata["topology"]


@pytest.fixture(scope="session")
def dataset():
    """Stars and cycles of 4 to 9 nodes, told apart by their degrees."""
    items = []
    for n in list(range(4, 10)) * 2:
        ring = torch.arange(n)
        for label, ends in enumerate([(ring, (ring + 1) % n), (torch.zeros(n - 1).long(), ring[1:])]):
            graph = dgl.to_bidirected(dgl.graph(ends))
            graph.ndata["feat"] = torch.ones(n, 1)
            graph.ndata["topology"] = graph.in_degrees().float().unsqueeze(1)
            items.append((graph, torch.tensor(label)))
    return items


@pytest.fixture
def make_trainer():
    def make(seed=0, **options):
        torch.manual_seed(seed)
        model = GMN(1, 1, 8, 2, num_keys=(4, 1), num_heads=2, dropout=0.1)
        config = TrainingConfig(**{"epochs": 6, "batch_size": 8, "clustering_period": 2, "seed": seed, **options})
        return Trainer(model, Classes(["star", "cycle"]), inputs, config, progress=False)

    return make
