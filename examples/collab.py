"""GMN or MemGNN on COLLAB: ten outer folds, mean test accuracy.

The epoch is chosen on an inner validation part of each fold, and the test part is scored once. This is one run a
fold; `dgl-memgnn benchmark collab_gmn --protocol fair` makes three, of 30 epochs each.
"""

import argparse

import torch

from dgl_memgnn import GMN, MemGNN
from dgl_memgnn.data import TUDataset, fair_folds
from dgl_memgnn.training import Trainer, TrainingConfig
from dgl_memgnn.transforms import RandomWalkWithRestart

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", choices=("gmn", "memgnn"), default="gmn")
parser.add_argument("--data-dir", help="folder with tu/COLLAB.zip; default: $DGL_MEMGNN_DATA")
parser.add_argument("--epochs", type=int, help="default: 60 of GMN, 16 of MemGNN")
parser.add_argument("--folds", type=int, default=10, help="how many of the ten folds to run")
args = parser.parse_args()

WIDTH = 64
walk = RandomWalkWithRestart(WIDTH, continue_prob=0.5)
graphs = TUDataset(
    "COLLAB", args.data_dir, pre_transform=walk, degree_features=["log", "inverse", "onehot", "clustering"]
)
sizes = dict(hidden_feats=100, num_keys=(32, 8, 1), num_heads=5, dropout=0.1, log_scores=True)


def make_gmn():
    return GMN(graphs.node_feats, WIDTH, out_feats=graphs.num_classes, **sizes)


def make_memgnn():
    return MemGNN(
        graphs.node_feats,
        graphs.edge_feats,
        out_feats=graphs.num_classes,
        num_layers=2,
        feat_norm=True,
        **sizes,
    )


make, inputs, epochs = {
    "gmn": (make_gmn, lambda graph: (graph.ndata["feat"], graph.ndata["topology"]), 60),
    "memgnn": (make_memgnn, lambda graph: (graph.ndata["feat"], None), 16),
}[args.model]
folds, source = fair_folds(graphs.name, graphs.labels, args.data_dir)
print(f"The outer folds are {source}.")
accuracies = []
for fold, (train, validation, test) in enumerate(folds[: args.folds]):
    torch.manual_seed(fold)
    trainer = Trainer(
        make(),
        graphs.task,
        inputs,
        config=TrainingConfig(
            epochs=args.epochs or epochs,
            batch_size=64,
            learning_rate=2e-3,
            decay="cosine",
            weight_average=0.99,
            seed=fold,
        ),
    )
    trainer.fit(graphs, train, validation)
    accuracies.append(trainer.score(graphs, test)["accuracy"])
    print(f"fold {fold}: test accuracy {accuracies[-1]:.3f}, epoch {trainer.kept_epoch}")
accuracy = torch.tensor(accuracies)
print(f"test accuracy {accuracy.mean():.3f} +- {accuracy.std(unbiased=False):.3f} over {len(accuracy)} folds")
