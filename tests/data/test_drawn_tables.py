"""Tables of any content: read cell by cell as they stand, or refused with the name of the file."""

import csv
import io
from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dgl_memgnn.data.molecule_csv import read_molecules

drawn = settings(max_examples=60, deadline=None, derandomize=True)
odd = ["CCO", "", " ", "NA", "nan", "None", "1", "-2e3", "inf", "1e39", "0x1A", '"', ";", "\t"]
cells = st.one_of(st.sampled_from(odd), st.floats(allow_nan=True).map(repr), st.text(max_size=6))
numbers = st.one_of(
    st.sampled_from(["", "NA", " 1.5 ", "1e-3", "nan", "7"]),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr),
)


def read(folder, content, tasks):
    """What is read; the message where it is refused. Any other exception is a failure."""
    path = folder.mktemp("drawn") / "drawn.csv"
    path.write_bytes(content)
    try:
        table = read_molecules(path, "smiles", tasks)
        return SimpleNamespace(smiles=table.smiles, rows=table.rows, labels=[c.numbers() for c in table.targets])
    except ValueError as error:
        assert str(path) in str(error)
        return str(error)


def expected_label(cell):
    """The number of a cell, NaN where it is missing; None for a cell that must be refused."""
    cell = cell.strip()
    if cell.lower() in ("", "na", "n/a", "#n/a", "nan", "null", "none"):
        return np.nan
    try:
        value = float(cell)
    except ValueError:
        return None
    with np.errstate(over="ignore"):
        return value if np.isfinite(np.float32(value)) else None


def written(rows, line_end):
    """A table; csv.writer of Python 3.10 refuses the character of number 0."""
    return "".join(",".join(map(quoted, row)) + line_end for row in [["id", "smiles", "y"], *rows])


def quoted(cell):
    """A cell as csv.writer writes it, in quotes where it must be."""
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\r\n') else cell


@drawn
@given(
    st.lists(st.tuples(cells, cells, st.one_of(cells, numbers)), min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_any_cells(tmp_path_factory, rows, line_end, byte_order_mark):
    content = written(rows, line_end).encode("utf-8-sig" if byte_order_mark else "utf-8", "replace")
    table = read(tmp_path_factory, content, ["y"])
    if isinstance(table, str):
        return
    expected = [[*row, "", "", ""] for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))][1:]
    assert table.smiles == [row[1] for row in expected]
    labels = [expected_label(row[2]) for row in expected]
    assert None not in labels
    np.testing.assert_allclose(table.labels[0], np.array(labels, np.float64), rtol=1e-6)


@drawn
@given(st.lists(st.tuples(st.sampled_from(["C", "N", "", "x y", "C,N", 'C"']), numbers), min_size=1, max_size=6))
def test_clean_tables_are_read(tmp_path_factory, rows):
    rows = [("7", "C", "1"), *(("7", *row) for row in rows)]
    table = read(tmp_path_factory, written(rows, "\n").encode(), ["y"])
    assert table.smiles == [row[1] for row in rows]
    labels = np.array([expected_label(row[2]) for row in rows], np.float64)
    np.testing.assert_allclose(table.labels[0], labels, rtol=1e-6)


@drawn
@given(
    st.one_of(
        st.binary(max_size=60),
        st.lists(
            st.sampled_from(["smiles", "y", ",", "\n", "\r", '"', "C", "1", "\x00", "\ufeff", ";", " ", "é"]),
            max_size=25,
        ).map(lambda parts: "".join(parts).encode()),
        st.binary(max_size=30).map(lambda rest: b"smiles,y\nC,1\n" + rest),
    )
)
def test_any_bytes(tmp_path_factory, content):
    for tasks in ([], ["y"]):
        table = read(tmp_path_factory, content, tasks)
        assert isinstance(table, str) or len(table.smiles) == len(table.rows) > 0
        assert isinstance(table, str) or [len(column) for column in table.labels] == [len(table.rows)] * len(tasks)
