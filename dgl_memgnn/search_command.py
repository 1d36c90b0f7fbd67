"""The command dgl-memgnn search."""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dgl_memgnn.config import Config
from dgl_memgnn.runs.search import SPACE, search
from dgl_memgnn.wording import significant

__all__ = ["add_search_command", "json_mapping"]


def add_search_command(
    commands: Any,
    add_options: Callable[[argparse.ArgumentParser], None],
    read: Callable[[argparse.Namespace], tuple[Config, str]],
) -> None:
    """Add the command to those of the command line.

    Parameters
    ----------
    commands : object
        The subparsers of :mod:`argparse`.
    add_options : callable
        Adds the keys of a configuration.
    read : callable
        Gives the configuration of some arguments, and its name.
    """
    parser = commands.add_parser(
        "search",
        help="search hyper-parameters, or go on with a search",
        description="Search hyper-parameters on validation parts with Optuna, or go on with a search. No test "
        "part is predicted.",
    )
    parser.add_argument(
        "config",
        nargs="?",
        metavar="CONFIG",
        help="a YAML file, or the name of a configuration of the package; or give --csv",
    )
    parser.add_argument("--trials", type=int, default=50, metavar="N", help="finished trials; default: 50")
    parser.add_argument(
        "--draws",
        type=int,
        default=1,
        metavar="N",
        help="validation parts that a trial is scored on, drawn from what is not tested; default: 1, the split's",
    )
    parser.add_argument(
        "--search",
        type=json_mapping,
        metavar="JSON",
        help="lists of values by key, to choose from; default: the configuration's section search or, without, "
        f"what the network reads, and no weights fix which it starts from, of {json.dumps(SPACE)}",
    )
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="number of processes; default: 2")
    parser.add_argument("--out", metavar="DIR", help="folder of the search; default: runs/<configuration>-search")
    parser.add_argument("--overwrite", action="store_true", help="remove the search that is there and start anew")
    add_options(parser)
    parser.set_defaults(command=lambda arguments: _search(arguments, *read(arguments)), stored="Finished trials")


def json_mapping(text: str) -> dict[str, Any]:
    """A mapping in JSON, for :mod:`argparse`."""
    with contextlib.suppress(ValueError):
        if isinstance(value := json.loads(text), dict):
            return value
    raise argparse.ArgumentTypeError(f'expected JSON such as {{"dropout": [0.0, 0.2]}}, got {text!r}')


def _search(arguments: argparse.Namespace, config: Config, name: str) -> None:
    folder = Path(arguments.out or Path("runs", f"{name}-search"))
    result = search(
        config,
        folder,
        arguments.trials,
        arguments.draws,
        arguments.search,
        arguments.workers,
        arguments.overwrite,
    )
    print(f"Best of {result['trials']} trials: validation {result['metric']} {significant(result['score'])} with")
    for key, value in result["values"].items():
        share = f", which explains {result['importance'][key]:.0%} of the variance" if result["importance"] else ""
        print(f"  {key}: {value}{share}")
    print(f"Train it: dgl-memgnn train {shlex.quote(str(folder / 'best.yaml'))}")
    print(f"Stored in {folder}.")
