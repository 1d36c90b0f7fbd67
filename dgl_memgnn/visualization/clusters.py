"""Which nodes of molecules and graphs belong to which keys of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dgl
import numpy as np
import pandas as pd

from dgl_memgnn.cache import default_cache_dir
from dgl_memgnn.config import ModelConfig
from dgl_memgnn.data import MoleculeError, parse_smiles, smiles_to_graphs
from dgl_memgnn.files import read_json
from dgl_memgnn.run_files import CHECKPOINT, warn_of_unfinished
from dgl_memgnn.runs.assembly import embed_for
from dgl_memgnn.runs.stored import StoredNetwork
from dgl_memgnn.training import key_usage
from dgl_memgnn.visualization.palette import KeyColours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Clustered", "ClusteredGraph", "ClusteredMolecule", "RunClusters", "check_run_folder"]


@dataclass(frozen=True)
class Clustered:
    """The nodes of a graph, and how they are shared among keys

    Parameters
    ----------
    name : str
        What it is called.
    shares : list of ndarray
        Of each memory layer, an array of shape (n, K): see :func:`dgl_memgnn.training.node_shares`.
    colours : list of KeyColours
        Of each memory layer.
    """

    name: str
    shares: list[np.ndarray]
    colours: list[KeyColours]

    def keys(self, layer: int = 1) -> np.ndarray:
        """The key that has the largest share of each node, the first of equal ones."""
        return self.shares[layer - 1].argmax(axis=1)

    def fill(self, layer: int = 1, soft: bool = False) -> list[str]:
        """The colour of each node: that of its key, paler where ``soft`` and shared with others."""
        colours, keys = self.colours[layer - 1], self.keys(layer).tolist()
        largest = self.shares[layer - 1].max(axis=1).tolist()
        return [colours.of(key, share if soft else None) for key, share in zip(keys, largest)]

    def unnamed(self, layer: int = 1) -> dict[int, int]:
        """Nodes whose key has no colour of its own, and that key."""
        own = self.colours[layer - 1].own
        return {node: key for node, key in enumerate(self.keys(layer).tolist()) if key not in own}


@dataclass(frozen=True)
class ClusteredMolecule(Clustered):
    """A molecule and its clusters, which shows itself in a notebook

    Parameters
    ----------
    smiles : str
        Its SMILES.
    molecule : rdkit.Chem.Mol
        The molecule, its atoms in the order of its SMILES.
    """

    smiles: str
    molecule: Any

    def table(self) -> pd.DataFrame:
        """A row an atom: its number, element, and of each memory layer its key and that key's share."""
        table = pd.DataFrame(
            {
                "atom": range(self.molecule.GetNumAtoms()),
                "element": [atom.GetSymbol() for atom in self.molecule.GetAtoms()],
            }
        )
        for layer, share in enumerate(self.shares, start=1):
            table[f"key_{layer}"], table[f"share_{layer}"] = share.argmax(axis=1), share.max(axis=1)
        return table

    def _repr_svg_(self) -> str:
        from dgl_memgnn.visualization.draw_molecules import draw_molecules

        return draw_molecules([self])


@dataclass(frozen=True)
class ClusteredGraph(Clustered):
    """A graph and its clusters, which shows itself in a notebook

    Parameters
    ----------
    graph : DGLGraph
        The graph.
    """

    graph: dgl.DGLGraph

    def figure(self, layer: int = 1, soft: bool = False) -> Figure:
        """The drawing, see :func:`draw_graphs`."""
        from dgl_memgnn.visualization.draw_graphs import draw_graphs

        return draw_graphs([self], layer, soft)

    def _repr_svg_(self) -> str:
        from dgl_memgnn.visualization.pictures import figure_svg

        return figure_svg(self.figure())


class RunClusters:
    """What the memory layers of a run make of molecules or graphs

    Parameters
    ----------
    run : str or os.PathLike
        Folder of a run.

    Attributes
    ----------
    network : StoredNetwork
        The network.
    num_keys : list of int
        Number of keys of each memory layer.
    colours : list of KeyColours
        The same key has the same colour in all pictures of a run: those that the training part uses most have
        colours of their own.

    Raises
    ------
    FileNotFoundError
        If the folder holds no run.
    ValueError
        If the run has no memory layers, or is damaged.
    """

    def __init__(self, run: str | PathLike[str]) -> None:
        self.folder = Path(run)
        check_run_folder(self.folder)
        self.network = StoredNetwork(self.folder)
        self.num_keys = [keys.shape[1] for keys in self.network.keys]
        if not self.num_keys:
            model = self.network.config.model
            what = f"network {model.network}" + f", readout {model.readout}" * (
                model.readout != ModelConfig.readout
            )
            raise ValueError(f"{run} has no memory layers ({what}), so there are no clusters to show.")
        self.colours = _colours(self.folder, self.num_keys)

    def molecule(self, smiles: str, name: str | None = None) -> ClusteredMolecule:
        """A molecule and its clusters.

        Parameters
        ----------
        smiles : str
            Its SMILES.
        name : str, optional
            What it is called. Default: the SMILES.

        Raises
        ------
        MoleculeError
            If it is no molecule; the message says why.
        """
        [found] = self.molecules([smiles], [smiles if name is None else name])
        return found

    def molecules(self, smiles: Sequence[str], names: Sequence[str] | None = None) -> list[ClusteredMolecule]:
        """Molecules and their clusters.

        Parameters
        ----------
        smiles : sequence of str
            Their SMILES.
        names : sequence of str, optional
            What they are called. Default: the SMILES.

        Raises
        ------
        MoleculeError
            If one is no molecule; the message says which and why.
        ValueError
            If the run is of graphs other than molecules.
        """
        limits = self.network.config.data.limits
        shares = self.shares(self._featurized(smiles))
        return [
            ClusteredMolecule(name, share, self.colours, text, parse_smiles(text, limits))
            for text, name, share in zip(smiles, smiles if names is None else names, shares)
        ]

    def graphs_of(self, molecules: Sequence[ClusteredMolecule]) -> list[dgl.DGLGraph]:
        """Molecules as graphs that the network takes."""
        graphs = self._featurized([each.smiles for each in molecules])
        self.embed(graphs)
        return graphs

    def _featurized(self, smiles: Sequence[str]) -> list[dgl.DGLGraph]:
        network, data = self.network, self.network.config.data
        if not network.for_molecules:
            raise ValueError(f"{self.folder} was trained on {data.dataset}, not on molecules.")
        graphs, reasons = smiles_to_graphs(smiles, data.featurizer, self._cache_dir, data.limits)
        for text, reason in zip(smiles, reasons):
            if reason:
                raise MoleculeError(f"{text!r} is no molecule: {reason}.")
        return [graph for graph in graphs if graph is not None]

    def graphs(self, graphs: Sequence[dgl.DGLGraph], names: Sequence[str]) -> list[ClusteredGraph]:
        """Graphs, with the features that the network takes, and their clusters."""
        shares = self.shares(graphs)
        return [
            ClusteredGraph(name, share, self.colours, graph) for graph, name, share in zip(graphs, names, shares)
        ]

    def shares(self, graphs: Sequence[dgl.DGLGraph]) -> list[list[np.ndarray]]:
        """How nodes are shared among keys, see :func:`dgl_memgnn.training.node_shares`."""
        self.embed(graphs)
        shares = self.network.node_shares(graphs)
        if not self.colours:
            self.colours = _colours_of(key_usage(shares), self.num_keys)
        return shares

    def embed(self, graphs: Sequence[dgl.DGLGraph]) -> None:
        """Give graphs the topological embedding of the run, if it has one."""
        embed_for(self.network.config, list(graphs), self._cache_dir)

    @property
    def _cache_dir(self) -> Any:
        return self.network.config.data.cache_dir or default_cache_dir()


def check_run_folder(folder: Path) -> None:
    """FileNotFoundError if a folder is not that of a run, which says what it is."""
    if (folder / CHECKPOINT).is_file():
        warn_of_unfinished(folder)
        return
    runs = sorted(path.parent for path in folder.rglob(CHECKPOINT))
    if runs:
        raise FileNotFoundError(f"{folder} holds {len(runs)} runs: give one of them, as {runs[0]}.")
    raise FileNotFoundError(f"{folder} holds no {CHECKPOINT}. Give the folder of a run (dgl-memgnn train).")


def _colours(folder: Path, num_keys: list[int]) -> list[KeyColours]:
    """Colours by the usage that a finished run has stored; none before that, until nodes have been seen."""
    metrics = folder / "metrics.json"
    usages = read_json(metrics).get("keys") if metrics.is_file() else None
    return _colours_of(usages, num_keys) if usages else []


def _colours_of(usages: list[dict[str, Any]], num_keys: list[int]) -> list[KeyColours]:
    of_layers = {usage["layer"]: KeyColours(usage["usage"], usage["strong_share"]) for usage in usages}
    return [of_layers.get(layer) or KeyColours([1.0] * keys) for layer, keys in enumerate(num_keys, start=1)]
