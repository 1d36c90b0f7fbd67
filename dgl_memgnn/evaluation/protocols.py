"""Which runs make up a published figure."""
from dataclasses import replace

from dgl_memgnn.config import check_together

__all__ = ["PROTOCOLS", "runs"]

PROTOCOLS = {
    "paper": "ten stratified folds; each fold's best epoch is chosen on the graphs it reports (optimistic)",
    "moleculenet": "80/10/10 over three seeds; scaffold split for BACE, random split for others",
    "scaffold": "80/10/10 by scaffold over three seeds",
}


def runs(config, protocol, repeats=None):
    """The runs of a protocol, by name.

    Parameters
    ----------
    config : dgl_memgnn.config.Config
        The configuration; its split and seed are replaced.
    protocol : str
        ``"paper"``: validation accuracy on ten stratified folds, each at its best epoch, which is optimistic.
        ``"moleculenet"``: three seeds of the random split, for BACE of the scaffold split; the epoch is chosen on
        validation, and the test part is scored once. ``"scaffold"``: the same with the scaffold split for all.
    repeats : int, optional
        Number of folds or seeds. Default: the protocol's, 10 or 3.

    Returns
    -------
    dict
        Configurations by the names of their runs.

    Raises
    ------
    ValueError
        If there is no such protocol, or it is not for such data.

    Examples
    --------
    >>> from dgl_memgnn.config import load_config
    >>> seeds = runs(load_config("esol_memgnn"), "moleculenet")
    >>> {name: (config.data.split, config.training.seed) for name, config in seeds.items()}
    {'seed0': ('random', 0), 'seed1': ('random', 1), 'seed2': ('random', 2)}
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"Unknown protocol {protocol!r}: choose one of {', '.join(PROTOCOLS)}.")
    if protocol == "paper":
        folds = range(min(repeats or 10, 10))
        return {f"fold{fold}": _with(config, {"split": "folds", "num_folds": 10, "fold": fold}, seed=fold)
                for fold in folds}
    by_scaffold = protocol == "scaffold" or config.data.dataset == "BACE"
    split = {"split": "scaffold" if by_scaffold else "random"}
    return {f"seed{seed}": _with(config, split, seed) for seed in range(repeats or 3)}


def _with(config, data, seed):
    run = replace(config, data=replace(config.data, **data), training=replace(config.training, seed=seed))
    check_together(run)
    return run
