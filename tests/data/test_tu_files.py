import re
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgl_memgnn.data import tu_files
from dgl_memgnn.data.tu_files import TUFiles, one_hot


@pytest.fixture
def read(tmp_path):
    """Read one file with the given content."""

    def read(content, dtype=np.int64, columns=None):
        (tmp_path / "S_A.txt").write_bytes(content)
        with TUFiles(tmp_path, "S") as files:
            return files.read("A", dtype, columns)

    return read


def test_spaces_line_ends_and_blank_lines_do_not_matter(read):
    expected = [[1, 2], [3000000000, -4]]
    for content in (
        b"1,2\n3000000000,-4\n",
        b" 1,  2\r\n3000000000 , -4\r\n",
        b"1,2\n\n3000000000,-4",
        b"\n1, 2\n  \n3000000000, -4\n\n",
    ):
        table = read(content)
        assert table.dtype == np.int64
        assert table.tolist() == expected


def test_floats(read):
    table = read(b" 1.5, -2e3\n3, 0\n", np.float32)
    assert table.dtype == np.float32
    assert table.tolist() == [[1.5, -2000.0], [3.0, 0.0]]


@pytest.mark.parametrize(
    "content, line, value",
    [
        (b"1, 2\n1, x\n", 2, "'x'"),
        (b"1, 2\n\n\n1, \n", 4, "''"),
        (b"1.5, 2\n", 1, "'1.5'"),
        (b"1, 2\n1, 99999999999999999999\n", 2, "'99999999999999999999'"),
        (b"1, 2\n1, 18446744073709551615\n", 2, "'18446744073709551615'"),
        (b"1, nan\n", 1, "'nan'"),
        (b'1, 2\n"1", 2\n', 2, "'\"1\"'"),
        (b"1, 2\n1, \xff\n", 2, "'\ufffd'"),
        (b"1, 2\n3\n", 2, "1 values where the first line has 2"),
        (b"1, 2\n\n3, 4, 5\n", 3, "3 values where the first line has 2"),
    ],
)
def test_first_line_that_is_not_integers_is_named(read, content, line, value):
    with pytest.raises(ValueError, match=f"S_A.txt in .*, line {line}: {re.escape(value)}"):
        read(content)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e39", "", "two"])
def test_floats_must_be_finite_in_32_bits(read, value):
    with pytest.raises(ValueError, match=f"line 2: '{value}' is not a finite number"):
        read(f"1, 2\n{value}, 2\n".encode(), np.float32)


def test_empty_file(read):
    with pytest.raises(ValueError, match="S_A.txt in .* cannot be read: it is empty: copy or download it again"):
        read(b"")


def test_number_of_columns(read):
    assert read(b"1\n2\n", columns=1).shape == (2, 1)
    with pytest.raises(ValueError, match="S_A.txt in .* has 2 columns where 1 are expected"):
        read(b"1, 2\n", columns=1)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_zip_and_folder_give_the_same(tmp_path, method):
    (tmp_path / "S_A.txt").write_text("1, 2\n2, 1\n")
    with zipfile.ZipFile(tmp_path / "S.zip", "w", method) as archive:
        archive.write(tmp_path / "S_A.txt", "S/S_A.txt")
    with TUFiles(tmp_path, "S") as folder, TUFiles(tmp_path / "S.zip", "S") as archive:
        assert "A" in folder and "A" in archive
        assert "node_labels" not in folder and "node_labels" not in archive
        assert np.array_equal(folder.read("A"), archive.read("A"))


def test_missing_file_is_named(tmp_path):
    with TUFiles(tmp_path, "S") as files, pytest.raises(ValueError, match="has no S/S_graph_labels.txt"):
        files.read("graph_labels")


def test_zip_is_not_extracted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("S.zip", "w") as archive:
        archive.writestr("S/S_A.txt", "1, 2\n")
        archive.writestr("../escaped.txt", "1")
        archive.writestr("S/../S_graph_labels.txt", "1")
    with TUFiles(tmp_path / "S.zip", "S") as files:
        assert files.read("A").tolist() == [[1, 2]]
        assert "graph_labels" not in files
    assert [path.name for path in tmp_path.iterdir()] == ["S.zip"]
    assert not (tmp_path.parent / "escaped.txt").exists()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_damaged_zip(tmp_path, method):
    path = tmp_path / "S.zip"
    lines = np.random.default_rng(0).integers(1, 10000, (5000, 2))
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("S/S_A.txt", "".join(f"{a}, {b}\n" for a, b in lines))
    intact = path.read_bytes()
    path.write_bytes(intact[: len(intact) // 2])
    with pytest.raises(ValueError, match=f"{path} is not a readable zip file .* download it again"):
        TUFiles(path, "S")
    middle = len(intact) // 2
    path.write_bytes(intact[:middle] + bytes(200) + intact[middle + 200 :])
    with TUFiles(path, "S") as files, pytest.raises(ValueError, match="S.zip"):
        files.read("A")


def test_wrong_checksum_in_zip(tmp_path):
    path = tmp_path / "S.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("S/S_A.txt", "1, 2\n2, 1\n")
    path.write_bytes(path.read_bytes().replace(b"1, 2\n", b"1, 3\n"))
    with TUFiles(path, "S") as files, pytest.raises(ValueError, match="not a readable zip file .*CRC"):
        files.read("A")


def test_zip_bomb(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "S.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("S/S_A.txt", b"1, 2\n" * 10**6)
    with TUFiles(tmp_path / "S.zip", "S") as files:
        assert len(files.read("A")) == 10**6  # repetitive, but small
        monkeypatch.setattr(tu_files, "_MAX_SIZE", 2**20)
        with pytest.raises(ValueError, match="S_A.txt in .*S.zip would grow from .* to 5000000 bytes"):
            files.read("A")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_that_understates_its_size(tmp_path, method):
    """No more is unpacked than was stated."""
    path = tmp_path / "S.zip"
    content = b"1, 2\n" * 10**6
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("S/S_A.txt", content)
    size = len(content).to_bytes(4, "little")
    assert path.read_bytes().count(size) == 2
    path.write_bytes(path.read_bytes().replace(size, (15).to_bytes(4, "little")))
    with TUFiles(path, "S") as files, pytest.raises(ValueError, match="S.zip is not a readable zip file .*CRC"):
        files.read("A")


def test_labels_that_are_different_for_each_node(tmp_path):
    (tmp_path / "S_node_labels.txt").write_text("\n".join(map(str, range(40000))))
    with TUFiles(tmp_path, "S") as files:
        with pytest.raises(ValueError, match="S_node_labels.txt in .* has 40000 different labels"):
            files.features("node", 40000)


def test_features_are_one_hot_labels_then_attributes(tmp_path):
    (tmp_path / "S_node_labels.txt").write_text("5, 1\n-2, 1\n5, 0\n")
    (tmp_path / "S_node_attributes.txt").write_text("0.5, 10\n1.5, 20\n2.5, 30\n")
    with TUFiles(tmp_path, "S") as files:
        feat = files.features("node", 3)
        assert files.features("edge", 7).shape == (7, 0)
    assert feat.dtype == np.float32
    assert feat.tolist() == [[0, 1, 0, 1, 0.5, 10], [1, 0, 0, 1, 1.5, 20], [0, 1, 1, 0, 2.5, 30]]


def test_features_of_another_length(tmp_path):
    (tmp_path / "S_node_attributes.txt").write_text("0.5\n1.5\n")
    with TUFiles(tmp_path, "S") as files:
        with pytest.raises(ValueError, match="S_node_attributes.txt in .* has 2 lines for 3 nodes"):
            files.features("node", 3)


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1))
def test_one_hot(values):
    encoded = one_hot(np.array(values))
    assert encoded.shape == (len(values), len(set(values)))
    assert (encoded.sum(axis=1) == 1).all()
    assert [sorted(set(values))[column] for column in encoded.argmax(axis=1)] == values


@pytest.mark.parametrize(
    "suffix, other", [("node_labels", "_node_attributes"), ("edge_attributes", "_edge_attributes")]
)
def test_labels_that_vary_in_number_leave_a_way_on(tmp_path, suffix, other):
    """As in sets whose labels change over time; files that a set cannot do without have none."""
    (tmp_path / f"S_{suffix}.txt").write_text("0, 0\n0, 0, 74, 1\n")
    with TUFiles(tmp_path, "S") as files, pytest.raises(ValueError) as raised:
        files.read(suffix)
    assert f"S_{suffix}.txt in" in str(raised.value) and "line 2: 4 values where the first line has 2" in str(
        raised.value
    )
    assert f"remove the file to go without them, or write {other} of one width" in str(raised.value)
    (tmp_path / "S_A.txt").write_text("1, 2\n1, 2, 3\n")
    with TUFiles(tmp_path, "S") as files, pytest.raises(ValueError, match="line 2: 3 values where .* has 2.$"):
        files.read("A")
