"""Which runs make up a published figure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dgl_memgnn.config import Config, check_together

__all__ = ["PROTOCOLS", "SET_BY_PROTOCOL", "asked", "member_of", "protocols_of", "runs", "split_of"]

PROTOCOLS = {
    "paper": "ten stratified folds; each fold's best epoch is chosen on the graphs it reports (optimistic)",
    "fair": "ten outer test folds; epochs and, of several, candidates are chosen on an inner validation part, the "
    "test fold is scored once in each of some runs, three by default; deviation over folds of their means",
    "moleculenet": "80/10/10 over seeds, three by default; scaffold split for BACE, random split for others",
    "scaffold": "80/10/10 by scaffold over seeds, three by default, as dgllife splits the named sets",
    "repeats": "seeds, three by default, with the test part that the configuration says (split, splits_column, "
    "test_csv, ...); training and validation are drawn anew from the rest by each",
}
_FOLDS = ("split", "num_folds", "fold", "seed")
SET_BY_PROTOCOL = {  # keys that its runs have values of their own of
    "paper": (*_FOLDS, "keep"),
    "fair": _FOLDS,
    "moleculenet": ("split", "seed"),
    "scaffold": ("split", "seed"),
    "repeats": ("validation_seed",),
}


def runs(config: Config, protocol: str, repeats: int | None = None, members: int = 1) -> dict[str, Config]:
    """The runs of a protocol, by name.

    Parameters
    ----------
    config : dgl_memgnn.config.Config
        The configuration; its split and seed are replaced, and for ``"paper"`` the epoch that is kept. What it
        proposes to search has no part in the runs.
    protocol : str
        ``"paper"``: validation accuracy on ten stratified folds, each at its best epoch, which is optimistic.
        ``"moleculenet"``: three seeds of the random split, for BACE of the scaffold split; the epoch is chosen on
        validation or, where the configuration says so, the last, and the test part is scored once.
        ``"scaffold"``: the same with the scaffold split for all: dgllife's for a data set with a name, see
        :func:`dgl_memgnn.data.scaffold_split`.
        ``"repeats"``: three seeds with the configuration's own test part; each draws training and validation anew
        from the rest, in the same sizes.
    repeats : int, optional
        Number of folds or seeds. Default: the protocol's, 10 or 3.
    members : int, optional
        Number of networks trained on the split of each seed, for an ensemble. The first is the run of the
        protocol itself. Default: ``1``.

    Returns
    -------
    dict
        Configurations by the names of their runs: ``fold0``, or ``seed0`` and ``seed0-member1``.

    Raises
    ------
    ValueError
        If there is no such protocol, or not that many folds, it is not for such data, or the configuration has a
        split that it would replace: sizes, seeds, or parts of its own.

    Examples
    --------
    >>> from dgl_memgnn.config import load_config
    >>> seeds = runs(load_config("esol_memgnn"), "moleculenet")
    >>> {name: (config.data.split, config.training.seed) for name, config in seeds.items()}
    {'seed0': ('random', 0), 'seed1': ('random', 1), 'seed2': ('random', 2)}
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"Unknown protocol {protocol!r}: choose one of {', '.join(PROTOCOLS)}.")
    if protocol == "fair":
        raise ValueError("The runs of protocol fair depend on each other: see dgl_memgnn.runs.fair.")
    if protocol == "paper":
        if members > 1:
            raise ValueError("Protocol paper is one of single networks: leave members (--members) at 1.")
        folds = range(asked(repeats, 10, most=10))
        config = replace(config, training=replace(config.training, keep="best"))
        return {
            f"fold{fold}": _with(config, {"split": "folds", "num_folds": 10, "fold": fold}, seed=fold)
            for fold in folds
        }
    seeds = range(asked(repeats, 3))
    if protocol == "repeats":
        fixed = config.training.seed if config.data.split_seed is None else config.data.split_seed
        return {
            f"seed{seed}" + f"-member{i}" * (i > 0): _with(
                config, {"split_seed": fixed, "validation_seed": seed}, 1000 * i + seed
            )
            for i in range(members)
            for seed in seeds
        }
    names = [*config.data.own_parts, *config.data.own_draw]
    if names:
        raise ValueError(
            f"Protocol {protocol} splits 80/10/10 by itself: leave out data.{names[0]}, or take protocol repeats."
        )
    data = {"split": "random"}
    if "scaffold" in protocols_of(protocol, config.data.dataset):  # published figures are for dgllife's
        data["split"] = "dgllife_scaffold" if config.data.csv is None else "scaffold"
    plain = {f"seed{seed}": _with(config, data, seed) for seed in seeds}
    others = {
        f"seed{seed}-member{i}": _with(config, {**data, "split_seed": seed}, 1000 * i + seed)
        for i in range(1, members)
        for seed in seeds
    }
    return {**plain, **others}


def asked(repeats: int | None, default: int, most: int | None = None) -> int:
    """How many folds or seeds are run; ValueError if there are no so many.

    Examples
    --------
    >>> asked(None, 3), asked(5, 3)
    (3, 5)
    """
    number = default if repeats is None else repeats
    if number < 1 or (most is not None and number > most):
        bounds = "at least 1" if most is None else f"between 1 and {most}, the number of folds"
        raise ValueError(f"repeats must be {bounds} (--repeats), got {repeats}.")
    return number


def protocols_of(protocol: str, dataset: str | None) -> tuple[str, ...]:
    """The protocols whose runs those of a protocol are on a data set: on BACE, two are one.

    Examples
    --------
    >>> protocols_of("moleculenet", "BACE"), protocols_of("moleculenet", "ESOL")
    (('moleculenet', 'scaffold'), ('moleculenet',))
    """
    both = ("moleculenet", "scaffold")
    return both if dataset == "BACE" and protocol in both else (protocol,)


def _with(config: Config, data: dict[str, Any], seed: int) -> Config:
    training = replace(config.training, seed=seed)
    run = replace(config, data=replace(config.data, **data), training=training, search={})
    check_together(run)
    return run


def member_of(run: str) -> int:
    """Which network of an ensemble a run is, by the name that :func:`runs` gave it.

    Examples
    --------
    >>> member_of("seed0-member1"), member_of("seed0")
    (1, 0)
    """
    return int(run.partition("-member")[2] or 0)


def split_of(run: str) -> str:
    """The first run on the split of a run, by the name that :func:`runs` gave it.

    Examples
    --------
    >>> split_of("seed0-member1"), split_of("seed0")
    ('seed0', 'seed0')
    """
    return run.partition("-member")[0]
