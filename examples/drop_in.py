"""An ordinary DGL graph classifier whose readout is a MemoryReadout.

Data are generated: eight kinds of graphs (cycles, stars, wheels, ...) from dgl.data.MiniGCDataset, a
node's feature being its degree. To have the old readout back, swap the two marked lines.
"""

import dgl
import torch
from dgl.data import MiniGCDataset
from dgl.dataloading import GraphDataLoader
from dgl.nn import GraphConv
from torch import nn
from torch.nn import functional as F

from dgl_memgnn import MemoryReadout


class Classifier(nn.Module):
    def __init__(self, in_feats, hidden_feats, num_classes):
        super().__init__()
        self.conv1 = GraphConv(in_feats, hidden_feats)
        self.conv2 = GraphConv(hidden_feats, hidden_feats)
        # self.readout = dgl.nn.AvgPooling()
        self.readout = MemoryReadout(hidden_feats, hidden_feats, num_keys=(8, 1))
        self.classify = nn.Linear(hidden_feats, num_classes)

    def forward(self, graph, feat):
        feat = F.relu(self.conv1(graph, feat))
        feat = F.relu(self.conv2(graph, feat))
        return self.classify(self.readout(graph, feat))


def node_feat(graph):
    return graph.in_degrees().float().log().unsqueeze(1)


torch.manual_seed(0)
dgl.seed(0)
train_set = MiniGCDataset(320, min_num_v=10, max_num_v=20, seed=0)
test_set = MiniGCDataset(80, min_num_v=10, max_num_v=20, seed=1)
model = Classifier(in_feats=1, hidden_feats=64, num_classes=train_set.num_classes)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(1, 41):
    model.train()
    total = 0.0
    for graph, label in GraphDataLoader(train_set, batch_size=32, shuffle=True):
        loss = F.cross_entropy(model(graph, node_feat(graph)), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(label)
    if epoch % 10 == 0:
        print(f"epoch {epoch}: loss {total / len(train_set):.3f}")

model.eval()
with torch.no_grad():
    graph, label = next(iter(GraphDataLoader(test_set, batch_size=len(test_set))))
    accuracy = (model(graph, node_feat(graph)).argmax(1) == label).float().mean()
print(f"test accuracy {accuracy:.3f}")
