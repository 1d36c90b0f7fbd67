"""Usage and projections of keys, before the training and after."""

import shutil

import numpy as np
import pytest

from dgl_memgnn.config import load_config
from dgl_memgnn.data import smiles_to_graph
from dgl_memgnn.runs import train_run
from dgl_memgnn.runs.stored import StoredNetwork
from dgl_memgnn.training.key_usage import assignment_entropy
from dgl_memgnn.visualization import RunClusters, draw_keys, project, usage_table
from dgl_memgnn.visualization.pictures import figure_svg

SMILES = ["CCCO", "CC(=O)O", "c1ccccc1", "ClC(Cl)(Cl)C"]


def graphs():
    return [smiles_to_graph(smiles, "attentivefp") for smiles in SMILES]


def test_usage_counts_the_nodes_of_each_key(runs):
    shares = RunClusters(runs.regression).shares(graphs())
    table = usage_table(shares)
    assert table.groupby("layer").size().tolist() == [6, 3, 1]
    for layer, key, nodes, part, mean_share, dead in table.itertuples(index=False):
        of_key = [row[key] for share in shares for row in share[layer - 1]]
        largest = [int(np.argmax(row)) == key for share in shares for row in share[layer - 1]]
        assert nodes == sum(largest) and dead == (sum(largest) == 0)
        assert part == pytest.approx(sum(largest) / len(largest)) and mean_share == pytest.approx(np.mean(of_key))


def test_projection_keeps_what_lies_in_a_plane():
    """Points of a plane keep their distances; the rest of the space is not there."""
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.normal(size=(8, 2)))[0].T
    queries, keys = rng.normal(size=(30, 2)) @ plane, rng.normal(size=(2, 5, 2)) @ plane
    points, centres = project(queries, keys)
    assert centres.shape == (2, 5, 2)
    together, before = np.concatenate([points, centres.reshape(-1, 2)]), np.concatenate([queries, *keys])
    distance = np.linalg.norm(together[:, None] - together, axis=-1)
    assert np.allclose(distance, np.linalg.norm(before[:, None] - before, axis=-1))


def test_figure_shows_each_run_before_and_after(runs):
    figure = draw_keys({"clustered": runs.regression, "at rest": runs.rest}, graphs())
    assert len(figure.axes) == 8
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert titles == [
        f"{run}, {when} training" for run in ("clustered", "at rest") for when in ("before", "after")
    ]
    assert "<svg" in figure_svg(draw_keys({"paid in $ or in {$": runs.regression}, graphs()))
    num_nodes = sum(graph.num_nodes() for graph in graphs())
    for ax in (figure.axes[0], figure.axes[1]):
        assert [len(each.get_offsets()) for each in ax.collections] == [num_nodes, 5 * 6]
    before, after = figure.axes[2].lines
    shares = RunClusters(runs.regression).shares(graphs())
    usage = usage_table(shares).query("layer == 1")["part"]
    assert after.get_ydata().tolist() == pytest.approx(sorted(usage, reverse=True))
    assert len(before.get_ydata()) == 6


def test_a_run_that_started_from_weights_had_them_before_the_training(runs, tmp_path):
    overrides = {"csv": str(runs.csv), "tasks": ["length"], "epochs": 1, "split": "random"}
    weights = tmp_path / "weights"
    shutil.copytree(runs.regression, weights)
    config = load_config(overrides={**overrides, "pretrained": str(weights)})
    train_run(config, tmp_path / "run", progress=False, report=False)
    clusters = RunClusters(tmp_path / "run")
    molecules = clusters.graphs_of(clusters.molecules(SMILES))
    network, _ = clusters.network.before_training(molecules)
    assert np.array_equal(network.keys[0], RunClusters(weights).network.keys[0])
    assert draw_keys({"run": clusters}, molecules).axes[0].get_title() == "run, before training"
    shutil.rmtree(weights)
    assert draw_keys({"run": clusters}, molecules).axes[0].get_title() == "run, untrained"


def test_runs_of_other_features_do_not_compare(runs, graph_run):
    with pytest.raises(ValueError, match="theirs takes other features of nodes and edges than ours"):
        draw_keys({"ours": runs.regression, "theirs": graph_run}, graphs())


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"degree_features": ["inverse"]}, "theirs takes other features of nodes and edges than ours"),
        ({"dataset": "OTHER"}, "theirs was trained on OTHER, ours on TINY: they do not compare"),
    ],
)
def test_runs_on_other_graphs_or_other_degrees_do_not_compare(graph_run, tmp_path, own, message):
    """Features of the same width say nothing of what they are."""
    other = graph_run.parent / "tu" / "OTHER"
    if not other.is_dir():
        other.mkdir()
        for path in (graph_run.parent / "tu" / "TINY").iterdir():
            shutil.copy(path, other / path.name.replace("TINY", "OTHER"))
    small = {"hidden_feats": 8, "num_keys": [4, 1], "epochs": 1, "split": "random", "network": "GMN"}
    config = load_config(overrides={**small, "dataset": "TINY", "data_dir": str(graph_run.parent), **own})
    train_run(config, tmp_path / "run", progress=False, report=False)
    clusters = RunClusters(graph_run)
    assert RunClusters(tmp_path / "run").network.features == clusters.network.features
    with pytest.raises(ValueError, match=message):
        draw_keys({"ours": clusters, "theirs": tmp_path / "run"}, [])


def test_all_nodes_stand_in_the_histogram_of_entropies(runs, monkeypatch):
    """Even shares of float32 sum to a little more than 1, and so does their entropy."""
    even = np.full((1, 6), 1 / 6, dtype=np.float32)

    def shares(network, graphs):
        return [[np.repeat(even, graph.num_nodes(), axis=0)] for graph in graphs]

    assert assignment_entropy(even) > 1
    monkeypatch.setattr(StoredNetwork, "node_shares", shares)
    panel = draw_keys({"run": runs.regression}, graphs()).axes[3]
    assert [sum(bar.get_height() for bar in bars) for bars in panel.containers] == pytest.approx([1, 1])
