"""MemGNN on BACE (inhibitors of beta-secretase 1): scaffold split, mean test ROC-AUC over three seeds."""

import argparse

import torch

from dgl_memgnn import MemGNN
from dgl_memgnn.data import MoleculeNet, scaffold_split
from dgl_memgnn.training import Trainer, TrainingConfig

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--data-dir", help="folder with molnet/bace.csv; default: $DGL_MEMGNN_DATA")
parser.add_argument("--epochs", type=int, default=80)
parser.add_argument("--seeds", type=int, default=3)
args = parser.parse_args()

molecules = MoleculeNet("BACE", featurizer="canonical", data_dir=args.data_dir)
scores = []
for seed in range(args.seeds):
    train, validation, test = scaffold_split(molecules.smiles, like_dgllife=True)
    torch.manual_seed(seed)
    model = MemGNN(
        in_feats=molecules.node_feats,
        edge_feats=molecules.edge_feats,
        hidden_feats=128,
        out_feats=molecules.task.num_outputs,
        num_layers=3,
        num_keys=(32, 1),
        num_heads=5,
        dropout=0.0,
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
            keep="last",
            seed=seed,
        ),
    )
    trainer.fit(molecules, train, validation)
    roc_auc = {
        part: trainer.score(molecules, indices)["roc_auc"]
        for part, indices in [("validation", validation), ("test", test)]
    }
    print(f"seed {seed}: validation ROC-AUC {roc_auc['validation']:.3f}, test ROC-AUC {roc_auc['test']:.3f}")
    scores.append(roc_auc["test"])
scores = torch.tensor(scores)
print(f"test ROC-AUC {scores.mean():.3f} +- {scores.std(unbiased=False):.3f} over {len(scores)} seeds")
