"""What weights are, and how they were made, in a page of text."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dgl_memgnn.files import replacing
from dgl_memgnn.objectives import OBJECTIVES
from dgl_memgnn.runs.pretraining_config import PretrainingConfig, load_pretraining_config
from dgl_memgnn.wording import significant

__all__ = ["write_card"]


def write_card(path: Path, config: PretrainingConfig, result: Mapping[str, Any], weights: Path) -> None:
    """Write the card of weights.

    Parameters
    ----------
    path : pathlib.Path
        The file, Markdown; an older one is replaced.
    config : PretrainingConfig
        What made them.
    result : dict
        The content of metrics.json.
    weights : pathlib.Path
        The file of weights.
    """
    counts, model = result["counts"], config.model
    exclusions = f"{counts['excluded']} rows left out, of {counts['exclusions']} molecules to exclude"
    lines = [
        "# Pre-trained weights",
        "",
        "## Molecules",
        "",
        f"- Files: {_names(config.pretraining.csv)}.",
        f"- {counts['rows']} rows: {sum(counts['no_molecule'].values())} no molecule, {counts['duplicates']} "
        f"duplicates, {exclusions}, {counts['without_features']} without features.",
        f"- Excluded, by canonical SMILES: {_names(config.pretraining.exclude) or 'nothing'}.",
        f"- {result['parts']['train']} to learn from, {result['parts']['held_out']} held out.",
        f"- Digest: `{result['digest']}`.",
        "",
        "## Objectives, and scores of held-out molecules",
        "",
        *(f"- `{name}`: {OBJECTIVES[name].meaning}." for name in result["objectives"]),
        "",
        "| score | held out |",
        "|---|---|",
        *(
            f"| {name} | {'not defined' if value is None else significant(value)} |"
            for name, value in result["held_out"].items()
        ),
        "",
        "## Network",
        "",
        f"MemGNN, width {model.hidden_feats}, {model.num_layers} layers, update {model.update}, readout "
        f"{model.readout}, keys {model.num_keys}, heads {model.num_heads}; featurizer "
        f"{config.pretraining.featurizer}. Trained modules: {', '.join(result['modules'])}. Epoch "
        f"{result['kept_epoch']} of {config.training.epochs}, seed {result['seed']}, "
        f"{result['wall_time_seconds'] / 60:.0f} minutes.",
        "",
        f"SHA-256 of {weights.name}: `{hashlib.sha256(weights.read_bytes()).hexdigest()}`.",
        "",
        "## To make them again",
        "",
        "```bash",
        _command(config),
        "```",
        "",
        "With " + ", ".join(f"{name} {number}" for name, number in result["versions"].items()) + ".",
        "",
    ]
    with replacing(path) as unfinished:
        unfinished.write_text("\n".join(lines), encoding="utf-8")


def _names(files: list[str]) -> str:
    return ", ".join(Path(name).name for name in files)


def _command(config: PretrainingConfig) -> str:
    """The command line, without folders, and without options that have their defaults."""
    options = config.pretraining
    words = ["dgl-memgnn", "pretrain"]
    for option, files in (("--csv", options.csv), ("--exclude", options.exclude)):
        for name in files:
            words += [option, Path(name).name]
    defaults = asdict(load_pretraining_config(overrides={"csv": options.csv, "objectives": options.objectives}))
    words += ["--objectives", ",".join(options.objectives)]
    for section, values in asdict(config).items():
        for name, value in values.items():
            if name in ("csv", "exclude", "objectives", "cache_dir") or value == defaults[section][name]:
                continue
            flag = name.replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{'' if value else 'no-'}{flag}")
            else:
                words += [f"--{flag}", ",".join(map(str, value)) if isinstance(value, list) else str(value)]
    return " ".join(map(shlex.quote, [*words, "--out", "RUN"]))
