"""Runs whose predictions are averaged: the folders of them, and that they agree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgl_memgnn.run_files import CHECKPOINT, warn_of_unfinished
from dgl_memgnn.runs.assembly import embedding_of, takes_topology
from dgl_memgnn.runs.run import is_pretraining
from dgl_memgnn.runs.stored import StoredNetwork

__all__ = ["check_agreement", "run_folders"]

LISTED = 5  # of the names in which runs differ


def run_folders(run: Path) -> list[Path]:
    """The folder itself if it is of a run, otherwise those of the finished runs in it."""
    if (run / CHECKPOINT).is_file():
        warn_of_unfinished(run)
        return [run]
    folders = sorted(path.parent for path in run.glob("*/config.yaml") if not is_pretraining(path))
    for folder in folders:
        if not ((folder / CHECKPOINT).is_file() and (folder / "metrics.json").is_file()):
            raise FileNotFoundError(f"{folder} is not finished. Finish it (dgl-memgnn benchmark), or remove it.")
    if not folders:
        raise FileNotFoundError(
            f"{run} holds no checkpoint.pt, nor do its folders. Give the folder of a finished run, or of several."
        )
    return folders


def check_agreement(folders: Sequence[Path], networks: Sequence[StoredNetwork]) -> None:
    """ValueError if there is no mean of the networks' predictions, naming what they differ in."""
    seen: dict[str, tuple[Path, Any]] = {}
    for folder, network in zip(folders, networks):
        for what, value in _contract(network).items():
            first, expected = seen.setdefault(what, (folder, value))
            if value != expected:
                raise ValueError(
                    f"{first} and {folder} differ in {what}, {_differing(expected, value)}, so there is "
                    "no mean of their predictions: give one of them."
                )


def _differing(first: Any, second: Any) -> str:
    """Two values; of long lists, what only one of them has."""
    if isinstance(first, list) and isinstance(second, list) and len(first) + len(second) > LISTED:
        only = [[item for item in a if item not in b] for a, b in ((first, second), (second, first))]
        return (
            f"{len(first)} and {len(second)}: of these the first alone has {_some(only[0])}, the second alone "
            f"{_some(only[1])}"
        )
    return f"{first!r} and {second!r}"


def _some(names: list[Any]) -> str:
    listed = ", ".join(map(repr, names[:LISTED]))
    return listed + f" and {len(names) - LISTED} more" * (len(names) > LISTED) or "none"


def _contract(network: StoredNetwork) -> dict[str, Any]:
    data, embedding = network.config.data, {}
    if takes_topology(network.config):
        made = embedding_of(data)
        embedding = {
            "embedding": type(made).__name__,
            **{f"{name} of the embedding": of for name, of in vars(made).items()},
        }
    return {
        "tasks": network.task.names,
        "kind of task": network.task.task_type,
        "task": network.task.arguments,
        "featurizer": data.featurizer,
        **embedding,
        "descriptors": network.descriptor_names,
        "properties": network.property_names,
        "limits": tuple(data.limits),
        "data": network.digest[:12],
    }
