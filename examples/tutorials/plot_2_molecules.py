"""
From SMILES to predictions to clusters
======================================

A CSV file of molecules becomes a trained MemGNN, its predictions for new molecules, and a picture of what its keys
stand for. The molecules are those that come with rdkit: 1017 with a measured activity, of which every third is
taken, so that this page is made in seconds.
"""

# %%
# The file
# --------
#
# What a chemist would have: a column of SMILES, and one of values.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from dgl_memgnn.config import load_config
from dgl_memgnn.data import FreeWilson
from dgl_memgnn.runs import Predictor, train_run
from dgl_memgnn.visualization import RunClusters, draw_molecules_png

folder = Path(tempfile.mkdtemp())
molecules = FreeWilson()[::3]
pd.DataFrame({"smiles": molecules.smiles, "activity": molecules.labels[:, 0]}).to_csv(
    folder / "molecules.csv", index=False
)
print((folder / "molecules.csv").read_text().splitlines()[:3])

# %%
# Training
# --------
#
# In a shell this is
#
# .. code-block:: bash
#
#    dgl-memgnn train --csv molecules.csv --tasks activity --num-keys 8,1 --epochs 30 ... --out run
#
# A key of the configuration is an option of the command line, and the other way round. The network is small here;
# what is not given has its default. Keys begin at the centres that k-means finds, since drawn at random most would
# stay unused in so short a training. The run says what it found in the file and what it chose.

config = load_config(
    "molecules",
    {
        "csv": str(folder / "molecules.csv"),
        "tasks": ["activity"],
        "cache_dir": str(folder / "cache"),
        "split": "random",
        "hidden_feats": 32,
        "num_layers": 2,
        "num_keys": [8, 1],
        "initial_keys": "kmeans",
        "epochs": 30,
        "learning_rate": 3e-3,
        "weight_average": 0.0,
    },
)
result = train_run(config, folder / "run")

# %%
# The scores, in the unit of the file, and the curves that the run has drawn:

print({name: round(value, 3) for name, value in result["test"].items()})
history = pd.read_csv(folder / "run" / "history.csv")
figure, ax = plt.subplots(figsize=(6, 3))
ax.plot(history["epoch"], history["rmse"])
ax.set(xlabel="epoch", ylabel="validation RMSE")
figure.tight_layout()

# %%
# Predictions for new molecules
# -----------------------------
#
# In a shell: ``dgl-memgnn predict run --csv new.csv --out predictions.csv``. A row that is no molecule stays in
# its place, with the reason.

pd.DataFrame({"smiles": [molecules.smiles[5], "OC(=O)c1ccccc1", "no molecule"]}).to_csv(
    folder / "new.csv", index=False
)
Predictor(folder / "run").predict_csv(folder / "new.csv", folder / "predictions.csv")
pd.read_csv(folder / "predictions.csv")

# %%
# What the keys stand for
# -----------------------
#
# In a shell: ``dgl-memgnn clusters run --csv new.csv --out pictures``. Atoms have the colour of the key that has
# most of them. So few molecules and epochs do not teach keys much chemistry; runs on whole data sets, and the
# controls that such a picture needs, stand under :doc:`/results/clusters/README`.

clusters = RunClusters(folder / "run")
drawn = [clusters.molecule(molecules.smiles[i], f"molecule {i}") for i in (0, 40, 80, 120)]
(folder / "molecules.png").write_bytes(draw_molecules_png(drawn, columns=2))
figure, ax = plt.subplots(figsize=(9, 7))
ax.imshow(plt.imread(folder / "molecules.png"))
ax.axis("off")
figure.tight_layout()

# %%
# The same, atom by atom:

drawn[0].table().head()
