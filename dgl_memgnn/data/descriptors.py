"""Descriptors of whole molecules: rdkit's."""
import hashlib
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from dgl_memgnn.cache import read_arrays, store_arrays
from dgl_memgnn.data.chunks import map_chunks
from dgl_memgnn.data.featurizers import parse_smiles

_MANY = 1000  # molecules that take several processes less time than one, their start included


def descriptor_names():
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


def smiles_to_descriptors(smiles, names=None, cache_dir=None):
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
        raise ValueError(f"rdkit {version('rdkit')} has no descriptor {unknown[0]!r}. Install the version of "
                         "rdkit that the network was trained with, or leave the descriptor out.")
    if cache_dir is not None and smiles:
        file = Path(cache_dir) / f"{_key(smiles, names)}.npz"
        arrays = read_arrays(file, lambda arrays: _check(arrays, len(smiles), len(names)))
        if arrays is not None:
            return torch.from_numpy(arrays["descriptors"])
    parts = map_chunks(partial(_describe_chunk, names=names), smiles, _MANY, "Describe")
    descriptors = np.concatenate([np.empty((0, len(names)), np.float32), *parts])
    if cache_dir is not None and smiles:
        store_arrays(file, compress=True, descriptors=descriptors)
    return torch.from_numpy(descriptors)


def _describe_chunk(smiles, names):
    from rdkit.Chem import Descriptors
    from rdkit.rdBase import BlockLogs

    with BlockLogs(), np.errstate(over="ignore"):
        every = [Descriptors.CalcMolDescriptors(parse_smiles(text)) for text in smiles]
        values = np.array([[of_molecule[name] for name in names] for of_molecule in every], dtype=np.float32)
    values[~np.isfinite(values)] = np.nan
    return values


def _key(smiles, names):
    digest = hashlib.sha256(f"dgl_memgnn descriptors 1\nrdkit {version('rdkit')}\n{names}\n".encode())
    for text in smiles:
        digest.update(f"{text!r}\n".encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def _check(arrays, num_molecules, num_descriptors):
    """Raise if these are not the descriptors of so many molecules."""
    descriptors = arrays["descriptors"]
    if descriptors.shape != (num_molecules, num_descriptors) or descriptors.dtype != np.float32:
        raise ValueError(f"it has shape {descriptors.shape} for {num_molecules} molecules")
