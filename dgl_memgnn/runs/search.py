"""Hyper-parameters chosen by validation scores."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import nullcontext
from dataclasses import asdict, replace
from functools import lru_cache, partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from dgl_memgnn.config import Config, check_space, flat_values, load_config, with_values
from dgl_memgnn.data import GraphDataset
from dgl_memgnn.files import replacing
from dgl_memgnn.models import NETWORKS
from dgl_memgnn.run_files import DATABASE, SEARCH_FILES
from dgl_memgnn.runs.assembly import assemble, check_splits, load_dataset
from dgl_memgnn.runs.jobs import process_pool
from dgl_memgnn.runs.parts import describe_split, split, task_of
from dgl_memgnn.runs.run import check_holds_nothing, differing_keys, write_json
from dgl_memgnn.visualization.search import plot_search
from dgl_memgnn.weights import FIXED, NONE
from dgl_memgnn.wording import significant

__all__ = ["SPACE", "search", "usual_space"]

SPACE: dict[str, list[Any]] = {
    "hidden_feats": [64, 128, 256],
    "num_layers": [2, 3, 4, 5],
    "num_keys": [[8, 1], [32, 1], [64, 1], [32, 8, 1]],
    "num_heads": [1, 5],
    "dropout": [0.0, 0.1, 0.2, 0.3, 0.4],
    "learning_rate": [3e-4, 5e-4, 1e-3, 2e-3, 4e-3],
    "weight_decay": [0.0, 1e-5, 1e-4, 1e-3],
    "clustering_period": [0, 5],
}
_BESIDE = ("featurizer", "descriptors", "degree_features")  # keys of data that say how molecules are read
_STUDY = "search"


def search(
    config: Config,
    folder: str | PathLike[str],
    num_trials: int = 50,
    draws: int = 1,
    space: Mapping[str, list[Any]] | None = None,
    workers: int = 2,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Search hyper-parameters with Optuna's tree-structured Parzen estimator, or go on with a search.

    A trial's score is the mean over ``draws`` of the deciding metric on the validation part, at the epoch that is
    kept. No test part is ever predicted.

    Parameters
    ----------
    config : Config
        Where the search starts: its own values are the first trial where the space holds them.
    folder : str or os.PathLike
        Receives search.db, in which Optuna keeps all trials, trials.csv, best.yaml, search.json and search.png. A
        search that is there goes on, if it is of the same configuration and space.
    num_trials : int, optional
        Number of finished trials altogether; fewer if the space has fewer combinations of values, none of which is
        tried twice. Default: ``50``.
    draws : int, optional
        With 1, the validation part is the configuration's. With more, as many are drawn from what is not tested,
        each with a seed of its own. Default: ``1``.
    space : dict of list, optional
        Values to choose from, by key. Default: the configuration's section ``search`` or, without, those of
        :data:`SPACE` that the network reads, and that no weights fix which it starts from.
    workers : int, optional
        Number of processes, of one thread each; a trial at a time each. Default: ``2``.
    overwrite : bool, optional
        Whether to remove a search that is there. Default: ``False``.

    Returns
    -------
    dict
        The content of search.json: score and values of the best trial, and the setting.

    Raises
    ------
    ModuleNotFoundError
        If Optuna is not installed.
    ValueError
        If the folder holds another search, a value of the space is none for the configuration, or nothing can be
        learned from a draw; or once more trials have failed than were asked for: what others reached is stored.
    FloatingPointError
        So too where trials diverge.
    FileExistsError
        If the folder holds something else.
    """
    optuna = _optuna()
    folder, given = Path(folder), space or config.search
    space = dict(given or usual_space(config))
    if not space:
        raise ValueError(
            f"No key of the usual space is one of {config.model.network}: say what to choose from (--search)."
        )
    config = replace(config, search={})
    check_space(config, space, _BESIDE)
    for name in _fixed(config):
        if name in space:
            raise ValueError(
                f"search.{name}: the weights {config.model.pretrained} fix it. Leave it out, or start without "
                f"weights (--pretrained {NONE})."
            )
    if draws > 1 and config.data.validation_seed is not None:
        raise ValueError(
            "data.validation_seed draws one validation part, and a search with several draws its own: leave it "
            "out (--validation-seed), or search with one (--draws)."
        )
    for name, low in (
        ("number of trials", num_trials),
        ("number of draws", draws),
        ("number of workers", workers),
    ):
        if low < 1:
            raise ValueError(f"The {name} must be at least 1, got {low}.")
    dataset = load_dataset(config)
    task = task_of(dataset)
    parts = split(config, dataset)
    if "validation" not in parts:
        raise ValueError("A search chooses by a validation part, and the split has none (--split-sizes).")
    assemble(config, dataset, parts)  # tells what is wrong before processes start
    if draws > 1:
        check_splits({f"draw {i}": drawn for i, drawn in enumerate(_drawn(config, draws))}, dataset)
    chosen = [f"{name} of {', '.join(map(str, values))}" for name, values in space.items()]
    drawn = next(iter(_drawn(config, draws)))
    of_draw = parts if draws == 1 else split(drawn, dataset)
    print("\n".join([*dataset.report(), *describe_split(drawn, dataset, of_draw)]), flush=True)
    print(f"Searched: {'; '.join(chosen)} (--search).", flush=True)
    setting = json.loads(json.dumps({"config": asdict(config), "draws": draws, "space": space}))
    setting.update(digest=dataset.digest, metric=task.deciding)
    study = _study(optuna, folder, setting, task.higher_is_better, overwrite)
    _enqueue_start(study, config, space)
    report = partial(_report, study, config, space, folder, setting, dataset)
    try:
        _run(study, config, space, draws, num_trials, workers)
    except BaseException:  # Ctrl-C and processes that died as well: what is finished is reported
        if study.get_trials(states=[optuna.trial.TrialState.COMPLETE]):
            report()
        raise
    return report()


def _optuna() -> Any:
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('A search needs Optuna: pip install "dgl-memgnn[search]".') from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _study(optuna: Any, folder: Path, setting: dict[str, Any], maximise: bool, overwrite: bool) -> Any:
    """The study of a folder; trials of a process that was killed are put back into the queue."""
    database = folder / DATABASE
    if not database.is_file():
        check_holds_nothing(folder, "search")
    if overwrite:
        for name in SEARCH_FILES:
            (folder / name).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        study = optuna.create_study(
            storage=f"sqlite:///{database.resolve()}",
            study_name=_STUDY,
            direction="maximize" if maximise else "minimize",
            load_if_exists=True,
        )
    except Exception as error:  # whatever is wrong with the file, the remedy is the same
        raise ValueError(
            f"{database} is damaged ({str(error).splitlines()[0]}): restore it, or start anew with --overwrite."
        ) from error
    seed = _sampler_seed(setting["config"]["training"]["seed"], len(study.trials))
    study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
    stored = study.user_attrs.get("setting")
    differing = [] if stored is None else _differing(stored, setting)
    if differing:
        raise ValueError(
            f"{folder} holds another search, which differs in {', '.join(differing)}. Give another folder with "
            "--out, or start anew with --overwrite."
        )
    study.set_user_attr("setting", setting)
    for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(trial.params)
    return study


def _sampler_seed(seed: int, num_trials: int) -> int:
    """Another for each number of trials that are there: the same would draw the first of them again."""
    if num_trials == 0:
        return seed
    return int(np.random.SeedSequence([seed, num_trials]).generate_state(1)[0])


def _differing(stored: dict[str, Any], setting: dict[str, Any]) -> list[str]:
    """What makes another search of a setting: keys of its configuration, its space, the rest."""
    names = [
        f"config.{section}.{key}"
        for section, values in setting["config"].items()
        for key in differing_keys(stored["config"].get(section, {}), values)
    ]
    names += [f"space.{key}" for key in differing_keys(stored["space"], setting["space"])]
    former = {"metric": setting["metric"].removesuffix("_in_std"), **stored}  # older ones do not say theirs
    return names + [key for key in ("draws", "digest", "metric") if former.get(key) != setting[key]]


def _enqueue_start(study: Any, config: Config, space: Mapping[str, list[Any]]) -> None:
    """Let the first trial be the configuration as it is, where the space holds its values."""
    if not study.trials:
        own = flat_values(asdict(config))
        places = {name: values.index(own[name]) for name, values in _ordered(space).items() if own[name] in values}
        study.enqueue_trial(places)


def _ordered(space: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Numbers in their order, which the sampler then knows of; other values as they are given."""
    return {
        name: sorted(values) if all(type(value) in (int, float) for value in values) else values
        for name, values in space.items()
    }


def _suggest(trial: Any, space: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Values of a trial, which Optuna knows by their places in the lists."""
    values = {}
    for name, choices in _ordered(space).items():
        if all(type(choice) in (int, float) for choice in choices):
            place = trial.suggest_int(name, 0, len(choices) - 1)
        else:
            place = trial.suggest_categorical(name, list(range(len(choices))))
        values[name] = choices[place]
    return values


def _run(
    study: Any, config: Config, space: Mapping[str, list[Any]], draws: int, num_trials: int, workers: int
) -> None:
    """Trials until so many are finished, or all values tried. This process alone asks and tells; others score."""
    import optuna

    complete = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    put_aside = [trial for trial in study.trials if "error" in trial.user_attrs]
    finished, tried = len(complete), {_places(trial, space) for trial in [*complete, *put_aside]}
    num_values = math.prod(map(len, space.values()))
    bar = tqdm(total=num_trials, initial=min(finished, num_trials), unit="trial")
    processes: Any = process_pool(workers) if workers > 1 else nullcontext(_ThisProcess())
    with bar, processes as pool:
        running: dict[Future[Any], tuple[Any, dict[str, Any]]] = {}
        failed = 0
        while finished < num_trials:
            while len(running) < min(workers, num_trials - finished) and len(tried) < num_values:
                trial, values = _propose(study, space, tried)
                trial.set_user_attr("values", values)
                tried.add(_places(trial, space))
                running[pool.submit(_score, config, values, draws)] = (trial, values)
            if not running and not finished:
                raise ValueError(
                    f"None of the {num_values} combinations of values can be trained; the last of them: "
                    f"{study.user_attrs['error']}"
                )
            if not running:
                bar.write(f"All {num_values} combinations of values are tried.")
                break
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                trial, values = running.pop(future)
                try:
                    outcome = future.result()
                except (ValueError, FloatingPointError) as error:  # values that do not go together, or diverge
                    tqdm.write(f"failed: {values}: {error}")
                    trial.set_user_attr("error", str(error))
                    study.set_user_attr("error", str(error))
                    study.tell(trial, state=optuna.trial.TrialState.FAIL)
                    failed += 1
                    if failed > num_trials:
                        raise
                    continue
                for name, value in outcome.items():
                    trial.set_user_attr(name, value)
                study.tell(trial, outcome["score"])
                finished += 1
                bar.update()
                bar.set_postfix({f"best validation {outcome['metric']}": significant(study.best_value)})


def _propose(
    study: Any, space: Mapping[str, list[Any]], tried: set[tuple[int, ...]]
) -> tuple[Any, dict[str, Any]]:
    """A trial of values that are not tried yet: Optuna's proposal or, where that is tried, some at random."""
    import optuna

    trial = study.ask()
    values = _suggest(trial, space)
    while _places(trial, space) in tried:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(_untried(space, tried, trial.number))
        trial = study.ask()
        values = _suggest(trial, space)
    return trial, values


def _untried(space: Mapping[str, list[Any]], tried: set[tuple[int, ...]], seed: int) -> dict[str, int]:
    """Where values are in their lists that are not tried yet, drawn at random."""
    random = np.random.default_rng(seed)
    while True:
        places = {name: int(random.integers(len(choices))) for name, choices in space.items()}
        if tuple(places.values()) not in tried:
            return places


def _places(trial: Any, space: Mapping[str, list[Any]]) -> tuple[int, ...]:
    """Where a trial's values are in their lists."""
    return tuple(trial.params[name] for name in space)


class _ThisProcess:
    """Takes jobs as a pool of processes does, and does each at once."""

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except (ValueError, FloatingPointError) as error:
            future.set_exception(error)
        return future


def usual_space(config: Config) -> dict[str, list[Any]]:
    """What is searched unless something else is asked for: what the network reads, and no weights fix."""
    return {name: SPACE[name] for name in _read_by(config) if name not in _fixed(config)}


def _fixed(config: Config) -> Sequence[str]:
    """The keys that weights fix which a network starts from."""
    return () if config.model.pretrained == NONE else FIXED


def _read_by(config: Config) -> list[str]:
    """The keys of the usual space that a network reads."""
    network = NETWORKS[config.model.network]
    read = list(network.options(config.model))
    if not network.learns_by_itself:
        read += ["learning_rate", "weight_decay"]
    if "num_keys" in read:
        read.append("clustering_period")
    return [name for name in SPACE if name in read]


def _score(config: Config, values: Mapping[str, Any], draws: int) -> dict[str, Any]:
    return validate(with_values(config, values), draws)


def validate(config: Config, draws: int) -> dict[str, Any]:
    """Mean validation score of the kept epochs over some draws, without a look at the test part."""
    started = time.perf_counter()
    outcomes = [_validate(run) for run in _drawn(config, draws)]
    scores = [score for score, _, _ in outcomes]
    return {
        "score": sum(scores) / len(scores),
        "metric": outcomes[0][2],
        "scores": scores,
        "kept_epochs": [epoch for _, epoch, _ in outcomes],
        "seconds": round(time.perf_counter() - started, 1),
    }


def _drawn(config: Config, draws: int) -> Iterator[Config]:
    """The configuration on each of its validation parts."""
    if draws == 1:
        yield config
        return
    seed = config.training.seed
    fixed = seed if config.data.split_seed is None else config.data.split_seed
    for i in range(draws):
        data = replace(config.data, split_seed=fixed, validation_seed=seed + i)
        yield replace(config, data=data, training=replace(config.training, seed=seed + i))


def _validate(config: Config) -> tuple[float, int | None, str]:
    dataset = _dataset(json.dumps(asdict(config.data), sort_keys=True))
    parts = split(config, dataset)
    parts = {part: parts[part] for part in ("train", "validation")}
    assembly = assemble(config, dataset, parts)
    learner = assembly.learner
    learner.fit(dataset, parts["train"], parts["validation"], weights=dataset.weights)
    train, validation = (torch.as_tensor(parts[part]) for part in ("train", "validation"))
    weights = None if dataset.weights is None else dataset.weights[train]
    task = copy.deepcopy(learner.task).fit(dataset.labels[train], weights)  # a forest's has learned no scale
    prediction, labels = learner.predict(dataset, parts["validation"]), dataset.labels[validation]
    quality, *_ = task.quality(task.score(prediction, labels), prediction, labels)
    return quality if task.higher_is_better else -quality, learner.kept_epoch, task.deciding


def _dataset(data: str) -> GraphDataset:
    """The data set of a section, whichever seeds it has."""
    values = {**json.loads(data), "split_seed": None, "validation_seed": None}
    return _loaded(json.dumps(values, sort_keys=True))


@lru_cache(maxsize=2)
def _loaded(data: str) -> GraphDataset:
    return load_dataset(load_config(overrides=json.loads(data)))


def _report(
    study: Any,
    config: Config,
    space: Mapping[str, list[Any]],
    folder: Path,
    setting: dict[str, Any],
    dataset: GraphDataset,
) -> dict[str, Any]:
    """Write table, picture and best configuration; the content of search.json."""
    import optuna

    metric = task_of(dataset).deciding
    trials = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    sign = -1 if study.direction == optuna.study.StudyDirection.MAXIMIZE else 1
    ranked = sorted(trials, key=lambda trial: (sign * trial.value, trial.number))
    rows = [
        {
            "trial": trial.number,
            f"validation_{metric}": trial.value,
            **{name: trial.user_attrs["values"][name] for name in space},
            "scores": trial.user_attrs["scores"],
            "kept_epochs": trial.user_attrs["kept_epochs"],
            "seconds": trial.user_attrs["seconds"],
        }
        for trial in ranked
    ]
    table = pd.DataFrame(rows)
    with replacing(folder / "trials.csv") as unfinished:
        table.to_csv(unfinished, index=False)
    best = ranked[0].user_attrs["values"]
    with replacing(folder / "best.yaml") as unfinished:
        unfinished.write_text(with_values(config, best).to_yaml(), encoding="utf-8")
    importance = _importance(optuna, study, trials)
    plot_search(table, list(space), f"validation_{metric}", importance, folder / "search.png")
    result = {
        "metric": metric,
        "score": ranked[0].value,
        "values": best,
        "trials": len(trials),
        "importance": importance,
        "data": dataset.report(),
        **setting,
    }
    write_json(folder / "search.json", result)
    return result


def _importance(optuna: Any, study: Any, trials: Sequence[Any]) -> dict[str, float]:
    """Shares of the variance of scores that each key explains, by a random forest; empty if scores do not vary."""
    if len({trial.value for trial in trials}) < 2 or len(trials) < 4:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return {
        name: float(share)
        for name, share in optuna.importance.get_param_importances(study, evaluator=evaluator).items()
    }
