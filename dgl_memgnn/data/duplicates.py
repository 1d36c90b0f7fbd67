"""Molecules that stand in several rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from torch import Tensor

from dgl_memgnn.data.chunks import map_chunks
from dgl_memgnn.data.smiles import Limits, canonical_smiles, parse_smiles

_MANY = 40_000  # molecules that take several processes less time than one, their start included


class Duplicate(NamedTuple):
    """A molecule that stands in several rows.

    Parameters
    ----------
    smiles : str
        Its canonical SMILES.
    rows : list of int
        Its rows in the source.
    conflicts : list of str
        Tasks in which two of the rows have targets that differ.
    """

    smiles: str
    rows: list[int]
    conflicts: list[str]


def find_duplicates(
    smiles: Sequence[str],
    labels: Tensor,
    task_names: Sequence[str],
    rows: Sequence[int],
    limits: Limits = Limits(),
) -> list[Duplicate]:
    """Find the molecules that stand in several rows: those with the same canonical, isomeric SMILES.

    Numbers of atom maps do not tell molecules apart.

    Parameters
    ----------
    smiles : sequence of str
    labels : Tensor of shape (n, T) or (n,)
        NaN where missing; a missing target conflicts with none.
    task_names : sequence of str
    rows : sequence of int
        Number of each molecule in its source.
    limits : Limits, optional
        The largest molecule that is read. Default: ``Limits()``.

    Returns
    -------
    list of Duplicate
        In the order of their first rows.

    Raises
    ------
    MoleculeError
        If rdkit does not understand a SMILES.

    Examples
    --------
    >>> import torch
    >>> labels = torch.tensor([[1.5, 0.0], [2.0, 0.0], [1.5, 1.0]])
    >>> find_duplicates(["CCO", "N", "OCC"], labels, ["a", "b"], rows=[2, 3, 4])
    [Duplicate(smiles='CCO', rows=[2, 4], conflicts=['b'])]
    """
    rows = list(rows)  # a Series has an index of its own
    labels = (labels if labels.dim() == 2 else labels[:, None]).double()
    groups = defaultdict(list)
    pieces = map_chunks(partial(_canonical, limits=limits), list(smiles), _MANY, "Compare")
    for i, canonical in enumerate(chain.from_iterable(pieces)):
        groups[canonical].append(i)
    duplicates = []
    for canonical, members in groups.items():
        if len(members) > 1:
            low = labels[members].nan_to_num(float("inf")).amin(dim=0)
            high = labels[members].nan_to_num(-float("inf")).amax(dim=0)
            conflicts = [name for name, differs in zip(task_names, low < high) if differs]
            duplicates.append(Duplicate(canonical, [rows[i] for i in members], conflicts))
    return duplicates


def _canonical(smiles: list[str], limits: Limits) -> list[str]:
    return [canonical_smiles(parse_smiles(text, limits)) for text in smiles]
