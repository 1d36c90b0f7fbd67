"""What a configuration can ask of a network, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dgl
from torch import Tensor, nn

__all__ = ["INPUTS", "Network", "Widths", "readout_of"]

INPUTS: dict[str, Callable[[dgl.DGLGraph], Tensor | None]] = {
    "feat": lambda graph: graph.ndata["feat"],
    "edge_feat": lambda graph: graph.edata.get("feat"),
    "topology": lambda graph: graph.ndata["topology"],
    "nothing": lambda graph: None,
}


def readout_of(model: nn.Module) -> nn.Module:
    """The module of a network that pools each graph into one row.

    ValueError if there is no such module.
    """
    network = getattr(model, "network", model)  # of one that reads a topological embedding too
    readout = getattr(network, "readout", None)
    if not isinstance(readout, nn.Module):
        raise ValueError(
            f"{type(network).__name__} does not pool a graph into one row, so there are no embeddings of it."
        )
    return readout


@dataclass(frozen=True)
class Widths:
    """Widths of a network's inputs and output.

    Parameters
    ----------
    node_feats, edge_feats : int
        Of the features of nodes and edges; 0 where there are none.
    out_feats : int
        Number of outputs.
    topology_feats : int
        Of the topological embedding.
    descriptor_feats : int
        Of the descriptors of a whole graph; 0 where there are none.
    property_feats : int
        How many of these, the last, are measured properties.
    measured_feats : bool
        Whether node features are numbers of any scale, which a network normalises first.
    """

    node_feats: int
    edge_feats: int
    out_feats: int
    topology_feats: int = 0
    descriptor_feats: int = 0
    property_feats: int = 0
    measured_feats: bool = False


@dataclass(frozen=True)
class Network:
    """A network by the name that a configuration gives it

    Parameters
    ----------
    name : str
        Its name.
    build : callable
        ``build(options, widths, task, seed)`` makes it: of the options of a configuration's section ``model``, the
        :class:`Widths` of the data, and, for a network that learns by itself, the task and the seed.
    inputs : callable
        ``inputs(options)`` gives what it takes after the graph, in this order: names of features of a batch.
    options : callable
        ``options(options)`` gives the names of the options that it heeds, those that make its size first.
    for_molecules_only : bool, optional
        Whether it is for molecules only. Default: ``False``.
    takes_descriptors : bool, optional
        Whether it takes descriptors of whole graphs. Default: ``False``.
    learns_by_itself : bool, optional
        Whether it has a way of its own to learn, ``fit`` and ``predict`` as a
        :class:`~dgl_memgnn.training.Trainer` has them, in place of steps along a gradient. Default: ``False``.
    """

    name: str
    build: Callable[[Any, Widths, Any, int], nn.Module]
    inputs: Callable[[Any], Sequence[str]]
    options: Callable[[Any], Sequence[str]]
    for_molecules_only: bool = False
    takes_descriptors: bool = False
    learns_by_itself: bool = False

    def takes_topology(self, options: Any) -> bool:
        """Whether it takes a topological embedding of the nodes."""
        return "topology" in self.inputs(options)

    def take_inputs(self, options: Any) -> Callable[[dgl.DGLGraph], tuple[Tensor | None, ...]]:
        """Takes what it needs after the graph from a batched graph."""
        names = self.inputs(options)
        return lambda graph: tuple(INPUTS[name](graph) for name in names)
