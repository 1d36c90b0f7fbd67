"""The predictor at the end of both networks."""

from torch import nn


def prediction_head(in_feats, hidden_feats, out_feats, dropout):
    """A two-layer perceptron on pooled graphs of shape (B, in_feats)."""
    return nn.Sequential(
        nn.Linear(in_feats, hidden_feats),
        nn.LeakyReLU(0.2),
        nn.Dropout(dropout),
        nn.Linear(hidden_feats, out_feats),
    )
