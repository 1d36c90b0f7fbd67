"""Molecules without labels on disk, of which a few at a time are in memory."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import IO, Any

import dgl
import numpy as np
import torch
from torch import Tensor

from dgl_memgnn.data.chunks import map_chunks
from dgl_memgnn.data.descriptors import descriptor_names, smiles_to_descriptors
from dgl_memgnn.data.featurizers import featurizer as look_up
from dgl_memgnn.data.molecule_arrays import featurize, joined
from dgl_memgnn.data.smiles import Limits
from dgl_memgnn.files import read_json

__all__ = ["MoleculeStore", "write_store"]

_ARRAYS = {  # of files that hold nothing else
    "num_nodes": np.int32,
    "num_edges": np.int32,
    "src": np.int32,
    "dst": np.int32,
    "node_row": np.int32,
    "edge_row": np.int32,
    "descriptors": np.float32,
}
_MANY = 8000  # molecules that take several processes less time than one, their start included
_SMILES, _ABOUT = "smiles.txt", "about.json"


class MoleculeStore:
    """Graphs of molecules without labels, read from disk when they are asked for

    Where a labelled data set has labels, this one has numbers: row ``i`` is ``(graph, tensor(i))``.

    Parameters
    ----------
    folder : str or os.PathLike
        What :func:`write_store` filled.

    Attributes
    ----------
    labels : Tensor of shape (n,)
        Number of each molecule.
    node_feats, edge_feats : int
        Widths of ``ndata["feat"]`` and ``edata["feat"]``.
    descriptor_names : list of str
        Names of the descriptors; empty without them.
    descriptors : ndarray of shape (n, D)
        See :func:`dgl_memgnn.data.smiles_to_descriptors`; read from disk where it is indexed.
    digest : str
        SHA-256 of molecules and features.
    dropped : int
        How many molecules have no graph, and are not in here.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_store(folder, [["CCO", "N"], ["C"]], "memgnn", with_descriptors=True)
    ...     molecules = MoleculeStore(folder)
    ...     graph, number = molecules[1]
    ...     print(len(molecules), graph.num_nodes(), number, molecules.descriptors[0].shape[0] > 200)
    3 1 tensor(1) True
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        about = read_json(self.folder / _ABOUT)
        self.digest: str = about["digest"]
        self.dropped: int = about["dropped"]
        self.descriptor_names: list[str] = about["descriptor_names"]
        self.node_feat, self.edge_feat = (
            torch.from_numpy(np.load(self.folder / f"{name}.npy")) for name in ("node_feat", "edge_feat")
        )
        self.node_feats, self.edge_feats = self.node_feat.shape[1], self.edge_feat.shape[1]
        self.node_ends, self.edge_ends = (self._array(name)[:].cumsum() for name in ("num_nodes", "num_edges"))
        self.labels = torch.arange(len(self.node_ends))
        names = ("src", "dst", "node_row", "edge_row")
        self._src, self._dst, self._node_row, self._edge_row = map(self._array, names)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[dgl.DGLGraph, Tensor]:
        nodes, edges = _span(self.node_ends, i), _span(self.edge_ends, i)
        src, dst = (torch.from_numpy(ends[edges].astype(np.int64)) for ends in (self._src, self._dst))
        graph = dgl.graph((src, dst), num_nodes=nodes.stop - nodes.start)
        graph.ndata["feat"] = self.node_feat[torch.from_numpy(self._node_row[nodes].astype(np.int64))]
        graph.edata["feat"] = self.edge_feat[torch.from_numpy(self._edge_row[edges].astype(np.int64))]
        return graph, self.labels[i]

    def __deepcopy__(self, memo: Any) -> MoleculeStore:
        return self  # which nothing changes

    @cached_property
    def smiles(self) -> list[str]:
        """Canonical SMILES of all molecules."""
        return (self.folder / _SMILES).read_text(encoding="utf-8").splitlines()

    @cached_property
    def descriptors(self) -> np.ndarray:
        return self._array("descriptors").reshape(len(self), len(self.descriptor_names))

    def node_rows(self, indices: Sequence[int]) -> np.ndarray:
        """Which rows of ``node_feat`` the nodes of some molecules have."""
        return np.concatenate([self._node_row[_span(self.node_ends, i)] for i in indices])

    def edge_rows(self, indices: Sequence[int]) -> np.ndarray:
        """Which rows of ``edge_feat`` the edges of some molecules have."""
        return np.concatenate([self._edge_row[_span(self.edge_ends, i)] for i in indices])

    def _array(self, name: str) -> np.ndarray:
        file, kind = self.folder / name, _ARRAYS[name]
        if not file.stat().st_size:  # which cannot be mapped
            return np.empty(0, kind)
        return np.memmap(file, kind, "r").view(np.ndarray)


def write_store(
    folder: str | os.PathLike[str],
    pieces: Iterable[list[str]],
    featurizer: str = "canonical",
    with_descriptors: bool = False,
    limits: Limits = Limits(),
    cache_dir: str | os.PathLike[str] | None = None,
) -> None:
    """Fill a folder that :class:`MoleculeStore` reads, a piece at a time.

    Parameters
    ----------
    folder : str or os.PathLike
        An empty folder.
    pieces : iterable of list of str
        Canonical SMILES of molecules, each of them once.
    featurizer : str, optional
        See :func:`dgl_memgnn.data.featurizer`. Default: ``"canonical"``.
    with_descriptors : bool, optional
        Whether rdkit's descriptors are stored as well. Default: ``False``.
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.
    cache_dir : str or os.PathLike, optional
        Folder that keeps the descriptors of each piece, so that a call that is killed can be followed by one that
        takes less time. Default: none.

    Raises
    ------
    ChildProcessError
        If a process died.
    """
    folder, names = Path(folder), descriptor_names() if with_descriptors else []
    spec = look_up(featurizer)
    node_rows, edge_rows = _Rows(spec.node_feats), _Rows(spec.edge_feats)
    digest, dropped = hashlib.sha256(f"{spec}\n".encode()), 0
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {
            name: stack.enter_context(open(folder / name, "wb")) for name in [*_ARRAYS, _SMILES]
        }
        for piece in pieces:
            parts = map_chunks(partial(featurize, spec=spec, limits=limits), piece, _MANY, "Featurize")
            made = joined([graphs for graphs, _ in parts])
            reasons = [reason for _, of_part in parts for reason in of_part]
            smiles = [text for text, reason in zip(piece, reasons) if not reason]
            dropped += len(piece) - len(smiles)
            if not smiles:
                continue
            arrays = {name: getattr(made, name) for name in ("num_nodes", "num_edges", "src", "dst")}
            arrays["node_row"] = node_rows.numbers(made.node_feat)[made.node_row]
            arrays["edge_row"] = edge_rows.numbers(made.edge_feat)[made.edge_row]
            if with_descriptors:
                arrays["descriptors"] = smiles_to_descriptors(smiles, names, cache_dir, limits).numpy()
            for name, array in arrays.items():
                content = array.astype(_ARRAYS[name]).tobytes()
                digest.update(content)
                files[name].write(content)
            text = "".join(f"{each}\n" for each in smiles).encode()
            digest.update(text)
            files[_SMILES].write(text)
    np.save(folder / "node_feat.npy", node_rows.table())
    np.save(folder / "edge_feat.npy", edge_rows.table())
    about = {"digest": digest.hexdigest(), "dropped": dropped, "descriptor_names": names}
    (folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")


class _Rows:
    """A table that holds each row once."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._numbers: dict[bytes, int] = {}

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """The number of each of some rows in the table; new ones are added to it."""
        numbers = [self._numbers.setdefault(row.tobytes(), len(self._numbers)) for row in rows]
        return np.array(numbers, np.int32)

    def table(self) -> np.ndarray:
        return np.frombuffer(b"".join(self._numbers), np.float32).reshape(-1, self._width)


def _span(ends: np.ndarray, i: int) -> slice:
    """Where the nodes, or edges, of a molecule stand."""
    return slice(int(ends[i - 1]) if i else 0, int(ends[i]))
