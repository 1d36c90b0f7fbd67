"""Convolutions of DGL between two memory layers: nodes, the graph between their clusters, the graph as a whole.

Data are generated: eight kinds of graphs from dgl.data.MiniGCDataset, a node's feature being its degree.
"""

import dgl
import torch
from dgl.data import MiniGCDataset
from dgl.dataloading import GraphDataLoader
from dgl.nn import GraphConv
from torch import nn
from torch.nn import functional as F

from dgl_memgnn import MemoryPooling, coarsen


class Hierarchy(nn.Module):
    def __init__(self, in_feats, hidden_feats, num_classes, num_keys=6):
        super().__init__()
        self.fine = GraphConv(in_feats, hidden_feats)
        self.clusters = MemoryPooling(hidden_feats, hidden_feats, num_keys, num_heads=5)
        self.coarse = GraphConv(hidden_feats, hidden_feats, norm="none")
        self.whole = MemoryPooling(hidden_feats, hidden_feats, num_keys=1)
        self.classify = nn.Linear(hidden_feats, num_classes)

    def forward(self, graph, feat):
        feat = F.relu(self.fine(graph, feat))
        clusters, assignment = self.clusters(graph, feat, get_assignment=True)  # (B, K, D), (N, K)
        coarse = coarsen(graph, assignment)  # K nodes a graph, edge weights C^T A C
        weight = coarse.edata["weight"] / dgl.broadcast_edges(coarse, graph.batch_num_edges().clamp_min(1))
        feat = F.relu(self.coarse(coarse, clusters.flatten(0, 1), edge_weight=weight))
        return self.classify(self.whole(coarse, feat).flatten(1))


def node_feat(graph):
    return graph.in_degrees().float().log().unsqueeze(1)


torch.manual_seed(0)
dgl.seed(0)
train_set = MiniGCDataset(320, min_num_v=10, max_num_v=20, seed=0)
test_set = MiniGCDataset(80, min_num_v=10, max_num_v=20, seed=1)
model = Hierarchy(in_feats=1, hidden_feats=64, num_classes=train_set.num_classes)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(1, 41):
    model.train()
    for graph, label in GraphDataLoader(train_set, batch_size=32, shuffle=True):
        loss = F.cross_entropy(model(graph, node_feat(graph)), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        print(f"epoch {epoch}: loss {loss.item():.3f}")

model.eval()
with torch.no_grad():
    graph, label = next(iter(GraphDataLoader(test_set, batch_size=len(test_set))))
    accuracy = (model(graph, node_feat(graph)).argmax(1) == label).float().mean()
print(f"test accuracy {accuracy:.3f}")
