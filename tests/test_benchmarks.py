"""The benchmarks run on tiny inputs, with torch_geometric or without, and compare like with like."""

import functools
import importlib
import json
import math
import re
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import dgl
import pandas as pd
import pytest
import torch
from graphs import random_graph
from processes import run_script, skip_without_torchrun

from dgl_memgnn import GMN, MemGNN
from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config
from dgl_memgnn.results import write_tables
from dgl_memgnn.results.paired import fold_scores, paired_difference
from dgl_memgnn.runs import load_dataset, runs, split
from dgl_memgnn.runs import run as run_module

BENCHMARKS = Path(__file__).parent.parent / "examples" / "benchmarks"


@functools.cache
def tables(name):
    """The rows of the tables that a benchmark printed and stored."""
    with tempfile.TemporaryDirectory() as folder:
        printed = run(name, "--quick", "--json", folder)
        (file,) = Path(folder).iterdir()
        assert file.name == f"{name}.json"
        record = json.loads(file.read_text(encoding="utf-8"))
    assert record["benchmark"] == name and record["quick"]
    assert {"cpu", "date", "dgl", "numpy", "python", "threads", "torch"} <= set(record["environment"])
    assert all(table["title"] in printed for table in record["tables"])
    return [table["rows"] for table in record["tables"]]


def run(name, *arguments):
    """Run a benchmark; in a process of its own where its own memory is measured."""
    path = BENCHMARKS / f"{name}.py"
    if name not in ("embedding", "memory"):
        return run_script(path, *arguments)
    done = subprocess.run([sys.executable, str(path), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def commands_run_here(monkeypatch):
    """What a benchmark starts as processes of their own runs in this one, which has imported what it needs."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    commands = importlib.import_module("commands")

    def run_here(command):
        _, option, code, *arguments = command = list(map(str, command))
        start = time.perf_counter()
        if option == "-c":
            with mock.patch.object(sys, "argv", [option, *arguments]):
                exec(code, {"__name__": "__main__"})
        else:  # by torchrun or not
            assert main(command[command.index("dgl_memgnn") + 1 :]) == 0
        wall = time.perf_counter() - start
        return commands.Usage(wall, wall, 1.0)

    monkeypatch.setattr(commands, "run", run_here)


def assert_positive(rows, *columns):
    assert rows
    for row in rows:
        assert all(math.isfinite(row[column]) and row[column] > 0 for column in columns), row


def test_layer():
    (rows,) = tables("layer")
    assert_positive(rows, "ours ms", "bare ms", "ours/bare")
    assert all(row["ours error"] < 1e-5 for row in rows)


@pytest.mark.slow
def test_embedding():
    graphs, large, whole = tables("embedding")
    assert_positive(graphs, "ours ms", "fastest/ours", "slowest/ours")
    assert all(row["error"] <= 1e-6 for row in graphs)
    assert_positive(large, "ours s")
    assert_positive(whole, "compute s", "reload s", "result MB")


def test_conv():
    (rows,) = tables("conv")
    assert len(rows) == 4
    assert_positive(rows, "ms", "dgl.nn.EdgeGATConv/it", "it/dgl.nn.GATConv")
    assert rows[-1]["layer"] == "EdgeGATConv, edge_message" and rows[-1]["error"] < 1e-5


def test_epoch():
    comparison, profile = tables("epoch")
    assert len(comparison) == len(profile) == 2
    assert_positive(comparison, "ours ms")
    assert_positive(profile, "model ms", "optimizer ms", "loader ms", "outside the model")
    assert all("synthetic" in row["training"] for row in comparison)


def test_each_epoch_that_is_timed_is_trained(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    epoch = importlib.import_module("epoch")
    losses, run_epoch = [], epoch.our_epoch(epoch.enzymes(None, 8))
    for _ in range(2):
        losses.append([record["loss"] for record in run_epoch()])
    assert [len(each) for each in losses] == [1, 1] and losses[0] != losses[1]


@pytest.mark.slow
def test_memory():
    batches, sweep = tables("memory")
    assert_positive(batches + sweep, "MB", "MB/minimum")
    few_keys, many_keys = sweep
    assert few_keys["MB"] < many_keys["MB"]


def test_scaling():
    (rows,) = tables("scaling")
    assert_positive(rows, "graphs of 100: us/node", "one graph: us/node")


def test_features():
    features, descriptors = tables("features")
    assert_positive(features, "parsing alone /s", "dgllife /s", "ours /s", "ours/dgllife")
    assert_positive(descriptors, "rdkit /s", "one process /s", "a process a core /s", "one/rdkit")


def test_predict_without_its_peer_says_what_to_install(commands_run_here, capsys):
    (rows,) = tables("predict")
    assert_positive(rows, "start s", "whole s", "molecules/s", "largest process MB", "ours/it")
    assert [row["command"] for row in rows] == ["ours"]
    with pytest.raises(SystemExit, match="2"):
        run("predict", "--chemprop", "/none")
    assert "chemprop==2.3.1" in capsys.readouterr().err


def test_what_a_command_uses_is_that_of_its_process(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    commands = importlib.import_module("commands")
    busy = "import time; held = bytes(50_000_000)\nwhile time.process_time() < 0.3: pass"
    usage = commands.run([sys.executable, "-c", busy])
    assert usage.wall >= 0.3 and usage.cpu >= 0.3 and usage.peak_mb > 50
    with pytest.raises(SystemExit, match="failed:\nno such thing"):
        commands.run([sys.executable, "-c", "import sys; sys.exit('no such thing')"])


def test_library(commands_run_here):
    (rows,) = tables("library")
    assert_positive(rows, "minutes", "molecules/s", "processor minutes", "largest process MB")
    assert [row["molecules"] for row in rows] == [100, 100, 300]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_gpu_is_not_missed():
    assert "no GPU" in run("gpu", "--quick")


@pytest.mark.parametrize(
    "name, columns",
    [
        ("layer", ["PyG ms", "PyG/ours", "user PyG/ours"]),
        ("epoch", ["PyG ms", "PyG/ours"]),
        ("memory", ["PyG MB"]),
    ],
)
def test_torch_geometric_takes_part(name, columns):
    pytest.importorskip("torch_geometric", reason="the extra 'benchmark' is not installed")
    assert_positive(tables(name)[0], *columns)


def test_layer_and_its_peer_compute_the_same():
    pytest.importorskip("torch_geometric", reason="the extra 'benchmark' is not installed")
    (rows,) = tables("layer")
    assert all(row["PyG error"] < 1e-5 for row in rows)


@pytest.mark.parametrize(
    "build, options",
    [
        ("GMN", {"topology_feats": 5}),
        ("MemGNN", {"edge_feats": 5, "num_layers": 2}),
    ],
)
def test_networks_and_their_peers_compute_the_same(build, options, monkeypatch):
    pytest.importorskip("torch_geometric", reason="the extra 'benchmark' is not installed")
    from torch_geometric.data import Batch

    monkeypatch.syspath_prepend(BENCHMARKS)
    import peers

    options.update(in_feats=3, hidden_feats=8, out_feats=2, num_keys=(4, 1), num_heads=5, dropout=0.1)
    ours = {"GMN": GMN, "MemGNN": MemGNN}[build](**options).eval()
    peer = getattr(peers, build)(**options).eval()
    peer.load_state_dict(peer_state(ours, peer))

    graphs = [random_graph(n) for n in (4, 1, 7)]
    for graph in graphs:
        graph.ndata.update(feat=torch.randn(len(graph.nodes()), 3), topology=torch.rand(len(graph.nodes()), 5))
        graph.edata["feat"] = torch.randn(graph.num_edges(), 5)
    batch = dgl.batch(graphs)
    second = batch.ndata["topology"] if build == "GMN" else batch.edata["feat"]
    data = Batch.from_data_list([peers.to_data(graph, torch.zeros(1)) for graph in graphs])
    torch.testing.assert_close(peer(data), ours(batch, batch.ndata["feat"], second))


PEER_NAMES = [
    (r"(readout)\.layers\.(\d+)\.activation\.0\.", r"\1.norms.\2."),
    (r"\.keys$", ".k"),
    (r"\.head_weight$", ".conv.weight"),
    (r"\.fc\.", ".lin."),
    (r"^query\.", ""),
    (r"(updates\.\d+)\.norm\.", r"\1.0."),
    (r"\.attn_l$", ".att_src"),
    (r"\.attn_r$", ".att_dst"),
    (r"\.attn_edge$", ".att_edge"),
    (r"\.fc_edge\.", ".lin_edge."),
]


def peer_state(ours, peer):
    """Our weights under the peer's names. Its memory layers have no bias, so ours becomes zero."""
    state, shapes = {}, {name: value.shape for name, value in peer.state_dict().items()}
    for name, value in ours.state_dict().items():
        for pattern, replacement in PEER_NAMES:
            name = re.sub(pattern, replacement, name)
        if name in shapes:
            state[name] = value.view(shapes[name])
        else:
            assert re.fullmatch(r"readout\.layers\.\d\.lin\.bias", name)
            value.zero_()
    return state


SMALL = {"hidden_feats": 8, "num_layers": 1, "num_keys": [2, 1], "num_heads": 1}


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    """A data folder with a few molecules in each file that the scripts of pre-training read."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("smiles", "molnet", "moleculeace"):
        (folder / name).mkdir()
    chains = ["C" * n + tail for n in range(1, 13) for tail in ("O", "N", "Cl", "=O", "c1ccccc1")]
    write = functools.partial(pd.DataFrame.to_csv, index=False)
    write(pd.DataFrame({"smiles": chains}), folder / "smiles" / "chains.csv.gz")
    files = {"delaney-processed.csv": ("smiles", "OC"), "Lipophilicity.csv": ("smiles", "OCC")}
    files.update({"bace.csv": ("mol", "NC"), "tox21.csv.gz": ("smiles", "ClC")})
    for name, (column, molecule) in files.items():
        write(pd.DataFrame({column: [molecule, "F"], "y": 1}), folder / "molnet" / name)
    table = pd.DataFrame({"smiles": chains, "y [pEC50/pKi]": [len(text) / 9 for text in chains]})
    table["split"] = ["test" if i % 3 == 0 else "train" for i in range(len(chains))]
    write(table, folder / "moleculeace" / "target.csv")
    return folder


@pytest.fixture(scope="module")
def pretrained(data_folder, tmp_path_factory):
    """The run of a pre-training by the script, and what the script printed."""
    out = tmp_path_factory.mktemp("pretraining") / "run"
    sizes = ["--hidden-feats=8", "--num-layers=1", "--num-keys=2,1", "--num-heads=1", "--epochs=1"]
    return out, run("pretraining", "--data-dir", str(data_folder), "--out", str(out), *sizes)


def test_pretraining_excludes_what_others_are_tested_on(data_folder, pretrained, monkeypatch, tmp_path):
    out, printed = pretrained
    table = pd.read_csv(data_folder / "moleculeace" / "target.csv")
    tested = set(table.loc[table["split"] == "test", "smiles"])
    excluded = len(tested | {"CO", "CCO", "CN", "CCl"})
    assert f"{60 - excluded} molecules of 60 rows; 0 no molecule, 0 duplicates, {excluded} excluded." in printed
    monkeypatch.syspath_prepend(BENCHMARKS)
    pretraining = importlib.import_module("pretraining")
    monkeypatch.setattr(pretraining.weights, "__file__", str(tmp_path / "__init__.py"))
    pretraining.ship(out, "small")
    assert (tmp_path / "small.pt").read_bytes() == (out / "weights.pt").read_bytes()
    card = (tmp_path / "small.md").read_text()
    assert "--exclude bace.csv:mol" in card and "## Where the molecules come from" in card
    monkeypatch.setattr(pretraining, "LARGEST", 10)
    with pytest.raises(SystemExit, match="bytes, and weights in the package 10 at most"):
        pretraining.ship(out, "large")


def test_objectives(data_folder, tmp_path, monkeypatch, capsys):
    """Each learns what it says, each is started from but one, and a second call trains nothing."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    objectives = importlib.import_module("objectives")
    small = {**SMALL, "epochs": 2, "featurizer": "canonical"}
    measured = {"csv": str(data_folder / "moleculeace" / "target.csv"), "tasks": ["y [pEC50/pKi]"]}
    monkeypatch.setattr(objectives, "PROTOCOL", "moleculenet")  # these chains have too few scaffolds
    pretraining_config, config = objectives.load_pretraining_config, objectives.load_config
    monkeypatch.setattr(
        objectives, "load_pretraining_config", lambda overrides: pretraining_config(None, {**overrides, **small})
    )
    monkeypatch.setattr(
        objectives, "load_config", lambda name, values: config("molecules", {**measured, **small, **values})
    )
    options = [
        "--data-dir",
        str(data_folder),
        "--molecules",
        "40",
        "--seeds",
        "2",
        "--out",
        str(tmp_path / "runs"),
    ]
    command = ["objectives.py", *options, "--results", str(tmp_path / "told")]
    with mock.patch.object(sys, "argv", command):
        objectives.main()
        told = (tmp_path / "told" / "objectives.json").read_bytes()
        monkeypatch.setattr(run_module, "_begin", None)
        objectives.main()
    assert (tmp_path / "told" / "objectives.json").read_bytes() == told
    rows = json.loads(told)["rows"]
    for name, row in rows.items():
        scores = [each["test"]["rmse"] for each in row["started"]["runs"].values()]
        assert row["started"]["summary"]["test"]["rmse"]["mean"] == pytest.approx(sum(scores) / 2)
        learned = set(row.get("held_out", {})) - {"held_out_loss", "descriptors_r2", "masked_accuracy"}
        assert learned == set(objectives.OBJECTIVES.get(name, []))
    assert len({json.dumps(row["started"]["summary"]) for row in rows.values()}) == len(rows)
    assert (tmp_path / "told" / "README.md").read_text() in capsys.readouterr().out


def test_learning_curve(data_folder, pretrained, tmp_path, monkeypatch):
    file, picture = tmp_path / "curve.json", tmp_path / "curve.png"
    ace = data_folder / "moleculeace" / "target.csv"
    values = json.dumps({**SMALL, "epochs": 2, "batch_size": 4, "featurizer": "canonical"})
    arguments = [
        "--pretrained",
        pretrained[0],
        "--datasets",
        "--moleculeace",
        ace,
        "--sizes",
        "8",
        "16",
        "--seeds",
        2,
    ]
    arguments += ["--values", values, "--pretrained-values", '{"pretrained_learning_rate": 1e-4}', "--workers", 1]
    arguments = [*map(str, [*arguments, "--out", file, "--picture", picture])]
    assert len(run("learning_curve", *arguments).splitlines()) == 8
    trials = pd.DataFrame(json.loads(file.read_text())["trials"])
    assert trials.groupby(["network", "size"]).size().tolist() == [2] * 4
    assert set(trials["tested"]) == {20} and trials["score"].nunique() == 8
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert run("learning_curve", *arguments) == ""

    monkeypatch.syspath_prepend(BENCHMARKS)
    curve = importlib.import_module("learning_curve")
    config = load_config(overrides={"csv": str(ace), "tasks": ["y [pEC50/pKi]"], "split": "random"})
    dataset = load_dataset(config)
    few, many, other = (curve.drawn_parts(config, dataset, *how) for how in ((8, 0), (16, 0), (8, 1)))
    table = pd.read_csv(ace)
    for parts in (few, many, other):
        assert [table["smiles"][i] for i in parts["test"]] == list(table["smiles"][table["split"] == "test"])
        assert not set(parts["train"]) & {*parts["test"], *parts["validation"]}
    assert set(few["train"]) < set(many["train"]) and set(few["train"]) != set(other["train"])


CHEMPROP = """#!{python}
import sys
import pandas as pd

def value(name):
    return sys.argv[sys.argv.index(name) + 1]

if sys.argv[1] == "--version":
    print("chemprop 0")
elif sys.argv[1] == "train":
    table = pd.read_csv(value("-i"))
    assert value("-t") == "regression" and value("--splits-column") == "split"
    table.to_csv(value("-o"), index=False)
else:
    known = pd.read_csv(value("--model-paths"))
    table = pd.read_csv(value("-i"))[["smiles"]]
    known.loc[known["split"] == "val", "target0"] += 3
    table["target0"] = known["target0"]
    table.to_csv(value("-o"), index=False)
"""


def test_chemprop_gets_the_same_splits(data_folder, tmp_path):
    """A stand-in for chemprop knows all targets, but for an error of 3 on the molecules that validate."""
    command = tmp_path / "chemprop"
    command.write_text(CHEMPROP.format(python=sys.executable))
    command.chmod(0o755)
    values = {"csv": str(data_folder / "moleculeace" / "target.csv"), "tasks": ["y [pEC50/pKi]"]}
    arguments = ["quickstart", "--values", json.dumps(values), "--chemprop", str(command), "--seeds", "2"]
    run("chemprop_rows", *arguments, "--out", str(tmp_path / "out"))
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["summary"]["test"]["rmse"]["mean"] == pytest.approx(0)
    assert result["summary"]["validation"]["rmse"]["mean"] == pytest.approx(3)
    assert result["chemprop"]["version"] == "chemprop 0" and set(result["runs"]) == {"seed0", "seed1"}
    configs = runs(load_config("quickstart", values), "moleculenet", 2)
    for name, config in configs.items():
        table = pd.read_csv(tmp_path / "out" / name / "molecules.csv")
        parts = split(config, load_dataset(config))
        assert [parts["test"].tolist()] == [table.index[table["split"] == "test"].tolist()]
    scores = fold_scores(result, "rmse")  # which tables pair with those of a memory network
    assert (
        paired_difference(scores, {seed: (score - 1, ratio) for seed, (score, ratio) in scores.items()}).mean == 1
    )
    write_tables(tmp_path)
    assert "| `out` |" in (tmp_path / "README.md").read_text()
    with pytest.raises(SystemExit):
        run("chemprop_rows", *arguments, "--epochs", "7", "--out", str(tmp_path / "out"))
    assert json.loads((tmp_path / "out" / "result.json").read_text()) == result


def test_an_epoch_beside_a_stand_in_for_chemprop(data_dir, tmp_path):
    """It takes turns with ours, and its epochs are the seconds that it prints, but for the first two."""
    command = tmp_path / "python"
    seconds = [9.0, 9.0, 0.5, 0.25]
    lines = [f"#!{sys.executable}", "import sys", "if sys.argv[1] == '-c':", "    print('0 torch 0')", "else:"]
    lines += ["    sys.stdin.readline()", f"    for seconds in {seconds}:", "        sys.stdin.readline()"]
    lines += ["        print(seconds, 2 * seconds, flush=True)"]
    command.write_text("\n".join(lines) + "\n")
    command.chmod(0o755)
    run(
        "epoch_chemprop",
        "--quick",
        "--data-dir",
        str(data_dir),
        "--peer-python",
        str(command),
        "--json",
        str(tmp_path),
    )
    (table,) = json.loads((tmp_path / "epoch_chemprop.json").read_text())["tables"]
    assert "902 molecules" in table["title"] and table["notes"][0].startswith("chemprop 0 torch 0")
    assert [row["chemprop ms"] for row in table["rows"]] == [375.0, 750.0]
    assert all(row["chemprop/ours"] == pytest.approx(row["chemprop ms"] / row["ours ms"]) for row in table["rows"])


@pytest.mark.slow
def test_what_keys_stand_for(tmp_path, monkeypatch):
    """Two runs are trained, tables and pictures stored, and the page says what the tables hold."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    clusters = importlib.import_module("clusters")
    small = {"epochs": 1, "hidden_feats": 8, "num_layers": 1, "num_keys": [4, 1], "num_heads": 1}
    monkeypatch.setattr(
        clusters, "load_config", lambda name, values=None: load_config(name, {**small, **(values or {})})
    )
    monkeypatch.setattr(clusters, "load_dataset", lambda config: load_dataset(config)[:150])
    monkeypatch.setattr(clusters, "FOLDER", tmp_path / "clusters")
    clusters.store("quickstart", tmp_path / "runs")
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["quickstart", "quickstart_rest"]
    folder = tmp_path / "clusters" / "FreeWilson"
    names = ["groups.csv", "information.csv", "keys.png", "molecules.png", "paper_groups.csv"]
    assert sorted(path.name for path in folder.iterdir()) == names
    told = pd.read_csv(folder / "information.csv")
    own = told.loc[told["network"] == "this run", "information"].item()
    assert told["network"].str.startswith("untrained").sum() == 1 and 0 <= own <= 1
    assert f"| {own:.3f} |" in clusters.summary([folder])
    assert any("benzene ring" in line for line in clusters.section(folder))


@pytest.mark.slow
def test_which_epoch_to_keep(tmp_path, monkeypatch):
    """Both choices are scored on molecules that are neither learned from, nor validated on, nor tested."""
    small = {"epochs": 3, "hidden_feats": 8, "num_layers": 1, "num_keys": [2, 1], "num_heads": 1}
    file = tmp_path / "one_keep.json"
    run("keep", "quickstart", "--draws", "2", "--values", json.dumps(small), "--out", str(file))
    draws = json.loads(file.read_text())["draws"]
    run("keep", "quickstart", "--draws", "2", "--values", json.dumps(small), "--out", str(file))
    assert json.loads(file.read_text())["draws"] == draws
    with pytest.raises(SystemExit, match="2"):
        run("keep", "quickstart", "--values", json.dumps({**small, "epochs": 4}), "--out", str(file))
    assert [draw["last_epoch"] for draw in draws] == [3, 3] and [draw["seed"] for draw in draws] == [0, 1]

    monkeypatch.syspath_prepend(BENCHMARKS)
    keep, report = importlib.import_module("keep"), importlib.import_module("search_report")
    config = load_config("quickstart", {**small, "split": "random", "seed": 0})
    dataset = load_dataset(config)
    seen = []

    def recorded(redraw):
        def record(*arguments):
            seen.append(redraw(*arguments))
            return seen[-1]

        return record

    monkeypatch.setattr(keep, "redraw", recorded(keep.redraw))
    for name, value in keep.compare(config, dataset).items():
        assert value == pytest.approx(draws[0][name]) if isinstance(value, float) else value == draws[0][name]
    outer, inner = seen
    parts = [
        set(inner["train"]),
        set(inner["validation"]),
        set(outer["validation"]),
        set(split(config, dataset)["test"]),
    ]
    assert sum(map(len, parts)) == len(set.union(*parts)) == len(dataset)
    assert report.keep_section(file)[-1].startswith("| mean |")


def test_training_in_two_processes(commands_run_here):
    ((row,),) = tables("processes")
    assert row["batch size"] == 32
    assert all(math.isfinite(row[column]) for column in ("one: s", "two: s", "ratio"))  # of any sign, when busy
    assert row["ratio"] == pytest.approx(row["one: s"] / row["two: s"])


@pytest.mark.slow
def test_torchrun_starts_what_is_timed(tmp_path, monkeypatch):
    skip_without_torchrun()
    monkeypatch.syspath_prepend(BENCHMARKS)
    table = "smiles,size\n" + "".join(f"{'C' * n}{tail},{n}\n" for n in range(1, 11) for tail in "ON")
    (tmp_path / "few.csv").write_text(table)
    small = ["--csv", str(tmp_path / "few.csv"), "--tasks", "size", "--split", "random"]
    small += ["--hidden-feats", "8", "--num-layers", "1", "--num-keys", "2,1"]
    assert runpy.run_path(str(BENCHMARKS / "processes.py"))["seconds"](2, 1, small, tmp_path) > 0


def test_peers_on_activities_with_cliffs(data_dir, pretrained, tmp_path, monkeypatch):
    """Errors are those of the test part, and a second call computes nothing."""
    table = pd.read_csv(data_dir / "moleculeace" / "CHEMBL2034_Ki.csv").head(60)
    file = tmp_path / "CHEMBL2034_Ki.csv"
    table.to_csv(file, index=False)
    arguments = [str(file), "--seeds", "1", "--quick", "--out", str(tmp_path / "out"), "--results", str(tmp_path)]
    arguments += ["--pretrained", str(pretrained[0])]
    monkeypatch.syspath_prepend(BENCHMARKS)
    printed = run("moleculeace", *arguments)
    result = json.loads((tmp_path / "moleculeace.json").read_text())
    rows = result["files"][file.stem]["scores"]
    networks = ["MemGNN", "MemGNN, descriptors"]
    started = [f"{name}, pre-trained" for name in networks]
    assert list(rows) == ["support vector regression", "random forest", *networks, *started]
    assert [result["networks"][name]["model"]["pretrained"] for name in networks] == ["none"] * 2
    assert rows["MemGNN, pre-trained"] != rows["MemGNN"]
    for name, scores in rows.items():
        assert f"| {name} | {scores[0]['rmse']:.3f} |" in (tmp_path / "README.md").read_text()
    metrics = json.loads((tmp_path / "out" / file.stem / "memgnn" / "seed0" / "metrics.json").read_text())
    assert rows["MemGNN"][0]["rmse"] == pytest.approx(metrics["test"]["rmse"], rel=1e-5)
    for path in (tmp_path / "out" / file.stem).glob("*/seed0/*"):
        path.unlink()
    assert run("moleculeace", *arguments) == printed
    assert not list((tmp_path / "out" / file.stem).glob("*/seed0/*"))
    more = [*arguments[: arguments.index("--pretrained")], "--seeds", "2"]
    run("moleculeace", *more)
    result = json.loads((tmp_path / "moleculeace.json").read_text())
    scores = result["files"][file.stem]["scores"]
    assert [len(scores[name]) for name in scores] == [1, 2, 2, 2] and scores["MemGNN"][:1] == rows["MemGNN"]
    more.remove("--quick")
    with pytest.raises(ValueError, match="seed0 holds a run of another configuration"):
        run("moleculeace", *more)
    test = table[table["split"] == "test"]
    constant = importlib.import_module("moleculeace").errors(
        table, test[importlib.import_module("moleculeace").TARGET] + 2
    )
    assert constant == pytest.approx({"rmse": 2.0, "cliffs": 2.0})


def test_uncertainty_of_stored_runs(tmp_path):
    tasks = {"a": {"level": 0.9, "coverage": 0.8}, "b": {"level": 0.9, "coverage": None}}
    runs = {name: {"uncertainty": {"test": tasks}} for name in ("seed0", "seed1", "seed0-member1")}
    (tmp_path / "result.json").write_text(json.dumps({"protocol": "moleculenet", "runs": runs}))
    printed = run("uncertainty", str(tmp_path), "--page", str(tmp_path / "page.md"))
    assert "| runs | coverage |" in printed and "| 2 | 0.800 ± 0.000 |" in printed
    assert (tmp_path / "page.md").read_text().endswith(printed)
