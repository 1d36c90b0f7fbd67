"""How much keys tell about functional groups, and what they would tell without having learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd

from dgl_memgnn.visualization.clusters import ClusteredMolecule, RunClusters
from dgl_memgnn.visualization.groups import group_labels, group_members

__all__ = ["group_information", "key_information", "shuffled_within"]

_SHUFFLES = 10
_UNTRAINED = 5


def key_information(keys: np.ndarray, labels: np.ndarray) -> float:
    r"""Normalised mutual information :math:`2 I(k; g) / (H(k) + H(g))` of keys and groups of atoms.

    Parameters
    ----------
    keys : ndarray of int of shape (n,)
        The key of each atom.
    labels : ndarray of str of shape (n,)
        The group of each atom, see :func:`group_labels`.

    Returns
    -------
    float
        0 where keys tell nothing, 1 where keys and groups are the same.

    Examples
    --------
    >>> key_information(np.array([0, 0, 3, 3]), np.array(["none", "none", "ester", "ester"]))
    1.0
    """
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(labels, keys))


def shuffled_within(keys: np.ndarray, sizes: Sequence[int], seed: int) -> np.ndarray:
    """Keys shuffled among the atoms of each molecule, so that each keeps the keys that it has.

    Parameters
    ----------
    keys : ndarray of int of shape (n,)
        The key of each atom, molecule after molecule.
    sizes : sequence of int
        Number of atoms of each molecule.
    seed : int
        Seed of the order.
    """
    molecule = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((np.random.default_rng(seed).random(len(keys)), molecule))
    return keys[order]


def group_information(
    run: RunClusters,
    molecules: Sequence[ClusteredMolecule],
    references: Mapping[str, str | PathLike[str] | RunClusters] | None = None,
    layer: int = 1,
    members: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """How much the keys of a run tell about functional groups, beside networks that learned less.

    Each row is of a network: the run; five that were not trained, of the run's configuration, its seed and the
    four after it, with statistics of batch normalisation from these molecules; and each reference, such as a run
    whose keys were drawn and never moved (``--clustering-period 0``), unless its layer of this number has one key.
    Beside each stands what its keys tell when they are shuffled among the atoms of each molecule, ten times.

    Parameters
    ----------
    run : RunClusters
        The run.
    molecules : sequence of ClusteredMolecule
        Molecules, as ``run`` has clustered them.
    references : dict, optional
        Names and folders of other runs. Default: none.
    layer : int, optional
        Which memory layer, counted from 1. Default: ``1``.
    members : pandas.DataFrame, optional
        What :func:`group_members` has found for the molecules. Default: it is found.

    Returns
    -------
    pandas.DataFrame
        ``network``; ``keys_in_use``; ``information``, see :func:`key_information`, and ``information_sd`` over
        several networks; ``shuffled`` and ``shuffled_sd``, mean and standard deviation over the shuffles.
    """
    if members is None:
        members = group_members([each.molecule for each in molecules])
    labels = group_labels(members)
    sizes = [each.molecule.GetNumAtoms() for each in molecules]

    def told(keys: Sequence[np.ndarray]) -> dict[str, Any]:
        """Of one network or of several."""
        own = [key_information(each, labels) for each in keys]
        shuffled = [
            key_information(shuffled_within(each, sizes, seed), labels)
            for each in keys
            for seed in range(_SHUFFLES)
        ]
        return {
            "keys_in_use": float(np.mean([len(np.unique(each)) for each in keys])),
            "information": float(np.mean(own)),
            "information_sd": float(np.std(own)) if len(own) > 1 else np.nan,
            "shuffled": float(np.mean(shuffled)),
            "shuffled_sd": float(np.std(shuffled)),
        }

    rows = [{"network": "this run", **told([np.concatenate([each.keys(layer) for each in molecules])])}]
    graphs = run.graphs_of(molecules)
    seed = run.network.config.training.seed
    untrained = [run.network.untrained(graphs, seed + i) for i in range(_UNTRAINED)]
    keys = [_keys(network.node_shares(graphs), layer) for network in untrained]
    rows.append({"network": f"untrained, {_UNTRAINED} seeds", **told(keys)})
    for name, reference in (references or {}).items():
        other = reference if isinstance(reference, RunClusters) else RunClusters(reference)
        if layer <= len(other.num_keys) and other.num_keys[layer - 1] > 1:
            keys = [_keys(other.shares(other.graphs_of(molecules)), layer)]
            rows.append({"network": name, **told(keys)})
    return pd.DataFrame(rows)


def _keys(shares: Sequence[Sequence[np.ndarray]], layer: int) -> np.ndarray:
    return np.concatenate([share[layer - 1].argmax(axis=1) for share in shares])
