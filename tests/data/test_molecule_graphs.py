"""Graphs of many molecules: the same in one process, in several, and from the disk."""

import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

from dgl_memgnn.data import (
    FEATURIZERS,
    MoleculeDataset,
    chunks,
    featurizers,
    molecule_graphs,
    smiles_to_graph,
    smiles_to_graphs,
)

SMILES = ["CCO", "C1CC", "[Na+].[Cl-]", None, "F/C=C/Cl", "", "N", "O=S(=O)(O)c1ccccc1", "[NH4+]"]
GOOD = [0, 2, 4, 6, 7, 8]


def assert_graphs(graphs, reasons, smiles=SMILES, featurizer="canonical"):
    """One by one, each is the graph of its molecule."""
    assert len(graphs) == len(reasons) == len(smiles)
    for graph, reason, text in zip(graphs, reasons, smiles):
        assert (graph is None) == bool(reason)
        if graph is not None:
            expected = smiles_to_graph(text, featurizer)
            assert graph.idtype == expected.idtype and graph.num_nodes() == expected.num_nodes()
            assert all(torch.equal(*ends) for ends in zip(graph.edges(), expected.edges()))
            for own, other in ((graph.ndata, expected.ndata), (graph.edata, expected.edata)):
                assert own["feat"].dtype == torch.float32 and torch.equal(own["feat"], other["feat"])


@pytest.fixture
def featurized(pieces_given_to):
    """The lists of molecules that were featurized."""
    return pieces_given_to(molecule_graphs, "_featurize")


@pytest.fixture
def stored(tmp_path):
    smiles_to_graphs(SMILES, cache_dir=tmp_path)
    (file,) = tmp_path.iterdir()
    return file


@pytest.mark.parametrize("featurizer", FEATURIZERS)
@pytest.mark.parametrize("chunk_size", [2, 100])
def test_each_is_the_graph_of_its_molecule(featurizer, chunk_size, monkeypatch, tmp_path):
    monkeypatch.setattr(chunks, "_CHUNK_SIZE", chunk_size)
    for _ in range(2):  # computed, then read
        graphs, reasons = smiles_to_graphs(SMILES, featurizer, tmp_path)
        assert_graphs(graphs, reasons, SMILES, featurizer)
        assert [i for i, reason in enumerate(reasons) if not reason] == GOOD
        assert reasons[1] == "invalid SMILES: syntax error in 'C1CC'" and reasons[3] == "not a string: None"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("smiles", [[], ["x", ""], ["[He]"]])
def test_few(smiles, tmp_path):
    for _ in range(2):
        assert_graphs(*smiles_to_graphs(smiles, cache_dir=tmp_path), smiles)


def test_the_second_call_reads(stored, featurized):
    assert_graphs(*smiles_to_graphs(SMILES, cache_dir=str(stored.parent)))
    assert featurized == []


@pytest.mark.parametrize(
    "smiles, featurizer",
    [
        ([*SMILES[:-1], "[OH3+]"], "canonical"),
        ([*SMILES[1:], SMILES[0]], "canonical"),
        (SMILES[:-1], "canonical"),
        ([text if text is not None else "None" for text in SMILES], "canonical"),
        (["CCO\n'C1CC'", *SMILES[2:]], "canonical"),
        (SMILES, "memgnn"),
    ],
)
def test_other_molecules_or_features_miss(smiles, featurizer, stored, featurized):
    assert_graphs(*smiles_to_graphs(smiles, featurizer, stored.parent), smiles, featurizer)
    assert featurized


@pytest.mark.parametrize("what", ["rdkit", "dgllife", "featurizers"])
def test_another_version_misses(what, stored, featurized, monkeypatch):
    if what == "featurizers":
        monkeypatch.setattr(featurizers, "FEATURIZERS_VERSION", 0)
    else:
        monkeypatch.setattr(molecule_graphs, "version", lambda name: "0" if name == what else "1")
        smiles_to_graphs(SMILES, cache_dir=stored.parent)
        featurized.clear()
        monkeypatch.setattr(molecule_graphs, "version", lambda name: "1")
    smiles_to_graphs(SMILES, cache_dir=stored.parent)
    assert featurized


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def truncate(file):
    file.write_bytes(file.read_bytes()[:-100])


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def pickled(file):
    file.write_bytes(pickle.dumps(Bomb()))


def changed(name, change):
    def damage(file):
        with np.load(file) as content:
            arrays = dict(content)
        arrays[name] = change(arrays[name])
        np.savez(file, **arrays)

    damage.__name__ = f"changed_{name}"
    return damage


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        flip_a_bit,
        pickled,
        changed("src", lambda ids: ids + 100),
        changed("dst", lambda ids: ids - 100),
        changed("dst", lambda ids: ids[:-1]),
        changed("num_nodes", lambda sizes: sizes[:-1]),
        changed("num_edges", lambda sizes: sizes + 1),
        changed("node_row", lambda rows: rows + 100),
        changed("node_row", lambda rows: rows[:-1]),
        changed("edge_row", lambda rows: rows - 100),
        changed("edge_feat", lambda feat: feat[:1]),
        changed("node_feat", lambda feat: feat[:, 1:]),
        changed("edge_feat", lambda feat: feat.astype(np.float64)),
        changed("node_feat", lambda feat: np.array([Bomb()], object)),
        changed("reasons", lambda text: text[:-1]),
        changed("reasons", lambda text: np.frombuffer(b'["", ""]', np.uint8)),
    ],
)
def test_damaged_files_are_replaced(damage, stored, featurized):
    damage(stored)
    with pytest.warns(UserWarning, match=f"{stored.name} cannot be used and is computed anew"):
        assert_graphs(*smiles_to_graphs(SMILES, cache_dir=stored.parent))
    featurized.clear()
    assert_graphs(*smiles_to_graphs(SMILES, cache_dir=stored.parent))
    assert featurized == []
    assert zipfile.ZipFile(stored).testzip() is None


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.warns(UserWarning, match="cannot be used"), pytest.warns(UserWarning, match="not stored.*below"):
        assert_graphs(*smiles_to_graphs(SMILES, cache_dir=tmp_path / "file" / "below"))


def test_data_sets_are_read_from_the_disk_too(tmp_path, featurized):
    labels = [1.0, 2.0, float("nan"), *range(6)]
    first, second = (MoleculeDataset(SMILES, labels, cache_dir=tmp_path) for _ in range(2))
    assert len(featurized) == 1
    assert len(first) == len(second) == 5 and first.smiles == second.smiles
    assert first.dropped == second.dropped and [record.row for record in first.dropped] == [1, 2, 3, 5]
    assert all(torch.equal(a.ndata["feat"], b.ndata["feat"]) for a, b in zip(first.graphs, second.graphs))


UNGUARDED = """
import os, sys
with open("started", "a") as file:
    file.write("once ")
from dgl_memgnn.data import chunks, molecule_graphs
molecule_graphs._MANY, chunks._CHUNK_SIZE = 0, 2
main_process = os.getpid()
original = molecule_graphs.featurize

def elsewhere(smiles, *args, **kwargs):
    assert not smiles or os.getpid() != main_process
    return original(smiles, *args, **kwargs)

def dies(smiles, *args, **kwargs):
    return os._exit(1) if "die" in smiles else original(smiles, *args, **kwargs)

molecule_graphs.featurize = elsewhere
graphs, reasons = molecule_graphs.smiles_to_graphs(["C" * n for n in range(9)])
print([graph and graph.num_nodes() for graph in graphs], reasons[0])
molecule_graphs.featurize = dies
try:
    molecule_graphs.smiles_to_graphs(["C"] * 9 + ["die"])
except ChildProcessError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor, one process")
def test_several_processes_for_a_script_without_a_guard(tmp_path):
    """The processes do not run the script again, keep the order, and are missed when they die."""
    (tmp_path / "script.py").write_text(UNGUARDED)
    environment = {**os.environ, "LOKY_MAX_CPU_COUNT": "2", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "[None, 1, 2, 3, 4, 5, 6, 7, 8] empty SMILES"
    assert "One of 2 processes died, with piece" in lines[1]
    assert (tmp_path / "started").read_text() == "once "
