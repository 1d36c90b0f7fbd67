"""Embedding many graphs at once, and what is kept on disk."""

import os
import pickle
import zipfile

import dgl
import numpy as np
import pytest
import torch
from dgl import DGLError

from dgl_memgnn.cache import default_cache_dir
from dgl_memgnn.transforms import (
    EMBEDDINGS,
    Adjacency,
    HeatKernel,
    RandomWalkWithRestart,
    cache,
    embed,
)

RWR = RandomWalkWithRestart(5)


def make_graphs(seed=0):
    """Of different sizes and features, one without nodes and one a batch."""
    generator = torch.Generator().manual_seed(seed)
    graphs = []
    for size in (7, 0, 12, 1, 30):
        ends = torch.randint(max(size, 1), (2, size), generator=generator)
        graphs.append(dgl.to_bidirected(dgl.graph(tuple(ends), num_nodes=size)))
    graphs[0].ndata["feat"] = torch.ones(7, 2)
    return [*graphs, dgl.batch([graphs[2], graphs[0]], ndata=None)]


def topology(graphs):
    return [graph.ndata["topology"] for graph in graphs]


def assert_equal(actual, expected):
    assert len(actual) == len(expected)
    assert all(torch.equal(*pair) for pair in zip(actual, expected))


@pytest.fixture
def computed(monkeypatch):
    """The numbers of nodes of the batches that were computed."""
    sizes = []
    original = cache._compute
    monkeypatch.setattr(
        cache, "_compute", lambda graphs, transform: (sizes.append(len(graphs)), original(graphs, transform))
    )
    return sizes


@pytest.fixture
def stored(tmp_path):
    """The file of an embedding, and the embedding."""
    rows = topology(embed(make_graphs(), RWR, tmp_path))
    (file,) = tmp_path.iterdir()
    return file, rows


@pytest.mark.parametrize("kind", EMBEDDINGS.values())
@pytest.mark.parametrize("batch_size", [1, 50, 2**18])
def test_together_equals_one_by_one(kind, batch_size, monkeypatch):
    monkeypatch.setattr(cache, "_BATCH_SIZE", batch_size)
    graphs = make_graphs()
    assert embed(graphs, kind(5)) is graphs
    assert_equal(topology(graphs), topology([kind(5)(graph) for graph in make_graphs()]))
    assert set(graphs[0].ndata) == {"feat", "topology"}


def test_batches_are_bounded(monkeypatch):
    """What is embedded together stays below the limit, or is one graph."""
    batches = []
    original = RandomWalkWithRestart.__call__
    monkeypatch.setattr(
        RandomWalkWithRestart, "__call__", lambda self, graph: (batches.append(graph), original(self, graph))[1]
    )
    monkeypatch.setattr(cache, "_BATCH_SIZE", 60)
    embed(make_graphs(), RWR)
    assert [batch.batch_size for batch in batches] == [4, 1, 2]
    assert batches[0].num_nodes() + batches[0].num_edges() <= 60


def test_rows_do_not_share_memory():
    storages = {rows.untyped_storage().data_ptr() for rows in topology(embed(make_graphs(), RWR)) if len(rows)}
    assert len(storages) == 5


@pytest.mark.parametrize("graphs", [[], [dgl.graph(([], []))]])
def test_no_nodes(graphs, tmp_path):
    for _ in range(2):
        assert embed(graphs, RWR, tmp_path) is graphs
    assert [rows.shape for rows in topology(graphs)] == [(0, 5)] * len(graphs)


def test_the_second_call_reads(tmp_path, computed):
    first = topology(embed(make_graphs(), RWR, tmp_path / "new" / "folder"))
    graphs = make_graphs()
    graphs[0].ndata["feat"] += 1
    assert embed(graphs, RWR, str(tmp_path / "new" / "folder")) is graphs
    assert computed == [6]
    assert_equal(topology(graphs), first)
    assert_equal(first, topology(embed(make_graphs(), RWR)))


def test_only_one_file_is_left(stored):
    file, _ = stored
    assert [child.name for child in file.parent.iterdir()] == [file.name]


def other_edge_order(graphs):
    source, target = graphs[2].edges()
    graphs[2] = dgl.graph((source.flip(0), target.flip(0)), num_nodes=12)


def other_edge(graphs):
    graphs[0] = dgl.to_bidirected(dgl.graph(([0], [1]), num_nodes=7))


def other_sizes(graphs):
    """The same edges, and the same number of nodes in all."""
    graphs[0], graphs[3] = (dgl.add_nodes(graphs[0], 1), dgl.graph(([], []), num_nodes=0))


def other_batch(graphs):
    """One graph of as many nodes and the same edges: its nodes see each other when unsorted."""
    graphs[5] = dgl.graph(graphs[5].edges(), num_nodes=19)


def other_order(graphs):
    graphs[0], graphs[2] = graphs[2], graphs[0]


@pytest.mark.parametrize("change", [other_edge_order, other_edge, other_sizes, other_batch, other_order])
def test_other_graphs_miss(change, stored, computed):
    graphs = make_graphs()
    change(graphs)
    embed(graphs, RWR, stored[0].parent)
    assert computed == [6]
    assert_equal(topology(graphs), [RWR(graph.local_var()).ndata["topology"] for graph in graphs])


@pytest.mark.parametrize(
    "transform",
    [
        Adjacency(5),
        HeatKernel(5),
        RandomWalkWithRestart(6),
        RandomWalkWithRestart(5, continue_prob=0.2),
        RandomWalkWithRestart(5, sort=False),
        RandomWalkWithRestart(5, tol=1e-5),
    ],
)
def test_other_transforms_miss(transform, stored, computed):
    graphs = embed(make_graphs(), transform, stored[0].parent)
    assert computed == [6]
    assert_equal(topology(graphs), topology(embed(make_graphs(), transform)))


def weighted_graphs(factor=1.0):
    graphs = make_graphs()
    for graph in graphs:
        source, target = graph.edges()
        graph.edata["w"] = 1.0 + factor * source * target
    return graphs


def test_weights(tmp_path, computed):
    """They count, and only where they are asked for; so do their values in any precision."""
    transform = RandomWalkWithRestart(5, weight_name="w")
    first = topology(embed(weighted_graphs(), transform, tmp_path))
    assert_equal(first, [transform(graph).ndata["topology"] for graph in weighted_graphs()])
    exact = weighted_graphs()
    for graph in exact:
        graph.edata["w"] = graph.edata["w"].double()
    assert_equal(topology(embed(exact, transform, tmp_path)), first)
    assert computed == [6]
    other = topology(embed(weighted_graphs(2.0), transform, tmp_path))
    assert computed == [6, 6] and not torch.equal(other[2], first[2])
    embed(weighted_graphs(), RWR, tmp_path)
    embed(weighted_graphs(2.0), RWR, tmp_path)
    assert computed == [6, 6, 6]
    with pytest.raises(DGLError, match="edge weights in edata"):
        embed(make_graphs(), transform, tmp_path)


def test_edges_with_the_same_sources_miss(tmp_path):
    """A hexagon and two triangles."""
    sources = torch.arange(6)
    hexagon, triangles = (sources + 1) % 6, torch.tensor([1, 2, 0, 4, 5, 3])

    def cycle(target):
        ends = torch.stack([torch.cat([sources, sources]), torch.cat([target, target.argsort()])])
        return dgl.graph(tuple(ends), num_nodes=6)

    rows = [topology(embed([cycle(target)], RWR, tmp_path)) for target in (hexagon, triangles)]
    assert torch.equal(cycle(hexagon).edges()[0], cycle(triangles).edges()[0])
    assert not torch.allclose(rows[0][0], rows[1][0]) and len(list(tmp_path.iterdir())) == 2


def test_index_types_share_an_entry(stored, computed):
    graphs = embed([graph.int() for graph in make_graphs()], RWR, stored[0].parent)
    assert computed == []
    assert_equal(topology(graphs), stored[1])


def truncate(file):
    file.write_bytes(file.read_bytes()[:-100])


def empty(file):
    file.write_bytes(b"")


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def wrong_shape(file):
    np.savez(file, rows=np.zeros((69, 4), np.float32))


def wrong_type(file):
    np.savez(file, rows=np.zeros((69, 5)))


def wrong_name(file):
    np.savez(file, other=np.zeros((69, 5), np.float32))


def pickled(file):
    file.write_bytes(pickle.dumps(Bomb()))


def pickled_array(file):
    np.savez(file, rows=np.array([Bomb()] * 345, object).reshape(69, 5))


def not_an_archive(file):
    with open(file, "wb") as target:
        np.save(target, np.zeros((69, 5), np.float32))


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("unpickled",)


@pytest.mark.parametrize(
    "damage",
    [truncate, empty, flip_a_bit, wrong_shape, wrong_type, wrong_name, pickled, pickled_array, not_an_archive],
)
def test_damaged_files_are_replaced(damage, stored, computed):
    file, rows = stored
    assert sum(map(len, rows)) == 69
    damage(file)
    with pytest.warns(UserWarning, match=f"{file.name} cannot be used and is computed anew") as warned:
        graphs = embed(make_graphs(), RWR, file.parent)
    assert [w.filename for w in warned] == [__file__]
    assert_equal(topology(graphs), rows)
    embed(make_graphs(), RWR, file.parent)
    assert computed == [6]


def test_a_folder_in_place_of_the_file(stored):
    file, rows = stored
    file.unlink()
    file.mkdir()
    with pytest.warns(UserWarning, match="cannot be used"), pytest.warns(UserWarning, match="not stored"):
        graphs = embed(make_graphs(), RWR, file.parent)
    assert_equal(topology(graphs), rows)


def test_a_folder_that_cannot_be_made(tmp_path, stored):
    (tmp_path / "file").write_text("no folder")
    with pytest.warns(UserWarning, match="cannot be used"), pytest.warns(UserWarning, match="not stored.*below"):
        graphs = embed(make_graphs(), RWR, tmp_path / "file" / "below")
    assert_equal(topology(graphs), stored[1])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.warns(UserWarning, match="not stored"):
        embed(make_graphs(), RWR, tmp_path)


@pytest.mark.parametrize("step", ["savez", "replace"])
def test_a_write_that_fails_leaves_nothing(step, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*{"savez": (cache.np, "savez"), "replace": (os, "replace")}[step], full)
    with pytest.warns(UserWarning, match="not stored in .*No space left"):
        graphs = embed(make_graphs(), RWR, tmp_path)
    assert_equal(topology(graphs), topology(embed(make_graphs(), RWR)))
    assert not list(tmp_path.iterdir())


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    """Half a file is never seen under the final name, nor left under another."""

    def half(file, rows):
        file.write_bytes(b"PK half an archive")
        raise KeyboardInterrupt

    monkeypatch.setattr(cache.np, "savez", half)
    with pytest.raises(KeyboardInterrupt):
        embed(make_graphs(), RWR, tmp_path)
    assert not list(tmp_path.iterdir())


def test_another_process_writes_the_same_entry_meanwhile(tmp_path, computed, monkeypatch):
    original = np.savez

    def overtaken(file, rows):
        monkeypatch.setattr(cache.np, "savez", original)
        embed(make_graphs(), RWR, tmp_path)
        original(file, rows=rows)

    monkeypatch.setattr(cache.np, "savez", overtaken)
    embed(make_graphs(), RWR, tmp_path)
    assert computed == [6, 6]
    (file,) = tmp_path.iterdir()
    assert zipfile.ZipFile(file).testzip() is None
    embed(make_graphs(), RWR, tmp_path)
    assert computed == [6, 6]


def test_refused_transforms_and_graphs(tmp_path):
    with pytest.raises(TypeError, match="topological embedding, got AddSelfLoop"):
        embed(make_graphs(), dgl.AddSelfLoop(), tmp_path)
    with pytest.raises(DGLError, match="dgl.to_bidirected"):
        embed([dgl.graph(([0, 1], [1, 2]))], RWR, tmp_path)
    assert not list(tmp_path.iterdir())


def test_default_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DGL_DOWNLOAD_DIR", str(tmp_path / "downloads"))
    assert default_cache_dir() == tmp_path / "downloads" / "dgl_memgnn" / "cache"
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("DGL_DOWNLOAD_DIR", str(tmp_path / "file" / "below"))
    assert default_cache_dir() is None
