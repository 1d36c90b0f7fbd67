"""Predictions of a stored run for new molecules."""
from pathlib import Path

import numpy as np
import pandas as pd

from dgl_memgnn.config import load_config
from dgl_memgnn.data import MoleculeError, read_molecules, smiles_to_graph
from dgl_memgnn.evaluation.assembly import build_model, embedding, model_inputs
from dgl_memgnn.training import BinaryTasks, Regression, load_checkpoint, predict
from dgl_memgnn.transforms import embed

__all__ = ["Predictor"]

class Predictor:
    r"""A trained network, loaded from the folder of its run

    Parameters
    ----------
    run : str or os.PathLike
        A folder that ``dgl-memgnn train`` filled.

    Raises
    ------
    FileNotFoundError
        If the folder holds no checkpoint.
    ValueError
        If the checkpoint is damaged, or of a network for graphs other than molecules.
    """

    def __init__(self, run):
        path = Path(run) / "checkpoint.pt"
        if not path.is_file():
            raise FileNotFoundError(f"{run} holds no checkpoint.pt. Give the folder of a finished run.")
        content = load_checkpoint(path)
        try:
            self._assemble(content)
        except (AttributeError, KeyError, RuntimeError, TypeError) as error:
            problem = str(error).partition("\n")[0]
            raise ValueError(f"{path} does not hold a whole network ({problem}). Train again, or restore the "
                             "file.") from error
        if content["task"] == "classification":
            raise ValueError(f"{run} was trained on {self.config.data.dataset}, not on molecules.")

    def _assemble(self, content):
        self.config = load_config(overrides={
            key: value for section in content["config"].values() for key, value in section.items()
        })
        self.task_names = content["task_names"]
        self.model = build_model(self.config, **content["sizes"])
        self.model.load_state_dict(content["model"])
        if content["task"] == "regression":
            self.objective = Regression(**content["objective"])
        else:
            self.objective = BinaryTasks()

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
        """
        graphs, kept, reasons = [], [], []
        for row, text in enumerate(smiles):
            try:
                graphs.append(smiles_to_graph(text, self.config.data.featurizer))
                kept.append(row)
                reasons.append("")
            except MoleculeError as error:
                reasons.append(str(error))
        values = np.full((len(reasons), len(self.task_names)), np.nan, dtype=np.float32)
        if self.config.model.network == "GMN":
            embed(graphs, embedding(self.config))
        if graphs:
            values[kept] = predict(self.model, self.objective, model_inputs(self.config), graphs).numpy()
        return pd.DataFrame(values, columns=self.task_names).assign(reason=reasons)

    def predict_csv(self, source, target, smiles_column=None):
        """Predict for a CSV file of molecules.

        Parameters
        ----------
        source : str or os.PathLike
            A CSV file with a column of SMILES.
        target : str or os.PathLike
            The CSV file to write: SMILES, a column a task, and ``reason``, row by row as in ``source``.
        smiles_column : str, optional
            The column of SMILES. Default: that of the training data.

        Returns
        -------
        pandas.DataFrame
            What was written.
        """
        column = smiles_column or self.config.data.smiles_column
        smiles = read_molecules(source, column).smiles
        table = self.predict(smiles)
        table.insert(0, column, smiles)
        table.to_csv(target, index=False)
        return table
