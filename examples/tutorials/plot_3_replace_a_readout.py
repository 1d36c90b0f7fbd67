"""
Replace the readout of an existing model
========================================

An ordinary DGL classifier has its sum over the nodes replaced by a memory readout, and then takes the paper's
schedule, in which the keys learn from a loss of their own.
"""

# %%
# The model
# ---------
#
# Two convolutions, a readout, a linear layer. The readout is an argument, so that both can be compared: nothing
# else differs.

import dgl
import matplotlib.pyplot as plt
import torch
from dgl.data import MiniGCDataset
from dgl.dataloading import GraphDataLoader
from dgl.nn import GraphConv, SumPooling
from torch import nn
from torch.nn import functional as F

from dgl_memgnn import MemoryReadout
from dgl_memgnn.training import AlternatingSchedule, clustering_losses


class Classifier(nn.Module):
    def __init__(self, readout, in_feats=1, hidden_feats=32, num_classes=8):
        super().__init__()
        self.conv1 = GraphConv(in_feats, hidden_feats)
        self.conv2 = GraphConv(hidden_feats, hidden_feats)
        self.readout = readout
        self.classify = nn.Linear(hidden_feats, num_classes)

    def forward(self, graph, feat):
        feat = F.relu(self.conv1(graph, feat))
        feat = F.relu(self.conv2(graph, feat))
        return self.classify(self.readout(graph, feat))


# %%
# Eight kinds of graphs
# ---------------------
#
# ``MiniGCDataset`` of DGL draws cycles, stars, wheels and so on. A node's feature is the logarithm of its degree.


def inputs(graph):
    return graph, graph.in_degrees().float().log().unsqueeze(1)


train_set = MiniGCDataset(160, min_num_v=10, max_num_v=20, seed=0)
test_set = MiniGCDataset(80, min_num_v=10, max_num_v=20, seed=1)


def accuracy(model):
    graph, label = next(iter(GraphDataLoader(test_set, batch_size=len(test_set))))
    with torch.no_grad():
        return (model(*inputs(graph)).argmax(dim=1) == label).float().mean().item()


# %%
# The sum, and the memory readout in its place
# --------------------------------------------
#
# Both train with the same loop. ``SumPooling()`` becomes ``MemoryReadout(32, 32, num_keys=(8, 1))``: that is all.

EPOCHS = 40


def train(readout):
    torch.manual_seed(0)
    dgl.seed(0)
    model = Classifier(readout)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    curve = []
    for _ in range(EPOCHS):
        for graph, label in GraphDataLoader(train_set, batch_size=32, shuffle=True):
            loss = F.cross_entropy(model(*inputs(graph)), label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        curve.append(accuracy(model))
    return curve


curves = {
    "SumPooling": train(SumPooling()),
    "MemoryReadout": train(MemoryReadout(32, 32, num_keys=(8, 1))),
}

# %%
# The paper's schedule
# --------------------
#
# ``AlternatingSchedule`` takes the place of the optimiser: supervised steps leave the keys alone, and after every
# fifth epoch the clustering loss of all training graphs moves keys and everything else.

torch.manual_seed(0)
dgl.seed(0)
model = Classifier(MemoryReadout(32, 32, num_keys=(8, 1)))
schedule = AlternatingSchedule(model, learning_rate=1e-2, period=5)
loader = GraphDataLoader(train_set, batch_size=32, shuffle=True)
curves["MemoryReadout, schedule"] = []
for epoch in range(1, EPOCHS + 1):
    for graph, label in loader:
        schedule.supervised_step(F.cross_entropy(model(*inputs(graph)), label))
    if schedule.clusters_after(epoch):
        batches = (inputs(graph) for graph, _ in loader)
        schedule.clustering_step(clustering_losses(model, batches, len(train_set)))
    curves["MemoryReadout, schedule"].append(accuracy(model))

# %% At this learning rate the curves are uneven, and clustering steps add to it. One run each on eighty test
# graphs is a picture, not a comparison; those, with seeds and intervals, stand under
# :doc:`/results`.

figure, ax = plt.subplots(figsize=(7, 3.5))
for name, curve in curves.items():
    ax.plot(range(1, EPOCHS + 1), curve, label=f"{name}: {curve[-1]:.2f}")
ax.set(xlabel="epoch", ylabel="test accuracy", ylim=(0, 1.02))
ax.legend()
figure.tight_layout()
