"""The commands clusters, curves and report, and what they refuse."""

import json
import shutil

import pandas as pd
import pytest

from dgl_memgnn.checkpoint import load_checkpoint, save_checkpoint
from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config
from dgl_memgnn.runs import train_run
from dgl_memgnn.visualization import RunClusters, cluster_folder, draw_molecules, report_html
from dgl_memgnn.visualization.curves import run_histories


def test_clusters_of_a_file(runs, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--csv", str(runs.csv), "--pictures", "3", "--reference", str(runs.rest)]
    assert main(["clusters", str(runs.regression), *options, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "47 of 48 molecules" in printed and "line 7: invalid SMILES" in printed
    assert "The first 3 of 47 are drawn" in printed and "shuffled" in printed and "(rest)" in printed
    names = [f"{stem}{suffix}" for stem in ("line_2", "line_3", "line_4", "grid") for suffix in ("", "_layer2")]
    pictures = {f"{name}.{kind}" for name in [*names, "keys"] for kind in ("svg", "png")}
    tables = {"groups.csv", "groups.md", "information.csv", "usage.csv"}
    assert {path.name for path in out.iterdir()} == pictures | tables
    expected = draw_molecules([RunClusters(runs.regression).molecule("CO", "line 2")])
    assert (out / "line_2.svg").read_text(encoding="utf-8") == expected
    information = pd.read_csv(out / "information.csv")
    assert information["network"].tolist() == ["this run", "untrained, 5 seeds", "rest"] * 2
    groups = pd.read_csv(out / "groups.csv")
    assert set(groups["layer"]) == {1, 2} and {"trichloromethyl CCl3", "benzene ring"} <= set(groups["group"])
    assert pd.read_csv(out / "usage.csv")["nodes"].sum() % 3 == 0  # all atoms, in each of three layers
    assert "| benzene ring |" in (out / "groups.md").read_text(encoding="utf-8")


def test_clusters_of_molecules(runs, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["clusters", str(runs.binary), "--smiles", "CCO", "--smiles", "OCC", "--soft", "--out", str(out)]
    assert main(command) == 0
    assert {path.stem for path in out.iterdir()} == {"CCO", "OCC", "grid", "usage"}
    assert main(command) == 1 and "is not empty" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0


def test_overwriting_leaves_nothing_of_an_earlier_call_and_all_else(runs, graph_run, tmp_path):
    out, other = tmp_path / "out", tmp_path / "other"
    calls = [
        [str(runs.regression), "--csv", str(runs.csv), "--pictures", "1"],
        [str(graph_run), "--pictures", "1"],
        [str(runs.binary), "--smiles", "CCO"],
    ]
    own = {"notes.md": "mine", "picture.svg": "<svg><title>Mine</title></svg>", "picture.png": ""}
    out.mkdir()
    for name, text in own.items():
        (out / name).write_text(text)
    for i, call in enumerate(calls):
        assert main(["clusters", *call, "--out", str(out), "--overwrite"]) == 0
        assert main(["clusters", *call, "--out", str(other / str(i))]) == 0
        made = {path.name: path.read_bytes() for path in (other / str(i)).iterdir()}
        made.update({name: text.encode() for name, text in own.items()})
        assert {path.name: path.read_bytes() for path in out.iterdir()} == made


@pytest.mark.parametrize(
    "failing", [["--smiles", "C1CC"], ["--csv", "EMPTY"], ["--csv", "M", "--reference", "GRAPHS"]]
)
def test_what_is_refused_leaves_the_folder_as_it_was(runs, graph_run, tmp_path, failing):
    (tmp_path / "empty.csv").write_text("smiles\n")
    places = {"EMPTY": str(tmp_path / "empty.csv"), "M": str(runs.csv), "GRAPHS": str(graph_run)}
    failing = [places.get(each, each) for each in failing]
    out = tmp_path / "out"
    assert main(["clusters", str(runs.binary), *failing, "--out", str(out)]) == 1
    assert not out.exists()
    assert main(["clusters", str(runs.binary), "--smiles", "CCO", "--out", str(out)]) == 0
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert main(["clusters", str(runs.binary), *failing, "--out", str(out), "--overwrite"]) == 1
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_references_are_compared_before_anything_is_computed(runs, graph_run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(RunClusters, "shares", None)
    options = ["--csv", str(runs.csv), "--reference", str(graph_run), "--out", str(tmp_path / "out")]
    assert main(["clusters", str(runs.binary), *options]) == 1
    assert "run takes other features of nodes and edges than this run" in capsys.readouterr().err


def test_clusters_that_cannot_be_drawn_leave_the_folder_as_it_was(runs, tmp_path, monkeypatch):
    def fail(*args):
        raise ValueError("no keys")

    monkeypatch.setattr(cluster_folder, "draw_keys", fail)
    command = [
        "clusters",
        str(runs.binary),
        "--csv",
        str(runs.csv),
        "--pictures",
        "1",
        "--out",
        str(tmp_path / "out"),
    ]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "usage.csv").write_text("earlier")
    assert main([*command, "--overwrite"]) == 1
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["earlier"]


def test_a_last_layer_of_several_keys_is_drawn_and_told(runs, tmp_path, capsys):
    """The rows of the last layer are read side by side: no layer of one key reads out the graph."""
    small = {"hidden_feats": 8, "num_layers": 1, "num_keys": [4, 1], "epochs": 1, "split": "random"}
    config = load_config(overrides={**small, "csv": str(runs.csv), "tasks": ["length"], "readout": "rows"})
    train_run(config, tmp_path / "rows", progress=False, report=False)
    for run, has_one_key in [(runs.binary, True), (tmp_path / "rows", False)]:
        capsys.readouterr()
        out = tmp_path / "out" / run.name
        assert main(["clusters", str(run), "--smiles", "CCO", "--out", str(out)]) == 0
        assert (out / "CCO.svg").is_file()
        assert ("has one key" in capsys.readouterr().out) == has_one_key
        assert ("has one key" in report_html(run)) == has_one_key


def test_clusters_of_the_data_of_the_training(runs, graph_run, tmp_path, capsys):
    assert main(["clusters", str(runs.classes), "--pictures", "1", "--out", str(tmp_path / "molecules")]) == 0
    assert "47 molecules of the run's data set" in capsys.readouterr().out
    assert main(["clusters", str(graph_run), "--pictures", "2", "--out", str(tmp_path / "graphs")]) == 0
    assert "40 graphs of the run's data set" in capsys.readouterr().out
    names = {path.name for path in (tmp_path / "graphs").iterdir()}
    assert {"graph_0.svg", "graph_0_layer2.png", "grid.png", "keys.svg", "usage.csv"} <= names
    assert not any("groups" in name for name in names)


def test_other_data_where_those_of_the_training_lay_are_refused(tmp_path, monkeypatch, capsys):
    """The path in the configuration is relative: elsewhere it may lead to another file, or to none."""
    for place in ("here", "there", "nowhere"):
        (tmp_path / place).mkdir()
    rows = [f"{'C' * n}O,{n}\n" for n in range(1, 21)]
    (tmp_path / "here" / "m.csv").write_text("smiles,y\n" + "".join(rows))
    (tmp_path / "there" / "m.csv").write_text("smiles,y\n" + "".join(rows[:-1]) + "CCN,20\n")
    monkeypatch.chdir(tmp_path / "here")
    small = {"hidden_feats": 8, "num_layers": 1, "num_keys": [2, 1], "epochs": 1, "split": "random"}
    config = load_config(overrides={**small, "csv": "m.csv", "tasks": ["y"]})
    train_run(config, tmp_path / "run", progress=False, report=False)
    command = ["clusters", str(tmp_path / "run"), "--pictures", "1"]
    assert main([*command, "--out", str(tmp_path / "whole")]) == 0
    for place, message in [("there", "have changed since the training"), ("nowhere", "are not here")]:
        monkeypatch.chdir(tmp_path / place)
        capsys.readouterr()
        assert main([*command, "--out", str(tmp_path / "out")]) == 1
        error = capsys.readouterr().err
        assert f"The data of {tmp_path / 'run'} {message}" in error and "give molecules with --csv" in error
    assert not (tmp_path / "out").exists()
    assert main([*command, "--csv", str(tmp_path / "here" / "m.csv"), "--out", str(tmp_path / "out")]) == 0


def test_graphs_that_lie_elsewhere_by_now_are_found_where_the_variable_says(
    graph_run, tmp_path, monkeypatch, capsys
):
    """By clusters and the report, whose pictures are those of before."""
    (tmp_path / "there").mkdir()
    where, run = tmp_path / "there" / "tu", tmp_path / "run"
    shutil.copytree(graph_run, run)
    content = load_checkpoint(run / "checkpoint.pt")
    content["config"]["data"]["data_dir"] = str(tmp_path / "gone")
    save_checkpoint(run / "checkpoint.pt", **content)
    shutil.copytree(graph_run.parent / "tu", where)
    monkeypatch.setenv("DGL_MEMGNN_DATA", str(tmp_path / "there"))
    assert main(["clusters", str(run), "--out", str(tmp_path / "out")]) == 0
    page = report_html(run)
    assert "Graphs are not drawn" not in page and page.count("<svg") == report_html(graph_run).count("<svg")


def test_graphs_that_have_changed_are_to_be_restored(graph_run, tmp_path, capsys):
    labels = graph_run.parent / "tu" / "TINY" / "TINY_graph_labels.txt"
    text = labels.read_text()
    try:
        labels.write_text(text.replace("0\n1", "1\n0", 1))
        assert main(["clusters", str(graph_run), "--out", str(tmp_path / "out")]) == 1
    finally:
        labels.write_text(text)
    assert f"The data of {graph_run} have changed since the training: restore them." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("run", "options", "message"),
    [
        ("sum", [], "has no memory layers (network MemGNN, readout sum)"),
        ("forest", [], "has no memory layers (network RandomForest)"),
        ("regression", ["--smiles", "C1CC"], "'C1CC' is no molecule: invalid SMILES"),
        ("regression", ["--csv", "no.csv"], "no.csv"),
        ("regression", ["--csv", "MOLECULES", "--smiles-column", "x"], "x"),
        ("regression", ["--pictures", "0"], "--pictures must be at least 1"),
        ("regression", ["--smiles", "C", "--smiles-column", "x"], "--smiles-column is for --csv: leave it out"),
        ("regression", ["--smiles", "C", "--reference", "REST"], "--reference compares sets"),
        ("none", [], "holds no checkpoint.pt"),
        (".", [], "holds 7 runs: give one of them"),
    ],
)
def test_bad_input_of_clusters(runs, tmp_path, capsys, run, options, message):
    places = {"MOLECULES": str(runs.csv), "REST": str(runs.rest)}
    options = [places.get(each, each) for each in options]
    assert main(["clusters", str(runs.folder / run), *options, "--out", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err


def test_folders_that_cannot_be_written(runs, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    for out, message in [("file", "is a file: give a folder"), ("file/deeper", "cannot be written to")]:
        assert main(["clusters", str(runs.binary), "--smiles", "C", "--out", str(tmp_path / out)]) == 1
        assert message in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_table_of_clusters_does_not_replace_the_molecules(runs, tmp_path, capsys):
    for name in ("groups.csv", "usage.csv", "information.csv"):
        molecules = tmp_path / name
        molecules.write_text("smiles\nCCO\n")
        arguments = ["--csv", str(molecules), "--out", str(tmp_path / "." / ".." / tmp_path.name), "--overwrite"]
        assert main(["clusters", str(runs.regression), *arguments]) == 1
        assert f"{name} would be replaced by the table of that name" in capsys.readouterr().err
        assert molecules.read_text() == "smiles\nCCO\n"


def test_curves(runs, tmp_path, capsys):
    out = str(tmp_path / "curves.svg")
    assert main(["curves", str(runs.regression), str(runs.rest), "--out", out]) == 0
    assert "<svg" in (tmp_path / "curves.svg").read_text()
    assert main(["curves", str(runs.regression), "--out", out]) == 1
    assert "is there already" in capsys.readouterr().err
    assert main(["curves", str(runs.regression), "--out", out, "--overwrite"]) == 0
    for arguments, message in [
        (
            [str(runs.regression), str(runs.binary)],
            "different metrics are not comparable: regression by rmse, binary",
        ),
        ([str(runs.forest)], "holds no history.csv"),
    ]:
        assert main(["curves", *arguments, "--out", str(tmp_path / "other.png")]) == 1
        assert message in capsys.readouterr().err
    for out, message in [("c.txt", "must end in .png"), ("none/c.png", "There is no folder")]:
        assert main(["curves", str(runs.regression), "--out", str(tmp_path / out)]) == 1
        assert message in capsys.readouterr().err


def test_histories_have_names_that_tell_them_apart(tmp_path):
    for name in ("a/seed0", "a/seed1", "b/seed0", "alone"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "history.csv").write_text("epoch\n")
    assert list(run_histories([tmp_path / "a", tmp_path / "alone"])) == ["seed0", "seed1", "alone"]
    assert list(run_histories([tmp_path / "a", tmp_path / "b"])) == ["a/seed0", "a/seed1", "b/seed0"]
    assert len(run_histories([tmp_path / "a", tmp_path / "a" / "seed0"])) == 2


def test_report(runs, tmp_path, capsys):
    assert main(["report", str(runs.binary), "--out", str(tmp_path / "page.html")]) == 0
    assert "Wrote" in capsys.readouterr().out
    score = json.loads((runs.binary / "metrics.json").read_text())["test"]["roc_auc"]
    assert format(score, ".4g") in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert main(["report", str(runs.binary), "--out", str(tmp_path / "page.html")]) == 1
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "clusters"])
def test_damaged_metrics_are_named(runs, command, tmp_path, capsys):
    shutil.copytree(runs.binary, tmp_path / "run")
    (tmp_path / "run" / "metrics.json").write_text("")
    assert main([command, str(tmp_path / "run"), "--out", str(tmp_path / "out.html")]) == 1
    assert f"{tmp_path / 'run' / 'metrics.json'} is damaged" in capsys.readouterr().err
