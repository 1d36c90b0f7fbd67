"""The examples run as a reader would run them, only shorter; and stay what they claim to be."""

import re
from pathlib import Path

import pandas as pd
import pytest
from processes import run_script
from rdkit import RDConfig

from dgl_memgnn.config import load_config
from dgl_memgnn.data import MoleculeDataset

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(script, *arguments, shorter=("", "")):
    """Run an example, with a number of epochs replaced, and return what it prints."""
    return run_script(EXAMPLES / script, *arguments, replaced=shorter)


def test_quickstart(tmp_path):
    out = run("quickstart.py", tmp_path / "run", shorter=('"epochs": 60', '"epochs": 2'))
    assert "Worst predictions" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert len(re.findall(r"test RMSE, .*: \d\.\d{3}", out)) == 2
    assert len(re.findall(r"predicted activity -?\d+\.\d\d: \S+", out)) == 3


@pytest.fixture
def few_activities(monkeypatch):
    """rdkit's set is its first 60 molecules: features of all take a while."""
    folder = Path(RDConfig.RDContribDir, "FreeWilson", "data")
    table = pd.read_csv(folder / "CHEMBL2321810.smi", sep=" ", names=["smiles", "Name"]).head(60)
    activity = table.merge(pd.read_csv(folder / "CHEMBL2321810_act.csv"), on="Name")["Act"]
    molecules = MoleculeDataset(table["smiles"].tolist(), activity, task_type="regression")
    monkeypatch.setattr("dgl_memgnn.data.FreeWilson", lambda: molecules)


OLD_READOUTS = {
    "drop_in.py": (
        "self.readout = MemoryReadout(hidden_feats, hidden_feats, num_keys=(8, 1))",
        "self.readout = dgl.nn.AvgPooling()",
    ),
    "drop_in_gin.py": (
        "self.readouts = nn.ModuleList(MemoryReadout(width, width, num_keys=(8, 1)) for width in widths)",
        "self.readouts = nn.ModuleList(SumPooling() for _ in widths)",
    ),
}


@pytest.mark.parametrize(
    "script, epochs, result",
    [
        ("drop_in.py", "range(1, 41)", "test accuracy"),
        ("drop_in_gin.py", "range(1, 31)", "test accuracy"),
        ("hierarchy.py", "range(1, 41)", "test accuracy"),
        ("drop_in_dgllife.py", "range(1, 31)", "test RMSE"),
    ],
)
def test_drop_in(script, epochs, result, few_activities):
    assert result in run(script, shorter=(epochs, "range(1, 7)"))


@pytest.mark.parametrize("script", OLD_READOUTS)
def test_drop_in_runs_with_the_old_readout(script):
    """Nothing but the readout was changed: the commented line brings the old one back."""
    new, old = OLD_READOUTS[script]
    text = (EXAMPLES / script).read_text(encoding="utf-8")
    assert text.count(f"# {old}") == text.count(new) == 1
    assert "test accuracy" in run(script, shorter=(new, old))


def test_the_schedule_in_a_foreign_loop_is_five_lines(few_activities):
    lines = (EXAMPLES / "drop_in_dgllife.py").read_text(encoding="utf-8").splitlines()
    assert sum(line.endswith("# +") for line in lines) == 5
    old = [
        line.replace("# ", "", 1).replace("  # -", "") if line.endswith("# -") else line
        for line in lines
        if not line.endswith("# +")
    ]
    text = "\n".join(old).replace("range(1, 31)", "range(1, 2)")
    assert "optimizer.step()" in text and "schedule" not in text.split('"""')[2]
    exec(compile(text, "without the schedule", "exec"), {"__name__": "__main__"})


def test_lightning(few_activities, tmp_path, monkeypatch):
    """With Lightning's checkpoints, for which it has to count the steps of the schedule."""
    pytest.importorskip("lightning")
    monkeypatch.chdir(tmp_path)
    given, asked = (f'max_epochs={n}, accelerator="cpu", logger=False' for n in (20, 6))
    out = run("with_lightning.py", shorter=(f"{given}, enable_checkpointing=False", asked))
    assert "test RMSE" in out and list(tmp_path.rglob("*.ckpt"))


@pytest.fixture(scope="module")
def few_molecules(data_dir, tmp_path_factory):
    """A data folder with 300 molecules of each set: an epoch of all takes minutes."""
    folder = tmp_path_factory.mktemp("few")
    (folder / "molnet").mkdir()
    for file in (data_dir / "molnet").iterdir():
        pd.read_csv(file).sample(300, random_state=0).to_csv(folder / "molnet" / file.name, index=False)
    return folder


@pytest.mark.parametrize("script", ["esol.py", "lipophilicity.py", "bace.py", "tox21.py"])
def test_molecules(script, few_molecules):
    assert "over 1 seeds" in run(script, "--data-dir", str(few_molecules), "--epochs", "1", "--seeds", "1")


@pytest.mark.parametrize("name", ["esol", "lipophilicity", "bace", "tox21"])
def test_the_example_is_the_configuration(name):
    """The values in sight of the reader are those of the configuration."""
    config, text = load_config(f"{name}_memgnn"), (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    data, model, training = config.data, config.model, config.training
    for value in [
        f'MoleculeNet("{data.dataset}", featurizer="{data.featurizer}"',
        f"{data.split.removeprefix('dgllife_')}_split(",
        f"hidden_feats={model.hidden_feats},",
        f"num_layers={model.num_layers},",
        f"num_keys={tuple(model.num_keys)},",
        f"num_heads={model.num_heads},",
        f"dropout={model.dropout},",
        f"edge_message={model.edge_message},",
        f'update="{model.update}",',
        f"log_scores={model.log_scores},",
        f"default={training.epochs})",
        f"batch_size={training.batch_size},",
        f'decay="{training.decay}",',
        f"weight_average={training.weight_average},",
    ]:
        assert value in text
    assert ("like_dgllife=True" in text) == (data.split == "dgllife_scaffold")
    assert ('keep="last",' in text) == (training.keep == "last")
    assert float(re.search(r"learning_rate=(\S+),", text)[1]) == training.learning_rate


@pytest.fixture(scope="module")
def small_sets(tmp_path_factory):
    """A data folder with sets under the names of the large ones: rings and paths, 24 graphs a class."""
    folder = tmp_path_factory.mktemp("small")
    for name, classes in [("DD", 2), ("COLLAB", 3), ("REDDIT-BINARY", 2)]:
        source = folder / "tu" / name
        source.mkdir(parents=True)
        edges, indicator, first = [], [], 1
        for g in range(24 * classes):
            size = 4 + g % 5
            pairs = [(first + i, first + i + 1) for i in range(size - 1)] + [(first + size - 1, first)] * (g % 2)
            edges += [f"{a}, {b}" for u, v in pairs for a, b in ((u, v), (v, u))]
            indicator += [g + 1] * size
            first += size
        files = {
            "A": edges,
            "graph_indicator": indicator,
            "graph_labels": [g % classes for g in range(24 * classes)],
        }
        if name == "DD":
            files["node_labels"] = [i % 4 for i in range(len(indicator))]
        for suffix, lines in files.items():
            (source / f"{name}_{suffix}.txt").write_text("".join(f"{line}\n" for line in lines))
    return folder


@pytest.mark.parametrize("model", ["gmn", "memgnn"])
@pytest.mark.parametrize("script", ["enzymes.py", "proteins.py"])
def test_graphs(script, model, data_dir):
    arguments = ["--model", model, "--data-dir", str(data_dir), "--epochs", "1", "--folds", "1"]
    assert "over 1 folds" in run(script, *arguments)


@pytest.mark.parametrize("model", ["gmn", "memgnn"])
@pytest.mark.parametrize("script", ["dd.py", "collab.py", "reddit_binary.py"])
def test_large_sets(script, model, small_sets):
    arguments = ["--model", model, "--data-dir", str(small_sets), "--epochs", "1", "--folds", "1"]
    assert "over 1 folds" in run(script, *arguments)


@pytest.mark.parametrize("name", ["proteins", "dd", "collab", "reddit_binary"])
@pytest.mark.parametrize("network", ["gmn", "memgnn"])
def test_the_example_of_graphs_is_the_configuration(name, network):
    config, text = load_config(f"{name}_{network}"), (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    data, model, training = config.data, config.model, config.training
    degree_features = str(data.degree_features).replace("'", '"')
    for value in [
        f'"{data.dataset}", args.data_dir',
        f"WIDTH = {data.embedding_width}\n",
        f"continue_prob={data.continue_prob})",
        f"hidden_feats={model.hidden_feats}, num_keys={tuple(model.num_keys)}, num_heads={model.num_heads}, ",
        f"dropout={model.dropout}, log_scores={model.log_scores})",
        f"num_layers={model.num_layers},\n" if network == "memgnn" else "",
        f"batch_size={training.batch_size},",
        f'decay="{training.decay}",',
        f"weight_average={training.weight_average},",
        f"degree_features={degree_features}" if data.degree_features != ["log"] else "pre_transform=walk)",
    ]:
        assert value in text, value
    assert re.search(rf'"{network}": \(.*, {training.epochs}\),', text)
    assert float(re.search(r"learning_rate=(\S+),", text)[1]) == training.learning_rate


@pytest.mark.parametrize("script", sorted(p.name for p in EXAMPLES.glob("*.py")))
def test_examples_are_short(script):
    assert len((EXAMPLES / script).read_text(encoding="utf-8").splitlines()) <= 80
