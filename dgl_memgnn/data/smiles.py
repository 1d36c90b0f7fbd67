"""Molecules from SMILES, whichever way these are written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rdkit.Chem import Mol

__all__ = ["Limits", "MoleculeError", "as_canonical", "canonical_smiles", "parse_smiles"]


class MoleculeError(ValueError):
    """A molecule that cannot become a graph; the message is the reason, as ``"kind: details"``."""


class Limits(NamedTuple):
    """The largest molecule that is read: beyond, rdkit may stall for minutes, or end the process

    Parameters
    ----------
    length : int
        Number of characters of its SMILES. Default: ``5000``.
    atoms : int
        Number of its atoms, hydrogens that are written as atoms included. Default: ``1000``.
    """

    length: int = 5000
    atoms: int = 1000


def parse_smiles(smiles: str, limits: Limits = Limits()) -> Mol:
    """Molecule of a SMILES, without a word on the standard error stream.

    Parameters
    ----------
    smiles : str
        White space around it is ignored. An extension, ``CCO |...|``, is read as rdkit reads it.
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.

    Returns
    -------
    rdkit.Chem.Mol

    Raises
    ------
    MoleculeError
        If ``smiles`` is not a string, is empty, is beyond the limits, or is not understood by rdkit.

    Examples
    --------
    >>> parse_smiles(" CCO ").GetNumAtoms()
    3
    >>> parse_smiles("C1CC")
    Traceback (most recent call last):
    ...
    dgl_memgnn.data.smiles.MoleculeError: invalid SMILES: syntax error in 'C1CC'
    """
    from rdkit import Chem
    from rdkit.rdBase import BlockLogs

    if not isinstance(smiles, str):
        raise MoleculeError(f"not a string: {smiles!r}")
    smiles = smiles.strip()
    if not smiles:
        raise MoleculeError("empty SMILES")
    if len(smiles) > limits.length:
        raise MoleculeError(
            f"SMILES too long: {len(smiles)} characters, more than {limits.length} (train's --max-smiles-length)"
        )
    _, *rest = smiles.split(maxsplit=1)
    if rest and not rest[0].startswith("|"):  # rdkit would read the first word only
        raise MoleculeError(f"invalid SMILES: white space within {smiles!r}")
    if not smiles.isascii():
        raise MoleculeError(f"invalid SMILES: {smiles!r} has characters that are not ASCII")
    with BlockLogs():
        if len(smiles) > limits.atoms:
            _check_size(Chem.MolFromSmiles(smiles, sanitize=False), limits)  # the rest may take minutes
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            unchecked = Chem.MolFromSmiles(smiles, sanitize=False)
            problems = Chem.DetectChemistryProblems(unchecked) if unchecked else []
            reason = problems[0].Message() if problems else f"syntax error in {smiles!r}"
            raise MoleculeError(f"invalid SMILES: {reason}")
    return molecule


def _check_size(molecule: Mol | None, limits: Limits) -> None:
    if molecule is not None and molecule.GetNumAtoms() > limits.atoms:
        raise MoleculeError(
            f"too many atoms: {molecule.GetNumAtoms()}, more than {limits.atoms} (train's --max-atoms)"
        )


def canonical_smiles(molecule: Mol, isomeric: bool = True) -> str:
    """Canonical SMILES of a molecule, without the numbers of atom maps.

    Parameters
    ----------
    molecule : rdkit.Chem.Mol
    isomeric : bool, optional
        Whether isomers and isotopes are told apart. Default: ``True``.

    Examples
    --------
    >>> molecule = parse_smiles("[CH3:2][13CH2:1][OH:7]")
    >>> canonical_smiles(molecule), canonical_smiles(molecule, isomeric=False)
    ('C[13CH2]O', 'CCO')
    """
    from rdkit import Chem

    smiles: str = Chem.MolToSmiles(molecule, isomericSmiles=isomeric)
    if ":" in smiles:  # an atom map, or an aromatic bond that is written out
        smiles = Chem.MolToSmiles(_without_maps(molecule), isomericSmiles=isomeric)
    return smiles


def as_canonical(molecule: Mol, smiles: str = "") -> tuple[Mol, Sequence[int]]:
    """A molecule as rdkit reads it from its canonical SMILES, so that nothing depends on how it was written.

    Parameters
    ----------
    molecule : rdkit.Chem.Mol
    smiles : str, optional
        What it was read from, which spares a second reading where it is canonical.

    Returns
    -------
    rdkit.Chem.Mol
        The molecule; where rdkit cannot read it again, as it was, without atom maps.
    sequence of int
        Which atom of ``molecule`` each of its atoms is.

    Examples
    --------
    >>> written, order = as_canonical(parse_smiles("[OH][CH2][CH3]"))
    >>> [atom.GetSymbol() for atom in written.GetAtoms()], list(order)
    (['C', 'C', 'O'], [2, 1, 0])
    """
    from rdkit import Chem
    from rdkit.rdBase import BlockLogs

    plain = molecule
    canonical = Chem.MolToSmiles(plain)
    if ":" in canonical:  # an atom map, or an aromatic bond that is written out
        plain = _without_maps(molecule)
        canonical = Chem.MolToSmiles(plain)
    if canonical != smiles:
        order = json.loads(plain.GetProp("_smilesAtomOutputOrder").replace(",]", "]"))
        with BlockLogs():
            written = Chem.MolFromSmiles(canonical)
        if written is not None and written.GetNumAtoms() == len(order):
            return written, order
    return plain, range(molecule.GetNumAtoms())


def _without_maps(molecule: Mol) -> Mol:
    from rdkit import Chem

    if not any(atom.GetAtomMapNum() for atom in molecule.GetAtoms()):
        return molecule
    plain = Chem.Mol(molecule)
    for atom in plain.GetAtoms():
        atom.SetAtomMapNum(0)
    return plain
