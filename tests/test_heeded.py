"""Options that have no part in what is asked for are named; those that have one are not."""

import pytest

from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config, options
from dgl_memgnn.heeded import not_heeded, variants

KMEANS = {"initial_keys": "kmeans"}


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"decay": "cosine", "halve_every": 10}, "halve_every"),
        ({"keep": "last", "patience": 10}, "patience"),
        ({"split": "scaffold", "split_seed": 1}, "split_seed"),
        ({"fold": 1}, "fold"),
        ({"num_folds": 5}, "num_folds"),
        ({"edge_sampling": "rwr"}, "edge_sampling"),
        ({"continue_prob": 0.5}, "continue_prob"),
        ({"readout": "sum", "num_keys": [8, 1]}, "num_keys"),
        ({"readout": "random", "tau": 10.0}, "tau"),
        ({"readout": "mean", **KMEANS}, "initial_keys"),
        ({"clustering_weight": 0.1, "clustering_period": 2}, "clustering_period"),
        ({"clustering_weight": 0.1, "supervised_keys": True}, "supervised_keys"),
        ({"clustering_period": 0, "detach_target": False}, "detach_target"),
        ({"network": "GMN", "embedding": "HeatKernel", "continue_prob": 0.5}, "continue_prob"),
        ({"degree_features": ["log"]}, "degree_features"),
        ({"max_atoms": 50}, "max_atoms"),
        ({"dataset": "TINY", "featurizer": "canonical"}, "featurizer"),
        ({"network": "AttentiveFP", "edge_message": True}, "edge_message"),
        ({"network": "RandomForest", "learning_rate": 0.1}, "learning_rate"),
        ({"network": "RandomForest", "hidden_feats": 16}, "hidden_feats"),
        ({"dataset": "TINY", "network": "GMN", "num_layers": 2}, "num_layers"),
    ],
)
def test_a_key_that_nothing_heeds_is_named(values, key):
    (said,) = not_heeded([load_config("quickstart", values)], values)
    assert said.startswith("--" + key.replace("_", "-") + " has no part in ")


@pytest.mark.parametrize(
    "values",
    [
        {"split_seed": 1},
        {"split": "stratified", "split_seed": 1},
        {"clustering_weight": 0.1},
        {"readout": "rows", "tau": 10.0, **KMEANS},
        {"readout": "random", "num_keys": [8, 1]},
        {"dataset": "TINY", "split": "folds", "num_folds": 5, "fold": 1},
        {"dataset": "TINY", "edge_fraction": 0.1, "edge_sampling": "rwr"},
        {"dataset": "TINY", "topology": True, "embedding_width": 8, "continue_prob": 0.5},
        {"dataset": "TINY", "network": "WLKernel", "num_layers": 3, "seed": 1},
        {"network": "RandomForest", "seed": 1},
    ],
)
def test_a_key_that_is_heeded_is_not(values):
    assert not_heeded([load_config("quickstart", values)], values) == []


def test_of_memgnn_all_keys_are_heeded_but_those_of_other_choices():
    said = not_heeded([load_config("quickstart")], [name for name, _, _ in options()])
    of_topology = {"--embedding", "--embedding-width", "--embedding-sort", "--continue-prob"}
    of_files, of_graphs = {"--max-atoms", "--max-smiles-length"}, {"--degree-features", "--edge-sampling"}
    assert {line.split()[0] for line in said} == of_topology | of_files | of_graphs | {"--fold", "--num-folds"}


def test_a_key_may_be_for_some_candidates():
    config, space = load_config("quickstart"), {"decay": ["cosine", "halving"], "dropout": [0.1]}
    assert not_heeded(variants(config, space), ["halve_every"]) == []
    assert len(not_heeded(variants(config, {**space, "decay": ["cosine"]}), ["halve_every"])) == 1


SMALL = ["--hidden-feats", "8", "--num-layers", "1", "--readout", "sum", "--num-heads", "2"]
SPACE = '{"dropout": [0.1]}'


@pytest.mark.parametrize("command", ["train", "benchmark --protocol moleculenet --repeats 1", "search --trials 1"])
def test_the_commands_say_so(command, tmp_path, capsys):
    table = "smiles,size\n" + "".join(f"{'C' * n}{tail},{n}\n" for n in range(1, 11) for tail in "ON")
    (tmp_path / "few.csv").write_text(table)
    measured = ["--csv", str(tmp_path / "few.csv"), "--tasks", "size", "--epochs", "1"]
    name, *rest = command.split()
    rest += {"train": ["--split", "random"], "search": ["--split", "random", "--search", SPACE]}.get(name, [])
    assert main([name, *rest, *measured, *SMALL, "--out", str(tmp_path / "out")]) == 0
    assert "--num-heads has no part in network MemGNN with readout sum.\n" in capsys.readouterr().out


def test_candidates_that_are_all_the_same_are_named(tmp_path, capsys):
    command = ["benchmark", "dd_gmn", "--protocol", "fair", "--network", "GIN", "--out", str(tmp_path / "out")]
    assert main([*command, "--data-dir", str(tmp_path / "none")]) == 1
    said = "--continue-prob has no part in network GIN without a topological embedding.\n"
    assert said in capsys.readouterr().out
    command = ["search", "dd_gmn", "--network", "GIN", "--trials", "1", "--out", str(tmp_path / "searched")]
    assert main([*command, "--data-dir", str(tmp_path / "none")]) == 1
    assert said in capsys.readouterr().out


def test_the_protocol_may_say_what_heeds_a_key(tmp_path, capsys):
    """Protocol paper keeps the best epoch, whatever the configuration keeps; the data are asked for after that."""
    path = tmp_path / "last.yaml"
    path.write_text(load_config("enzymes_gmn", {"keep": "last", "dataset": "NONE"}).to_yaml())
    command = ["benchmark", str(path), "--patience", "3", "--out", str(tmp_path / "out")]
    command += ["--data-dir", str(tmp_path / "none"), "--protocol"]
    for protocol, said in [("paper", False), ("fair", True)]:
        assert main([*command, protocol]) == 1
        assert ("--patience has no part in keep last." in capsys.readouterr().out) == said
