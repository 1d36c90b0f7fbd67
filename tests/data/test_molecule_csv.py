import gzip
import os
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgl_memgnn.data import MoleculeDataset
from dgl_memgnn.data.molecule_csv import column_names, iterate_molecules, numeric_columns, read_molecules


@pytest.fixture
def read(tmp_path):
    """Read a CSV file of the given content, its targets as numbers."""

    def read(content, tasks=("y",), name="m.csv"):
        (tmp_path / name).write_bytes(content)
        table = read_molecules(tmp_path / name, "smiles", tasks)
        return SimpleNamespace(smiles=table.smiles, rows=table.rows, labels=labels_of(table))

    return read


def labels_of(table):
    return np.array([column.numbers() for column in table.targets]).T.reshape(len(table.smiles), -1)


def test_smiles_that_look_like_missing_values_stay(read):
    table = read(b"smiles,y\nN,1\nNA,2\nnan,3\nNone,4\n,5\n")
    assert table.smiles == ["N", "NA", "nan", "None", ""]
    assert table.labels.tolist() == [[1], [2], [3], [4], [5]]


def test_missing_targets(read):
    cells = ["", " ", "NA", "n/a", "NaN", "#N/A", "null", "None"]
    labels = read(b"smiles,y\nC,1\n" + "".join(f"C,{cell}\n" for cell in cells).encode()).labels
    assert labels.dtype == np.float64
    assert np.isnan(labels[1:]).all() and labels[0] == 1


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfsmiles,y\nCCO,1.5\nN,-2e-3\n",
        b"smiles,y\r\nCCO,1.5\r\nN,-2e-3\r\n",
        b'"smiles"," y "\n"CCO"," 1.5 "\nN,-2e-3',
        b"id,y,z,smiles\n7,1.5,,CCO\n8,-2e-3,,N\n",
        b"smiles\ty\nCCO\t1.5\nN\t-2e-3\n",
        b"IC50, nM\tsmiles\ty\n7,5\tCCO\t1.5\n8,0\tN\t-2e-3\n",
        b"smiles;y;a, b\nCCO;1.5;1\nN;-2e-3;\n",
        b"smiles,y\nCCO,1.5,\nN,-2e-3, ,\n",
        b"smiles,y,\nCCO,1.5,\nN,-2e-3,\n",
    ],
)
def test_dialects(read, content):
    table = read(content)
    assert table.smiles == ["CCO", "N"]
    assert np.allclose(table.labels, [[1.5], [-2e-3]])
    assert table.rows == [2, 3]


def test_gzip(read):
    assert read(gzip.compress(b"smiles,y\nCCO,1\n"), name="m.csv.gz").smiles == ["CCO"]


@pytest.mark.parametrize(
    "damaged",
    [b"smiles,y\nCCO,1\n", gzip.compress(b"smiles,y\n" * 9, mtime=0)[:-9]],
    ids=["not compressed", "cut off"],
)
def test_damaged_gzip(read, damaged):
    with pytest.raises(ValueError, match="m.csv.gz cannot be read"):
        read(damaged, name="m.csv.gz")


def test_blank_lines_keep_their_number(read):
    table = read(b"smiles,y\nCCO,1\n\nN,2\n")
    assert table.smiles == ["CCO", "", "N"]
    assert table.rows == [2, 3, 4]


def test_cells_of_several_lines_keep_the_count(read):
    table = read(b'note,smiles,y\n"one\ntwo",CCO,1\n,N,2\n')
    assert (table.smiles, table.rows) == (["CCO", "N"], [2, 4])


def test_short_rows_miss_their_last_cells(read):
    table = read(b"smiles,y\nCCO,1\nN\n")
    assert table.smiles == ["CCO", "N"] and np.isnan(table.labels[1, 0])


def test_tasks_keep_their_order_and_may_be_none_at_all(read):
    content = b"a,smiles,b\n1,CCO,2\n"
    assert read(content, ["b", "a"]).labels.tolist() == [[2, 1]]
    assert read(content, []).labels.shape == (1, 0)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "m.csv is empty"),
        (b"\n\n", "m.csv is empty"),
        (b"smiles,y\n", "a header but no molecule"),
        (b"SMILES,y\nC,1\n", r"'smiles' \(smiles_column, --smiles-column\): its columns are 'SMILES', 'y'\."),
        (b"smiles,Y\nC,1\n", r"'y' \(task_columns, --tasks\): its columns are 'smiles', 'Y'\."),
        (b"C,1\nN,2\n", "no column 'smiles' .*'C', '1'"),
        (b"smiles,y,y\nC,1,2\n", "2 columns 'y' .*rename"),
        (b"SMILES;y\nC;1\n", "no column 'smiles' .*: its columns are 'SMILES', 'y'"),
        (b"smiles;y\nC;0,61\n", "line 2, column 'y': '0,61' is not a number with a decimal point"),
        (b"smiles\ty\nC\t1\t2\n", "not a tab-separated table: there are 3 cells in line 2, and 2 in the header"),
        (
            b"CCO,0.61\nN,1\n",
            "columns are 'CCO', '0.61'. These are values rather than names: if so, add a header line",
        ),
        (b"CC(=O)O\nN\n", "columns are 'CC\\(=O\\)O'. These are values rather than names"),
        (b"smiles,y\nC,1\nN,high\n", "m.csv, line 3, column 'y': 'high' is not a number"),
        (b"smiles,y\nC,1\n\nN,high\n", "line 4, column 'y': 'high'"),
        (b"smiles,y\nC,0x1A\n", "line 2, column 'y': '0x1A' is not a number"),
        (b"smiles,y\nC,True\nC,1\n", "line 2, column 'y': 'True' is not a number"),
        (b"smiles,y\nC,inf\n", "line 2, column 'y': 'inf' is infinite"),
        (b"smiles,y\nC,1\nC,-1e39\n", "line 3, column 'y': '-1e39' is infinite"),
        (b"smiles,y\nC,\nN,NA\n", "the target 'y' has no value in any row"),
        (b"smiles,y\nC,1,2\n", "not a comma-separated table: there are 3 cells in line 2, and 2 in the header"),
        (
            b'smiles,y\nN,2\n"C,1\nO,3\n',
            "not a comma-separated table: .*end of data in the row that starts in line 3",
        ),
        (b'smiles,y\n"C"N,1\n', "not a comma-separated table: .* in line 2"),
        (b'smiles,y,note\nC,1,"two\nlines"\nC,high,\n', "line 4, column 'y': 'high'"),
        ("smiles,y\nC,1\n".encode("utf-16"), "not UTF-8 text: line 1 holds"),
        (b"smiles,y\n" + b"C,1\n" * 50_000 + b"C,\xb5\n", "not UTF-8 text: line 50002 holds"),
        (b"smiles,y\nC," + b"x" * 5000 + b"\n", "line 2, column 'y': 'x{80}…' is not a number"),
    ],
)
def test_errors_name_place_and_remedy(read, content, message):
    with pytest.raises(ValueError, match=message):
        read(content)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("name", ["m.csv", "m.csv.gz"])
def test_pieces_are_those_of_the_whole(tmp_path, size, name):
    content = "\ufeffy,smiles\r\n1,C\r\n,N\r\n\r\n2.5,\r\n4,O".encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    whole = read_molecules(tmp_path / name, "smiles", ["y"])
    pieces = list(iterate_molecules(tmp_path / name, "smiles", size))
    assert [len(piece.smiles) for piece in pieces] == [min(size, 5 - i) for i in range(0, 5, size)]
    assert sum((piece.smiles for piece in pieces), []) == whole.smiles == ["C", "N", "", "", "O"]
    assert sum((piece.rows for piece in pieces), []) == whole.rows == [2, 3, 4, 5, 6]
    assert all(piece.header == ["y", "smiles"] for piece in pieces)
    assert [record[0] for piece in pieces for record in piece.records] == ["1", "", "", "2.5", "4"]
    assert whole.targets[0].values == ["1", "", "", "2.5", "4"]


@pytest.mark.parametrize(
    "content, message",
    [
        (b"smiles,y\nC,1\nC,2\nC,3,4\n", "3 cells in line 4, and 2 in the header"),
        (b"smiles,y\nC,1\nC,2\nC,\xff\n", "not UTF-8 text: line 4 holds other bytes"),
        (b'smiles,y\nC,1\nC,2\n"C,3\n', "in the row that starts in line 4"),
        (b"smiles,y\n", "a header but no molecule"),
        (b"", "is empty"),
    ],
)
def test_errors_in_pieces(tmp_path, content, message):
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        list(iterate_molecules(tmp_path / "m.csv", "smiles", chunk_size=1))


def test_a_pipe_is_named_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "m.csv")
    for read in (column_names, numeric_columns):
        with pytest.raises(ValueError, match="m.csv is no file but a pipe or a device, and is read more"):
            read(tmp_path / "m.csv", "smiles")


def test_rows_that_are_dropped_need_no_part_and_no_weight(tmp_path):
    lines = ["smiles,y,part,w", "C,1,train,1", "N,2,test,3", ",,,", "", "O,NA,,", ",5,val,2"]
    path = tmp_path / "m.csv"
    path.write_text("\n".join(lines) + "\n")
    table = read_molecules(path, "smiles", ["y"], "part", "w")
    assert table.parts == ["train", "test", "train", "train", "train", "validation"]
    assert table.weights.tolist() == [1, 3, 0, 0, 0, 2]
    dataset = MoleculeDataset.from_csv(path, "smiles", ["y"], splits_column="part", weight_column="w")
    assert dataset.rows == [2, 3] and len(dataset.dropped) == 4
    path.write_text("\n".join([*lines, "F,3,,1"]) + "\n")
    with pytest.raises(ValueError, match="line 8, column 'part': '' is no part"):
        read_molecules(path, "smiles", ["y"], "part")
    path.write_text("\n".join([*lines, "F,3,val,"]) + "\n")
    with pytest.raises(ValueError, match="line 8, column 'w': '' is no weight"):
        read_molecules(path, "smiles", ["y"], "part", "w")
    path.write_text("smiles,y,part\nC,1,test\n,,\n")
    with pytest.raises(ValueError, match="No row of the column 'part' says train"):
        read_molecules(path, "smiles", ["y"], "part")


def test_a_target_may_start_late(read):
    rows = b"C,\n" * 2500
    labels = read(b"smiles,y\n" + rows + b"C,1\n").labels
    assert np.isnan(labels[:-1]).all() and labels[-1] == 1


def test_columns_that_could_be_targets(tmp_path):
    header = b"name,smiles,y,label,late,void,id\n"
    rows = b"a,C,1.5,0,,,1\n" + b"b,C,NA,1,,NA,2\n" * 2500 + b"c,C,2,1,7,,x3\n"
    (tmp_path / "m.csv").write_bytes(header + rows)
    with pytest.warns(UserWarning) as warned:
        assert numeric_columns(tmp_path / "m.csv", "smiles") == ["y", "label", "late"]
    (warning,) = warned
    said = "'id' is not among the columns of numbers, since 1 of its values is no number"
    assert str(warning.message) == f"{said}: {tmp_path / 'm.csv'}, line 2503, column 'id': 'x3'."
    with pytest.warns(UserWarning, match=said):
        assert numeric_columns(tmp_path / "m.csv", "y") == ["label", "late"]
    with pytest.raises(ValueError, match="no column 'SMILES'"):
        numeric_columns(tmp_path / "m.csv", "SMILES")


def test_long_headers_are_cut(read):
    header = ",".join(f"c{i}" for i in range(595))
    with pytest.raises(ValueError, match="'c28', 'c29' and 565 more"):
        read(f"{header}\n{header}\n".encode())


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.csv"):
        read_molecules(tmp_path / "none.csv", "smiles")


def test_an_address_is_not_opened():
    with pytest.raises(FileNotFoundError):
        read_molecules("https://example.org/m.csv", "smiles")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False)), min_size=1))
def test_numbers_survive(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("csv") / "m.csv"
    path.write_text("y,smiles\n0,C\n" + "".join(f"{'' if y is None else repr(y)},C\n" for y in values))
    expected = np.array([[0.0]] + [[np.nan if y is None else y] for y in values], dtype=np.float32)
    labels = labels_of(read_molecules(path, "smiles", ["y"]))
    assert np.array_equal(labels.astype(np.float32), expected, equal_nan=True)


def test_a_cell_as_large_as_a_structure_file(read):
    table = read(b"smiles,y,pdb\nC,1,\nN,2," + b"A" * 500_000 + b"\n")
    assert table.smiles == ["C", "N"] and table.labels.tolist() == [[1], [2]]


def test_names_of_columns(tmp_path):
    for content, names in [
        ("smiles,y\nC,1\n", ["smiles", "y"]),
        ('smiles,"IC50, nM"\nC,1\n', ["smiles", "IC50, nM"]),
        ("smiles\tIC50, nM\nC\t1\n", ["smiles", "IC50, nM"]),
        ("SMILES;y;z\nC;1;2\n", ["SMILES", "y", "z"]),
    ]:
        (tmp_path / "m.csv").write_text(content)
        assert column_names(tmp_path / "m.csv", "smiles") == names
