"""One run: data, network, training, and a folder with all that came of it."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import time
from dataclasses import asdict, replace
from importlib import metadata
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from dgl_memgnn.config import Config, stored_config
from dgl_memgnn.data import GraphDataset, packed_fingerprints
from dgl_memgnn.files import is_unfinished, read_json, remove_unfinished, replacing
from dgl_memgnn.run_files import CHECKPOINT, FILES, FINGERPRINTS, STATE
from dgl_memgnn.runs.assembly import Assembly, assemble, load_dataset
from dgl_memgnn.runs.calibration import Calibration
from dgl_memgnn.runs.description import describe, undefined_metrics
from dgl_memgnn.runs.parts import task_of
from dgl_memgnn.runs.stored import store_network
from dgl_memgnn.runs.tensorboard import TensorBoard, check_installed
from dgl_memgnn.runs.tensorboard import remove as remove_records
from dgl_memgnn.training import key_usage, load_checkpoint, memory_layers, node_shares, save_checkpoint
from dgl_memgnn.training.distributed import check_device, main_process_first, rank
from dgl_memgnn.visualization.curves import plot_curves
from dgl_memgnn.weights import FIXED, NONE, load_weights, weights_path

__all__ = [
    "begun_state",
    "begun_with_weights",
    "check_holds_nothing",
    "check_overwritable",
    "check_same_configuration",
    "check_unchanged",
    "continue_run",
    "differing_keys",
    "installed_versions",
    "is_pretraining",
    "remove_run",
    "stored_result",
    "train_run",
    "write_json",
]

PACKAGES = ("dgl-memgnn", "dgl", "torch", "numpy", "scipy", "scikit-learn", "dgllife", "rdkit")
PLACES = ("data_dir", "cache_dir", "device")  # keys that say where, not what
SOURCES = ("csv", "validation_csv", "test_csv", "splits_file", "exclude")  # files, which are told by their digest
RESULTS = (STATE, "metrics.json", CHECKPOINT)  # what another configuration must not replace unasked


def train_run(
    config: Config,
    folder: str | PathLike[str],
    progress: bool = True,
    overwrite: bool = False,
    report: bool = True,
    dataset: GraphDataset | None = None,
    tensorboard: bool = False,
) -> dict[str, Any]:
    """Train as a configuration says, and store the run.

    All processes of a group call it; the first of them writes.

    A run that was interrupted, however that was, continues after its last whole epoch and ends as if it had
    never stopped. A finished one is left as it is.

    Parameters
    ----------
    config : dgl_memgnn.config.Config
        The configuration.
    folder : str or os.PathLike
        The run folder: new, empty, or of the same configuration. It receives config.yaml, splits.csv,
        history.csv, curves.png, metrics.json, predictions.csv and checkpoint.pt.
    progress : bool, optional
        Whether to show a progress bar. Default: ``True``.
    overwrite : bool, optional
        Whether to remove a run that is there and start anew. Default: ``False``.
    report : bool, optional
        Whether to print what was loaded and what was chosen, or that the run is finished. Default: ``True``.
    dataset : GraphDataset, optional
        What :func:`~dgl_memgnn.runs.load_dataset` gave for the same data. Default: it is loaded.
    tensorboard : bool, optional
        Whether each epoch is also recorded for TensorBoard, in the folder ``tensorboard`` of the run.
        Default: ``False``.

    Returns
    -------
    dict
        The content of metrics.json.

    Raises
    ------
    FileExistsError
        If the folder holds something else than a run.
    ModuleNotFoundError
        If TensorBoard is asked for and not installed.
    ValueError
        If the folder holds a run of another configuration or its data have changed since, or if the data are not
        what the configuration says, or nothing can be learned from them.
    """
    started = time.perf_counter()
    folder, config = Path(folder), replace(config, search={})
    check_device(config.training.device)
    if tensorboard:
        check_installed()
    stored = None
    if overwrite:
        check_overwritable(folder, config)
    else:
        stored = stored_result(folder, config)
    with main_process_first():
        if rank() == 0:
            remove_unfinished(folder)
        dataset = load_dataset(config) if dataset is None else dataset
        if stored is not None:
            check_unchanged(folder, stored, dataset)
            return _left_alone(folder, stored, report)
        begun = None if overwrite else begun_state(folder)
        pretrained = None if begun is None else begun.get("pretrained", [])
        assembly = assemble(config, dataset, None, progress, pretrained)
        if rank() == 0 and overwrite:
            remove_run(folder)
    learner, parts = assembly.learner, assembly.parts
    if report and rank() == 0:
        print(describe(assembly), flush=True)
    digests = {"data": dataset.digest, "split": _split_digest(parts)}
    elapsed = continue_run(learner, folder, digests, begun)
    board = TensorBoard(folder, len(learner.history)) if tensorboard and rank() == 0 else None
    if rank() == 0:
        _begin(folder, assembly)

    def on_epoch(record: dict[str, Any], kept: bool) -> None:
        if rank() > 0:
            return
        with replacing(folder / "history.csv") as unfinished:
            pd.DataFrame(learner.history).to_csv(unfinished, index=False)
        if board is not None:
            board.write(record, learner.schedule.rates[-1] * learner.schedule.decay(record["epoch"]))
        if kept:
            store_network(folder, assembly)
        save_checkpoint(
            folder / STATE,
            trainer=learner.state_dict(),
            digests=digests,
            elapsed=elapsed + time.perf_counter() - started,
            pretrained=assembly.pretrained,
        )

    try:
        learner.fit(dataset, parts["train"], parts.get("validation"), on_epoch, dataset.weights)
    except FloatingPointError as error:
        raise FloatingPointError(f"{folder}: {error}") from error
    if board is not None:
        board.close()
    predictions = {part: learner.predict(dataset, indices) for part, indices in parts.items() if part != "train"}
    result = _scores(assembly, predictions)
    calibration = _calibration(assembly, predictions)
    if calibration is not None and "test" in parts:
        label = dataset.labels[parts["test"]]
        result["uncertainty"] = {"test": calibration.score(predictions["test"], label)}
    result.update(
        task=task_of(dataset).task_type,
        task_arguments=task_of(dataset).arguments,
        parts={part: len(indices) for part, indices in parts.items()},
        kept_epoch=learner.kept_epoch,
        seed=config.training.seed,
        digest=dataset.digest,
        undefined=undefined_metrics(assembly),
        dropped=dataset.drop_report(),
        duplicates=dataset.duplicate_report(),
        alike=dataset.alike_report(),
        keys=_key_usage(assembly),
        versions=installed_versions(),
        wall_time_seconds=round(elapsed + time.perf_counter() - started, 1),
    )
    if assembly.pretrained:
        weights = config.model
        result["pretrained"] = {
            "name": weights.pretrained,
            "sha256": weights.pretrained_sha256,
            "modules": assembly.pretrained,
        }
    if rank() == 0:
        if learner.history:
            plot_curves({"": folder / "history.csv"}, folder / "curves.png")
        store_network(folder, assembly, calibration)
        if dataset.smiles is not None:
            trained = [dataset.smiles[i] for i in parts["train"]]
            with replacing(folder / FINGERPRINTS) as unfinished:
                np.save(unfinished, packed_fingerprints(trained, config.data.limits))
        held_out = "test" if "test" in parts else "validation"
        if held_out in parts:
            with replacing(folder / "predictions.csv") as unfinished:
                _predictions_table(assembly, held_out, predictions[held_out]).to_csv(unfinished, index=False)
        write_json(folder / "metrics.json", result)
        (folder / STATE).unlink(missing_ok=True)
    return result


def stored_result(folder: Path, config: Config) -> dict[str, Any] | None:
    """What a finished run of this configuration scored; None if it has yet to run, or to end.

    Parameters
    ----------
    folder : pathlib.Path
        A run folder, or a folder yet to be made.
    config : dgl_memgnn.config.Config
        The configuration.

    Returns
    -------
    dict or None
        The content of metrics.json.

    Raises
    ------
    FileExistsError
        If the folder holds something else than a run.
    ValueError
        If the folder holds a run of another configuration; the message names what differs.
    """
    if not _holds_run(folder) or not any((folder / name).is_file() for name in RESULTS):
        return None
    check_same_configuration(folder, asdict(stored_config(folder / "config.yaml")), asdict(config))
    path = folder / "metrics.json"
    return read_json(path) if path.is_file() else None


def check_overwritable(folder: Path, config: Config) -> None:
    """FileExistsError if starting anew would remove what is no run of training, or what is to be learned from."""
    if not _holds_run(folder):
        return
    data, removed = config.data, {(folder / name).resolve() for name in (*FILES, STATE)}
    pretrained = None if config.model.pretrained == NONE else weights_path(config.model.pretrained)
    for path in (data.csv, data.validation_csv, data.test_csv, data.splits_file, pretrained):
        if path is not None and Path(path).resolve() in removed:
            raise FileExistsError(
                f"{path} is a file of the run that --overwrite removes: copy it to another folder first, or give "
                "another folder with --out."
            )


def _holds_run(folder: Path) -> bool:
    """Whether a folder holds a run of training; FileExistsError if something else, as one of pre-training."""
    path = folder / "config.yaml"
    if not path.is_file():
        check_holds_nothing(folder)
        return False
    if is_pretraining(path):
        raise FileExistsError(f"{folder} holds a run of pre-training. Give another folder with --out.")
    return True


def is_pretraining(path: Path) -> bool:
    """Whether a configuration is one of pre-training."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.startswith("pretraining:") for line in lines)


def check_holds_nothing(folder: Path, wanted: str = "run") -> None:
    """FileExistsError if a folder without what is wanted holds more than what a killed process was writing."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file. Give a folder with --out.")
    if folder.is_dir() and not all(map(is_unfinished, folder.iterdir())):
        raise FileExistsError(f"{folder} is not empty, and holds no {wanted}. Give another folder with --out.")


def check_same_configuration(folder: Path, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """ValueError if the sections of a stored configuration are not those of another; it names what differs.

    Where a run computes and finds its data and weights may change, as it does on another machine: they are told by
    their digests.
    """
    differing = [
        f"{section}.{key} is {theirs[section].get(key)!r}, not {ours[section].get(key)!r}"
        for section in theirs
        for key in differing_keys(theirs[section], ours[section])
    ]
    if differing:
        raise ValueError(
            f"{folder} holds a run of another configuration: {'; '.join(differing)}. "
            "Give another folder with --out, or start anew with --overwrite."
        )


def differing_keys(theirs: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """Keys of a section whose values make another run of it.

    Examples
    --------
    >>> here = {"csv": "a.csv", "device": "cpu", "seed": 0}
    >>> differing_keys(here, {"csv": "/data/a.csv", "device": "cuda", "seed": 1})
    ['seed']
    """
    digest = theirs.get("pretrained_sha256")
    told = [*PLACES, *["pretrained"] * (digest is not None and digest == ours.get("pretrained_sha256"))]
    told += [key for key in SOURCES if bool(theirs.get(key)) == bool(ours.get(key))]
    return [key for key in {**theirs, **ours} if key not in told and theirs.get(key) != ours.get(key)]


def begun_with_weights(folder: Path, overrides: dict[str, Any]) -> dict[str, Any]:
    """Values that a begun run has from weights whose file is there no more, so that it continues without.

    Parameters
    ----------
    folder : pathlib.Path
        A run folder, or a folder yet to be made.
    overrides : dict
        The values that are asked for, by the key's own name.

    Returns
    -------
    dict
        Empty if the run has yet to begin, or started from other weights, or they can be read.
    """
    path = folder / "config.yaml"
    if not path.is_file() or is_pretraining(path):
        return {}
    stored = stored_config(path)
    name = stored.model.pretrained
    if name == NONE or overrides.get("pretrained", name) != name:
        return {}
    try:
        load_weights(name)
        return {}
    except FileNotFoundError:
        pass
    values = {**vars(stored.data), **vars(stored.model)}
    return {key: values[key] for key in ("pretrained_sha256", *FIXED) if key not in overrides}


def check_unchanged(folder: Path, stored: dict[str, Any], dataset: GraphDataset) -> None:
    """ValueError if a finished run was of other data.

    Parameters
    ----------
    folder : pathlib.Path
        The run folder.
    stored : dict
        What :func:`stored_result` gave.
    dataset : GraphDataset
        The data as they are now.
    """
    if "digest" not in stored:
        raise ValueError(
            f"{folder} was finished by dgl-memgnn {stored['versions']['dgl-memgnn']}, which did not store the "
            "digest of its data. Give another folder with --out, or start anew with --overwrite."
        )
    if stored["digest"] != dataset.digest:
        raise ValueError(
            f"{folder} is finished, and its data have changed since. Restore the data, give another folder with "
            "--out, or start anew with --overwrite."
        )


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all."""
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _left_alone(folder: Path, stored: dict[str, Any], report: bool) -> dict[str, Any]:
    if rank() == 0:
        (folder / STATE).unlink(missing_ok=True)
        if report:
            print(f"{folder} is finished; --overwrite starts it anew.")
    return stored


def remove_run(folder: Path) -> None:
    """Remove a run's files and nothing else; its configuration stays until the next run that begins there."""
    for name in (*RESULTS, *FILES[1:]):
        (folder / name).unlink(missing_ok=True)
    remove_records(folder)


def _begin(folder: Path, assembly: Assembly) -> None:
    """Write what is known before the training: the configuration, and which row is in which part."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "config.yaml") as unfinished:
        unfinished.write_text(assembly.config.to_yaml(), encoding="utf-8")
    dataset = assembly.dataset
    part_of = dict.fromkeys(dataset.rows, "dropped")  # as a test part is from an inner split
    part_of.update({dataset.rows[i]: part for part, indices in assembly.parts.items() for i in indices})
    part_of.update((record.row, "dropped") for record in dataset.dropped)
    with replacing(folder / "splits.csv") as unfinished:
        table = pd.DataFrame(sorted(part_of.items(), key=lambda item: _place(item[0])), columns=["id", "part"])
        table.to_csv(unfinished, index=False)


def _place(row: Any) -> tuple[str, int]:
    """File and line of a row, which is called by its line alone where there is one file."""
    file, _, line = str(row).rpartition(":")
    return file, int(line)


def begun_state(folder: Path) -> dict[str, Any] | None:
    """The state of an interrupted run; None if it has yet to begin."""
    path = folder / STATE
    return load_checkpoint(path) if path.is_file() else None


def continue_run(learner: Any, folder: Path, digests: dict[str, str], state: dict[str, Any] | None) -> float:
    """Take up an interrupted run by its state, if it has one; returns the seconds that it has taken."""
    if state is None:
        return 0.0
    for what, digest in digests.items():
        if state["digests"][what] != digest:
            raise ValueError(
                f"The {what} of {folder} {'have' if what == 'data' else 'has'} changed since it was begun. "
                f"Restore {'them' if what == 'data' else 'the versions of its packages'}, or start anew with "
                "--overwrite."
            )
    learner.load_state_dict(state["trainer"])
    return state["elapsed"]


def _split_digest(parts: dict[str, np.ndarray]) -> str:
    """Tells whether the split is another than before, as by another version of a library."""
    digest = hashlib.sha256()
    for part, indices in parts.items():
        digest.update(f"{part} {indices.tolist()}\n".encode())
    return digest.hexdigest()


def _calibration(assembly: Assembly, predictions: dict[str, Tensor]) -> Calibration | None:
    """What the validation part tells, if there is one."""
    if "validation" not in predictions:
        return None
    dataset, indices = assembly.dataset, assembly.parts["validation"]
    rows = [str(dataset.rows[i]) for i in indices]
    return Calibration(task_of(dataset), predictions["validation"], dataset.labels[indices], rows)


def _scores(assembly: Assembly, predictions: dict[str, Tensor]) -> dict[str, Any]:
    """Metrics of each part and, if there are several, of each target."""
    task, labels, parts = task_of(assembly.dataset), assembly.dataset.labels, assembly.parts
    scores: dict[str, Any] = {part: _json(task.score(p, labels[parts[part]])) for part, p in predictions.items()}
    of_targets = {part: task.score_each(p, labels[parts[part]]) for part, p in predictions.items()}
    if any(of_targets.values()):
        scores["tasks"] = {
            part: {name: _json(metrics) for name, metrics in each.items()} for part, each in of_targets.items()
        }
    return scores


def _key_usage(assembly: Assembly) -> list[dict[str, Any]]:
    """How the training part uses the keys; the first process, which writes it, finds out."""
    learner = assembly.learner
    if rank() > 0 or assembly.network.learns_by_itself or not memory_layers(learner.evaluated):
        return []
    graphs = [assembly.dataset.graphs[i] for i in assembly.parts["train"]]
    return key_usage(node_shares(learner.evaluated, learner.inputs, graphs, learner.device))


def _json(metrics: dict[str, float]) -> dict[str, float | None]:
    """Metrics as JSON has them: null where a metric is not defined."""
    return {name: None if math.isnan(value) else value for name, value in metrics.items()}


def _predictions_table(assembly: Assembly, part: str, prediction: Tensor) -> pd.DataFrame:
    """Targets and predictions of held-out graphs, a row a graph and target, without missing targets."""
    dataset, indices = assembly.dataset, assembly.parts[part]
    names: dict[str, Any] = {"id": [dataset.rows[i] for i in indices]}
    if dataset.smiles is not None:
        names["smiles"] = [dataset.smiles[i] for i in indices]
    targets = task_of(dataset).targets(prediction, dataset.labels[indices])
    tables = [pd.DataFrame({**names, "task": name, **columns}) for name, columns in targets.items()]
    return pd.concat(tables).dropna(subset=["target"])
