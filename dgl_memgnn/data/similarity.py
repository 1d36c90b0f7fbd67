"""How far molecules are from those that a network was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dgl_memgnn.data.smiles import Limits, MoleculeError, parse_smiles

__all__ = ["nearest_similarity", "packed_fingerprints"]

NUM_BITS, RADIUS = 2048, 2


def packed_fingerprints(smiles: Sequence[str], limits: Limits = Limits()) -> np.ndarray:
    """Morgan fingerprints (radius 2, 2048 bits), eight bits a byte.

    Parameters
    ----------
    smiles : sequence of str
        Molecules that rdkit understands.
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.

    Returns
    -------
    ndarray of uint8, shape (n, 256)

    Examples
    --------
    >>> packed_fingerprints(["CCO", "C"]).shape
    (2, 256)
    """
    from rdkit.DataStructs import BitVectToBinaryText

    texts = [BitVectToBinaryText(fingerprint) for fingerprint in _fingerprints(smiles, limits)]
    return np.frombuffer(b"".join(texts), np.uint8).reshape(len(smiles), NUM_BITS // 8)


def nearest_similarity(smiles: Sequence[str], known: np.ndarray, limits: Limits = Limits()) -> np.ndarray:
    """Tanimoto similarity of each molecule to the nearest of some others.

    Parameters
    ----------
    smiles : sequence of str
    known : ndarray of uint8, shape (m, 256)
        What :func:`packed_fingerprints` gave of the others.
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.

    Returns
    -------
    ndarray of shape (n,)
        From 0 to 1, which two molecules with the same fingerprint have; NaN where a SMILES is no molecule.

    Examples
    --------
    >>> nearest_similarity(["OCC", "CCN", "C1CC"], packed_fingerprints(["CCO", "CCCCCC"])).round(2).tolist()
    [1.0, 0.33, nan]
    """
    from rdkit.DataStructs import BulkTanimotoSimilarity, CreateFromBinaryText

    others = [CreateFromBinaryText(row.tobytes()) for row in known]
    nearest = np.full(len(smiles), np.nan)
    for i, text in enumerate(smiles):
        try:
            (fingerprint,) = _fingerprints([text], limits)
        except MoleculeError:
            continue
        nearest[i] = max(BulkTanimotoSimilarity(fingerprint, others))
    return nearest


def _fingerprints(smiles: Sequence[str], limits: Limits) -> list[Any]:
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    generator = GetMorganGenerator(radius=RADIUS, fpSize=NUM_BITS)
    return [generator.GetFingerprint(parse_smiles(text, limits)) for text in smiles]
