"""Which samples are learned from, chosen on and tested on, and what that is in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dgl_memgnn.config import FAIR_SPLITS, SCAFFOLD_SPLITS, Config
from dgl_memgnn.data import (
    PARTS,
    GraphDataset,
    check_stratifiable,
    draw_scaffolds,
    fair_folds,
    random_split,
    read_splits_file,
    scaffold_split,
    stratified_folds,
    stratified_split,
)
from dgl_memgnn.runs.held_out import predicted_molecules
from dgl_memgnn.tasks import Task
from dgl_memgnn.wording import shortened

__all__ = ["describe_split", "outer_folds", "redraw", "split", "take_parts", "task_of"]

_LISTED = 5


def split(config: Config, dataset: GraphDataset) -> dict[str, np.ndarray]:
    """Indices of the parts of a data set: train and, where the split has them, validation and test.

    Raises
    ------
    ValueError
        If the data cannot be split so; the message names what is in the way.
    """
    data, parts = config.data, _given(dataset)
    if parts is not None:
        if "validation" not in parts and data.split_sizes[1] > 0:
            share = data.split_sizes[1]
            drawn = _draw(config, dataset, parts["train"], (1 - share, share, 0))
            parts = {**parts, **drawn}
    elif data.split == "folds" or data.split in FAIR_SPLITS:
        parts = _fold(config, dataset)
    else:
        parts = _draw(config, dataset, np.arange(len(dataset)), data.split_sizes)
    if data.validation_seed is not None:
        if "validation" not in parts:
            raise ValueError("data.validation_seed draws a validation part anew, and the split has none.")
        samples = np.concatenate([parts["train"], parts["validation"]])
        parts.update(redraw(config, dataset, samples, len(parts["validation"]), data.validation_seed))
    return {part: parts[part] for part in PARTS if part in parts}


def take_parts(path: str, dataset: GraphDataset) -> None:
    """Let a data set have the parts that another run has stored in its splits.csv.

    ValueError if that is of other data: of other rows or, as far as the run's predictions beside it tell, of other
    molecules in them.
    """
    said = read_splits_file(path)
    known = {str(row) for row in (*dataset.rows, *(record.row for record in dataset.dropped))}
    unknown = [str(row) for row in dataset.rows if str(row) not in said]
    foreign = [row for row in said if row not in known]
    if unknown or foreign:
        row, where, other = (unknown[0], "the data", path) if unknown else (foreign[0], path, "the data")
        raise ValueError(f"Row {row} is in {where}, but not in {other}: {path} is of other data.")
    molecules = dict(zip(map(str, dataset.rows), dataset.smiles or ()))
    for row, smiles in predicted_molecules(Path(path).parent).items():
        if molecules.get(row, smiles) != smiles:
            raise ValueError(
                f"Row {row} is {shortened(molecules[row])!r} in the data, and {shortened(smiles)!r} in the "
                f"predictions beside {path}: that is of other data."
            )
    dataset.parts = [said[str(row)] for row in dataset.rows]


def _given(dataset: GraphDataset) -> dict[str, np.ndarray] | None:
    """The parts that the data set has been given; None if it has not."""
    if dataset.parts is None:
        return None
    words = np.array(dataset.parts)
    given = {part: np.flatnonzero(words == part) for part in PARTS}
    if not len(given["train"]):
        raise ValueError("No sample that is kept is in the training part: there is nothing to learn from.")
    return {part: indices for part, indices in given.items() if len(indices)}


def _draw(
    config: Config, dataset: GraphDataset, among: np.ndarray, fractions: Sequence[float]
) -> dict[str, np.ndarray]:
    """Parts of some samples, without those of fraction 0."""
    kind, seed = config.data.split, config.data.split_seed
    seed = config.training.seed if seed is None else seed
    if kind == "stratified":
        num_parts = sum(share > 0 for share in fractions)
        parts = stratified_split(_stratifiable(kind, dataset, among, num_parts, "parts"), fractions, seed)
    elif kind in SCAFFOLD_SPLITS:
        assert dataset.smiles is not None  # see check_together
        smiles = [dataset.smiles[i] for i in among]
        parts = scaffold_split(smiles, fractions, kind == "dgllife_scaffold", config.data.limits)
    else:
        parts = random_split(len(among), fractions, seed)
    return {part: among[own] for part, own, share in zip(PARTS, parts, fractions) if share > 0}


def redraw(
    config: Config, dataset: GraphDataset, samples: np.ndarray, size: int, seed: int
) -> dict[str, np.ndarray]:
    """Training and validation parts of some samples, drawn as the configuration's split goes.

    Parameters
    ----------
    config : Config
        Of a scaffold split, molecules of one scaffold stay together, and the size is met as far as that allows
        (:func:`dgl_memgnn.data.draw_scaffolds`); of a stratified one, both parts have the class proportions of the
        samples; else they are drawn at random.
    dataset : GraphDataset
    samples : ndarray of int
        Indices of the samples.
    size : int
        Number of them that are for validation.
    seed : int

    Returns
    -------
    dict of ndarray
        Sorted indices of ``"train"`` and ``"validation"``.
    """
    samples = np.sort(samples)
    if config.data.split == "stratified":
        share, labels = size / len(samples), _stratifiable("stratified", dataset, samples, 2, "parts")
        drawn = stratified_split(labels, (1 - share, share, 0), seed)[:2]
    elif config.data.split in SCAFFOLD_SPLITS:
        assert dataset.smiles is not None  # see check_together
        smiles = [dataset.smiles[i] for i in samples]
        drawn = draw_scaffolds(smiles, size, seed, config.data.split == "dgllife_scaffold", config.data.limits)
    else:
        rest = (len(samples) - size + 0.5) / len(samples)  # of which rounding down makes the same size
        drawn = random_split(len(samples), (rest, 1 - rest, 0), seed)[:2]
    return {part: np.sort(samples[own]) for part, own in zip(PARTS, drawn)}


def _fold(config: Config, dataset: GraphDataset) -> dict[str, np.ndarray]:
    """The parts of one of several folds."""
    data = config.data
    parts: tuple[np.ndarray, ...]
    if data.split == "folds":
        labels = _stratifiable(data.split, dataset, np.arange(len(dataset)), data.num_folds, "folds")
        parts = stratified_folds(labels, data.num_folds)[data.fold]
    else:
        folds, _ = outer_folds(config, dataset)
        if data.fold >= len(folds):
            raise ValueError(f"data.fold must be below {len(folds)}, the number of outer folds, got {data.fold}.")
        parts = folds[data.fold]
        parts = parts[:2] if data.split == "fair-inner" else parts
    return dict(zip(PARTS, parts))


def _classes(kind: str, dataset: GraphDataset) -> np.ndarray:
    """The class of each sample, for a kind of split; ValueError if they are not of one label."""
    task, labels = task_of(dataset), dataset.labels
    if not task.discrete or not (labels.dim() == 1 or labels.shape[1] == 1):
        raise ValueError(
            f"data.split: {kind} is for classes of one label, not for {task.describe()}: split otherwise "
            "(--split, --protocol)."
        )
    return labels.reshape(-1).numpy()


def _stratifiable(kind: str, dataset: GraphDataset, among: np.ndarray, number: int, what: str) -> np.ndarray:
    """The classes of some samples; ValueError if one is too small for so many parts or folds."""
    labels = _classes(kind, dataset)[among]
    check_stratifiable(labels, number, what, task_of(dataset).value_name)
    return labels


def outer_folds(config: Config, dataset: GraphDataset) -> tuple[list[tuple[np.ndarray, ...]], str]:
    """The outer folds of the fair protocol and where they come from, see :func:`dgl_memgnn.data.fair_folds`."""
    folds, source = fair_folds(config.data.dataset, _classes("fair", dataset), config.data.data_dir)
    return [*folds], source


def task_of(dataset: GraphDataset) -> Task:
    """The task of a data set, which has one: runs are of labelled data."""
    assert dataset.task is not None
    return dataset.task


def describe_split(config: Config, dataset: GraphDataset, parts: dict[str, np.ndarray]) -> list[str]:
    """Where the parts come from, their sizes, and what stands in two of them, a sentence or two a line."""
    data = config.data
    sizes = ", ".join(f"{len(indices)} {part}" for part, indices in parts.items())
    sources = {
        "splits_column": f"column {data.splits_column!r}",
        "validation_csv": "files of their own",
        "test_csv": "files of their own",
        "splits_file": f"{data.splits_file}",
    }
    own = data.own_parts
    options = ", ".join("--" + name.replace("_", "-") for name in own or ("split", "split_sizes"))
    line = f"Split: {sources[own[0]] if own else data.split}, {sizes} ({options})."
    if own:
        given = _given(dataset) or {}
        if "validation" in parts and "validation" not in given:
            line += (
                f" No validation part is given: {len(parts['validation'])} of {len(given['train'])} training "
                f"{'rows are' if len(given['train']) > 1 else 'row is'} drawn for it by split {data.split} "
                "(--split, --split-sizes, --split-seed)."
            )
        idle = (["split"] if data.split != "random" else []) + data.own_draw
        if "validation" in given and data.validation_seed is None and idle:
            said = ", ".join("--" + name.replace("_", "-") for name in idle)
            line += f" The validation part is given, so that nothing is drawn: {said} not heeded."
        unused = len(dataset) - sum(len(indices) for indices in parts.values())
        if unused:
            line += f" {unused} kept here were dropped there, and are in no part."
    if data.validation_seed is not None:
        line += f" Training and validation are drawn anew (--validation-seed {data.validation_seed})."
    if data.split in FAIR_SPLITS:
        line += f" Its folds are {outer_folds(config, dataset)[1]}."
    lines = [line]
    if "validation" not in parts:
        lines.append(
            f"Without a validation part no epoch can be chosen: the network of the last of "
            f"{config.training.num_epochs(len(parts['train']))} is kept (--epochs)."
        )
    return [*lines, *_shared(dataset, parts)]


def _shared(dataset: GraphDataset, parts: dict[str, np.ndarray]) -> list[str]:
    """Molecules that stand in several parts, which flatters the scores."""
    part_of = {dataset.rows[i]: part for part, indices in parts.items() for i in indices.tolist()}
    shared = [
        [row for row in duplicate.rows if row in part_of]
        for duplicate in dataset.duplicates
        if len({part_of[row] for row in duplicate.rows if row in part_of}) > 1
    ]
    if not shared:
        return []
    listed = "; ".join(", ".join(map(str, rows)) for rows in shared[:_LISTED]) + "; ..." * (len(shared) > _LISTED)
    stand = "1 molecule stands" if len(shared) == 1 else f"{len(shared)} molecules stand"
    return [f"{stand} in more than one part (rows {listed}), which flatters the scores."]
