"""Keys of a configuration that a run would not heed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from inspect import signature
from itertools import product
from typing import Any

from dgl_memgnn.config import FAIR_SPLITS, Config, ModelConfig, with_values
from dgl_memgnn.models.networks import NETWORKS
from dgl_memgnn.runs.pretraining_config import PretrainingConfig
from dgl_memgnn.training import TrainingConfig
from dgl_memgnn.transforms import EMBEDDINGS

__all__ = ["not_heeded", "not_heeded_in_pretraining", "variants"]

_SWITCHES = (
    "network",
    "readout",
    "topology",
    "edge_features",
    "embedding",
    "decay",
    "keep",
    "clustering_weight",
    "clustering_period",
)
_REFUSED_ELSEWHERE = ("network", "readout", "topology", "pretrained", "pretrained_sha256", "freeze_query")
_OF_NETWORKS = [each.name for each in fields(ModelConfig) if each.name not in _REFUSED_ELSEWHERE]
_BY_GRADIENT = [each.name for each in fields(TrainingConfig) if each.name not in ("seed", "device")]
_OF_EMBEDDING = ["embedding", "embedding_width", "embedding_sort", "continue_prob"]
_OF_KEYS = ["clustering_period", "clustering_weight", "supervised_keys", "detach_target", "initial_keys"]


def _heeded(config: Config) -> list[str]:
    """Keys of the section model that have a part in a network."""
    return list(NETWORKS[config.model.network].options(config.model))


def _walks(config: Config, key: str) -> bool:
    return "continue_prob" in signature(EMBEDDINGS[config.data.embedding]).parameters


def _network(config: Config) -> str:
    model = config.model
    return f"network {model.network}" + f" with readout {model.readout}" * (model.readout != ModelConfig.readout)


def _split(config: Config) -> str:
    return f"split {config.data.split}"


_Rule = tuple[list[str], Callable[[Config, str], bool], Callable[[Config], str]]
_RULES: list[_Rule] = [  # keys, whether a configuration heeds one of them, and what in it does not
    (["split_seed"], lambda config, key: config.data.split in ("random", "stratified"), _split),
    (["num_folds"], lambda config, key: config.data.split == "folds", _split),
    (["fold"], lambda config, key: config.data.split in ("folds", *FAIR_SPLITS), _split),
    (
        ["edge_sampling"],
        lambda config, key: config.data.edge_fraction < 1,
        lambda config: f"edge_fraction {config.data.edge_fraction}",
    ),
    (
        _OF_EMBEDDING,
        lambda config, key: NETWORKS[config.model.network].takes_topology(config.model),
        lambda config: f"network {config.model.network} without a topological embedding",
    ),
    (["continue_prob"], _walks, lambda config: f"embedding {config.data.embedding}"),
    (
        ["degree_features"],
        lambda config, key: config.data.on_graphs,
        lambda config: "molecules, which have features",
    ),
    (
        ["featurizer"],
        lambda config, key: not config.data.on_graphs,
        lambda config: f"the graphs of {config.data.dataset}",
    ),
    (
        ["max_atoms", "max_smiles_length"],
        lambda config, key: config.data.csv is not None,
        lambda config: f"data set {config.data.dataset}",
    ),
    (_OF_NETWORKS, lambda config, key: key in _heeded(config), _network),
    (_OF_KEYS, lambda config, key: "num_heads" in _heeded(config), _network),
    (
        ["clustering_period", "supervised_keys"],
        lambda config, key: not config.training.clustering_weight,
        lambda config: f"clustering_weight {config.training.clustering_weight}, by which keys move in every step",
    ),
    (
        ["detach_target"],
        lambda config, key: bool(config.training.clustering_weight or config.training.clustering_period),
        lambda config: "a training without a clustering loss",
    ),
    (
        ["halve_every"],
        lambda config, key: config.training.decay == "halving",
        lambda config: f"decay {config.training.decay}",
    ),
    (
        ["patience"],
        lambda config, key: config.training.keep == "best",
        lambda config: f"keep {config.training.keep}",
    ),
    (
        _BY_GRADIENT,
        lambda config, key: not NETWORKS[config.model.network].learns_by_itself,
        lambda config: f"network {config.model.network}, which is not trained by gradients",
    ),
]


def not_heeded(configs: Sequence[Config], given: Iterable[str]) -> list[str]:
    """Say which keys that the user has given have no part in what is asked for.

    Other keys that stand in the file of a configuration are not the user's: it serves several networks and splits.

    Parameters
    ----------
    configs : sequence of dgl_memgnn.config.Config
        What is asked for: of several, a key need be for one.
    given : iterable of str
        Names of the keys that the user has given, or that are chosen among.

    Returns
    -------
    list of str
        A sentence a key that no configuration heeds.

    Examples
    --------
    >>> from dgl_memgnn.config import load_config
    >>> not_heeded([load_config("quickstart", {"decay": "cosine"})], ["halve_every", "epochs"])
    ['--halve-every has no part in decay cosine.']
    """
    asked, said = set(given), {}
    for keys, heeds, what in _RULES:
        for key in keys:
            if key in asked and configs and not any(heeds(config, key) for config in configs):
                said[key] = f"--{key.replace('_', '-')} has no part in {what(configs[0])}."
    return list(said.values())


def not_heeded_in_pretraining(config: PretrainingConfig, given: Iterable[str]) -> list[str]:
    """The same of a pre-training.

    Examples
    --------
    >>> from dgl_memgnn.runs.pretraining_config import load_pretraining_config
    >>> given = {"csv": ["molecules.csv"], "halve_every": 5, "hidden_atoms": 0.3}
    >>> not_heeded_in_pretraining(load_pretraining_config(overrides=given), given)
    ['--halve-every has no part in decay cosine.', '--hidden-atoms has no part in objectives descriptors.']
    """
    decay, objectives = config.training.decay, config.pretraining.objectives
    asked, said = set(given), []
    if "halve_every" in asked and decay != "halving":
        said.append(f"--halve-every has no part in decay {decay}.")
    if "hidden_atoms" in asked and "masked" not in objectives:
        said.append(f"--hidden-atoms has no part in objectives {', '.join(objectives)}.")
    return said


def variants(config: Config, space: Mapping[str, Any]) -> list[Config]:
    """A configuration with all values of a space that change which keys are heeded, and that go together."""
    switches = [key for key in _SWITCHES if isinstance(space.get(key), list)]
    made = []
    for values in product(*(space[key] for key in switches)):
        with contextlib.suppress(ValueError):
            made.append(with_values(config, dict(zip(switches, values))))
    return made
