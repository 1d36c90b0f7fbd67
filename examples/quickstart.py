"""MemGNN on the 1017 molecules with measured activity that come with rdkit: train, test, predict."""

import torch

from dgl_memgnn import MemGNN
from dgl_memgnn.data import FreeWilson, random_split, smiles_to_graph
from dgl_memgnn.training import Trainer, TrainingConfig, predict

SEED = 0
NEW = ["Cc1cnc(NS(=O)(=O)c2ccc(Oc3ccccc3)c(c2)C#N)s1", "OC(=O)c1ccccc1", "CCO"]

molecules = FreeWilson(featurizer="attentivefp")
train, validation, test = random_split(len(molecules), seed=SEED)

torch.manual_seed(SEED)
model = MemGNN(
    in_feats=molecules.node_feats,
    edge_feats=molecules.edge_feats,
    hidden_feats=128,
    out_feats=1,
    num_layers=3,
    num_keys=(32, 1),
    num_heads=5,
    dropout=0.1,
)
trainer = Trainer(
    model,
    molecules.task,
    inputs=lambda graph: (graph.ndata["feat"], graph.edata["feat"]),
    config=TrainingConfig(epochs=60, seed=SEED),
)
trainer.fit(molecules, train, validation)

labels = molecules.labels
mean = labels[train].mean().expand(len(test), 1)
print(f"test RMSE, predicting the mean: {molecules.task.score(mean, labels[test])['rmse']:.3f}")
print(f"test RMSE, MemGNN: {trainer.score(molecules, test)['rmse']:.3f}")

graphs = [smiles_to_graph(smiles, "attentivefp") for smiles in NEW]
for smiles, activity in zip(NEW, predict(model, trainer.task, trainer.inputs, graphs)):
    print(f"predicted activity {activity.item():.2f}: {smiles}")
