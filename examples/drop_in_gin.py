"""A graph isomorphism network in DGL's style, a readout after every layer, whose SumPooling is a MemoryReadout.

Data are generated: eight kinds of graphs from dgl.data.MiniGCDataset, a node's feature being its degree. To have
the old readouts back, swap the line that is commented out and the one below it.
"""

import dgl
import torch
from dgl.data import MiniGCDataset
from dgl.dataloading import GraphDataLoader
from dgl.nn import GINConv, SumPooling  # noqa: F401
from torch import nn
from torch.nn import functional as F

from dgl_memgnn import MemoryReadout


def perceptron(in_feats, out_feats):
    return nn.Sequential(nn.Linear(in_feats, out_feats), nn.ReLU(), nn.Linear(out_feats, out_feats))


class GIN(nn.Module):
    def __init__(self, in_feats, hidden_feats, num_classes, num_layers=3):
        super().__init__()
        widths = [in_feats] + [hidden_feats] * num_layers
        self.convs = nn.ModuleList(
            GINConv(
                nn.Sequential(nn.Linear(width, hidden_feats), nn.ReLU(), nn.Linear(hidden_feats, hidden_feats))
            )
            for width in widths[:-1]
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden_feats) for _ in self.convs)
        # self.readouts = nn.ModuleList(SumPooling() for _ in widths)
        self.readouts = nn.ModuleList(MemoryReadout(width, width, num_keys=(8, 1)) for width in widths)
        self.heads = nn.ModuleList(nn.Linear(width, num_classes) for width in widths)

    def forward(self, graph, feat):
        layers = [feat]
        for conv, norm in zip(self.convs, self.norms):
            layers.append(F.relu(norm(conv(graph, layers[-1]))))
        return sum(head(readout(graph, h)) for head, readout, h in zip(self.heads, self.readouts, layers))


def node_feat(graph):
    return graph.in_degrees().float().log().unsqueeze(1)


torch.manual_seed(0)
dgl.seed(0)
train_set = MiniGCDataset(320, min_num_v=10, max_num_v=20, seed=0)
test_set = MiniGCDataset(80, min_num_v=10, max_num_v=20, seed=1)
model = GIN(in_feats=1, hidden_feats=32, num_classes=train_set.num_classes)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(1, 31):
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
