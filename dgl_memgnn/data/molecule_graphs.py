"""Graphs of many molecules: made in several processes, stored on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version

import dgl
import numpy as np
from tqdm import tqdm

from dgl_memgnn.data import featurizers
from dgl_memgnn.data.chunks import PATIENCE, map_chunks
from dgl_memgnn.data.molecule_arrays import MoleculeArrays, featurize, joined
from dgl_memgnn.data.molecule_cache import cached_arrays
from dgl_memgnn.data.smiles import Limits, MoleculeError

_FORMAT = "dgl_memgnn molecules 2"  # to be counted up when the arrays have another meaning
_MANY = 40_000  # molecules that take several processes less time than one, their start included


def smiles_to_graph(
    smiles: str, featurizer: str | featurizers.Featurizer = "canonical", limits: Limits = Limits()
) -> dgl.DGLGraph:
    r"""Graph of a molecule.

    Node :math:`i` is atom :math:`i` of ``rdkit.Chem.MolFromSmiles(smiles)``, and edges have its bonds' order.
    Features are those of the canonical SMILES, so that a molecule has the same graph however it is written.

    Parameters
    ----------
    smiles : str
        See :func:`dgl_memgnn.data.parse_smiles`.
    featurizer : str or Featurizer
        See :func:`featurizer`. Default: ``"canonical"``.
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.

    Returns
    -------
    DGLGraph
        With ``ndata["feat"]`` of shape :math:`(N, \mathrm{node\_feats})` and ``edata["feat"]`` of shape
        :math:`(E, \mathrm{edge\_feats})`, both float32; ids are int64.

    Raises
    ------
    MoleculeError
        If ``smiles`` is not a string, is empty, beyond the limits or not understood by rdkit, or if a feature is
        not finite.

    Examples
    --------
    >>> graph = smiles_to_graph("CCO")
    >>> graph.num_nodes(), graph.num_edges(), graph.ndata["feat"].shape, graph.edata["feat"].shape
    (3, 4, torch.Size([3, 74]), torch.Size([4, 12]))
    >>> smiles_to_graph("[Na+]", "memgnn").edata["feat"].shape
    torch.Size([0, 7])
    >>> smiles_to_graph("FC(F)(F)(F)F")
    Traceback (most recent call last):
    ...
    dgl_memgnn.data.smiles.MoleculeError: invalid SMILES: Explicit valence for atom # 1 C, 5, is ...
    """
    spec = featurizers.featurizer(featurizer) if isinstance(featurizer, str) else featurizer
    arrays, (reason,) = featurize([smiles], spec, limits)
    if reason:
        raise MoleculeError(reason)
    return next(arrays.graphs())


def smiles_to_graphs(
    smiles: Sequence[str],
    featurizer: str = "canonical",
    cache_dir: str | os.PathLike[str] | None = None,
    limits: Limits = Limits(),
) -> tuple[list[dgl.DGLGraph | None], list[str]]:
    """Graphs of many molecules.

    From 40,000 molecules on, several processes share the work, and a bar shows how far they are.

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
    stored = cached_arrays(
        smiles,
        cache_dir,
        made_by,
        lambda arrays: _check(arrays, len(smiles), spec),
        lambda: _featurize(smiles, spec, limits),
    )
    reasons = json.loads(stored.pop("reasons").tobytes())
    graphs = MoleculeArrays(**stored).graphs()
    bar = tqdm(reasons, "Graphs", unit=" molecules", delay=PATIENCE)
    return [None if reason else next(graphs) for reason in bar], reasons


def _featurize(smiles: list[str], spec: featurizers.Featurizer, limits: Limits) -> dict[str, np.ndarray]:
    function = partial(featurize, spec=spec, limits=limits)
    parts = [function([]), *map_chunks(function, smiles, _MANY, "Featurize")]
    reasons = [reason for _, reasons in parts for reason in reasons]
    text = np.frombuffer(json.dumps(reasons).encode(), np.uint8)
    return {**joined([arrays for arrays, _ in parts])._asdict(), "reasons": text}


def _check(stored: Mapping[str, np.ndarray], num_molecules: int, spec: featurizers.Featurizer) -> None:
    """Raise if these are not arrays of so many molecules."""
    reasons = json.loads(stored["reasons"].tobytes())
    arrays = MoleculeArrays(*(stored[name] for name in MoleculeArrays._fields))
    nodes, edges = arrays.num_nodes.sum(), arrays.num_edges.sum()
    ends = np.stack([arrays.src, arrays.dst])
    if not (
        len(reasons) == num_molecules
        and reasons.count("") == len(arrays.num_nodes) == len(arrays.num_edges)
        and arrays.node_row.shape == (nodes,)
        and arrays.edge_row.shape == (edges,)
        and ends.shape == (2, edges)
        and (ends >= 0).all()
        and (ends < np.repeat(arrays.num_nodes, arrays.num_edges)).all()
        and _is_table(arrays.node_feat, spec.node_feats, arrays.node_row)
        and _is_table(arrays.edge_feat, spec.edge_feats, arrays.edge_row)
    ):
        raise ValueError(f"the arrays are not those of {num_molecules} molecules")


def _is_table(feat: np.ndarray, width: int, numbers: np.ndarray) -> bool:
    fits = feat.shape[1:] == (width,) and feat.dtype == np.float32
    return fits and (not len(numbers) or 0 <= numbers.min() <= numbers.max() < len(feat))
