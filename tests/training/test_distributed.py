"""Two processes that train together against one that trains alone."""

import sys

import dgl
import pytest
import torch
from processes import run_in_two, torchrun

from dgl_memgnn import GMN, MemGNN, cli
from dgl_memgnn.tasks import BinaryTasks, Regression
from dgl_memgnn.training import Trainer, TrainingConfig
from dgl_memgnn.training.distributed import process_group, rank

NUM_GRAPHS, TRAIN = 15, range(11)  # 11 graphs in batches of 4, 4 and 3 leave two processes uneven shares


def labels():
    torch.manual_seed(1)
    label = torch.randn(NUM_GRAPHS, 2, dtype=torch.float64)
    return label.where(torch.rand_like(label) > 0.3, torch.tensor(float("nan")).double())


def graphs():
    torch.manual_seed(0)
    made = [dgl.graph(tuple(torch.randint(n, (2, 3 * n))), num_nodes=n) for n in range(3, 3 + NUM_GRAPHS)]
    for graph in made:
        graph.ndata["feat"] = torch.randn(graph.num_nodes(), 5, dtype=torch.float64)
        graph.edata["feat"] = torch.randn(graph.num_edges(), 3, dtype=torch.float64)
    return made


def train(network):
    """Two epochs with a clustering step each, in float64, so that nothing but rounding can differ."""
    torch.manual_seed(2)
    label = labels()
    if network == "GMN":
        model, objective = GMN(5, 5, 8, 2, num_keys=(3, 1), num_heads=2), Regression("ab")
        inputs = lambda graph: (graph.ndata["feat"], graph.ndata["feat"])  # noqa: E731
    else:
        model, objective = MemGNN(5, 3, 8, 2, 2, num_keys=(3, 1), num_heads=2), BinaryTasks("ab")
        label = (label > 0).double().where(~label.isnan(), label)
        label[11:13] = torch.tensor([[0.0], [1.0]])  # both classes, for the score on validation
        inputs = lambda graph: (graph.ndata["feat"], graph.edata["feat"])  # noqa: E731
    trainer = Trainer(
        model.double(),
        objective.double(),
        inputs,
        TrainingConfig(epochs=2, batch_size=4, clustering_period=1, weight_average=0.5),
        progress=False,
    )
    history = trainer.fit(list(zip(graphs(), label)), TRAIN, range(11, NUM_GRAPHS))
    return {"history": history, "model": model.state_dict(), "state": trainer.state_dict()["model"]}


def test_two_processes_train_as_one_does(tmp_path):
    run_in_two(main, "GMN,MemGNN", str(tmp_path / "result.pt"))
    for network, ours in torch.load(tmp_path / "result.pt", weights_only=True).items():
        expected = train(network)
        for of_two, of_one in zip(ours["history"], expected["history"]):
            assert of_two == pytest.approx(of_one, rel=1e-9)
        for name, value in expected["model"].items():
            torch.testing.assert_close(ours["model"][name], value, rtol=1e-8, atol=1e-10)


@pytest.mark.slow
def test_the_command_trains_in_two_processes_and_continues(tmp_path, capfd):
    path = tmp_path / "molecules.csv"
    path.write_text("smiles,size\n" + "".join(f"{'C' * n}{t},{n}\n" for n in range(1, 11) for t in "ON"))
    arguments = [
        "train",
        "--csv",
        str(path),
        "--tasks",
        "size",
        "--split",
        "random",
        "--hidden-feats",
        "8",
        "--num-layers",
        "1",
        "--num-keys",
        "2,1",
        "--epochs",
        "2",
        "--out",
        str(tmp_path / "run"),
    ]
    assert torchrun("2", "-m", "dgl_memgnn", *arguments).stdout.count("Stored in") == 1
    assert {p.name for p in (tmp_path / "run").iterdir()} == {
        "config.yaml",
        "splits.csv",
        "history.csv",
        "metrics.json",
        "predictions.csv",
        "checkpoint.pt",
        "fingerprints.npy",
        "curves.png",
    }
    run_in_two(cli.main, arguments)
    assert capfd.readouterr().out.count("is finished") == 1


@pytest.mark.slow
def test_a_process_that_fails_ends_all(tmp_path):
    done = torchrun("2", __file__, "GMN", "", check=False)
    assert done.returncode != 0
    assert "The loss is nan in batch 1 of epoch 1" in done.stderr


def main(networks, path):
    """Train some networks, one after the other; without a path, the second process has features that are NaN."""
    with process_group("cpu"):
        if not path and rank() == 1:
            globals()["graphs"] = lambda made=graphs(): [_poisoned(graph) for graph in made]
        results = {network: train(network) for network in networks.split(",")}
        if rank() == 0:
            torch.save(results, path)


def _poisoned(graph):
    graph.ndata["feat"] = graph.ndata["feat"] * float("nan")
    return graph


if __name__ == "__main__":
    main(*sys.argv[1:])
