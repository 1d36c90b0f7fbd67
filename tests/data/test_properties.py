"""Measured properties beside the molecules: read, standardised, stored, and needed to predict."""

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config
from dgl_memgnn.data import MoleculeDataset
from dgl_memgnn.runs import Predictor
from dgl_memgnn.tasks import Column
from dgl_memgnn.training import load_checkpoint

TARGET = "measured log solubility in mols per litre"
PROPERTIES = ["Molecular Weight", "Polar Surface Area"]
SMALL = ["--epochs", "2", "--hidden-feats", "8", "--num-layers", "1", "--num-keys", "2,1", "--split", "random"]


@pytest.fixture(scope="module")
def table(data_dir):
    return pd.read_csv(data_dir / "molnet" / "delaney-processed.csv").head(50)[["smiles", TARGET, *PROPERTIES]]


def train(table, folder, *options):
    table.to_csv(folder / "m.csv", index=False)
    named = ["--tasks", TARGET, "--descriptors-columns", ",".join(PROPERTIES)]
    return main(["train", "--csv", str(folder / "m.csv"), "--out", str(folder / "run"), *named, *SMALL, *options])


@pytest.fixture(scope="module", params=[(), ("--descriptors",)], ids=["alone", "beside rdkit's"])
def run(request, table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    assert train(table, folder, *request.param) == 0
    return folder / "run"


def test_they_are_standardised_by_the_training_part(run, table):
    parts = pd.read_csv(run / "splits.csv").set_index("id")["part"]
    scaler = StandardScaler().fit(table[PROPERTIES][(parts == "train").to_numpy()])
    state = load_checkpoint(run / "checkpoint.pt")["model"]
    assert state["descriptor_norm.mean"][-2:].numpy() == pytest.approx(scaler.mean_, rel=1e-5)
    assert 1 / state["descriptor_norm.scale"][-2:].numpy() == pytest.approx(scaler.scale_, rel=1e-5)


def test_one_that_is_the_same_in_all_rows_is_named(table, tmp_path, capsys):
    assert train(table.assign(**{PROPERTIES[0]: 25.0}), tmp_path, "--epochs", "1") == 0
    said = f"Nothing is learned from '{PROPERTIES[0]}': the value is the same in all rows"
    assert said in capsys.readouterr().out


def test_predict_takes_them_from_its_file(run, table, tmp_path):
    held_out = pd.read_csv(run / "predictions.csv")
    own = table.iloc[held_out["id"] - 2]
    own.assign(**{name: own[name] for name in PROPERTIES[::-1]}).to_csv(tmp_path / "new.csv", index=False)
    assert main(["predict", str(run), "--csv", str(tmp_path / "new.csv"), "--out", str(tmp_path / "p.csv")]) == 0
    predicted = pd.read_csv(tmp_path / "p.csv")[f"{TARGET}_predicted"]
    assert predicted.to_numpy() == pytest.approx(held_out["prediction"].to_numpy(), rel=1e-5)
    own.assign(**{PROPERTIES[0]: 500.0}).to_csv(tmp_path / "heavy.csv", index=False)
    assert main(["predict", str(run), "--csv", str(tmp_path / "heavy.csv"), "--out", str(tmp_path / "h.csv")]) == 0
    assert (pd.read_csv(tmp_path / "h.csv")[f"{TARGET}_predicted"] != predicted).all()


def test_a_row_without_a_property_is_left_empty_with_the_reason(run, table, tmp_path):
    new = table[:4].copy()
    new.loc[1, PROPERTIES[1]] = np.nan
    new.to_csv(tmp_path / "new.csv", index=False)
    counts = Predictor(run).predict_csv(tmp_path / "new.csv", tmp_path / "p.csv", progress=False)
    assert counts.first_failures == [(3, "no value in 'Polar Surface Area'")]
    predicted = pd.read_csv(tmp_path / "p.csv")[f"{TARGET}_predicted"]
    assert predicted.isna().tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t: t.drop(columns=PROPERTIES[0]), "no column 'Molecular Weight' (the network was trained with it"),
        (
            lambda t: t.assign(**{PROPERTIES[0]: "heavy"}),
            "column 'Molecular Weight': 'heavy' is not a number",
        ),
    ],
)
def test_a_file_that_lacks_them_is_refused(change, message, run, table, tmp_path, capsys):
    change(table).to_csv(tmp_path / "new.csv", index=False)
    assert main(["predict", str(run), "--csv", str(tmp_path / "new.csv"), "--out", str(tmp_path / "p.csv")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "p.csv").exists()


def test_they_are_asked_for_where_there_is_no_file(run):
    with pytest.raises(ValueError, match="takes the properties .'Molecular Weight', 'Polar Surface Area'., got"):
        Predictor(run).predict(["CCO"])


def test_what_is_dropped_and_read_is_said(table, tmp_path, capfd):
    gaps = table.copy()
    gaps.loc[[1, 4], PROPERTIES[0]] = None
    assert train(gaps, tmp_path, "--epochs", "1") == 0
    said = capfd.readouterr().out
    assert "48 of 50 molecules kept, 2 dropped: 2 for no value in 'Molecular Weight' (rows 3, 6)." in said
    low, high = gaps[PROPERTIES[1]].drop([1, 4]).agg(["min", "max"])
    assert f"'Polar Surface Area' from {low:.4g} to {high:.4g} (--descriptors-columns)" in said


@pytest.mark.parametrize(
    "options, message",
    [
        (["--descriptors-columns", "pH"], "no column 'pH' (descriptors_columns, --descriptors-columns)"),
        (["--descriptors-columns", "smiles"], "must not be 'smiles', which is in data.smiles_column"),
        (["--network", "GIN"], "data.descriptors_columns is for MemGNN on molecules, not for GIN"),
        (["--weight-column", PROPERTIES[0]], "data.descriptors_columns must not be 'Molecular Weight'"),
    ],
)
def test_bad_columns(options, message, table, tmp_path, capsys):
    assert train(table, tmp_path, *options) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_subset_and_a_digest_hold_them():
    def molecules(values):
        return MoleculeDataset(["C", "CC", "CCC"], [1.0, 2.0, 3.0], properties=[Column("pH", values, str)])

    dataset = molecules([7.0, 4.0, 9.0])
    assert dataset[[2, 0]].descriptors.tolist() == [[9.0], [7.0]]
    assert dataset.digest == molecules([7.0, 4.0, 9.0]).digest != molecules([7.0, 4.0, 9.5]).digest


def test_all_leaves_them_out(table, tmp_path):
    table.to_csv(tmp_path / "m.csv", index=False)
    values = {"csv": str(tmp_path / "m.csv"), "tasks": ["all"], "descriptors_columns": PROPERTIES}
    assert load_config(overrides=values).data.tasks == [TARGET]
