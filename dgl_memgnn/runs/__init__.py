"""From a configuration to a run folder, and from there to predictions."""

from dgl_memgnn.runs.ablations import Ablation, ablate, read_ablation
from dgl_memgnn.runs.assembly import Assembly, assemble, load_dataset
from dgl_memgnn.runs.benchmark import benchmark
from dgl_memgnn.runs.parts import split
from dgl_memgnn.runs.prediction import PredictionCounts, Predictor
from dgl_memgnn.runs.pretraining import pretrain
from dgl_memgnn.runs.pretraining_config import PretrainingConfig, load_pretraining_config
from dgl_memgnn.runs.protocols import PROTOCOLS, runs
from dgl_memgnn.runs.run import train_run

__all__ = [
    "Ablation",
    "Assembly",
    "PROTOCOLS",
    "PredictionCounts",
    "Predictor",
    "PretrainingConfig",
    "ablate",
    "assemble",
    "benchmark",
    "load_dataset",
    "load_pretraining_config",
    "pretrain",
    "read_ablation",
    "runs",
    "split",
    "train_run",
]
