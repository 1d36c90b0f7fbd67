"""Metrics, runs and predictions."""

from dgl_memgnn.evaluation.benchmark import benchmark
from dgl_memgnn.evaluation.metrics import score_binary, score_classification, score_regression
from dgl_memgnn.evaluation.prediction import PredictionCounts, Predictor
from dgl_memgnn.evaluation.run import train_run
from dgl_memgnn.evaluation.tables import write_tables

__all__ = [
    "PredictionCounts",
    "Predictor",
    "benchmark",
    "score_binary",
    "score_classification",
    "score_regression",
    "train_run",
    "write_tables",
]
