"""Pictures of runs: clusters and what they stand for, curves, and a report."""

from dgl_memgnn.visualization.clusters import ClusteredGraph, ClusteredMolecule, RunClusters
from dgl_memgnn.visualization.curves import draw_curves, plot_curves
from dgl_memgnn.visualization.draw_graphs import draw_graphs
from dgl_memgnn.visualization.draw_molecules import draw_molecules, draw_molecules_png
from dgl_memgnn.visualization.group_tables import leading_groups, paper_groups
from dgl_memgnn.visualization.groups import functional_groups, group_enrichment, group_labels, group_members
from dgl_memgnn.visualization.information import group_information, key_information
from dgl_memgnn.visualization.keys import draw_keys, project, usage_table
from dgl_memgnn.visualization.mean_curves import plot_mean_curves
from dgl_memgnn.visualization.palette import KeyColours
from dgl_memgnn.visualization.predictions import (
    draw_calibration,
    draw_measured,
    draw_precision_recall,
    draw_roc,
    read_held_out,
)
from dgl_memgnn.visualization.report import report_html, write_report

__all__ = [
    "ClusteredGraph",
    "ClusteredMolecule",
    "KeyColours",
    "RunClusters",
    "draw_calibration",
    "draw_curves",
    "draw_graphs",
    "draw_keys",
    "draw_measured",
    "draw_molecules",
    "draw_molecules_png",
    "draw_precision_recall",
    "draw_roc",
    "functional_groups",
    "group_enrichment",
    "group_information",
    "group_labels",
    "group_members",
    "key_information",
    "leading_groups",
    "paper_groups",
    "plot_curves",
    "plot_mean_curves",
    "project",
    "read_held_out",
    "report_html",
    "usage_table",
    "write_report",
]
