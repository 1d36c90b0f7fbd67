"""TU data sets of graphs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import dgl
import numpy as np

from dgl_memgnn.data.dataset import GraphDataset
from dgl_memgnn.data.degree_features import DEGREE_FEATURES
from dgl_memgnn.data.folder import find_file
from dgl_memgnn.data.graph_arrays import graphs_from_arrays
from dgl_memgnn.data.tu_files import TUFiles
from dgl_memgnn.tasks import TASK_TYPES, Classes, Column, Task, read_task

TU_DATASETS = ("ENZYMES", "PROTEINS_full", "DD", "COLLAB", "REDDIT-BINARY")  # the paper's

_URL = "https://www.chrsmrrs.com/graphkerneldatasets/{}.zip"


class TUDataset(GraphDataset):
    r"""A data set in the text format of the TU collection.

    What is to be predicted are the classes of ``<name>_graph_labels.txt`` or, in a set without that file, the
    numbers of ``<name>_graph_attributes.txt``, a target a column.

    Nodes keep their order, isolated nodes included. Edges are sorted by source and destination; self-loops and all
    but the first of duplicate edges are dropped, and counted. Graphs are undirected: where the files list one
    direction of an edge only, the other is added, and counted.

    ``ndata["feat"]`` holds the one-hot node labels (a column for each distinct label, sorted) followed by the
    raw node attributes. Without either it holds the columns named by ``degree_features``, by default one,
    :math:`\log(1 + \mathrm{degree})`.
    ``edata["feat"]`` holds edge labels and attributes in the same way, and is absent without either.

    Parameters
    ----------
    name : str
        Name in the collection, such as ``"ENZYMES"`` or ``"REDDIT-BINARY"``.
    data_dir : str or Path, optional
        Data folder with ``tu/<name>.zip`` or ``tu/<name>/``; without the file there, the zip is downloaded.
        Default: the environment variable ``DGL_MEMGNN_DATA``.
    pre_transform : callable, optional
        Applied to each graph once, at construction: takes a DGLGraph, returns a DGLGraph. Default: None.
    task_type : str, optional
        A key of :data:`dgl_memgnn.tasks.TASK_TYPES`. Those of numbers are read from the graph attributes, those of
        classes from the graph labels where there are any. Default: classes where there are graph labels, else as
        the graph attributes suggest.
    degree_features : sequence of str, optional
        Node features where the set has neither node labels nor node attributes: keys of
        :data:`dgl_memgnn.data.DEGREE_FEATURES`. Default: ``("log",)``.

    Attributes
    ----------
    graphs : list of DGLGraph
    task : Task
    labels : Tensor
        Class of each graph from 0 to ``num_classes - 1``, int64 of shape (G,); of attributes, float64 of shape
        (G, T).
    classes : list of int
        The label in the files that stands behind each class; only of classes.
    num_classes : int
        Only of classes.
    node_feats : int
        Width of ``ndata["feat"]`` before ``pre_transform``.
    edge_feats : int
        Width of ``edata["feat"]`` before ``pre_transform``; 0 where the edges have no features.
    num_self_loops, num_duplicate_edges : int
        Lines of the edge file that were dropped.
    num_reversed_edges : int
        Edges that the file lists in one direction only; the other was added, with the same features.

    Raises
    ------
    FileNotFoundError
        If the data set is not in the data folder and cannot be downloaded.
    ValueError
        If a file is missing, damaged or inconsistent; the message names the file and the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> data_dir = pathlib.Path(tempfile.mkdtemp())
    >>> (data_dir / "tu" / "TWO").mkdir(parents=True)
    >>> for suffix, lines in {"A": ["1, 2", "2, 1", "4, 5", "5, 4"], "graph_indicator": "11122",
    ...                       "graph_labels": ["1", "-1"], "node_labels": "77867"}.items():
    ...     _ = (data_dir / "tu" / "TWO" / f"TWO_{suffix}.txt").write_text("\n".join(lines))
    >>> dataset = TUDataset("TWO", data_dir)
    >>> dataset
    TUDataset("TWO", num_graphs=2, num_classes=2, node_feats=3, edge_feats=0)
    >>> graph, label = dataset[0]
    >>> graph.num_nodes(), graph.num_edges(), dataset.classes[label]
    (3, 2, 1)
    """

    task: Task

    def __init__(
        self,
        name: str,
        data_dir: str | os.PathLike[str] | None = None,
        pre_transform: Callable[[dgl.DGLGraph], dgl.DGLGraph] | None = None,
        task_type: str | None = None,
        degree_features: Sequence[str] = ("log",),
    ) -> None:
        self._path = find_file([f"tu/{name}.zip", f"tu/{name}"], data_dir, _URL.format(name))
        self._pre_transform = pre_transform
        self._task_type = task_type
        self._degree_features = degree_features
        super().__init__(name)

    def process(self) -> None:
        with TUFiles(self._path, self.name) as files:
            source, num_graphs = self._read_targets(files)
            graph_of = files.read("graph_indicator", columns=1)[:, 0] - 1
            edges = files.read("A", columns=2) - 1
            _check(files, source, num_graphs, graph_of, edges)
            node_feat = files.features("node", len(graph_of))
            edge_feat = files.features("edge", len(edges))

        # Number the nodes so that the nodes of a graph are consecutive (in most files they are already).
        order = np.argsort(graph_of, kind="stable")
        position = np.empty_like(order)
        position[order] = np.arange(len(order))
        graph_of, node_feat = graph_of[order], node_feat[order]

        src, dst, rows = self._simple_edges(position[edges[:, 0]], position[edges[:, 1]], len(order))
        edge_feat = edge_feat[rows]
        if not node_feat.shape[1]:
            columns = [DEGREE_FEATURES[name](src, dst, len(order)) for name in self._degree_features]
            node_feat = np.concatenate(columns, axis=1)

        num_nodes = np.bincount(graph_of, minlength=num_graphs)
        num_edges = np.bincount(graph_of[src], minlength=num_graphs)
        first_node = (np.cumsum(num_nodes) - num_nodes)[graph_of[src]]
        self.node_feats = node_feat.shape[1]
        self.edge_feats = edge_feat.shape[1]
        graphs = graphs_from_arrays(num_nodes, num_edges, src - first_node, dst - first_node, node_feat, edge_feat)
        self.graphs = [self._pre_transform(graph) if self._pre_transform else graph for graph in graphs]
        self.rows = list(range(num_graphs))

    def _read_targets(self, files: TUFiles) -> tuple[str, int]:
        """Read task and labels; returns the file that holds them, and the number of graphs."""
        wants_numbers = self._task_type is not None and not TASK_TYPES[self._task_type].discrete
        task_type: str | None
        if "graph_attributes" in files and (wants_numbers or "graph_labels" not in files):
            source, task_type = "graph_attributes", self._task_type
            table = files.read(source, np.float64)
        else:
            source, task_type = "graph_labels", self._task_type or Classes.task_type
            table = files.read(source, columns=1)
        names = ["class"] if source == "graph_labels" else [f"attribute{i}" for i in range(table.shape[1])]

        def culprit(row: int) -> str:
            return str(files.error(source, row, "its value")).rstrip(".")

        columns = [Column(name, column, culprit) for name, column in zip(names, table.T)]
        self.task, matrix, _ = read_task(columns, task_type)
        self.labels = self.task.labels(matrix)
        return source, len(table)

    def _simple_edges(
        self, src: np.ndarray, dst: np.ndarray, num_nodes: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Edges in both directions, sorted, without loops and duplicates, and the row of the file of each."""
        rows = np.flatnonzero(src != dst)
        self.num_self_loops = len(src) - len(rows)
        keys, first = np.unique((src * num_nodes + dst)[rows], return_index=True)
        self.num_duplicate_edges = len(rows) - len(keys)
        src, dst = np.divmod(keys, num_nodes)
        rows, back = rows[first], dst * num_nodes + src
        self.num_reversed_edges = 0
        if not np.array_equal(np.sort(back), keys):  # faster than to look for each, and mostly enough
            alone = ~np.isin(back, keys)
            self.num_reversed_edges = int(alone.sum())
            keys, rows = np.concatenate([keys, back[alone]]), np.concatenate([rows, rows[alone]])
            order = np.argsort(keys)
            src, dst = np.divmod(keys[order], num_nodes)
            rows = rows[order]
        return src, dst, rows

    @property
    def classes(self) -> list[int]:
        """The classes as the files call them; a set whose task is regression has none."""
        task: Any = self.task
        return task.classes

    @property
    def num_classes(self) -> int:
        """Number of classes; a set whose task is regression has none."""
        return len(self.classes)

    def content(self) -> list[Any]:
        sizes = [(graph.num_nodes(), graph.num_edges()) for graph in self.graphs]
        edges = [ends.numpy() for graph in self.graphs for ends in graph.edges()]
        data = [graph.ndata["feat"].numpy() for graph in self.graphs]
        if self.edge_feats:
            data += [graph.edata["feat"].numpy() for graph in self.graphs]
        return [*super().content(), sizes, *edges, *data]

    def drop_report(self) -> str:
        added = f" The other direction of {self.num_reversed_edges} edges, which was not listed, was added."
        return (
            f"{len(self)} graphs; {self.num_self_loops} self-loops and {self.num_duplicate_edges} repeated edges "
            f"dropped.{added * (self.num_reversed_edges > 0)}"
        )

    def __repr__(self) -> str:
        size = f"num_tasks={len(self.task_names)}" if self.labels.dim() > 1 else f"num_classes={self.num_classes}"
        return (
            f'{type(self).__name__}("{self.name}", num_graphs={len(self)}, {size}, '
            f"node_feats={self.node_feats}, edge_feats={self.edge_feats})"
        )


def _check(files: TUFiles, source: str, num_graphs: int, graph_of: np.ndarray, edges: np.ndarray) -> None:
    """Raise if the ids of the files (from 0 here, from 1 there) do not fit together."""
    num_nodes = len(graph_of)
    row = _first((graph_of < 0) | (graph_of >= num_graphs))
    if row is not None:
        raise files.error(
            "graph_indicator",
            row,
            f"graph id {graph_of[row] + 1} is not between 1 and {num_graphs}, the number of lines of _{source}",
        )
    row = _first(np.bincount(graph_of, minlength=num_graphs) == 0)
    if row is not None:
        raise files.error(source, row, f"graph {row + 1} has a label but no node in _graph_indicator")
    outside = (edges < 0) | (edges >= num_nodes)
    row = _first(outside[:, 0] | outside[:, 1])
    if row is not None:
        raise files.error(
            "A",
            row,
            f"edge {tuple((edges[row] + 1).tolist())} has a node id that is not "
            f"between 1 and {num_nodes}, the number of lines of _graph_indicator",
        )
    ends = graph_of[edges]
    row = _first(ends[:, 0] != ends[:, 1])
    if row is not None:
        raise files.error(
            "A",
            row,
            f"edge {tuple((edges[row] + 1).tolist())} joins graphs "
            f"{ends[row, 0] + 1} and {ends[row, 1] + 1}; an edge must stay within one graph",
        )


def _first(mask: np.ndarray) -> int | None:
    """Index of the first True, None without any."""
    return int(mask.argmax()) if mask.any() else None
