"""The command dgl-memgnn pretrain."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from dgl_memgnn.heeded import not_heeded_in_pretraining
from dgl_memgnn.options import command_line
from dgl_memgnn.runs.pretraining import pretrain
from dgl_memgnn.runs.pretraining_config import load_pretraining_config, pretraining_options
from dgl_memgnn.training.distributed import process_group, rank
from dgl_memgnn.wording import significant

__all__ = ["add_pretrain_command"]


def add_pretrain_command(commands: Any) -> None:
    """Add the command to those of the command line."""
    parser = commands.add_parser(
        "pretrain",
        help="train on molecules without labels",
        description="Train MemGNN on molecules without labels. Other trainings start from its weights: "
        "--pretrained RUN. Default sizes are those for molecules of one's own.",
    )
    parser.add_argument("config", nargs="?", metavar="CONFIG", help="a YAML file, as config.yaml of such a run")
    parser.add_argument("--out", metavar="RUN", required=True, help="run folder")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="remove what is stored in the folder and start anew; default: continue it",
    )
    for name, kind, metadata in pretraining_options():
        keywords = command_line(kind, metadata)
        if name in ("csv", "exclude"):
            keywords["metavar"] = "F"
        parser.add_argument("--" + name.replace("_", "-"), default=argparse.SUPPRESS, **keywords)
    parser.set_defaults(command=_pretrain, stored="Whole epochs")


def _pretrain(arguments: argparse.Namespace) -> None:
    """Run the command."""
    given = {name: getattr(arguments, name) for name, _, _ in pretraining_options() if hasattr(arguments, name)}
    config = load_pretraining_config(arguments.config, given)
    with process_group(config.training.device):
        is_main_process = rank() == 0
        if is_main_process:
            for line in not_heeded_in_pretraining(config, given):
                print(line, flush=True)
        result = pretrain(config, Path(arguments.out), overwrite=arguments.overwrite)
    if is_main_process:
        scores = [(name, value) for name, value in result["held_out"].items() if value is not None]
        print(f"held out: {', '.join(f'{name} {significant(value)}' for name, value in scores)}")
        print(f"Epoch kept: {result['kept_epoch']}.")
        name = shlex.quote(str(arguments.out))
        print(f"Stored in {arguments.out}: train and benchmark start from it with --pretrained {name}.")
