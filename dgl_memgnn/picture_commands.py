"""Commands that show what a run has learned: clusters, curves, report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from dgl_memgnn.files import check_new_file
from dgl_memgnn.visualization.cluster_folder import write_clusters
from dgl_memgnn.visualization.curves import plot_curves, run_histories
from dgl_memgnn.visualization.report import write_report

__all__ = ["add_picture_commands"]


def add_picture_commands(commands: Any) -> None:
    """Add the commands to argparse's subparsers."""
    clusters = commands.add_parser(
        "clusters",
        help="draw the learned clusters, and tell which groups the keys stand for",
        description="Draw molecules or graphs with their nodes in the colours of their keys, and tell how the "
        "keys are used and which functional groups they stand for. Default: of the data of the training.",
    )
    clusters.add_argument("run", metavar="RUN", help="folder of a run")
    source = clusters.add_mutually_exclusive_group()
    source.add_argument("--csv", metavar="F", help="CSV file with a column of SMILES")
    source.add_argument("--smiles", action="append", metavar="S", help="a molecule; may be given several times")
    clusters.add_argument("--smiles-column", help="column of SMILES; default: that of the training data")
    clusters.add_argument("--out", metavar="DIR", required=True, help="folder to write to")
    clusters.add_argument(
        "--pictures", type=int, default=24, metavar="N", help="how many are drawn, the first ones; default: 24"
    )
    clusters.add_argument("--soft", action="store_true", help="paler where a node is shared with other keys")
    clusters.add_argument(
        "--reference",
        action="append",
        default=[],
        metavar="RUN",
        help="another run to compare with, as one whose keys never moved (--clustering-period 0); may be given "
        "several times",
    )
    _add_overwrite(clusters, "replace what an earlier call wrote to the folder")
    clusters.set_defaults(command=_clusters)

    curves = commands.add_parser(
        "curves", help="compare training curves", description="Draw the training curves of runs into one picture."
    )
    curves.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run, or of several")
    curves.add_argument("--out", metavar="F", required=True, help="picture to write: .png, .svg or .pdf")
    _add_overwrite(curves, "replace the picture if it is there")
    curves.set_defaults(command=_curves)

    report = commands.add_parser(
        "report",
        help="write a page about a run",
        description="Write everything about a finished run into one HTML file that needs no other.",
    )
    report.add_argument("run", metavar="RUN", help="folder of a finished run")
    report.add_argument("--out", metavar="F", required=True, help="HTML file to write")
    _add_overwrite(report, "replace the file if it is there")
    report.set_defaults(command=_report)


def _add_overwrite(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--overwrite", action="store_true", help=text)


def _clusters(arguments: argparse.Namespace) -> None:
    lines = write_clusters(
        arguments.run,
        arguments.out,
        csv=arguments.csv,
        smiles=arguments.smiles,
        smiles_column=arguments.smiles_column,
        pictures=arguments.pictures,
        soft=arguments.soft,
        references=arguments.reference,
        overwrite=arguments.overwrite,
    )
    print("\n".join(lines))


def _curves(arguments: argparse.Namespace) -> None:
    target = Path(arguments.out)
    check_new_file(target, arguments.overwrite, [".png", ".svg", ".pdf"])
    plot_curves(run_histories(arguments.runs), target)
    print(f"Wrote {target}.")


def _report(arguments: argparse.Namespace) -> None:
    print(f"Wrote {write_report(arguments.run, arguments.out, arguments.overwrite)}.")
