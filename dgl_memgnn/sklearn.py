"""scikit-learn's estimators of SMILES: :class:`MemGNNRegressor` and :class:`MemGNNClassifier`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    RegressorMixin,
    TransformerMixin,
)
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from dgl_memgnn.config import Config, DataConfig, ModelConfig, TrainingConfig, check_together, start_from_weights
from dgl_memgnn.data import MoleculeDataset, check_stratifiable, random_split, stratified_split
from dgl_memgnn.runs.assembly import assemble
from dgl_memgnn.runs.parts import task_of
from dgl_memgnn.runs.prediction import Predictor
from dgl_memgnn.runs.stored import StoredNetwork, network_content

__all__ = ["MemGNNClassifier", "MemGNNRegressor"]

_LISTED = 5
_SOURCE = "molecules given to fit"  # stands for a file in the configuration of a network
_SECTIONS: dict[str, Any] = {"data": DataConfig, "model": ModelConfig, "training": TrainingConfig}


class _MemGNNEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """What both estimators share: training of one network or several, embeddings, storage."""

    _task_types: tuple[str, ...]  # that it is for; the first is what it learns unless asked otherwise

    def __init__(
        self,
        *,
        network: str = "MemGNN",
        hidden_feats: int = 128,
        num_layers: int = 3,
        num_keys: Sequence[int] = (32, 1),
        num_heads: int = 5,
        readout: str = "memory",
        edge_message: bool = True,
        update: str = "gru",
        log_scores: bool = True,
        topology: bool = False,
        pretrained: str = "molecules",
        dropout: float = 0.1,
        featurizer: str = "canonical",
        descriptors: bool = False,
        epochs: int | None = None,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        decay: str = "cosine",
        weight_average: float = 0.99,
        weight_decay: float = 0.0,
        clustering_period: int = 5,
        validation_fraction: float = 0.1,
        ensemble_size: int = 1,
        device: str = "cpu",
        cache_dir: str | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.network = network
        self.hidden_feats = hidden_feats
        self.num_layers = num_layers
        self.num_keys = num_keys
        self.num_heads = num_heads
        self.readout = readout
        self.edge_message = edge_message
        self.update = update
        self.log_scores = log_scores
        self.topology = topology
        self.pretrained = pretrained
        self.dropout = dropout
        self.featurizer = featurizer
        self.descriptors = descriptors
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.decay = decay
        self.weight_average = weight_average
        self.weight_decay = weight_decay
        self.clustering_period = clustering_period
        self.validation_fraction = validation_fraction
        self.ensemble_size = ensemble_size
        self.device = device
        self.cache_dir = cache_dir
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = tags.input_tags.string = True
        tags.non_deterministic = False
        return tags

    @classmethod
    def from_run(cls, run: str | PathLike[str]) -> Any:
        """The estimator of a run folder, or of a folder of several runs, fitted.

        It predicts as the run does. Fitted anew, it learns by its parameters: options of the run that are none of
        them, such as ``tau``, have their defaults then.

        Parameters
        ----------
        run : str or os.PathLike
            A folder that ``dgl-memgnn train`` or ``dgl-memgnn benchmark`` filled.

        Returns
        -------
        MemGNNRegressor or MemGNNClassifier

        Raises
        ------
        FileNotFoundError, ValueError
            As :class:`dgl_memgnn.runs.Predictor`; and if the run is of another kind of task, or takes measured
            properties beside the molecules.
        """
        predictor = Predictor(run)
        if predictor.property_names:
            raise ValueError(
                f"{Path(run)} takes {predictor.property_names} beside the molecules, which an estimator of SMILES "
                "cannot: predict with dgl_memgnn.runs.Predictor."
            )
        estimator = cls()
        config = predictor.config
        values = {**vars(config.data), **vars(config.model), **vars(config.training)}
        known = {name: values[name] for name in estimator.get_params() if name in values}
        estimator.set_params(**known, random_state=values["seed"], ensemble_size=len(predictor.names))
        estimator._take(predictor, str(run))
        return estimator

    @property
    def _task_type(self) -> str:
        """The kind of task that fit poses."""
        return self._task_types[0]

    def _take(self, predictor: Predictor, source: str) -> None:
        """Become the estimator of stored networks."""
        task = predictor.task
        if task.task_type not in self._task_types:
            raise ValueError(f"{source} is of {task.describe()}, which {type(self).__name__} is not for.")
        self._contents = [network.content for network in predictor.networks]
        self._predictor_ = predictor
        self.n_outputs_ = len(task.names)

    def _fit(self, X: Any, labels: np.ndarray, sample_weight: Any, class_balance: bool = False) -> Any:
        """Train on labels of shape (n, T)."""
        smiles = _smiles(X)
        if len(labels) != len(smiles):
            raise ValueError(f"y has {len(labels)} rows for {len(smiles)} SMILES in X.")
        if self.ensemble_size < 1:
            raise ValueError(f"ensemble_size must be at least 1, got {self.ensemble_size}.")
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=self.ensemble_size)
        names = [f"y{i}" for i in range(labels.shape[1])]
        configs = [self._config(seed, names, class_balance) for seed in seeds.tolist()]
        dataset = MoleculeDataset(
            smiles,
            labels,
            configs[0].data.featurizer,
            names,
            cache_dir=self.cache_dir,
            descriptors=self.descriptors,
            task_type=self._task_type,
            weights=None if sample_weight is None else _weights(sample_weight, len(smiles)),
        )
        if dataset.dropped:
            listed = "; ".join(f"row {row}: {reason}" for row, _, reason in dataset.dropped[:_LISTED])
            raise ValueError(
                f"{len(dataset.dropped)} of {len(smiles)} rows cannot be learned from ({listed}): leave them out."
            )
        contents = []
        for config in configs:
            assembly = assemble(config, dataset, self._parts(dataset, config.training.seed), self.verbose)
            parts = assembly.parts
            assembly.learner.fit(dataset, parts["train"], parts.get("validation"), weights=dataset.weights)
            contents.append(network_content(assembly))
        self._contents, self.n_outputs_ = contents, labels.shape[1]
        self._predictor_ = self._rebuilt()
        return self

    def _config(self, seed: int, tasks: list[str], class_balance: bool) -> Config:
        """The configuration of a network, as a run has it."""
        given = {**_plain(self.get_params(deep=False)), "seed": seed, "class_balance": class_balance}
        given.update(csv=_SOURCE, tasks=tasks, split="random", task_type=self._task_type)
        made: dict[str, Any] = {
            name: kind(**{key: value for key, value in given.items() if key in kind.__dataclass_fields__})
            for name, kind in _SECTIONS.items()
        }
        config = Config(**made)
        defaults = _plain(type(self)().get_params(deep=False))
        start_from_weights(config, {name for name, value in defaults.items() if given[name] != value})
        check_together(config)
        return config

    def _parts(self, dataset: MoleculeDataset, seed: int) -> dict[str, np.ndarray]:
        """Training and, unless its fraction is 0, validation."""
        share = self.validation_fraction
        if not 0 <= share < 1:
            raise ValueError(f"validation_fraction must be at least 0 and below 1, got {share}.")
        fractions = (1 - share, share, 0)
        with _naming_the_remedy():
            if share and task_of(dataset).discrete:
                train, validation, _ = stratified_split(dataset.labels.numpy(), fractions, seed)
            else:
                train, validation, _ = random_split(len(dataset), fractions, seed)
        return {"train": train, "validation": validation} if share else {"train": train}

    def _rebuilt(self) -> Predictor:
        return Predictor.of_networks([StoredNetwork.of_content(content) for content in self._contents])

    def _outputs(self, X: Any) -> np.ndarray:
        """Predictions of each network, of shape (networks, n, num_outputs)."""
        check_is_fitted(self, "_contents")
        values, reasons = self._predictor_.outputs(_smiles(X))
        _check_predicted(reasons)
        return values

    def transform(self, X: Any) -> Any:
        """Embeddings: what the network pools the graph of each molecule into.

        Parameters
        ----------
        X : sequence of str
            SMILES of n molecules.

        Returns
        -------
        ndarray of shape (n, hidden_feats)
            A container that ``set_output`` asks for, if it was called.

        Raises
        ------
        ValueError
            If a SMILES is no molecule, or there are several networks.
        """
        check_is_fitted(self, "_contents")
        values, reasons = self._predictor_.embed(_smiles(X))
        _check_predicted(reasons)
        return values

    @property
    def _n_features_out(self) -> int:
        return self._predictor_.config.model.hidden_feats

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_contents")

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_predictor_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "_contents"):
            self._predictor_ = self._rebuilt()


class MemGNNRegressor(RegressorMixin, _MemGNNEstimator):
    r"""MemGNN as scikit-learn's regressor of SMILES

    Parameters
    ----------
    network, hidden_feats, num_layers, num_keys, num_heads
        The network: the keys of the section ``model`` of a configuration. Default: those of ``molecules``, the
        configuration of a CSV file of one's own.
    readout, edge_message, update, log_scores, topology, dropout
        More of the network, likewise.
    pretrained : str, optional
        Weights to start from: a name of :func:`dgl_memgnn.weights.shipped_weights`, the folder of a run, or
        ``"none"``. The default gives way to sizes and features that differ from those of the weights; with others,
        that is an error. Default: ``"molecules"``.
    featurizer, descriptors, cache_dir
        Features of atoms and bonds; whether rdkit's descriptors are joined to the pooled graph; a folder that
        keeps graphs, so that further fits need not make them again. Default: ``"canonical"``, ``False``, none.
    epochs, batch_size, learning_rate, decay, weight_average, weight_decay, clustering_period, device
        The training: keys of the section ``training``. Default: those of ``molecules``, whose number of epochs is
        60, or as many as make 1500 batches without weights.
    validation_fraction : float, optional
        Share of the molecules that is held out to choose the epoch by; stratified for classes. With 0 the
        network of the last epoch is kept. Default: ``0.1``.
    ensemble_size : int, optional
        Number of networks, trained from seeds and validation parts of their own, whose mean is predicted.
        Default: ``1``.
    mean_variance : bool, optional
        Whether the network predicts a variance too, see :class:`dgl_memgnn.tasks.MeanVariance`.
        Default: ``False``.
    random_state : int, RandomState or None, optional
        Default: ``None``, another seed each time.
    verbose : bool, optional
        Whether to show a progress bar. Default: ``False``.

    Attributes
    ----------
    n_outputs_ : int
        Number of targets.

    Examples
    --------
    >>> smiles = ["C" * n + tail for n in range(1, 9) for tail in ("O", "N")]
    >>> model = MemGNNRegressor(hidden_feats=16, num_layers=1, num_keys=(4, 1), epochs=3, random_state=0)
    >>> model.fit(smiles, [float(len(text)) for text in smiles]).predict(["CCO", "CCCN"]).shape
    (2,)
    >>> model.transform(["CCO"]).shape
    (1, 16)
    """

    _task_types = ("regression", "regression-mve")

    def __init__(self, *, mean_variance: bool = False, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.mean_variance = mean_variance

    @classmethod
    def _get_param_names(cls) -> list[str]:
        return sorted([*_MemGNNEstimator._get_param_names(), "mean_variance"])

    @property
    def _task_type(self) -> str:
        return self._task_types[int(self.mean_variance)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MemGNNRegressor:
        """Train.

        Parameters
        ----------
        X : sequence of str
            SMILES of n molecules: a list, array, Series, or a column of a DataFrame.
        y : array-like of shape (n,) or (n, T)
            Targets; of several, NaN or NA where missing.
        sample_weight : array-like of shape (n,), optional
            Weights, see :func:`dgl_memgnn.tasks.label_weights`. Default: all are 1.

        Returns
        -------
        MemGNNRegressor
            Itself.

        Raises
        ------
        ValueError
            If a row is no molecule, or y cannot be learned from; the message names the row.
        """
        labels = _numbers(y)
        if labels.ndim not in (1, 2):
            raise ValueError(f"y must be of shape (n,) or (n, targets), got {labels.shape}.")
        is_flat = labels.ndim == 1
        self._fit(X, labels[:, None] if is_flat else labels, sample_weight)
        self._is_flat = is_flat
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict.

        Parameters
        ----------
        X : sequence of str
            SMILES of n molecules.
        return_std : bool, optional
            Whether to return a standard deviation as well: that of the networks of an ensemble, or that
            ``mean_variance`` lets a network expect, or of both. Default: ``False``.

        Returns
        -------
        ndarray of shape (n,) or (n, T)
            As y was.
        ndarray, optional
            The standard deviations, in the same shape.

        Raises
        ------
        ValueError
            If a row is no molecule, or there is no standard deviation of a single network.
        """
        mean, std = self._moments(X)
        if return_std and std is None:
            raise ValueError(
                "A single network has no standard deviation: fit with ensemble_size=5 or mean_variance=True."
            )
        if self._is_flat:
            mean, std = mean[:, 0], None if std is None else std[:, 0]
        return (mean, std) if return_std else mean

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination, of several targets its mean, without values that are missing.

        Parameters
        ----------
        X : sequence of str
            SMILES of n molecules.
        y : array-like of shape (n,) or (n, T)
            Targets, NaN or NA where missing.
        sample_weight : array-like of shape (n,), optional
            Default: all are 1.

        Returns
        -------
        float
            NaN if no target has two values.
        """
        labels, prediction = (part.reshape(len(part), -1) for part in (_numbers(y), self.predict(X)))
        if labels.shape != prediction.shape:
            raise ValueError(f"y must be of shape {prediction.shape}, got {labels.shape}.")
        weights = np.ones(len(labels)) if sample_weight is None else _weights(sample_weight, len(labels))
        scores = []
        for label, predicted in zip(labels.T, prediction.T):
            there = ~np.isnan(label)
            if there.sum() > 1:
                scores.append(r2_score(label[there], predicted[there], sample_weight=weights[there]))
        return float(np.mean(scores)) if scores else float("nan")

    def _moments(self, X: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Means and, where there are any, standard deviations, of shape (n, T)."""
        values = torch.from_numpy(self._outputs(X))
        mean, std = self._predictor_.task.moments(values)
        return mean.numpy(), None if std is None else std.numpy()

    def _take(self, predictor: Predictor, source: str) -> None:
        super()._take(predictor, source)
        self._is_flat = self.n_outputs_ == 1
        self.mean_variance = bool(self._task_types.index(predictor.task.task_type))


class MemGNNClassifier(ClassifierMixin, _MemGNNEstimator):
    r"""MemGNN as scikit-learn's classifier of SMILES into two classes or more

    Parameters
    ----------
    class_weight : {None, "balanced"}, optional
        Whether all classes weigh the same in the loss. Default: ``None``.
    **parameters
        Those of :class:`MemGNNRegressor`.

    Attributes
    ----------
    classes_ : ndarray of shape (C,)
        The classes, sorted.

    Examples
    --------
    >>> smiles = ["C" * n + tail for n in range(1, 9) for tail in ("O", "N")]
    >>> model = MemGNNClassifier(hidden_feats=16, num_layers=1, num_keys=(4, 1), epochs=3, random_state=0)
    >>> model.fit(smiles, ["acid", "base"] * 8).predict_proba(["CCO"]).shape
    (1, 2)
    >>> model.classes_.tolist()
    ['acid', 'base']
    """

    _task_types = ("classes", "binary")

    def __init__(self, *, class_weight: str | None = None, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.class_weight = class_weight

    @classmethod
    def _get_param_names(cls) -> list[str]:
        return sorted([*_MemGNNEstimator._get_param_names(), "class_weight"])

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MemGNNClassifier:
        """Train.

        Parameters
        ----------
        X : sequence of str
            SMILES of n molecules: a list, array, Series, or a column of a DataFrame.
        y : array-like of shape (n,)
            Classes: numbers or words.
        sample_weight : array-like of shape (n,), optional
            Weights, see :func:`dgl_memgnn.tasks.label_weights`. Default: all are 1.

        Returns
        -------
        MemGNNClassifier
            Itself.

        Raises
        ------
        ValueError
            If a row is no molecule, or y is of one class, or not of classes.
        """
        if self.class_weight not in (None, "balanced"):
            raise ValueError(f"class_weight must be None or 'balanced', got {self.class_weight!r}.")
        _check_given(y)
        labels = np.asarray(y)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim != 1:
            raise ValueError(f"y must be of shape (n,), a class a molecule, got {labels.shape}.")
        check_classification_targets(labels)
        classes, encoded = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y holds one class only, {classes.tolist()}: there is nothing to learn.")
        if self.validation_fraction:
            with _naming_the_remedy():
                check_stratifiable(labels, 2, "parts")
        self._fit(X, encoded.astype(np.float64)[:, None], sample_weight, self.class_weight == "balanced")
        self.classes_ = classes
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class.

        Parameters
        ----------
        X : sequence of str
            SMILES of n molecules.

        Returns
        -------
        ndarray of shape (n, C)
            In the order of ``classes_``; of several networks, their mean.
        """
        return self._outputs(X).mean(axis=0)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class.

        Parameters
        ----------
        X : sequence of str
            SMILES of n molecules.

        Returns
        -------
        ndarray of shape (n,)
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def _take(self, predictor: Predictor, source: str) -> None:
        task: Any = predictor.task
        if len(task.names) > 1:
            raise ValueError(f"{source} is of {task.describe()}: {type(self).__name__} is for one label.")
        super()._take(predictor, source)
        self.classes_ = np.array(getattr(task, "classes", [0, 1]))
        self.class_weight = "balanced" if predictor.config.training.class_balance else None

    def _outputs(self, X: Any) -> np.ndarray:
        values = super()._outputs(X)
        return values if values.shape[2] > 1 else np.concatenate([1 - values, values], axis=2)


@contextmanager
def _naming_the_remedy() -> Iterator[None]:
    """For what is wrong with a validation part."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{error} Or hold none out (validation_fraction=0): the last epoch is kept.") from error


def _smiles(X: Any) -> list[Any]:
    """SMILES out of a list, array, Series, or a table of one column."""
    if isinstance(X, str):
        raise ValueError(f"X must be a sequence of SMILES, not the single string {X!r}.")
    array = np.asarray(X, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"X must be SMILES, one a molecule, got an array of shape {array.shape}.")
    if not len(array):
        raise ValueError("X holds no molecule: 0 SMILES.")
    return array.tolist()


def _numbers(y: Any) -> np.ndarray:
    """Targets as float64, NaN where they are missing, also where pandas says so by NA."""
    values = np.asarray(y)
    if values.dtype.kind in "Mm":
        raise ValueError(
            "y holds dates or durations, not numbers: turn them into numbers of a unit, such as days."
        )
    if values.dtype == object:
        values = np.where(pd.isna(values), np.nan, values)
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        for place, value in np.ndenumerate(values):
            if np.isnan(pd.to_numeric(value, errors="coerce")) and not pd.isna(value):
                raise ValueError(f"y{list(place)} is {value!r}, not a number; NaN if it is missing.") from None
        raise


def _check_given(y: Any) -> None:
    """ValueError if a label is missing, before numpy makes a word of it."""
    missing = pd.isna(np.asarray(y, dtype=object))
    if missing.any():
        place = np.argwhere(missing)[0].tolist()
        raise ValueError(f"y{place} is missing: leave out molecules without a class.")


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters with Python's numbers and lists in place of numpy's, and of tuples."""

    def plain(value: Any) -> Any:
        value = value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value
        return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value

    return {name: plain(value) for name, value in parameters.items()}


def _weights(sample_weight: Any, size: int) -> np.ndarray:
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(size, weights)
    if weights.shape != (size,):
        raise ValueError(f"sample_weight has shape {weights.shape} for {size} SMILES.")
    return weights


def _check_predicted(reasons: Sequence[str]) -> None:
    failed = [f"row {row}: {reason}" for row, reason in enumerate(reasons) if reason]
    if failed:
        raise ValueError(
            f"{len(failed)} of {len(reasons)} rows are no molecules ({'; '.join(failed[:_LISTED])}): leave them "
            "out."
        )
