"""Files that are written whole or not at all."""

import pytest

from dgl_memgnn.files import read_json, replacing


def test_a_failure_keeps_the_older_file_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        with replacing(path) as unfinished:
            unfinished.write_text("ne")
            raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_older_file_stays_until_the_end(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_who_reads_the_older_file_is_not_disturbed(tmp_path):
    """The new file takes its name, not its place."""
    path = tmp_path / "a.txt"
    path.write_text("old and longer")
    with open(path, "rb", buffering=0) as reader:
        assert reader.read(3) == b"old"
        with replacing(path) as unfinished:
            unfinished.write_text("new")
        assert reader.read() == b" and longer" and path.read_text() == "new"


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"\xff", b"{'a': 1}"])
def test_a_damaged_file_is_named_with_what_to_do(content, tmp_path):
    path = tmp_path / "metrics.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="restore it, or remove it") as caught:
        read_json(path)
    assert str(path) in str(caught.value)
    path.write_text('{"a": "é"}', encoding="utf-8")
    assert read_json(path) == {"a": "é"}
