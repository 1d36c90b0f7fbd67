"""dgllife's MPNNPredictor with its readout replaced, in a plain loop that takes the paper's alternating schedule.

Five lines are added to the loop, marked with +; the two marked with - are what they stand in for. Data are rdkit's
own set of 1017 activities, the featurizers dgllife's.
"""

import torch
from dgl.dataloading import GraphDataLoader
from dgllife.model import MPNNPredictor
from torch.nn import functional as F

from dgl_memgnn import MemoryReadout
from dgl_memgnn.data import FreeWilson, random_split
from dgl_memgnn.training import AlternatingSchedule, clustering_losses  # +


def inputs(graph):
    return graph, graph.ndata["feat"], graph.edata["feat"]


torch.manual_seed(0)
molecules = FreeWilson()
train, validation, test = random_split(len(molecules))
mean, std = molecules.labels[train].mean(), molecules.labels[train].std()

model = MPNNPredictor(
    molecules.node_feats,
    molecules.edge_feats,
    node_out_feats=32,
    edge_hidden_feats=16,
    num_step_message_passing=3,
)
model.readout = MemoryReadout(32, 64, num_keys=(8, 1))  # where Set2Set stood, as wide as that
# optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)  # -
schedule = AlternatingSchedule(model, learning_rate=1e-3, period=5)  # +

loader = GraphDataLoader(molecules[train], batch_size=32, shuffle=True)
for epoch in range(1, 31):
    model.train()
    for graph, label in loader:
        loss = F.mse_loss(model(*inputs(graph)), ((label - mean) / std).float())
        # optimizer.zero_grad(), loss.backward(), optimizer.step()  # -
        schedule.supervised_step(loss)  # +
    if schedule.clusters_after(epoch):  # +
        schedule.clustering_step(clustering_losses(model, (inputs(g) for g, _ in loader), len(train)))  # +

model.eval()
with torch.no_grad():
    graph, label = next(iter(GraphDataLoader(molecules[test], batch_size=len(test))))
    error = model(*inputs(graph)) * std + mean - label
print(f"test RMSE {error.square().mean().sqrt():.3f}")
