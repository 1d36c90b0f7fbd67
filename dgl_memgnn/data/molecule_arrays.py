"""Graphs of many molecules as a few long arrays."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import dgl
import numpy as np
import torch

from dgl_memgnn.data.chunks import name_slow
from dgl_memgnn.data.featurizers import Featurizer, dgllife_functions
from dgl_memgnn.data.graph_arrays import graphs_from_arrays
from dgl_memgnn.data.smiles import Limits, MoleculeError, as_canonical, parse_smiles

__all__ = ["MoleculeArrays", "featurize", "joined"]

_PIECE = 1000  # graphs whose features are spread out at a time


class MoleculeArrays(NamedTuple):
    """Graphs of molecules, one after the other

    Features stand in tables, of which atoms and edges have a row each.

    Parameters
    ----------
    num_nodes, num_edges : ndarray of int32 of shape (G,)
        Sizes of the graphs.
    src, dst : ndarray of int32 of shape (E,)
        Ends of the edges, counted from 0 in each graph.
    node_row : ndarray of int32 of shape (N,)
        Which of ``node_feat`` each node has.
    edge_row : ndarray of int32 of shape (E,)
        Which of ``edge_feat`` each edge has.
    node_feat : ndarray of float32 of shape (K, D)
    edge_feat : ndarray of float32 of shape (L, D_e)
    """

    num_nodes: np.ndarray
    num_edges: np.ndarray
    src: np.ndarray
    dst: np.ndarray
    node_row: np.ndarray
    edge_row: np.ndarray
    node_feat: np.ndarray
    edge_feat: np.ndarray

    def graphs(self) -> Iterator[dgl.DGLGraph]:
        """The graphs one by one, with ``ndata["feat"]`` and ``edata["feat"]``."""
        node_ends, edge_ends = np.cumsum(self.num_nodes), np.cumsum(self.num_edges)
        for start in range(0, len(self.num_nodes), _PIECE):
            piece = slice(start, start + _PIECE)
            nodes, edges = _span(self.num_nodes, node_ends, piece), _span(self.num_edges, edge_ends, piece)
            yield from graphs_from_arrays(
                self.num_nodes[piece],
                self.num_edges[piece],
                self.src[edges],
                self.dst[edges],
                self.node_feat[self.node_row[nodes]],
                self.edge_feat[self.edge_row[edges]],
            )

    def batches(self, batch_size: int) -> Iterator[dgl.DGLGraph]:
        """The graphs in batches, as :func:`dgl.batch` makes them, none of them made by itself.

        Parameters
        ----------
        batch_size : int
            Number of graphs in a batch; the last may have fewer.
        """
        node_ends, edge_ends = np.cumsum(self.num_nodes), np.cumsum(self.num_edges)
        for start in range(0, len(self.num_nodes), batch_size):
            piece = slice(start, start + batch_size)
            num_nodes, num_edges = (torch.from_numpy(sizes[piece]).long() for sizes in self[:2])
            nodes, edges = _span(self.num_nodes, node_ends, piece), _span(self.num_edges, edge_ends, piece)
            first = (num_nodes.cumsum(0) - num_nodes).repeat_interleave(num_edges)
            src, dst = (torch.from_numpy(ends[edges]) + first for ends in (self.src, self.dst))
            graph = dgl.graph((src, dst), num_nodes=int(num_nodes.sum()))
            graph.set_batch_num_nodes(num_nodes)
            graph.set_batch_num_edges(num_edges)
            graph.ndata["feat"] = torch.from_numpy(self.node_feat[self.node_row[nodes]])
            graph.edata["feat"] = torch.from_numpy(self.edge_feat[self.edge_row[edges]])
            yield graph


def _span(sizes: np.ndarray, ends: np.ndarray, piece: slice) -> slice:
    """Where the nodes, or edges, of some graphs stand."""
    return slice(int(ends[piece.start] - sizes[piece.start]), int(ends[piece][-1]))


def featurize(
    smiles: Sequence[Any], spec: Featurizer, limits: Limits = Limits()
) -> tuple[MoleculeArrays, list[str]]:
    """Graphs of molecules, see :func:`dgl_memgnn.data.smiles_to_graph`, as arrays.

    Parameters
    ----------
    smiles : sequence of str
    spec : Featurizer
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.

    Returns
    -------
    MoleculeArrays
        Of the molecules that have a graph.
    list of str
        For each of ``smiles`` why it has none, as ``"kind: details"``; empty if it has one.
    """
    featurized: _Bonds | _Pairs = _Pairs(spec) if spec.complete_graph else _Bonds(spec)
    reasons = []
    for text in smiles:
        started = time.perf_counter()
        try:
            featurized.add(parse_smiles(text, limits), text.strip())
        except MoleculeError as error:
            reasons.append(str(error))
            continue
        reasons.append("")
        name_slow(time.perf_counter() - started, "features", text)
    return featurized.arrays(), reasons


class _Bonds:
    """Molecules whose edges are bonds, in both directions, with features out of tables."""

    def __init__(self, spec: Featurizer) -> None:
        from dgl_memgnn.data.feature_tables import feature_tables

        self._tables = feature_tables(spec)
        self._num_atoms: list[int] = []
        self._num_bonds: list[int] = []
        self._atoms: list[int] = []
        self._bonds: list[int] = []
        self._begin: list[int] = []
        self._end: list[int] = []

    def add(self, molecule: Any, smiles: str) -> None:
        encoded = self._tables.encode(molecule, smiles)
        self._num_atoms.append(len(encoded.atoms))
        self._num_bonds.append(len(encoded.bonds))
        self._atoms += encoded.atoms
        self._bonds += encoded.bonds
        self._begin += encoded.begin
        self._end += encoded.end

    def arrays(self) -> MoleculeArrays:
        node_feat, node_row = _used(self._tables.atom_rows, self._atoms)
        edge_feat, bond_row = _used(self._tables.bond_rows, self._bonds)
        ends = np.array([self._begin, self._end], np.int32)
        return MoleculeArrays(
            np.array(self._num_atoms, np.int32),
            2 * np.array(self._num_bonds, np.int32),
            ends.T.ravel(),
            ends[::-1].T.ravel(),
            node_row,
            bond_row.repeat(2),
            node_feat,
            edge_feat,
        )


def _used(rows: np.ndarray, numbers: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a table that are in use, and the place of each in what is left of it."""
    used, places = np.unique(np.array(numbers, np.int32), return_inverse=True)
    return rows[used], places.astype(np.int32)


class _Pairs:
    """Molecules whose edges are all pairs of atoms, with dgllife's features molecule by molecule."""

    def __init__(self, spec: Featurizer) -> None:
        self._spec, self._functions = spec, dgllife_functions(spec.name)
        self._parts = [_no_molecule(spec)]

    def add(self, molecule: Any, smiles: str) -> None:
        from rdkit.rdBase import BlockLogs

        written, order = as_canonical(molecule, smiles)
        with BlockLogs():
            node_feat, edge_feat = (function(written)["feat"].numpy() for function in self._functions)
        if not (np.isfinite(node_feat).all() and np.isfinite(edge_feat).all()):
            raise MoleculeError(f"features that are not finite: {smiles}")
        n, place = len(order), np.argsort(order)
        src, dst = np.divmod(np.arange(n * n, dtype=np.int32), n)
        every = np.arange(n, dtype=np.int32)
        kinds = edge_feat.astype(np.int64) @ (1 << np.arange(edge_feat.shape[1]))  # features of pairs are 0 or 1
        _, first, row = np.unique(kinds, return_index=True, return_inverse=True)
        edge_row = row.reshape(n, n)[np.ix_(place, place)].ravel().astype(np.int32)
        sizes = np.array([n], np.int32)
        self._parts.append(
            MoleculeArrays(sizes, sizes**2, src, dst, every, edge_row, node_feat[place], edge_feat[first])
        )

    def arrays(self) -> MoleculeArrays:
        return joined(self._parts)


def _no_molecule(spec: Featurizer) -> MoleculeArrays:
    none = np.empty(0, np.int32)
    feats = (np.empty((0, width), np.float32) for width in (spec.node_feats, spec.edge_feats))
    return MoleculeArrays(none, none, none, none, none, none, *feats)


def joined(parts: Sequence[MoleculeArrays]) -> MoleculeArrays:
    """The graphs of several arrays, one after the other; at least one."""
    num_nodes, num_edges, src, dst = (np.concatenate(each) for each in zip(*(part[:4] for part in parts)))
    node_row, node_feat = _joined_rows([(part.node_row, part.node_feat) for part in parts])
    edge_row, edge_feat = _joined_rows([(part.edge_row, part.edge_feat) for part in parts])
    return MoleculeArrays(num_nodes, num_edges, src, dst, node_row, edge_row, node_feat, edge_feat)


def _joined_rows(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of rows, and the rows, of several tables as one that holds each row once."""
    sizes = [len(rows) for _, rows in parts]
    numbers = np.concatenate([row + first for (row, _), first in zip(parts, np.cumsum(sizes) - sizes)])
    rows = np.concatenate([rows for _, rows in parts])
    if len(rows) < len(numbers):  # else no two share a row
        rows, places = np.unique(rows, axis=0, return_inverse=True)
        numbers = places.reshape(-1)[numbers]
    return numbers.astype(np.int32), rows
