"""Settings, the alternating schedule, the training loop and checkpoints."""

from dgl_memgnn.checkpoint import load_checkpoint, save_checkpoint
from dgl_memgnn.training.assignments import memory_layers, node_queries, node_shares
from dgl_memgnn.training.batching import EvenBatches
from dgl_memgnn.training.clustering import clustering_losses, memory_clustering_loss
from dgl_memgnn.training.config import TrainingConfig
from dgl_memgnn.training.inference import predict
from dgl_memgnn.training.key_usage import describe_key_usage, key_usage
from dgl_memgnn.training.schedule import AlternatingSchedule, cosine, halving
from dgl_memgnn.training.trainer import Trainer

__all__ = [
    "AlternatingSchedule",
    "EvenBatches",
    "Trainer",
    "TrainingConfig",
    "clustering_losses",
    "cosine",
    "describe_key_usage",
    "halving",
    "key_usage",
    "load_checkpoint",
    "memory_clustering_loss",
    "memory_layers",
    "node_queries",
    "node_shares",
    "predict",
    "save_checkpoint",
]
