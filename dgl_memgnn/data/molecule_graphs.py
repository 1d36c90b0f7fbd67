"""Graphs of many molecules: made in several processes, stored on disk."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

import dgl
import numpy as np
from tqdm import tqdm

from dgl_memgnn.data import featurizers
from dgl_memgnn.data.chunks import PATIENCE, map_chunks, name_slow
from dgl_memgnn.data.graph_arrays import graphs_from_arrays
from dgl_memgnn.data.molecule_cache import cached_arrays
from dgl_memgnn.data.smiles import Limits, MoleculeError

_FORMAT = "dgl_memgnn molecules 1"  # to be counted up when the arrays have another meaning
_MANY = 8000  # molecules that take several processes less time than one, their start included


def smiles_to_graphs(
    smiles: Sequence[str],
    featurizer: str = "canonical",
    cache_dir: str | os.PathLike[str] | None = None,
    limits: Limits = Limits(),
) -> tuple[list[dgl.DGLGraph | None], list[str]]:
    """Graphs of many molecules.

    From some thousand molecules on, several processes share the work, and a bar shows how far they are.

    Parameters
    ----------
    smiles : sequence of str
    featurizer : str
        See :func:`dgl_memgnn.data.featurizer`. Default: ``"canonical"``.
    cache_dir : str or os.PathLike, optional
        Folder that keeps the result, in a file named after the molecules in their order, the featurizer and
        the versions of rdkit and dgllife. A damaged file is computed anew, and a folder that cannot be
        written leaves the result unstored, both with a warning. Default: None, nothing is stored.
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.

    Returns
    -------
    list
        For each molecule its DGLGraph, see :func:`dgl_memgnn.data.smiles_to_graph`, or None.
    list of str
        For each molecule why it has no graph, as ``"kind: details"``; empty if it has one.

    Raises
    ------
    ChildProcessError
        If a process died.

    Examples
    --------
    >>> graphs, reasons = smiles_to_graphs(["CCO", ""], "memgnn")
    >>> graphs[0].num_nodes(), graphs[1], reasons
    (3, None, ['', 'empty SMILES'])
    """
    smiles, spec = list(smiles), featurizers.featurizer(featurizer)
    made_by = (
        f"{_FORMAT}\n{featurizers.FEATURIZERS_VERSION}\n{spec}\n{limits}\n"
        f"rdkit {version('rdkit')}\ndgllife {version('dgllife')}\n"
    )
    arrays = cached_arrays(
        smiles,
        cache_dir,
        made_by,
        lambda arrays: _check(arrays, len(smiles), spec),
        lambda: _featurize(smiles, spec, limits),
    )
    reasons = json.loads(arrays.pop("reasons").tobytes())
    graphs = graphs_from_arrays(**arrays)
    bar = tqdm(reasons, "Graphs", unit=" molecules", delay=PATIENCE)
    return [None if reason else next(graphs) for reason in bar], reasons


def _featurize(smiles: list[str], spec: featurizers.Featurizer, limits: Limits) -> dict[str, np.ndarray]:
    parts = map_chunks(partial(_featurize_chunk, spec=spec, limits=limits), smiles, _MANY, "Featurize")
    parts.insert(0, _featurize_chunk([], spec, limits))  # the types of arrays without a molecule
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0] if name != "reasons"}
    reasons = [reason for part in parts for reason in part["reasons"]]
    return {**arrays, "reasons": np.frombuffer(json.dumps(reasons).encode(), np.uint8)}


def _featurize_chunk(smiles: list[str], spec: featurizers.Featurizer, limits: Limits) -> dict[str, Any]:
    """The arrays of :func:`graphs_from_arrays`, as small as they can be, and a reason for each molecule."""
    num_nodes, num_edges, reasons = [], [], []
    ids = [np.empty((2, 0), np.int32)]
    node_feat, edge_feat = [np.empty((0, spec.node_feats), np.int8)], [np.empty((0, spec.edge_feats), np.int8)]
    for text in smiles:
        started = time.perf_counter()
        try:
            graph = featurizers.smiles_to_graph(text, spec, limits)
        except MoleculeError as error:
            reasons.append(str(error))
            continue
        name_slow(time.perf_counter() - started, "features", text)
        reasons.append("")
        num_nodes.append(graph.num_nodes())
        num_edges.append(graph.num_edges())
        ids.append(np.stack([ends.numpy() for ends in graph.edges()]).astype(np.int32))
        node_feat.append(_small(graph.ndata["feat"].numpy()))
        edge_feat.append(_small(graph.edata["feat"].numpy()))
    src, dst = np.concatenate(ids, axis=1)
    return {
        "num_nodes": np.array(num_nodes, np.int32),
        "num_edges": np.array(num_edges, np.int32),
        "src": src,
        "dst": dst,
        "node_feat": np.concatenate(node_feat),
        "edge_feat": np.concatenate(edge_feat),
        "reasons": reasons,
    }


def _small(feat: np.ndarray) -> np.ndarray:
    """The same numbers in 8 bits, if 8 bits can hold them."""
    with np.errstate(invalid="ignore"):  # of numbers beyond the range of integers
        small = feat.astype(np.int8)
    return small if np.array_equal(small, feat) else feat


def _check(arrays: Mapping[str, np.ndarray], num_molecules: int, spec: featurizers.Featurizer) -> None:
    """Raise if these are not arrays of so many molecules."""
    reasons = json.loads(arrays["reasons"].tobytes())
    num_nodes, num_edges = arrays["num_nodes"], arrays["num_edges"]
    nodes, edges = num_nodes.sum(), num_edges.sum()
    ends = np.stack([arrays["src"], arrays["dst"]])
    shapes = {"node_feat": (nodes, spec.node_feats), "edge_feat": (edges, spec.edge_feats), "src": (edges,)}
    if not (
        len(reasons) == num_molecules
        and reasons.count("") == len(num_nodes) == len(num_edges)
        and all(arrays[name].shape == shape for name, shape in shapes.items())
        and all(arrays[name].dtype in (np.int8, np.float32) for name in ("node_feat", "edge_feat"))
        and (ends >= 0).all()
        and (ends < np.repeat(num_nodes, num_edges)).all()
    ):
        raise ValueError(f"the arrays are not those of {num_molecules} molecules")
