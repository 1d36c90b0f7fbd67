"""A folder of pictures and tables of what the keys of a run learned."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import dgl
import numpy as np
import pandas as pd

from dgl_memgnn.data import GraphDataset, MoleculeError, iterate_molecules, parse_smiles
from dgl_memgnn.files import replacing
from dgl_memgnn.runs.assembly import load_stored_dataset
from dgl_memgnn.training import describe_key_usage, key_usage
from dgl_memgnn.visualization.clusters import ClusteredGraph, ClusteredMolecule, RunClusters
from dgl_memgnn.visualization.draw_graphs import LARGEST_GRAPH, draw_graphs
from dgl_memgnn.visualization.draw_molecules import TITLE, draw_molecules, draw_molecules_png
from dgl_memgnn.visualization.group_tables import (
    leading_groups,
    markdown_table,
    paper_groups,
    readable_information,
)
from dgl_memgnn.visualization.groups import group_enrichment, group_members
from dgl_memgnn.visualization.information import group_information
from dgl_memgnn.visualization.keys import check_comparable, draw_keys, usage_table
from dgl_memgnn.visualization.names import folder_names
from dgl_memgnn.visualization.pictures import figure_png, figure_svg

__all__ = ["write_clusters"]

_LISTED_FAILURES = 5
_THIS = "this run"  # as pictures call it
_TABLES = ("usage.csv", "groups.csv", "information.csv", "groups.md")
_GRAPHS = re.compile(r"(graph_\d+|grid)(_layer\d+)?")  # their pictures; those of molecules have a title
_Files = dict[str, bytes]  # names and contents


def write_clusters(
    run: str | PathLike[str],
    folder: str | PathLike[str],
    csv: str | PathLike[str] | None = None,
    smiles: Sequence[str] | None = None,
    smiles_column: str | None = None,
    pictures: int = 24,
    soft: bool = False,
    references: Sequence[str | PathLike[str]] = (),
    overwrite: bool = False,
) -> list[str]:
    """Write pictures of clusters, and tables of how keys are used and which functional groups they stand for.

    Of the first molecules or graphs a picture each, and one of all; ``usage.csv``; ``keys.png`` and ``keys.svg``,
    see :func:`draw_keys`; and of molecules ``groups.csv``, see :func:`group_enrichment`, ``information.csv``, see
    :func:`group_information`, and ``groups.md`` with what stands out in both. Molecules given one by one are drawn
    and no more. Of a network with several layers of several keys, files of the second have names that end in
    ``_layer2``, and so on.

    Parameters
    ----------
    run : str or os.PathLike
        Folder of a run.
    folder : str or os.PathLike
        Folder to write to, which is made.
    csv : str or os.PathLike, optional
        CSV file with a column of SMILES. Default: the data that the run was trained on.
    smiles : sequence of str, optional
        Molecules, in place of ``csv``.
    smiles_column : str, optional
        The column of SMILES. Default: that of the training data.
    pictures : int, optional
        How many are drawn. Default: ``24``.
    soft : bool, optional
        Whether a node is paler the more of it other keys have. Default: ``False``.
    references : sequence of str or os.PathLike, optional
        Other runs to compare with. Default: none.
    overwrite : bool, optional
        Whether to replace what an earlier call wrote to the folder: the files named above, pictures called
        ``grid`` or ``graph_<n>``, and those of molecules, which are told by their title. Default: ``False``.

    Returns
    -------
    list of str
        What was found and written, in sentences.

    Raises
    ------
    FileNotFoundError
        If the folder ``run`` holds no run, there is no such CSV file, or the data of the training are not here.
    FileExistsError
        If the folder is not empty, without ``overwrite``.
    ValueError
        If a run has no memory layers, a molecule is none, ``csv`` would be replaced, the data of the training
        have changed since, or a reference takes other features.
    """
    folder = Path(folder)
    if pictures < 1:
        raise ValueError(f"--pictures must be at least 1, got {pictures}.")
    if smiles is not None and references:
        raise ValueError("--reference compares sets of molecules or graphs: give --csv in place of --smiles.")
    if csv is None and smiles_column is not None:
        raise ValueError("--smiles-column is for --csv: leave it out.")
    clusters = RunClusters(run)
    compared = dict(zip(folder_names(references), map(RunClusters, references)))
    check_comparable({_THIS: clusters, **compared})
    _check_folder(folder, overwrite, csv)
    found, lines = _found(clusters, csv, smiles, smiles_column)
    drawn, more = _drawn(found, pictures)
    lines += more
    layers = [layer for layer, keys in enumerate(clusters.num_keys, start=1) if keys > 1]
    if not layers:
        raise ValueError(f"{run} has a single memory layer of one key, which has all nodes: nothing to show.")
    shares = [each.shares for each in found]
    files: _Files = {"usage.csv": usage_table(shares).to_csv(index=False).encode()}
    for layer in layers:
        files.update(_pictures(drawn, layer, soft, _suffix(layer)))
    lines += describe_key_usage(key_usage(shares))
    if clusters.num_keys[-1] == 1:
        lines.append("The last memory layer has one key, which reads out the graph: it is not drawn.")
    if smiles is None:
        files.update(_figure("keys", draw_keys({_THIS: clusters, **compared}, _graphs(clusters, found))))
        molecules = [each for each in found if isinstance(each, ClusteredMolecule)]
        if molecules:
            tables, more = _groups(clusters, molecules, compared, layers)
            files.update(tables)
            lines += more
    _write(folder, files)
    return [*lines, f"Written to {folder}."]


def _check_folder(folder: Path, overwrite: bool, csv: str | PathLike[str] | None) -> None:
    """See that the folder can be written to, or made, before anything is computed."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file: give a folder to write to.")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise FileExistsError(
            f"{folder} is not empty: give another folder, or replace its files with --overwrite."
        )
    if csv is not None and Path(csv).resolve() in [(folder / name).resolve() for name in _TABLES]:
        raise ValueError(f"{csv} would be replaced by the table of that name: give another folder with --out.")
    there = next(each for each in (folder, *folder.parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise type(error)(error.errno, f"{folder} cannot be written to: {error.strerror}") from error


def _write(folder: Path, files: _Files) -> None:
    """Write the files, and remove what else an earlier call wrote."""
    folder.mkdir(parents=True, exist_ok=True)
    earlier = _earlier(folder)
    for name, content in files.items():
        with replacing(folder / name) as unfinished:
            unfinished.write_bytes(content)
    for name in earlier - files.keys():
        (folder / name).unlink(missing_ok=True)


def _earlier(folder: Path) -> set[str]:
    """What an earlier call wrote, by its names; pictures of molecules by their title, too."""
    stems = ["keys", *(path.stem for path in folder.glob("*.svg") if _is_own(path))]
    return {*_TABLES, *(f"{stem}{ending}" for stem in stems for ending in (".svg", ".png"))}


def _is_own(svg: Path) -> bool:
    """Whether a picture is one of clusters, whatever the molecule is called."""
    if _GRAPHS.fullmatch(svg.stem):
        return True
    return svg.is_file() and f"<title>{TITLE}" in svg.read_text(encoding="utf-8", errors="replace")


def _found(
    clusters: RunClusters,
    csv: str | PathLike[str] | None,
    smiles: Sequence[str] | None,
    smiles_column: str | None,
) -> tuple[Sequence[Any], list[str]]:
    """What is to be shown, with its clusters, and what is to be said about it."""
    config = clusters.network.config
    if smiles is not None:
        return clusters.molecules(smiles), []
    if csv is None:
        dataset = _data_of(clusters)
        if dataset.smiles is not None:
            names = [f"row {row}" for row in dataset.rows]
            return clusters.molecules(dataset.smiles, names), [f"{len(dataset)} molecules of the run's data set."]
        names = [f"graph {row}" for row in dataset.rows]
        return clusters.graphs(dataset.graphs, names), [f"{len(dataset)} graphs of the run's data set."]
    kept, failures = [], []
    for piece in iterate_molecules(csv, smiles_column or config.data.smiles_column):
        for line, text in zip(piece.rows, piece.smiles):
            try:
                parse_smiles(text, config.data.limits)
                kept.append((text.strip(), f"line {line}"))
            except MoleculeError as error:
                failures.append(f"line {line}: {error}")
    if not kept:
        raise ValueError(f"{csv} holds no molecule; {failures[0] if failures else 'it has no rows'}.")
    lines = [f"{len(kept)} of {len(kept) + len(failures)} molecules of {csv}.", *failures[:_LISTED_FAILURES]]
    if len(failures) > _LISTED_FAILURES:
        lines.append(f"and {len(failures) - _LISTED_FAILURES} more that are no molecules")
    return clusters.molecules(*map(list, zip(*kept))), lines


def _data_of(clusters: RunClusters) -> GraphDataset:
    """The data that a run was trained on; refused if they are not here, or others by now."""
    network = clusters.network
    remedy = "give molecules with --csv" if network.for_molecules else "restore them"
    try:
        dataset = load_stored_dataset(network.config)
    except (OSError, ValueError) as error:
        raise FileNotFoundError(f"The data of {clusters.folder} are not here ({error}): {remedy}.") from error
    if dataset.digest != network.digest:
        raise ValueError(f"The data of {clusters.folder} have changed since the training: {remedy}.")
    return dataset


def _drawn(found: Sequence[Any], pictures: int) -> tuple[list[Any], list[str]]:
    small = [each for each in found if len(each.shares[0]) <= LARGEST_GRAPH]
    lines = []
    if len(small) < len(found):
        lines.append(f"{len(found) - len(small)} have more than {LARGEST_GRAPH} nodes, too many to draw.")
    if len(small) > pictures:
        lines.append(f"The first {pictures} of {len(small)} are drawn (--pictures).")
    return small[:pictures], lines


def _pictures(drawn: Sequence[Any], layer: int, soft: bool, suffix: str) -> _Files:
    """A picture of each, and one of all."""
    counts: Counter[str] = Counter()
    files: _Files = {}
    for each in drawn:
        stem = "".join(c if c.isalnum() or c in "-_" else "_" for c in each.name)[:60]
        counts[stem] += 1
        stem += f"_{counts[stem]}" * (counts[stem] > 1)
        files.update(_picture(f"{stem}{suffix}", [each], layer, soft))
    if drawn:
        files.update(_picture(f"grid{suffix}", drawn, layer, soft))
    return files


def _picture(stem: str, drawn: Sequence[Any], layer: int, soft: bool) -> _Files:
    if isinstance(drawn[0], ClusteredGraph):
        return _figure(stem, draw_graphs(drawn, layer, soft))
    svg, png = draw_molecules(drawn, layer, soft), draw_molecules_png(drawn, layer, soft)
    return {f"{stem}.svg": svg.encode(), f"{stem}.png": png}


def _figure(stem: str, figure: Any) -> _Files:
    return {f"{stem}.svg": figure_svg(figure).encode(), f"{stem}.png": figure_png(figure)}


def _groups(
    clusters: RunClusters,
    molecules: Sequence[ClusteredMolecule],
    compared: dict[str, RunClusters],
    layers: Sequence[int],
) -> tuple[_Files, list[str]]:
    """Tables of keys and functional groups; what is to be said about them."""
    members = group_members([each.molecule for each in molecules])
    if members.empty:
        return {}, ["No atom is in any of the functional groups that are looked for."]
    enriched, told, text, lines = [], [], ["# Keys and functional groups"], []
    for layer in layers:
        keys = np.concatenate([each.keys(layer) for each in molecules])
        enrichment = group_enrichment(keys, members)
        information = group_information(clusters, molecules, compared, layer, members)
        enriched.append(enrichment.assign(layer=layer))
        told.append(information.assign(layer=layer))
        text += [
            f"\n## Memory layer {layer}\n\nNormalised mutual information of keys and functional groups:\n",
            markdown_table(readable_information(information)),
            "\nThe groups that the paper's pictures show, and the key that overlaps most with each:\n",
            markdown_table(paper_groups(enrichment)),
            "\nThe groups that each key is enriched in and overlaps with most (Fisher's exact test, corrected "
            "over all\npairs of key and group; it takes atoms for independent):\n",
            markdown_table(leading_groups(enrichment)),
        ]
        own, *others = information.to_dict("records")
        beside = ", ".join(f"{other['information']:.3f} ({other['network']})" for other in others)
        lines.append(
            f"Memory layer {layer}: keys and functional groups have normalised mutual information "
            f"{own['information']:.3f}; {own['shuffled']:.3f} (shuffled), {beside}."
        )
    files: _Files = {
        "groups.csv": pd.concat(enriched).to_csv(index=False).encode(),
        "information.csv": pd.concat(told).to_csv(index=False).encode(),
        "groups.md": ("\n".join(text) + "\n").encode(),
    }
    return files, lines


def _graphs(clusters: RunClusters, found: Sequence[Any]) -> list[dgl.DGLGraph]:
    if isinstance(found[0], ClusteredGraph):
        return [each.graph for each in found]
    return clusters.graphs_of(found)


def _suffix(layer: int) -> str:
    return "" if layer == 1 else f"_layer{layer}"
