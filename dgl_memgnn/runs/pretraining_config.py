"""The configuration of a pre-training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Dict, List, Optional, get_type_hints

import yaml

from dgl_memgnn.config import ModelConfig, check_keys, read_yaml
from dgl_memgnn.data import FEATURIZERS, Limits
from dgl_memgnn.models import READOUTS
from dgl_memgnn.objectives import OBJECTIVES
from dgl_memgnn.options import Options, option
from dgl_memgnn.training import TrainingConfig

__all__ = ["PretrainingConfig", "load_pretraining_config", "pretraining_options"]

# What is about other networks than MemGNN, about starting from weights, or about labels.
_FIXED = (
    "network",
    "topology",
    "pretrained",
    "pretrained_sha256",
    "freeze_query",
    "pretrained_learning_rate",
    "class_balance",
    "task_weights",
)
_DEFAULTS: Dict[str, Any] = {
    "epochs": 10,
    "batch_size": 64,
    "decay": "cosine",
    "weight_average": 0.99,
    "clustering_period": 1,
}


@dataclass
class PretrainingOptions(Options):
    """What to learn from, and what."""

    section: ClassVar[str] = "pretraining"

    csv: List[str] = option([], "CSV file of SMILES; may be given several times")
    smiles_column: str = option("smiles", "column of the files that holds the SMILES")
    exclude: List[str] = option(
        [],
        "CSV file of molecules to leave out, by canonical SMILES; FILE:COLUMN where their column has another "
        "name; may be given several times",
    )
    objectives: List[str] = option(
        ["descriptors"],
        "what is learned, with commas between: "
        + "; ".join(f"{name}: {objective.meaning}" for name, objective in OBJECTIVES.items()),
        choices=tuple(OBJECTIVES),
    )
    hidden_atoms: float = option(0.15, "share of the atoms that objective masked hides", low=0.01, high=0.9)
    held_out: float = option(0.02, "share of the molecules that are held out and scored", low=0.01, high=0.05)
    featurizer: str = option("canonical", "atom and bond features", choices=tuple(FEATURIZERS))
    max_smiles_length: int = option(
        Limits().length, "characters of a SMILES, at most; longer ones are left out", low=1
    )
    max_atoms: int = option(Limits().atoms, "atoms of a molecule, at most; larger ones are left out", low=1)
    cache_dir: Optional[str] = option(
        None, "folder for what was computed; default: dgl_memgnn/cache in DGL's download folder"
    )

    @property
    def limits(self) -> Limits:
        """The largest molecule that is read."""
        return Limits(self.max_smiles_length, self.max_atoms)


@dataclass
class PretrainingConfig:
    """A whole pre-training. :func:`load_pretraining_config` makes one."""

    pretraining: PretrainingOptions = field(default_factory=PretrainingOptions)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def to_yaml(self) -> str:
        """All values, as text that :func:`load_pretraining_config` reads from a file."""
        content = asdict(self)
        for name in _FIXED:
            content["model"].pop(name, None)
            content["training"].pop(name, None)
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def load_pretraining_config(
    source: str | PathLike[str] | None = None, overrides: Mapping[str, Any] | None = None
) -> PretrainingConfig:
    """Read and validate the configuration of a pre-training.

    Parameters
    ----------
    source : str or os.PathLike, optional
        A YAML file, such as the config.yaml of a run. Default: the sizes of MemGNN for molecules of one's own.
    overrides : dict, optional
        Values by the key's own name that replace those of the file.

    Returns
    -------
    PretrainingConfig
        The complete configuration.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a key is unknown, or a value has the wrong type, is out of range or does not go with another; the
        message names the key.

    Examples
    --------
    >>> config = load_pretraining_config(overrides={"csv": ["molecules.csv"], "epochs": 3})
    >>> config.model.hidden_feats, config.training.epochs, config.pretraining.objectives
    (128, 3, ['descriptors'])
    >>> load_pretraining_config(overrides={"csv": ["molecules.csv"], "objectives": ["clustering"]})
    Traceback (most recent call last):
    ...
    ValueError: pretraining.objectives: clustering alone would be met by queries that are all the same: ...
    """
    kinds = _sections()
    if source is not None and not Path(source).is_file():
        raise FileNotFoundError(f"There is no file {source}.")
    content = {} if source is None else read_yaml(source, kinds)
    check_keys(content, list(kinds), "")
    sizes = read_yaml("molecules", ("data", "model", "training"))["model"]
    defaults = {"model": {name: sizes[name] for name in sizes if name not in _FIXED}, "training": _DEFAULTS}
    known = {section: [name for name in names(kind) if name not in _FIXED] for section, kind in kinds.items()}
    overrides = dict(overrides or {})
    check_keys(overrides, [name for section in known.values() for name in section], "")
    made: dict[str, Any] = {}
    for section, kind in kinds.items():
        check_keys(content.get(section, {}), known[section], f"{section}.")
        own = {name: value for name, value in overrides.items() if name in known[section]}
        made[section] = kind(**{**defaults.get(section, {}), **content.get(section, {}), **own})
    config = PretrainingConfig(**made)
    _check(config)
    if "clustering" not in config.pretraining.objectives:
        if {**content.get("training", {}), **overrides}.get("clustering_period"):
            raise ValueError("training.clustering_period is for objective clustering (--objectives).")
        config.training = replace(config.training, clustering_period=0)
    return config


def pretraining_options() -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """All keys with their types and help: (name, type, metadata) of each."""
    for kind in _sections().values():
        types = get_type_hints(kind)
        for each in fields(kind):
            if each.name not in _FIXED:
                metadata = dict(each.metadata)
                if kind is TrainingConfig and each.name in _DEFAULTS:
                    metadata["help"] += f"; default: {_DEFAULTS[each.name]}"
                yield each.name, types[each.name], metadata


def names(kind: type[Options]) -> list[str]:
    """Names of the options of a section."""
    return [each.name for each in fields(kind)]


def _sections() -> dict[str, type[Options]]:
    return get_type_hints(PretrainingConfig)


def _check(config: PretrainingConfig) -> None:
    """ValueError if values that are right by themselves do not go together."""
    options, model, training = config.pretraining, config.model, config.training
    if training.epochs is None:
        raise ValueError(f"training.epochs must be of type int, got None. Its default is {_DEFAULTS['epochs']}.")
    if not options.csv:
        raise ValueError("pretraining.csv (--csv) is missing: give at least one file of SMILES.")
    for key in ("csv", "exclude", "objectives"):
        values = getattr(options, key)
        if len(set(values)) < len(values):
            raise ValueError(f"pretraining.{key} holds {max(values, key=values.count)!r} twice.")
    if not options.objectives:
        raise ValueError(f"pretraining.objectives is empty: give at least one of {', '.join(OBJECTIVES)}.")
    chosen = [OBJECTIVES[name] for name in options.objectives]
    joining = [objective.name for objective in chosen if objective.joins]
    if joining and not any("readout" in each.modules and not each.joins for each in chosen):
        able = [name for name, each in OBJECTIVES.items() if "readout" in each.modules and not each.joins]
        raise ValueError(
            f"pretraining.objectives: {joining[0]} alone would be met by queries that are all the same: give it "
            f"together with one that trains the memory layers by labels of its own, {' or '.join(able)}."
        )
    if model.num_keys[-1:] != [1]:
        raise ValueError(f"model.num_keys must end in 1, got {model.num_keys}.")
    with_clustering = "clustering" in options.objectives
    if with_clustering and "num_keys" not in READOUTS[model.readout].options:
        raise ValueError(f"pretraining.objectives: clustering is for memory layers, not for {model.readout}.")
    if with_clustering and not (training.clustering_period or training.clustering_weight):
        raise ValueError(
            "pretraining.objectives: clustering needs training.clustering_period or training.clustering_weight."
        )
    if training.clustering_weight and not with_clustering:
        raise ValueError("training.clustering_weight is for objective clustering (--objectives).")
