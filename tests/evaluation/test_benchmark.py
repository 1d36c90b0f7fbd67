"""A protocol, run, interrupted and continued."""
import json
import statistics

import pandas as pd
import pytest

from dgl_memgnn.cli import main
from dgl_memgnn.evaluation import Predictor, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    smiles = ["C" * n + tail for n in range(1, 11) for tail in ("O", "N", "Cl")]
    table = pd.DataFrame({"smiles": smiles, "size": [len(s) for s in smiles]})
    table.to_csv(folder / "molecules.csv", index=False)
    (folder / "small.yaml").write_text(
        f"data: {{csv: '{folder / 'molecules.csv'}', tasks: [size]}}\n"
        "model: {hidden_feats: 8, num_layers: 1, num_keys: [2, 1]}\ntraining: {epochs: 2}\n"
    )
    return folder


def benchmark(folder, out, *options):
    return main(["benchmark", str(folder / "small.yaml"), "--protocol", "moleculenet", "--out", str(folder / out),
                 *options])


def test_summary_is_that_of_the_runs(folder, capfd):
    """Of a file without a configuration."""
    small = ["--hidden-feats", "8", "--num-layers", "1", "--num-keys", "2,1", "--epochs", "2"]
    assert main(["benchmark", "--csv", str(folder / "molecules.csv"), "--tasks", "size", "--protocol",
                 "moleculenet", "--out", str(folder / "all"), *small]) == 0
    said = capfd.readouterr().out
    assert said.count("Task: regression of 'size'") == 1 and "test rmse:" in said
    assert Predictor(folder / "all").names == ["seed0", "seed1", "seed2"]
    result = json.loads((folder / "all" / "result.json").read_text())
    runs = [json.loads((folder / "all" / f"seed{seed}" / "metrics.json").read_text()) for seed in range(3)]
    assert list(result["runs"].values()) == runs
    assert [r["seed"] for r in runs] == [0, 1, 2]
    scores = [r["test"]["rmse"] for r in runs]
    assert result["summary"]["test"]["rmse"]["mean"] == pytest.approx(statistics.mean(scores))
    assert result["summary"]["test"]["rmse"]["std"] == pytest.approx(statistics.pstdev(scores))


def test_a_second_call_runs_what_is_left(folder):
    assert benchmark(folder, "twice", "--repeats", "2") == 0
    kept = (folder / "twice" / "seed0" / "metrics.json").read_bytes()
    (folder / "twice" / "seed1" / "metrics.json").unlink()
    assert benchmark(folder, "twice", "--repeats", "2") == 0
    assert (folder / "twice" / "seed0" / "metrics.json").read_bytes() == kept
    assert (folder / "twice" / "seed1" / "metrics.json").is_file()
    changed = kept.replace(b'"seed": 0', b'"seed": 9')
    (folder / "twice" / "seed0" / "metrics.json").write_bytes(changed)
    assert benchmark(folder, "twice", "--repeats", "2", "--overwrite") == 0
    assert json.loads((folder / "twice" / "seed0" / "metrics.json").read_text())["seed"] == 0


def test_an_ensemble_is_scored_by_its_mean_prediction(folder, capsys):
    assert benchmark(folder, "ensemble", "--repeats", "2") == 0
    kept = (folder / "ensemble" / "seed0" / "metrics.json").read_bytes()
    assert benchmark(folder, "ensemble", "--repeats", "2", "--members", "3") == 0
    assert "ensemble test rmse:" in capsys.readouterr().out
    assert (folder / "ensemble" / "seed0" / "metrics.json").read_bytes() == kept
    scores, spreads = [], []
    for seed in range(2):
        tables = [pd.read_csv(folder / "ensemble" / f"seed{seed}{member}" / "predictions.csv")
                  for member in ("", "-member1", "-member2")]
        assert all(table["id"].tolist() == tables[0]["id"].tolist() for table in tables)
        predictions = pd.concat([table["prediction"] for table in tables], axis=1)
        spreads.append(predictions.std(axis=1).min())
        scores.append(((predictions.mean(axis=1) - tables[0]["target"]) ** 2).mean() ** 0.5)
    assert min(spreads) > 0
    result = json.loads((folder / "ensemble" / "result.json").read_text())
    mean = statistics.mean(scores)
    assert result["ensemble"]["summary"]["test"]["rmse"]["mean"] == pytest.approx(mean, rel=1e-5)
    plain = [result["runs"][f"seed{seed}"]["test"]["rmse"] for seed in range(2)]
    assert result["summary"]["test"]["rmse"]["mean"] == pytest.approx(statistics.mean(plain))


def test_runs_of_another_configuration_are_refused(folder, capsys):
    assert benchmark(folder, "other", "--repeats", "1") == 0
    assert benchmark(folder, "other", "--repeats", "1", "--epochs", "3") == 1
    assert "training.epochs is 2, not 3" in capsys.readouterr().err


def test_a_run_that_fails_fails_the_benchmark(folder, capsys):
    assert benchmark(folder, "failed", "--tasks", "weight") == 1
    assert "no column 'weight'" in capsys.readouterr().err


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "result.json"
    run.write_json(path, {"a": 1})
    with pytest.raises(ValueError):
        run.write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
