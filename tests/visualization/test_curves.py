"""Training curves show what the histories hold."""

from unittest import mock

import matplotlib.figure
import pandas as pd
import pytest

from dgl_memgnn.visualization import plot_curves, plot_mean_curves


@pytest.fixture
def figures():
    """The figures that a test makes."""
    made, init = [], matplotlib.figure.Figure.__init__

    def remember(self, *args, **kwargs):
        made.append(self)
        init(self, *args, **kwargs)

    with mock.patch.object(matplotlib.figure.Figure, "__init__", remember):
        yield made


def test_curves_are_the_columns_of_the_histories(tmp_path, figures):
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


@pytest.mark.parametrize("losses, scale", [((2.0, 0.5), "log"), ((2.0, -0.5), "linear"), ((0.0, 0.5), "linear")])
def test_all_losses_are_drawn(losses, scale, tmp_path, figures):
    """On a logarithmic scale, those that are not positive would be missing."""
    paths = {f"seed{i}": tmp_path / f"seed{i}.csv" for i in range(2)}
    for path, loss in zip(paths.values(), losses):
        path.write_text(f"epoch,loss,clustering_loss,rmse\n1,1.0,,0.9\n2,{loss},,0.9\n")
    plot_curves(paths, tmp_path / "curves.png")
    assert figures[0].axes[0].get_yscale() == scale


def test_names_are_no_formulas_and_all_stand_in_the_legend(tmp_path, figures):
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss,clustering_loss,rmse\n1,1.0,,0.9\n")
    names = ["paid in $ or in {$", "_old"]
    plot_curves(dict.fromkeys(names, path), tmp_path / "curves.png")
    plot_mean_curves(dict.fromkeys(names, [path]), tmp_path / "means.png")
    for figure in figures:
        shown = [text.get_text() for text in figure.legends[0].get_texts()]
        assert shown == [r"paid in \$ or in {\$", " _old"]


def test_curves_of_rows_are_means_to_the_end_of_the_shortest_run(tmp_path, figures):
    runs = {"a": [[3.0, 2.0, 1.0], [5.0, 3.0]], "b": [[4.0, 4.0, 4.0, 4.0]]}
    histories = {name: [] for name in runs}
    for name, columns in runs.items():
        for i, rmse in enumerate(columns):
            table = pd.DataFrame({"epoch": range(1, len(rmse) + 1), "loss": 9.0, "clustering_loss": None})
            table["rmse"], table["mae"], table["r2"] = rmse, 7.0, [-value for value in rmse]
            table.to_csv(tmp_path / f"{name}{i}.csv", index=False)
            histories[name].append(tmp_path / f"{name}{i}.csv")
    plot_mean_curves(histories, tmp_path / "curves.png")
    expected = {"a": ([1, 2], [4.0, 2.5]), "b": ([1, 2, 3, 4], [4.0] * 4)}
    for ax, metric, sign in zip(figures[0].axes, ("rmse", "r2"), (1, -1)):
        assert ax.get_ylabel() == f"validation {metric}"
        drawn = {line.get_label(): (list(line.get_xdata()), list(sign * line.get_ydata())) for line in ax.lines}
        assert drawn == expected


@pytest.mark.parametrize("number", [2, 40])
def test_the_legend_of_many_runs_is_whole_and_leaves_room(tmp_path, figures, number):
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss,clustering_loss,rmse\n1,1.0,,0.9\n")
    names = [f"{'esol_memgnn_' * 5}with_weights_{i}/seed0" for i in range(number)]
    plot_curves(dict.fromkeys(names, path), tmp_path / "curves.png")
    plot_mean_curves({name: [path] for name in names}, tmp_path / "means.png")
    for figure in figures:
        figure.draw_without_rendering()
        legend, page = figure.legends[0].get_window_extent(), figure.bbox
        assert legend.y0 >= 0 and legend.y1 <= page.y1 and page.width - legend.width > 5 * figure.dpi
        assert [text.get_text().replace("\n", "") for text in figure.legends[0].get_texts()] == names
        lines = {
            (line.get_color(), str(line.get_linestyle()), str(line._dash_pattern)) for line in figure.axes[0].lines
        }
        assert len(lines) == number


def test_runs_without_a_validation_part_are_named(tmp_path):
    (tmp_path / "y.csv").write_text("epoch,loss,clustering_loss,rmse\n1,1.0,,0.9\n")
    (tmp_path / "none.csv").write_text("epoch,loss,clustering_loss\n1,1.0,\n")
    with pytest.raises(ValueError, match="These runs have no validation part, .*: r_noval. Draw them apart"):
        plot_curves({"r_y": tmp_path / "y.csv", "r_noval": tmp_path / "none.csv"}, tmp_path / "curves.png")
    plot_curves({"r_noval": tmp_path / "none.csv", "again": tmp_path / "none.csv"}, tmp_path / "curves.png")
