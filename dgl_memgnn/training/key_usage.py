"""Which keys nodes use: dead keys and collapse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["describe_key_usage", "key_usage"]

_COLLAPSED = 0.99  # of the nodes with one key
_EVEN = 0.99  # of the largest entropy that an assignment can have
_ALIKE = 1e-6  # between shares of a node that no key has more of
_STRONG = 0.95  # of the nodes have no larger share of a key
_LISTED = 10


def key_usage(shares: Sequence[Sequence[np.ndarray]]) -> list[dict[str, Any]]:
    r"""How the keys of memory layers are used.

    A node belongs to the key that has its largest share, the first of equal ones. A key that no node belongs to is
    dead. A layer has collapsed where one key has nearly all nodes.

    Parameters
    ----------
    shares : list of list of ndarray
        What :func:`~dgl_memgnn.training.node_shares` has found.

    Returns
    -------
    list of dict
        For each memory layer of several keys, ``layer`` (counted from 1), ``num_keys``, ``usage``, the part of the
        nodes that belong to each key; ``dead``, the keys without a node; ``entropy``, the mean of
        :math:`-\sum_j S_{ij} \log S_{ij} / \log K` over the nodes, 1 where a node is shared among all keys alike
        and 0 where one key has all of it; ``strong_share``, the 95th percentile of the largest shares; and
        ``collapsed``, whether one key has 99% of the nodes, and not because all keys have them alike.

    Examples
    --------
    >>> [layer] = key_usage([[np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])], [np.array([[1.0, 0.0, 0.0]])]])
    >>> layer["usage"], layer["dead"], layer["collapsed"]
    ([1.0, 0.0, 0.0], [1, 2], True)
    """
    found = []
    for layer, arrays in enumerate(zip(*shares), start=1):
        share = np.concatenate(arrays)
        num_keys = share.shape[1]
        if num_keys == 1 or not len(share):
            continue
        usage = np.bincount(share.argmax(axis=1), minlength=num_keys) / len(share)
        found.append(
            {
                "layer": layer,
                "num_keys": num_keys,
                "usage": usage.round(6).tolist(),
                "dead": np.flatnonzero(usage == 0).tolist(),
                "entropy": round(float(assignment_entropy(share).mean()), 6),
                "strong_share": round(float(np.quantile(share.max(axis=1), _STRONG)), 6),
                "collapsed": bool(usage.max() >= _COLLAPSED and np.ptp(share, axis=1).max() > _ALIKE),
            }
        )
    return found


def assignment_entropy(share: np.ndarray) -> np.ndarray:
    r"""Entropy of each row of an assignment, between 0 (one key) and 1 (all keys alike).

    Examples
    --------
    >>> assignment_entropy(np.array([[1.0, 0.0], [0.5, 0.5]])).tolist()
    [0.0, 1.0]
    """
    share = share.astype(np.float64)
    if share.shape[1] == 1:
        return np.zeros(len(share))
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    return np.abs((share * logs).sum(axis=1)) / np.log(share.shape[1])


def describe_key_usage(usages: Sequence[dict[str, Any]]) -> list[str]:
    """What :func:`key_usage` has found, a line a layer.

    Examples
    --------
    >>> describe_key_usage(key_usage([[np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])]]))[0]
    'Memory layer 1: 1 of 3 keys in use, 2 dead (1, 2); entropy of assignments 0.315 of 1. It has collapsed: ...'
    """
    lines = []
    for usage in usages:
        dead, layer = usage["dead"], f"Memory layer {usage['layer']}"
        line = f"{layer}: {usage['num_keys'] - len(dead)} of {usage['num_keys']} keys in use"
        if dead:
            listed = ", ".join(map(str, dead[:_LISTED])) + ", ..." * (len(dead) > _LISTED)
            line += f", {len(dead)} dead ({listed})"
        line += f"; entropy of assignments {usage['entropy']:.3f} of 1."
        if usage["collapsed"]:
            most = int(np.argmax(usage["usage"]))
            line += f" It has collapsed: {usage['usage'][most]:.1%} of the nodes belong to key {most}."
        if usage["entropy"] >= _EVEN:
            line += " Nodes are shared among the keys nearly alike, as in a sum."
        lines.append(line)
    return lines
