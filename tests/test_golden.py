"""Runs of released versions are read, and give what they gave then: tests/golden/make.py wrote them."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from dgl_memgnn.cli import main
from dgl_memgnn.training import load_checkpoint

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = sorted(path for path in GOLDEN.iterdir() if (path / "molecules.csv").is_file())


@pytest.fixture
def make(monkeypatch):
    monkeypatch.syspath_prepend(GOLDEN)
    return importlib.import_module("make")


@pytest.fixture(params=VERSIONS, ids=lambda path: path.name)
def version(request, monkeypatch):
    monkeypatch.chdir(request.param)
    return request.param.name


def assert_same(found, name):
    pd.testing.assert_frame_equal(
        found, pd.read_csv(Path(name, "expected.csv")), check_dtype=False, rtol=1e-4, atol=1e-5
    )


def test_networks_on_molecules_predict_the_same(version, make, tmp_path):
    for name, (_, how) in make.TRAINED.items():
        if how is not None:
            out = tmp_path / f"{name}.csv"
            assert main(["predict", name, "--csv", "molecules.csv", "--out", str(out), *how]) == 0
            if name != "binary" or version != "0.2.0":
                assert_same(pd.read_csv(out), name)


def test_binary_targets_as_the_penalty_of_0_2_0_calibrated_them(version, tmp_path):
    """Those of ring; of oxygen the validation part holds one class, which calibrates nothing."""
    if version != "0.2.0":
        pytest.skip("Platt's scaling has no penalty since")
    assert main(["predict", "binary", "--csv", "molecules.csv", "--out", str(tmp_path / "out.csv")]) == 0
    found, known = pd.read_csv(tmp_path / "out.csv"), load_checkpoint("binary/checkpoint.pt")["calibration"]
    known_logit, logit = (
        np.log(p / (1 - p))[:, None]
        for p in (known["prediction"].numpy()[:, 0], found["ring_predicted"].to_numpy())
    )
    fitted = LogisticRegression().fit(known_logit, known["label"][:, 0])
    found["ring_predicted"] = fitted.predict_proba(logit)[:, 1]
    assert_same(found, "binary")


def test_a_network_on_graphs_assigns_their_nodes_the_same(version, make):
    assert_same(make.shares().rename(columns=str), "graphs")


def test_pretrained_weights_compute_the_same_and_train(version, make, tmp_path):
    assert_same(make.queries().rename(columns=str), "weights")
    data = ["--csv", "molecules.csv", "--tasks", "size", "--split", "random", "--epochs", "1"]
    assert main(["train", *data, "--pretrained", "weights", "--out", str(tmp_path / "run")]) == 0
