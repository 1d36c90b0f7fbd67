"""Atom and bond features of four publications, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from torch import Tensor


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
