"""A protocol, run, interrupted and continued."""

import importlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time

import pandas as pd
import pytest
from processes import fork, heed_ctrl_c

from dgl_memgnn.cli import main
from dgl_memgnn.config import load_config
from dgl_memgnn.results import write_tables
from dgl_memgnn.runs import Predictor, run

module = importlib.import_module("dgl_memgnn.runs.benchmark")  # its function has its name


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    smiles = ["C" * n + tail for n in range(1, 11) for tail in ("O", "N", "Cl")]
    table = pd.DataFrame({"smiles": smiles, "size": [len(s) for s in smiles]})
    table.to_csv(folder / "molecules.csv", index=False)
    config = load_config(
        "molecules",
        {
            "csv": str(folder / "molecules.csv"),
            "tasks": ["size"],
            "split": "random",
            "hidden_feats": 8,
            "num_layers": 1,
            "num_keys": [2, 1],
            "epochs": 2,
        },
    )
    (folder / "small.yaml").write_text(config.to_yaml())
    return folder


def benchmark(folder, out, *options):
    return main(
        [
            "benchmark",
            str(folder / "small.yaml"),
            "--protocol",
            "moleculenet",
            "--out",
            str(folder / out),
            "--workers",
            "1",
            *options,
        ]
    )


@pytest.fixture(scope="module")
def whole(folder):
    """Of a file, without a configuration."""
    small = ["--hidden-feats", "8", "--num-layers", "1", "--num-keys", "2,1", "--epochs", "2"]
    assert (
        main(
            [
                "benchmark",
                "--csv",
                str(folder / "molecules.csv"),
                "--tasks",
                "size",
                "--protocol",
                "moleculenet",
                "--out",
                str(folder / "whole"),
                *small,
            ]
        )
        == 0
    )
    return folder / "whole"


def read(path):
    return json.loads(path.read_text())


def test_summary_is_that_of_the_runs(whole):
    assert Predictor(whole).names == ["seed0", "seed1", "seed2"]
    result = read(whole / "result.json")
    runs = [read(whole / f"seed{seed}" / "metrics.json") for seed in range(3)]
    assert list(result["runs"].values()) == runs
    assert [r["seed"] for r in runs] == [0, 1, 2]
    scores = [r["test"]["rmse"] for r in runs]
    assert result["summary"]["test"]["rmse"]["mean"] == pytest.approx(statistics.mean(scores))
    assert result["summary"]["test"]["rmse"]["std"] == pytest.approx(statistics.pstdev(scores))


def test_a_second_call_runs_what_is_left(folder, whole, capfd):
    shutil.copytree(whole, folder / "twice")
    kept = (whole / "seed0" / "metrics.json").read_bytes()
    (folder / "twice" / "seed1" / "metrics.json").unlink()
    assert benchmark(folder, "twice") == 0
    said = capfd.readouterr().out
    assert said.count("Task: regression of 'size'") == 1 and "test rmse:" in said
    assert (folder / "twice" / "seed0" / "metrics.json").read_bytes() == kept
    assert read(folder / "twice" / "result.json")["summary"] == read(whole / "result.json")["summary"]


def test_what_is_to_be_searched_is_no_part_of_the_runs(folder, whole):
    """Of other protocols than fair: the packaged configurations for TU sets have such a section."""
    shutil.copytree(whole, folder / "searched")
    config = load_config(folder / "small.yaml")
    config.search = {"dropout": [0.0, 0.2]}
    assert (
        module.benchmark(config, "moleculenet", folder / "searched", workers=1)["runs"]
        == read(whole / "result.json")["runs"]
    )


def test_overwriting_starts_anew(folder, whole):
    shutil.copytree(whole, folder / "anew")
    path = folder / "anew" / "seed0" / "metrics.json"
    path.write_bytes(path.read_bytes().replace(b'"seed": 0', b'"seed": 9'))
    assert benchmark(folder, "anew", "--repeats", "1", "--overwrite") == 0
    assert read(path)["seed"] == 0


@pytest.mark.parametrize("options", [[], ["--epochs", "3"]], ids=["same", "other"])
def test_broken_off_after_overwriting_it_continues_with_nothing_of_before(
    options, folder, whole, tmp_path, capsys
):
    """Whether folders of runs of before are there, hold more than a run, or are gone."""
    out = shutil.copytree(whole, tmp_path / "out")
    for path in [out / "result.json", *out.glob("*/metrics.json")]:
        path.write_text(path.read_text().replace('"wall_time_seconds": ', '"wall_time_seconds": 9999'))
    (out / "seed1" / "notes.txt").write_text("mine")
    shutil.rmtree(out / "seed2")
    with pytest.MonkeyPatch.context() as patch:
        stop_at("seed1", patch)
        assert benchmark(folder, out, *options, "--overwrite") == 130
    assert "the same command without --overwrite continues" in capsys.readouterr().err
    assert list(read(out / "result.json")["runs"]) == ["seed0"]
    assert benchmark(folder, out, *options) == 0
    result = read(out / "result.json")
    assert max(run["wall_time_seconds"] for run in result["runs"].values()) < 9999
    assert len(pd.read_csv(out / "seed1" / "history.csv")) == (3 if options else 2)
    assert (out / "seed1" / "notes.txt").read_text() == "mine"
    if not options:
        assert result["summary"] == read(whole / "result.json")["summary"]


def test_overwriting_removes_nothing_where_something_is_not_of_a_benchmark(folder, whole, tmp_path, capsys):
    out = shutil.copytree(whole, tmp_path / "out")
    (out / "result.json").write_text('{"score": 1}')
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    assert benchmark(folder, out, "--overwrite") == 1
    assert "result.json is not of a benchmark. Give another folder with --out." in capsys.readouterr().err
    assert {path: path.read_bytes() for path in out.rglob("*.*")} == before


def test_an_ensemble_is_scored_by_its_mean_prediction(folder, whole, capsys):
    shutil.copytree(whole, folder / "ensemble", ignore=shutil.ignore_patterns("seed2", "result.json"))
    assert benchmark(folder, "ensemble", "--repeats", "2", "--members", "2") == 0
    assert "ensemble test rmse:" in capsys.readouterr().out
    scores, spreads = [], []
    for seed in range(2):
        tables = [
            pd.read_csv(folder / "ensemble" / f"seed{seed}{member}" / "predictions.csv")
            for member in ("", "-member1")
        ]
        assert all(table["id"].tolist() == tables[0]["id"].tolist() for table in tables)
        predictions = pd.concat([table["prediction"] for table in tables], axis=1)
        spreads.append(predictions.std(axis=1).min())
        scores.append(((predictions.mean(axis=1) - tables[0]["target"]) ** 2).mean() ** 0.5)
    assert min(spreads) > 0
    result = read(folder / "ensemble" / "result.json")
    mean = statistics.mean(scores)
    assert result["ensemble"]["summary"]["test"]["rmse"]["mean"] == pytest.approx(mean, rel=1e-5)
    plain = [result["runs"][f"seed{seed}"]["test"]["rmse"] for seed in range(2)]
    assert result["summary"]["test"]["rmse"]["mean"] == pytest.approx(statistics.mean(plain))


def test_an_ensemble_without_a_test_part_is_one_of_validation(folder):
    """And is stored and shown as that."""
    options = ["--protocol", "repeats", "--repeats", "1", "--members", "2", "--split-sizes", "0.9,0.1,0"]
    assert benchmark(folder, "untested", *options) == 0
    tables = [pd.read_csv(folder / "untested" / name / "predictions.csv") for name in ("seed0", "seed0-member1")]
    mean = (tables[0]["prediction"] + tables[1]["prediction"]) / 2
    error = ((mean - tables[0]["target"]) ** 2).mean() ** 0.5
    summary = read(folder / "untested" / "result.json")["ensemble"]["summary"]
    assert list(summary) == ["validation"] and summary["validation"]["rmse"]["mean"] == pytest.approx(error)
    write_tables(folder / "untested")
    assert f"ensembles of 2 | {error:.3f} | 1 |" in (folder / "untested" / "README.md").read_text()


def test_data_that_have_changed_are_noticed_run_by_run(folder, whole, tmp_path, capsys):
    shutil.copytree(whole, tmp_path / "changed")
    path, arguments = (
        folder / "molecules.csv",
        ["benchmark", "--workers", "1", "--protocol", "moleculenet", "--out"],
    )
    content = path.read_bytes()
    arguments += [str(tmp_path / "changed"), str(tmp_path / "changed" / "seed0" / "config.yaml")]
    stored = {p: p.read_bytes() for p in (tmp_path / "changed").rglob("*.json")}
    path.write_bytes(content.replace(b"CCO,3", b"CCO,5"))
    try:
        assert main(arguments) == 1
        assert "seed0 is finished, and its data have changed since" in capsys.readouterr().err
        assert {p: p.read_bytes() for p in (tmp_path / "changed").rglob("*.json")} == stored
        config = str(tmp_path / "changed" / "seed1" / "config.yaml")
        assert main(["train", config, "--out", str(tmp_path / "changed" / "seed1"), "--overwrite"]) == 0
    finally:
        path.write_bytes(content)
    assert main(["predict", str(tmp_path / "changed"), "--csv", str(path), "--out", str(tmp_path / "p.csv")]) == 1
    assert "seed0 and" in (error := capsys.readouterr().err) and "seed1 differ in data" in error


def start(folder, out):
    command = [
        sys.executable,
        "-m",
        "dgl_memgnn",
        "benchmark",
        str(folder / "small.yaml"),
        "--protocol",
        "moleculenet",
        "--out",
        str(folder / out),
    ]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=heed_ctrl_c,
    )
    while process.poll() is None and not list((folder / out).glob("*/training.pt")):
        time.sleep(0.02)
    return process


@pytest.mark.slow
def test_killed_it_continues_and_ends_the_same(folder, whole):
    process = fork(benchmark, folder, "killed")
    process.start()
    while process.is_alive() and not list((folder / "killed").glob("*/training.pt")):
        time.sleep(0.002)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (folder / "killed" / "result.json").exists()
    assert benchmark(folder, "killed") == 0
    assert read(folder / "killed" / "result.json")["summary"] == read(whole / "result.json")["summary"]


@pytest.mark.slow
def test_ctrl_c_ends_all_processes_and_says_how_to_continue(folder):
    process = start(folder, "interrupted")
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command continues.\n" in error and "Traceback" not in error
    with pytest.raises(ProcessLookupError):
        while True:  # its children end soon after it
            os.killpg(process.pid, 0)
            time.sleep(0.05)


def test_runs_of_another_configuration_are_refused(folder, whole, capsys):
    assert benchmark(folder, "whole", "--epochs", "3") == 1
    assert "training.epochs is 2, not 3" in capsys.readouterr().err


def test_a_run_that_fails_fails_the_benchmark(folder, capsys):
    assert benchmark(folder, "failed", "--tasks", "weight") == 1
    assert "no column 'weight'" in capsys.readouterr().err


def test_a_split_that_nothing_can_be_learned_from_is_named_before_any_run_trains(tmp_path, capsys):
    """Not when its turn comes, after hours, whose runs are of no use to a configuration that splits otherwise."""
    table = pd.DataFrame({"smiles": ["C" * n + tail for n in range(1, 16) for tail in "ON"]})
    table["active"] = [int(i in (3, 11, 17, 24)) for i in range(30)]
    table.to_csv(tmp_path / "few.csv", index=False)
    command = ["benchmark", "--csv", str(tmp_path / "few.csv"), "--tasks", "active", "--protocol", "moleculenet"]
    command += ["--repeats", "10", "--workers", "1", "--pretrained", "none", "--out", str(tmp_path / "out")]
    assert main(command) == 1
    assert "seed1: No target has both classes in the validation part" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "result.json"
    run.write_json(path, {"a": 1})
    with pytest.raises(ValueError):
        run.write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}


def test_a_damaged_file_is_named_with_what_to_do(folder, whole, capsys):
    """By whoever reads it: benchmark, train and tables."""
    out = folder / "damaged"
    for name in ("result.json", "seed0/metrics.json"):
        shutil.copytree(whole, out)
        (out / name).write_text('{"protocol": ')
        calls = [["benchmark", str(folder / "small.yaml"), "--protocol", "moleculenet", "--out", str(out)]]
        if name == "result.json":
            calls.append(["tables", str(out)])
        else:
            calls.append(["train", str(out / "seed0" / "config.yaml"), "--out", str(out / "seed0")])
        for call in calls:
            assert main(call) == 1
            error = capsys.readouterr().err
            assert f"{out / name} is damaged" in error and "restore it, or remove it" in error
        (out / name).unlink()
        assert benchmark(folder, "damaged") == 0
        assert read(out / "result.json")["summary"] == read(whole / "result.json")["summary"]
        shutil.rmtree(out)


def stop_at(name, patch):
    """Ctrl-C when the run of this name is to begin."""
    train = module.train_run

    def stopped(config, run_folder, *args):
        if run_folder.name == name:
            raise KeyboardInterrupt
        return train(config, run_folder, *args)

    patch.setattr(module, "train_run", stopped)


def test_the_result_grows_run_by_run_and_says_what_is_missing(folder, whole, monkeypatch, capsys):
    """Broken off, it holds what is finished, and continues elsewhere from that alone."""
    with monkeypatch.context() as patch:
        stop_at("seed1", patch)
        assert benchmark(folder, "grows") == 130
    (partial, result), out = (read(path / "result.json") for path in (folder / "grows", whole)), folder / "grown"
    assert list(partial["runs"]) == ["seed0"] and partial["num_splits"] == result["num_splits"] == 3
    assert partial["summary"]["test"]["rmse"] == {"mean": result["runs"]["seed0"]["test"]["rmse"], "std": None}
    capsys.readouterr()
    assert main(["tables", str(folder / "grows")]) == 0
    assert "| 1 of 3 |" in (folder / "grows" / "README.md").read_text()

    out.mkdir()
    shutil.copy(folder / "grows" / "result.json", out)
    assert benchmark(folder, "grown") == 0
    assert not (out / "seed0").exists() and read(out / "result.json")["summary"] == result["summary"]


def test_an_ensemble_is_scored_once(folder, monkeypatch):
    scored, score = [], module.ensemble_score
    monkeypatch.setattr(module, "ensemble_score", lambda runs, task: scored.append(runs) or score(runs, task))
    assert benchmark(folder, "once", "--members", "2", "--repeats", "2") == 0
    assert [[run.name for run in runs] for runs in scored] == [
        ["seed0", "seed0-member1"],
        ["seed1", "seed1-member1"],
    ]


def test_an_ensemble_is_scored_when_it_is_whole(folder, monkeypatch):
    stop_at("seed1-member1", monkeypatch)
    assert benchmark(folder, "members", "--members", "2", "--repeats", "2") == 130
    partial = read(folder / "members" / "result.json")
    assert partial["num_splits"] == 2 and set(partial["runs"]) == {"seed0", "seed0-member1", "seed1"}
    assert partial["ensemble"]["summary"]["test"]["rmse"]["std"] is None
    write_tables(folder / "members")
    rows = [line for line in (folder / "members" / "README.md").read_text().splitlines() if "`members`" in line]
    assert rows[0].endswith("| 2 |") and "ensembles of 2 |  | " in rows[1] and rows[1].endswith("| 1 of 2 |")
    assert "±" in rows[0] and "±" not in rows[1]


def test_ensembles_are_kept_though_the_folders_of_their_members_are_gone(folder, capsys):
    options = ["--members", "2", "--repeats"]
    assert benchmark(folder, "ensembles", *options, "2") == 0
    whole, out = read(folder / "ensembles" / "result.json"), folder / "ensembles-elsewhere"
    out.mkdir()
    runs = {name: run for name, run in whole["runs"].items() if name != "seed1-member1"}
    for seeds in (1, 2):  # seed1 may be there with one network of two, whose ensemble is lost with its folder
        kept = {name: run for name, run in runs.items() if name < f"seed{seeds}"}
        splits = {"seed0": whole["ensemble"]["splits"]["seed0"]}
        ensemble = {**whole["ensemble"], "num_splits": 1, "splits": splits}
        (out / "result.json").write_text(json.dumps({**whole, "runs": kept, "ensemble": ensemble}))
        if seeds == 2:
            assert benchmark(folder, out.name, *options, "2") == 1
            assert "The folder of seed1 in" in capsys.readouterr().err
        else:
            assert benchmark(folder, out.name, *options, "2") == 0
            continued = read(out / "result.json")
            assert continued["ensemble"] == whole["ensemble"] and not (out / "seed0").exists()
            for run in out.glob("seed*"):
                shutil.rmtree(run)
    (out / "result.json").write_text(json.dumps(whole))
    assert benchmark(folder, out.name, "--members", "3", "--repeats", "2") == 1
    assert "no ensembles can be scored" in capsys.readouterr().err
    assert benchmark(folder, out.name, "--repeats", "2") == 1
    assert "holds results of 2 members, not 1: ask for as many with --members." in capsys.readouterr().err


def test_ensembles_have_no_score_where_the_test_part_has_one_class(tmp_path):
    table = pd.DataFrame({"smiles": ["C" * n + tail for n in range(1, 11) for tail in "ON"]})
    table["active"], table["part"] = [1, 0] * 10, ["train"] * 9 + ["val"] * 8 + ["test"] * 3
    table.loc[table["part"] == "test", "active"] = 1
    table.to_csv(tmp_path / "some.csv", index=False)
    small = ["--hidden-feats", "4", "--num-layers", "1", "--num-keys", "2,1", "--epochs", "1", "--workers", "1"]
    command = ["benchmark", "--csv", str(tmp_path / "some.csv"), "--tasks", "active", "--splits-column", "part"]
    command += ["--protocol", "repeats", "--repeats", "2", "--members", "2", "--pretrained", "none", *small]
    for _ in range(2):
        assert main([*command, "--out", str(tmp_path / "out")]) == 0
        ensemble = read(tmp_path / "out" / "result.json")["ensemble"]
        assert ensemble["splits"]["seed0"]["roc_auc"] is None
        assert ensemble["summary"]["test"]["roc_auc"] == {"mean": None, "std": None}


def test_a_run_that_is_stored_is_kept_though_its_folder_is_gone(folder, whole, capsys):
    """Continued on another machine from result.json alone, the result is that of one call."""
    result, out = read(whole / "result.json"), folder / "elsewhere"
    out.mkdir()
    first = {**result, "runs": {name: result["runs"][name] for name in ("seed0", "seed1")}}
    (out / "result.json").write_text(json.dumps(first))
    for options, said in [
        (["--repeats", "1"], "holds results of seed1, which are not asked for"),
        (["--members", "2"], "no ensembles can be scored"),
        (["--tau", "2"], "model.tau is 1.0, not 2.0"),
        (["--protocol", "repeats"], "holds results of protocol moleculenet, not repeats"),
    ]:
        assert benchmark(folder, "elsewhere", *options) == 1
        assert said in capsys.readouterr().err
    assert read(out / "result.json") == first
    (folder / "foreign").mkdir()
    (folder / "foreign" / "result.json").write_text('{"score": 1}')
    assert benchmark(folder, "foreign") == 1
    assert "result.json is not of a benchmark. Give another folder with --out." in capsys.readouterr().err

    assert benchmark(folder, "elsewhere") == 0
    assert [each.name for each in out.iterdir() if each.is_dir()] == ["seed2"]
    continued = read(out / "result.json")
    assert continued["summary"] == result["summary"] and continued["runs"]["seed0"] == result["runs"]["seed0"]


def test_asked_for_less_it_loses_nothing(folder, whole, capsys):
    before = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    assert benchmark(folder, "whole", "--repeats", "2") == 1
    assert (
        "holds results of seed2, which are not asked for: ask for more with --repeats" in capsys.readouterr().err
    )
    assert {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()} == before


def test_curves_are_of_all_runs_or_none(folder, whole):
    out = folder / "curves"
    shutil.copytree(whole, out)
    shutil.rmtree(out / "seed0")
    assert benchmark(folder, "curves") == 0 and (out / "curves.png").is_file()
    assert benchmark(folder, "curves", "--repeats", "4") == 0 and not (out / "curves.png").exists()


def test_candidates_are_for_protocol_fair(folder, tmp_path, capsys):
    assert benchmark(folder, tmp_path / "out", "--search", '{"dropout": [0.1, 0.2]}') == 1
    assert "--search is for protocol fair: protocol moleculenet has no candidates" in capsys.readouterr().err


@pytest.mark.parametrize("there", ["run", "mine"])
@pytest.mark.parametrize("protocol", ["moleculenet", "repeats"])
def test_a_folder_of_something_else_is_left_as_it_was(there, protocol, folder, whole, tmp_path, capsys):
    if there == "run":
        shutil.copytree(whole / "seed0", tmp_path / "out")
    else:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "curves.png").write_text("mine")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    for overwrite in ([], ["--overwrite"]):
        assert benchmark(folder, tmp_path / "out", "--protocol", protocol, *overwrite) == 1
        said = capsys.readouterr().err
        assert ("holds a run" if there == "run" else "is not empty, and holds no benchmark") in said
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_results_are_not_replaced_by_predictions(folder, whole, capsys):
    before = (whole / "result.json").read_bytes()
    for command in ("predict", "embed"):
        arguments = [str(whole / "seed0"), "--csv", str(folder / "molecules.csv"), "--overwrite"]
        assert main([command, *arguments, "--out", str(whole / "result.json")]) == 1
        assert "result.json is a file of the run" in capsys.readouterr().err
    assert (whole / "result.json").read_bytes() == before


@pytest.mark.parametrize(
    "protocol, option, value",
    [("moleculenet", "--seed", "7"), ("scaffold", "--split", "stratified"), ("fair", "--fold", "3"),
     ("paper", "--keep", "last"), ("repeats", "--validation-seed", "7")],
)  # fmt: skip
def test_what_a_protocol_says_itself_is_refused(protocol, option, value, folder, tmp_path, capsys):
    assert benchmark(folder, tmp_path / "out", "--protocol", protocol, option, value) == 1
    assert f"{option} is said by protocol {protocol}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_same_data_at_another_place_are_the_same_benchmark(folder, whole, tmp_path, capsys):
    shutil.copytree(whole, tmp_path / "whole")
    shutil.rmtree(tmp_path / "whole" / "seed1")  # from result.json
    moved = shutil.copy(folder / "molecules.csv", tmp_path / "moved.csv")
    assert benchmark(folder, tmp_path / "whole", "--csv", str(moved)) == 0
    assert read(tmp_path / "whole" / "result.json")["runs"] == read(whole / "result.json")["runs"]
    pd.read_csv(moved).assign(size=1.5).to_csv(moved, index=False)
    assert benchmark(folder, tmp_path / "whole", "--csv", str(moved)) == 1
    assert "its data have changed since" in capsys.readouterr().err
