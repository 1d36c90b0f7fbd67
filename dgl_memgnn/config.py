"""Configurations of runs: YAML, every key known, typed and in range."""

from dataclasses import asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import List, Optional, Union, get_args, get_origin, get_type_hints

import yaml

from dgl_memgnn.data import FEATURIZERS, MOLECULE_DATASETS, TU_DATASETS, numeric_columns
from dgl_memgnn.data.molecule_csv import list_names
from dgl_memgnn.nn.query import UPDATES
from dgl_memgnn.training.trainer import CHOICES
from dgl_memgnn.transforms import EMBEDDINGS

__all__ = ["Config", "DataConfig", "ModelConfig", "TrainingConfig", "check_together", "load_config", "options"]


def _option(default, help, choices=None, low=None, high=None):  # noqa: A002
    metadata = {"help": help, "choices": choices, "low": low, "high": high}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class DataConfig:
    """What to learn from, and how it is split."""

    dataset: Optional[str] = _option(
        None, "name of a data set; leave out with csv", choices=(*TU_DATASETS, *MOLECULE_DATASETS)
    )
    data_dir: Optional[str] = _option(None, "folder with tu/ and molnet/; default: $DGL_MEMGNN_DATA")
    csv: Optional[str] = _option(None, "CSV file of SMILES and targets, in place of dataset")
    smiles_column: str = _option("smiles", "column of the CSV file that holds the SMILES")
    tasks: List[str] = _option([], "columns of the CSV file to predict")
    featurizer: str = _option("attentivefp", "atom and bond features", choices=tuple(FEATURIZERS))
    descriptors: bool = _option(
        False, "whether rdkit's descriptors of the whole molecule are joined to the pooled graph of MemGNN"
    )
    embedding: str = _option("RandomWalkWithRestart", "topological embedding of GMN", choices=tuple(EMBEDDINGS))
    embedding_width: int = _option(32, "width of the topological embedding", low=1)
    cache_dir: Optional[str] = _option(
        None, "folder for cached graphs and embeddings; default: dgl_memgnn/cache in DGL's download folder"
    )
    split: Optional[str] = _option(
        None,
        "random 80/10/10, scaffold 80/10/10, or folds: train and validation of one of num_folds stratified "
        "folds; default: scaffold with csv, random with dataset",
        choices=("random", "scaffold", "folds"),
    )
    split_seed: Optional[int] = _option(None, "seed of a random split; default: seed", low=0)
    num_folds: int = _option(10, "number of folds", low=2)
    fold: int = _option(0, "which fold validates, from 0", low=0)


@dataclass
class ModelConfig:
    """The network."""

    network: str = _option(
        "MemGNN",
        "which network; for comparison dgllife's AttentiveFP, or a random forest on Morgan fingerprints",
        choices=("GMN", "MemGNN", "AttentiveFP", "RandomForest"),
    )
    readout: str = _option(
        "memory",
        "readout of MemGNN: the memory layers or, for comparison, one of DGL's",
        choices=("memory", "sum", "attention", "set2set"),
    )
    hidden_feats: int = _option(128, "width of the queries", low=1)
    num_layers: int = _option(3, "number of graph attention layers of MemGNN", low=1)
    edge_message: bool = _option(
        False, "whether messages of MemGNN carry edge features; else edges weigh in the attention only"
    )
    update: str = _option(
        "skip",
        "how a message updates a node of MemGNN: added to it, normalised, or by a gated recurrent unit",
        choices=tuple(UPDATES),
    )
    num_keys: List[int] = _option([32, 1], "number of keys of each memory layer; the last is 1", low=1)
    num_heads: int = _option(5, "number of heads of the memory layers", low=1)
    tau: float = _option(1.0, "degrees of freedom of Student's t kernel", low=1e-3)
    log_scores: bool = _option(False, "whether the heads' scores are mixed as logarithms (equation 2)")
    dropout: float = _option(0.1, "dropout rate", low=0.0, high=0.99)


@dataclass
class TrainingConfig:
    """The optimisation."""

    epochs: int = _option(100, "largest number of epochs", low=1)
    batch_size: int = _option(32, "number of graphs in a batch", low=2)
    learning_rate: float = _option(1e-3, "learning rate of Adam", low=1e-8, high=1.0)
    decay: str = _option(
        "halving",
        "how the learning rate falls: halving, or cosine to 0 after the last epoch",
        choices=CHOICES["decay"],
    )
    halve_every: int = _option(500, "epochs after which the learning rate halves", low=1)
    weight_average: float = _option(
        0.0,
        "decay, a step, of the moving average of the weights that is validated and kept; 0 for none",
        low=0.0,
        high=0.99999,
    )
    weight_decay: float = _option(0.0, "weight decay of Adam", low=0.0, high=1.0)
    clustering_period: int = _option(5, "epochs from one clustering step to the next; 0 for none", low=0)
    clip_norm: float = _option(2.0, "largest norm of a gradient", low=1e-8)
    keep: str = _option(
        "best", "which epoch's network is kept: the best on validation, or the last", choices=CHOICES["keep"]
    )
    patience: int = _option(
        200, "epochs without improvement after which training stops, unless the last is kept", low=1
    )
    device: str = _option("cpu", "where to compute", choices=("cpu", "cuda"))
    seed: int = _option(
        0, "seed of the weights, the order of the graphs, and a random split", low=0, high=2**32 - 1
    )


@dataclass
class Config:
    """A whole run. :func:`load_config` makes one from YAML."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def to_yaml(self):
        """All values, as text that :func:`load_config` reads from a file."""
        return yaml.safe_dump(asdict(self), sort_keys=False, allow_unicode=True)


def load_config(source=None, overrides=None):
    """Read and validate a configuration.

    Parameters
    ----------
    source : str or os.PathLike, optional
        A YAML file, or the name of a configuration that comes with the package. Default: all defaults.
    overrides : dict, optional
        Values by the key's own name, such as ``{"epochs": 10}``, that replace those of the file. ``csv``
        replaces ``dataset``, and the other way round.

    Returns
    -------
    Config
        The complete configuration.

    Raises
    ------
    FileNotFoundError
        If there is no such file or name.
    ValueError
        If a key is unknown, or a value has the wrong type or is out of range; the message names the key.

    Examples
    --------
    >>> config = load_config("quickstart", {"epochs": 10})
    >>> config.data.dataset, config.training.epochs
    ('FreeWilson', 10)
    >>> load_config(overrides={"epochs": 0})
    Traceback (most recent call last):
    ...
    ValueError: training.epochs must be at least 1, got 0.
    """
    content = {} if source is None else _read(source)
    sections = {f.name: f.default_factory for f in fields(Config)}
    _check_keys(content, sections, "")
    overrides = dict(overrides or {})
    _check_keys(overrides, [name for name, _, _ in options()], "")
    for name, other in [("csv", "dataset"), ("dataset", "csv")]:
        if overrides.get(name) is not None:
            overrides.setdefault(other, None)
    for name, value in overrides.items():
        section = next(s for s, kind in sections.items() if name in kind.__dataclass_fields__)
        content.setdefault(section, {})[name] = value
    config = Config(**{name: _section(name, kind, content.get(name) or {}) for name, kind in sections.items()})
    if config.data.split is None:
        config.data.split = "random" if config.data.csv is None else "scaffold"
    check_together(config)
    return config


def options():
    """All keys with their types and help: (name, type, metadata) of each."""
    for section in fields(Config):
        kinds = get_type_hints(section.default_factory)
        for option in fields(section.default_factory):
            yield option.name, kinds[option.name], option.metadata


def _read(source):
    path = Path(source)
    if path.is_file():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{source} is not UTF-8 text ({error}): give a YAML file.") from error
    else:
        shipped = {
            p.name[:-5]: p
            for p in resources.files("dgl_memgnn").joinpath("configs").iterdir()
            if p.name.endswith(".yaml")
        }
        if str(source) not in shipped:
            raise FileNotFoundError(
                f"There is no file {source}, and no configuration of that name comes with "
                f"the package. Those that do: {', '.join(sorted(shipped))}."
            )
        text = shipped[str(source)].read_text(encoding="utf-8")
    try:
        content = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that is none
        raise ValueError(f"{source} is not YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values() if v is not None):
        raise ValueError(
            f"{source} must hold the sections {', '.join(f.name for f in fields(Config))}, "
            "each with keys and values."
        )
    return {name: dict(section or {}) for name, section in content.items()}


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which YAML's safe loader takes the last."""

    def construct_mapping(self, node, deep=False):
        names = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in names:
                problem = f"the key {key.value} is there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            names.add(key.value)
        return super().construct_mapping(node, deep)


def _check_keys(content, known, prefix):
    for key in content:
        if key not in known:
            from difflib import get_close_matches

            close = get_close_matches(str(key), known, n=1)
            hint = f"Did you mean {prefix}{close[0]}?" if close else f"Known: {', '.join(known)}."
            raise ValueError(f"Unknown key {prefix}{key}. {hint}")


def _section(name, kind, content):
    _check_keys(content, kind.__dataclass_fields__, f"{name}.")
    hints = get_type_hints(kind)
    values = {
        key: _value(f"{name}.{key}", value, hints[key], kind.__dataclass_fields__[key].metadata)
        for key, value in content.items()
    }
    return kind(**values)


def _value(key, value, kind, metadata):
    """The value in its type; ValueError if it does not fit the type or the range."""
    if get_origin(kind) is list:
        if not isinstance(value, list):
            raise ValueError(f"{key} must be a list, got {value!r}.")
        return [_value(key, item, get_args(kind)[0], metadata) for item in value]
    if get_origin(kind) is Union:
        if value is None:
            return None
        kind = get_args(kind)[0]
    if kind is float and isinstance(value, (int, str)) and not isinstance(value, bool):
        try:
            value = float(value)  # YAML reads 1e-3, without a point, as a string
        except ValueError:
            pass
    if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
        raise ValueError(f"{key} must be of type {kind.__name__}, got {value!r}.")
    choices, low, high = metadata["choices"], metadata["low"], metadata["high"]
    if choices and value not in choices:
        raise ValueError(f"{key} must be one of {', '.join(choices)}, got {value!r}.")
    if low is not None and not value >= low:
        raise ValueError(f"{key} must be at least {low}, got {value}.")
    if high is not None and not value <= high:
        raise ValueError(f"{key} must be at most {high}, got {value}.")
    if value == float("inf"):
        raise ValueError(f"{key} must be finite, got {value}.")
    return value


def check_together(config):
    """ValueError if values that are right by themselves do not go together."""
    data, model = config.data, config.model
    if (data.dataset is None) == (data.csv is None):
        raise ValueError("Give either data.dataset or data.csv (--dataset or --csv).")
    if data.csv is not None and not data.tasks:
        columns = numeric_columns(data.csv, data.smiles_column)
        found = f"Columns of numbers: {list_names(columns)}" if columns else "It has no column of numbers"
        raise ValueError(f"data.csv needs data.tasks (--tasks), the columns of {data.csv} to predict. {found}.")
    for name in data.tasks:
        if data.tasks.count(name) > 1:
            raise ValueError(f"data.tasks holds {name!r} twice.")
    if data.dataset in TU_DATASETS and data.split == "scaffold":
        raise ValueError("data.split: scaffold is for molecules, not for " + data.dataset + ".")
    if data.dataset not in TU_DATASETS and data.split == "folds":
        raise ValueError(f"data.split: folds is for classes, as in {', '.join(TU_DATASETS)}.")
    own_columns = {"reason", *(f"{name}_std" for name in data.tasks)}
    taken = {data.smiles_column, *own_columns} & set(data.tasks)
    if taken:
        raise ValueError(
            f"data.tasks must not hold {min(taken)!r}, a column of its own in predictions: rename it."
        )
    if data.csv is not None and data.smiles_column in own_columns:
        raise ValueError(
            f"data.smiles_column must not be {data.smiles_column!r}, a column of its own in "
            "predictions: rename it."
        )
    if data.fold >= data.num_folds:
        raise ValueError(f"data.fold must be below data.num_folds, {data.num_folds}, got {data.fold}.")
    if model.readout != "memory" and model.network != "MemGNN":
        raise ValueError(f"model.readout: {model.readout} is for MemGNN, not for {model.network}.")
    if model.network in ("AttentiveFP", "RandomForest") and data.dataset in TU_DATASETS:
        raise ValueError(f"model.network: {model.network} is for molecules, not for {data.dataset}.")
    if data.descriptors and (model.network != "MemGNN" or data.dataset in TU_DATASETS):
        raise ValueError(
            "data.descriptors is for MemGNN on molecules, not for "
            f"{model.network}{f' on {data.dataset}' if data.dataset in TU_DATASETS else ''}."
        )
    if model.num_keys[-1:] != [1]:
        raise ValueError(f"model.num_keys must end in 1, got {model.num_keys}.")
