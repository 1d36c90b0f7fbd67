"""Intervals, calibrated probabilities and similarity of runs on real files."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rdkit.Chem import MolFromSmiles
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from scipy.special import expit, logit

from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config
from dgl_memgnn.runs import Predictor, benchmark, train_run
from dgl_memgnn.tasks.calibration import platt
from dgl_memgnn.training import load_checkpoint

SMALL = ["--epochs", "2", "--hidden-feats", "8", "--num-layers", "1", "--num-keys", "2,1"]
TARGET = "y [pEC50/pKi]"


@pytest.fixture(scope="module")
def table(data_dir):
    table = pd.read_csv(data_dir / "moleculeace" / "CHEMBL2034_Ki.csv").head(100)
    high = table[TARGET] > table[TARGET].median()
    return table.assign(high=high.astype(int), word=np.where(high, "high", "low"))


@pytest.fixture(scope="module")
def csv(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "activities.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module", params=["regression", "regression-mve"])
def run(request, csv, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    options = ["--split", "random", "--split-sizes", "0.5,0.25,0.25", "--task-type", request.param]
    assert main(["train", "--csv", str(csv), "--tasks", TARGET, "--out", str(folder), *SMALL, *options]) == 0
    return folder


def predict(run, csv, target, *options):
    code = main(["predict", str(run), "--csv", str(csv), "--out", str(target), *options])
    return pd.read_csv(target).rename(columns={f"{TARGET}_predicted": "found"}) if code == 0 else code


def test_intervals_cover_their_share_of_the_validation_part_and_are_scored_on_the_test_part(run, csv, tmp_path):
    predicted = predict(run, csv, tmp_path / "p.csv", "--interval", "0.9")
    part = pd.read_csv(run / "splits.csv")["part"]
    low, high = predicted[f"{TARGET}_low"], predicted[f"{TARGET}_high"]
    np.testing.assert_allclose((low + high) / 2, predicted["found"], rtol=1e-6)
    covered = (low <= predicted[TARGET] + 1e-6) & (predicted[TARGET] <= high + 1e-6)
    assert covered[part == "validation"].sum() == 24  # of 25: the least share above 0.9 of 26
    scores = json.loads((run / "metrics.json").read_text())["uncertainty"]["test"][TARGET]
    assert scores["level"] == 0.9
    assert scores["coverage"] == pytest.approx(covered[part == "test"].mean())
    assert scores["sharpness"] == pytest.approx((high - low)[part == "test"].mean(), rel=1e-5)


def test_mean_variance_writes_the_deviation_that_scales_the_intervals(run, csv, tmp_path):
    predicted = predict(run, csv, tmp_path / "p.csv", "--interval", "0.8")
    width = predicted[f"{TARGET}_high"] - predicted[f"{TARGET}_low"]
    if f"{TARGET}_std" in predicted:
        ratio = width / predicted[f"{TARGET}_std"]
        held_out = pd.read_csv(run / "predictions.csv")
        assert set(held_out.columns) == {"id", "smiles", "task", "target", "prediction", "std"}
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
        assert width.std() > 0
    else:
        np.testing.assert_allclose(width, width[0], rtol=1e-6)


def test_similarity_is_that_of_the_nearest_training_molecule(run, csv, table, tmp_path):
    new = pd.DataFrame({"smiles": [*table["smiles"][:30], "C1CC", "CCO"]})
    new.to_csv(tmp_path / "new.csv", index=False)
    found = predict(run, tmp_path / "new.csv", tmp_path / "p.csv", "--similarity")["similarity_to_training"]
    generator = GetMorganGenerator(radius=2, fpSize=2048)

    def bits(smiles):
        return set(generator.GetFingerprint(MolFromSmiles(smiles)).GetOnBits())

    trained = [bits(text) for text in table["smiles"][pd.read_csv(run / "splits.csv")["part"] == "train"]]
    for text, value in zip(new["smiles"].drop(30), found.drop(30)):
        own = bits(text)
        assert value == pytest.approx(max(len(own & other) / len(own | other) for other in trained))
    assert np.isnan(found[30]) and (found == 1).any()


@pytest.mark.parametrize(
    "options, message",
    [
        (["--interval", "0.99"], "has 25 values of 'y [pEC50/pKi]', too few for intervals of 0.99: that takes 99"),
        (["--interval", "90"], "The level of intervals must be between 0 and 1, got 90.0"),
        (["--calibrate"], "no probabilities in regression of 'y [pEC50/pKi]' to calibrate: see --interval"),
    ],
)
def test_what_cannot_be_had_is_refused_before_work(options, message, run, csv, tmp_path, capsys):
    assert predict(run, csv, tmp_path / "p.csv", *options) == 1
    assert message in capsys.readouterr().err and not (tmp_path / "p.csv").exists()


@pytest.mark.parametrize("task", ["high", "word"])
def test_calibrated_probabilities(task, csv, tmp_path, capsys):
    options = ["--split", "stratified", "--split-sizes", "0.5,0.25,0.25", "--out", str(tmp_path / "run")]
    assert main(["train", "--csv", str(csv), "--tasks", task, *SMALL, *options]) == 0
    plain = Predictor(tmp_path / "run").predict(["CCO", "C1CC", "c1ccccc1"])
    calibrated = Predictor(tmp_path / "run").predict(["CCO", "C1CC", "c1ccccc1"], calibrate=True)
    column = {"high": "high", "word": "word_low"}[task]
    assert plain[column].isna().tolist() == calibrated[column].isna().tolist() == [False, True, False]
    assert (plain[column] != calibrated[column])[[0, 2]].all() and calibrated[column].dropna().between(0, 1).all()
    scores = json.loads((tmp_path / "run" / "metrics.json").read_text())["uncertainty"]["test"][task]
    assert set(scores) == {
        "calibration_error",
        "calibration_error_calibrated",
        "log_loss",
        "log_loss_calibrated",
    }
    assert predict(tmp_path / "run", csv, tmp_path / "p.csv", "--interval", "0.9") == 1
    assert f"not for classification of '{task}'" in capsys.readouterr().err


def test_runs_together(csv, tmp_path):
    config = load_config(
        overrides={
            "csv": str(csv),
            "tasks": [TARGET],
            "epochs": 1,
            "hidden_feats": 8,
            "num_layers": 1,
            "num_keys": [2, 1],
            "splits_column": "split",
            "split_sizes": [0.7, 0.3, 0.0],
        }
    )
    benchmark(config, "repeats", tmp_path / "members", repeats=1, workers=1, members=2)
    both = Predictor(tmp_path / "members")
    contents = [
        load_checkpoint(tmp_path / "members" / name / "checkpoint.pt")["calibration"] for name in both.names
    ]
    error = np.sort(np.abs(sum(c["prediction"] for c in contents) / 2 - contents[0]["label"])[:, 0].numpy())
    table = both.predict(["CCO"], interval=0.5)
    reach = error[int(np.ceil((len(error) + 1) * 0.5)) - 1]
    assert table[f"{TARGET}_high"][0] - table[TARGET][0] == pytest.approx(reach)
    for seed in (0, 1):
        data = replace(config.data, validation_seed=seed)
        train_run(replace(config, data=data), tmp_path / "seeds" / f"seed{seed}", progress=False, report=False)
    with pytest.raises(ValueError, match="different validation parts"):
        Predictor(tmp_path / "seeds").predict(["CCO"], interval=0.5)
    assert Predictor(tmp_path / "seeds").predict(["CCO"], similarity=True)["similarity_to_training"].notna().all()


def test_the_spread_of_several_runs_is_calibrated_as_their_mean_is(csv, tmp_path):
    overrides = {"csv": str(csv), "tasks": ["high"], "epochs": 1, "hidden_feats": 8, "num_layers": 1}
    config = load_config(overrides={**overrides, "num_keys": [2, 1], "split": "stratified"})
    benchmark(config, "repeats", tmp_path / "members", repeats=1, workers=1, members=2)
    both = Predictor(tmp_path / "members")
    contents = [
        load_checkpoint(tmp_path / "members" / name / "checkpoint.pt")["calibration"] for name in both.names
    ]
    mean, label = (sum(c["prediction"] for c in contents) / 2).numpy(), contents[0]["label"].numpy()
    slope, intercept = platt(mean[:, 0], label[:, 0])
    values, _ = both.outputs(["CCO"])
    one, other = expit(slope * logit(values[:, 0, 0].astype(float)) + intercept)
    table = both.predict(["CCO"], calibrate=True)
    assert table["high_std"][0] == pytest.approx(abs(one - other) / 2, rel=1e-4)
    assert table["high"][0] == pytest.approx(expit(slope * logit(values[:, 0, 0].mean()) + intercept), rel=1e-4)


def test_a_run_without_validation_and_a_forest(csv, tmp_path):
    start = ["train", "--csv", str(csv), "--tasks", TARGET, *SMALL, "--split", "random"]
    assert main([*start, "--split-sizes", "1,0,0", "--out", str(tmp_path / "all")]) == 0
    with pytest.raises(ValueError, match="no validation part to make intervals"):
        Predictor(tmp_path / "all").predict(["CCO"], interval=0.9)
    assert main([*start, "--network", "RandomForest", "--out", str(tmp_path / "forest")]) == 0
    table = Predictor(tmp_path / "forest").predict(["CCO"], interval=0.9)
    assert table[f"{TARGET}_low"][0] < table[TARGET][0] < table[f"{TARGET}_high"][0]
    mve = [*start, "--network", "RandomForest", "--task-type", "regression-mve", "--out", str(tmp_path / "mve")]
    assert main(mve) == 1
