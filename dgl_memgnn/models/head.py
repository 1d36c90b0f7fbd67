"""The predictor at the end of both networks."""

from __future__ import annotations

from torch import nn

from dgl_memgnn.nn.dropout import Dropout

__all__ = ["prediction_head"]


def prediction_head(in_feats: int, hidden_feats: int, out_feats: int, dropout: float) -> nn.Sequential:
    """A two-layer perceptron on pooled graphs of shape (B, in_feats)."""
    return nn.Sequential(
        nn.Linear(in_feats, hidden_feats),
        nn.LeakyReLU(0.2),
        Dropout(dropout),
        nn.Linear(hidden_feats, out_feats),
    )
