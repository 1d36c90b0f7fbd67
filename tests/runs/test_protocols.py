"""Which runs a protocol is made of."""

import pytest

from dgl_memgnn.config import load_config
from dgl_memgnn.data import random_split
from dgl_memgnn.runs import load_dataset, split
from dgl_memgnn.runs.protocols import runs


@pytest.fixture
def molecules(tmp_path):
    """The configuration of a file of 40 molecules."""
    path = tmp_path / "molecules.csv"
    path.write_text("smiles,size\n" + "".join(f"C1{'C' * n}C1,{n}\n" for n in range(1, 41)))
    return load_config(overrides={"csv": str(path), "tasks": ["size"], "split": "random"})


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


@pytest.mark.parametrize("protocol", ["moleculenet", "scaffold", "repeats"])
def test_members_of_an_ensemble_have_the_split_of_their_seed(protocol, molecules):
    dataset = load_dataset(molecules)
    parts = {name: split(config, dataset) for name, config in runs(molecules, protocol, members=3).items()}
    for name, own in parts.items():
        seed = name.partition("-")[0]
        assert {part: own[part].tolist() for part in own} == {part: parts[seed][part].tolist() for part in own}
        if protocol == "moleculenet":
            expected = random_split(40, seed=int(seed.removeprefix("seed")))
            assert [own[part].tolist() for part in ("train", "validation", "test")] == [*map(list, expected)]
    assert len(parts) == 9


@pytest.mark.parametrize("options", [{}, {"seed": 5}, {"split_seed": 7}, {"split": "scaffold"}], ids=str)
def test_repeats_has_the_test_part_of_the_configuration_and_draws_the_rest_anew(options, molecules):
    """On which scored_on_one_part of dgl_memgnn.results.paired relies."""
    config = load_config(overrides={"csv": molecules.data.csv, "tasks": ["size"], "split": "random", **options})
    dataset = load_dataset(config)
    plain = split(config, dataset)
    drawn = [split(run, dataset) for run in runs(config, "repeats").values()]
    assert [parts["test"].tolist() for parts in drawn] == [plain["test"].tolist()] * 3
    assert {len(parts["validation"]) for parts in drawn} == {len(plain["validation"])}
    assert len({tuple(parts["validation"]) for parts in drawn}) == 3


@pytest.mark.parametrize("protocol", ["moleculenet", "scaffold"])
@pytest.mark.parametrize("key", ["split_seed", "validation_seed"])
def test_seeds_of_a_split_that_the_protocol_sets_are_refused(protocol, key):
    config = load_config("esol_memgnn", {key: 0})
    with pytest.raises(ValueError, match=f"leave out data.{key}, or take protocol repeats"):
        runs(config, protocol)
    assert len(runs(config, "repeats")) == 3


@pytest.mark.parametrize("protocol, repeats", [("paper", 11), ("paper", 0), ("moleculenet", 0), ("repeats", -1)])
def test_folds_that_there_are_not_are_refused(protocol, repeats):
    config = load_config("enzymes_gmn" if protocol == "paper" else "esol_memgnn")
    with pytest.raises(ValueError, match=f"repeats must be .*got {repeats}"):
        runs(config, protocol, repeats)
