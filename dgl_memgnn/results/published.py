"""Published figures."""

from __future__ import annotations

__all__ = ["PUBLISHED"]

# (protocol, data set) -> rows of who, and the figure of each part that is scored; the paper first, else the best
PUBLISHED: dict[tuple[str, str], list[tuple[str | None, ...]]] = {
    ("paper", "ENZYMES"): [
        ("paper, GMN", "0.7866"),
        ("paper, MemGNN", "0.7550"),
        ("paper, best other GNN", "0.6417"),
        ("paper, best kernel", "0.6013"),
    ],
    ("paper", "PROTEINS_full"): [
        ("paper, GMN", "0.8225"),
        ("paper, MemGNN", "0.8135"),
        ("paper, best other GNN", "0.7768"),
        ("paper, best kernel", "0.7643"),
    ],
    ("paper", "DD"): [
        ("paper, GMN", "0.8440"),
        ("paper, MemGNN", "0.8292"),
        ("paper, best other GNN", "0.8243"),
        ("paper, best kernel", "0.7904"),
    ],
    ("paper", "COLLAB"): [
        ("paper, GMN", "0.8018"),
        ("paper, MemGNN", "0.770"),
        ("paper, best other GNN", "0.7756"),
        ("paper, best kernel", "0.8074"),
    ],
    ("paper", "REDDIT-BINARY"): [
        ("paper, GMN", "0.9528"),
        ("paper, MemGNN", "0.8555"),
        ("paper, best other GNN", "0.8595"),
        ("paper, best kernel", "0.8930"),
    ],
    ("fair", "ENZYMES"): [
        ("PathNN, 2023", None, "0.730 ± 0.052"),
        ("GIN, a later rerun", None, "0.692"),
        ("structure-agnostic baseline, Errica et al. 2020", None, "0.652"),
        ("GIN, Errica et al. 2020", None, "0.596"),
    ],
    ("fair", "PROTEINS_full"): [
        ("structure-agnostic baseline, Errica et al. 2020", None, "0.758 ± 0.037"),
        ("PathNN, 2023", None, "0.752"),
        ("DiffPool, Errica et al. 2020", None, "0.737"),
    ],
    ("fair", "DD"): [
        ("structure-agnostic baseline, Errica et al. 2020", None, "0.784 ± 0.045"),
        ("SPN", None, "0.774"),
        ("GIN, Errica et al. 2020", None, "0.753"),
    ],
    ("fair", "COLLAB"): [
        ("iCGMM", None, "0.789 ± 0.017"),
        ("GIN, Errica et al. 2020", None, "0.756"),
    ],
    ("fair", "REDDIT-BINARY"): [
        ("GCN, a rerun of 2026", None, "0.926 ± 0.010"),
        ("iCGMM", None, "0.916"),
        ("GIN, Errica et al. 2020", None, "0.899"),
    ],
    ("moleculenet", "ESOL"): [
        ("paper, MemGNN", "0.53 ± 0.03", "0.54 ± 0.01"),
        ("support vector machine, 50 random splits", None, "0.569"),
        ("AttentiveFP, 50 random splits", None, "0.587"),
    ],
    ("moleculenet", "Lipophilicity"): [
        ("paper, MemGNN", "0.555 ± 0.039", "0.556 ± 0.023"),
        ("AttentiveFP, 50 random splits", None, "0.553"),
    ],
    ("moleculenet", "BACE"): [("paper, MemGNN", "0.859 ± 0.000", "0.907 ± 0.000")],
    ("moleculenet", "Tox21"): [
        ("paper, MemGNN", "0.862 ± 0.009", "0.828 ± 0.004"),
        ("AttentiveFP, 50 random splits", None, "0.852"),
    ],
    ("scaffold", "ESOL"): [("Uni-Mol, pre-trained", None, "0.788"), ("dgllife, AttentiveFP", None, "0.82")],
    ("scaffold", "Lipophilicity"): [("Uni-Mol, pre-trained", None, "0.603"), ("dgllife, Weave", None, "0.67")],
    ("scaffold", "BACE"): [
        ("dgllife, pre-trained GIN", None, "0.86"),
        ("Uni-Mol, pre-trained", None, "0.857"),
        ("random forest", None, "0.851"),
        ("dgllife, MPNN", None, "0.85"),
    ],
    ("scaffold", "Tox21"): [
        ("dgllife, pre-trained GIN", None, "0.80"),
        ("Uni-Mol, pre-trained", None, "0.796"),
    ],
}
