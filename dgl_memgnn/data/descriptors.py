"""Descriptors of whole molecules: rdkit's."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dgl_memgnn.data.chunks import map_chunks, name_slow
from dgl_memgnn.data.molecule_cache import cached_arrays
from dgl_memgnn.data.smiles import Limits, as_canonical, parse_smiles

if TYPE_CHECKING:
    from rdkit.Chem import Mol

_FORMAT = "dgl_memgnn descriptors 2"  # to be counted up when the same names give other numbers
_MANY = 1000  # molecules that take several processes less time than one, their start included


def descriptor_names() -> list[str]:
    """Names of all descriptors of the rdkit that is installed.

    Returns
    -------
    list of str

    Examples
    --------
    >>> "MolLogP" in descriptor_names()
    True
    """
    from rdkit.Chem import Descriptors

    return [name for name, _ in Descriptors.descList]


def smiles_to_descriptors(
    smiles: Sequence[str],
    names: Sequence[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    limits: Limits = Limits(),
) -> Tensor:
    """Descriptors of many molecules, such as weight, surface areas and counts of groups.

    From a thousand molecules on, several processes share the work, and a bar shows how far they are.

    Parameters
    ----------
    smiles : sequence of str
        Molecules that rdkit understands.
    names : sequence of str, optional
        Which descriptors. Default: all of :func:`descriptor_names`.
    cache_dir : str or os.PathLike, optional
        Folder that keeps the result, as :func:`dgl_memgnn.data.smiles_to_graphs` keeps graphs. Default: None,
        nothing is stored.
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.

    Returns
    -------
    Tensor of shape (n, D)
        float32, in rdkit's units; NaN where rdkit has no number, or none of 32 bits.

    Raises
    ------
    ValueError
        If rdkit has no descriptor of a name.
    MoleculeError
        If rdkit does not understand a SMILES.
    ChildProcessError
        If a process died.

    Examples
    --------
    >>> smiles_to_descriptors(["CCO", "c1ccccc1"], ["MolWt", "RingCount"])
    tensor([[46.0690,  0.0000],
            [78.1140,  1.0000]])
    """
    smiles, known = list(smiles), descriptor_names()
    names = known if names is None else list(names)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"rdkit {version('rdkit')} has no descriptor {unknown[0]!r}. Install the version of "
            "rdkit that the network was trained with, or leave the descriptor out."
        )
    made_by = f"{_FORMAT}\nrdkit {version('rdkit')}\n{names}\n"
    arrays = cached_arrays(
        smiles,
        cache_dir,
        made_by,
        lambda arrays: _check(arrays, len(smiles), len(names)),
        lambda: _describe(smiles, names, limits),
    )
    return torch.from_numpy(arrays["descriptors"])


def _describe(smiles: list[str], names: list[str], limits: Limits) -> dict[str, np.ndarray]:
    parts = map_chunks(partial(describe, names=names, limits=limits), smiles, _MANY, "Describe")
    return {"descriptors": np.concatenate([np.empty((0, len(names)), np.float32), *parts])}


def describe(smiles: Sequence[str], names: Sequence[str], limits: Limits = Limits()) -> np.ndarray:
    """Descriptors of some molecules by this process alone, see :func:`smiles_to_descriptors`: float32, (n, D)."""
    from rdkit.rdBase import BlockLogs

    values = np.full((len(smiles), len(names)), np.nan)
    with BlockLogs(), np.errstate(all="ignore"):
        for row, text in zip(values, smiles):
            started = time.perf_counter()
            molecule = as_canonical(parse_smiles(text, limits), text)[0]
            for column, name in enumerate(names):
                with contextlib.suppress(Exception):  # where rdkit has none, it raises whatever it comes to
                    row[column] = _functions()[name](molecule)
            name_slow(time.perf_counter() - started, "descriptors", text)
        small = values.astype(np.float32)
    small[~np.isfinite(small)] = np.nan
    return small


@cache
def _functions() -> dict[str, Callable[[Mol], float]]:
    """rdkit's functions; those of one group share what rdkit computes anew for each of them."""
    from rdkit.Chem import Descriptors
    from rdkit.Chem.EState import EStateIndices

    def state(molecule: Mol) -> np.ndarray:
        indices: np.ndarray = EStateIndices(molecule, force=False)
        return indices

    return {
        **dict(Descriptors.descList),
        "MaxEStateIndex": lambda molecule: max(state(molecule)),
        "MinEStateIndex": lambda molecule: min(state(molecule)),
        "MaxAbsEStateIndex": lambda molecule: max(abs(state(molecule))),
        "MinAbsEStateIndex": lambda molecule: min(abs(state(molecule))),
        "Ipc": lambda molecule: _information(molecule)[0],
        "AvgIpc": lambda molecule: _information(molecule)[1],
    }


@lru_cache(maxsize=1)
def _information(molecule: Mol) -> tuple[float, float]:
    """Ipc and AvgIpc, from one characteristic polynomial, whose time grows with the fourth power of the atoms."""
    from rdkit import Chem
    from rdkit.Chem.Graphs import CharacteristicPolynomial
    from rdkit.ML.InfoTheory import entropy

    bonded = np.equal(Chem.GetDistanceMatrix(molecule, False), 1)
    coefficients = abs(CharacteristicPolynomial(molecule, bonded))
    mean = entropy.InfoEntropy(coefficients)  # type: ignore[attr-defined]
    return sum(coefficients) * mean, mean


def _check(arrays: Mapping[str, np.ndarray], num_molecules: int, num_descriptors: int) -> None:
    """Raise if these are not the descriptors of so many molecules."""
    descriptors = arrays["descriptors"]
    if descriptors.shape != (num_molecules, num_descriptors) or descriptors.dtype != np.float32:
        raise ValueError(f"it has shape {descriptors.shape} for {num_molecules} molecules")
