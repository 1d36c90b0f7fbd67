"""Molecular graphs from SMILES, with the atom and bond features of four publications."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import dgl
import numpy as np
import torch
from torch import Tensor

from dgl_memgnn.data.smiles import Limits, MoleculeError, as_canonical, parse_smiles


@dataclass(frozen=True)
class Featurizer:
    """Name and sizes of a pair of atom and bond features.

    Parameters
    ----------
    name : str
    node_feats : int
        Width of ``ndata["feat"]``.
    edge_feats : int
        Width of ``edata["feat"]``.
    elements : str
        Symbols of the elements that it has a type for, with spaces between them.
    complete_graph : bool
        Whether each atom has an edge to every atom, itself included, in place of an edge in each direction
        of every bond. Default: False.
    """

    name: str
    node_feats: int
    edge_feats: int
    elements: str
    complete_graph: bool = False


_CANONICAL = (
    "C N O S F Si P Cl Br Mg Na Ca Fe As Al I B V K Tl Yb Sb Sn Ag Pd Co Se Ti Zn H Li Ge Cu Au Ni Cd In Mn Zr Cr "
    "Pt Hg Pb"
)
_ATTENTIVE_FP = "B C N O F Si P S Cl As Se Br Te I At"
_WEAVE = "H C N O F P S Cl Br I"

FEATURIZERS_VERSION = 2  # to be counted up when a featurizer of the same name gives other numbers

FEATURIZERS = {
    spec.name: spec
    for spec in (
        Featurizer("canonical", 74, 12, _CANONICAL),
        Featurizer("attentivefp", 39, 10, _ATTENTIVE_FP),
        Featurizer("weave", 27, 12, _WEAVE, complete_graph=True),
        Featurizer("memgnn", 32, 7, _ATTENTIVE_FP),
    )
}


def featurizer(name: str) -> Featurizer:
    """Look up a featurizer.

    Parameters
    ----------
    name : str
        ``"canonical"``, ``"attentivefp"`` or ``"weave"``: dgllife's featurizers of these names.
        ``"memgnn"``: a reading of the sizes 32 and 7 in the MemGNN paper, namely AttentiveFP's atom features
        without chirality and with the number of hydrogens as one number; bond type (4) and direction (3).

    Returns
    -------
    Featurizer

    Raises
    ------
    ValueError
        If there is no featurizer of that name.

    Examples
    --------
    >>> featurizer("memgnn")
    Featurizer(name='memgnn', node_feats=32, edge_feats=7, elements='B C N ...', complete_graph=False)
    """
    if name not in FEATURIZERS:
        raise ValueError(f"Unknown featurizer {name!r}: choose one of {', '.join(FEATURIZERS)}.")
    return FEATURIZERS[name]


def smiles_to_graph(
    smiles: str, featurizer: str | Featurizer = "canonical", limits: Limits = Limits()
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
    from dgllife.utils import mol_to_bigraph, mol_to_complete_graph
    from rdkit.rdBase import BlockLogs

    spec = featurizer if isinstance(featurizer, Featurizer) else _featurizer(featurizer)
    to_graph = partial(mol_to_complete_graph, add_self_loop=True) if spec.complete_graph else mol_to_bigraph
    atoms, bonds = dgllife_functions(spec.name)
    molecule = parse_smiles(smiles, limits)
    canonical, order = as_canonical(molecule, smiles.strip())
    with BlockLogs():
        graph: dgl.DGLGraph = to_graph(
            canonical, node_featurizer=atoms, edge_featurizer=bonds, canonical_atom_order=False
        ).long()
    if not graph.num_edges():
        graph.edata["feat"] = torch.zeros(0, spec.edge_feats)
    if not (graph.ndata["feat"].isfinite().all() and graph.edata["feat"].isfinite().all()):
        raise MoleculeError(f"features that are not finite: {smiles}")
    if isinstance(order, range):
        return graph
    return _in_order(graph, order, None if spec.complete_graph else molecule)


def _in_order(graph: dgl.DGLGraph, order: Sequence[int], molecule: Any) -> dgl.DGLGraph:
    """The graph whose node ``order[k]`` is node k, with the edges of a molecule in its order; None: all pairs."""
    num_nodes, position = len(order), np.argsort(order)
    if molecule is None:
        src, dst = np.divmod(np.arange(num_nodes**2), num_nodes)
    else:
        bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds()]
        src, dst = np.array([ends for u, v in bonds for ends in ((u, v), (v, u))], np.int64).reshape(-1, 2).T
    u, v = (ends.numpy() for ends in graph.edges())
    pairs, wanted = u * num_nodes + v, position[src] * num_nodes + position[dst]
    by_pair = np.argsort(pairs)
    rows = by_pair[np.searchsorted(pairs, wanted, sorter=by_pair)]
    ordered = dgl.graph((torch.from_numpy(src.copy()), torch.from_numpy(dst.copy())), num_nodes=num_nodes)
    ordered.ndata["feat"] = graph.ndata["feat"][torch.from_numpy(position)]
    ordered.edata["feat"] = graph.edata["feat"][torch.from_numpy(rows)]
    return ordered


_featurizer = featurizer  # smiles_to_graph has an argument of the same name


@cache
def dgllife_functions(name: str) -> tuple[Callable[..., dict[str, Tensor]], Callable[..., dict[str, Tensor]]]:
    """dgllife's callables for atoms and for bonds (or pairs of atoms)."""
    from dgllife import utils

    if name == "memgnn":
        atoms = [
            partial(
                utils.atom_type_one_hot,
                allowable_set=_ATTENTIVE_FP.split(),
                encode_unknown=True,
            ),
            partial(utils.atom_degree_one_hot, allowable_set=list(range(6))),
            utils.atom_formal_charge,
            utils.atom_num_radical_electrons,
            partial(utils.atom_hybridization_one_hot, encode_unknown=True),
            utils.atom_is_aromatic,
            utils.atom_total_num_H,
        ]
        bonds = [utils.bond_type_one_hot, utils.bond_direction_one_hot]
        return (
            utils.BaseAtomFeaturizer({"feat": utils.ConcatFeaturizer(atoms)}),
            utils.BaseBondFeaturizer({"feat": utils.ConcatFeaturizer(bonds)}),
        )
    atoms, bonds = {
        "canonical": (utils.CanonicalAtomFeaturizer, utils.CanonicalBondFeaturizer),
        "attentivefp": (utils.AttentiveFPAtomFeaturizer, utils.AttentiveFPBondFeaturizer),
        "weave": (utils.WeaveAtomFeaturizer, utils.WeaveEdgeFeaturizer),
    }[name]
    return atoms("feat"), bonds("feat")
