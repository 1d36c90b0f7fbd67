"""Configurations of runs: YAML, every key known, typed and in range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import resources
from itertools import product
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Dict, List, Optional, Tuple, get_type_hints

import yaml

from dgl_memgnn.data import (
    DEGREE_FEATURES,
    FEATURIZERS,
    MOLECULE_DATASETS,
    TU_DATASETS,
    Limits,
    column_names,
    is_molecular,
    numeric_columns,
)
from dgl_memgnn.models import NETWORKS, READOUTS
from dgl_memgnn.nn.query import UPDATES
from dgl_memgnn.options import Options, option
from dgl_memgnn.tasks import TASK_TYPES
from dgl_memgnn.training import TrainingConfig
from dgl_memgnn.training.config import FEWEST_EPOCHS
from dgl_memgnn.transforms import EMBEDDINGS, SAMPLINGS
from dgl_memgnn.weights import NONE, load_weights
from dgl_memgnn.wording import list_names

__all__ = [
    "Config",
    "DataConfig",
    "FAIR_SPLITS",
    "ModelConfig",
    "TrainingConfig",
    "candidates",
    "check_keys",
    "check_space",
    "check_together",
    "flat_values",
    "load_config",
    "options",
    "read_yaml",
    "start_from_weights",
    "stored_config",
    "with_values",
]

SCAFFOLD_SPLITS = ("scaffold", "dgllife_scaffold")
FAIR_SPLITS = ("fair", "fair-inner")
ALL_TASKS = "all"  # in place of the names of all columns of numbers


@dataclass
class DataConfig(Options):
    """What to learn from, and how it is split."""

    section: ClassVar[str] = "data"

    dataset: Optional[str] = option(
        None, f"name of a data set: {', '.join(MOLECULE_DATASETS)}, or of any in TU's format; leave out with csv"
    )
    data_dir: Optional[str] = option(None, "folder with tu/ and molnet/; default: $DGL_MEMGNN_DATA")
    csv: Optional[str] = option(None, "CSV file of SMILES and targets, in place of dataset")
    smiles_column: str = option("smiles", "column of the CSV file that holds the SMILES")
    tasks: List[str] = option(
        [],
        f"columns of the CSV file to predict; {ALL_TASKS}: all that hold numbers; a name with a comma in quotes",
    )
    task_type: Optional[str] = option(
        None, "kind of task; default: the one that the values of the targets suggest", choices=tuple(TASK_TYPES)
    )
    featurizer: str = option("attentivefp", "atom and bond features", choices=tuple(FEATURIZERS))
    max_smiles_length: int = option(
        Limits().length,
        "characters of a SMILES of a CSV file, at most; longer ones are dropped",
        low=1,
    )
    max_atoms: int = option(
        Limits().atoms, "atoms of a molecule of a CSV file, at most; larger ones are dropped", low=1
    )
    descriptors: bool = option(
        False, "whether rdkit's descriptors of the whole molecule are joined to the pooled graph of MemGNN"
    )
    descriptors_columns: List[str] = option(
        [],
        "columns of the CSV file with measured properties, such as temperature,pH, that are joined to the pooled "
        "graph of MemGNN; predict needs them too",
    )
    degree_features: List[str] = option(
        ["log"],
        f"node features of a TU set that has none, columns made of the degree: {', '.join(DEGREE_FEATURES)}",
        choices=tuple(DEGREE_FEATURES),
    )
    edge_fraction: float = option(
        1.0,
        "share of the edges of a TU set's graphs that is kept, before the embedding is computed; degree_features "
        "are those of all edges",
        low=1e-6,
        high=1.0,
    )
    edge_sampling: str = option(
        "random",
        "which edges are kept, with edge_fraction: random ones, or rwr, those that random walks favour",
        choices=SAMPLINGS,
    )
    embedding: str = option(
        "RandomWalkWithRestart",
        "topological embedding of GMN, and of MemGNN with topology",
        choices=tuple(EMBEDDINGS),
    )
    embedding_width: int = option(32, "width of the topological embedding", low=1)
    embedding_sort: bool = option(
        True, "whether the rows of the embedding are sorted, so that it does not depend on the order of the nodes"
    )
    continue_prob: Optional[float] = option(
        None,
        "probability that the walk of RandomWalkWithRestart or PersonalizedPageRank takes another step; default: "
        "theirs, 0.1 (the paper's) or 0.85",
        low=0.0,
        high=0.99,
    )
    cache_dir: Optional[str] = option(
        None, "folder for cached graphs and embeddings; default: dgl_memgnn/cache in DGL's download folder"
    )
    weight_column: Optional[str] = option(
        None, "column of the CSV file that holds how much each row weighs in the loss; 2 counts as two rows"
    )
    splits_column: Optional[str] = option(
        None,
        "column of the CSV file that says train, val or test in each row; without val, some are drawn",
    )
    validation_csv: Optional[str] = option(None, "CSV file of the validation part, with csv as the training part")
    test_csv: Optional[str] = option(None, "CSV file of the test part, with csv as the training part")
    splits_file: Optional[str] = option(None, "splits.csv of another run on the same data: its parts are taken")
    split: Optional[str] = option(
        None,
        "random; stratified, random with the class proportions of the whole in each part; scaffold; "
        "dgllife_scaffold, the same with stereoisomers apart, as published; folds: train and validation of one of "
        "num_folds stratified folds; fair: one of ten outer folds as test, an inner train and validation of the "
        "rest; fair-inner: the same without the test; default: scaffold with csv, random with dataset and, for "
        "the validation part, beside parts that are given",
        choices=("random", "stratified", *SCAFFOLD_SPLITS, "folds", *FAIR_SPLITS),
    )
    split_sizes: List[float] = option(
        [0.8, 0.1, 0.1],
        "shares of training, validation and test; 1,0,0 trains on everything, to the last epoch",
        low=0.0,
        high=1.0,
    )
    split_seed: Optional[int] = option(
        None, "seed of a random split, no part of folds; default: seed", low=0, high=2**32 - 1
    )
    validation_seed: Optional[int] = option(
        None,
        "seed by which training and validation are drawn anew from what is not tested; default: as split says",
        low=0,
        high=2**32 - 1,
    )
    num_folds: int = option(10, "number of folds", low=2)
    fold: int = option(0, "which fold validates or, of a fair split, tests, from 0", low=0)

    @property
    def limits(self) -> Limits:
        """The largest molecule of a CSV file that is read."""
        return Limits(self.max_smiles_length, self.max_atoms)

    @property
    def on_graphs(self) -> bool:
        """Whether the data set is of graphs that are no molecules."""
        return self.dataset is not None and not is_molecular(self.dataset)

    @property
    def columns_beside(self) -> List[Tuple[str, str]]:
        """Options that name columns of the CSV file beside SMILES and tasks, and each of these columns."""
        columns = [("splits_column", self.splits_column), ("weight_column", self.weight_column)]
        columns += [("descriptors_columns", name) for name in self.descriptors_columns]
        return [(name, column) for name, column in columns if column is not None]

    @property
    def own_draw(self) -> List[str]:
        """The keys given that change how parts are drawn."""
        keys = ("split_sizes", "split_seed", "validation_seed")
        return [key for key in keys if getattr(self, key) != getattr(DataConfig(), key)]

    @property
    def own_parts(self) -> List[str]:
        """The options that say which row is in which part."""
        names = ("splits_column", "validation_csv", "test_csv", "splits_file")
        return [name for name in names if getattr(self, name) is not None]


@dataclass
class ModelConfig(Options):
    """The network."""

    section: ClassVar[str] = "model"

    network: str = option(
        "MemGNN",
        "which network; for comparison GIN, dgllife's AttentiveFP, a random forest on Morgan fingerprints, or a "
        "support vector machine with a Weisfeiler-Lehman kernel",
        choices=tuple(NETWORKS),
    )
    readout: str = option(
        "memory",
        "readout of GMN and MemGNN: the memory layers; rows, memory layers whose rows are read side by side in "
        "the end; for comparison random (memory layers whose assignments are drawn in every pass), or DGL's",
        choices=tuple(READOUTS),
    )
    hidden_feats: int = option(128, "width of the queries", low=1)
    num_layers: int = option(3, "number of graph attention layers of MemGNN; of rounds of WLKernel", low=1)
    edge_message: bool = option(
        False, "whether messages of MemGNN carry edge features; else edges weigh in the attention only"
    )
    edge_features: bool = option(
        True, "whether MemGNN reads edge features, with e-GAT; without them it is GAT that it convolves with"
    )
    update: str = option(
        "skip",
        "how a message updates a node of MemGNN: added to it, normalised, or by a gated recurrent unit",
        choices=tuple(UPDATES),
    )
    topology: bool = option(False, "whether MemGNN reads the topological embedding beside the node features")
    num_keys: List[int] = option([32, 1], "number of keys of each memory layer; the last is 1", low=1)
    num_heads: int = option(5, "number of heads of the memory layers", low=1)
    tau: float = option(1.0, "degrees of freedom of Student's t kernel", low=1e-3)
    key_means: bool = option(
        False, "whether memory layers average what a key reads over a graph's nodes, in place of its sum"
    )
    log_scores: bool = option(False, "whether the heads' scores are mixed as logarithms (equation 2)")
    dropout: float = option(0.1, "dropout rate", low=0.0, high=0.99)
    pretrained: str = option(
        NONE,
        "weights that MemGNN starts from: the folder of a run, the name of weights that come with the package, or "
        "none; they give sizes and featurizer",
    )
    pretrained_sha256: Optional[str] = option(
        None, "SHA-256 that the file of these weights must have; default: that of the file that is found"
    )
    freeze_query: bool = option(False, "whether the query network of these weights stays as it is")


@dataclass
class Config:
    """A whole run. :func:`load_config` makes one from YAML."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    search: Dict[str, List[Any]] = field(default_factory=dict)

    def to_yaml(self) -> str:
        """All values, as text that :func:`load_config` reads from a file."""
        content = {name: section for name, section in asdict(self).items() if section}
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def load_config(source: str | PathLike[str] | None = None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read and validate a configuration.

    Parameters
    ----------
    source : str or os.PathLike, optional
        A YAML file, or the name of a configuration that comes with the package. Default: all defaults.
    overrides : dict, optional
        Values by the key's own name, such as ``{"epochs": 10}``, that replace those of the file. ``csv``
        replaces ``dataset``, and the other way round. A key that is given here is not searched.

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
    config = stored_config(source, overrides)
    if config.data.tasks == [ALL_TASKS] and config.data.csv is not None:
        config.data.tasks = _all_tasks(config.data, config.data.csv)
        check_together(config)
    return config


def stored_config(source: str | PathLike[str] | None = None, overrides: Mapping[str, Any] | None = None) -> Config:
    """The configuration of a run that is there, which may be read where its data are not.

    As :func:`load_config`, but a task ``all`` is the column of that name.

    Examples
    --------
    >>> stored_config(overrides={"csv": "moved.csv", "tasks": ["all"]}).data.tasks
    ['all']
    """
    content = {} if source is None else read_yaml(source, [each.name for each in fields(Config)])
    sections = _sections()
    check_keys(content, [*sections, "search"], "")
    search = content.pop("search", {})
    overrides = dict(overrides or {})
    check_keys(overrides, [name for name, _, _ in options()], "")
    for name, other in [("csv", "dataset"), ("dataset", "csv")]:
        if overrides.get(name) is not None:
            overrides.setdefault(other, None)
    if overrides.get("dataset") is not None and content.get("data", {}).get("csv") is not None:
        for name in ("tasks", "smiles_column"):  # of that file
            content["data"].pop(name, None)
    if "pretrained" in overrides:
        overrides.setdefault("pretrained_sha256", None)
    for name, value in overrides.items():
        section = next(s for s, kind in sections.items() if name in kind.__dataclass_fields__)
        content.setdefault(section, {})[name] = value
    for name, kind in sections.items():
        check_keys(content.get(name, {}), [each.name for each in fields(kind)], f"{name}.")
    made: dict[str, Any] = {name: kind(**content.get(name, {})) for name, kind in sections.items()}
    config = Config(**made, search={name: values for name, values in search.items() if name not in overrides})
    given = set(overrides)
    if source is not None and Path(source).is_file():
        given |= {name for section in sections for name in content.get(section, {})}
    start_from_weights(config, given)
    if config.data.split is None:
        by_scaffold = config.data.csv is not None and not config.data.own_parts
        config.data.split = "scaffold" if by_scaffold else "random"
    check_together(config)
    check_space(config, config.search)
    return config


def start_from_weights(config: Config, given: set[str]) -> None:
    """Take sizes and featurizer from the weights that a network starts from, and 60 epochs if none are given.

    Parameters
    ----------
    config : Config
        Changed in place.
    given : set of str
        Names of the keys that the user has given.

    Raises
    ------
    ValueError
        If one of these keys says otherwise than the weights; unless the weights themselves were not asked for:
        then the network starts without.
    """
    model, training = config.model, config.training
    if model.pretrained != NONE and model.pretrained_sha256 is None:  # else of a run that has taken them
        _take_settings(config, given)
    if model.pretrained != NONE and training.epochs is None:
        training.epochs = FEWEST_EPOCHS


def _take_settings(config: Config, given: set[str]) -> None:
    """Sizes and featurizer of the weights; or start without, if these were not asked for and do not fit."""
    model = config.model
    fits = model.network in _taking_weights(model) and not model.topology
    asked = "pretrained" in given
    weights = load_weights(model.pretrained) if fits or asked else None
    for name, value in weights.settings(model.readout).items() if weights and fits else ():
        section = config.data if name == "featurizer" else model
        own = getattr(section, name)
        if own != value and name in given:
            if asked:
                raise ValueError(
                    f"{section.section}.{name} is {own!r}, and the weights {model.pretrained} were trained with "
                    f"{value!r}: leave it out, or give other weights (--pretrained)."
                )
            fits = False
    if not fits and not asked:
        model.pretrained = NONE
    if weights and fits:
        for name, value in weights.settings(model.readout).items():
            setattr(config.data if name == "featurizer" else model, name, value)
        model.pretrained_sha256 = weights.sha256


def _taking_weights(model: ModelConfig) -> list[str]:
    return [network.name for network in NETWORKS.values() if "pretrained" in network.options(model)]


def candidates(config: Config) -> list[tuple[dict[str, Any], Config]]:
    """What a configuration's section ``search`` proposes: the product of its lists.

    Parameters
    ----------
    config : Config
        The configuration.

    Returns
    -------
    list of (dict, Config)
        Values by the key's own name, and the configuration with them, of each candidate; of a configuration
        without that section, itself alone.

    Raises
    ------
    ValueError
        If a key cannot be searched, or a value has the wrong type or is out of range; the message names the key.

    Examples
    --------
    >>> config = load_config("quickstart")
    >>> config.search = {"dropout": [0.0, 0.2], "num_keys": [[8, 1]]}
    >>> [values for values, _ in candidates(config)]
    [{'dropout': 0.0, 'num_keys': [8, 1]}, {'dropout': 0.2, 'num_keys': [8, 1]}]
    """
    check_space(config, config.search)
    proposed = [dict(zip(config.search, values)) for values in product(*config.search.values())]
    made = []
    for values in proposed:
        try:
            made.append((values, with_values(config, values)))
        except ValueError as error:
            raise ValueError(f"The section search proposes {values}: {error}") from error
    return made


def check_space(config: Config, space: Mapping[str, Any], beside: Iterable[str] = ()) -> None:
    """ValueError if a key of a space cannot be searched, or one of its values is none for the configuration.

    Each value is checked by itself. Keys of ``beside`` can be searched too.
    """
    check_keys(space, [*_searchable(), *beside], "search.")
    for name, values in space.items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"search.{name} must be a list of values to choose from, got {values!r}.")
        for i, value in enumerate(values):
            if value in values[:i]:
                raise ValueError(f"search.{name} lists {value!r} twice.")
            with_values(config, {name: value})


def _searchable() -> list[str]:
    """Keys that say how to learn, not from what."""
    kinds = (ModelConfig, TrainingConfig)
    names = [each.name for kind in kinds for each in fields(kind) if each.name not in ("device", "seed")]
    return [*names, "embedding", "embedding_width", "embedding_sort", "continue_prob"]


def with_values(config: Config, values: Mapping[str, Any]) -> Config:
    """A configuration with other values, by the key's own name."""
    sections = {}
    for name, kind in _sections().items():
        own = {key: value for key, value in values.items() if key in kind.__dataclass_fields__}
        sections[name] = replace(getattr(config, name), **own)
    candidate = Config(**sections)
    if candidate.model.pretrained != config.model.pretrained:
        candidate.model.pretrained_sha256 = None
        start_from_weights(candidate, set(values))
    check_together(candidate)
    return candidate


def flat_values(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Values of a configuration's sections by the key's own name, as :func:`load_config` takes them.

    Parameters
    ----------
    sections : dict of dict
        A configuration as a dict; its section ``search`` has no part in this.

    Examples
    --------
    >>> flat_values({"model": {"tau": 1.0}, "training": {"epochs": 10}, "search": {"tau": [1.0, 2.0]}})
    {'tau': 1.0, 'epochs': 10}
    """
    return {key: value for name, section in sections.items() if name != "search" for key, value in section.items()}


def _sections() -> dict[str, type[Options]]:
    """The sections of keys with values."""
    return {name: kind for name, kind in get_type_hints(Config).items() if name != "search"}


def options() -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """All keys with their types and help: (name, type, metadata) of each."""
    for section in _sections().values():
        kinds = get_type_hints(section)
        for each in fields(section):
            yield each.name, kinds[each.name], each.metadata


def read_yaml(source: str | PathLike[str], sections: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The sections of a YAML file, or of a configuration that comes with the package.

    ValueError if there is something else in it, which the message tells from the names of `sections`.
    """
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
        raise ValueError(f"{source} must hold the sections {', '.join(sections)}, each with keys and values.")
    return {name: dict(section or {}) for name, section in content.items()}


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which YAML's safe loader takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in names:
                problem = f"the key {key.value} is there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            names.add(key.value)
        return super().construct_mapping(node, deep)


def check_keys(content: Mapping[str, Any], known: Iterable[str], prefix: str) -> None:
    """ValueError if a key is unknown; the message names one that is like it."""
    for key in content:
        if key not in known:
            from difflib import get_close_matches

            close = get_close_matches(str(key), known, n=1)
            hint = f"Did you mean {prefix}{close[0]}?" if close else f"Known: {', '.join(known)}."
            raise ValueError(f"Unknown key {prefix}{key}. {hint}")


def check_together(config: Config) -> None:
    """ValueError if values that are right by themselves do not go together."""
    data, model, network = config.data, config.model, NETWORKS[config.model.network]
    _check_source(data)
    if data.csv is not None:
        _check_tasks(data, data.csv)
    elif data.tasks or data.smiles_column != DataConfig.smiles_column:
        name = "tasks" if data.tasks else "smiles_column"
        raise ValueError(
            f"data.{name} is for a CSV file of molecules (--csv): {data.dataset} has columns of its own."
        )
    _check_columns(data)
    _check_split(data)
    on_graphs = data.on_graphs
    if on_graphs and data.split in SCAFFOLD_SPLITS:
        raise ValueError(f"data.split: {data.split} is for molecules, not for {data.dataset}.")
    if data.dataset is not None and not on_graphs and data.split in ("folds", *FAIR_SPLITS):
        raise ValueError(f"data.split: {data.split} is for classes, which {data.dataset} has not.")
    if data.edge_fraction < 1 and not on_graphs:
        raise ValueError("data.edge_fraction is for TU sets, not for molecules.")
    if data.fold >= data.num_folds and data.split not in FAIR_SPLITS:
        raise ValueError(f"data.fold must be below data.num_folds, {data.num_folds}, got {data.fold}.")
    if model.readout != ModelConfig.readout and "readout" not in network.options(model):
        heeding = [other.name for other in NETWORKS.values() if "readout" in other.options(model)]
        raise ValueError(f"model.readout: {model.readout} is for {', '.join(heeding)}, not for {network.name}.")
    if model.topology and not network.takes_topology(model):
        reading = ", ".join(other.name for other in NETWORKS.values() if other.takes_topology(model))
        raise ValueError(f"model.topology is for {reading}, not for {network.name}.")
    if network.for_molecules_only and on_graphs:
        raise ValueError(f"model.network: {network.name} is for molecules, not for {data.dataset}.")
    described = [name for name in ("descriptors", "descriptors_columns") if getattr(data, name)]
    if described and (not network.takes_descriptors or on_graphs):
        taking = ", ".join(other.name for other in NETWORKS.values() if other.takes_descriptors)
        on = f" on {data.dataset}" if on_graphs else ""
        raise ValueError(f"data.{described[0]} is for {taking} on molecules, not for {network.name}{on}.")
    for name in ("class_balance", "task_weights"):
        if getattr(config.training, name) and network.learns_by_itself:
            raise ValueError(f"training.{name} is for networks trained by gradients, not for {network.name}.")
    if model.pretrained != NONE:
        if network.name not in _taking_weights(model):
            raise ValueError(
                f"model.pretrained is for {', '.join(_taking_weights(model))}, not for {network.name}."
            )
        if model.topology or on_graphs:
            reason = "with model.topology" if model.topology else f"on {data.dataset}"
            raise ValueError(f"model.pretrained is for networks on molecules' features, not for one {reason}.")
    elif model.freeze_query or config.training.pretrained_learning_rate is not None:
        key = "model.freeze_query" if model.freeze_query else "training.pretrained_learning_rate"
        raise ValueError(f"{key} is for a network that starts from weights: give model.pretrained (--pretrained).")
    if model.num_keys[-1:] != [1]:
        raise ValueError(f"model.num_keys must end in 1, got {model.num_keys}.")


def _check_source(data: DataConfig) -> None:
    if (data.dataset is None) == (data.csv is None):
        raise ValueError("Give either data.dataset or data.csv (--dataset or --csv).")
    known = {name.lower(): name for name in (*MOLECULE_DATASETS, *TU_DATASETS)}
    if data.dataset is not None:
        meant = known.get(data.dataset.lower(), data.dataset)
        if meant != data.dataset:
            raise ValueError(f"data.dataset: there is no {data.dataset}. Did you mean {meant}?")


def _check_split(data: DataConfig) -> None:
    own = data.own_parts
    for name in own:
        if name != "splits_file" and data.csv is None:
            raise ValueError(f"data.{name} is for a CSV file of molecules (--csv).")
    if len(own) > 1 and own != ["validation_csv", "test_csv"]:
        raise ValueError(f"data.{own[0]} and data.{own[1]} both say which row is in which part: give one of them.")
    files = [data.csv, data.validation_csv, data.test_csv]
    named = [Path(file).resolve() for file in files if file is not None]
    if len(set(named)) < len(named):
        raise ValueError("data.csv, data.validation_csv and data.test_csv must be different files.")
    if len(data.split_sizes) != 3 or abs(sum(data.split_sizes) - 1) > 1e-6 or data.split_sizes[0] == 0:
        raise ValueError(
            "data.split_sizes must be three shares that sum to 1, of training, validation and test, the first "
            f"not 0, got {data.split_sizes}."
        )
    if data.split in ("folds", *FAIR_SPLITS):
        if own:
            raise ValueError(f"data.split: {data.split} draws parts of its own: leave out data.{own[0]}.")
        if data.own_draw:
            key = data.own_draw[0]
            raise ValueError(
                f"data.split: {data.split} is the same in all runs: leave out data.{key}, or split otherwise "
                "(--split, --protocol)."
            )


def _check_columns(data: DataConfig) -> None:
    """Refuse a column with two meanings, and columns without a file."""
    meaning = {data.smiles_column: "smiles_column", **dict.fromkeys(data.tasks, "tasks")}
    for option_name, column in data.columns_beside:
        if data.csv is None:
            raise ValueError(f"data.{option_name} is for a CSV file of molecules (--csv).")
        if column in meaning:
            raise ValueError(f"data.{option_name} must not be {column!r}, which is in data.{meaning[column]}.")
        meaning[column] = option_name


def _all_tasks(data: DataConfig, csv: str) -> list[str]:
    """The columns of numbers; unless one is called so, which is meant then."""
    if ALL_TASKS in column_names(csv, data.smiles_column):
        return [ALL_TASKS]
    beside = [column for _, column in data.columns_beside]
    return [name for name in numeric_columns(csv, data.smiles_column) if name not in beside]


def _check_tasks(data: DataConfig, csv: str) -> None:
    if not data.tasks:
        columns = numeric_columns(csv, data.smiles_column)
        found = f"Columns of numbers: {list_names(columns)}" if columns else "It has no column of numbers"
        raise ValueError(f"data.csv needs data.tasks (--tasks), the columns of {csv} to predict. {found}.")
    for name in data.tasks:
        if data.tasks.count(name) > 1:
            raise ValueError(f"data.tasks holds {name!r} twice.")
    own_columns = {"reason", *(f"{name}_std" for name in data.tasks)}
    taken = {data.smiles_column, *own_columns} & set(data.tasks)
    if taken:
        raise ValueError(
            f"data.tasks must not hold {min(taken)!r}, a column of its own in predictions: rename it."
        )
    if data.smiles_column in own_columns:
        raise ValueError(
            f"data.smiles_column must not be {data.smiles_column!r}, a column of its own in predictions: "
            "rename it."
        )
