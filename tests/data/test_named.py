import os

import numpy as np
import pandas as pd
import pytest
from rdkit import RDConfig

from dgl_memgnn.data import MOLECULE_DATASETS, FreeWilson, MoleculeNet, load_named

# Molecules and dropped rows that dgllife gets out of the same files; positives by the folder's own README.
REAL = {
    "ESOL": dict(count=1128, dropped=0, task="regression", tasks=1),
    "Lipophilicity": dict(count=4200, dropped=0, task="regression", tasks=1),
    "BACE": dict(count=1513, dropped=0, task="binary", tasks=1, positive=691),
    "Tox21": dict(count=7823, dropped=8, task="binary", tasks=12),
}
FILES = {
    "ESOL": ("delaney-processed.csv", "smiles"),
    "Lipophilicity": ("Lipophilicity.csv", "smiles"),
    "BACE": ("bace.csv", "mol"),
    "Tox21": ("tox21.csv.gz", "smiles"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_real_molecule_net(data_dir, name):
    file, smiles_column = FILES[name]
    if not (data_dir / "molnet" / file).exists():
        pytest.skip(f"no molnet/{file} in {data_dir}")
    dataset = load_named(name, "memgnn", data_dir)
    expected = REAL[name]
    assert (len(dataset), len(dataset.dropped)) == (expected["count"], expected["dropped"])
    assert (dataset.name, dataset.task.task_type) == (name, expected["task"])
    assert len(dataset.task_names) == expected["tasks"]
    assert all(record.reason.startswith("invalid SMILES: ") for record in dataset.dropped)
    frame = pd.read_csv(data_dir / "molnet" / file).iloc[np.array(dataset.rows) - 2]
    assert dataset.smiles == frame[smiles_column].str.strip().tolist()
    assert np.allclose(dataset.labels, frame[dataset.task_names], equal_nan=True)
    if expected["task"] == "binary":
        assert set(dataset.labels.nan_to_num(0).flatten().tolist()) == {0, 1}
    if "positive" in expected:
        assert dataset.labels.sum() == expected["positive"]


@pytest.fixture
def esol_file(tmp_path, monkeypatch):
    """A web where the file of ESOL holds two molecules, or what is written to it."""
    source = tmp_path / "web.csv"
    source.write_text("measured log solubility in mols per litre,smiles\n-1.5,CCO \n0.5,N\n")
    asked = []

    def download(url, path, **kwargs):
        asked.append(url)
        with open(path, "wb") as file:
            file.write(source.read_bytes())

    monkeypatch.setattr("dgl_memgnn.data.folder.download", download)
    return source, asked


def test_reads_the_data_folder(tmp_path, esol_file):
    source, asked = esol_file
    (tmp_path / "molnet").mkdir()
    source.rename(tmp_path / "molnet" / "delaney-processed.csv")
    dataset = MoleculeNet("ESOL", "attentivefp", tmp_path)
    assert asked == []
    assert dataset.smiles == ["CCO", "N"]
    assert dataset.labels.tolist() == [[-1.5], [0.5]]
    assert repr(dataset) == 'MoleculeNet("ESOL", num_graphs=2, num_tasks=1, node_feats=39, edge_feats=10)'


def test_downloads_the_published_file_only(esol_file):
    _, asked = esol_file
    with pytest.raises(FileNotFoundError, match="0c90a51668d446b9e3ab77e67662bd1c was expected"):
        MoleculeNet("ESOL")
    assert asked == ["https://deepchemdata.s3-us-west-1.amazonaws.com/datasets/delaney-processed.csv"]


@pytest.mark.parametrize("name", FILES)
def test_the_real_files_pass_as_downloads(data_dir, monkeypatch, name):
    """The sums that downloads are compared with are those of the real files."""
    content = data_dir / "molnet" / FILES[name][0]
    if not content.exists():
        pytest.skip(f"no molnet/{content.name} in {data_dir}")

    def download(url, path, **kwargs):
        assert url.endswith("/" + content.name)
        with open(path, "wb") as file:
            file.write(content.read_bytes())

    class Accepted(Exception):
        """The download went on to be read."""

    def read_molecules(path, *columns):
        raise Accepted(path.name)

    monkeypatch.setattr("dgl_memgnn.data.folder.download", download)
    monkeypatch.setattr("dgl_memgnn.data.named.read_molecules", read_molecules)
    with pytest.raises(Accepted, match=content.name):
        MoleculeNet(name)


def test_free_wilson():
    dataset = FreeWilson("memgnn")
    assert (len(dataset), dataset.dropped) == (1017, [])
    assert (dataset.task.task_type, dataset.task_names, dataset.name) == ("regression", ["Act"], "FreeWilson")
    folder = os.path.join(RDConfig.RDContribDir, "FreeWilson", "data")
    with open(os.path.join(folder, "CHEMBL2321810_act.csv")) as file:
        activity = dict(line.strip().split(",") for line in file)
    with open(os.path.join(folder, "CHEMBL2321810.smi")) as file:
        lines = [line.split() for line in file]
    assert [lines[row - 1][0] for row in dataset.rows] == dataset.smiles
    expected = [[float(activity[lines[row - 1][1]])] for row in dataset.rows]
    assert np.allclose(dataset.labels, expected)


def test_rdkit_without_contrib(monkeypatch, tmp_path):
    monkeypatch.setattr(RDConfig, "RDContribDir", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="CHEMBL2321810.smi not found: install rdkit"):
        FreeWilson()


def test_load_named_by_name():
    assert MOLECULE_DATASETS == ("FreeWilson", "ESOL", "Lipophilicity", "BACE", "Tox21")
    assert isinstance(load_named("FreeWilson", "memgnn"), FreeWilson)
    with pytest.raises(ValueError, match="FreeWilson is a task of type regression, not binary"):
        load_named("FreeWilson", task_type="binary")
    with pytest.raises(FileNotFoundError, match="FreeWilso.zip .* not found.*Did you mean FreeWilson"):
        load_named("FreeWilso")
    with pytest.raises(ValueError, match="'../ESOL' is no name of a data set"):
        load_named("../ESOL")
    with pytest.raises(ValueError, match="'FreeWilson': choose one of ESOL"):
        MoleculeNet("FreeWilson")
