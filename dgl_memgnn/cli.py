"""The command line: train, benchmark, predict, embed, search, pretrain, clusters, curves, report, tables."""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dgl_memgnn import __version__
from dgl_memgnn.config import Config, DataConfig, load_config, options, read_yaml
from dgl_memgnn.data import column_names
from dgl_memgnn.embed_command import add_embed_command
from dgl_memgnn.heeded import not_heeded, variants
from dgl_memgnn.options import command_line
from dgl_memgnn.picture_commands import add_picture_commands
from dgl_memgnn.pretrain_command import add_pretrain_command
from dgl_memgnn.results import write_tables
from dgl_memgnn.runs import PROTOCOLS, Ablation, Predictor, ablate, benchmark, read_ablation, train_run
from dgl_memgnn.runs.protocols import SET_BY_PROTOCOL, runs
from dgl_memgnn.runs.run import begun_with_weights
from dgl_memgnn.runs.search import usual_space
from dgl_memgnn.search_command import add_search_command, json_mapping
from dgl_memgnn.training import describe_key_usage
from dgl_memgnn.training.distributed import process_group, rank
from dgl_memgnn.wording import significant

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    try:
        parsed.command(parsed)
    except KeyboardInterrupt:
        same = f"the same command{' without --overwrite' * getattr(parsed, 'overwrite', False)}"
        remedy = f" {parsed.stored} are stored, and {same} continues." if hasattr(parsed, "stored") else ""
        print(f"dgl-memgnn: stopped.{remedy}", file=sys.stderr)
        return 130
    except (ValueError, OSError, FloatingPointError, ModuleNotFoundError) as error:
        print(f"dgl-memgnn: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("dgl-memgnn", description="Memory-based graph networks for DGL.")
    parser.add_argument("--version", action="version", version=f"dgl-memgnn {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train a network", description="Train a network.")
    train.add_argument(
        "config",
        nargs="?",
        metavar="CONFIG",
        help="a YAML file, or the name of a configuration of the package; or give --csv",
    )
    train.add_argument("--out", metavar="RUN", help="run folder; default: runs/<configuration>")
    train.add_argument(
        "--tensorboard", action="store_true", help="record each epoch for TensorBoard too, in RUN/tensorboard"
    )
    _add_overwrite(train)
    _add_options(train)
    train.set_defaults(command=_train, stored="Whole epochs")

    protocols = "; ".join(f"{name}: {text}" for name, text in PROTOCOLS.items())
    bench = commands.add_parser(
        "benchmark",
        help="run a whole protocol, or what is left of it",
        description=f"Run a protocol, or what is left of it. Protocols: {protocols}. A file of an ablation (see "
        "examples/ablations) is a list of changes to a configuration, all of which are run.",
    )
    bench.add_argument(
        "config",
        nargs="?",
        metavar="CONFIG",
        help="a YAML file, the name of a configuration of the package, or the file of an ablation; or give --csv",
    )
    bench.add_argument("--protocol", choices=tuple(PROTOCOLS), help="which protocol; an ablation has its own")
    bench.add_argument("--repeats", type=int, metavar="N", help="number of folds or seeds; default: 10 or 3")
    bench.add_argument(
        "--members",
        type=_positive,
        metavar="N",
        help="networks trained on each split, whose mean prediction is scored too; default: 1, of protocol fair 3",
    )
    bench.add_argument(
        "--search",
        type=json_mapping,
        metavar="JSON",
        help="candidates of protocol fair, lists of values by key, in place of the configuration's section search",
    )
    bench.add_argument("--workers", type=int, default=2, metavar="N", help="number of processes; default: 2")
    bench.add_argument("--out", metavar="DIR", help="folder of the runs; default: runs/<configuration>-<protocol>")
    _add_overwrite(bench)
    _add_options(bench)
    bench.set_defaults(command=_benchmark, stored="Whole epochs")

    predict = commands.add_parser(
        "predict",
        help="predict for new molecules",
        description="Predict for new molecules: with a run, or with the mean of "
        "several, and their standard deviation beside it.",
    )
    predict.add_argument("run", metavar="RUN", help="folder of a finished run, or of several")
    predict.add_argument("--csv", required=True, metavar="F", help="CSV file with a column of SMILES")
    predict.add_argument(
        "--out",
        metavar="P",
        required=True,
        help="CSV file to write: the columns of F, then those of the prediction",
    )
    predict.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="number of processes, which share pieces of 1000 molecules; the order of rows stays; default: 1",
    )
    predict.add_argument(
        "--shard",
        type=_shard,
        default=(1, 1),
        metavar="I/N",
        help="predict for the I-th of every N pieces of 1000 molecules alone, I from 1 to N, as a job of an array "
        "does. The files of all shards, one after the other from the first on, are one table (cat): the first has "
        "the header. Rows are in the order of F within each shard, not in all",
    )
    predict.add_argument("--smiles-column", help="column of SMILES; default: that of the training data")
    predict.add_argument(
        "--interval",
        type=float,
        metavar="LEVEL",
        help="add columns <task>_low and <task>_high: intervals that cover this share of molecules like those of "
        "the validation part, such as 0.9; of regression",
    )
    predict.add_argument(
        "--calibrate", action="store_true", help="calibrate probabilities by the validation part; of classes"
    )
    predict.add_argument(
        "--similarity",
        action="store_true",
        help="add a column similarity_to_training: Tanimoto similarity to the nearest training molecule",
    )
    predict.add_argument("--overwrite", action="store_true", help="replace the file P if it is there")
    predict.set_defaults(command=_predict)

    add_embed_command(commands)
    add_search_command(commands, _add_options, _named_config)
    add_picture_commands(commands)
    add_pretrain_command(commands)

    tables = commands.add_parser(
        "tables",
        help="write tables of stored results",
        description="Write README.md, with tables of the results, into their folder, and ablations.md where "
        "it holds ablations.",
    )
    tables.add_argument("folder", metavar="DIR", help="folder of the folders that benchmark filled")
    tables.set_defaults(
        command=lambda arguments: print(f"Wrote {' and '.join(map(str, write_tables(arguments.folder)))}.")
    )
    return parser


def _shard(text: str) -> tuple[int, int]:
    numbers = re.fullmatch(r"(\d+)/(\d+)", text)
    if not numbers:
        raise argparse.ArgumentTypeError(f"must be two numbers as in 3/16, got {text!r}")
    return int(numbers[1]), int(numbers[2])


def _add_overwrite(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="remove what is stored in the folder and start anew; default: continue it",
    )


def _add_options(parser: argparse.ArgumentParser) -> None:
    for name, kind, metadata in options():
        parser.add_argument(
            "--" + name.replace("_", "-"), default=argparse.SUPPRESS, **command_line(kind, metadata)
        )


def _train(arguments: argparse.Namespace) -> None:
    folder = Path(arguments.out or Path("runs", _name(arguments)))
    config = _config(arguments, folder)
    with process_group(config.training.device):
        is_main_process = rank() == 0
        if is_main_process:
            _print_lines(not_heeded([config], _overrides(arguments)))
        result = train_run(config, folder, overwrite=arguments.overwrite, tensorboard=arguments.tensorboard)
    if is_main_process:
        _print_result(result, folder)


def _print_result(result: Mapping[str, Any], folder: str | os.PathLike[str]) -> None:
    for part in ("validation", "test"):
        if part in result:
            defined = [(name, value) for name, value in result[part].items() if value is not None]
            scores = ", ".join(f"{name} {significant(value)}" for name, value in defined)
            print(f"{part}: {scores or 'its labels define no metric'}")
    if result["kept_epoch"] is not None:
        print(f"Epoch kept: {result['kept_epoch']}.")
    _print_lines(describe_key_usage(result.get("keys", [])))
    print(f"Stored in {folder}.")


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 1, got {text!r}")
    return int(text)


def _benchmark(arguments: argparse.Namespace) -> None:
    ablation = read_ablation(arguments.config) if arguments.config else None
    if ablation is not None:
        _ablate(ablation, arguments)
        return
    if arguments.protocol is None:
        raise ValueError(f"Which protocol? Give --protocol, one of {', '.join(PROTOCOLS)}.")
    _check_protocol(arguments, arguments.protocol)
    config = _config(arguments)
    if arguments.search is not None:
        if arguments.protocol != "fair":
            raise ValueError(f"--search is for protocol fair: protocol {arguments.protocol} has no candidates.")
        config.search = arguments.search
    given = _overrides(arguments)
    if arguments.protocol == "fair":
        fair = replace(config, data=replace(config.data, split="fair"))
        _print_lines(not_heeded(variants(fair, config.search), [*given, *config.search]))
    else:
        _print_lines(not_heeded(list(runs(config, arguments.protocol, arguments.repeats).values()), given))
    folder = arguments.out or Path("runs", f"{_name(arguments)}-{arguments.protocol}")
    result = benchmark(
        config,
        arguments.protocol,
        folder,
        arguments.repeats,
        arguments.workers,
        arguments.overwrite,
        arguments.members,
    )
    print(f"Protocol {arguments.protocol}: {PROTOCOLS[arguments.protocol]}.")
    _print_summary(result)
    print(f"Stored in {folder}.")


def _check_protocol(arguments: argparse.Namespace, protocol: str) -> None:
    for key in SET_BY_PROTOCOL[protocol]:
        if hasattr(arguments, key):
            option = "--" + key.replace("_", "-")
            other = ", or take protocol repeats" if protocol != "repeats" else ""
            raise ValueError(f"{option} is said by protocol {protocol}: leave it out{other}.")


def _ablate(ablation: Ablation, arguments: argparse.Namespace) -> None:
    refused = {"--protocol": arguments.protocol, "--members": arguments.members, "--search": arguments.search}
    for option, value in refused.items():
        if value is not None:
            raise ValueError(f"{option} is the ablation's own: change it in {arguments.config}.")
    _check_protocol(arguments, ablation.protocol)
    folder, given = arguments.out or Path("runs", Path(arguments.config).stem), _overrides(arguments)
    _print_lines(not_heeded(list(ablation.configs(given).values()), given))
    results = ablate(ablation, folder, given, arguments.repeats, arguments.workers, arguments.overwrite)
    print(f"{ablation.title}. Protocol {ablation.protocol}: {PROTOCOLS[ablation.protocol]}.")
    for name, result in results.items():
        print(f"{name}:")
        _print_summary(result)
    print(f"Stored in {folder}.")


def _print_summary(result: Mapping[str, Any]) -> None:
    for title, summary in [("", result["summary"]), ("ensemble ", result.get("ensemble", {}).get("summary", {}))]:
        for part, metrics in summary.items():
            for name, value in metrics.items():
                figures = [significant(value[each]) for each in ("mean", "std") if value[each] is not None]
                if figures:
                    print(f"{title}{part} {name}: {' +- '.join(figures)}")


def _overrides(arguments: argparse.Namespace) -> dict[str, Any]:
    """Keys of the configuration that the command line gives."""
    overrides = {name: getattr(arguments, name) for name, _, _ in options() if hasattr(arguments, name)}
    named = {"tasks", "descriptors_columns"} & set(overrides)
    header = _header(arguments, overrides) if named else []
    for name in named:
        overrides[name] = _names(overrides[name], header)
    return overrides


def _header(arguments: argparse.Namespace, overrides: Mapping[str, Any]) -> list[str]:
    """Names of the columns of the CSV file; what is wrong with it is told when it is read."""
    with contextlib.suppress(ValueError, OSError):
        in_file = read_yaml(arguments.config, ["data"]).get("data", {}) if arguments.config else {}
        data = {"smiles_column": DataConfig.smiles_column, **in_file, **overrides}
        if data.get("csv"):
            return column_names(data["csv"], data["smiles_column"])
    return []


def _config(arguments: argparse.Namespace, folder: Path | None = None) -> Config:
    """The configuration that is asked for; of a run that began in a folder, also where its weights are gone."""
    overrides = _overrides(arguments)
    source = arguments.config or ("molecules" if "csv" in overrides else None)
    try:
        return load_config(source, overrides)
    except FileNotFoundError:
        begun = {} if folder is None or arguments.overwrite else begun_with_weights(folder, overrides)
        if not begun:
            raise
        return load_config(source, {**overrides, **begun})


def _names(values: Sequence[str], header: Sequence[str]) -> list[str]:
    """Names of columns: each value is one if the file has it; else names with commas between, in quotes or not."""
    names: list[str] = []
    for value in values:
        split = [value] if value in header else next(csv.reader([value], skipinitialspace=True), [])
        names += [name.strip() for name in split]
    return names


def _named_config(arguments: argparse.Namespace) -> tuple[Config, str]:
    config = _config(arguments)
    space = arguments.search or config.search or usual_space(config)
    _print_lines(not_heeded(variants(config, space), [*_overrides(arguments), *space]))
    return config, _name(arguments)


def _name(arguments: argparse.Namespace) -> str:
    source = arguments.config or getattr(arguments, "csv", None) or getattr(arguments, "dataset", None)
    return Path(source or "run").stem


def _predict(arguments: argparse.Namespace) -> None:
    predictor = Predictor(arguments.run)
    if len(predictor.names) > 1:
        print(
            f"Mean of {len(predictor.names)} runs, {', '.join(predictor.names)}; "
            f"{predictor.task.spread_meaning} in the columns ending in _std.",
            flush=True,
        )
    counts = predictor.predict_csv(
        arguments.csv,
        arguments.out,
        arguments.smiles_column,
        overwrite=arguments.overwrite,
        interval=arguments.interval,
        calibrate=arguments.calibrate,
        similarity=arguments.similarity,
        workers=arguments.workers,
        shard=arguments.shard,
    )
    print(f"{counts.total - counts.failed} of {counts.total} molecules predicted, written to {arguments.out}.")
    print(predictor.task.meaning)
    for name, other in counts.renamed.items():
        print(f"The file has a column {name!r} of its own: the prediction is in {other!r}.")
    for line, reason in counts.first_failures:
        print(f"line {line}: {reason}")
    if counts.failed > len(counts.first_failures):
        print(f"and {counts.failed - len(counts.first_failures)} more; see the column reason.")
