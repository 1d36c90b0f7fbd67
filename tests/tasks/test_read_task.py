"""Which kind of task values are for, and which labels they become."""

import numpy as np
import pytest

from dgl_memgnn.tasks import TASK_TYPES, Column, make_task, read_task

NAN = float("nan")


def columns(**values):
    return [
        Column(name, column, lambda i, name=name, column=column: f"line {i + 2}, column {name!r}: {column[i]!r}")
        for name, column in values.items()
    ]


@pytest.mark.parametrize(
    "values, task_type, reason",
    [
        ({"a": [0, 1, NAN, 1]}, "binary", "whose values are all 0 or 1"),
        ({"a": ["0", "1", "", "1.0"]}, "binary", "whose values are all 0 or 1"),
        ({"a": [0, 1, NAN], "b": [1, 1, 0]}, "binary", "whose values are all 0 or 1"),
        ({"a": [0, 1, 0.5]}, "regression", "whose values are not all 0 or 1"),
        ({"a": ["0", "1", "2"]}, "regression", "whose values are not all 0 or 1"),
        ({"a": ["-1", "1", ""]}, "classes", "whose values are all -1 or 1"),
        ({"a": ["active", "inactive", "NA"]}, "classes", "whose values are words"),
        ({"a": ["True", "False"]}, "classes", "whose values are words"),
        ({"a": [True, False]}, "binary", "whose values are all 0 or 1"),
    ],
)
def test_values_suggest_a_kind_of_task(values, task_type, reason):
    if any(isinstance(value, bool) for column in values.values() for value in column):
        values = {name: np.array(column, dtype=float) for name, column in values.items()}
    task, labels, chosen = read_task(columns(**values))
    assert task.task_type == task_type and task.names == list(values)
    assert f"{reason} (--tasks, --task-type)." in chosen
    assert labels.shape == (len(next(iter(values.values()))), len(values))


def test_columns_of_two_kinds_are_regressed_and_that_is_said():
    task, labels, chosen = read_task(columns(size=[1.5, 2, 3], aromatic=[0, 1, NAN]))
    assert task.task_type == "regression"
    assert chosen == (
        "Task: regression of 'size', 'aromatic', whose values are not all 0 or 1 (--tasks, --task-type). Alone, "
        "'aromatic' would be classification (binary): for that, train it in a run of its own."
    )


@pytest.mark.parametrize(
    "values, classes, labels",
    [
        (["active", "inactive", "", "active"], ["active", "inactive"], [0, 1, NAN, 0]),
        (["2", "0", "1.0", "NA"], [0, 1, 2], [2, 0, 1, NAN]),
        (["-1", " 1", "-1"], [-1, 1], [0, 1, 0]),
        (np.array([0.0, 3.0, NAN]), [0, 3], [0, 1, NAN]),
        (["True", "False", None], ["False", "True"], [1, 0, NAN]),
        (["10", "9", "x"], ["10", "9", "x"], [0, 1, 2]),
    ],
)
def test_labels_of_classes(values, classes, labels):
    task, found, _ = read_task(columns(a=values), "classes")
    assert task.classes == classes
    np.testing.assert_array_equal(found[:, 0], labels)


@pytest.mark.parametrize(
    "values, task_type, message",
    [
        ({"a": ["1", "high"]}, None, "line 3, column 'a': 'high' is not a number"),
        (
            {"a": ["1", "high"]},
            "regression",
            "not a number; leave the cell empty if the value is missing",
        ),
        (
            {"a": ["True", ""], "b": ["False", "True"]},
            None,
            "'True' is not a number.*yes and no of several are 1 and 0",
        ),
        ({"a": ["01", "x1"]}, None, "'x1' is not a number.*of one column \\(--task-type classes\\)"),
        ({"a": ["3A4", "2D6"] * 3}, None, "'3A4' is not a number.*of one column \\(--task-type classes\\)"),
        ({"a": ["1", ">10"]}, None, "'>10' is not a number; leave the cell empty if the value is missing.$"),
        ({"a": ["1", "2"]}, "binary", "line 3, column 'a': '2' is neither 0 nor 1.*--task-type classes"),
        ({"a": ["1", "2.5"]}, "classes", "line 3, column 'a': '2.5' is not a class.*--task-type regression"),
        ({"a": ["low", "high", "Low"]}, "classes", "line 4, .*'Low' and 'low' above it differ in case only"),
        ({"a": ["1", "2"], "b": ["1", "2"]}, "classes", "Classes are those of one column, got 2: 'a', 'b'"),
        ({"a": ["1", "1e39"]}, None, "line 3, column 'a': '1e39' is infinite"),
        ({"a": ["1.5", "inf"]}, None, "the cell empty if the value is missing.$"),
        ({"a": ["1"]}, "ranking", "Unknown task type 'ranking': choose one of binary, classes, regression"),
    ],
)
def test_values_that_are_none_for_a_task(values, task_type, message):
    with pytest.raises(ValueError, match=message):
        read_task(columns(**values), task_type)


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_a_task_is_made_again_from_its_arguments(task_type):
    task, labels, _ = read_task(columns(a=[0, 1, 1]), task_type)
    again = make_task(task_type, task.arguments)
    again.load_state_dict(task.fit(task.labels(labels)).state_dict())
    assert again.arguments == task.arguments and repr(again.describe()) == repr(task.describe())
    output = np.zeros((2, task.num_outputs))
    assert list(again.columns(output, output)) == list(task.columns(output, output))


@pytest.mark.parametrize(
    "values, asked", [(["0", "1", "2"], True), (["0.5", "1", "2"], False), (["1", "2"], False)]
)
def test_whole_numbers_that_may_be_classes_are_pointed_out(values, asked):
    chosen = read_task(columns(a=values))[2]
    assert ("If its values, 0, 1, 2, are classes, say so (--task-type classes)." in chosen) == asked


def test_words_that_are_read_as_no_value_are_named():
    values = ["low", "none", "high", "none", "NA", None, float("nan"), " ", "low"]
    with pytest.warns(UserWarning) as warned:
        task, labels, _ = read_task(columns(a=values))
    assert task.classes == ["high", "low"] and labels.isnan().sum() == 6
    assert sorted(str(each.message) for each in warned) == [
        "1 of 9 values of 'a' say 'NA', which is read as no value: rename it if it is a class.",
        "2 of 9 values of 'a' say 'none', which is read as no value: rename it if it is a class.",
    ]
