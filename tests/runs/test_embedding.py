"""Embeddings of a file of molecules."""

import builtins
import importlib.util
from csv import QUOTE_NONNUMERIC

import dgl
import numpy as np
import pandas as pd
import pytest
import torch

from dgl_memgnn.cli import main
from dgl_memgnn.data import smiles_to_graph
from dgl_memgnn.runs import Predictor
from dgl_memgnn.runs.embedding import EMBEDDING_FORMATS, embed_csv

SMALL = ["--epochs", "1", "--hidden-feats", "8", "--num-layers", "1", "--num-keys", "2,1", "--split", "random"]
HAS_PYARROW = importlib.util.find_spec("pyarrow") is not None
PARQUET = pytest.param(
    ".parquet", marks=pytest.mark.skipif(not HAS_PYARROW, reason="the extra 'parquet' is not installed")
)


@pytest.fixture(scope="module")
def csv(data_dir, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "molecules.csv"
    table = pd.read_csv(data_dir / "molnet" / "delaney-processed.csv").head(30)[["smiles", "Compound ID"]]
    table = table.assign(y=np.arange(30.0), embedding3="own")
    table.loc[4, "smiles"] = "C1CC"
    table.loc[7, "note"] = "two\rlines"
    table.to_csv(path, index=False, quoting=QUOTE_NONNUMERIC)
    return path


def train(csv, folder, *options):
    assert main(["train", "--csv", str(csv), "--tasks", "y", "--out", str(folder), *SMALL, *options]) == 0
    return folder


@pytest.fixture(scope="module")
def run(csv, tmp_path_factory):
    return train(csv, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def expected(run, csv):
    """The rows of the readout, by a call of the network's own parts on one molecule at a time."""
    network = Predictor(run).networks[0]._learner.evaluated.eval()
    rows = []
    for text in pd.read_csv(csv)["smiles"].drop(4):
        graph = dgl.batch([smiles_to_graph(text, "canonical")])
        with torch.no_grad():
            query = network.query(graph, graph.ndata["feat"], graph.edata["feat"])
            rows.append(network.readout(graph, query)[0])
    return np.insert(torch.stack(rows).numpy(), 4, np.nan, axis=0)


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", PARQUET, ".npy"])
def test_formats_hold_the_rows_of_the_readout(ending, run, csv, expected, tmp_path, capsys):
    target = tmp_path / f"e{ending}"
    assert main(["embed", str(run), "--csv", str(csv), "--out", str(target)]) == 0
    said = capsys.readouterr().out
    assert "29 of 30 molecules embedded in 8 dimensions" in said and "line 6: invalid SMILES" in said
    if ending == ".npy":
        found = np.load(target)
        assert found.dtype == np.float32
    else:
        table = pd.read_parquet(target) if ending == ".parquet" else pd.read_csv(target)
        assert table.columns[:4].tolist() == ["smiles", "Compound ID", "y", "embedding3"]
        assert table["reason"].fillna("").str.startswith("invalid SMILES").tolist() == [i == 4 for i in range(30)]
        names = [f"embedding{i}" + "_predicted" * (i == 3) for i in range(8)]
        found = table[names].to_numpy()
        assert "'embedding3' of its own: the embedding's is 'embedding3_predicted'" in said
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("ending", [".csv", PARQUET, ".npy"])
def test_pieces_make_the_same_file(ending, run, csv, tmp_path):
    for size in (4, 1000):
        embed_csv(Predictor(run), csv, tmp_path / f"{size}{ending}", chunk_size=size, progress=False)
    read = {
        ".csv": pd.read_csv,
        ".parquet": pd.read_parquet,
        ".npy": lambda path: pd.DataFrame(np.load(path)),
    }[ending]
    pd.testing.assert_frame_equal(read(tmp_path / f"4{ending}"), read(tmp_path / f"1000{ending}"), rtol=1e-4)


def test_what_cannot_be_embedded_is_refused(run, csv, tmp_path, capsys, monkeypatch):
    def error(*arguments):
        assert main(["embed", *map(str, arguments)]) == 1
        return capsys.readouterr().err

    start = (run, "--csv", csv, "--out")
    assert "e.txt: the name must end in .csv, .csv.gz, .parquet or .npy" in error(*start, tmp_path / "e.txt")
    (tmp_path / "there.npy").write_text("mine")
    assert "is there already" in error(*start, tmp_path / "there.npy")
    assert "would replace the file of molecules" in error(*start, csv)
    train(csv, tmp_path / "gin", "--network", "GIN")
    found = error(tmp_path / "gin", "--csv", csv, "--out", tmp_path / "e.npy")
    assert "GIN does not pool a graph into one row" in found
    train(csv, tmp_path / "forest", "--network", "RandomForest")
    assert "RandomForest has no pooled graph" in error(
        tmp_path / "forest", "--csv", csv, "--out", tmp_path / "e.npy"
    )
    if HAS_PYARROW:
        (tmp_path / "doubled.csv").write_text(",smiles,\n0,CCO,\n")
        found = error(run, "--csv", tmp_path / "doubled.csv", "--out", tmp_path / "e.parquet")
        assert "e.parquet cannot have two columns '': rename one, or write .csv or .npy" in found
    original = builtins.__import__

    def without_pyarrow(name, *arguments, **options):
        if name.startswith("pyarrow"):
            raise ModuleNotFoundError(name)
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    assert 'pip install "dgl-memgnn[parquet]"' in error(*start, tmp_path / "e.parquet")
    assert not list(tmp_path.glob("e.*"))


def test_an_array_is_as_long_as_what_is_written(tmp_path):
    """A file that is mapped is as long as it will be from the start, and a full disk then ends the process."""
    values = np.arange(6, dtype=np.float64).reshape(2, 3)
    for pieces in (1, 2):
        with EMBEDDING_FORMATS[".npy"](tmp_path / f"{pieces}.npy", (4, 3)) as write:
            for _ in range(pieces):
                write(pd.DataFrame(index=range(2)), values)
    assert np.load(tmp_path / "2.npy").tolist() == [*values.tolist(), *values.tolist()]
    assert (tmp_path / "2.npy").stat().st_size - (tmp_path / "1.npy").stat().st_size == 2 * 3 * 4
