"""Networks that start from weights: what they take over, what stays, what clashes, what is stored."""

import hashlib
import json
import shutil
import warnings
from pathlib import Path

import dgl
import pandas as pd
import pytest
import torch
import yaml

from dgl_memgnn import MemGNN, weights
from dgl_memgnn.cli import main
from dgl_memgnn.config import candidates, load_config
from dgl_memgnn.data import smiles_to_graph
from dgl_memgnn.models import NETWORKS, Widths
from dgl_memgnn.runs import Predictor, assemble, benchmark, run, train_run
from dgl_memgnn.training import load_checkpoint
from dgl_memgnn.weights import load_weights, save_weights, weights_path

SIZES = {"hidden_feats": 8, "num_layers": 1, "num_keys": [2, 1], "num_heads": 2, "update": "gru"}
OPTIONS = {**SIZES, "edge_message": True, "featurizer": "memgnn"}


@pytest.fixture(scope="module")
def csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "molecules.csv"
    smiles = ["C" * n + tail for n in range(1, 16) for tail in ("O", "N", "Cl", "=O")]
    pd.DataFrame({"smiles": smiles, "size": [len(s) for s in smiles]}).to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Weights of a network that nobody trained, in a folder."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(1)
    options = load_config("molecules", {"dataset": "FreeWilson", **OPTIONS}).model
    network = NETWORKS["MemGNN"].build(options, Widths(32, 7, 3), None, 0)
    for buffer in network.buffers():
        buffer.add_(1)
    save_weights(folder / weights.FILE, network, weights.PARTS, vars(options), "memgnn", (32, 7))
    return folder


def configured(csv, source="molecules", **options):
    small = {
        "csv": csv,
        "tasks": ["size"],
        "split": "random",
        "epochs": 3,
        "batch_size": 8,
        "clustering_period": 2,
    }
    return load_config(source, {**small, **options})


def parts_of(network):
    return {name: value for name, value in network.state_dict().items() if name.partition(".")[0] in weights.PARTS}


def assert_equal(state, expected):
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], value) for name, value in expected.items())


def test_weights_are_taken_over_tensor_by_tensor(csv, stored):
    config = configured(csv, pretrained=str(stored))
    assert {name: getattr(config.model, name) for name in SIZES} == SIZES and config.data.featurizer == "memgnn"
    assembly = assemble(config)
    assert assembly.pretrained == ["query", "readout"]
    expected = load_weights(stored).state
    assert_equal(parts_of(assembly.learner.model), expected)
    assert_equal(parts_of(assembly.learner.evaluated), expected)  # the average of weights starts there too
    api = MemGNN.from_pretrained(stored, out_feats=5)
    assert_equal(parts_of(api), expected)
    graph = dgl.batch([smiles_to_graph("CCO", "memgnn"), smiles_to_graph("N", "memgnn")])
    assert api(graph, graph.ndata["feat"], graph.edata["feat"]).shape == (2, 5)


def test_another_readout_takes_over_the_query_network_alone(csv, stored):
    assembly = assemble(configured(csv, pretrained=str(stored), readout="sum", num_keys=[9, 1]))
    assert assembly.pretrained == ["query"]
    expected = {name: value for name, value in load_weights(stored).state.items() if name.startswith("query.")}
    state = assembly.learner.model.state_dict()
    assert_equal({name: state[name] for name in expected}, expected)


def test_a_trained_run_can_be_started_from(csv, stored, tmp_path):
    first = configured(csv, **OPTIONS)
    train_run(first, tmp_path / "first", progress=False)
    assembly = assemble(configured(csv, pretrained=str(tmp_path / "first")))
    trained = load_checkpoint(tmp_path / "first" / "checkpoint.pt")["model"]
    expected = {name: value for name, value in trained.items() if name.partition(".")[0] in weights.PARTS}
    assert_equal(parts_of(assembly.learner.model), expected)


@pytest.mark.parametrize("update", ["gru", "skip"])  # the latter has batch normalisation, with statistics
def test_what_is_frozen_does_not_move(csv, stored, tmp_path, update):
    options = load_config("molecules", {"dataset": "FreeWilson", **OPTIONS, "update": update}).model
    network = NETWORKS["MemGNN"].build(options, Widths(32, 7, 3), None, 0)
    save_weights(tmp_path / "w.pt", network, weights.PARTS, vars(options), "memgnn", (32, 7))
    before = parts_of(network)
    config = configured(csv, pretrained=str(tmp_path / "w.pt"), freeze_query=True, weight_average=0.5)
    train_run(config, tmp_path / "run", progress=False)
    after = load_checkpoint(tmp_path / "run" / "checkpoint.pt")["model"]
    for name, value in before.items():
        if name.startswith("query."):
            assert torch.equal(after[name], value), name
    assert any(not torch.equal(after[name], value) for name, value in before.items())
    assert len(Predictor(tmp_path / "run").predict(["CCO"])) == 1


def test_what_was_pretrained_has_a_learning_rate_of_its_own(csv, stored):
    config = configured(
        csv, pretrained=str(stored), learning_rate=1e-2, pretrained_learning_rate=1e-4, decay="halving"
    )
    trainer = assemble(config).learner
    trainer.schedule.begin_epoch(1)
    rates = {}
    for optimizer in (trainer.schedule.supervised, trainer.schedule.clustering):
        rates.update({id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]})
    for name, parameter in trainer.model.named_parameters():
        assert rates[id(parameter)] == (1e-2 if name.startswith("head.") else 1e-4), name
    trainer.schedule.begin_epoch(501)
    assert [group["lr"] for group in trainer.schedule.supervised.param_groups] == [0.5e-4, 0.5e-2]


def test_a_learning_rate_of_0_leaves_weights_where_they_are(csv, stored, tmp_path):
    config = configured(csv, pretrained=str(stored), pretrained_learning_rate=0.0, weight_average=0.0)
    train_run(config, tmp_path / "run", progress=False)
    after = load_checkpoint(tmp_path / "run" / "checkpoint.pt")["model"]
    for name, parameter in MemGNN.from_pretrained(stored, 1).named_parameters():
        if not name.startswith("head."):
            assert torch.equal(after[name], parameter), name


@pytest.mark.parametrize(
    "options, message",
    [
        ({"hidden_feats": 16}, r"model.hidden_feats is 16, and the weights .* were trained with 8"),
        ({"num_keys": [4, 1]}, r"model.num_keys is \[4, 1\], .* with \[2, 1\]"),
        ({"featurizer": "weave"}, r"data.featurizer is 'weave', .* with 'memgnn'"),
        ({"edge_features": False}, "model.edge_features is False, .* with True"),
        ({"network": "GIN"}, "model.pretrained is for MemGNN, not for GIN"),
        ({"topology": True}, "not for one with model.topology"),
        ({"initial_keys": "kmeans"}, "initial_keys: kmeans would replace the keys"),
        ({"pretrained_sha256": "00"}, "have SHA-256 [0-9a-f]{64}, and .* with 00"),
    ],
)
def test_clashes_name_both(csv, stored, options, message):
    with pytest.raises(ValueError, match=message):
        own = {**OPTIONS, **options} if "pretrained_sha256" in options else options
        assemble(configured(csv, pretrained=str(stored), **own))


def test_a_file_of_the_user_clashes_too(csv, stored, tmp_path):
    (tmp_path / "own.yaml").write_text("model: {hidden_feats: 16}\n")
    with pytest.raises(ValueError, match="hidden_feats is 16, and .* with 8"):
        configured(csv, tmp_path / "own.yaml", pretrained=str(stored))


@pytest.mark.parametrize("option", [{"freeze_query": True}, {"pretrained_learning_rate": 1e-4}])
def test_options_of_weights_need_weights(csv, option):
    with pytest.raises(ValueError, match=f"{next(iter(option))} is for a network that starts from weights"):
        configured(csv, pretrained="none", **option)


@pytest.mark.parametrize("shipped", [[], ["molecules"]])
def test_unknown_names_list_those_that_exist(csv, stored, monkeypatch, tmp_path, shipped):
    for name in shipped:
        shutil.copy(stored / weights.FILE, tmp_path / f"{name}.pt")
    monkeypatch.setattr(weights, "_FOLDER", tmp_path)
    known = "with the package: molecules" if shipped else "None come with the package"
    with pytest.raises(FileNotFoundError, match=f"no weights elsewhere.*{known}.*dgl-memgnn pretrain"):
        configured(csv, pretrained="elsewhere")


def test_a_run_of_the_name_of_weights_of_the_package_is_told_of(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "molecules").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert weights_path("molecules").parent != tmp_path / "molecules"
    (tmp_path / "molecules" / "weights.pt").touch()
    with pytest.warns(UserWarning, match="those of the run in that folder are ./molecules"):
        weights_path("molecules")
    assert weights_path("./molecules").resolve() == tmp_path / "molecules" / "weights.pt"


def test_weights_by_default_give_way_to_options_of_ones_own(csv):
    assert configured(csv, "molecules").model.pretrained == "molecules"
    assert configured(csv, "molecules", hidden_feats=16).model.pretrained == "none"
    assert configured(csv, "molecules", network="RandomForest").model.pretrained == "none"
    assert configured(csv, "molecules", readout="sum", num_keys=[9, 1]).model.pretrained == "molecules"
    assert configured(csv, "molecules", pretrained="none").model.hidden_feats == 128
    with pytest.raises(ValueError, match="hidden_feats is 16"):
        configured(csv, "molecules", hidden_feats=16, pretrained="molecules")


def test_a_number_of_epochs_that_is_not_given_is_60_with_weights(csv):
    def epochs(**values):
        return load_config("molecules", {"csv": str(csv), "tasks": ["y"], **values}).training.epochs

    assert epochs() == epochs(pretrained="molecules") == 60
    assert epochs(pretrained="none") is epochs(hidden_feats=64) is None
    assert epochs(epochs=3) == epochs(epochs=3, pretrained="none") == 3
    assert epochs(pretrained="a folder that is gone", pretrained_sha256="0" * 64) == 60  # of a run that goes on


def test_weights_of_the_package_are_small_and_have_a_card():
    for name in weights.shipped_weights():
        path = Path(weights.__file__).with_name(f"{name}.pt")
        card = path.with_suffix(".md").read_text(encoding="utf-8")
        assert path.stat().st_size <= 5_000_000
        assert weights.load_weights(name).sha256 in card and "dgl-memgnn pretrain --csv" in card


def test_damaged_and_other_files(csv, tmp_path):
    (tmp_path / "w.pt").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="w.pt is damaged"):
        configured(csv, pretrained=str(tmp_path / "w.pt"))
    train_run(configured(csv, network="GIN", hidden_feats=8, num_layers=1), tmp_path / "gin", progress=False)
    with pytest.raises(ValueError, match="is of another network than MemGNN"):
        configured(csv, pretrained=str(tmp_path / "gin"))


def test_a_run_that_was_begun_continues_without_the_file(csv, stored, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "weights"
    shutil.copytree(stored, folder)
    config = configured(csv, pretrained=str(folder), pretrained_learning_rate=1e-4)
    result = train_run(config, tmp_path / "whole", progress=False)
    digest = hashlib.sha256((stored / weights.FILE).read_bytes()).hexdigest()
    assert result["pretrained"] == {"name": str(folder), "sha256": digest, "modules": ["query", "readout"]}
    assert json.loads((tmp_path / "whole" / "metrics.json").read_text())["pretrained"] == result["pretrained"]
    assert load_config(tmp_path / "whole" / "config.yaml") == config
    assert f"Weights: query network and memory layers from {str(folder)!r}" in capsys.readouterr().out

    def interrupted(path, **content):
        stored_state(path, **content)
        if path.name == run.STATE:
            raise KeyboardInterrupt

    stored_state = run.save_checkpoint
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run, "save_checkpoint", interrupted)
        train_run(config, tmp_path / "cut", progress=False)
    shutil.rmtree(folder)
    data = ["--csv", csv, "--tasks", "size", "--split", "random", "--batch-size", "8", "--clustering-period", "2"]
    command = ["train", *data, "--epochs", "3", "--pretrained-learning-rate", "1e-4", "--pretrained", str(folder)]
    assert main([*command, "--out", str(tmp_path / "new")]) == 1
    assert main([*command, "--out", str(tmp_path / "cut"), "--hidden-feats", "16"]) == 1
    assert "hidden_feats is 8, not 16" in capsys.readouterr().err
    for copy in ("named", "runs/m"):
        shutil.copytree(tmp_path / "cut", tmp_path / copy)
    assert main([*command, "--out", str(tmp_path / "cut")]) == 0
    content = yaml.safe_load((tmp_path / "named" / "config.yaml").read_text())
    del content["model"]["pretrained_sha256"]
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(content))
    assert main(["train", str(tmp_path / "m.yaml"), "--out", str(tmp_path / "named")]) == 0
    monkeypatch.chdir(tmp_path)  # where the default folder is
    assert main(["train", "m.yaml"]) == 0
    assert main(["train", str(tmp_path / "cut" / "config.yaml"), "--out", str(tmp_path / "cut")]) == 0
    one, other = (load_checkpoint(tmp_path / name / "checkpoint.pt")["model"] for name in ("cut", "whole"))
    assert_equal(one, other)
    assert Predictor(tmp_path / "whole").predict(["CCO"]).shape == (1, 2)
    with pytest.raises(FileNotFoundError, match="There are no weights"):
        train_run(config, tmp_path / "new", progress=False)


def test_a_protocol_starts_each_run_from_weights(csv, stored, tmp_path):
    config = configured(csv, pretrained=str(stored), freeze_query=True, epochs=1)
    result = benchmark(config, "moleculenet", tmp_path, repeats=2, workers=1)
    expected = {name: value for name, value in load_weights(stored).state.items() if name.startswith("query.")}
    for name, metrics in result["runs"].items():
        assert metrics["pretrained"]["modules"] == ["query", "readout"]
        state = load_checkpoint(tmp_path / name / "checkpoint.pt")["model"]
        assert_equal({key: state[key] for key in expected}, expected)
    with pytest.raises(ValueError, match=r"hidden_feats is 16, and the weights .* with 8"):
        config.search = {"hidden_feats": [16]}
        assemble(candidates(config)[0][1])


@pytest.mark.parametrize("readout", ["memory", "sum"])
def test_weights_of_any_readout(readout, tmp_path):
    options = load_config("molecules", {"dataset": "FreeWilson", **OPTIONS, "readout": readout}).model
    network = NETWORKS["MemGNN"].build(options, Widths(32, 7, 3), None, 0)
    save_weights(tmp_path / "w.pt", network, weights.PARTS, vars(options), "memgnn", (32, 7))
    assert_equal(parts_of(MemGNN.from_pretrained(tmp_path / "w.pt", 1)), parts_of(network))
