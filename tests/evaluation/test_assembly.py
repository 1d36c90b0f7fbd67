"""What a configuration stands for."""

import torch

from dgl_memgnn.data import MoleculeDataset
from dgl_memgnn.evaluation.assembly import numeric_tasks

NAN = float("nan")


def test_numeric_tasks():
    def dataset(*columns):
        return MoleculeDataset(["C"] * 6, torch.tensor(columns).T, "memgnn", ["a", "b"])

    assert numeric_tasks(dataset([0, 1, NAN, 1, 1, 0], [0, 1, 0.5, 1, 1, 0])) == ["b"]
    assert numeric_tasks(dataset([0, 1, NAN, 1, 1, 0.0], [1, 1, 0, 0, 0, 0])) == []
