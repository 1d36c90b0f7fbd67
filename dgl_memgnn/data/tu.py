"""TU graph classification data sets."""

import numpy as np
import torch
from dgl.data import DGLDataset

from dgl_memgnn.data.folder import find_file
from dgl_memgnn.data.graph_arrays import graphs_from_arrays
from dgl_memgnn.data.tu_files import TUFiles

TU_DATASETS = ("ENZYMES", "PROTEINS_full", "DD", "COLLAB", "REDDIT-BINARY")  # the paper's

_URL = "https://www.chrsmrrs.com/graphkerneldatasets/{}.zip"


class TUDataset(DGLDataset):
    r"""A graph classification data set in the text format of the TU collection.

    Nodes keep their order, isolated nodes included. Edges are directed as the files list them, sorted by
    source and destination; self-loops and all but the first of duplicate edges are dropped, and counted.

    ``ndata["feat"]`` holds the one-hot node labels (a column for each distinct label, sorted) followed by the
    raw node attributes. Without either it holds one column, :math:`\log(1 + \mathrm{degree})`.
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

    Attributes
    ----------
    graphs : list of DGLGraph
    labels : LongTensor of shape (G,)
        Class of each graph, from 0 to ``num_classes - 1``.
    classes : list of int
        The label in the files that stands behind each class.
    num_classes : int
    node_feats : int
        Width of ``ndata["feat"]`` before ``pre_transform``.
    edge_feats : int
        Width of ``edata["feat"]`` before ``pre_transform``; 0 where the edges have no features.
    num_self_loops, num_duplicate_edges : int
        Lines of the edge file that were dropped.

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

    def __init__(self, name, data_dir=None, pre_transform=None):
        self._path = find_file([f"tu/{name}.zip", f"tu/{name}"], data_dir, _URL.format(name))
        self._pre_transform = pre_transform
        super().__init__(name=name, raw_dir=str(self._path.parent))

    def process(self):
        with TUFiles(self._path, self.name) as files:
            graph_labels = files.read("graph_labels", columns=1)[:, 0]
            graph_of = files.read("graph_indicator", columns=1)[:, 0] - 1
            edges = files.read("A", columns=2) - 1
            _check(files, graph_labels, graph_of, edges)
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
            degree = np.bincount(dst, minlength=len(order))
            node_feat = np.log1p(degree, dtype=np.float32)[:, None]

        num_nodes = np.bincount(graph_of, minlength=len(graph_labels))
        num_edges = np.bincount(graph_of[src], minlength=len(graph_labels))
        first_node = (np.cumsum(num_nodes) - num_nodes)[graph_of[src]]
        self.node_feats = node_feat.shape[1]
        self.edge_feats = edge_feat.shape[1]
        graphs = graphs_from_arrays(num_nodes, num_edges, src - first_node, dst - first_node, node_feat, edge_feat)
        self.graphs = [self._pre_transform(graph) if self._pre_transform else graph for graph in graphs]

        classes, labels = np.unique(graph_labels, return_inverse=True)
        self.classes = classes.tolist()
        self.num_classes = len(classes)
        self.labels = torch.from_numpy(labels.astype(np.int64))

    def _simple_edges(self, src, dst, num_nodes):
        """Edges without loops and duplicates, sorted, and the row of the file each came from."""
        rows = np.flatnonzero(src != dst)
        self.num_self_loops = len(src) - len(rows)
        keys, first = np.unique((src * num_nodes + dst)[rows], return_index=True)
        self.num_duplicate_edges = len(rows) - len(keys)
        src, dst = np.divmod(keys, num_nodes)
        return src, dst, rows[first]

    def __getitem__(self, idx):
        r"""Graph and class of one sample.

        Parameters
        ----------
        idx : int

        Returns
        -------
        (DGLGraph, LongTensor of shape ())
        """
        return self.graphs[idx], self.labels[idx]

    def __len__(self):
        return len(self.graphs)

    def __repr__(self):
        return (
            f'TUDataset("{self.name}", num_graphs={len(self)}, num_classes={self.num_classes}, '
            f"node_feats={self.node_feats}, edge_feats={self.edge_feats})"
        )


def _check(files, graph_labels, graph_of, edges):
    """Raise if the ids of the files (from 0 here, from 1 there) do not fit together."""
    num_graphs, num_nodes = len(graph_labels), len(graph_of)
    row = _first((graph_of < 0) | (graph_of >= num_graphs))
    if row is not None:
        raise files.error(
            "graph_indicator",
            row,
            f"graph id {graph_of[row] + 1} is not between 1 and "
            f"{num_graphs}, the number of lines of _graph_labels",
        )
    row = _first(np.bincount(graph_of, minlength=num_graphs) == 0)
    if row is not None:
        raise files.error("graph_labels", row, f"graph {row + 1} has a label but no node in _graph_indicator")
    row = _first(((edges < 0) | (edges >= num_nodes)).any(axis=1))
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


def _first(mask):
    """Index of the first True, None without any."""
    return int(mask.argmax()) if mask.any() else None
