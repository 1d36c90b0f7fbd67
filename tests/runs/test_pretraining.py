"""Pre-training: what is read and left out, what is learned, what is stored, and how it continues."""

import json
import os
from dataclasses import replace
from itertools import count

import dgl
import numpy as np
import pandas as pd
import pytest
import torch
from processes import run_in_two
from rdkit import Chem
from rdkit.Chem import Descriptors as RdkitDescriptors

from dgl_memgnn import files
from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config
from dgl_memgnn.data import smiles_to_graph
from dgl_memgnn.data.molecule_store import MoleculeStore, write_store
from dgl_memgnn.data.unlabelled import Unlabelled
from dgl_memgnn.objectives import OBJECTIVES
from dgl_memgnn.objectives.masked import FeatureLoss
from dgl_memgnn.runs import assemble, load_pretraining_config, pretrain, pretraining
from dgl_memgnn.training import load_checkpoint, memory_clustering_loss
from dgl_memgnn.weights import FILE, load_weights

SMALL = {
    "hidden_feats": 8,
    "num_layers": 1,
    "num_keys": [3, 1],
    "num_heads": 2,
    "epochs": 3,
    "batch_size": 8,
    "featurizer": "memgnn",
    "held_out": 0.05,
}
ALL = ["descriptors", "masked", "clustering"]
SMILES = ["C" * n + tail for n in range(1, 13) for tail in ("O", "N", "Cl", "=O", "c1ccccc1")]


@pytest.fixture(scope="module")
def csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "molecules.csv"
    pd.DataFrame({"smiles": SMILES, "size": [len(text) for text in SMILES]}).to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="module")
def molecules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    write_store(folder, [SMILES[:20], SMILES[20:]], "memgnn", with_descriptors=True)
    return MoleculeStore(folder)


def configured(path, **options):
    return load_pretraining_config(overrides={"csv": [path], **SMALL, **options})


def batch_of(molecules, numbers):
    return dgl.batch([molecules[i][0] for i in numbers])


# What is read


def test_molecules_are_left_out_whatever_their_spelling(tmp_path):
    paths = [tmp_path / name for name in ("a.csv", "b.csv", "no.csv", "other.csv.gz")]
    columns = ["smiles", "smiles", "smiles", "mol"]
    texts = [
        ["CCO", "C1CC", "c1ccccc1O", "OCC", "N"],
        ["[NH3]", "C[C@H](O)F", "C[C@@H](O)F", "", "CC(=O)O", "CCCC"],
        ["Oc1ccccc1", "none"],
        ["OC(C)=O", "[CH3:7]CCC"],
    ]
    for path, column, text in zip(paths, columns, texts):
        pd.DataFrame({column: text, "y": 1}).to_csv(path, index=False)
    source = Unlabelled([*map(str, paths[:2])], exclude=[str(paths[2]), f"{paths[3]}:mol"])
    kept = [text for piece in source.pieces() for text in piece]
    assert kept == [Chem.CanonSmiles(text) for text in ("CCO", "N", "C[C@H](O)F", "C[C@@H](O)F")]
    assert source.counts() == {
        "rows": 11,
        "duplicates": 2,
        "excluded": 3,
        "exclusions": 3,
        "no_molecule": {"invalid SMILES": 1, "empty SMILES": 1},
    }
    assert source.report() == (
        "4 molecules of 11 rows; 2 no molecule (invalid SMILES 1, empty SMILES 1), 2 duplicates, 3 excluded. "
        "1 row to exclude: no molecule."
    )
    wrong = Unlabelled([str(paths[0])], exclude=[f"{paths[1]}:y"])
    with pytest.raises(ValueError, match="column 'y' of .*b.csv holds no molecule to leave out: name the one"):
        next(wrong.pieces())
    left_out = {Chem.CanonSmiles(text) for text in ("Oc1ccccc1", "OC(C)=O", "CCCC")}
    (tmp_path / "store").mkdir()
    write_store(tmp_path / "store", source.pieces())
    assert not left_out & set(MoleculeStore(tmp_path / "store").smiles)


def test_a_store_gives_the_graphs_and_descriptors_of_its_molecules(molecules):
    assert molecules.smiles == SMILES and molecules.labels.tolist() == list(range(len(SMILES)))
    for i in (0, 19, 20, len(SMILES) - 1):
        graph, number = molecules[i]
        expected = smiles_to_graph(SMILES[i], "memgnn")
        assert number == i
        assert all(torch.equal(*ends) for ends in zip(graph.edges(), expected.edges()))
        assert torch.equal(graph.ndata["feat"], expected.ndata["feat"])
        assert torch.equal(graph.edata["feat"], expected.edata["feat"])
        values = RdkitDescriptors.CalcMolDescriptors(Chem.MolFromSmiles(SMILES[i]))
        expected = np.array([values[name] for name in molecules.descriptor_names], np.float32)
        np.testing.assert_allclose(molecules.descriptors[i], expected, rtol=1e-5, equal_nan=True)


def test_a_store_does_not_depend_on_the_pieces(molecules, tmp_path):
    write_store(tmp_path, [[text] for text in SMILES], "memgnn", with_descriptors=True)
    other = MoleculeStore(tmp_path)
    assert all(torch.equal(other[i][0].ndata["feat"], molecules[i][0].ndata["feat"]) for i in range(len(SMILES)))


def test_molecules_without_bonds_make_a_store(tmp_path):
    write_store(tmp_path, [["C", "N"]], "memgnn")
    molecules = MoleculeStore(tmp_path)
    assert [molecules[i][0].num_edges() for i in range(2)] == [0, 0] and molecules.edge_feats == 7


# Objectives


def learner_of(molecules, *objectives, **options):
    config = configured("none.csv", objectives=list(objectives), **options)
    return pretraining.build_pretraining(config, molecules, np.arange(50))


def columns_of(learner, molecules, numbers, change=None, training=False):
    graph = batch_of(molecules, numbers)
    if change is not None:
        change(graph)
    learner.model.train(training)
    torch.manual_seed(0)
    return learner.model(graph, graph.ndata["feat"], graph.edata["feat"])


def test_descriptors_are_standardised_by_training_molecules_and_missing_ones_masked(molecules):
    train = np.arange(50)
    objective = OBJECTIVES["descriptors"](molecules, train, None)
    objective._molecules = Missing(molecules, row=3, column=0)
    target, present = objective.targets(torch.arange(55))
    squashed = np.sign(molecules.descriptors) * np.log1p(np.abs(molecules.descriptors.astype(float)))
    mean, std = np.nanmean(squashed[train], 0), np.nanstd(squashed[train], 0)
    varying = std > 1e-5
    assert objective.width == varying.sum() < len(varying)
    expected = ((squashed[:55] - mean) / np.where(varying, std, 1))[:, varying].clip(-5, 5)
    expected[3, 0] = 0
    np.testing.assert_allclose(target.numpy(), np.nan_to_num(expected), atol=1e-3)
    assert not present[3, 0] and present[2, 0]
    columns = torch.randn(55, objective.width)
    error = (columns - target).square() * present
    by_hand = torch.stack([row[there].mean() for row, there in zip(error, present)])
    torch.testing.assert_close(objective.loss(columns, torch.arange(55)), by_hand)
    assert objective.score(target, torch.arange(55)) == {"descriptors": 0.0, "descriptors_r2": 1.0}


class Missing:
    """Molecules of which one lacks a descriptor that varies."""

    def __init__(self, molecules, row, column):
        spread = np.nanstd(molecules.descriptors[:50].astype(float), 0)
        self.descriptors = molecules.descriptors.copy()
        self.descriptors[row, np.flatnonzero(spread > 1e-5)[column]] = np.nan


@pytest.mark.parametrize("training", [True, False])
def test_hidden_features_are_hidden(molecules, training):
    """Features of hidden atoms and their bonds reach no prediction; those of others do."""
    learner = learner_of(molecules, "masked", num_layers=3, dropout=0.0)
    head = learner.model.heads["masked"]
    outputs = []
    head.atoms.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    numbers = [4, 9, 30, 55]
    graph = batch_of(molecules, numbers)
    head.train(training)
    torch.manual_seed(0)
    hidden = head.hidden(graph, torch.arange(4).repeat_interleave(graph.batch_num_nodes()))
    src, dst = graph.edges()
    of_hidden = hidden[src] | hidden[dst]
    assert all(part.any() for part in hidden.split(graph.batch_num_nodes().tolist()))
    assert not hidden.all() and not of_hidden.all()

    def scramble(atoms, bonds):
        def change(graph):
            graph.ndata["feat"][atoms] = torch.rand(int(atoms.sum()), 32)
            graph.edata["feat"][bonds] = torch.rand(int(bonds.sum()), 7)

        return change

    columns_of(learner, molecules, numbers, training=training)
    columns_of(learner, molecules, numbers, scramble(hidden, of_hidden), training)
    columns_of(learner, molecules, numbers, scramble(~hidden, ~of_hidden & False), training)
    columns_of(learner, molecules, numbers, scramble(hidden & False, ~of_hidden), training)
    assert torch.equal(outputs[1], outputs[0])
    assert not torch.allclose(outputs[2], outputs[0]) and not torch.allclose(outputs[3], outputs[0])


def test_held_out_scores_do_not_depend_on_batches(molecules):
    learner = learner_of(molecules, *ALL)
    together = columns_of(learner, molecules, range(12))
    apart = torch.cat([columns_of(learner, molecules, part) for part in ([0, 1, 2, 3, 4], [5, 6], range(7, 12))])
    torch.testing.assert_close(together[:, :-1], apart[:, :-1])
    torch.testing.assert_close(together[:, -1].mean(), apart[:, -1].mean())


def test_clustering_is_the_loss_of_the_memory_layers(molecules):
    learner = learner_of(molecules, "descriptors", "clustering")
    graph = batch_of(molecules, range(6))
    learner.model.eval()
    columns, assignments = learner.model(graph, graph.ndata["feat"], graph.edata["feat"], get_assignments=True)
    expected = memory_clustering_loss(graph, assignments)
    assert expected > 0
    torch.testing.assert_close(columns[:, -1], expected.expand(6))


def test_feature_loss_of_the_best_constant_is_1():
    feats = torch.tensor([[1.0, 0.0, 3.0, 1.0], [0.0, 0.0, 5.0, 1.0], [0.0, 1.0, -1.0, 1.0]])
    weight = torch.tensor([5.0, 3.0, 2.0])
    loss = FeatureLoss(feats, weight)
    rows = feats.repeat_interleave(weight.long(), dim=0)
    mean = rows.mean(0)
    constant = torch.tensor([torch.logit(mean[0]), torch.logit(mean[1]), 0.0, 0.0]).expand(10, 4)
    assert loss(constant, rows).mean().item() == pytest.approx(1)
    right = torch.where(rows == 1, 30.0, -30.0)
    right[:, 2] = (rows[:, 2] - mean[2]) / rows[:, 2].std(unbiased=False)
    assert loss(right, rows).mean().item() == pytest.approx(0, abs=1e-6)
    assert loss.right(right, rows).tolist() == [1.0] * 10 and loss.right(-right, rows).sum() == 0


@pytest.mark.parametrize("objectives, trained", [(["masked"], {"query"}), (["descriptors"], {"query", "readout"})])
def test_only_what_an_objective_trains_is_taken_over(csv, objectives, trained, tmp_path):
    result = pretrain(configured(csv, objectives=objectives), tmp_path, progress=False)
    stored = load_weights(tmp_path)
    assert {name.partition(".")[0] for name in stored.state} == trained == set(result["modules"])
    options = {"csv": csv, "tasks": ["size"], "split": "random", "pretrained": str(tmp_path)}
    assembly = assemble(load_config("molecules", options))
    assert set(assembly.pretrained) == trained
    state = assembly.learner.model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in stored.state.items())


# Runs


@pytest.fixture(scope="module")
def uninterrupted(csv, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    pretrain(configured(csv, objectives=ALL, epochs=2), folder, progress=False)
    return folder


def assert_same_run(folder, other):
    weights, expected = (load_checkpoint(path / FILE)["weights"] for path in (folder, other))
    assert all(torch.equal(weights[name], value) for name, value in expected.items())
    assert (folder / "history.csv").read_bytes() == (other / "history.csv").read_bytes()
    metrics, expected = (json.loads((path / "metrics.json").read_text()) for path in (folder, other))
    metrics.pop("wall_time_seconds"), expected.pop("wall_time_seconds")
    assert metrics == expected
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in other.iterdir())


def test_a_run_killed_between_any_two_writes_ends_the_same(csv, uninterrupted, tmp_path, monkeypatch):
    config = configured(csv, objectives=ALL, epochs=2)
    for last in count(1):

        def failing(source, target, writes=count(1), last=last):
            os.rename(source, target)
            if next(writes) == last:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(files.os, "replace", failing)
            try:
                pretrain(config, tmp_path / str(last), progress=False, report=False)
            except KeyboardInterrupt:
                pass
            else:
                break
        pretrain(config, tmp_path / str(last), progress=False, report=False)
        assert_same_run(tmp_path / str(last), uninterrupted)
    assert last > 10


def test_overwriting_removes_nothing_before_the_new_run_can_start(csv, tmp_path):
    (tmp_path / "few.csv").write_text("smiles\nC\nCC\n")
    kept = pretrain(configured(csv, epochs=1), tmp_path / "run", progress=False)
    stored = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    for wrong in (
        {"smiles_column": "SMILES"},
        {"csv": [str(tmp_path / "few.csv")]},
        {"csv": [str(tmp_path / "none.csv")]},
        {"num_keys": [1], "objectives": ["masked", "clustering"]},
        {"batch_size": 1},
    ):
        with pytest.raises((ValueError, FileNotFoundError)):
            pretrain(configured(csv, **{"epochs": 1, **wrong}), tmp_path / "run", progress=False, overwrite=True)
        assert stored == {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}, wrong
    again = pretrain(configured(csv, epochs=1), tmp_path / "run", progress=False, overwrite=True)
    assert again["held_out"] == kept["held_out"]


@pytest.mark.slow
def test_two_processes_train_as_one_does(csv, tmp_path, capfd):
    objectives = {"objectives": ["descriptors", "clustering"]}  # nothing of which is random without dropout
    config = configured(csv, **objectives, dropout=0.0)
    pretrain(config, tmp_path / "one", progress=False)
    (tmp_path / "config.yaml").write_text(config.to_yaml())
    command = ["pretrain", str(tmp_path / "config.yaml"), "--out"]
    run_in_two(main, [*command, str(tmp_path / "two")])
    assert capfd.readouterr().out.count("Stored in") == 1
    one, two = (load_weights(tmp_path / name).state for name in ("one", "two"))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=1e-4)
    histories = [pd.read_csv(tmp_path / name / "history.csv") for name in ("one", "two")]
    pd.testing.assert_frame_equal(*histories, rtol=1e-3)
    config = configured(csv, objectives=["masked"], epochs=1)
    (tmp_path / "config.yaml").write_text(config.to_yaml())
    run_in_two(main, [*command, str(tmp_path / "masked")])
    assert capfd.readouterr().out.count("Stored in") == 1


def test_what_a_run_stores(uninterrupted, csv):
    names = {path.name for path in uninterrupted.iterdir()}
    assert names == {"config.yaml", "history.csv", "curves.png", "weights.pt", "card.md", "metrics.json"}
    metrics = json.loads((uninterrupted / "metrics.json").read_text())
    history = pd.read_csv(uninterrupted / "history.csv")
    kept = history.iloc[metrics["kept_epoch"] - 1]
    assert metrics["held_out"]["held_out_loss"] == pytest.approx(kept["descriptors"] + kept["masked"])
    assert set(ALL) < set(metrics["held_out"]) and history["held_out_loss"].min() == kept["held_out_loss"]
    assert metrics["parts"] == {"train": 57, "held_out": 3} and metrics["counts"]["rows"] == 60
    assert load_pretraining_config(uninterrupted / "config.yaml") == configured(csv, objectives=ALL, epochs=2)
    card = (uninterrupted / "card.md").read_text()
    assert (
        "--csv molecules.csv" in card and "--hidden-feats 8" in card and "--objectives descriptors,masked" in card
    )
    assert os.path.dirname(csv) not in card


def test_the_command_and_what_starts_from_it(csv, tmp_path, capsys):
    run = str(tmp_path / "run")
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items() if name != "num_keys"]
    command = [
        "pretrain",
        "--csv",
        csv,
        "--out",
        run,
        "--num-keys=3,1",
        "--objectives=descriptors,masked",
        *options,
    ]
    pd.DataFrame({"mol": ["OC", "[Na+]"]}).to_csv(tmp_path / "no.csv", index=False)
    assert main([*command, "--exclude", f"{tmp_path / 'no.csv'}:mol", "--halve-every=9"]) == 0
    printed = capsys.readouterr().out
    assert "--halve-every has no part in decay cosine.\n" in printed
    assert "59 molecules of 60 rows; 0 no molecule, 0 duplicates, 1 excluded." in printed
    assert "held out: held_out_loss" in printed
    command.append("--halve-every=9")
    assert main([*command, "--exclude", f"{tmp_path / 'no.csv'}:mol"]) == 0
    assert "is finished" in capsys.readouterr().out
    assert main(command) == 1
    assert "pretraining.exclude is [" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
    data = ["train", "--csv", csv, "--tasks", "size", "--split", "random"]
    train = [*data, "--pretrained", run, "--epochs", "1", "--out", str(tmp_path / "train")]
    assert main([*train, "--featurizer", "memgnn", "--freeze-query"]) == 0
    assert json.loads((tmp_path / "train" / "metrics.json").read_text())["pretrained"]["name"] == run
    for more in ([], ["--overwrite"]):
        assert main([*data, "--pretrained", "none", "--epochs", "1", "--out", run, *more]) == 1
        assert f"{run} holds a run of pre-training. Give another folder with --out." in capsys.readouterr().err
    assert main([*train, "--featurizer", "weave"]) == 1
    assert "data.featurizer is 'weave', and the weights" in capsys.readouterr().err


def test_files_that_have_changed(csv, uninterrupted, tmp_path):
    path = tmp_path / "molecules.csv"
    pd.DataFrame({"smiles": SMILES}).to_csv(path, index=False)
    config = configured(str(path))
    pretrain(config, tmp_path / "run", progress=False)
    pd.DataFrame({"smiles": SMILES[:-1]}).to_csv(path, index=False)
    with pytest.raises(ValueError, match="files of molecules have changed since"):
        pretrain(config, tmp_path / "run", progress=False)


def test_folders_of_something_else(csv, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="holds no run"):
        pretrain(configured(csv), tmp_path, progress=False)
    (tmp_path / "config.yaml").write_text("data: {csv: m.csv}\n")
    with pytest.raises(FileExistsError, match="none of pre-training"):
        pretrain(configured(csv), tmp_path, progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "notes.txt"]


def test_too_few_molecules_leave_nothing_behind(tmp_path):
    path = tmp_path / "molecules.csv"
    path.write_text("smiles\nC\nN\nO\nethanol\n")
    read = r"3 molecules of 4 rows; 1 no molecule \(invalid SMILES 1\), 0 duplicates, 0 excluded\. "
    with pytest.raises(ValueError, match=read + "3 molecules are too few"):
        pretrain(configured(str(path)), tmp_path / "run", progress=False)
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.parametrize(
    "options, message",
    [
        ({"objectives": ["clustering"]}, "clustering alone would be met"),
        ({"objectives": ["clustering", "masked"]}, "clustering alone would be met"),
        ({"objectives": ["descriptors", "descriptors"]}, "holds 'descriptors' twice"),
        ({"objectives": ["contrastive"]}, "must be one of descriptors, masked, clustering"),
        ({"objectives": ALL, "readout": "sum"}, "clustering is for memory layers, not for sum"),
        ({"objectives": ALL, "clustering_period": 0}, "needs training.clustering_period or"),
        ({"clustering_weight": 0.5}, "clustering_weight is for objective clustering"),
        ({"clustering_period": 3}, "clustering_period is for objective clustering"),
        ({"epochs": None}, "training.epochs must be of type int, got None"),
        ({"csv": []}, r"pretraining.csv \(--csv\) is missing"),
        ({"network": "GIN"}, "Unknown key network"),
        ({"num_keys": [3, 2]}, "num_keys must end in 1"),
    ],
)
def test_what_does_not_go_together(options, message):
    with pytest.raises(ValueError, match=message):
        configured("none.csv", **options)


@pytest.mark.parametrize("options", [{"readout": "sum"}, {"edge_features": False, "objectives": ["masked"]}])
def test_other_networks_of_molecules(csv, tmp_path, options):
    config = configured(csv, **options)
    pretrain(replace(config, training=replace(config.training, epochs=1)), tmp_path, progress=False)
    assert load_weights(tmp_path).model["readout"] == options.get("readout", "memory")
