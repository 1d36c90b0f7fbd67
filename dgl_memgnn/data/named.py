"""Data sets that go by a name."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import pandas as pd

from dgl_memgnn.data.dataset import GraphDataset
from dgl_memgnn.data.folder import find_file
from dgl_memgnn.data.molecule_csv import read_molecules
from dgl_memgnn.data.molecules import MoleculeDataset
from dgl_memgnn.data.tu import TU_DATASETS, TUDataset
from dgl_memgnn.tasks import Task

_URL = "https://deepchemdata.s3-us-west-1.amazonaws.com/datasets/"


@dataclass(frozen=True)
class _Source:
    """An original file of MoleculeNet."""

    file: str
    smiles: str
    tasks: tuple[str, ...]
    task_type: str
    md5: str | None = None


_MOLECULE_NET = {
    "ESOL": _Source(
        "delaney-processed.csv",
        "smiles",
        ("measured log solubility in mols per litre",),
        "regression",
        "0c90a51668d446b9e3ab77e67662bd1c",
    ),
    "Lipophilicity": _Source(
        "Lipophilicity.csv", "smiles", ("exp",), "regression", "85a0e1cb8b38b0dfc3f96ff47a57f0ab"
    ),
    "BACE": _Source("bace.csv", "mol", ("Class",), "binary", "ba7f8fa3fdf463a811fa7edea8c982c2"),
    "Tox21": _Source(
        "tox21.csv.gz",
        "smiles",
        (
            "NR-AR",
            "NR-AR-LBD",
            "NR-AhR",
            "NR-Aromatase",
            "NR-ER",
            "NR-ER-LBD",
            "NR-PPAR-gamma",
            "SR-ARE",
            "SR-ATAD5",
            "SR-HSE",
            "SR-MMP",
            "SR-p53",
        ),
        "binary",
    ),
}


class MoleculeNet(MoleculeDataset):
    """A data set of MoleculeNet, from its original file.

    Parameters
    ----------
    name : str
        ``"ESOL"``, ``"Lipophilicity"``, ``"BACE"`` or ``"Tox21"``.
    featurizer : str
        See :func:`dgl_memgnn.data.featurizer`. Default: ``"canonical"``.
    data_dir : str or Path, optional
        Data folder with ``molnet/delaney-processed.csv``, ``molnet/Lipophilicity.csv``, ``molnet/bace.csv``
        or ``molnet/tox21.csv.gz``; a file that is not there is downloaded. Default: the environment variable
        ``DGL_MEMGNN_DATA``.
    cache_dir : str or os.PathLike, optional
        Folder that keeps the graphs. Default: none.
    descriptors : bool, optional
        Whether rdkit's descriptors of the whole molecule come with each graph. Default: ``False``.

    Raises
    ------
    FileNotFoundError
        If the file is not in the data folder and cannot be downloaded.
    ValueError
        If the name is unknown or the file is not what it should be.

    Examples
    --------
    >>> MoleculeNet("QM10")
    Traceback (most recent call last):
    ...
    ValueError: Unknown MoleculeNet data set 'QM10': choose one of ESOL, Lipophilicity, BACE, Tox21.
    """

    task: Task

    def __init__(
        self,
        name: str,
        featurizer: str = "canonical",
        data_dir: str | os.PathLike[str] | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        descriptors: bool = False,
    ) -> None:
        if name not in _MOLECULE_NET:
            raise ValueError(f"Unknown MoleculeNet data set {name!r}: choose one of {', '.join(_MOLECULE_NET)}.")
        source = _MOLECULE_NET[name]
        path = find_file([f"molnet/{source.file}"], data_dir, _URL + source.file, source.md5)
        table = read_molecules(path, source.smiles, source.tasks)
        super().__init__(
            table.smiles,
            table.targets,
            featurizer,
            rows=table.rows,
            name=name,
            cache_dir=cache_dir,
            descriptors=descriptors,
            task_type=source.task_type,
        )
        self._task_report = f"Task: {self.task.describe()}."


class FreeWilson(MoleculeDataset):
    """1017 molecules with their measured activity (ChEMBL document 2321810), which are part of rdkit.

    One regression task, ``"Act"``; ``rows`` are lines of rdkit's file of SMILES, from 1.

    Parameters
    ----------
    featurizer : str
        See :func:`dgl_memgnn.data.featurizer`. Default: ``"canonical"``.
    cache_dir : str or os.PathLike, optional
        Folder that keeps the graphs. Default: none.
    descriptors : bool, optional
        Whether rdkit's descriptors of the whole molecule come with each graph. Default: ``False``.

    Raises
    ------
    FileNotFoundError
        If this rdkit was built without its ``Contrib`` folder.

    Examples
    --------
    >>> FreeWilson()
    FreeWilson("FreeWilson", num_graphs=1017, num_tasks=1, node_feats=74, edge_feats=12)
    """

    task: Task

    def __init__(
        self,
        featurizer: str = "canonical",
        cache_dir: str | os.PathLike[str] | None = None,
        descriptors: bool = False,
    ) -> None:
        from rdkit import RDConfig

        folder = os.path.join(RDConfig.RDContribDir, "FreeWilson", "data")
        smiles_file = os.path.join(folder, "CHEMBL2321810.smi")
        if not os.path.exists(smiles_file):
            raise FileNotFoundError(f"{smiles_file} not found: install rdkit from its wheel, which has it.")
        smiles = pd.read_csv(smiles_file, sep=" ", names=["smiles", "Name"])
        activity = pd.read_csv(os.path.join(folder, "CHEMBL2321810_act.csv"))
        table = smiles.merge(activity, how="left", on="Name", validate="one_to_one")
        rows = range(1, len(table) + 1)
        super().__init__(
            list(table["smiles"]),
            table["Act"],
            featurizer,
            ["Act"],
            list(rows),
            "FreeWilson",
            cache_dir,
            descriptors,
            "regression",
        )
        self._task_report = f"Task: {self.task.describe()}."


MOLECULE_DATASETS = ("FreeWilson", *_MOLECULE_NET)


def is_molecular(name: str) -> bool:
    """Whether a name is that of a data set of molecules; all other names are those of TU sets."""
    return name in MOLECULE_DATASETS


def load_named(
    name: str,
    featurizer: str = "canonical",
    data_dir: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    descriptors: bool = False,
    task_type: str | None = None,
    degree_features: Sequence[str] = ("log",),
) -> GraphDataset:
    """Data set by its name.

    Parameters
    ----------
    name : str
        ``"FreeWilson"``, a name that :class:`MoleculeNet` knows, or that of any set in TU's text format, see
        :class:`TUDataset`.
    featurizer : str
        Features of molecules, see :func:`dgl_memgnn.data.featurizer`. Default: ``"canonical"``.
    data_dir : str or Path, optional
        Data folder; FreeWilson needs none. Default: the environment variable ``DGL_MEMGNN_DATA``.
    cache_dir : str or os.PathLike, optional
        Folder that keeps the graphs of molecules. Default: none.
    descriptors : bool, optional
        Whether rdkit's descriptors of the whole molecule come with each graph. Default: ``False``.
    task_type : str, optional
        Kind of task of a TU set, see :class:`TUDataset`; that of molecules is known. Default: from its files.
    degree_features : sequence of str, optional
        Node features of a TU set that has none, see :class:`TUDataset`. Default: ``("log",)``.

    Returns
    -------
    GraphDataset

    Raises
    ------
    ValueError
        If the name cannot be that of a data set, or another kind of task is asked for than it has.
    FileNotFoundError
        If the files are not in the data folder and cannot be downloaded.

    Examples
    --------
    >>> load_named("FreeWilson", "memgnn").task.names
    ['Act']
    """
    if not is_molecular(name):
        if not re.fullmatch(r"\w[\w.+-]*", name):
            raise ValueError(f"{name!r} is no name of a data set: names hold letters, digits and - _ . + only.")
        try:
            return TUDataset(name, data_dir, task_type=task_type, degree_features=degree_features)
        except FileNotFoundError as error:
            close = get_close_matches(name, (*MOLECULE_DATASETS, *TU_DATASETS), n=1)
            hint = f" Did you mean {close[0]}?" if close and close[0] != name else ""
            raise FileNotFoundError(f"{error}{hint}") from None
    dataset: FreeWilson | MoleculeNet
    if name == "FreeWilson":
        dataset = FreeWilson(featurizer, cache_dir, descriptors)
    else:
        dataset = MoleculeNet(name, featurizer, data_dir, cache_dir, descriptors)
    if task_type not in (None, dataset.task.task_type):
        raise ValueError(f"{name} is a task of type {dataset.task.task_type}, not {task_type}: leave it out.")
    return dataset
