"""Functional groups of atoms, and which of them keys stand for."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["PAPER_GROUPS", "functional_groups", "group_enrichment", "group_labels", "group_members"]

PAPER_GROUPS = {
    "hydroxyl OH": "[OX2H;!$(O-C=O)]",
    "carboxyl COOH": "[CX3](=O)[OX2H1,OX1-]",
    "carbonyl CO": "[#6;X3]=[OX1]",
    "trichloromethyl CCl3": "[CX4](Cl)(Cl)Cl",
    "benzene ring": "c1ccccc1",
}
"""The groups that the paper's pictures show, as SMARTS."""

# of rdkit's fragments, skeletons and sites of metabolism
_NO_GROUPS = ("fr_allylic_oxid", "fr_aryl_methyl", "fr_bicyclic", "fr_para_hydroxylation", "fr_unbrch_alkane")
_RENAMED = {  # those that rdkit calls amines, and that nitriles, nitro groups and amides have too
    "fr_NH0": "nitrogens without hydrogen",
    "fr_NH1": "nitrogens with one hydrogen",
    "fr_NH2": "nitrogens with two hydrogens",
}


@cache
def functional_groups() -> dict[str, Any]:
    """The groups that are looked for: those that the paper names, then the fragments that come with rdkit.

    Returns
    -------
    dict
        Names, and patterns of rdkit. A group's atoms are all that its pattern matches.

    Examples
    --------
    >>> groups = functional_groups()
    >>> list(groups)[:2], "nitriles" in groups
    (['hydroxyl OH', 'carboxyl COOH'], True)
    """
    from rdkit import Chem, RDConfig

    smarts = dict(PAPER_GROUPS)
    with Path(RDConfig.RDDataDir, "FragmentDescriptors.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file, delimiter="\t"):
            if len(row) > 2 and row[0].startswith("fr_") and row[0] not in _NO_GROUPS:
                name = _RENAMED.get(row[0], row[1].removeprefix("Number of ").strip())
                smarts.setdefault(name, row[2])
    patterns = {name: Chem.MolFromSmarts(text) for name, text in smarts.items()}
    return {name: pattern for name, pattern in patterns.items() if pattern is not None}


def group_members(molecules: Sequence[Any]) -> pd.DataFrame:
    """Which atoms of molecules are in which functional groups.

    Parameters
    ----------
    molecules : sequence of rdkit.Chem.Mol
        The molecules.

    Returns
    -------
    pandas.DataFrame
        A row an atom, molecule after molecule, and a column of bool a group. Groups without an atom are left out,
        and so is a group that has the very atoms of one before it.

    Examples
    --------
    >>> from rdkit import Chem
    >>> members = group_members([Chem.MolFromSmiles("CO"), Chem.MolFromSmiles("N#C")])
    >>> members["hydroxyl OH"].tolist(), members["nitriles"].tolist()
    ([False, True, False, False], [False, False, True, True])
    """
    sizes = [molecule.GetNumAtoms() for molecule in molecules]
    first = np.cumsum([0, *sizes])
    columns: dict[str, np.ndarray] = {}
    seen = set()
    for name, pattern in functional_groups().items():
        column = np.zeros(first[-1], dtype=bool)
        for start, molecule in zip(first, molecules):
            for match in molecule.GetSubstructMatches(pattern):
                column[[start + atom for atom in match]] = True
        if column.any() and column.tobytes() not in seen:
            columns[name] = column
            seen.add(column.tobytes())
    return pd.DataFrame(columns, index=range(first[-1]))


def group_labels(members: pd.DataFrame) -> np.ndarray:
    """One group an atom: of those that it is in, the one with the fewest atoms; ``"none"`` if it is in none.

    Parameters
    ----------
    members : pandas.DataFrame
        What :func:`group_members` has found.

    Returns
    -------
    ndarray of str
    """
    labels = np.full(len(members), "none", dtype=object)
    by_size = members.sum().sort_values(ascending=False, kind="stable").index
    for name in by_size:
        labels[members[name].to_numpy()] = name
    return labels.astype(str)


def group_enrichment(keys: np.ndarray, members: pd.DataFrame) -> pd.DataFrame:
    r"""Which functional groups the atoms of each key are enriched in.

    Of an atom it is asked whether it belongs to the key, and whether to the group:

    .. math::
        \mathrm{odds\ ratio} = \frac{n_{11} n_{00}}{n_{10} n_{01}}

    with Fisher's exact test, one-sided, on the four counts, corrected over all pairs of key and group by Benjamini
    and Hochberg's procedure. The test takes atoms for independent, which those of one molecule are not: read
    p-values as an order, and the coverages for how much of the one is the other.

    Parameters
    ----------
    keys : ndarray of int of shape (n,)
        The key of each atom.
    members : pandas.DataFrame
        What :func:`group_members` has found for the atoms.

    Returns
    -------
    pandas.DataFrame
        A row for each pair of a key with atoms and a group: ``key``, ``group``, ``atoms`` in both, ``key_atoms``,
        ``group_atoms``, ``odds_ratio``, ``p_value``, ``p_corrected``; ``key_in_group``, the part of the key's
        atoms that are in the group; ``group_in_key``, the part of the group's that are the key's; and ``overlap``,
        the atoms in both by those in either. By key, the largest overlap first.

    Examples
    --------
    >>> members = pd.DataFrame({"nitriles": [True, True, False, False]})
    >>> group_enrichment(np.array([5, 5, 0, 0]), members)[["key", "atoms", "odds_ratio", "overlap"]]
       key  atoms  odds_ratio  overlap
    0    0      0         0.0      0.0
    1    5      2         inf      1.0
    """
    from scipy.stats import false_discovery_control, fisher_exact

    rows = []
    for key in np.unique(keys):
        of_key = keys == key
        for name in members.columns:
            of_group = members[name].to_numpy()
            both, key_atoms, group_atoms = (int(each.sum()) for each in (of_key & of_group, of_key, of_group))
            neither = len(keys) - key_atoms - group_atoms + both
            counts = [[both, key_atoms - both], [group_atoms - both, neither]]
            ratio, p_value = fisher_exact(counts, alternative="greater")
            rows.append(
                {
                    "key": int(key),
                    "group": name,
                    "atoms": both,
                    "key_atoms": key_atoms,
                    "group_atoms": group_atoms,
                    "odds_ratio": float(ratio),
                    "p_value": float(p_value),
                    "key_in_group": both / key_atoms,
                    "group_in_key": both / group_atoms,
                    "overlap": both / (key_atoms + group_atoms - both),
                }
            )
    table = pd.DataFrame(rows, columns=_COLUMNS)
    if rows:
        table.insert(7, "p_corrected", false_discovery_control(table["p_value"]))
    return table.sort_values(["key", "overlap"], ascending=[True, False], kind="stable", ignore_index=True)


_COLUMNS = "key group atoms key_atoms group_atoms odds_ratio p_value key_in_group group_in_key overlap".split()
