"""Files of weights."""

import pickle

import pytest
import torch

from dgl_memgnn.training import load_checkpoint, save_checkpoint


def test_round_trip(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, model={"weight": torch.arange(3.0)}, config={"epochs": 3, "tasks": ["a"]})
    content = load_checkpoint(path)
    assert torch.equal(content["model"]["weight"], torch.arange(3.0))
    assert content["config"] == {"epochs": 3, "tasks": ["a"]}
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_failed_write_keeps_the_older_file(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, step=1)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        save_checkpoint(path, step=lambda: None)
    assert load_checkpoint(path)["step"] == 1


class Exploit:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code in a checkpoint was run')",))


def test_files_that_are_no_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, model={"weight": torch.randn(1000)})
    whole = path.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2], pickle.dumps(Exploit())):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="checkpoint.pt is damaged or no checkpoint"):
            load_checkpoint(path)
    torch.save({"model": Exploit()}, path)
    with pytest.raises(ValueError, match="damaged or no checkpoint"):
        load_checkpoint(path)


def test_another_version(tmp_path):
    path = tmp_path / "checkpoint.pt"
    for number, known in [(0, ""), (1, " of dgl-memgnn 0.1.0, which can still read it")]:
        torch.save({"format": f"dgl-memgnn checkpoint {number}"}, path)
        with pytest.raises(ValueError, match=f"'dgl-memgnn checkpoint {number}'{known}; dgl-memgnn .* reads"):
            load_checkpoint(path)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_checkpoint(tmp_path / "nowhere.pt")
