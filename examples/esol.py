"""MemGNN on ESOL (solubility in log mol/L): random split, mean test RMSE over three seeds."""

import argparse

import torch

from dgl_memgnn import MemGNN
from dgl_memgnn.data import MoleculeNet, random_split
from dgl_memgnn.training import Trainer, TrainingConfig

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--data-dir", help="folder with molnet/delaney-processed.csv; default: $DGL_MEMGNN_DATA")
parser.add_argument("--epochs", type=int, default=60)
parser.add_argument("--seeds", type=int, default=3)
args = parser.parse_args()

molecules = MoleculeNet("ESOL", featurizer="canonical", data_dir=args.data_dir)
scores = []
for seed in range(args.seeds):
    train, validation, test = random_split(len(molecules), seed=seed)
    torch.manual_seed(seed)
    model = MemGNN(
        in_feats=molecules.node_feats,
        edge_feats=molecules.edge_feats,
        hidden_feats=128,
        out_feats=molecules.task.num_outputs,
        num_layers=3,
        num_keys=(32, 1),
        num_heads=5,
        dropout=0.1,
        edge_message=True,
        update="gru",
        log_scores=True,
    )
    trainer = Trainer(
        model,
        molecules.task,
        inputs=lambda graph: (graph.ndata["feat"], graph.edata["feat"]),
        config=TrainingConfig(
            epochs=args.epochs,
            batch_size=32,
            learning_rate=1e-3,
            decay="cosine",
            weight_average=0.99,
            seed=seed,
        ),
    )
    trainer.fit(molecules, train, validation)
    rmse = {
        part: trainer.score(molecules, indices)["rmse"]
        for part, indices in [("validation", validation), ("test", test)]
    }
    print(f"seed {seed}: validation RMSE {rmse['validation']:.3f}, test RMSE {rmse['test']:.3f}")
    scores.append(rmse["test"])
scores = torch.tensor(scores)
print(f"test RMSE {scores.mean():.3f} +- {scores.std(unbiased=False):.3f} over {len(scores)} seeds")
