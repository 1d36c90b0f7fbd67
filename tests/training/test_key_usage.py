"""Dead keys and collapse are found, in the shares of nodes and by a run."""

import json

import numpy as np
import pytest

from dgl_memgnn.cli import main
from dgl_memgnn.training import describe_key_usage, key_usage


def one_hot(keys, num_keys):
    return np.eye(num_keys)[keys]


def test_usage_is_counted():
    keys = np.array([0, 0, 3, 3, 3, 1])
    [usage] = key_usage([[one_hot(keys[:2], 5)], [one_hot(keys[2:], 5)]])
    counts = [sum(1 for key in keys if key == j) / 6 for j in range(5)]
    assert usage["usage"] == pytest.approx(counts, abs=1e-6)
    assert usage["dead"] == [2, 4] and not usage["collapsed"] and usage["entropy"] == 0


def test_collapse_is_detected():
    keys = np.zeros(200, dtype=int)
    keys[0] = 1
    [usage] = key_usage([[one_hot(keys, 3)]])
    assert usage["collapsed"]
    keys[1:10] = 2
    assert not key_usage([[one_hot(keys, 3)]])[0]["collapsed"]
    assert "It has collapsed: 99.5% of the nodes belong to key 0." in describe_key_usage([usage])[0]


def test_even_shares_are_told():
    share = np.full((4, 8), 1 / 8)
    [usage] = key_usage([[share]])
    assert usage["entropy"] == 1 and not usage["collapsed"]
    assert "nearly alike" in describe_key_usage([usage])[0]


def test_a_layer_of_one_key_is_left_out():
    found = key_usage([[one_hot([0, 1], 2), one_hot([0, 2], 3), np.ones((2, 1))]])
    assert [usage["layer"] for usage in found] == [1, 2]


def test_a_run_tells(tmp_path, capsys):
    (tmp_path / "molecules.csv").write_text("smiles,y\n" + "".join(f"{'C' * n}O,{n}\n" for n in range(1, 31)))
    options = "--num-keys 6,1 --hidden-feats 8 --num-layers 1 --epochs 1 --split random".split()
    command = ["train", "--csv", str(tmp_path / "molecules.csv"), "--tasks", "y", *options]
    assert main([*command, "--out", str(tmp_path / "run")]) == 0
    [usage] = json.loads((tmp_path / "run" / "metrics.json").read_text())["keys"]
    assert describe_key_usage([usage])[0] in capsys.readouterr().out
    assert len(usage["usage"]) == 6 and sum(usage["usage"]) == pytest.approx(1, abs=1e-5)
    assert main([*command, "--readout", "sum", "--out", str(tmp_path / "sum")]) == 0
    assert json.loads((tmp_path / "sum" / "metrics.json").read_text())["keys"] == []
    assert "Memory layer" not in capsys.readouterr().out
