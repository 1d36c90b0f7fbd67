"""dgllife's AttentiveFP, for comparison."""

from __future__ import annotations

from typing import Any

from torch import nn

from dgl_memgnn.models.network import Network, Widths

__all__ = ["ATTENTIVE_FP"]


def _build(options: Any, widths: Widths, task: Any, seed: int) -> nn.Module:
    from dgllife.model import AttentiveFPPredictor

    return AttentiveFPPredictor(
        widths.node_feats,
        widths.edge_feats,
        options.num_layers,
        graph_feat_size=options.hidden_feats,
        n_tasks=widths.out_feats,
        dropout=options.dropout,
    )


ATTENTIVE_FP = Network(
    "AttentiveFP",
    _build,
    inputs=lambda options: ("feat", "edge_feat"),
    options=lambda options: ("hidden_feats", "num_layers", "dropout"),
    for_molecules_only=True,
)
