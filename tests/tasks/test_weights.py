"""A weighted row counts as that many rows: in the loss, its gradient, the standardisation, a whole training."""

import copy

import pandas as pd
import pytest
import torch
from dgl.nn import SumPooling
from torch import nn

from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config
from dgl_memgnn.data import MoleculeDataset
from dgl_memgnn.models import NETWORKS
from dgl_memgnn.models.network import Widths
from dgl_memgnn.runs import load_dataset
from dgl_memgnn.tasks import BinaryTasks, Classes, Regression, label_weights
from dgl_memgnn.training import Trainer, TrainingConfig

NAN = float("nan")
WEIGHTS = torch.tensor([1.0, 3.0, 0.0, 2.0, 1.0, 2.0])
POSED = {
    "regression": (
        Regression(["a", "b"]),
        torch.tensor([[1.0, 10.0], [2.5, NAN], [7.0, 3.0], [-1.0, 4.0], [0.0, NAN], [3.0, 6.0]]),
    ),
    "binary": (
        BinaryTasks(["a", "b"]),
        torch.tensor([[1.0, 0.0], [0.0, NAN], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [NAN, 1.0]]),
    ),
    "classes": (Classes(["x", "y", "z"]), torch.tensor([0, 1, 2, 1, 0, 2])),
}


def repeated(values):
    return values.repeat_interleave(WEIGHTS.long(), dim=0)


class Sum(nn.Module):
    """A network without batch normalisation."""

    def __init__(self, in_feats, out_feats):
        super().__init__()
        self.first, self.pooling = nn.Linear(in_feats, 8), SumPooling()
        self.second = nn.Linear(8, out_feats)

    def forward(self, graph, feat, get_assignments=False):
        out = self.second(self.pooling(graph, self.first(feat).tanh()).tanh())
        return (out, []) if get_assignments else out


@pytest.mark.parametrize("kind", POSED)
def test_loss_and_gradient_are_those_of_repeated_rows(kind):
    task, label = POSED[kind]
    weighted, plain = copy.deepcopy(task).fit(label, WEIGHTS), copy.deepcopy(task).fit(repeated(label))
    for (name, value), expected in zip(weighted.state_dict().items(), plain.state_dict().values()):
        torch.testing.assert_close(value, expected, msg=name)
    output = torch.randn(6, task.num_outputs, requires_grad=True)
    loss = weighted(output, label, label_weights(task, label, WEIGHTS))
    expected = plain(repeated(output), repeated(label))
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(*(torch.autograd.grad(each, output)[0] for each in (loss, expected)))


@pytest.mark.parametrize("kind", POSED)
def test_weights_of_any_unit_are_the_same_weights(kind):
    task, label = POSED[kind]
    some = torch.rand(6) + 0.1
    first, second = (label_weights(task, label, rows) for rows in (some, 1e-6 * some))
    torch.testing.assert_close(first, second)
    tiny = torch.full((6,), 1e-6)
    for value, expected in zip(*(copy.deepcopy(task).fit(label, w).state_dict().values() for w in (tiny, None))):
        torch.testing.assert_close(value, expected)


@pytest.mark.parametrize("kind", POSED)
def test_a_training_on_whole_batches_ends_with_the_weights_of_repeated_rows(kind, data_dir):
    task, label = POSED[kind]
    smiles = pd.read_csv(data_dir / "moleculeace" / "CHEMBL2034_Ki.csv")["smiles"][:6].tolist()
    graphs = MoleculeDataset(smiles, featurizer="memgnn").graphs
    torch.manual_seed(1)
    start = Sum(32, task.num_outputs)
    states = []
    for times in (torch.ones(6, dtype=torch.long), WEIGHTS.long()):
        rows = torch.arange(6).repeat_interleave(times)
        trainer = Trainer(
            copy.deepcopy(start),
            task,
            lambda graph: (graph.ndata["feat"],),
            TrainingConfig(epochs=5, batch_size=64, learning_rate=0.01, clip_norm=1e6),
            progress=False,
        )
        trainer.fit(
            [(graphs[i], label[i]) for i in rows], range(len(rows)), weights=WEIGHTS if len(rows) == 6 else None
        )
        states.append(trainer.model.state_dict())
    assert not torch.equal(states[0]["first.weight"], start.state_dict()["first.weight"])
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name], rtol=1e-4, atol=1e-5, msg=name)


def test_memgnn_with_the_statistics_of_its_batch_normalisation_fixed(data_dir):
    config = load_config("molecules", {"csv": str(data_dir / "moleculeace" / "CHEMBL2034_Ki.csv"), "tasks": ["y"]})
    dataset = load_dataset(config)[:6]
    config.model.hidden_feats, config.model.num_layers = 8, 1
    model = NETWORKS["MemGNN"].build(config.model, Widths(74, 12, 1), dataset.task, 0).eval()

    def gradients(rows, weight):
        import dgl

        graph = dgl.batch([dataset.graphs[i] for i in rows])
        label = dataset.labels[rows]
        model.zero_grad()
        dataset.task(model(graph, graph.ndata["feat"], graph.edata["feat"]), label, weight).backward()
        return [p.grad.clone() for p in model.parameters()]

    dataset.task.fit(dataset.labels, WEIGHTS)
    weighted = gradients(torch.arange(6), label_weights(dataset.task, dataset.labels, WEIGHTS))
    for value, expected in zip(weighted, gradients(repeated(torch.arange(6)), None)):
        torch.testing.assert_close(value, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", ["binary", "classes"])
def test_balanced_classes_weigh_the_same(kind):
    task, label = POSED[kind]
    weights = label_weights(task, label, WEIGHTS, class_balance=True)
    for column, own in zip(label.reshape(6, -1).T, weights.T):
        totals = [own[column == value].sum().item() for value in column[~column.isnan()].unique()]
        totals = [total for total in totals if total]
        assert totals == pytest.approx([totals[0]] * len(totals))
    assert weights.sum() == pytest.approx((~label.isnan()).sum().item())


def test_targets_weigh_as_asked():
    task, label = POSED["binary"]
    output = torch.randn(6, 2)
    loss = task(output, label, label_weights(task, label, None, False, [3.0, 1.0]))
    first, second = (BinaryTasks(["t"])(output[:, [i]], label[:, [i]]) for i in range(2))
    assert loss.item() == pytest.approx(((3 * first + second) / 4).item())  # both have five labels


def test_a_forest_takes_weights(data_dir):
    table = pd.read_csv(data_dir / "moleculeace" / "CHEMBL2034_Ki.csv")[:20]
    molecules = MoleculeDataset(table["smiles"].tolist(), [0.0] * 10 + [1.0] * 10, weights=[1.0] * 10 + [0.0] * 10)
    forest = NETWORKS["RandomForest"].build(None, None, Regression(), 0)
    forest.fit(molecules, range(20), weights=molecules.weights)
    assert forest.predict(molecules, range(20)).abs().max() == 0


SMALL = ["--epochs", "1", "--hidden-feats", "8", "--num-layers", "1", "--num-keys", "2,1", "--split", "random"]


def train(table, tmp_path, *options):
    table.to_csv(tmp_path / "m.csv", index=False)
    return main(["train", "--csv", str(tmp_path / "m.csv"), "--out", str(tmp_path / "run"), *SMALL, *options])


@pytest.fixture(scope="module")
def table(data_dir):
    table = pd.read_csv(data_dir / "moleculeace" / "CHEMBL2034_Ki.csv").head(40)
    return table.assign(high=(table["y"] > table["y"].median()).astype(int), weight=[0.5, 2, 0, 1] * 10)


def test_weights_on_the_command_line(table, tmp_path, capfd):
    options = ("--tasks", "high", "--weight-column", "weight", "--class-balance", "--split", "stratified")
    assert train(table, tmp_path, *options, "--task-weights", "0.5") == 0
    said = capfd.readouterr().out
    assert "Weights of rows: 0 to 2 in the training part, 0 in" in said and "(--weight-column)" in said
    assert "Classes of a target weigh the same" in said and "Weights of targets: 'high' 0.5" in said


@pytest.mark.parametrize(
    "change, options, message",
    [
        (
            {"weight": [1] * 39 + [None]},
            ["--weight-column", "weight"],
            "line 41, column 'weight': '' is no weight",
        ),
        ({"weight": [1, -2] * 20}, ["--weight-column", "weight"], "line 3, column 'weight': '-2' is no weight"),
        ({"weight": "much"}, ["--weight-column", "weight"], "line 2, column 'weight': 'much' is not a number"),
        ({"weight": 0}, ["--weight-column", "weight"], "All weights in the column 'weight' are 0"),
        ({}, ["--weight-column", "w"], "no column 'w' (weight_column, --weight-column)"),
        ({}, ["--weight-column", "y"], "data.weight_column must not be 'y', which is in data.tasks"),
        (
            {},
            ["--class-balance"],
            "for classes, not for regression of 'y': leave out --class-balance",
        ),
        ({}, ["--task-weights", "1,2"], "There are 2 task weights (--task-weights) for 1 targets"),
        ({}, ["--task-weights", "0"], "The weights of all labels of the training part are 0"),
        (
            {},
            ["--class-balance", "--network", "RandomForest"],
            "training.class_balance is for networks trained by",
        ),
    ],
)
def test_bad_weights(change, options, message, table, tmp_path, capsys):
    assert train(table.assign(**change), tmp_path, "--tasks", "y", *options) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_weights_are_not_a_target_of_all(table, tmp_path):
    table[["smiles", "y", "weight"]].to_csv(tmp_path / "m.csv", index=False)
    config = load_config(overrides={"csv": str(tmp_path / "m.csv"), "tasks": ["all"], "weight_column": "weight"})
    assert config.data.tasks == ["y"]
