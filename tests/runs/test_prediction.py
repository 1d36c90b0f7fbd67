"""Predictions of a file, piece by piece, and of several runs."""

import csv
import gzip
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from dgl_memgnn.cli import main
from dgl_memgnn.data import descriptor_names
from dgl_memgnn.runs import Predictor

SMALL = ["--hidden-feats", "8", "--num-layers", "1", "--num-keys", "2,1", "--epochs", "2", "--split", "random"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three runs of two tasks on 30 molecules, and seven new molecules of which two are none."""
    folder = tmp_path_factory.mktemp("ensemble")
    smiles = ["C" * n + tail for n in range(1, 11) for tail in ("O", "N", "c1ccccc1")]
    table = pd.DataFrame(
        {"smiles": smiles, "size": [float(len(s)) for s in smiles], "aromatic": [int("c" in s) for s in smiles]}
    )
    table.to_csv(folder / "molecules.csv", index=False)
    for seed in range(3):
        assert (
            main(
                [
                    "train",
                    "--csv",
                    str(folder / "molecules.csv"),
                    "--tasks",
                    "size, aromatic",
                    "--seed",
                    str(seed),
                    "--out",
                    str(folder / "runs" / f"seed{seed}"),
                    *SMALL,
                ]
            )
            == 0
        )
    (folder / "new.csv").write_text("id,smiles\n1,CCO\n2,C1CC\n3,CCN\n4,\n5,OCC\n6,CCCc1ccccc1\n7,C\n")
    return folder


def test_molecules_keep_their_order_whatever_the_index_of_their_series(folder):
    smiles = ["CCO", "C1CC", "CCCc1ccccc1"]
    predictor = Predictor(folder / "runs" / "seed0")
    expected, embedded = predictor.predict(smiles, similarity=True), predictor.embed(smiles)
    for index in ([2, 0, 1], [7, 8, 9]):
        series = pd.Series(smiles, index=index)
        pd.testing.assert_frame_equal(predictor.predict(series, similarity=True), expected)
        np.testing.assert_array_equal(predictor.embed(series)[0], embedded[0])


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 7])
def test_pieces_give_what_the_whole_gives(folder, tmp_path, chunk_size):
    predictor = Predictor(folder / "runs" / "seed0")
    expected = predictor.predict(["CCO", "C1CC", "CCN", "", "OCC", "CCCc1ccccc1", "C"])
    counts = predictor.predict_csv(folder / "new.csv", tmp_path / "out.csv", None, chunk_size, progress=False)
    assert counts == (7, 2, [(3, "invalid SMILES: syntax error in 'C1CC'"), (5, "empty SMILES")], {})
    found = pd.read_csv(tmp_path / "out.csv", keep_default_na=False, na_values={"size": "", "aromatic": ""})
    assert found.columns.tolist() == ["id", "smiles", "size", "aromatic", "reason"]
    assert found[["id", "smiles"]].equals(pd.read_csv(folder / "new.csv", keep_default_na=False))
    assert found["reason"].tolist() == expected["reason"].tolist()
    assert np.allclose(found[["size", "aromatic"]], expected[["size", "aromatic"]], rtol=1e-4, equal_nan=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.fixture(scope="module")
def library(folder):
    """A file of 47 rows."""
    rows = [f"{i},{'C' * (1 + i % 9)}{'ONx'[i % 3]}" for i in range(47)]
    (folder / "library.csv").write_text("id,smiles\n" + "\n".join(rows) + "\n")
    return folder / "library.csv"


@pytest.mark.slow
def test_processes_share_the_pieces(folder, library, tmp_path):
    """Rows, failures and counts are those of one process, of several runs too."""
    predictor = Predictor(folder / "runs")
    counts = [
        predictor.predict_csv(library, tmp_path / f"{n}.csv", None, 5, progress=False, workers=n) for n in (1, 2)
    ]
    assert counts[0] == counts[1] and counts[0].failed == 15
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


@pytest.mark.slow
def test_a_worker_that_dies_leaves_no_file(folder, library, tmp_path):
    """The error says where; nothing that was written before it is taken for the predictions."""
    script = (
        "import os, sys\n"
        "from dgl_memgnn.runs import Predictor, prediction\n"
        "def die(run, call, source, options, piece):\n"
        "    return os._exit(1) if 12 in piece.rows else original(run, call, source, options, piece)\n"
        "original, prediction._predict_piece = prediction._predict_piece, die\n"
        "try:\n"
        "    Predictor(sys.argv[1]).predict_csv(*sys.argv[2:], None, 5, progress=False, workers=2)\n"
        "except ChildProcessError as error:\n"
        "    print(error)\n"
    )
    target = tmp_path / "out.csv"
    arguments = [sys.executable, "-c", script, str(folder / "runs" / "seed0"), str(library), str(target)]
    said = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    assert f"of {library} or soon after" in said and "One of 2 processes died, with lines" in said
    assert list(tmp_path.iterdir()) == []


def test_predicting_makes_no_optimiser(folder, monkeypatch):
    """torch takes seconds to make its first."""
    monkeypatch.setattr(torch.optim, "Adam", None)
    assert len(Predictor(folder / "runs" / "seed0").predict(["CCO"])) == 1


def test_an_error_names_the_rows(folder, library, tmp_path, monkeypatch):
    predictor = Predictor(folder / "runs" / "seed0")
    original = predictor.predict

    def fails(smiles, *properties, **options):
        if "CCCx" in smiles:
            raise MemoryError("no memory")
        return original(smiles, *properties, **options)

    monkeypatch.setattr(predictor, "predict", fails)
    with pytest.raises(RuntimeError, match="The molecules in lines 2 to 6 could not be predicted: no memory"):
        predictor.predict_csv(library, tmp_path / "out.csv", None, 5, progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shards, suffix", [(1, ""), (3, ""), (3, ".gz"), (16, "")])
def test_shards_are_every_nth_piece_and_one_table_together(folder, library, tmp_path, shards, suffix):
    predictor = Predictor(folder / "runs" / "seed0")
    predictor.predict_csv(library, tmp_path / "whole.csv", None, 5, progress=False)
    header, *whole = (tmp_path / "whole.csv").read_text().splitlines()
    pieces, totals, together = [whole[i : i + 5] for i in range(0, 47, 5)], [], b""
    for i in range(1, shards + 1):
        part = tmp_path / f"part{i}.csv{suffix}"
        totals.append(predictor.predict_csv(library, part, None, 5, progress=False, shard=(i, shards)).total)
        assert totals[-1] == sum(map(len, pieces[i - 1 :: shards]))
        together += part.read_bytes()
    lines = (gzip.decompress(together) if suffix else together).decode().splitlines()
    assert lines == [header, *(row for i in range(shards) for piece in pieces[i::shards] for row in piece)]


def test_shards_and_workers_on_the_command_line(folder, library, tmp_path, capsys):
    arguments = [
        "predict",
        str(folder / "runs" / "seed0"),
        "--csv",
        str(library),
        "--out",
        str(tmp_path / "out.csv"),
    ]
    for shard, message in [("0/3", "no shard 0/3: they are 1/3 to 3/3"), ("4/3", "no shard 4/3")]:
        assert main([*arguments, "--shard", shard]) == 1
        assert message in capsys.readouterr().err
    for shard in ("3", "a/b", "1/2/3", "-1/2"):
        with pytest.raises(SystemExit):
            main([*arguments, f"--shard={shard}"])
        assert "must be two numbers as in 3/16" in capsys.readouterr().err
    assert main([*arguments, "--workers", "0"]) == 1
    assert "number of workers must be at least 1, got 0" in capsys.readouterr().err
    assert main([*arguments, "--shard", "2/2"]) == 0
    assert "0 of 0 molecules predicted" in capsys.readouterr().out  # one piece of 1000
    assert (tmp_path / "out.csv").read_text() == ""


def test_only_the_first_failures_are_kept(folder, tmp_path):
    (tmp_path / "new.csv").write_text("smiles\n" + "x\nC\n" * 8)
    predictor = Predictor(folder / "runs" / "seed0")
    counts = predictor.predict_csv(tmp_path / "new.csv", tmp_path / "out.csv", chunk_size=3)
    assert (counts.total, counts.failed) == (16, 8)
    assert [line for line, _ in counts.first_failures] == [2, 4, 6, 8, 10]


def test_compressed_files(folder, tmp_path):
    (tmp_path / "new.csv.gz").write_bytes(gzip.compress((folder / "new.csv").read_bytes()))
    predictor = Predictor(folder / "runs" / "seed0")
    predictor.predict_csv(tmp_path / "new.csv.gz", tmp_path / "out.csv.gz", chunk_size=2)
    predictor.predict_csv(folder / "new.csv", tmp_path / "out.csv", chunk_size=2)
    assert gzip.decompress((tmp_path / "out.csv.gz").read_bytes()) == (tmp_path / "out.csv").read_bytes()


@pytest.mark.parametrize("damage", ["C,1,2\n", '"C,1\n'])
def test_a_file_damaged_at_its_end_is_refused_before_the_first_prediction(folder, tmp_path, monkeypatch, damage):
    (tmp_path / "new.csv").write_text("smiles,id\n" + "C,1\n" * 3000 + damage)
    (tmp_path / "out.csv").write_text("older")
    predictor = Predictor(folder / "runs" / "seed0")
    predicted = []
    monkeypatch.setattr("dgl_memgnn.runs.prediction.featurize", predicted.append)
    with pytest.raises(ValueError, match="new.csv is not a comma-separated table"):
        predictor.predict_csv(tmp_path / "new.csv", tmp_path / "out.csv", overwrite=True)
    assert predicted == [] and (tmp_path / "out.csv").read_text() == "older"


def test_mean_and_deviation_over_the_runs(folder, tmp_path, capsys):
    assert (
        main(
            ["predict", str(folder / "runs"), "--csv", str(folder / "new.csv"), "--out", str(tmp_path / "all.csv")]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert "Mean of 3 runs, seed0, seed1, seed2" in said and "5 of 7 molecules predicted" in said
    assert "line 3: invalid SMILES" in said and "line 5: empty SMILES" in said
    found = pd.read_csv(tmp_path / "all.csv")
    assert found.columns.tolist() == [
        "id", "smiles", "size", "size_std", "aromatic", "aromatic_std", "reason"
    ]  # fmt: skip
    smiles = ["CCO", "CCN", "OCC", "CCCc1ccccc1", "C"]
    single = np.array(
        [Predictor(folder / "runs" / f"seed{seed}").predict(smiles)[["size", "aromatic"]] for seed in range(3)],
        dtype=float,
    )
    rows = found["reason"].isna()
    assert rows.tolist() == [True, False, True, False, True, True, True]
    assert np.allclose(found.loc[rows, ["size", "aromatic"]], single.mean(axis=0), rtol=1e-4)
    assert np.allclose(found.loc[rows, ["size_std", "aromatic_std"]], single.std(axis=0), rtol=1e-3, atol=1e-5)
    assert (single.std(axis=0) > 1e-3).any()
    assert found.loc[~rows, ["size", "size_std", "aromatic", "aromatic_std"]].isna().all(axis=None)


def test_each_molecule_is_featurized_once_for_all_runs(folder, monkeypatch):
    from dgl_memgnn.runs import prediction

    asked, original = [], prediction.featurize
    monkeypatch.setattr(
        prediction, "featurize", lambda smiles, *rest: asked.extend(smiles) or original(smiles, *rest)
    )
    Predictor(folder / "runs").predict(["CCO", "CCN"])
    assert asked == ["CCO", "CCN"]


@pytest.mark.parametrize(
    "options, message",
    [
        (["--tasks", "size"], r"differ in tasks, \['size', 'aromatic'\] and \['size'\]"),
        (["--tasks", "size,aromatic", "--featurizer", "memgnn"], "differ in featurizer, 'canonical' and 'memgnn'"),
        (
            ["--tasks", "size,aromatic", "--descriptors"],
            r"differ in descriptors, 0 and \d+: of these the first alone has none, the second alone '\w+', '\w+', "
            r"'\w+', '\w+', '\w+' and \d+ more, so there is no mean",
        ),
    ],
)
def test_runs_that_do_not_agree(folder, tmp_path, options, message):
    shutil.copytree(folder / "runs" / "seed0", tmp_path / "first")
    assert (
        main(
            ["train", "--csv", str(folder / "molecules.csv"), *SMALL, *options, "--out", str(tmp_path / "second")]
        )
        == 0
    )
    with pytest.raises(ValueError, match=message):
        Predictor(tmp_path)


def test_memgnn_with_topology_predicts_from_its_own_embedding(folder, tmp_path):
    """That of its continue_prob: another one gives other predictions."""
    arguments = [
        "train",
        "--csv",
        str(folder / "molecules.csv"),
        "--tasks",
        "size",
        *SMALL,
        "--out",
        str(tmp_path),
    ]
    assert main([*arguments, "--topology", "--continue-prob", "0.5"]) == 0
    predictor = Predictor(tmp_path)
    stored = pd.read_csv(tmp_path / "predictions.csv")
    found = predictor.predict(stored["smiles"])["size"]
    assert np.allclose(found, stored["prediction"], rtol=1e-4)
    predictor.networks[0].config.data.continue_prob = None
    assert not np.allclose(predictor.predict(stored["smiles"])["size"], found, rtol=1e-4)


def test_networks_with_a_topological_embedding_agree_in_it(folder, tmp_path):
    """Those without one do not mind."""
    train = ["train", "--csv", str(folder / "molecules.csv"), "--tasks", "size,aromatic", *SMALL]
    shutil.copytree(folder / "runs" / "seed0", tmp_path / "first")
    assert main([*train, "--network", "GMN", "--out", str(tmp_path / "second")]) == 0
    assert main([*train, "--embedding-width", "8", "--out", str(tmp_path / "third")]) == 0
    both = Predictor(tmp_path).predict(["CCO"])
    alone = [Predictor(tmp_path / name).predict(["CCO"])["size"][0] for name in ("first", "second", "third")]
    assert both["size"][0] == pytest.approx(np.mean(alone), rel=1e-4)
    for options, what in [
        (["--embedding", "Adjacency"], "embedding, 'RandomWalkWithRestart' and 'Adjacency'"),
        (["--embedding-width", "8"], "width of the embedding, 32 and 8"),
        (["--no-embedding-sort"], "sort of the embedding, True and False"),
        (["--continue-prob", "0.5"], "continue_prob of the embedding, 0.1 and 0.5"),
    ]:
        assert main([*train, "--topology", *options, "--out", str(tmp_path / "unlike"), "--overwrite"]) == 0
        with pytest.raises(ValueError, match=f"second and .*unlike differ in {what}"):
            Predictor(tmp_path)


def test_a_text_is_no_sequence_of_smiles(folder):
    predictor = Predictor(folder / "runs" / "seed0")
    for call in (predictor.predict, predictor.embed, predictor.outputs):
        with pytest.raises(ValueError, match=r"got the text 'CCO': give \['CCO'\]"):
            call("CCO")
    found = predictor.predict((each for each in ("CCO", "CCN")), similarity=True)
    pd.testing.assert_frame_equal(found, predictor.predict(["CCO", "CCN"], similarity=True))


def test_a_run_that_is_not_finished(folder, tmp_path):
    shutil.copytree(folder / "runs", tmp_path / "runs")
    (tmp_path / "runs" / "seed1" / "metrics.json").unlink()
    with pytest.raises(FileNotFoundError, match="seed1 is not finished"):
        Predictor(tmp_path / "runs")


def test_a_pretraining_beside_the_runs_is_none_of_them(folder, tmp_path):
    shutil.copytree(folder / "runs", tmp_path / "runs")
    (tmp_path / "runs" / "pretrained").mkdir()
    (tmp_path / "runs" / "pretrained" / "config.yaml").write_text("pretraining:\n  csv: [many.csv]\n")
    assert Predictor(tmp_path / "runs").names == Predictor(folder / "runs").names


def test_a_run_with_descriptors_predicts_alone_what_it_predicted_for_its_test_part(folder, tmp_path, capsys):
    assert (
        main(
            [
                "train",
                "--csv",
                str(folder / "molecules.csv"),
                *SMALL,
                "--tasks",
                "size",
                "--descriptors",
                "--out",
                str(tmp_path / "run"),
            ]
        )
        == 0
    )
    assert f"Descriptors: {len(descriptor_names())} of rdkit" in capsys.readouterr().out
    stored = pd.read_csv(tmp_path / "run" / "predictions.csv")
    found = Predictor(tmp_path / "run").predict(stored["smiles"])
    assert np.allclose(found["size"], stored["prediction"], rtol=1e-4)
    mixed = Predictor(tmp_path / "run").predict(["x", stored["smiles"][0]])
    assert mixed["size"][1] == pytest.approx(stored["prediction"][0], rel=1e-4)
    shutil.copytree(folder / "runs" / "seed0", tmp_path / "without")
    with pytest.raises(ValueError, match="differ in"):
        Predictor(tmp_path)


def test_all_columns_of_the_file_stay_in_place(folder, tmp_path, capsys):
    """As they are written; a column of the same name as a prediction is not replaced, and that is said."""
    content = (
        'size,note,SMILES,"a, b",reason\n007,"two\nlines", CCO ,NA,\n1.5,"\r-",C1CC,"say ""hi""",none\n,,CCN\n'
    )
    (tmp_path / "new.csv").write_bytes(content.encode())
    out = tmp_path / "out.csv"
    run = folder / "runs" / "seed0"
    arguments = ["predict", str(run), "--csv", str(tmp_path / "new.csv"), "--smiles-column", "SMILES", "--out"]
    assert main([*arguments, str(out)]) == 0
    said = capsys.readouterr().out
    assert "The file has a column 'size' of its own: the prediction is in 'size_predicted'." in said
    assert "The file has a column 'reason' of its own: the prediction is in 'reason_predicted'." in said
    assert "The column of a target holds its value, in the unit of the training data." in said
    with open(out, newline="") as file:
        header, *rows = csv.reader(file)
    names = ["size", "note", "SMILES", "a, b", "reason", "size_predicted", "aromatic", "reason_predicted"]
    assert header == names
    assert [row[:5] for row in rows] == [
        ["007", "two\nlines", " CCO ", "NA", ""], ["1.5", "\r-", "C1CC", 'say "hi"', "none"],
        ["", "", "CCN", "", ""],
    ]  # fmt: skip
    expected = Predictor(run).predict(["CCO", "C1CC", "CCN"])
    assert [row[7] for row in rows] == expected["reason"].tolist()
    for i in (0, 2):
        assert float(rows[i][5]) == pytest.approx(expected["size"][i], rel=1e-4)


def test_a_file_that_is_there_is_replaced_on_request_alone(folder, tmp_path, capsys):
    shutil.copytree(folder / "runs", tmp_path / "runs")
    run, new = tmp_path / "runs" / "seed0", folder / "new.csv"
    (tmp_path / "out.csv").write_text("mine")
    arguments = ["predict", str(tmp_path / "runs"), "--csv", str(new), "--out"]
    assert main([*arguments, str(tmp_path / "out.csv")]) == 1
    assert "out.csv is there already: give another file, or replace it with --overwrite" in capsys.readouterr().err
    assert (tmp_path / "out.csv").read_text() == "mine"
    assert main([*arguments, str(tmp_path / "out.csv"), "--overwrite"]) == 0
    assert len(pd.read_csv(tmp_path / "out.csv")) == 7
    (tmp_path / "link.csv").symlink_to(run / "metrics.json")
    before = {path: path.read_bytes() for path in run.iterdir()}
    for target in [run / "checkpoint.pt", run / "training.pt", run / ".." / "seed0" / "splits.csv",
                   tmp_path / "link.csv"]:  # fmt: skip
        assert main([*arguments, str(target), "--overwrite"]) == 1
        assert "is a file of the run" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in run.iterdir()} == before
    assert main([*arguments, str(run / "new.csv")]) == 0  # beside them is a place like others
