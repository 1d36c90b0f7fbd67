"""Usage and projections of keys, before the training and after."""

import shutil

import numpy as np
import pytest

from dgl_memgnn.config import load_config
from dgl_memgnn.data import smiles_to_graph
from dgl_memgnn.runs import train_run
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
