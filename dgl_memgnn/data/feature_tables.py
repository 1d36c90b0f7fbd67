"""Rows of atom and bond features, looked up by the properties that determine them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from rdkit.Chem import Atom, Bond, Mol

from dgl_memgnn.data.featurizers import Featurizer, dgllife_functions
from dgl_memgnn.data.smiles import as_canonical

__all__ = ["Encoded", "FeatureTables", "feature_tables"]


_NONMETALS = {"H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "As", "Se", "Br", "Te", "I"}


class _Kind(NamedTuple):
    """What the tables of a featurizer depend on.

    Parameters
    ----------
    chirality : bool
        Whether atoms differ by their chirality.
    direction : bool
        Whether bonds differ by their direction, in place of conjugation, rings and stereo.
    as_written : str
        Pattern of the SMILES whose molecules may be featurized as rdkit reads them, see
        :meth:`FeatureTables.encode`.
    """

    chirality: bool
    direction: bool
    as_written: str


# Letters, digits, brackets without an isotope or the number of an atom map, charges, single to triple bonds.
_PLAIN = r"(?:[A-Za-z0-9()=#+\-%.{}\]]|\[(?!\d))*"
_KINDS = {
    "canonical": _Kind(False, False, _PLAIN.format("@/\\\\")),
    "attentivefp": _Kind(True, False, _PLAIN.format("@/\\\\")),
    "memgnn": _Kind(False, True, _PLAIN.format("@")),
}


class Encoded(NamedTuple):
    """A molecule as numbers of rows of tables.

    Parameters
    ----------
    atoms, bonds : list of int
        The row of each atom and of each bond.
    begin, end : list of int
        The atoms of each bond.
    """

    atoms: list[int]
    bonds: list[int]
    begin: list[int]
    end: list[int]


class _Table:
    """Rows by properties, each computed when the properties first come up

    Parameters
    ----------
    width : int
        Number of features.
    """

    def __init__(self, width: int) -> None:
        self.rows = np.empty((0, width), np.float32)
        self._numbers: dict[tuple[Any, ...], int] = {}

    def look_up(self, properties: Iterable[tuple[Any, ...]], compute: Callable[[], np.ndarray]) -> list[int]:
        """Numbers of the rows of some properties; ``compute()`` are the rows of them all."""
        properties = list(properties)
        try:
            return [*map(self._numbers.__getitem__, properties)]
        except KeyError:
            for of_one, row in zip(properties, compute()):
                if of_one not in self._numbers:
                    self._numbers[of_one] = len(self.rows)
                    self.rows = np.concatenate([self.rows, row[None]])
        return [*map(self._numbers.__getitem__, properties)]


class FeatureTables:
    """Tables of the features of atoms and of bonds, which grow as new kinds of them come up

    A row is what dgllife computes for the first atom or bond of a kind, and serves all others of the kind.

    Parameters
    ----------
    spec : Featurizer
        One whose edges are bonds.
    """

    def __init__(self, spec: Featurizer) -> None:
        kind = self._kind = _KINDS[spec.name]
        self._may_stand_as_written = re.compile(kind.as_written).fullmatch
        self._features_of_atoms, self._features_of_bonds = dgllife_functions(spec.name)
        self._atoms, self._bonds = _Table(spec.node_feats), _Table(spec.edge_feats)
        self._rewritten: set[int] = set()  # kinds of atoms that the canonical SMILES writes in another way
        self._atom_properties = [
            Atom.GetAtomicNum,
            Atom.GetDegree,
            Atom.GetNumImplicitHs,
            Atom.GetTotalNumHs,
            Atom.GetFormalCharge,
            Atom.GetNumRadicalElectrons,
            Atom.GetHybridization,
            Atom.GetIsAromatic,
        ]
        self._bond_properties = [Bond.GetBondDir] if kind.direction else [Bond.GetIsConjugated, Bond.IsInRing]

    @property
    def atom_rows(self) -> np.ndarray:
        """Features of each kind of atom so far, of shape (K, D)."""
        return self._atoms.rows

    @property
    def bond_rows(self) -> np.ndarray:
        """Features of each kind of bond so far, of shape (K, D)."""
        return self._bonds.rows

    def encode(self, molecule: Mol, smiles: str) -> Encoded:
        """Rows of a molecule's atoms and bonds: those of its canonical SMILES, in the molecule's own order.

        Few molecules need be written and read again for that. What a SMILES without isotopes, atom maps and, for
        features that see it, the direction of bonds (as_written) decides of the features is which hydrogens stand
        in brackets, and of each atom rdkit tells whether it would write brackets.

        Parameters
        ----------
        molecule : rdkit.Chem.Mol
        smiles : str
            What it was read from, without white space around it.

        Returns
        -------
        Encoded
        """
        bonds = [*map(molecule.GetBondWithIdx, range(molecule.GetNumBonds()))]
        begin, end = [*map(Bond.GetBeginAtomIdx, bonds)], [*map(Bond.GetEndAtomIdx, bonds)]
        if self._may_stand_as_written(smiles):
            atoms = [*map(molecule.GetAtomWithIdx, range(molecule.GetNumAtoms()))]
            rows = self._encode_atoms(molecule, atoms, smiles)
            if self._rewritten.isdisjoint(rows):
                return Encoded(rows, self._encode_bonds(molecule, bonds, smiles), begin, end)
        written, order = as_canonical(molecule, smiles)
        place = [0] * len(order)
        for position, atom in enumerate(order):
            place[atom] = position
        atoms = [*map(written.GetAtomWithIdx, place)]
        bonds = [written.GetBondBetweenAtoms(place[u], place[v]) for u, v in zip(begin, end)]
        return Encoded(self._encode_atoms(written, atoms), self._encode_bonds(written, bonds), begin, end)

    def _encode_atoms(self, molecule: Mol, atoms: list[Atom], as_written: str | None = None) -> list[int]:
        """Rows of atoms of a molecule; as_written: the SMILES, if that need not be the canonical one."""
        columns: list[Iterable[Any]] = [map(property_of, atoms) for property_of in self._atom_properties]
        if self._kind.chirality:
            columns.append(map(Atom.HasProp, atoms, repeat("_ChiralityPossible")))
            if as_written is None or "@" in as_written:
                columns.append(map(_cip_code, atoms))
        if as_written is None:
            columns.append(repeat(None))  # kinds apart from those below, which tell whether they are rewritten
        elif "@" in as_written:
            columns.append(map(Atom.GetChiralTag, atoms))

        def compute() -> np.ndarray:
            rows: np.ndarray = self._features_of_atoms(molecule)["feat"].numpy()
            return rows[[atom.GetIdx() for atom in atoms]]

        num_known = len(self._atoms.rows)
        numbers = self._atoms.look_up(zip(*columns), compute)
        if as_written is not None and len(self._atoms.rows) > num_known:
            self._rewritten.update(
                number for number, atom in zip(numbers, atoms) if number >= num_known and _is_rewritten(atom)
            )
        return numbers

    def _encode_bonds(self, molecule: Mol, bonds: list[Bond], as_written: str | None = None) -> list[int]:
        columns: list[Iterable[Any]] = [map(property_of, bonds) for property_of in self._bond_properties]
        if as_written is None:
            columns += [map(Bond.GetBondType, bonds), map(Bond.GetStereo, bonds)]
        else:  # no metals, and so no dative bonds, which the number does not tell from single ones
            columns.append(map(Bond.GetBondTypeAsDouble, bonds))
            if "/" in as_written or "\\" in as_written:
                columns.append(map(Bond.GetStereo, bonds))

        def compute() -> np.ndarray:
            rows: np.ndarray = self._features_of_bonds(molecule)["feat"].numpy()
            return rows[[2 * bond.GetIdx() for bond in bonds]]

        return self._bonds.look_up(zip(*columns), compute)


def _cip_code(atom: Atom) -> str:
    return atom.GetProp("_CIPCode") if atom.HasProp("_CIPCode") else ""


def _is_rewritten(atom: Atom) -> bool:
    """Whether features may differ once the canonical SMILES is read: hydrogens move in or out of brackets."""
    in_brackets = atom.GetSmarts().startswith("[")
    implicit = 0 if in_brackets else atom.GetTotalNumHs()
    return atom.GetNumImplicitHs() != implicit or atom.GetSymbol() not in _NONMETALS


@cache
def feature_tables(spec: Featurizer) -> FeatureTables:
    """The tables of a featurizer that this process keeps."""
    return FeatureTables(spec)
