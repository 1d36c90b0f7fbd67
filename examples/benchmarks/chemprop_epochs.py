"""Epochs of chemprop's default network, one at each line of the input: what epoch_chemprop.py runs beside itself.

The first line holds SMILES and targets of the training and of the validation part, as JSON. After each further
line an epoch is trained and validated, and its seconds of wall and of processor time are printed. Everything is
what `chemprop train` takes by default: batches of 64, bond messages of width 300 and depth 3, scaled targets, Adam
with chemprop's schedule, features kept from epoch to epoch. Left out are its logs, progress bar and checkpoints.
"""

import json
import logging
import sys
import time
import warnings

import numpy as np
import torch
from chemprop import data, models, nn
from lightning import pytorch as pl

MAX_EPOCHS = 1000


class Told(pl.Callback):
    """Waits for a line before each epoch, and prints what it took."""

    def on_train_epoch_start(self, trainer, network):
        if not sys.stdin.readline():
            raise SystemExit
        self.start = time.perf_counter(), time.process_time()

    def on_train_epoch_end(self, trainer, network):
        wall, processor = self.start
        print(time.perf_counter() - wall, time.process_time() - processor, flush=True)


def dataset(rows):
    points = [data.MoleculeDatapoint.from_smi(smiles, np.array([target])) for smiles, target in rows]
    return data.MoleculeDataset(points)


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    parts = {name: dataset(rows) for name, rows in json.loads(sys.stdin.readline()).items()}
    scaler = parts["train"].normalize_targets()
    parts["validation"].normalize_targets(scaler)
    for part in parts.values():
        part.cache = True
    network = models.MPNN(
        nn.BondMessagePassing(),
        nn.NormAggregation(),
        nn.RegressionFFN(output_transform=nn.UnscaleTransform.from_standard_scaler(scaler)),
        batch_norm=False,
    )
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=MAX_EPOCHS,
        logger=False,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=[Told()],
    )
    trainer.fit(
        network,
        data.build_dataloader(parts["train"], num_workers=0, seed=0),
        data.build_dataloader(parts["validation"], num_workers=0, shuffle=False),
    )
