"""Data sets of molecules that go by a name."""

import os
from dataclasses import dataclass

import pandas as pd

from dgl_memgnn.data.folder import find_file
from dgl_memgnn.data.molecule_csv import read_molecules
from dgl_memgnn.data.molecules import MoleculeDataset

_URL = "https://deepchemdata.s3-us-west-1.amazonaws.com/datasets/"


@dataclass(frozen=True)
class _Source:
    """An original file of MoleculeNet."""

    file: str
    smiles: str
    tasks: tuple
    task: str
    md5: str = None


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

    Attributes
    ----------
    task : str
        ``"regression"`` or ``"binary"``. All others are those of :class:`MoleculeDataset`.

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

    def __init__(self, name, featurizer="canonical", data_dir=None, cache_dir=None, descriptors=False):
        if name not in _MOLECULE_NET:
            raise ValueError(f"Unknown MoleculeNet data set {name!r}: choose one of {', '.join(_MOLECULE_NET)}.")
        source = _MOLECULE_NET[name]
        self.task = source.task
        path = find_file([f"molnet/{source.file}"], data_dir, _URL + source.file, source.md5)
        table = read_molecules(path, source.smiles, source.tasks)
        super().__init__(
            table.smiles, table.labels, featurizer, source.tasks, table.rows, name, cache_dir, descriptors
        )


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

    Attributes
    ----------
    task : str
        ``"regression"``. All others are those of :class:`MoleculeDataset`.

    Raises
    ------
    FileNotFoundError
        If this rdkit was built without its ``Contrib`` folder.

    Examples
    --------
    >>> FreeWilson()
    FreeWilson("FreeWilson", num_graphs=1017, num_tasks=1, node_feats=74, edge_feats=12)
    """

    task = "regression"

    def __init__(self, featurizer="canonical", cache_dir=None, descriptors=False):
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
            table["smiles"], table["Act"], featurizer, ["Act"], rows, "FreeWilson", cache_dir, descriptors
        )


MOLECULE_DATASETS = ("FreeWilson", *_MOLECULE_NET)


def load_molecules(name, featurizer="canonical", data_dir=None, cache_dir=None, descriptors=False):
    """Data set of molecules by its name.

    Parameters
    ----------
    name : str
        ``"FreeWilson"`` or a name that :class:`MoleculeNet` knows.
    featurizer : str
        See :func:`dgl_memgnn.data.featurizer`. Default: ``"canonical"``.
    data_dir : str or Path, optional
        Data folder; FreeWilson needs none. Default: the environment variable ``DGL_MEMGNN_DATA``.
    cache_dir : str or os.PathLike, optional
        Folder that keeps the graphs. Default: none.
    descriptors : bool, optional
        Whether rdkit's descriptors of the whole molecule come with each graph. Default: ``False``.

    Returns
    -------
    MoleculeDataset
        With an attribute ``task``, ``"regression"`` or ``"binary"``.

    Raises
    ------
    ValueError
        If the name is unknown.
    FileNotFoundError
        If the file is not in the data folder and cannot be downloaded.

    Examples
    --------
    >>> load_molecules("FreeWilson", "memgnn").task
    'regression'
    """
    if name not in MOLECULE_DATASETS:
        raise ValueError(f"Unknown data set of molecules {name!r}: choose one of {', '.join(MOLECULE_DATASETS)}.")
    if name == "FreeWilson":
        return FreeWilson(featurizer, cache_dir, descriptors)
    return MoleculeNet(name, featurizer, data_dir, cache_dir, descriptors)
