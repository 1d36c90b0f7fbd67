"""The files of a run's folder, which nothing else may replace."""

from __future__ import annotations

from pathlib import Path

from dgl_memgnn.weights import FILE as WEIGHTS

__all__ = ["check_beside_runs"]

CHECKPOINT = "checkpoint.pt"
FINGERPRINTS = "fingerprints.npy"  # of the training part
FILES = (
    "config.yaml",
    "splits.csv",
    "history.csv",
    "curves.png",
    CHECKPOINT,
    FINGERPRINTS,
    "predictions.csv",
    "metrics.json",
)
STATE = "training.pt"  # all it takes to continue; removed when the run is finished
CARD = "card.md"
PRETRAINING_FILES = ("config.yaml", "history.csv", "curves.png", WEIGHTS, CARD, "metrics.json")


def check_beside_runs(path: Path) -> None:
    """ValueError if a file to write is one of a run, of training or pre-training, whichever."""
    path = path.resolve()
    if path.name not in (*FILES, *PRETRAINING_FILES, STATE):
        return
    if any((path.parent / name).is_file() for name in (CHECKPOINT, STATE, WEIGHTS)):
        raise ValueError(f"{path} is a file of the run {path.parent}: give another file to write.")
