"""GMN and MemGNN with torch_geometric's layers where ours have memory layers and graph attention.

Query network of GMN, skip connections, batch norms, dropout and head are the same modules as ours.
"""

import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import GATConv, MemPooling

from dgl_memgnn.models.head import prediction_head
from dgl_memgnn.nn import ConvQuery, TopologyQuery


def to_data(graph, label):
    """A DGLGraph and its label as torch_geometric has them."""
    return Data(
        x=graph.ndata["feat"],
        topology=graph.ndata.get("topology"),
        edge_index=torch.stack(graph.edges()),
        edge_attr=graph.edata.get("feat"),
        y=label.unsqueeze(0),
    )


class Readout(nn.Module):
    def __init__(self, feats, num_keys, num_heads, dropout=0.0):
        super().__init__()
        self.layers = nn.ModuleList(MemPooling(feats, feats, num_heads, keys) for keys in num_keys)
        self.norms = nn.ModuleList(nn.BatchNorm1d(feats) for _ in num_keys)
        self.feat_drop = nn.Dropout(dropout)
        self.activation = nn.LeakyReLU(0.2)

    def forward(self, feat, batch):
        for layer, norm in zip(self.layers, self.norms):
            feat, _ = layer(self.feat_drop(feat), batch)
            feat = self.activation(norm(feat.flatten(0, 1)).view_as(feat))
            batch = None  # from here on, each graph has as many rows as the layer before had keys
        return feat.squeeze(1)


class GMN(nn.Module):
    def __init__(self, in_feats, topology_feats, hidden_feats, out_feats, num_keys, num_heads, dropout):
        super().__init__()
        self.query = TopologyQuery(in_feats, topology_feats, hidden_feats, dropout)
        self.readout = Readout(hidden_feats, num_keys, num_heads, dropout)
        self.head = prediction_head(hidden_feats, hidden_feats, out_feats, dropout)

    def forward(self, data):
        return self.head(self.readout(self.query(data.x, data.topology), data.batch))


class MemGNN(nn.Module):
    def __init__(self, in_feats, edge_feats, hidden_feats, out_feats, num_layers, num_keys, num_heads, dropout):
        super().__init__()

        def conv(in_feats, out_feats):
            return Attention(
                in_feats, out_feats // 4, heads=4, edge_dim=edge_feats, add_self_loops=False, bias=False
            )

        self.query = ConvQuery(in_feats, edge_feats, hidden_feats, num_layers, conv, dropout)
        self.readout = Readout(hidden_feats, num_keys, num_heads)
        self.head = prediction_head(hidden_feats, hidden_feats, out_feats, dropout)

    def forward(self, data):
        feat = self.query.embedding(data.x)
        for conv, update in zip(self.query.convs, self.query.updates):
            feat = update(conv(data.edge_index, feat, data.edge_attr).flatten(1), feat)
        return self.head(self.readout(feat, data.batch))


class Attention(nn.Module):
    """GATConv with the edge index first, where DGL's layers have the graph."""

    def __init__(self, *args, **kwargs):
        super().__init__()
        self.conv = GATConv(*args, **kwargs)

    def forward(self, edge_index, feat, edge_feat):
        return self.conv(feat, edge_index, edge_feat)
