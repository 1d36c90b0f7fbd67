"""What MemGNN is compared with: DGL's readouts on its query network, and dgllife's AttentiveFP."""
from dgl.nn import GlobalAttentionPooling, Set2Set, SumPooling
from torch import nn

__all__ = ["PooledReadout", "attentive_fp"]


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
        self.projection = nn.Sequential(nn.Linear(width, feats), nn.BatchNorm1d(feats), nn.LeakyReLU(0.2))

    def forward(self, graph, feat):
        """One row of shape (feats,) a graph."""
        return self.projection(self.pooling(graph, feat))


def attentive_fp(node_feats, edge_feats, hidden_feats, out_feats, num_layers, dropout):
    """dgllife's AttentiveFP, called as MemGNN is."""
    from dgllife.model import AttentiveFPPredictor

    return AttentiveFPPredictor(
        node_feats, edge_feats, num_layers, graph_feat_size=hidden_feats, n_tasks=out_feats, dropout=dropout
    )
