"""Networks: GMN, MemGNN, and those they are compared with."""

from dgl_memgnn.models.gmn import GMN
from dgl_memgnn.models.memgnn import MemGNN
from dgl_memgnn.models.network import Network, Widths
from dgl_memgnn.models.networks import NETWORKS
from dgl_memgnn.models.readouts import READOUTS, PooledReadout

__all__ = ["GMN", "MemGNN", "NETWORKS", "Network", "PooledReadout", "READOUTS", "Widths"]
