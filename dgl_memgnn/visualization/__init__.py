"""Pictures of runs."""

from dgl_memgnn.visualization.curves import plot_curves

__all__ = ["plot_curves"]
