"""Different molecules whose graphs look alike, and elements that features have no type for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

import dgl
import numpy as np
from torch import Tensor

from dgl_memgnn.colours import WORD, hash_rows, mix, refinements
from dgl_memgnn.data.chunks import map_chunks
from dgl_memgnn.data.smiles import Limits, canonical_smiles, parse_smiles

__all__ = ["Alike", "find_alike", "graph_hashes", "unknown_elements"]

ROUNDS = 16  # of message passing; graphs that differ later only are alike to any network there is
_CHUNK = 1000  # graphs that are hashed together
_MANY = 40_000  # molecules that take several processes less time than one, their start included


class Alike(NamedTuple):
    """Different molecules that the features do not tell apart.

    Parameters
    ----------
    rows : list of int
        The first row of each in the source.
    conflicts : int
        In how many of their pairs a target differs.
    """

    rows: list[int]
    conflicts: int

    @property
    def pairs(self) -> int:
        """Number of their pairs."""
        return len(self.rows) * (len(self.rows) - 1) // 2


def find_alike(
    smiles: Sequence[str],
    graphs: Sequence[dgl.DGLGraph],
    labels: Tensor,
    rows: Sequence[int],
    limits: Limits = Limits(),
) -> list[Alike]:
    """Find different molecules whose graphs message passing cannot tell apart.

    Such are, with features that know nothing of chirality, a molecule and its mirror image.

    Parameters
    ----------
    smiles : sequence of str
    graphs : sequence of DGLGraph
        Their graphs, with features.
    labels : Tensor of shape (n, T) or (n,)
        NaN where missing; a missing target conflicts with none.
    rows : sequence of int
        Number of each molecule in its source.
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.

    Returns
    -------
    list of Alike
        In the order of their first rows. Of a molecule that stands in several rows, the first counts.

    Examples
    --------
    >>> import torch
    >>> from dgl_memgnn.data import smiles_to_graph
    >>> smiles = ["C[C@H](O)CC", "CCO", "C[C@@H](O)CC", "C[C@H](O)CC"]
    >>> graphs = [smiles_to_graph(text, "canonical") for text in smiles]
    >>> find_alike(smiles, graphs, torch.tensor([1.0, 2.0, 3.0, 1.0]), rows=[2, 3, 4, 5])
    [Alike(rows=[2, 4], conflicts=1)]
    """
    smiles, rows = list(smiles), list(rows)  # a Series has an index of its own
    matrix = (labels if labels.dim() == 2 else labels[:, None]).double().numpy()
    by_hash = defaultdict(list)
    for i, value in enumerate(graph_hashes(graphs).tolist()):
        by_hash[value].append(i)
    found = []
    for members in by_hash.values():
        if len(members) > 1:
            first: dict[str, int] = {}
            for i in members:
                first.setdefault(canonical_smiles(parse_smiles(smiles[i], limits)), i)
            different = list(first.values())
            if len(different) > 1:
                found.append(Alike([rows[i] for i in different], _conflicts(matrix[different])))
    return found


def _conflicts(matrix: np.ndarray) -> int:
    """Pairs of rows with a target that differs."""
    return sum(int((np.abs(matrix[i + 1 :] - row) > 0).any(axis=1).sum()) for i, row in enumerate(matrix))


def unknown_elements(smiles: Sequence[str], elements: str, limits: Limits = Limits()) -> Counter[str]:
    """Elements that features have no type for, and the number of molecules that hold each.

    Parameters
    ----------
    smiles : sequence of str
    elements : str
        Those that the features know, see :class:`dgl_memgnn.data.Featurizer`.
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.

    Examples
    --------
    >>> unknown_elements(["Cl[Ru]Cl", "CCO", "[Ru]"], "C N O Cl")
    Counter({'Ru': 2})
    """
    function = partial(_unknown, known=set(elements.split()), limits=limits)
    return sum(map_chunks(function, list(smiles), _MANY, "Look at"), Counter[str]())


def _unknown(smiles: list[str], known: set[str], limits: Limits) -> Counter[str]:
    unknown = Counter[str]()
    for text in smiles:
        symbols = {atom.GetSymbol() for atom in parse_smiles(text, limits).GetAtoms()}
        unknown.update(sorted(symbols - known))
    return unknown


def graph_hashes(graphs: Sequence[dgl.DGLGraph]) -> np.ndarray:
    """Weisfeiler-Lehman hashes of graphs with features of nodes and edges, after 16 rounds.

    Parameters
    ----------
    graphs : sequence of DGLGraph
        With ``ndata["feat"]`` and ``edata["feat"]``.

    Returns
    -------
    ndarray of uint64
        Equal for graphs that message passing of that depth cannot tell apart.

    Examples
    --------
    >>> from dgl_memgnn.data import smiles_to_graph
    >>> first, second, third = graph_hashes([smiles_to_graph(text) for text in ("CCO", "OCC", "CCN")])
    >>> bool(first == second), bool(first == third)
    (True, False)
    """
    hashes = [_hash(graphs[start : start + _CHUNK]) for start in range(0, len(graphs), _CHUNK)]
    return np.concatenate([np.empty(0, WORD), *hashes])


def _hash(graphs: Sequence[dgl.DGLGraph]) -> np.ndarray:
    batch = dgl.batch(list(graphs), ndata=["feat"], edata=["feat"])
    src, dst = (ends.numpy() for ends in batch.edges())
    node, edge = (hash_rows(frame["feat"].numpy()) for frame in (batch.ndata, batch.edata))
    node = next(islice(refinements(node, src, dst, edge), ROUNDS - 1, None))
    sizes = batch.batch_num_nodes().numpy()
    return np.add.reduceat(mix(node), np.cumsum(sizes) - sizes)
