"""The command dgl-memgnn embed."""

from __future__ import annotations

import argparse
from typing import Any

from dgl_memgnn.runs.embedding import EMBEDDING_FORMATS, embed_csv
from dgl_memgnn.runs.prediction import Predictor

__all__ = ["add_embed_command"]


def add_embed_command(commands: Any) -> None:
    """Add the command to those of the command line."""
    embed = commands.add_parser(
        "embed",
        help="write what a network pools each molecule into",
        description="Write embeddings of molecules: what the network of a run pools the graph of each into, a "
        "number a dimension.",
    )
    embed.add_argument("run", metavar="RUN", help="folder of a finished run")
    embed.add_argument("--csv", required=True, metavar="F", help="CSV file with a column of SMILES")
    endings = ", ".join(EMBEDDING_FORMATS)
    embed.add_argument("--out", required=True, metavar="P", help=f"file to write; its ending says how: {endings}")
    embed.add_argument("--smiles-column", help="column of SMILES; default: that of the training data")
    embed.add_argument("--overwrite", action="store_true", help="replace the file P if it is there")
    embed.set_defaults(command=_embed)


def _embed(arguments: argparse.Namespace) -> None:
    predictor = Predictor(arguments.run)
    counts = embed_csv(
        predictor, arguments.csv, arguments.out, arguments.smiles_column, overwrite=arguments.overwrite
    )
    width = predictor.config.model.hidden_feats
    print(
        f"{counts.total - counts.failed} of {counts.total} molecules embedded in {width} dimensions, written to "
        f"{arguments.out}."
    )
    for name, other in counts.renamed.items():
        print(f"The file has a column {name!r} of its own: the embedding's is {other!r}.")
    for line, reason in counts.first_failures:
        print(f"line {line}: {reason}")
    if counts.failed > len(counts.first_failures):
        print(f"and {counts.failed - len(counts.first_failures)} more.")
