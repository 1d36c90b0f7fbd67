"""Which runs a protocol is made of."""

import pytest

from dgl_memgnn.config import load_config
from dgl_memgnn.runs.protocols import runs


def test_paper_is_ten_folds():
    folds = runs(load_config("enzymes_gmn"), "paper")
    assert [(c.data.split, c.data.fold, c.data.num_folds) for c in folds.values()] == [
        ("folds", fold, 10) for fold in range(10)
    ]


@pytest.mark.parametrize(
    "dataset, protocol, split",
    [
        ("ESOL", "moleculenet", "random"),
        ("Tox21", "moleculenet", "random"),
        ("BACE", "moleculenet", "dgllife_scaffold"),
        ("ESOL", "scaffold", "dgllife_scaffold"),
    ],
)
def test_seeds(dataset, protocol, split):
    config = load_config(overrides={"dataset": dataset})
    seeds = runs(config, protocol, repeats=4)
    assert [(c.data.split, c.training.seed) for c in seeds.values()] == [(split, seed) for seed in range(4)]
    assert config.training.seed == 0 and config.data.split == "random"


def test_an_unknown_protocol():
    with pytest.raises(ValueError, match="choose one of paper, fair, moleculenet, scaffold"):
        runs(load_config("esol_memgnn"), "kfold")


def test_no_two_networks_of_a_benchmark_have_one_seed():
    configs = runs(load_config("esol_memgnn"), "moleculenet", repeats=10, members=5)
    assert len({config.training.seed for config in configs.values()}) == len(configs) == 50
    splits = {
        (config.data.split_seed, config.training.seed)[config.data.split_seed is None]
        for config in configs.values()
    }
    assert splits == set(range(10))
