"""Training curves show what the histories hold."""

from unittest import mock

import matplotlib.figure
import pandas as pd

from dgl_memgnn.visualization import plot_curves


def test_curves_are_the_columns_of_the_histories(tmp_path):
    tables = {}
    for seed in range(2):
        tables[f"seed{seed}"] = pd.DataFrame(
            {
                "epoch": [1, 2, 3],
                "loss": [3.0, 2.0, 1.0 + seed],
                "clustering_loss": [None, 0.1, None],
                "roc_auc": [0.5, 0.6 + seed / 10, 0.7],
                "pr_auc": [0.1, 0.2, 0.3],
            }
        )
        tables[f"seed{seed}"].to_csv(tmp_path / f"seed{seed}.csv", index=False)
    figures, init = [], matplotlib.figure.Figure.__init__

    def remember(self, *args, **kwargs):
        figures.append(self)
        init(self, *args, **kwargs)

    with mock.patch.object(matplotlib.figure.Figure, "__init__", remember):
        plot_curves({name: tmp_path / f"{name}.csv" for name in tables}, tmp_path / "curves.png")
    losses, metrics = figures[0].axes
    assert metrics.get_ylabel() == "validation roc_auc"
    for axes, column in ((losses, "loss"), (metrics, "roc_auc")):
        assert len(axes.lines) == 2
        for line, table in zip(axes.lines, tables.values()):
            assert line.get_xdata().tolist() == [1, 2, 3]
            assert line.get_ydata().tolist() == table[column].tolist()
    assert [line.get_label() for line in losses.lines] == ["seed0", "seed1"]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
