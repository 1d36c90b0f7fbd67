"""
Pool a batched graph in five minutes
====================================

A memory layer turns graphs of any size into a fixed number of rows. This page puts one on a batch of graphs, reads
which node went where, and trains it.
"""

# %%
# A batch of graphs, with features of their nodes
# -----------------------------------------------
#
# Three graphs of 6, 12 and 20 nodes: a cycle, a star and a grid. A node's features are its degree and
# the inverse of its root.

import dgl
import matplotlib.pyplot as plt
import networkx as nx
import torch

from dgl_memgnn import MemoryPooling, MemoryReadout, clustering_loss, coarsen

torch.manual_seed(0)
drawn = [nx.cycle_graph(6), nx.star_graph(11), nx.grid_2d_graph(4, 5)]
graph = dgl.batch([dgl.from_networkx(each) for each in drawn])
feat = torch.stack([graph.in_degrees().float(), graph.in_degrees().float().rsqrt()], dim=1)
print(graph.batch_num_nodes().tolist(), "nodes,", feat.shape[1], "features")

# %%
# One memory layer
# ----------------
#
# Four keys: four rows a graph. ``log_scores`` lets keys differ from the start; without it a layer begins as a sum.

pool = MemoryPooling(in_feats=2, out_feats=16, num_keys=4, num_heads=2, log_scores=True)
clusters, assignment = pool(graph, feat, get_assignment=True)
print("a row a key of each graph:", tuple(clusters.shape))
print("each node's share of each key:", tuple(assignment.shape))
print("shares of a node sum to", assignment.sum(dim=1)[0].item())

# %%
# Whatever stands in the same batch, a graph's result is its own:

alone = pool(dgl.unbatch(graph)[1], feat[6:18])
print("largest difference:", (alone - clusters[1:2]).abs().max().item())

# %%
# Which node went where
# ---------------------
#
# The colour of a node is the key that has most of it. Nodes that no feature tells apart go to the same key.


def draw(assignment, title):
    figure, axes = plt.subplots(1, 3, figsize=(9, 3))
    for ax, each, share in zip(axes, drawn, assignment.split(graph.batch_num_nodes().tolist())):
        nx.draw(
            each,
            nx.kamada_kawai_layout(each),
            ax,
            node_color=share.argmax(dim=1).tolist(),
            cmap="viridis",
            vmin=0,
            vmax=3,
            node_size=120,
            edge_color="grey",
        )
    figure.suptitle(title)


draw(assignment, "Before training")

# %%
# Sharper clusters
# ----------------
#
# The clustering loss needs no labels. It moves queries towards the keys that they are near to, and levels keys.

optimizer = torch.optim.Adam(pool.parameters(), lr=0.05)
for step in range(101):
    _, assignment = pool(graph, feat, get_assignment=True)
    loss = clustering_loss(graph, assignment)
    if step % 25 == 0:
        print(
            f"step {step}: {loss.item():.3f} nats a graph, largest share {assignment.max(dim=1).values.mean():.2f}"
        )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

draw(assignment.detach(), "After 100 steps")

# %%
# The graph between the clusters
# ------------------------------
#
# ``coarsen`` makes a graph of four nodes of each, whose edges weigh what went between the clusters.

coarse = coarsen(graph, assignment.detach())
print(coarse.batch_num_nodes().tolist(), "nodes")
print("weights of the star:")
print(dgl.unbatch(coarse)[1].edata["weight"].view(4, 4).round(decimals=1))

# %%
# One row a graph
# ---------------
#
# Memory layers on each other, the last with one key, make a readout: it stands where ``dgl.nn.SumPooling`` stood.

readout = MemoryReadout(in_feats=2, out_feats=16, num_keys=(4, 1))
print(tuple(readout(graph, feat).shape))
