"""The files that commands write to folders of their own, by name, and that nothing else may replace."""

from __future__ import annotations

import warnings
from pathlib import Path

__all__ = ["check_beside_runs", "warn_of_unfinished"]

CHECKPOINT = "checkpoint.pt"
FINGERPRINTS = "fingerprints.npy"  # of the training part
STATE = "training.pt"  # all it takes to continue; removed when the run is finished
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
WEIGHTS, CARD = "weights.pt", "card.md"
PRETRAINING_FILES = ("config.yaml", "history.csv", "curves.png", WEIGHTS, CARD, "metrics.json")
RESULT, ABLATION = "result.json", "ablation.yaml"
BENCHMARK_FILES = (RESULT, ABLATION, "curves.png")
DATABASE = "search.db"
SEARCH_FILES = (DATABASE, "trials.csv", "best.yaml", "search.json", "search.png")


def check_beside_runs(path: Path) -> None:
    """ValueError if a file to write is one of a run, a pre-training, a benchmark or a search, whichever."""
    path = path.resolve()
    if path.name not in (*FILES, STATE, *PRETRAINING_FILES, *BENCHMARK_FILES, *SEARCH_FILES):
        return
    if any((path.parent / name).is_file() for name in (CHECKPOINT, STATE, WEIGHTS, RESULT, ABLATION, DATABASE)):
        raise ValueError(f"{path} is a file of the run {path.parent}: give another file to write.")


def warn_of_unfinished(run: Path) -> None:
    """Say that a run goes on, so that what is made of its network now is of its best epoch so far."""
    if (run / STATE).is_file() and not (run / "metrics.json").is_file():
        warnings.warn(
            f"{run} is not finished: its network is that of the best epoch so far. The command that began it "
            "continues.",
            stacklevel=1,
        )
