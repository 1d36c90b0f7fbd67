"""The predictions that a run has stored of the part that it held out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from dgl_memgnn.tasks import Task

__all__ = ["predicted_molecules", "read_predictions"]


def read_predictions(folder: Path, task: Task) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """What a finished run has stored in ``predictions.csv``, with names and classes as they are written.

    Parameters
    ----------
    folder : pathlib.Path
        The run folder.
    task : Task
        What the run predicts.

    Returns
    -------
    pandas.DataFrame
        The file: a row a graph and target.
    dict of pandas.DataFrame
        The rows of each target by its name, with ids as index: all graphs in the same order, NaN where a label is
        missing.
    """
    types = {"id": str, "smiles": str, "task": str, **task.column_types}
    table = pd.read_csv(folder / "predictions.csv", dtype=types, keep_default_na=False, na_values=[""])
    ids = table["id"].unique()
    return table, {name: table[table["task"] == name].set_index("id").reindex(ids) for name in task.names}


def predicted_molecules(folder: Path) -> dict[str, str]:
    """SMILES of the part that a run has held out, by the names of their rows; empty where it has stored none."""
    path = folder / "predictions.csv"
    if not path.is_file():
        return {}
    table = pd.read_csv(path, usecols=lambda name: name in ("id", "smiles"), dtype=str, keep_default_na=False)
    return dict(zip(table["id"], table["smiles"])) if {"id", "smiles"} <= set(table) else {}
