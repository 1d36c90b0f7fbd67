"""GMN and MemGNN with torch_geometric's layers where ours have memory layers and graph attention.

Query network of GMN, skip connections, batch norms, dropout and head are torch's modules, in the order of ours.
"""

import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import GATConv, MemPooling


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


def head(hidden_feats, out_feats, dropout):
    return nn.Sequential(
        nn.Linear(hidden_feats, hidden_feats),
        nn.LeakyReLU(0.2),
        nn.Dropout(dropout),
        nn.Linear(hidden_feats, out_feats),
    )


class GMN(nn.Module):
    def __init__(self, in_feats, topology_feats, hidden_feats, out_feats, num_keys, num_heads, dropout):
        super().__init__()
        self.topology_fc = nn.Linear(topology_feats, hidden_feats)
        self.feat_norm = nn.BatchNorm1d(in_feats)
        self.fusion_fc = nn.Linear(hidden_feats + in_feats, hidden_feats)
        self.feat_drop = nn.Dropout(dropout)
        self.activation = nn.LeakyReLU(0.2)
        self.readout = Readout(hidden_feats, num_keys, num_heads, dropout)
        self.head = head(hidden_feats, out_feats, dropout)

    def forward(self, data):
        embedded = self.activation(self.topology_fc(data.topology))
        fused = self.feat_drop(torch.cat([embedded, self.feat_norm(data.x)], dim=1))
        return self.head(self.readout(self.activation(self.fusion_fc(fused)), data.batch))


class MemGNN(nn.Module):
    def __init__(self, in_feats, edge_feats, hidden_feats, out_feats, num_layers, num_keys, num_heads, dropout):
        super().__init__()
        self.embedding = nn.Linear(in_feats, hidden_feats)
        self.convs = nn.ModuleList(
            GATConv(hidden_feats, hidden_feats // 4, 4, edge_dim=edge_feats, add_self_loops=False, bias=False)
            for _ in range(num_layers)
        )
        self.updates = nn.ModuleList(
            nn.Sequential(nn.BatchNorm1d(hidden_feats), nn.LeakyReLU(0.2), nn.Dropout(dropout))
            for _ in range(num_layers)
        )
        self.readout = Readout(hidden_feats, num_keys, num_heads)
        self.head = head(hidden_feats, out_feats, dropout)

    def forward(self, data):
        feat = self.embedding(data.x)
        for conv, update in zip(self.convs, self.updates):
            feat = feat + update(conv(feat, data.edge_index, data.edge_attr))
        return self.head(self.readout(feat, data.batch))
