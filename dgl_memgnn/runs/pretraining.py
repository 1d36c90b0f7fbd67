"""One pre-training: molecules without labels, objectives, and a folder with the weights that came of it."""

from __future__ import annotations

import json
import math
import shutil
import time
from dataclasses import asdict
from importlib import metadata
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from dgl_memgnn.cache import default_cache_dir
from dgl_memgnn.data.molecule_store import MoleculeStore, write_store
from dgl_memgnn.data.unlabelled import Unlabelled
from dgl_memgnn.files import read_json, remove_unfinished, replacing
from dgl_memgnn.models import NETWORKS, Widths
from dgl_memgnn.objectives import OBJECTIVES, JointTask, PretrainingNetwork
from dgl_memgnn.run_files import CARD, PRETRAINING_FILES, STATE, WEIGHTS
from dgl_memgnn.runs.pretraining_config import PretrainingConfig, load_pretraining_config
from dgl_memgnn.runs.run import (
    begun_state,
    check_holds_nothing,
    check_same_configuration,
    continue_run,
    installed_versions,
    write_json,
)
from dgl_memgnn.runs.weights_card import write_card
from dgl_memgnn.training import Trainer, save_checkpoint
from dgl_memgnn.training.distributed import check_device, main_process_first, rank
from dgl_memgnn.visualization.curves import plot_curves
from dgl_memgnn.weights import PARTS, save_weights

__all__ = ["pretrain"]

MOLECULES = "molecules"  # what was made of the files; removed, as STATE is, when the run is finished
COUNTS = "counts.json"


def pretrain(
    config: PretrainingConfig,
    folder: str | PathLike[str],
    progress: bool = True,
    overwrite: bool = False,
    report: bool = True,
) -> dict[str, Any]:
    """Train MemGNN on molecules without labels, and store the weights.

    All processes of a group (see :mod:`torch.distributed`) call it; the first of them writes. A run
    that was interrupted, however that was, continues after its last whole epoch. A finished one is left as it is.

    Parameters
    ----------
    config : PretrainingConfig
        The configuration.
    folder : str or os.PathLike
        The run folder: new, empty, or of the same configuration. It receives config.yaml, history.csv, curves.png,
        metrics.json, weights.pt, and card.md, which tells what the weights are.
    progress : bool, optional
        Whether to show a progress bar. Default: ``True``.
    overwrite : bool, optional
        Whether to remove a run that is there and start anew. Default: ``False``.
    report : bool, optional
        Whether to print what was read and what was chosen, or that the run is finished. Default: ``True``.

    Returns
    -------
    dict
        The content of metrics.json: under ``"held_out"`` the scores of the objectives.

    Raises
    ------
    FileExistsError
        If the folder holds something else than a run.
    ValueError
        If the folder holds a run of another configuration or its files have changed since, or if there is nothing
        to learn from.
    """
    started = time.perf_counter()
    folder = Path(folder)
    check_device(config.training.device)
    source = _source(config)
    files = source.digest()
    with main_process_first():
        if rank() == 0:
            remove_unfinished(folder)
            _check_folder(folder, config, overwrite)
        stored = None if overwrite else _stored(folder, files)
        if stored is not None:
            if report and rank() == 0:
                print(f"{folder} is finished; --overwrite starts it anew.")
            return stored
        if rank() == 0:
            _prepare(folder, config, source, files, overwrite)
        molecules = MoleculeStore(folder / MOLECULES)
        about = read_json(folder / MOLECULES / COUNTS)
    parts = held_out_split(len(molecules), config)
    learner = build_pretraining(config, molecules, parts["train"], progress)
    trained = [part for part in PARTS if part in _trained(config)]
    if report and rank() == 0:
        print("\n".join([about["report"], *_describe(config, learner, parts)]), flush=True)
    elapsed = continue_run(learner, folder, {"data": molecules.digest}, begun_state(folder))

    def on_epoch(record: dict[str, Any], kept: bool) -> None:
        if rank() > 0:
            return
        with replacing(folder / "history.csv") as unfinished:
            pd.DataFrame(learner.history).to_csv(unfinished, index=False)
        if kept:
            _save_weights(folder, config, learner, molecules, trained)
        save_checkpoint(
            folder / STATE,
            trainer=learner.state_dict(),
            digests={"data": molecules.digest},
            elapsed=elapsed + time.perf_counter() - started,
        )

    items: Any = molecules  # any sequence will do
    learner.fit(items, parts["train"], parts["validation"], on_epoch)
    scores = learner.history[learner.kept_epoch - 1]
    result = {
        "held_out": {
            name: None if math.isnan(value) else value
            for name, value in scores.items()
            if name not in ("epoch", "loss", "clustering_loss")
        },
        "objectives": config.pretraining.objectives,
        "modules": trained,
        "parts": {"train": len(parts["train"]), "held_out": len(parts["validation"])},
        "counts": about["counts"],
        "kept_epoch": learner.kept_epoch,
        "seed": config.training.seed,
        "files": files,
        "digest": molecules.digest,
        "versions": installed_versions(),
        "wall_time_seconds": round(elapsed + time.perf_counter() - started, 1),
    }
    if rank() == 0:
        plot_curves({"": folder / "history.csv"}, folder / "curves.png")
        write_card(folder / CARD, config, result, folder / WEIGHTS)
        write_json(folder / "metrics.json", result)
        _clean(folder)
    return result


def build_pretraining(
    config: PretrainingConfig, molecules: MoleculeStore, train: np.ndarray, progress: bool = False
) -> Trainer:
    """A new network with the heads of the objectives, and what trains it."""
    network, model = NETWORKS["MemGNN"], config.model
    objectives = {
        name: OBJECTIVES[name](molecules, train, config.pretraining) for name in config.pretraining.objectives
    }
    with torch.random.fork_rng([]):
        torch.manual_seed(config.training.seed)
        memgnn = network.build(
            model, Widths(molecules.node_feats, molecules.edge_feats, 1), None, config.training.seed
        )
        heads = {
            name: objective.head(model.hidden_feats, model.dropout, model.edge_features)
            for name, objective in objectives.items()
        }
    pretraining = PretrainingNetwork(memgnn, heads)
    for part in PARTS:
        pretraining.get_submodule(part).requires_grad_(part in _trained(config))
    task = JointTask(list(objectives.values()))
    return Trainer(pretraining, task, network.take_inputs(model), config.training, progress)


def held_out_split(num_molecules: int, config: PretrainingConfig) -> dict[str, np.ndarray]:
    """Numbers of the molecules to learn from and to score on, drawn by the seed."""
    held_out = max(2, round(config.pretraining.held_out * num_molecules))
    if num_molecules - held_out < 2:
        raise ValueError(f"{num_molecules} molecules are too few: two are held out, and two or more learned from.")
    order = np.random.default_rng(config.training.seed).permutation(num_molecules)
    return {"train": np.sort(order[held_out:]), "validation": np.sort(order[:held_out])}


def _trained(config: PretrainingConfig) -> set[str]:
    """Names of the modules that the objectives train."""
    return {part for name in config.pretraining.objectives for part in OBJECTIVES[name].modules}


def _source(config: PretrainingConfig) -> Unlabelled:
    options = config.pretraining
    cache_dir = options.cache_dir or default_cache_dir()
    return Unlabelled(options.csv, options.smiles_column, options.exclude, options.limits, cache_dir)


def _check_folder(folder: Path, config: PretrainingConfig, overwrite: bool) -> None:
    """Refuse a folder of something else, or of another configuration."""
    path = folder / "config.yaml"
    if not path.is_file():
        check_holds_nothing(folder)
        return
    try:
        theirs = asdict(load_pretraining_config(path))
    except ValueError as error:
        raise FileExistsError(
            f"{folder} holds a run, but none of pre-training ({error}). Give another folder with --out."
        ) from error
    if not overwrite:
        check_same_configuration(folder, theirs, asdict(config))


def _stored(folder: Path, files: str) -> dict[str, Any] | None:
    """The result of a finished run; ValueError if it was of other files."""
    path = folder / "metrics.json"
    if not path.is_file():
        return None
    stored = read_json(path)
    if stored["files"] != files:
        raise ValueError(
            f"{folder} is finished, and its files of molecules have changed since. Restore them, give another "
            "folder with --out, or start anew with --overwrite."
        )
    if rank() == 0:
        _clean(folder)
    return stored


def _prepare(folder: Path, config: PretrainingConfig, source: Unlabelled, files: str, overwrite: bool) -> None:
    """Write the configuration, and what is made of the molecules, unless they are there; a run that is overwritten
    stays until nothing is wrong with the new one.
    """
    options, target = config.pretraining, folder / MOLECULES
    counts = target / COUNTS
    if not overwrite and counts.is_file() and read_json(counts)["files"] == files:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(target) as unfinished:
        unfinished.mkdir()
        with_descriptors = any(OBJECTIVES[name].takes_descriptors for name in options.objectives)
        write_store(
            unfinished, source.pieces(), options.featurizer, with_descriptors, options.limits, source.cache_dir
        )
        dropped = MoleculeStore(unfinished).dropped
        lines = source.report() + f" {dropped} without features." * bool(dropped)
        about = {"files": files, "report": lines, "counts": {**source.counts(), "without_features": dropped}}
        (unfinished / COUNTS).write_text(json.dumps(about), encoding="utf-8")
        try:
            parts = held_out_split(len(MoleculeStore(unfinished)), config)
        except ValueError as error:  # they are too few
            raise ValueError(f"{lines} {error}") from error
        if overwrite:
            build_pretraining(config, MoleculeStore(unfinished), parts["train"])
            _remove(folder)
        with replacing(folder / "config.yaml") as file:
            file.write_text(config.to_yaml(), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)


def _save_weights(
    folder: Path, config: PretrainingConfig, learner: Trainer, molecules: MoleculeStore, trained: list[str]
) -> None:
    widths = molecules.node_feats, molecules.edge_feats if config.model.edge_features else 0
    save_weights(
        folder / WEIGHTS,
        learner.evaluated,
        trained,
        asdict(config.model),
        config.pretraining.featurizer,
        widths,
        objectives=config.pretraining.objectives,
        epoch=len(learner.history),
        digest=molecules.digest,
        package=metadata.version("dgl-memgnn"),
    )


def _describe(config: PretrainingConfig, learner: Trainer, parts: dict[str, np.ndarray]) -> list[str]:
    model, count = config.model, sum(p.numel() for p in learner.model.parameters())
    return [
        *(f"Objective {name}: {OBJECTIVES[name].meaning}." for name in config.pretraining.objectives),
        f"Network: MemGNN, width {model.hidden_feats}, {model.num_layers} layers, readout {model.readout}; with "
        f"heads {count:,} parameters.",
        f"Split: {len(parts['train'])} molecules to learn from, {len(parts['validation'])} held out (--held-out).",
    ]


def _clean(folder: Path) -> None:
    """Remove what only an unfinished run needs."""
    (folder / STATE).unlink(missing_ok=True)
    shutil.rmtree(folder / MOLECULES, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Remove a run's files and nothing else."""
    _clean(folder)
    for name in reversed(PRETRAINING_FILES):  # the configuration, which tells that it is a run, last
        (folder / name).unlink(missing_ok=True)
