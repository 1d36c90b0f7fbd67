"""Predictions of stored runs for new molecules."""

import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from dgl_memgnn.config import load_config
from dgl_memgnn.data import MoleculeError, iterate_molecules, smiles_to_descriptors, smiles_to_graph
from dgl_memgnn.evaluation.assembly import build_model, embedding, model_inputs
from dgl_memgnn.files import replacing
from dgl_memgnn.training import BinaryTasks, Regression, load_checkpoint, predict
from dgl_memgnn.transforms import embed

__all__ = ["PredictionCounts", "Predictor"]

_LISTED_FAILURES = 5


class PredictionCounts(NamedTuple):
    """What :meth:`Predictor.predict_csv` has written.

    Parameters
    ----------
    total : int
        Number of molecules.
    failed : int
        How many of them could not be predicted.
    first_failures : list of (int, str)
        Line of the source and reason of the first of those.
    """

    total: int
    failed: int
    first_failures: list


class Predictor:
    r"""A trained network, or several with the mean of their predictions, loaded from the folder of the runs

    Parameters
    ----------
    run : str or os.PathLike
        A folder that ``dgl-memgnn train`` or ``dgl-memgnn benchmark`` filled: of a run, or of the folders of
        finished runs that agree in tasks and features.

    Attributes
    ----------
    names : list of str
        Names of the folders of the runs.
    task_names : list of str
        Names of the tasks.

    Raises
    ------
    FileNotFoundError
        If the folder holds no checkpoint, or a run in it is not finished.
    ValueError
        If a checkpoint is damaged or of a network for graphs other than molecules, or runs do not agree.
    """

    def __init__(self, run):
        folders = _run_folders(Path(run))
        self.names = [folder.name for folder in folders]
        self._members = [_Member(folder) for folder in folders]
        first = self._members[0]
        for member, folder in zip(self._members, folders):
            for what, value in member.contract.items():
                if value != first.contract[what]:
                    raise ValueError(
                        f"{folders[0]} and {folder} differ in {what}, {first.contract[what]!r} and "
                        f"{value!r}, so there is no mean of their predictions: give one of them."
                    )
        self.config, self.task_names = first.config, first.task_names
        self._descriptor_names = first.descriptor_names

    def predict(self, smiles):
        """Predict for molecules.

        Parameters
        ----------
        smiles : sequence of str
            SMILES of the molecules.

        Returns
        -------
        pandas.DataFrame
            A row a molecule, in their order; a column a task, holding the target in its unit or the
            probability of class 1; and ``reason``, why a molecule could not be predicted, empty if it could.
            Of several runs, a task's column holds the mean, and the next one, ``<task>_std``, the standard
            deviation over the runs.
        """
        smiles = list(smiles)
        graphs, kept, reasons = [], [], []
        for row, text in enumerate(smiles):
            try:
                graphs.append(smiles_to_graph(text, self.config.data.featurizer))
                kept.append(row)
                reasons.append("")
            except MoleculeError as error:
                reasons.append(str(error))
        values = np.full((len(self._members), len(reasons), len(self.task_names)), np.nan, dtype=np.float32)
        if graphs:
            if any(member.config.model.network == "GMN" for member in self._members):
                embed(graphs, embedding(self.config))
            descriptors = None
            if self._descriptor_names:
                descriptors = smiles_to_descriptors([smiles[row] for row in kept], self._descriptor_names)
            values[:, kept] = [member.predict(graphs, descriptors) for member in self._members]
        table = {}
        for name, mean, std in zip(self.task_names, values.mean(axis=0).T, values.std(axis=0).T):
            table[name] = mean
            if len(self._members) > 1:
                table[f"{name}_std"] = std
        return pd.DataFrame({**table, "reason": reasons})

    def predict_csv(self, source, target, smiles_column=None, chunk_size=1000, progress=True):
        """Predict for a CSV file of molecules of any size, a piece at a time.

        Parameters
        ----------
        source : str or os.PathLike
            A CSV file with a column of SMILES, compressed if its name ends in ``.gz``. It is checked to the
            end before the first prediction.
        target : str or os.PathLike
            The CSV file to write, compressed if its name ends in ``.gz``: SMILES, then the columns of
            :meth:`predict`, row by row as in ``source``. It is written whole or not at all.
        smiles_column : str, optional
            The column of SMILES. Default: that of the training data.
        chunk_size : int, optional
            Number of molecules held in memory. Default: ``1000``.
        progress : bool, optional
            Whether to show a progress bar. Default: ``True``.

        Returns
        -------
        PredictionCounts

        Raises
        ------
        ValueError
            If the source is no readable CSV or lacks the column, if that is the name of a column of
            predictions, or if the target is the source.
        FileNotFoundError
            If there is no source, or no folder for the target.
        """
        column = smiles_column or self.config.data.smiles_column
        source, target = Path(source), Path(target)
        _check_target(source, target)
        if column in self.predict([]):
            raise ValueError(
                f"The column of SMILES must not be called {column!r}, as one of the predictions is: "
                f"rename it in {source}."
            )
        total = sum(len(table.smiles) for table in iterate_molecules(source, column))
        failed, first_failures = 0, []
        open_text = gzip.open if target.suffix == ".gz" else open
        with (
            replacing(target) as unfinished,
            open_text(unfinished, "wt", newline="", encoding="utf-8") as file,
            tqdm(total=total, unit="molecule", disable=not progress) as bar,
        ):
            for i, molecules in enumerate(iterate_molecules(source, column, chunk_size=chunk_size)):
                table = self.predict(molecules.smiles)
                table.insert(0, column, molecules.smiles)
                table.to_csv(file, index=False, header=i == 0)
                failures = [(line, reason) for line, reason in zip(molecules.rows, table["reason"]) if reason]
                failed += len(failures)
                first_failures += failures[: _LISTED_FAILURES - len(first_failures)]
                bar.update(len(table))
        return PredictionCounts(total, failed, first_failures)


class _Member:
    """The network of one run."""

    def __init__(self, folder):
        path = folder / "checkpoint.pt"
        content = load_checkpoint(path)
        try:
            self._assemble(content)
        except (AttributeError, KeyError, RuntimeError, TypeError) as error:
            problem = str(error).partition("\n")[0]
            raise ValueError(
                f"{path} does not hold a whole network ({problem}). Train again, or restore the file."
            ) from error
        if content["task"] == "classification":
            raise ValueError(f"{folder} was trained on {self.config.data.dataset}, not on molecules.")

    def _assemble(self, content):
        self.config = load_config(
            overrides={key: value for section in content["config"].values() for key, value in section.items()}
        )
        self.task_names = content["task_names"]
        self.descriptor_names = content["descriptor_names"]
        data = self.config.data
        self.contract = {
            "tasks": self.task_names,
            "kind of task": content["task"],
            "featurizer": data.featurizer,
            "embedding": (data.embedding, data.embedding_width),
            "descriptors": self.descriptor_names,
        }
        self.model = build_model(self.config, **content["sizes"])
        self.model.load_state_dict(content["model"])
        self.objective = Regression(**content["objective"]) if content["task"] == "regression" else BinaryTasks()

    def predict(self, graphs, descriptors):
        inputs = model_inputs(self.config)
        return predict(self.model, self.objective, inputs, graphs, descriptors=descriptors).numpy()


def _run_folders(run):
    """The folder itself if it is of a run, otherwise those of the finished runs in it."""
    if (run / "checkpoint.pt").is_file():
        return [run]
    folders = sorted(path.parent for path in run.glob("*/config.yaml"))
    for folder in folders:
        if not ((folder / "checkpoint.pt").is_file() and (folder / "metrics.json").is_file()):
            raise FileNotFoundError(f"{folder} is not finished. Finish it (dgl-memgnn benchmark), or remove it.")
    if not folders:
        raise FileNotFoundError(
            f"{run} holds no checkpoint.pt, nor do its folders. Give the folder of a finished run, or of several."
        )
    return folders


def _check_target(source, target):
    """Refuse a file that could not be written in the end, or should not."""
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {target.parent} to write {target.name} in.")
    if target.is_dir():
        raise ValueError(f"{target} is a folder: give a file to write.")
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f"{target} would replace the file of molecules: give another file to write.")
