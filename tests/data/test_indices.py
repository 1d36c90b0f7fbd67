"""Indices in every form, against numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dgl_memgnn.data import check_parts, to_indices


@pytest.mark.parametrize(
    "which",
    [
        slice(1, None, 2),
        slice(None, -3),
        [0, 4, 4, -1],
        range(2, 5),
        np.array([3, 0], dtype=np.int32),
        torch.tensor([5, -6]),
        [True, False, False, True, False, True],
        np.array([False] * 6),
        torch.tensor([True] * 6),
        [],
        np.array([]),
    ],
)
def test_rows_are_those_that_numpy_takes(which):
    rows = np.arange(6)
    forms = which if isinstance(which, slice) else np.asarray(which)
    expected = rows[forms] if isinstance(which, slice) or forms.size else rows[:0]
    found = to_indices(which, 6)
    assert found.dtype == np.int64 and found.tolist() == expected.tolist()


@given(
    st.integers(1, 20).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.booleans(), min_size=n, max_size=n)))
)
def test_masks(drawn):
    size, mask = drawn
    expected = [i for i, chosen in enumerate(mask) if chosen]
    for form in (mask, np.array(mask), torch.tensor(mask)):
        assert to_indices(form, size).tolist() == expected


@pytest.mark.parametrize(
    "which, message",
    [
        ([True, False], "train is a mask of 2 for 6 rows: it needs a value a row"),
        ([0, 6], "train holds 6, which is out of range for 6 rows"),
        ([-7], "train holds -7, which is out of range"),
        ([0.5], "train must be whole numbers or a boolean mask, got float64"),
        ([[0], [1]], r"train must have one dimension, got shape \(2, 1\)"),
        (["0"], "train must be whole numbers"),
    ],
)
def test_what_is_no_index(which, message):
    with pytest.raises(IndexError, match=message):
        to_indices(which, 6, "train")


def test_parts():
    parts = check_parts({"train": np.array([True, True, False, False]), "validation": [-1]}, 4)
    assert {name: rows.tolist() for name, rows in parts.items()} == {"train": [0, 1], "validation": [3]}
    assert check_parts({"train": [0, 0, 1]}, 2)["train"].tolist() == [0, 0, 1]  # a row may count twice


@pytest.mark.parametrize(
    "parts, message",
    [
        ({"train": [0, 1], "validation": [1]}, "Row 1 is in both train and validation"),
        ({"train": [0, 3], "validation": [-1]}, "Row 3 is in both train and validation"),
        ({"train": [0], "validation": []}, "part validation is empty"),
        ({"train": [False] * 4, "validation": [0]}, "part train is empty"),
    ],
)
def test_parts_that_are_none(parts, message):
    with pytest.raises(ValueError, match=message):
        check_parts(parts, 4)
