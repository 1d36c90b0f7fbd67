"""Configurations: what is read, and what is refused by name."""

from dataclasses import replace
from importlib import resources

import pytest
import yaml

from dgl_memgnn.config import candidates, load_config, options

SHIPPED = sorted(
    p.name[:-5] for p in resources.files("dgl_memgnn").joinpath("configs").iterdir() if p.name.endswith(".yaml")
)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configurations_load_and_save(name, tmp_path):
    config = load_config(name, {"csv": "own.csv", "tasks": ["y"]} if name == "molecules" else {})
    (tmp_path / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    assert load_config(tmp_path / "config.yaml") == config


@pytest.mark.parametrize("name", [n for n in SHIPPED if n != "quickstart"])
def test_each_value_says_whether_it_is_the_papers(name):
    text = resources.files("dgl_memgnn").joinpath("configs", name + ".yaml").read_text(encoding="utf-8")
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if value and not line.startswith("#") and key.strip() not in ("split", "num_folds"):
            assert "# paper" in line or "# ours" in line, line


@pytest.mark.parametrize(
    "name, keys, heads, hidden, batch",
    [
        ("enzymes_gmn", [10, 1], 5, 100, 20),
        ("enzymes_memgnn", [10, 1], 5, 100, 20),
        ("proteins_gmn", [10, 1], 5, 80, 20),
        ("proteins_memgnn", [10, 1], 5, 80, 20),
        ("dd_gmn", [16, 8, 1], 5, 120, 64),
        ("dd_memgnn", [16, 8, 1], 5, 120, 64),
        ("collab_gmn", [32, 8, 1], 5, 100, 64),
        ("collab_memgnn", [32, 8, 1], 5, 100, 64),
        ("esol_memgnn_paper", [64, 1], 5, 16, 32),
        ("lipophilicity_memgnn_paper", [32, 1], 5, 16, 32),
        ("bace_memgnn_paper", [32, 1], 5, 8, 32),
    ],
)
def test_table_4(name, keys, heads, hidden, batch):
    config = load_config(name)
    model = config.model
    assert (model.num_keys, model.num_heads, model.hidden_feats, model.tau) == (keys, heads, hidden, 1.0)
    assert config.training.batch_size == batch


def test_overrides_win():
    config = load_config("quickstart", {"epochs": 7, "num_keys": [4, 1]})
    assert (config.training.epochs, config.model.num_keys) == (7, [4, 1])


def test_a_csv_file_replaces_the_data_set_of_a_configuration():
    data = load_config("quickstart", {"csv": "a.csv", "tasks": ["y"]}).data
    assert (data.dataset, data.csv) == (None, "a.csv")
    with pytest.raises(ValueError, match="either data.dataset or data.csv"):
        load_config("quickstart", {"csv": "a.csv", "tasks": ["y"], "dataset": "ESOL"})


def test_a_data_set_replaces_the_csv_file_of_a_configuration(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("data: {csv: m.csv, tasks: [y], smiles_column: mol}\n")
    assert load_config(path, {"dataset": "FreeWilson"}).data == load_config("quickstart").data
    with pytest.raises(ValueError, match="data.tasks is for a CSV file"):
        load_config(path, {"dataset": "FreeWilson", "tasks": ["y"]})


def test_the_default_split_is_by_scaffold_for_a_file_alone():
    file = {"csv": "a.csv", "tasks": ["y"]}
    assert load_config(overrides=file).data.split == "scaffold"
    assert load_config(overrides={"dataset": "ESOL"}).data.split == "random"
    assert load_config(overrides={**file, "split": "random"}).data.split == "random"
    assert load_config("esol_memgnn", file).data.split == "random"  # as it says
    assert load_config("esol_memgnn", {"split": "scaffold"}).data.split == "scaffold"


def test_a_file_without_tasks_lists_what_could_be_tasks(tmp_path):
    path = tmp_path / "a.csv"
    for cells, message in [("C,1", "Columns of numbers: 'y'."), ("C,high", "It has no column of numbers.")]:
        path.write_text(f"smiles,y\n{cells}\n")
        with pytest.raises(ValueError, match="data.csv needs data.tasks") as raised:
            load_config(overrides={"csv": str(path)})
        assert str(raised.value).endswith(message)


def test_option_names_are_unique():
    names = [name for name, _, _ in options()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "text, message",
    [
        ("training: {epoch: 3}", "Unknown key training.epoch. Did you mean training.epochs?"),
        ("modle: {}", "Unknown key modle. Did you mean model?"),
        ("model: {zzz: 1}", "Unknown key model.zzz. Known: network"),
        ("training: {epochs: 3.5}", "training.epochs must be of type int, got 3.5"),
        ("training: {epochs: true}", "training.epochs must be of type int, got True"),
        ("training: {epochs: 0}", "training.epochs must be at least 1, got 0"),
        ("training: {learning_rate: fast}", "training.learning_rate must be of type float, got 'fast'"),
        ("training: {learning_rate: .nan}", "training.learning_rate must be at least 1e-08"),
        ("training: {learning_rate: 2}", "training.learning_rate must be at most 1.0"),
        (f"training: {{learning_rate: {10**400}}}", "training.learning_rate must be of type float, got 1000"),
        ("data: {split_seed: 5000000000}", "data.split_seed must be at most 4294967295"),
        ("training: {clip_norm: .inf}", "training.clip_norm must be finite"),
        ("model: {dropout: 1.0}", "model.dropout must be at most 0.99"),
        ("model: {num_keys: 3}", "model.num_keys must be a list, got 3"),
        ("model: {num_keys: [0, 1]}", "model.num_keys must be at least 1, got 0"),
        ("model: {num_keys: [8, 2]}", "model.num_keys must end in 1"),
        ("model: {num_keys: []}", "model.num_keys must end in 1"),
        (
            "model: {network: GCN}",
            "model.network must be one of GMN, MemGNN, GIN, AttentiveFP, RandomForest, WLKernel, got 'GCN'",
        ),
        ("data: {dataset: esol}", "data.dataset: there is no esol. Did you mean ESOL?"),
        ("data: {dataset: null}", "either data.dataset or data.csv"),
        ("data: {dataset: ESOL, csv: a.csv}", "either data.dataset or data.csv"),
        ("data: {dataset: null, csv: a.csv, tasks: [smiles]}", "data.tasks must not hold 'smiles'"),
        ("data: {dataset: null, csv: a.csv, tasks: [x, reason]}", "data.tasks must not hold 'reason'"),
        ("data: {dataset: null, csv: a.csv, tasks: [x, x_std]}", "data.tasks must not hold 'x_std'"),
        ("data: {dataset: null, csv: a.csv, tasks: [x, y, x]}", "data.tasks holds 'x' twice"),
        ("data: {dataset: null, csv: a.csv, tasks: [x], smiles_column: x_std}", "must not be 'x_std'"),
        ("data: {dataset: ENZYMES, split: scaffold}", "scaffold is for molecules, not for ENZYMES"),
        ("data: {split: folds}", "folds is for classes"),
        ("data: {dataset: ENZYMES, split: folds, split_seed: 1}", "same in all runs: leave out data.split_seed"),
        ("data: {dataset: ENZYMES, split: fair, split_sizes: [0.5, 0.2, 0.3]}", "leave out data.split_sizes"),
        ("data: {dataset: ENZYMES, split: folds, fold: 10}", "data.fold must be below data.num_folds, 10"),
        ("model: {network: GIN, readout: sum}", "model.readout: sum is for GMN, MemGNN, not for GIN"),
        ("model: {network: GIN, topology: true}", "model.topology is for GMN, MemGNN, not for GIN"),
        ("data: {edge_fraction: 0.5}", "data.edge_fraction is for TU sets, not for molecules"),
        ("data: {edge_fraction: 0}", "data.edge_fraction must be at least 1e-06, got 0.0"),
        ("data: {continue_prob: 1}", "data.continue_prob must be at most 0.99, got 1.0"),
        (
            "data: {degree_features: [log, size]}",
            "data.degree_features must be one of log, inverse, onehot, clust",
        ),
        (
            "data: {descriptors: true}\nmodel: {network: AttentiveFP}",
            "data.descriptors is for MemGNN on molecules",
        ),
        ("data: {dataset: ENZYMES, descriptors: true}", "for MemGNN on molecules, not for MemGNN on ENZYMES"),
        (
            "data: {dataset: ENZYMES}\nmodel: {network: AttentiveFP}",
            "AttentiveFP is for molecules, not for ENZYMES",
        ),
        ("search: {droput: [0.1]}", "Unknown key search.droput. Did you mean search.dropout?"),
        ("search: {seed: [0, 1]}", "Unknown key search.seed"),
        ("search: {fold: [0, 1]}", "Unknown key search.fold"),
        ("search: {dropout: 0.1}", "search.dropout must be a list of values to choose from, got 0.1"),
        ("search: {dropout: []}", "search.dropout must be a list of values"),
        ("search: {dropout: [0.1, 2]}", "model.dropout must be at most 0.99, got 2"),
        ("search: {dropout: [0.1, 0.2, 0.1]}", "search.dropout lists 0.1 twice"),
        ("search: {num_keys: [[8, 1], [8, 2]]}", "model.num_keys must end in 1, got [8, 2]"),
        ("data: {split: fair}", "fair is for classes"),
        ("data: {tasks: [Act]}", "data.tasks is for a CSV file of molecules (--csv): FreeWilson has columns of"),
        ("data: {smiles_column: mol}", "data.smiles_column is for a CSV file of molecules (--csv)"),
        ("[1, 2]", "must hold the sections data, model, training"),
        ("training: 3", "must hold the sections"),
        ("training: {epochs: 3", "is not YAML"),
        ("training: {epochs: 3, epochs: 4}", "the key epochs is there twice"),
        ("training: {epochs: 3}\ndata: {}\ntraining: {seed: 3}", "the key training is there twice"),
        ("? [1, 2]\n: 3", "is not YAML"),
        ("data: 2024-13-45", "is not YAML"),
        ("[" * 5000, "is not YAML"),
        ("training: {seed: 99999999999}", "training.seed must be at most 4294967295"),
        ("training: !!python/object/apply:os.getcwd []", "is not YAML"),
    ],
)
def test_what_is_wrong_is_named(text, message, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    overrides = {} if "dataset" in text else {"dataset": "FreeWilson"}
    with pytest.raises(ValueError) as raised:
        load_config(path, overrides)
    assert message in str(raised.value)


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="config.yaml is not UTF-8 text"):
        load_config(tmp_path / "config.yaml")


def test_candidates_are_the_product_of_the_lists(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("data: {dataset: ENZYMES}\nsearch: {dropout: [0.1, 0.3], num_keys: [[8, 1]], epochs: [3, 4]}")
    config = load_config(path)
    found = [(c.model.dropout, c.model.num_keys, c.training.epochs) for _, c in candidates(config)]
    assert found == [(d, [8, 1], e) for d in (0.1, 0.3) for e in (3, 4)]
    assert all(candidate.search == {} for _, candidate in candidates(config))
    path.write_text(config.to_yaml())
    assert load_config(path) == config
    assert candidates(load_config("quickstart")) == [({}, load_config("quickstart"))]


def test_a_space_is_not_made_into_candidates_before_they_are_asked_for(tmp_path):
    """It may have more of them than there is memory for, and some that do not go together."""
    path = tmp_path / "config.yaml"
    space = {f"{name}": [i / 1000 for i in range(1, 500)] for name in ("dropout", "learning_rate", "weight_decay")}
    together = {"network": ["MemGNN", "GIN"], "readout": ["memory", "sum"]}
    path.write_text(yaml.safe_dump({"data": {"dataset": "ENZYMES"}, "search": {**space, **together}}))
    config = load_config(path)
    config.search = together
    with pytest.raises(ValueError, match="proposes {'network': 'GIN', 'readout': 'sum'}: model.readout: sum is"):
        candidates(config)


def test_a_candidate_that_starts_from_other_weights_takes_their_sizes(tmp_path):
    config = load_config(overrides={"dataset": "FreeWilson", "pretrained": "none", "hidden_feats": 8})
    config.search = {"pretrained": ["none", "molecules"]}
    (_, plain), (_, started) = candidates(config)
    assert plain.model == config.model and config.model.hidden_feats == 8
    named = load_config(overrides={"dataset": "FreeWilson", "pretrained": "molecules"})
    assert started.model == named.model and started.training.epochs == named.training.epochs
    back = replace(named, search={"pretrained": ["none"], "hidden_feats": [8]})
    assert [candidate.model.pretrained_sha256 for _, candidate in candidates(back)] == [None]


def test_a_key_that_is_given_is_not_searched(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("search: {dropout: [0.1, 0.3], epochs: [3, 4]}")
    config = load_config(path, {"dataset": "ENZYMES", "epochs": 9})
    assert [(c.model.dropout, c.training.epochs) for _, c in candidates(config)] == [(0.1, 9), (0.3, 9)]


def test_an_unknown_override():
    with pytest.raises(ValueError, match="Unknown key epoch. Did you mean epochs?"):
        load_config("quickstart", {"epoch": 3})


def test_a_folder_of_the_same_name_does_not_hide_a_configuration(tmp_path, monkeypatch):
    (tmp_path / "quickstart").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_config("quickstart").data.dataset == "FreeWilson"


def test_no_such_configuration():
    with pytest.raises(FileNotFoundError, match="Those that do: .*quickstart"):
        load_config("quickstrat")


def test_an_empty_file_and_empty_sections_are_defaults(tmp_path):
    path = tmp_path / "config.yaml"
    for text in ("", "training:\n"):
        path.write_text(text, encoding="utf-8")
        assert load_config(path, {"dataset": "ESOL"}) == load_config(overrides={"dataset": "ESOL"})


def test_numbers_as_yaml_writes_them(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("training: {learning_rate: 1e-3, clip_norm: 1}", encoding="utf-8")
    config = load_config(path, {"dataset": "ESOL"})
    assert yaml.safe_load("1e-3") == "1e-3"
    assert (config.training.learning_rate, config.training.clip_norm) == (1e-3, 1.0)
