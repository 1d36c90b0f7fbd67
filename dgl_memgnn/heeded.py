"""Keys of a configuration that a run would not heed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from itertools import product
from typing import Any

from dgl_memgnn.config import FAIR_SPLITS, Config, ModelConfig, with_values
from dgl_memgnn.models.networks import NETWORKS
from dgl_memgnn.training import TrainingConfig

__all__ = ["check_heeded"]

_SWITCHES = ("network", "readout", "topology", "edge_features", "decay", "keep", "clustering_weight")
_REFUSED_ELSEWHERE = ("network", "readout", "topology", "pretrained", "pretrained_sha256", "freeze_query")
_OF_NETWORKS = [each.name for each in fields(ModelConfig) if each.name not in _REFUSED_ELSEWHERE]
_BY_GRADIENT = [each.name for each in fields(TrainingConfig) if each.name not in ("seed", "device")]
_OF_EMBEDDING = ["embedding", "embedding_width", "embedding_sort", "continue_prob"]
_OF_KEYS = ["clustering_period", "clustering_weight", "supervised_keys", "detach_target", "initial_keys"]


def _heeded(config: Config) -> list[str]:
    """Keys of the section model that have a part in a network."""
    return list(NETWORKS[config.model.network].options(config.model))


_BY_NETWORK = "network {model.network} with readout {model.readout}"
_RULES: list[tuple[list[str], Callable[[Config, str], bool], str]] = [  # keys, who heeds them, and who does not
    (["split_seed"], lambda config, key: config.data.split in ("random", "stratified"), "split {data.split}"),
    (["num_folds"], lambda config, key: config.data.split == "folds", "split {data.split}"),
    (["fold"], lambda config, key: config.data.split in ("folds", *FAIR_SPLITS), "split {data.split}"),
    (["edge_sampling"], lambda config, key: config.data.edge_fraction < 1, "edge_fraction 1"),
    (
        _OF_EMBEDDING,
        lambda config, key: NETWORKS[config.model.network].takes_topology(config.model),
        "network {model.network} without a topological embedding",
    ),
    (_OF_NETWORKS, lambda config, key: key in _heeded(config), _BY_NETWORK),
    (_OF_KEYS, lambda config, key: "num_heads" in _heeded(config), _BY_NETWORK),
    (
        ["clustering_period"],
        lambda config, key: not config.training.clustering_weight,
        "clustering_weight {training.clustering_weight}",
    ),
    (["halve_every"], lambda config, key: config.training.decay == "halving", "decay {training.decay}"),
    (["patience"], lambda config, key: config.training.keep == "best", "keep {training.keep}"),
    (
        _BY_GRADIENT,
        lambda config, key: not NETWORKS[config.model.network].learns_by_itself,
        "network {model.network}, which is not trained by gradients",
    ),
]


def check_heeded(config: Config, given: Iterable[str], space: Mapping[str, Any] | None = None) -> None:
    """Refuse keys that the user has given and that have no part in what is asked for.

    Keys that stand in the file of a configuration are not the user's: it serves several networks and splits.

    Parameters
    ----------
    config : dgl_memgnn.config.Config
        What is asked for.
    given : iterable of str
        Names of the keys that the user has given.
    space : dict, optional
        Values by key, among which are chosen: a key may be for some of these.

    Raises
    ------
    ValueError
        If no configuration, with whichever values of the space, heeds such a key; the message names
        it, and what it has no part in.

    Examples
    --------
    >>> from dgl_memgnn.config import load_config
    >>> check_heeded(load_config("quickstart", {"decay": "cosine"}), ["halve_every"])
    Traceback (most recent call last):
    ...
    ValueError: --halve-every has no part in decay cosine: leave it out.
    """
    asked, possible = set(given), _possible(config, space or {})
    for keys, heeds, what in _RULES:
        for key in (key for key in keys if key in asked):
            if possible and not any(heeds(config, key) for config in possible):
                option = "--" + key.replace("_", "-")
                raise ValueError(f"{option} has no part in {what.format(**vars(possible[0]))}: leave it out.")


def _possible(config: Config, space: Mapping[str, Any]) -> list[Config]:
    """The configuration with all values of the space that change which keys are heeded, and that go together."""
    switches = [key for key in _SWITCHES if key in space]
    possible = []
    for values in product(*(space[key] for key in switches)):
        with contextlib.suppress(ValueError):
            possible.append(with_values(config, dict(zip(switches, values))))
    return possible
