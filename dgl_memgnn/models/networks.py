"""The networks there are."""

from dgl_memgnn.models.attentive_fp import ATTENTIVE_FP
from dgl_memgnn.models.forest import RANDOM_FOREST
from dgl_memgnn.models.gin import GIN_NETWORK
from dgl_memgnn.models.gmn import GMN_NETWORK
from dgl_memgnn.models.memgnn import MEMGNN_NETWORK
from dgl_memgnn.models.wl_kernel import WL_KERNEL

__all__ = ["NETWORKS"]

NETWORKS = {
    network.name: network
    for network in (
        GMN_NETWORK,
        MEMGNN_NETWORK,
        GIN_NETWORK,
        ATTENTIVE_FP,
        RANDOM_FOREST,
        WL_KERNEL,
    )
}
