"""What is tested has no part in what is learned, chosen, or told by the validation part."""

import pandas as pd
import pytest
import torch

from dgl_memgnn.config import load_config
from dgl_memgnn.runs import train_run
from dgl_memgnn.training import load_checkpoint

PARTS = ["train"] * 24 + ["val"] * 8 + ["test"] * 8


def table(poisoned):
    """Molecules whose test part may be of other elements and sizes, with other targets and properties."""
    smiles = ["C" * (i // 4 + 1) + ("O", "N", "Cl", "=O")[i % 4] for i in range(40)]
    other = ["c1ccc2ccccc2c1" + "Br" * (i % 2) for i in range(40)]
    rows = pd.DataFrame({"smiles": smiles, "part": PARTS, "size": [float(len(each)) for each in smiles]})
    rows["small"], rows["pH"] = [i % 2 for i in range(40)], [7.0 + i % 3 for i in range(40)]
    if poisoned:
        test = rows["part"] == "test"
        rows.loc[test, "smiles"] = pd.Series(other)[test]
        rows.loc[test, ["size", "pH"]] = 1e6
        rows.loc[test, "small"] = 1 - rows.loc[test, "small"]
    return rows


@pytest.mark.parametrize(
    "options",
    [
        {"descriptors": True, "descriptors_columns": ["pH"], "initial_keys": "kmeans", "clustering_period": 1},
        {"task_type": "regression-mve"},
        {"network": "GMN", "tasks": ["small"], "class_balance": True},
        {"network": "RandomForest"},
        {"network": "WLKernel", "tasks": ["small"]},
    ],
    ids=["descriptors", "mean and variance", "classes", "forest", "kernel"],
)
def test_poisoned_it_changes_nothing(options, tmp_path):
    small = {"hidden_feats": 8, "num_layers": 1, "num_keys": [2, 1], "epochs": 2, "batch_size": 8, **options}
    stored = []
    for name in ("clean", "poisoned"):
        table(name == "poisoned").to_csv(tmp_path / "molecules.csv", index=False)
        given = {"csv": str(tmp_path / "molecules.csv"), "tasks": ["size"], "splits_column": "part"}
        folder = tmp_path / name
        result = train_run(load_config(overrides={**given, **small}), folder, progress=False, report=False)
        content = load_checkpoint(folder / "checkpoint.pt")
        history = folder / "history.csv"
        stored.append((result, content, history.read_text() if history.is_file() else ""))
    (clean, content, history), (poisoned, other, other_history) = stored
    assert clean["digest"] != poisoned["digest"] and clean["test"] != poisoned["test"]
    assert history == other_history and clean["validation"] == poisoned["validation"]
    for what in ("model", "task"):
        assert content[what].keys() == other[what].keys()
        assert all(torch.equal(value, other[what][name]) for name, value in content[what].items())
    for what in ("prediction", "label"):
        assert torch.equal(content["calibration"][what], other["calibration"][what])
