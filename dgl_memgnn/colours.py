"""Colour refinement of Weisfeiler and Leman: hashes of nodes that tell their neighbourhoods apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

__all__ = ["hash_rows", "mix", "refinements"]

WORD = np.uint64


def refinements(
    node: np.ndarray, src: np.ndarray, dst: np.ndarray, edge: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """Colours of the nodes after one round, after two, and so on without an end.

    Parameters
    ----------
    node : ndarray of uint64, shape (N,)
        First colours.
    src, dst : ndarray of int, shape (E,)
        Ends of the edges; a node sees its sources.
    edge : ndarray of uint64, shape (E,), optional
        Colours of the edges.

    Examples
    --------
    >>> path = np.array([0, 1, 1, 2]), np.array([1, 0, 2, 1])
    >>> colours = refinements(np.zeros(3, np.uint64), *path)
    >>> [len(set(next(colours).tolist())) for _ in range(2)]
    [2, 2]
    """
    by_end = np.argsort(dst, kind="stable")
    src, dst = src[by_end], dst[by_end]
    edge = None if edge is None else edge[by_end]
    receivers, first = np.unique(dst, return_index=True)
    while True:
        received = np.zeros_like(node)
        if len(first):
            sent = node[src] if edge is None else node[src] ^ edge
            received[receivers] = np.add.reduceat(mix(sent), first)
        node = mix(node * WORD(3) + received)
        yield node


def hash_rows(values: np.ndarray) -> np.ndarray:
    """A hash a row of float32: random words, one a column and value; 0 and -0 are equal."""
    words = np.random.default_rng(0).integers(1, 2**63, values.shape[1], dtype=np.int64).astype(WORD)
    bits = np.where(values == 0, np.float32(0), values).view(np.uint32).astype(WORD)
    hashes: np.ndarray = mix(mix(bits + words) @ (words | WORD(1)))
    return hashes


def mix(words: np.ndarray) -> np.ndarray:
    """A step of splitmix64: every bit depends on every bit."""
    words = words + WORD(0x9E3779B97F4A7C15)  # without which 0 would stay 0
    words = (words ^ (words >> WORD(30))) * WORD(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> WORD(27))) * WORD(0x94D049BB133111EB)
    return words ^ (words >> WORD(31))
