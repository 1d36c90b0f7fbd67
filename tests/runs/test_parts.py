"""Parts that the user gives: a column, files, another run's file, shares."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config
from dgl_memgnn.runs import benchmark, load_dataset, split
from dgl_memgnn.runs.parts import describe_split
from dgl_memgnn.runs.protocols import runs

TARGET = "y [pEC50/pKi]"
SMALL = {
    "epochs": 2,
    "hidden_feats": 8,
    "num_layers": 1,
    "num_keys": [2, 1],
    "num_heads": 1,
    "clustering_period": 0,
}
SMALL_OPTIONS = [
    word
    for name, value in SMALL.items()
    for word in (
        "--" + name.replace("_", "-"),
        ",".join(map(str, value)) if isinstance(value, list) else str(value),
    )
]


@pytest.fixture(scope="module")
def table(data_dir):
    """60 molecules of a file of ChEMBL activities with a column that says train or test."""
    return pd.read_csv(data_dir / "moleculeace" / "CHEMBL2034_Ki.csv").head(60)


@pytest.fixture
def csv(table, tmp_path):
    path = tmp_path / "activities.csv"
    table.to_csv(path, index=False)
    return path


def parts_of(csv, **values):
    config = load_config(overrides={"csv": str(csv), "tasks": [TARGET], **values})
    dataset = load_dataset(config)
    parts = split(config, dataset)
    return config, dataset, parts, " ".join(describe_split(config, dataset, parts))


def rows(dataset, indices):
    return [dataset.rows[i] for i in indices]


def test_a_column_says_train_and_test(table, csv):
    _, dataset, parts, said = parts_of(csv, splits_column="split")
    lines = np.arange(2, 62)
    assert rows(dataset, parts["test"]) == lines[table["split"] == "test"].tolist()
    trained = rows(dataset, parts["train"]) + rows(dataset, parts["validation"])
    assert sorted(trained) == lines[table["split"] == "train"].tolist()
    count = (table["split"] == "train").sum()
    assert len(parts["validation"]) == count - int(0.9 * count)
    assert f"{len(parts['validation'])} of {count} training rows are drawn for it by split random" in said
    assert "column 'split'" in said and "--splits-column" in said


def test_a_column_that_says_all_three_in_any_case(table, tmp_path):
    words = ["Train", "TRAINING", "val", "Validation", "test", " Testing "] * 10
    table.assign(split=words).to_csv(tmp_path / "m.csv", index=False)
    _, _, parts, said = parts_of(tmp_path / "m.csv", splits_column="split")
    assert {part: (indices % 6).tolist() for part, indices in parts.items()} == {
        "train": [0, 1] * 10,
        "validation": [2, 3] * 10,
        "test": [4, 5] * 10,
    }
    assert "drawn" not in said and "heeded" not in said
    *_, said = parts_of(tmp_path / "m.csv", splits_column="split", split="stratified", split_seed=3)
    assert "so that nothing is drawn: --split, --split-seed not heeded." in said
    *_, said = parts_of(tmp_path / "m.csv", splits_column="split", split_seed=3, validation_seed=1)
    assert "heeded" not in said


def test_files_of_their_own_are_the_column_in_three_files(table, csv, tmp_path):
    three = table.assign(split=np.resize(["train", "train", "val", "test"], len(table)))
    three.to_csv(csv, index=False)
    _, whole, expected, _ = parts_of(csv, splits_column="split")
    paths = {}
    for word, own in three.groupby("split"):
        paths[word] = tmp_path / f"{word}.csv"
        own.drop(columns="split").to_csv(paths[word], index=False)
    _, joined, parts, said = parts_of(
        paths["train"], validation_csv=str(paths["val"]), test_csv=str(paths["test"])
    )
    assert {part: [joined.smiles[i] for i in own] for part, own in parts.items()} == {
        part: [whole.smiles[i] for i in own] for part, own in expected.items()
    }
    assert rows(joined, parts["test"][:2]) == ["test.csv:2", "test.csv:3"]
    assert "files of their own" in said


def test_a_molecule_in_two_parts_is_named(table, tmp_path):
    pd.concat([table[:20], table[:1]]).assign(split=["train"] * 20 + ["test"]).to_csv(
        tmp_path / "m.csv", index=False
    )
    *_, said = parts_of(tmp_path / "m.csv", splits_column="split")
    assert "1 molecule stands in more than one part (rows 2, 22)" in said


@pytest.mark.parametrize(
    "values, expected",
    [
        ({"split": "random", "split_sizes": [0.5, 0.25, 0.25]}, {"train": 30, "validation": 15, "test": 15}),
        ({"split": "random", "split_sizes": [0.9, 0.1, 0.0]}, {"train": 54, "validation": 6}),
        ({"split": "scaffold", "split_sizes": [0.6, 0.0, 0.4]}, {"train": 36, "test": 24}),
        ({"split": "scaffold", "split_sizes": [1.0, 0.0, 0.0]}, {"train": 60}),
    ],
)
def test_sizes(csv, values, expected):
    _, dataset, parts, said = parts_of(csv, **values)
    sizes = {part: len(indices) for part, indices in parts.items()}
    assert set(sizes) == set(expected) and sum(sizes.values()) == 60
    assert all(abs(sizes[part] - size) <= 6 for part, size in expected.items())  # scaffolds stay together
    assert sorted(np.concatenate([*parts.values()]).tolist()) == list(range(60))
    assert ("the last of 100 is kept" in said) == ("validation" not in expected)


def test_stratified_parts_have_the_proportions_of_the_whole(table, tmp_path):
    table.assign(high=np.resize([1, 0, 0, 0, 0], 60)).to_csv(tmp_path / "m.csv", index=False)
    _, dataset, parts, _ = parts_of(
        tmp_path / "m.csv", tasks=["high"], split="stratified", split_sizes=[0.5, 0.25, 0.25]
    )
    counts = {part: dataset.labels[own].sum().item() for part, own in parts.items()}
    assert counts == {"train": 6, "validation": 3, "test": 3}
    with pytest.raises(ValueError, match="stratified is for classes of one label, not for regression of 'y"):
        parts_of(tmp_path / "m.csv", split="stratified")


def test_repeats_keep_the_test_part_and_draw_the_rest(csv):
    base = load_config(overrides={"csv": str(csv), "tasks": [TARGET], "splits_column": "split"})
    dataset = load_dataset(base)
    drawn = [split(config, dataset) for config in runs(base, "repeats").values()]
    first = split(base, dataset)
    assert len(drawn) == 3
    assert all(np.array_equal(parts["test"], first["test"]) for parts in drawn)
    assert all(len(parts["validation"]) == len(first["validation"]) for parts in drawn)
    assert len({tuple(parts["validation"]) for parts in drawn}) == 3
    pool = sorted([*first["train"], *first["validation"]])
    assert all(sorted([*parts["train"], *parts["validation"]]) == pool for parts in drawn)


def test_validation_drawn_anew_by_scaffold_has_the_size_of_the_splits_own(csv):
    base, dataset, first, _ = parts_of(csv, split="scaffold", split_sizes=[0.6, 0.2, 0.2])
    scaffolds = np.array([MurckoScaffoldSmiles(text) for text in dataset.smiles])
    drawn = set()
    for seed in range(8):
        parts = split(replace(base, data=replace(base.data, validation_seed=seed)), dataset)
        assert np.array_equal(parts["test"], first["test"])
        assert len(parts["validation"]) == len(first["validation"])
        assert not set(scaffolds[parts["train"]]) & set(scaffolds[parts["validation"]])
        drawn.add(tuple(parts["validation"]))
    assert len(drawn) > 1


@pytest.mark.parametrize(
    "change, values, message",
    [
        ({"split": "holdout"}, {"splits_column": "split"}, r"line 2, column 'split': 'holdout' is no part"),
        ({"split": None}, {"splits_column": "split"}, r"line 2, column 'split': '' is no part: .* 59 more rows"),
        ({"split": "test"}, {"splits_column": "split"}, "No row of the column 'split' says train"),
        ({}, {"splits_column": "part"}, r"no column 'part' \(splits_column, --splits-column\)"),
        ({}, {"splits_column": TARGET}, "data.splits_column must not be 'y "),
        ({}, {"splits_column": "split", "test_csv": "t.csv"}, "data.splits_column and data.test_csv both say"),
        ({}, {"splits_column": "split", "split": "folds"}, "draws parts of its own: leave out data.splits_column"),
        ({}, {"split_sizes": [0.8, 0.1]}, "data.split_sizes must be three shares that sum to 1"),
        ({}, {"split_sizes": [0.0, 0.5, 0.5]}, "the first not 0"),
        ({}, {"split_sizes": [0.8, 0.3, -0.1]}, "data.split_sizes must be at least 0"),
        ({}, {"splits_file": "no.csv"}, r"There is no file no.csv \(splits_file, --splits-file\)"),
        ({}, {"validation_seed": 1, "split": "random", "split_sizes": [0.9, 0.0, 0.1]}, "and the split has none"),
    ],
)
def test_bad_parts(change, values, message, table, csv):
    table.assign(**change).to_csv(csv, index=False)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        parts_of(csv, **values)


def test_a_splits_file_of_other_data_is_refused(csv, tmp_path):
    splits = tmp_path / "splits.csv"
    splits.write_text("id,part\n" + "".join(f"{i},train\n" for i in range(2, 63)))
    with pytest.raises(ValueError, match="Row 62 is in .*splits.csv, but not in the data"):
        parts_of(csv, splits_file=str(splits))
    splits.write_text("id,part\n2,train\n3,held\n")
    with pytest.raises(ValueError, match="line 3: 'held' is no part"):
        parts_of(csv, splits_file=str(splits))


def test_a_splits_file_of_other_molecules_in_the_same_rows_is_refused(table, csv, tmp_path):
    """A file of as many rows in another order would put what was trained on into the test part."""
    assert (
        main(["train", "--csv", str(csv), "--tasks", TARGET, *SMALL_OPTIONS, "--out", str(tmp_path / "run")]) == 0
    )
    splits = tmp_path / "run" / "splits.csv"
    _, dataset, parts, _ = parts_of(csv, splits_file=str(splits))
    again = pd.read_csv(splits).set_index("id")["part"]
    assert all((again[rows(dataset, indices)] == part).all() for part, indices in parts.items())
    table.iloc[::-1].to_csv(csv, index=False)
    with pytest.raises(
        ValueError,
        match="is '.*' in the data, and '.*' in the predictions beside .*splits.csv: that is of other data",
    ):
        parts_of(csv, splits_file=str(splits))


def test_one_file_twice_is_refused_however_it_is_called(csv):
    other = csv.parent / "." / ".." / csv.parent.name / csv.name
    with pytest.raises(ValueError, match="must be different files"):
        parts_of(csv, validation_csv=str(other))


def test_rows_that_the_other_run_dropped_are_in_no_part(csv, tmp_path):
    splits = tmp_path / "splits.csv"
    words = ["dropped"] * 3 + ["train"] * 40 + ["test"] * 17
    splits.write_text("id,part\n" + "".join(f"{i},{part}\n" for i, part in enumerate(words, start=2)))
    _, _, parts, said = parts_of(csv, splits_file=str(splits))
    assert sorted(np.concatenate([*parts.values()]).tolist()) == list(range(3, 60))
    assert "3 kept here were dropped there, and are in no part" in said


def test_protocols_that_split_by_themselves_refuse_own_parts(csv):
    config = load_config(overrides={"csv": str(csv), "tasks": [TARGET], "splits_column": "split"})
    with pytest.raises(ValueError, match="leave out data.splits_column, or take protocol repeats"):
        runs(config, "scaffold")


def test_a_run_on_everything_and_one_on_the_parts_of_another(csv, tmp_path, capfd):
    start = ["train", "--csv", str(csv), "--tasks", TARGET, *SMALL_OPTIONS]
    assert main([*start, "--split-sizes", "1.0,0,0", "--split", "random", "--out", str(tmp_path / "all")]) == 0
    assert "the network of the last of 2 is kept" in capfd.readouterr().out
    metrics = json.loads((tmp_path / "all" / "metrics.json").read_text())
    assert metrics["parts"] == {"train": 60} and metrics["kept_epoch"] == 2
    assert not {"validation", "test"} & set(metrics) and not (tmp_path / "all" / "predictions.csv").exists()
    assert main(["predict", str(tmp_path / "all"), "--csv", str(csv), "--out", str(tmp_path / "p.csv")]) == 0
    assert pd.read_csv(tmp_path / "p.csv")[f"{TARGET}_predicted"].notna().all()

    assert main([*start, "--splits-column", "split", "--out", str(tmp_path / "first")]) == 0
    splits = tmp_path / "first" / "splits.csv"
    assert main([*start, "--splits-file", str(splits), "--out", str(tmp_path / "second")]) == 0
    for name in ("splits.csv", "history.csv", "predictions.csv"):
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "first" / name).read_bytes()


def test_a_finished_run_notices_that_its_parts_have_changed(table, csv, tmp_path, capsys):
    start = ["train", "--csv", str(csv), "--tasks", TARGET, *SMALL_OPTIONS, "--out", str(tmp_path / "run")]
    assert main([*start, "--splits-column", "split"]) == 0
    table.assign(split=["train"] * 30 + ["test"] * 30).to_csv(csv, index=False)
    assert main([*start, "--splits-column", "split"]) == 1
    assert "its data have changed since" in capsys.readouterr().err


def test_a_benchmark_of_files_of_their_own(table, tmp_path):
    for part, own in (("train", table[:45]), ("test", table[45:])):
        own.to_csv(tmp_path / f"{part}.csv", index=False)
    config = load_config(
        overrides={
            "csv": str(tmp_path / "train.csv"),
            "test_csv": str(tmp_path / "test.csv"),
            "tasks": [TARGET],
            **SMALL,
        }
    )
    result = benchmark(config, "repeats", tmp_path / "runs", repeats=2, workers=1)
    assert set(result["runs"]) == {"seed0", "seed1"}
    tested = [pd.read_csv(tmp_path / "runs" / name / "predictions.csv")["id"].tolist() for name in result["runs"]]
    assert tested[0] == tested[1] == [f"test.csv:{line}" for line in range(2, 17)]
    splits = [(tmp_path / "runs" / name / "splits.csv").read_text() for name in result["runs"]]
    assert splits[0] != splits[1] and splits[0].startswith("id,part\ntest.csv:2,test\n")
