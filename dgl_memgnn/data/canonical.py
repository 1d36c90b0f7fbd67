"""Canonical SMILES of many molecules: made in several processes, stored on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version

import numpy as np

from dgl_memgnn.data.chunks import map_chunks
from dgl_memgnn.data.molecule_cache import cached_arrays
from dgl_memgnn.data.smiles import Limits, MoleculeError, canonical_smiles, parse_smiles

_FORMAT = "dgl_memgnn canonical SMILES 1"  # to be counted up when the same SMILES gives another
_MANY = 8000  # molecules that take several processes less time than one, their start included


def canonicalise(
    smiles: Sequence[str], cache_dir: str | os.PathLike[str] | None = None, limits: Limits = Limits()
) -> tuple[list[str], list[str]]:
    """Canonical, isomeric SMILES of many molecules, without the numbers of atom maps.

    Parameters
    ----------
    smiles : sequence of str
    cache_dir : str or os.PathLike, optional
        Folder that keeps the result, as :func:`dgl_memgnn.data.smiles_to_graphs` keeps graphs. Default: None,
        nothing is stored.
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.

    Returns
    -------
    list of str
        For each molecule its canonical SMILES; empty if it has none.
    list of str
        For each molecule why it has none, as ``"kind: details"``; empty if it has one.

    Raises
    ------
    ChildProcessError
        If a process died.

    Examples
    --------
    >>> canonicalise(["OCC", "[CH3:1]CO", ""])
    (['CCO', 'CCO', ''], ['', '', 'empty SMILES'])
    """
    smiles = list(smiles)
    arrays = cached_arrays(
        smiles,
        cache_dir,
        f"{_FORMAT}\n{limits}\nrdkit {version('rdkit')}\n",
        lambda arrays: _check(arrays, len(smiles)),
        lambda: _canonicalise(smiles, limits),
    )
    canonical, reasons = json.loads(arrays["texts"].tobytes())
    return canonical, reasons


def _canonicalise(smiles: list[str], limits: Limits) -> dict[str, np.ndarray]:
    parts = map_chunks(partial(_canonicalise_chunk, limits=limits), smiles, _MANY, "Read")
    texts = [[text for part in parts for text in part[which]] for which in (0, 1)]
    return {"texts": np.frombuffer(json.dumps(texts).encode(), np.uint8)}


def _canonicalise_chunk(smiles: list[str], limits: Limits) -> tuple[list[str], list[str]]:
    canonical, reasons = [], []
    for text in smiles:
        try:
            canonical.append(canonical_smiles(parse_smiles(text, limits)))
            reasons.append("")
        except MoleculeError as error:
            canonical.append("")
            reasons.append(str(error))
    return canonical, reasons


def _check(arrays: Mapping[str, np.ndarray], num_molecules: int) -> None:
    """Raise if these are not the SMILES of so many molecules."""
    sizes = [len(texts) for texts in json.loads(arrays["texts"].tobytes())]
    if sizes != [num_molecules, num_molecules]:
        raise ValueError(f"it has {sizes} texts for {num_molecules} molecules")
