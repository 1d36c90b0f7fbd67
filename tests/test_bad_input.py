"""Bad input on the command line: one line that says what, where and what to do; nothing is left half-written."""

import pickle

import pytest
import torch

from dgl_memgnn.cli import main
from dgl_memgnn.runs import Predictor
from dgl_memgnn.training import load_checkpoint, save_checkpoint

SMALL = ["--split", "random", "--epochs", "1", "--hidden-feats", "8", "--num-layers", "1", "--num-keys", "4,1"]
CHAINS = ["C" * n + tail for n in range(1, 11) for tail in ("O", "N")]


def table(targets, smiles=CHAINS):
    return "smiles,y\n" + "".join(f"{text},{target}\n" for text, target in zip(smiles, targets))


def train(folder, content, *options):
    (folder / "m.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return main(
        ["train", "--csv", str(folder / "m.csv"), "--tasks", "y", "--out", str(folder / "run"), *SMALL, *options]
    )


def error_of(capsys):
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("dgl-memgnn: ")
    return error


@pytest.mark.parametrize(
    "content, messages",
    [
        ("", ["m.csv is empty", "needs a header line"]),
        ("smiles;y\nC;0,5\n", ["m.csv, line 2, column 'y': '0,5' is not a number with a decimal point"]),
        ("C,0.5\nN,1\n", ["no column 'smiles'", "These are values rather than names: if so, add a header line"]),
        ("smiles,z\nC,1\n", ["m.csv has no column 'y' (task_columns, --tasks)", "its columns are 'smiles', 'z'"]),
        ("smiles,y\nC,1\nN,high\n", ["m.csv, line 3, column 'y': 'high' is not a number", "leave the cell empty"]),
        ("smiles,y\nC,1\nN,inf\n", ["m.csv, line 3, column 'y': 'inf' is infinite"]),
        ("smiles,y\nC,\nN,NA\n", ["m.csv: the target 'y' has no value in any row"]),
        (
            b"smiles,y\nC\xff,1\n",
            ["m.csv is not UTF-8 text", "line 2 holds other bytes", "Save it as CSV in UTF-8"],
        ),
        (table(range(4), ["C1CC", "", "x", "CX"]), ["No molecule remains", "1 for empty SMILES (row 3)"]),
        (table(range(4)), ["4 samples in parts of", "leave a part empty", "more samples"]),
        (table([1] * 20), ["The target 'y' is 1 wherever it is given", "Leave it out"]),
        (table("+-" * 10), ["line 2, column 'y': '+' is not a number", "--task-type classes"]),
        (table([2.5] * 20), ["The target 'y' is 2.5 wherever it is given", "Leave it out"]),
        (table([1] + [""] * 19), ["leave a part empty", "more samples"]),
        (table([0] * 19 + [1]), ["No target has both classes in the validation part", "Split otherwise"]),
    ],
)
def test_tables(content, messages, tmp_path, capsys):
    assert train(tmp_path, content) == 1
    error = error_of(capsys)
    assert all(message in error for message in messages), error
    assert not (tmp_path / "run").exists() or not list((tmp_path / "run").iterdir())


def test_a_folder_of_a_refused_run_can_be_used_again(tmp_path):
    assert train(tmp_path, "") == 1
    assert train(tmp_path, table(range(20))) == 0
    assert (tmp_path / "run" / "metrics.json").is_file()


@pytest.mark.parametrize("network", ["MemGNN", "GMN"])
def test_unusual_molecules_train(network, tmp_path, capsys):
    """Salts, atoms alone, no bond at all, 500 atoms, fewer atoms than keys; byte order mark and CRLF."""
    smiles = ["C" * 500, "[Na+].[Cl-]", "C", "[H][H]", "[NH4+].[O-]C(=O)C", "O", "CC(=O)O.NCCO", "[He]"] + CHAINS
    content = b"\xef\xbb\xbf" + table(range(len(smiles)), smiles).replace("\n", "\r\n").encode()
    assert (
        train(
            tmp_path,
            content,
            "--network",
            network,
            "--num-keys",
            "600,1",
            "--clustering-period",
            "1",
            "--embedding-width",
            "8",
        )
        == 0
    )
    assert "28 of 28 molecules kept" in capsys.readouterr().out
    assert torch.tensor(Predictor(tmp_path / "run").predict(smiles)["y"]).isfinite().all()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad_input")
    assert train(folder, table(range(20))) == 0
    return folder / "run"


class Exploit:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code in a checkpoint was run')",))


def another_version(path):
    torch.save({"format": "dgl-memgnn checkpoint 0"}, path)


def truncated(path):
    path.write_bytes(path.read_bytes()[:-1000])


def pickled(path):
    path.write_bytes(pickle.dumps(Exploit()))


def pickled_by_torch(path):
    torch.save({"format": "dgl-memgnn checkpoint 1", "model": Exploit()}, path)


def rewritten(**changes):
    def damage(path):
        content = {**load_checkpoint(path), **changes}
        del content["format"]
        save_checkpoint(path, **content)

    damage.__name__ = "_".join(changes)
    return damage


@pytest.mark.parametrize(
    "damage, message",
    [
        (another_version, "has format 'dgl-memgnn checkpoint 0'; dgl-memgnn"),
        (truncated, "is damaged or no checkpoint"),
        (pickled, "is damaged or no checkpoint"),
        (pickled_by_torch, "is damaged or no checkpoint"),
        (rewritten(model={}), "does not hold a whole network"),
        (rewritten(model=3), "does not hold a whole network"),
        (rewritten(widths={}), "does not hold a whole network"),
        (rewritten(task={"mean": torch.zeros(1)}), "does not hold a whole network"),
        (rewritten(config={"model": {"layers": 3}}), "Unknown key layers"),
        (rewritten(config=None), "does not hold a whole network"),
    ],
)
def test_checkpoints(damage, message, run, tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes((run / "checkpoint.pt").read_bytes())
    damage(path)
    arguments = ["--csv", str(run.parent / "m.csv"), "--out", str(tmp_path / "p.csv")]
    assert main(["predict", str(tmp_path), *arguments]) == 1
    assert message in error_of(capsys)
    assert [child.name for child in tmp_path.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("training: {epoch: 3}", "Unknown key training.epoch. Did you mean training.epochs?"),
        ("training: {epochs: three}", "training.epochs must be of type int, got 'three'"),
        ("training: {epochs: 3, epochs: 4}", "the key epochs is there twice"),
        ("model: {tau: -1}", "model.tau must be at least"),
        ("- 3", "must hold the sections"),
        ("{", "is not YAML"),
    ],
)
def test_configurations(text, message, tmp_path, capsys):
    (tmp_path / "c.yaml").write_text(text)
    run = tmp_path / "run"
    assert main(["train", str(tmp_path / "c.yaml"), "--dataset", "FreeWilson", "--out", str(run)]) == 1
    assert message in capsys.readouterr().err
    assert not run.exists()


def test_a_class_that_is_too_small_for_the_parts_is_called_by_its_name(tmp_path, capsys):
    words = ["first"] * 12 + ["second"] * 7 + ["rare"]
    assert train(tmp_path, table(words), "--task-type", "classes", "--split", "stratified") == 1
    assert "Class rare has 1 sample, too few for 3 parts: use fewer parts, leave the class" in error_of(capsys)


def test_a_class_that_is_too_small_for_the_folds(tmp_path, capsys):
    """Five graphs of a class cannot be in each of ten folds."""
    source = tmp_path / "tu" / "ENZYMES"
    source.mkdir(parents=True)
    for suffix, lines in [
        ("A", [f"{2 * g + 1}, {2 * g + 2}" for g in range(25)]),
        ("graph_indicator", [g + 1 for g in range(25) for _ in range(2)]),
        ("graph_labels", [int(g < 5) for g in range(25)]),
    ]:
        (source / f"ENZYMES_{suffix}.txt").write_text("".join(f"{line}\n" for line in lines))
    arguments = ["train", "enzymes_gmn", "--network", "MemGNN", "--data-dir", str(tmp_path), *SMALL, "--out"]
    assert main([*arguments, str(tmp_path / "folds"), "--split", "folds", "--num-folds", "10"]) == 1
    assert "Class 1 has 5 samples, too few for 10 folds: use fewer folds" in error_of(capsys)
    assert main([*arguments, str(tmp_path / "random"), "--split", "random"]) == 0
    (source / "ENZYMES_graph_labels.txt").write_text("7\n" * 25)
    assert main([*arguments, str(tmp_path / "single"), "--split", "random"]) == 1
    assert "The target 'class' is" in error_of(capsys)
