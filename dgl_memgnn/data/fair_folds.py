"""Outer folds of the fair protocol: the published ones, or drawn ones of the same shape."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from dgl_memgnn.data.splits import fair_splits, stratified_folds

__all__ = ["fair_folds"]


def fair_folds(
    name: str | None, labels: Any, data_dir: str | os.PathLike[str] | None = None
) -> tuple[list[tuple[np.ndarray, np.ndarray, np.ndarray]], str]:
    """Outer folds with an inner split each, those of Errica et al. (ICLR 2020) where the data folder has them.

    Without them, the test parts are ten stratified folds, and a stratified tenth of the rest validates.

    Parameters
    ----------
    name : str or None
        Name of the data set; None, if it has none, draws the folds.
    labels : array-like of shape (n,)
        Class of each sample.
    data_dir : str or Path, optional
        Data folder with ``splits/<name>_splits.json``. Default: the environment variable ``DGL_MEMGNN_DATA``.

    Returns
    -------
    list of (ndarray, ndarray, ndarray)
        Sorted indices for training, validation and test of each outer fold.
    str
        Where they come from, as part of a sentence.

    Raises
    ------
    ValueError
        If the file is damaged or of another number of graphs, or if a class is too small to draw folds of.

    Examples
    --------
    >>> folds, source = fair_folds(None, [0, 1] * 50)
    >>> [len(part) for part in folds[0]], source
    ([81, 9, 10], 'drawn, stratified, in place of published ones')
    """
    labels = np.asarray(labels)
    try:
        if name is None:
            raise FileNotFoundError
        folds = fair_splits(name, data_dir)
    except FileNotFoundError:
        return _drawn(labels), "drawn, stratified, in place of published ones"
    size = sum(map(len, folds[0]))
    if size != len(labels):
        raise ValueError(
            f"splits/{name}_splits.json is of {size} graphs where {name} has {len(labels)}: restore the file or "
            "the data set."
        )
    return folds, f"those of splits/{name}_splits.json"


def _drawn(labels: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    folds = []
    for rest, test in stratified_folds(labels):
        train, validation = stratified_folds(labels[rest])[0]
        folds.append((rest[train], rest[validation], test))
    return folds
