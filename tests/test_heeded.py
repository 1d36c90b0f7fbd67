"""Options that would have no part in what is asked for are refused; what is heeded is not."""

import dataclasses

import pytest

from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config, options
from dgl_memgnn.heeded import check_heeded

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
        ({"network": "AttentiveFP", "edge_message": True}, "edge_message"),
        ({"network": "RandomForest", "learning_rate": 0.1}, "learning_rate"),
        ({"network": "RandomForest", "hidden_feats": 16}, "hidden_feats"),
        ({"dataset": "TINY", "network": "GMN", "num_layers": 2}, "num_layers"),
    ],
)
def test_a_key_that_nothing_heeds_is_named(values, key):
    option = "--" + key.replace("_", "-")
    with pytest.raises(ValueError, match=f"{option} has no part in .*: leave it out."):
        check_heeded(load_config("quickstart", values), values)
    check_heeded(load_config("quickstart", values), set(values) - {key})


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
def test_a_key_that_is_heeded_is_taken(values):
    check_heeded(load_config("quickstart", values), values)


def test_all_keys_of_a_run_of_memgnn_but_those_of_other_choices_are_heeded():
    config = load_config("quickstart")
    refused = set()
    for name, _, _ in options():
        try:
            check_heeded(config, [name])
        except ValueError:
            refused.add(name)
    of_topology = {"embedding", "embedding_width", "embedding_sort", "continue_prob"}
    assert refused == of_topology | {"fold", "num_folds", "edge_sampling"}


def test_a_key_may_be_for_some_candidates():
    config = dataclasses.replace(load_config("quickstart"), search={})
    space = {"decay": ["cosine", "halving"], "dropout": [0.1]}
    check_heeded(config, ["halve_every"], space)
    with pytest.raises(ValueError, match="halve-every"):
        check_heeded(config, ["halve_every"], {**space, "decay": ["cosine"]})


@pytest.mark.parametrize(
    "command",
    [
        ["train"],
        ["benchmark", "--protocol", "moleculenet"],
        ["search", "--trials", "1"],
    ],
)
def test_the_commands_refuse_before_anything_is_written(command, tmp_path, capsys):
    name, *rest = command
    given = ["--readout", "sum", "--num-heads", "2", "--out", str(tmp_path / "out")]
    assert main([name, "quickstart", *rest, *given]) == 1
    assert "--num-heads has no part in network MemGNN with readout sum" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_protocol_may_say_what_heeds_a_key(tmp_path, capsys):
    """Protocol paper keeps the best epoch, whatever the configuration keeps; the data are asked for after that."""
    path = tmp_path / "last.yaml"
    path.write_text(load_config("enzymes_gmn", {"keep": "last", "dataset": "NONE"}).to_yaml())
    command = ["benchmark", str(path), "--patience", "3", "--out", str(tmp_path / "out"), "--protocol"]
    assert main([*command, "paper"]) == 1
    assert "NONE" in capsys.readouterr().err
    assert main([*command, "fair"]) == 1
    assert "--patience has no part in keep last" in capsys.readouterr().err
