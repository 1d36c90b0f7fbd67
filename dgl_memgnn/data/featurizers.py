"""Molecular graphs from SMILES, with the atom and bond features of four publications."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import dgl
import torch
from torch import Tensor

if TYPE_CHECKING:
    from rdkit.Chem import Mol


class MoleculeError(ValueError):
    """A molecule that cannot become a graph; the message is the reason, as ``"kind: details"``."""


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
    complete_graph : bool
        Whether each atom has an edge to every atom, itself included, in place of an edge in each direction
        of every bond. Default: False.
    """

    name: str
    node_feats: int
    edge_feats: int
    complete_graph: bool = False


FEATURIZERS_VERSION = 1  # to be counted up when a featurizer of the same name gives other numbers

FEATURIZERS = {
    spec.name: spec
    for spec in (
        Featurizer("canonical", 74, 12),
        Featurizer("attentivefp", 39, 10),
        Featurizer("weave", 27, 12, complete_graph=True),
        Featurizer("memgnn", 32, 7),
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
    Featurizer(name='memgnn', node_feats=32, edge_feats=7, complete_graph=False)
    """
    if name not in FEATURIZERS:
        raise ValueError(f"Unknown featurizer {name!r}: choose one of {', '.join(FEATURIZERS)}.")
    return FEATURIZERS[name]


def smiles_to_graph(smiles: str, featurizer: str | Featurizer = "canonical") -> dgl.DGLGraph:
    r"""Graph of a molecule.

    Node :math:`i` is atom :math:`i` of ``rdkit.Chem.MolFromSmiles(smiles)``. White space around the SMILES is
    ignored.

    Parameters
    ----------
    smiles : str
    featurizer : str or Featurizer
        See :func:`featurizer`. Default: ``"canonical"``.

    Returns
    -------
    DGLGraph
        With ``ndata["feat"]`` of shape :math:`(N, \mathrm{node\_feats})` and ``edata["feat"]`` of shape
        :math:`(E, \mathrm{edge\_feats})`, both float32; ids are int64.

    Raises
    ------
    MoleculeError
        If ``smiles`` is not a string, is empty or is not understood by rdkit, or if a feature is not finite.

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
    dgl_memgnn.data.featurizers.MoleculeError: invalid SMILES: Explicit valence for atom # 1 C, 5, is ...
    """
    from dgllife.utils import mol_to_bigraph, mol_to_complete_graph
    from rdkit.rdBase import BlockLogs

    spec = featurizer if isinstance(featurizer, Featurizer) else _featurizer(featurizer)
    to_graph = partial(mol_to_complete_graph, add_self_loop=True) if spec.complete_graph else mol_to_bigraph
    atoms, bonds = _functions(spec.name)
    with BlockLogs():
        graph = to_graph(
            parse_smiles(smiles), node_featurizer=atoms, edge_featurizer=bonds, canonical_atom_order=False
        ).long()
    if not graph.num_edges():
        graph.edata["feat"] = torch.zeros(0, spec.edge_feats)
    if not (graph.ndata["feat"].isfinite().all() and graph.edata["feat"].isfinite().all()):
        raise MoleculeError(f"features that are not finite: {smiles}")
    return graph


def parse_smiles(smiles: str) -> Mol:
    """Molecule of a SMILES, without a word on the standard error stream.

    Parameters
    ----------
    smiles : str

    Returns
    -------
    rdkit.Chem.Mol

    Raises
    ------
    MoleculeError
        If ``smiles`` is not a string, is empty or is not understood by rdkit.

    Examples
    --------
    >>> parse_smiles(" CCO ").GetNumAtoms()
    3
    >>> parse_smiles("C1CC")
    Traceback (most recent call last):
    ...
    dgl_memgnn.data.featurizers.MoleculeError: invalid SMILES: syntax error in 'C1CC'
    """
    from rdkit import Chem
    from rdkit.rdBase import BlockLogs

    if not isinstance(smiles, str):
        raise MoleculeError(f"not a string: {smiles!r}")
    smiles = smiles.strip()
    if not smiles:
        raise MoleculeError("empty SMILES")
    if len(smiles.split()) > 1:  # rdkit would read the first word only
        raise MoleculeError(f"invalid SMILES: white space within {smiles!r}")
    if not smiles.isascii():
        raise MoleculeError(f"invalid SMILES: {smiles!r} has characters that are not ASCII")
    with BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            unchecked = Chem.MolFromSmiles(smiles, sanitize=False)
            problems = Chem.DetectChemistryProblems(unchecked) if unchecked else []
            reason = problems[0].Message() if problems else f"syntax error in {smiles!r}"
            raise MoleculeError(f"invalid SMILES: {reason}")
    return molecule


_featurizer = featurizer  # smiles_to_graph has an argument of the same name


@cache
def _functions(name: str) -> tuple[Callable[..., dict[str, Tensor]], Callable[..., dict[str, Tensor]]]:
    """dgllife's callables for atoms and for bonds (or pairs of atoms)."""
    from dgllife import utils

    if name == "memgnn":
        atoms = [
            partial(
                utils.atom_type_one_hot,
                allowable_set=[
                    "B",
                    "C",
                    "N",
                    "O",
                    "F",
                    "Si",
                    "P",
                    "S",
                    "Cl",
                    "As",
                    "Se",
                    "Br",
                    "Te",
                    "I",
                    "At",
                ],
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
