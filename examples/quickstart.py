"""MemGNN on the 1017 molecules with measured activity that come with rdkit: train, test, predict, report."""

import sys
from pathlib import Path

from dgl_memgnn.config import load_config
from dgl_memgnn.data import FreeWilson
from dgl_memgnn.runs import Predictor, split, train_run
from dgl_memgnn.visualization import write_report

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/quickstart")
NEW = ["Cc1cnc(NS(=O)(=O)c2ccc(Oc3ccccc3)c(c2)C#N)s1", "OC(=O)c1ccccc1", "CCO"]

config = load_config("quickstart", {"epochs": 60})  # as `dgl-memgnn train quickstart --epochs 60`
molecules = FreeWilson(featurizer=config.data.featurizer)
result = train_run(config, FOLDER, dataset=molecules)

parts, labels = split(config, molecules), molecules.labels
mean = labels[parts["train"]].mean().expand(len(parts["test"]), 1)
print(f"test RMSE, predicting the mean: {molecules.task.score(mean, labels[parts['test']])['rmse']:.3f}")
print(f"test RMSE, MemGNN: {result['test']['rmse']:.3f}")

predicted = Predictor(FOLDER).predict(NEW)
for smiles, activity in zip(NEW, predicted[molecules.task_names[0]]):
    print(f"predicted activity {activity:.2f}: {smiles}")

report = write_report(FOLDER, FOLDER / "report.html", overwrite=True)
print(f"Scores, plots, and molecules coloured by what the network's keys learned: {report}")
