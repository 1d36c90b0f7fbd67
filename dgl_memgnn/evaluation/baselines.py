"""What MemGNN is compared with: DGL's readouts on its query network, dgllife's AttentiveFP, a random forest."""

import numpy as np
import torch
from dgl.nn import GlobalAttentionPooling, Set2Set, SumPooling
from scipy.sparse import csr_matrix
from torch import nn

from dgl_memgnn.nn.norm import BatchNorm

__all__ = ["MorganForest", "PooledReadout", "attentive_fp"]


class PooledReadout(nn.Module):
    """One of DGL's readouts, with the projection, batch normalisation and activation of a memory layer

    Parameters
    ----------
    pooling : str
        ``"sum"``, ``"attention"`` or ``"set2set"``.
    feats : int
        Width of the node features and of the output.

    Examples
    --------
    >>> import dgl
    >>> import torch
    >>> graph = dgl.batch([dgl.rand_graph(5, 8), dgl.rand_graph(9, 20)])
    >>> PooledReadout("sum", 16)(graph, torch.randn(14, 16)).shape
    torch.Size([2, 16])
    """

    def __init__(self, pooling, feats):
        super().__init__()
        width = feats
        if pooling == "sum":
            self.pooling = SumPooling()
        elif pooling == "attention":
            self.pooling = GlobalAttentionPooling(nn.Linear(feats, 1))
        elif pooling == "set2set":
            self.pooling, width = Set2Set(feats, n_iters=6, n_layers=1), 2 * feats
        else:
            raise ValueError(f"Unknown pooling {pooling!r}: choose one of sum, attention, set2set.")
        self.projection = nn.Sequential(nn.Linear(width, feats), BatchNorm(feats), nn.LeakyReLU(0.2))

    def forward(self, graph, feat):
        """One row of shape (feats,) a graph."""
        return self.projection(self.pooling(graph, feat))


def attentive_fp(node_feats, edge_feats, hidden_feats, out_feats, num_layers, dropout):
    """dgllife's AttentiveFP, called as MemGNN is."""
    from dgllife.model import AttentiveFPPredictor

    return AttentiveFPPredictor(
        node_feats, edge_feats, num_layers, graph_feat_size=hidden_feats, n_tasks=out_feats, dropout=dropout
    )


class MorganForest:
    """Random forests of 500 trees on Morgan fingerprints (radius 2, 2048 bits), one forest a task

    It is called as a :class:`~dgl_memgnn.training.Trainer` is, and keeps nothing to load later.

    Parameters
    ----------
    task : str
        ``"binary"`` or ``"regression"``.
    seed : int
        Seed of the forests.

    Examples
    --------
    >>> from dgl_memgnn.data import MoleculeDataset
    >>> molecules = MoleculeDataset(["CCO", "CCCO", "CCN", "CCCN"], [1.0, 1.0, 0.0, 0.0])
    >>> forest = MorganForest("binary", seed=0)
    >>> forest.fit(molecules, [0, 2])
    >>> (forest.predict(molecules, [1, 3]) > 0.5).tolist()
    [[True], [False]]
    """

    kept_epoch = None

    def __init__(self, task, seed):
        self.task, self.seed = task, seed

    def fit(self, dataset, train, validation=None, on_epoch=None):
        """Grow each task's forest on the training molecules that have its label; there is nothing to validate."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        kind = RandomForestClassifier if self.task == "binary" else RandomForestRegressor
        bits, labels = _morgan(dataset, train), dataset.labels[train].numpy()
        self.forests = []
        for label in labels.T:
            present = ~np.isnan(label)
            forest = kind(500, max_features="sqrt", random_state=self.seed)
            self.forests.append(forest.fit(bits[present], label[present]))

    def predict(self, dataset, indices):
        """Targets, or probabilities of class 1, of shape (n, T)."""
        bits = _morgan(dataset, indices)
        if self.task == "regression":
            columns = [forest.predict(bits) for forest in self.forests]
        else:
            columns = [forest.predict_proba(bits) @ forest.classes_ for forest in self.forests]
        return torch.from_numpy(np.stack(columns, axis=1)).float()


def _morgan(dataset, indices):
    """Sparse, since one bit in seventy is set: forests grow six times as fast."""
    from rdkit import Chem
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    generator = GetMorganGenerator(radius=2, fpSize=2048)
    return csr_matrix([generator.GetFingerprintAsNumPy(Chem.MolFromSmiles(dataset.smiles[i])) for i in indices])
