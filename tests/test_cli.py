"""The command line, from a CSV file to predictions."""

import json

import pandas as pd
import pytest
import torch

from dgl_memgnn.cli import main
from dgl_memgnn.runs import Predictor

SMALL = [
    "--epochs",
    "3",
    "--hidden-feats",
    "16",
    "--num-layers",
    "1",
    "--num-keys",
    "4,1",
    "--clustering-period",
    "2",
    "--split",
    "random",
]  # too few scaffolds for a scaffold split


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """40 molecules; the second task misses half its values, and two rows are no molecules."""
    folder = tmp_path_factory.mktemp("runs")
    chains = ["C" * n + tail for n in range(1, 11) for tail in ("O", "N", "Cl", "c1ccccc1")]
    table = pd.DataFrame(
        {
            "name": range(len(chains)),
            "structure": chains,
            "size": [float(len(c)) for c in chains],
            "half": [len(c) / 2 if i % 2 else None for i, c in enumerate(chains)],
            "aromatic": [int("c" in c) for c in chains],
        }
    )
    table.loc[[3, 7], "structure"] = ["C1CC", ""]
    table.to_csv(folder / "molecules.csv", index=False)
    return folder


def train(folder, out, tasks, *options):
    return main(
        [
            "train",
            "--csv",
            str(folder / "molecules.csv"),
            "--smiles-column",
            "structure",
            "--tasks",
            tasks,
            "--out",
            str(folder / out),
            *SMALL,
            *options,
        ]
    )


@pytest.fixture(scope="module")
def regression(folder):
    assert train(folder, "regression", "size,half") == 0
    return folder / "regression"


def test_the_run_folder(regression):
    assert {p.name for p in regression.iterdir()} == {
        "config.yaml",
        "splits.csv",
        "history.csv",
        "curves.png",
        "metrics.json",
        "predictions.csv",
        "checkpoint.pt",
        "fingerprints.npy",
    }
    metrics = json.loads((regression / "metrics.json").read_text())
    assert {"validation", "test", "seed", "versions", "wall_time_seconds", "kept_epoch"} <= set(metrics)
    assert {"rmse", "mae", "r2"} == set(metrics["test"])
    for part in ("validation", "test"):
        of_tasks = [metrics["tasks"][part][task]["rmse"] for task in ("size", "half")]
        assert sum(of_tasks) / 2 == pytest.approx(metrics[part]["rmse"])
    assert metrics["parts"] == {"train": 30, "validation": 3, "test": 5}
    assert "2 dropped" in metrics["dropped"]
    history = pd.read_csv(regression / "history.csv")
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["clustering_loss"].notna().tolist() == [False, True, False]
    of_kept = history.set_index("epoch").loc[metrics["kept_epoch"]]
    assert of_kept["rmse"] == pytest.approx(metrics["validation"]["rmse"])


def test_every_row_of_the_file_is_in_a_part_or_dropped(regression):
    splits = pd.read_csv(regression / "splits.csv")
    assert splits["id"].tolist() == list(range(2, 42))
    assert splits["part"].value_counts().to_dict() == {"train": 30, "validation": 3, "test": 5, "dropped": 2}
    assert splits.loc[splits["part"] == "dropped", "id"].tolist() == [5, 9]
    tested = splits.loc[splits["part"] == "test", "id"]
    assert set(pd.read_csv(regression / "predictions.csv")["id"]) == set(tested)


def test_held_out_predictions_give_the_stored_score(regression):
    table = pd.read_csv(regression / "predictions.csv")
    metrics = json.loads((regression / "metrics.json").read_text())
    errors = (table["prediction"] - table["target"]) ** 2
    rmse = errors.groupby(table["task"]).mean() ** 0.5
    assert rmse.mean() == pytest.approx(metrics["test"]["rmse"], rel=1e-5)


def test_predict_repeats_the_held_out_predictions(regression, folder):
    held_out = pd.read_csv(regression / "predictions.csv")
    sizes = held_out[held_out["task"] == "size"]
    sizes[["smiles"]].rename(columns={"smiles": "structure"}).to_csv(folder / "held_out.csv", index=False)
    assert (
        main(
            ["predict", str(regression), "--csv", str(folder / "held_out.csv"), "--out", str(folder / "again.csv")]
        )
        == 0
    )
    again = pd.read_csv(folder / "again.csv")
    assert again["size"].tolist() == pytest.approx(sizes["prediction"].tolist(), rel=1e-4)


def test_rows_that_are_no_molecules_stay_in_place(regression, folder, capsys):
    (folder / "new.csv").write_text("id,smiles\n1,CCO\n2,C1CC\n3,\n4,CCN\n")
    assert (
        main(
            [
                "predict",
                str(regression),
                "--csv",
                str(folder / "new.csv"),
                "--smiles-column",
                "smiles",
                "--out",
                str(folder / "new_out.csv"),
            ]
        )
        == 0
    )
    assert "2 of 4 molecules predicted" in capsys.readouterr().out
    table = pd.read_csv(folder / "new_out.csv", keep_default_na=False)
    assert table.columns.tolist() == ["id", "smiles", "size", "half", "reason"]
    assert table["smiles"].tolist() == ["CCO", "C1CC", "", "CCN"]
    assert (table["size"] == "").tolist() == (table["reason"] != "").tolist() == [False, True, True, False]
    assert "invalid SMILES" in table["reason"][1] and "empty" in table["reason"][2]


def test_what_was_loaded_and_chosen_is_said(folder, capsys):
    assert train(folder, "said", "size,aromatic", "--featurizer", "memgnn") == 0
    text = capsys.readouterr().out
    state = torch.load(folder / "said" / "checkpoint.pt", weights_only=True)["model"]
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    count = sum(value.numel() for name, value in state.items() if not name.endswith(buffers))
    for part in (
        "38 of 40 molecules kept, 2 dropped: 1 for invalid SMILES (row 5); 1 for empty SMILES (row 9).",
        "No molecule stands in several rows.",
        "Task: regression of 'size', 'aromatic', whose values are not all 0 or 1 (--tasks, --task-type). Alone, "
        "'aromatic' would be classification (binary): for that, train it in a run of its own.",
        "Features: memgnn, 32 an atom and 7 a bond (--featurizer).",
        f"MemGNN, width 16, 1 layers, memory layers of 4, 1 keys in 5 heads: {count:,} parameters (--n",
        "Split: random, 30 train, 3 validation, 5 test (--split, --split-sizes).",
    ):
        assert part in text
    metrics = json.loads((folder / "said" / "metrics.json").read_text())
    assert metrics["dropped"] in text and metrics["duplicates"] in text


def test_molecules_of_a_file_are_split_by_scaffold_by_default(tmp_path):
    rings = [
        "C1CC1",
        "C1CCC1",
        "C1CCCC1",
        "c1ccccc1",
        "c1ccncc1",
        "c1ccoc1",
        "c1ccsc1",
        "C1CCNCC1",
        "C1CCOCC1",
        "c1ccc2ccccc2c1",
    ]
    smiles = [tail + ring for ring in rings for tail in ("C", "N", "O")]
    table = pd.DataFrame({"smiles": smiles, "size": [float(len(s)) for s in smiles]})
    table.to_csv(tmp_path / "molecules.csv", index=False)
    arguments = ["train", "--csv", str(tmp_path / "molecules.csv"), "--tasks", "size", *SMALL[:-2]]
    assert main([*arguments, "--out", str(tmp_path / "run")]) == 0
    tested = pd.read_csv(tmp_path / "run" / "predictions.csv")["smiles"]
    scaffolds = [{s[1:] for s in part} for part in (tested, set(smiles) - set(tested))]
    assert scaffolds[0] and not scaffolds[0] & scaffolds[1]
    assert "split: scaffold" in (tmp_path / "run" / "config.yaml").read_text()


def test_a_task_of_one_class_is_refused_and_leaves_nothing_behind(folder, tmp_path, capsys):
    table = pd.read_csv(folder / "molecules.csv").assign(never=0)
    table.to_csv(tmp_path / "molecules.csv", index=False)
    assert train(tmp_path, "run", "aromatic,never") == 1
    assert "The target 'never' is 0 wherever it is given" in capsys.readouterr().err
    assert train(tmp_path, "run", "aromatic") == 0  # in the same folder


def test_duplicates_are_reported_by_their_lines(folder, tmp_path, capsys):
    table = pd.read_csv(folder / "molecules.csv", keep_default_na=False)
    again = table.iloc[[0]].assign(structure="OC", size=9)
    pd.concat([table, again]).to_csv(tmp_path / "molecules.csv", index=False)
    assert train(tmp_path, "run", "size,aromatic") == 0
    report = "1 molecule stands in 2 rows (rows 2, 42). 1 of them has targets that differ (rows 2, 42 in 'size')."
    assert report in capsys.readouterr().out
    assert report in json.loads((tmp_path / "run" / "metrics.json").read_text())["duplicates"]


def test_only_rows_that_are_no_molecules(regression):
    table = Predictor(regression).predict(["C1CC"])
    assert table["size"].isna().all() and "invalid" in table["reason"][0]


def test_the_stored_configuration_reruns_the_run(regression, folder):
    assert main(["train", str(regression / "config.yaml"), "--out", str(folder / "rerun")]) == 0
    first, second = (
        torch.load(run / "checkpoint.pt", weights_only=True)["model"] for run in (regression, folder / "rerun")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_columns_of_zeros_and_ones_are_classified(folder, capsys):
    assert train(folder, "binary", "aromatic") == 0
    assert (
        "Task: classification of 'aromatic', whose values are all 0 or 1 (--tasks, --task-type)."
        in capsys.readouterr().out
    )
    metrics = json.loads((folder / "binary" / "metrics.json").read_text())
    assert set(metrics["test"]) == {"roc_auc", "pr_auc"}
    predicted = Predictor(folder / "binary").predict(["CCO", "Cc1ccccc1"])
    assert predicted["aromatic"].between(0, 1).all()


@pytest.mark.parametrize("featurizer", ["canonical", "weave", "memgnn"])
def test_gmn_on_molecules_with_any_featurizer(folder, featurizer):
    run = folder / f"gmn_{featurizer}"
    assert (
        train(folder, run.name, "size", "--network", "GMN", "--featurizer", featurizer, "--embedding-width", "8")
        == 0
    )
    assert Predictor(run).predict(["CCO", "C"])["size"].notna().all()


def test_tu_data(tmp_path):
    """A collection of triangles and paths, on one of two folds."""
    source = tmp_path / "tu" / "ENZYMES"
    source.mkdir(parents=True)
    edges, indicator, labels = [], [], []
    for g in range(12):
        first = 1 + 3 * g
        pairs = [(0, 1), (1, 2)] + [(2, 0)] * (g % 2)
        edges += [f"{first + a}, {first + b}" for u, v in pairs for a, b in ((u, v), (v, u))]
        indicator += [str(g + 1)] * 3
        labels.append(str(g % 2))
    for suffix, lines in [("A", edges), ("graph_indicator", indicator), ("graph_labels", labels)]:
        (source / f"ENZYMES_{suffix}.txt").write_text("\n".join(lines) + "\n")
    run, cached = tmp_path / "run", tmp_path / "cached"
    assert (
        main(
            [
                "train",
                "enzymes_gmn",
                "--data-dir",
                str(tmp_path),
                "--epochs",
                "2",
                "--num-folds",
                "3",
                "--cache-dir",
                str(cached),
                "--out",
                str(run),
            ]
        )
        == 0
    )
    assert [file.suffix for file in cached.iterdir()] == [".npz"]
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["parts"] == {"train": 8, "validation": 4} and "test" not in metrics
    assert len(pd.read_csv(run / "predictions.csv")) == 4
    with pytest.raises(ValueError, match="not on molecules"):
        Predictor(run)


def test_errors_are_told_on_one_line(folder, regression, capsys):
    for arguments, message in [
        (["train", "nothing"], "no file nothing"),
        (["train"], "either data.dataset or data.csv"),
        (["train", "quickstart", "--out", str(folder)], "is not empty"),
        (["train", "quickstart", "--out", str(regression)], "training.epochs is 3, not 60"),
        (["benchmark", "--protocol", "scaffold"], "either data.dataset or data.csv"),
        (
            ["train", "--csv", str(folder / "molecules.csv"), "--smiles-column", "structure"],
            "Columns of numbers: 'name', 'size', 'half', 'aromatic'.",
        ),
        (
            [
                "train",
                "--csv",
                str(folder / "molecules.csv"),
                "--smiles-column",
                "structure",
                "--tasks",
                "size",
                "--out",
                str(folder / "few_scaffolds"),
            ],
            "too few scaffolds; use a random split (--split random)",
        ),
        (
            [
                "benchmark",
                "--csv",
                str(folder / "molecules.csv"),
                "--smiles-column",
                "structure",
                "--tasks",
                "size",
                "--protocol",
                "paper",
            ],
            "folds is for classes",
        ),
        (["benchmark", "enzymes_gmn", "--protocol", "scaffold"], "scaffold is for molecules, not for ENZYMES"),
        (
            ["train", "--csv", str(folder / "molecules.csv"), "--tasks", "size", "--out", str(folder / "x")],
            "no column 'smiles'",
        ),
        (["predict", str(folder / "none"), "--csv", "x.csv", "--out", "y.csv"], "holds no checkpoint.pt"),
        (
            [
                "predict",
                str(regression),
                "--csv",
                str(folder / "molecules.csv"),
                "--out",
                str(folder / "molecules.csv"),
            ],
            "would replace the file of molecules",
        ),
        (
            [
                "predict",
                str(regression),
                "--csv",
                str(folder / "molecules.csv"),
                "--out",
                str(folder / "none" / "y"),
            ],
            "no folder",
        ),
        (
            ["predict", str(regression), "--csv", str(folder / "molecules.csv"), "--out", str(folder)],
            "is a folder",
        ),
        (["predict", str(regression), "--csv", str(folder / "none.csv"), "--out", "y.csv"], "none.csv"),
    ]:
        assert main(arguments) == 1
        error = capsys.readouterr().err
        assert error.startswith("dgl-memgnn: ") and message in error and "Traceback" not in error


def test_help_lists_every_option(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["train", "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert "--clustering-period" in text and "--embedding-width" in text


@pytest.mark.parametrize(
    "options",
    [
        ["--readout", "sum"],
        ["--readout", "attention"],
        ["--readout", "set2set"],
        ["--network", "AttentiveFP"],
        ["--network", "GIN"],
    ],
)
def test_baselines_run_like_memgnn(folder, options):
    run = folder / options[1]
    assert train(folder, run.name, "size", *options) == 0
    assert pd.read_csv(run / "history.csv")["clustering_loss"].isna().all()
    assert Predictor(run).predict(["CCO", "C"])["size"].notna().all()


@pytest.mark.parametrize(
    "labels, classes",
    [
        (["active", "inactive"], ["active", "inactive"]),
        (["True", "False"], ["False", "True"]),
        (["-1", "1"], ["-1", "1"]),
        (["0", "1", "2"], ["0", "1", "2"]),
    ],
)
def test_classes(folder, tmp_path, capsys, labels, classes):
    """Labels are mapped, that is said, and each class has its probability."""
    table = pd.read_csv(folder / "molecules.csv").assign(kind=[labels[i % len(labels)] for i in range(40)])
    table.loc[39, "kind"] = ""
    table.to_csv(tmp_path / "molecules.csv", index=False)
    options = ["--task-type", "classes"] if len(labels) == 3 else []
    assert train(tmp_path, "run", "kind", *options) == 0
    said = capsys.readouterr().out
    listed = ", ".join(repr(name) if name.isalpha() else name for name in classes)
    assert f"Task: classification of 'kind' into {listed}" in said and "1 for no label (row 41)" in said
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert list(metrics["test"]) == ["accuracy", "f1", "roc_auc"]

    held_out = pd.read_csv(tmp_path / "run" / "predictions.csv", dtype={"target": str, "prediction": str})
    probabilities = held_out[[f"kind_{name}" for name in classes]]
    assert probabilities.sum(axis=1).to_numpy() == pytest.approx(1)
    named = probabilities.idxmax(axis=1).str.removeprefix("kind_")
    assert named.tolist() == held_out["prediction"].tolist()
    accuracy = (held_out["target"] == held_out["prediction"]).mean()
    assert accuracy == pytest.approx(metrics["test"]["accuracy"])
    expected = table.set_index(table.index + 2)["kind"].reindex(held_out["id"]).tolist()
    assert held_out["target"].tolist() == expected

    (tmp_path / "new.csv").write_text("structure\n" + "\n".join([*held_out["smiles"], "C1CC"]) + "\n")
    assert main(["predict", str(tmp_path / "run"), "--csv", str(tmp_path / "new.csv"),
                 "--out", str(tmp_path / "p.csv")]) == 0  # fmt: skip
    found = pd.read_csv(tmp_path / "p.csv", dtype={"kind": str}, keep_default_na=False)
    assert found.columns.tolist() == ["structure", "kind", *probabilities.columns, "reason"]
    assert found["kind"].tolist() == [*held_out["prediction"], ""]
    again = found[probabilities.columns][:-1].astype(float)
    assert (again - probabilities).abs().max().max() < 1e-5


def test_an_ensemble_of_classes(folder, tmp_path):
    """Its prediction is the mean of the probabilities."""
    table = pd.read_csv(folder / "molecules.csv").assign(kind=[["a", "b"][i % 2] for i in range(40)])
    table.to_csv(tmp_path / "molecules.csv", index=False)
    csv, small = str(tmp_path / "molecules.csv"), SMALL[:-2]
    common = ["--csv", csv, "--smiles-column", "structure", "--tasks", "kind", *small]
    assert main(["benchmark", *common, "--protocol", "moleculenet", "--repeats", "1", "--members", "2",
                 "--workers", "1", "--out", str(tmp_path / "runs")]) == 0  # fmt: skip
    result = json.loads((tmp_path / "runs" / "result.json").read_text())
    tables = [pd.read_csv(tmp_path / "runs" / name / "predictions.csv") for name in ("seed0", "seed0-member1")]
    mean = sum(table[["kind_a", "kind_b"]] for table in tables) / 2
    accuracy = (mean.idxmax(axis=1).str[-1] == tables[0]["target"]).mean()
    assert result["ensemble"]["summary"]["test"]["accuracy"]["mean"] == pytest.approx(accuracy)
    assert Predictor(tmp_path / "runs").predict(["CCO"]).columns.tolist() == [
        "kind", "kind_a", "kind_a_std", "kind_b", "kind_b_std", "reason"
    ]  # fmt: skip


def test_folds_of_classes_out_of_a_file(folder, tmp_path):
    table = pd.read_csv(folder / "molecules.csv").assign(kind=[["a", "b"][i % 2] for i in range(40)])
    table.to_csv(tmp_path / "molecules.csv", index=False)
    assert train(tmp_path, "run", "kind", *SMALL[:-2], "--split", "folds", "--num-folds", "4") == 0
    splits = pd.read_csv(tmp_path / "run" / "splits.csv")
    assert splits["part"].value_counts().to_dict() == {"train": 28, "validation": 10, "dropped": 2}
    assert train(tmp_path, "zeros", "aromatic", *SMALL[:-2], "--split", "folds", "--num-folds", "4") == 0
    parts = pd.read_csv(tmp_path / "zeros" / "splits.csv").merge(table.assign(id=range(2, 42)), on="id")
    assert parts.groupby("part")["aromatic"].sum().to_dict() == {"dropped": 2, "train": 6, "validation": 2}


def test_a_class_that_would_double_a_column_is_refused(folder, tmp_path, capsys):
    kinds = ["x", "x_std"]
    table = pd.read_csv(folder / "molecules.csv").assign(kind=[kinds[i % 2] for i in range(40)])
    table.to_csv(tmp_path / "molecules.csv", index=False)
    assert train(tmp_path, "run", "kind") == 1
    assert "would have two columns 'kind_x_std': rename a column or a class" in capsys.readouterr().err


def test_any_set_in_the_format_of_the_collection_by_its_name(tmp_path):
    """Targets are numbers here: a graph's is the number of its edges."""
    source = tmp_path / "tu" / "RINGS"
    source.mkdir(parents=True)
    edges, indicator, targets, first = [], [], [], 1
    for g in range(30):
        size = 3 + g % 7
        pairs = [(first + i, first + (i + 1) % size) for i in range(size)]
        edges += [f"{a}, {b}" for u, v in pairs for a, b in ((u, v), (v, u))]
        indicator += [g + 1] * size
        targets.append(float(size))
        first += size
    for suffix, lines in [("A", edges), ("graph_indicator", indicator), ("graph_attributes", targets)]:
        (source / f"RINGS_{suffix}.txt").write_text("".join(f"{line}\n" for line in lines))
    run = tmp_path / "run"
    assert main(["train", "--dataset", "RINGS", "--data-dir", str(tmp_path), *SMALL, "--epochs", "40",
                 "--learning-rate", "0.01", "--out", str(run)]) == 0  # fmt: skip
    held_out = pd.read_csv(run / "predictions.csv")
    assert held_out["target"].tolist() == [targets[i] for i in held_out["id"]]
    assert json.loads((run / "metrics.json").read_text())["validation"]["rmse"] < 1


@pytest.mark.parametrize(
    "options, names",
    [
        (["--tasks", "IC50, nM"], ["IC50, nM"]),
        (["--tasks", "IC50, nM", "--tasks", "size"], ["IC50, nM", "size"]),
        (["--tasks", 'size, "IC50, nM"'], ["size", "IC50, nM"]),
        (["--tasks", "size,half", "--tasks", "IC50, nM"], ["size", "half", "IC50, nM"]),
        (["--tasks", "all"], ["name", "size", "half", "aromatic", "IC50, nM"]),
    ],
)
def test_names_of_tasks_on_the_command_line(folder, tmp_path, capsys, options, names):
    table = pd.read_csv(folder / "molecules.csv")
    table["IC50, nM"] = 2.0 * table["name"]
    table.to_csv(tmp_path / "molecules.csv", index=False)
    common = ["--csv", str(tmp_path / "molecules.csv"), "--smiles-column", "structure", *SMALL]
    assert main(["train", *common, *options, "--out", str(tmp_path / "run")]) == 0
    assert Predictor(tmp_path / "run").task_names == names
    (tmp_path / "c.yaml").write_text(f"data: {{csv: {tmp_path / 'molecules.csv'}, smiles_column: structure}}\n")
    assert main(["train", str(tmp_path / "c.yaml"), *SMALL, *options, "--out", str(tmp_path / "again")]) == 0
    assert Predictor(tmp_path / "again").task_names == names


def test_a_column_called_all_is_that_column_where_the_file_is_gone_or_another(folder, tmp_path, monkeypatch):
    table = pd.read_csv(folder / "molecules.csv").rename(columns={"size": "all"})
    for name in ("here", "gone", "other"):
        (tmp_path / name).mkdir()
    table.to_csv(tmp_path / "here" / "m.csv", index=False)
    table.drop(columns="all").to_csv(tmp_path / "other" / "m.csv", index=False)
    monkeypatch.chdir(tmp_path / "here")
    run = str(tmp_path / "run")
    train_it = ["train", "--csv", "m.csv", "--smiles-column", "structure", "--tasks", "all", *SMALL, "--out", run]
    assert main(train_it) == main(train_it) == 0
    held_out = pd.read_csv(tmp_path / "run" / "predictions.csv")
    for name in ("gone", "other"):
        monkeypatch.chdir(tmp_path / name)
        held_out[["smiles"]].to_csv("y.csv", index=False)
        assert main(["predict", run, "--csv", "y.csv", "--smiles-column", "smiles", "--out", "p.csv"]) == 0
        assert pd.read_csv("p.csv")["all"].to_numpy() == pytest.approx(held_out["prediction"].to_numpy(), rel=1e-4)
        assert Predictor(run).config.data.tasks == ["all"]


def test_a_file_of_another_kind_is_read_where_it_is_plain_what_it_is(folder, tmp_path):
    table = pd.read_csv(folder / "molecules.csv")
    table.to_csv(tmp_path / "molecules.csv", index=False, sep="\t")
    assert train(tmp_path, "run", "size") == 0
    assert main(["predict", str(tmp_path / "run"), "--csv", str(tmp_path / "molecules.csv"),
                 "--out", str(tmp_path / "p.csv")]) == 0  # fmt: skip
    assert pd.read_csv(tmp_path / "p.csv").columns.tolist() == [*table.columns, "size_predicted", "reason"]


@pytest.mark.parametrize("scale, offset", [(1e-30, 0.0), (1e25, 0.0), (0.06 / 40, -1254300.0)])
def test_targets_in_any_unit(folder, tmp_path, capsys, scale, offset):
    """They train, and predictions and scores are those of the same targets in another unit."""
    results = []
    for name, unit, zero in [("plain", 1.0, 0.0), ("other", scale, offset)]:
        table = pd.read_csv(folder / "molecules.csv")
        table["y"] = zero + unit * table["size"]
        table.to_csv(tmp_path / "molecules.csv", index=False)
        assert train(tmp_path, name, "y", "--epochs", "10") == 0
        metrics = json.loads((tmp_path / name / "metrics.json").read_text())
        predicted = pd.read_csv(tmp_path / name / "predictions.csv")
        results.append(
            (metrics["test"]["r2"], metrics["test"]["rmse"] / unit, (predicted["prediction"] - zero) / unit)
        )
    assert "0.0000" not in capsys.readouterr().out
    (r2, rmse, predicted), (other_r2, other_rmse, other_predicted) = results
    assert other_r2 == pytest.approx(r2, rel=1e-2) and other_rmse == pytest.approx(rmse, rel=1e-2)
    assert other_predicted.tolist() == pytest.approx(predicted.tolist(), rel=1e-2)


def test_a_part_that_defines_no_metric_is_said_to(folder, tmp_path, capsys):
    table = pd.read_csv(folder / "molecules.csv").assign(rare=0)
    table.to_csv(tmp_path / "molecules.csv", index=False)
    assert train(tmp_path, "plain", "size") == 0
    parts = pd.read_csv(tmp_path / "plain" / "splits.csv").set_index("id")["part"]
    lines = [line for line, part in parts.items() if part == "train"][:3]
    lines.append(next(line for line, part in parts.items() if part == "validation"))
    table.loc[[line - 2 for line in lines], "rare"] = 1
    table.to_csv(tmp_path / "molecules.csv", index=False)
    capsys.readouterr()
    assert train(tmp_path, "run", "rare") == 0
    said = capsys.readouterr()
    assert "In the test part 'rare' is 0 in all 5 labels: no roc_auc, pr_auc." in said.out
    assert "test: its labels define no metric\n" in said.out and "Warning" not in said.err
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["undefined"] == ["In the test part 'rare' is 0 in all 5 labels: no roc_auc, pr_auc."]
    assert metrics["test"] == {"roc_auc": None, "pr_auc": None} and metrics["validation"]["roc_auc"] is not None


def test_long_lists_of_metrics_that_are_not_defined_are_cut(folder, tmp_path, capsys):
    table = pd.read_csv(folder / "molecules.csv")
    for i in range(9):
        table[f"rare{i}"] = [int(row == 20 + i or row % 3 == 0 and row < 25) for row in range(40)]
    table.to_csv(tmp_path / "molecules.csv", index=False)
    names = [f"rare{i}" for i in range(9)]
    assert train(tmp_path, "run", ",".join(["aromatic", *names])) == 0
    said = capsys.readouterr().out
    undefined = json.loads((tmp_path / "run" / "metrics.json").read_text())["undefined"]
    assert len(undefined) > 5 and all(sentence in said for sentence in undefined[:5])
    assert f"So it is with {len(undefined) - 5} more; metrics.json lists them (undefined)." in said


def test_a_file_to_be_scored_on_may_lack_a_target(folder, tmp_path, capsys):
    table = pd.read_csv(folder / "molecules.csv")
    table.head(30).to_csv(tmp_path / "molecules.csv", index=False)
    table.tail(10).assign(half=None).to_csv(tmp_path / "test.csv", index=False)
    assert train(tmp_path, "run", "size,half", "--test-csv", str(tmp_path / "test.csv")) == 0
    assert "In the test part 'half' has no label: no rmse, mae, r2." in capsys.readouterr().out
    assert train(tmp_path, "none", "half", "--test-csv", str(tmp_path / "test.csv")) == 1
    assert "test.csv: the target 'half' has no value in any row" in capsys.readouterr().err
    table.head(30).assign(half=None).to_csv(tmp_path / "molecules.csv", index=False)
    table.tail(10).to_csv(tmp_path / "test.csv", index=False)
    assert train(tmp_path, "none", "size,half", "--test-csv", str(tmp_path / "test.csv")) == 1
    assert "molecules.csv: the target 'half' has no value in any row" in capsys.readouterr().err


def test_predictions_are_called_what_they_are(regression, folder, tmp_path, capsys):
    for name in ("p.parquet", "p.xlsx", "p"):
        arguments = ["predict", str(regression), "--csv", str(folder / "molecules.csv"), "--out"]
        assert main([*arguments, str(tmp_path / name)]) == 1
        assert f"{name}: the name must end in .csv or .csv.gz" in capsys.readouterr().err
        assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    "kind, said",
    [
        ("regression", "seed1; their standard deviation in the"),
        ("regression-mve", "seed1; the standard deviation of"),
    ],
)
def test_what_the_spread_of_several_runs_is_is_said(kind, said, folder, tmp_path, capsys):
    table = ["--csv", str(folder / "molecules.csv"), "--smiles-column", "structure"]
    options = ["--tasks", "size", "--task-type", kind, "--protocol", "repeats", "--repeats", "2", "--workers", "1"]
    assert main(["benchmark", *table, *options, *SMALL, "--epochs", "1", "--out", str(tmp_path / "two")]) == 0
    assert main(["predict", str(tmp_path / "two"), *table, "--out", str(tmp_path / "p.csv")]) == 0
    assert said in capsys.readouterr().out
