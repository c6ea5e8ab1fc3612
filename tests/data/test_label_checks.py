"""Labels that no net could take are refused, others pass as they are."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from skgex._data.label_checks import check_labels, is_missing, seems_regression


@pytest.mark.parametrize(
    "y",
    [
        [1, 2, 1],
        ["a", "b"],
        np.array([1.5, 2.5]),
        np.array(["a", "b"], dtype=object),
        np.array([[0, 1], [1, 0]]),
        np.array([["a", "b"], ["c", "d"]], dtype=object),
        np.array([True, False]),
        np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
        [True, 0, 1.5, np.int8(3), np.float32(2), np.bool_(True)],
        np.array([True, 0, 1.5, np.int8(3), np.bool_(True)], dtype=object),
        pd.Series([1, 2]),
        pd.DataFrame({"a": [1, 2], "b": [1.5, 2.5]}),
    ],
    ids=repr,
)
def test_labels_that_are_in_order_pass_as_they_are(y):
    assert check_labels(y) is y


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        (pd.Series([1, 2], dtype="Int64"), np.int64),
        (pd.Series([True, False], dtype="boolean"), np.bool_),
        (pd.DataFrame({"a": [1, 2], "b": [3, 4]}, dtype="Int16"), np.int16),
    ],
)
def test_nullable_numbers_do_not_become_floats(y, dtype):
    checked = check_labels(y)
    assert checked.dtype == dtype
    np.testing.assert_array_equal(checked, np.asarray(y, dtype=dtype))


class Array:
    """No length, but an array."""

    def __array__(self, dtype=None, copy=None):
        return np.array([1, 2])


def test_whatever_is_an_array_will_do():
    assert isinstance(check_labels(Array()), Array)


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (iter([1, 2]), "list_iterator"),
        ({1: 2}, "dict"),
        ({1, 2}, "set"),
        ("ab", "str"),
        (b"ab", "bytes"),
        (7, "int"),
        (csr_array(np.eye(2)), "a sparse matrix"),
    ],
)
def test_what_has_no_entry_per_row_is_refused(y, kind):
    with pytest.raises(TypeError, match=rf"labels: must be an array .*got {kind}\."):
        check_labels(y, "labels")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([b"a", b"b"]), r"labels are bytes; pass np\.char\.decode\(labels\)"),
        (np.array([1j, 2]), "Complex data not supported.*got complex128"),
        (np.array([(1, 2)], dtype=[("a", int), ("b", int)]), "nor structured"),
        ([[1, 2], [3]], "collections of several lengths"),
        (np.array([1, [2, 3], 4], dtype=object), "row 1 holds a list"),
        (np.array([1, 4, (2, 3)], dtype=object), "row 2 holds a tuple"),
        ([1, 2, np.nan, np.nan], r"contains NaN\. .* in 2 of 4 rows: 2, 3\. Drop"),
        ([None, np.nan], r"contains None\. .* in 2 of 2 rows"),
        ([1, None], r"contains None\. .* in 1 of 2 rows: 1\. Drop"),
        (["a", float("nan"), "b"], r"contains NaN\. .* in 1 of 3 rows: 1\."),
        (["a", pd.NA], r"contains <NA>\. .* in 1 of 2 rows: 1\."),
        (np.array(["2020-01-01", "NaT"], dtype="M8[D]"), "contains NaT"),
        (np.array([1, "NaT"], dtype="m8[s]"), "contains NaT"),
        (np.full(5, np.nan), r"in 5 of 5 rows: 0, 1, 2, 3, 4\. Drop"),
        (np.full(6, np.nan), r"in 6 of 6 rows: 0, 1, 2, 3, 4, \.\.\.\. Drop"),
        (np.array([[1, 2], [np.nan, np.nan]]), r"in 1 of 2 rows: 1\."),
        (pd.Series([1, None], dtype="Int64"), r"contains (NaN|<NA>)"),
        (["a", 1, 2], r"mixed types: number \(2\), str \(1\); convert"),
        (["a", True], r"mixed types: str \(1\), number \(1\)"),
        ([b"a", 2.5, "c"], r"mixed types: bytes \(1\), number \(1\), str \(1\)"),
    ],
    ids=repr,
)
def test_labels_that_no_net_takes_are_refused(y, message):
    with pytest.raises(ValueError, match=f"^labels: .*{message}"):
        check_labels(y, "labels")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, True),
        (float("nan"), True),
        (np.datetime64("NaT"), True),
        (pd.NaT, True),
        (pd.NA, True),
        (0, False),
        ("", False),
        ("nan", False),
    ],
)
def test_what_stands_for_a_missing_label(value, expected):
    assert is_missing(value) is expected


@pytest.mark.parametrize(
    ("dtype", "n_rows", "n_distinct", "expected"),
    [
        # Of more than 100 distinct numbers, floats are targets, and integers of which
        # there are fewer than ten rows each.
        (np.float64, 10_000, 101, True),
        (np.float64, 10_000, 100, False),
        (np.int64, 1_000, 101, True),
        (np.uint8, 1_009, 101, True),
        (np.int64, 1_010, 101, False),
        (np.int64, 150, 100, True),
        # Of more than 20, those of which most have a single row.
        (np.float64, 41, 21, True),
        (np.int64, 41, 21, True),
        (np.int64, 42, 21, False),
        (np.int64, 39, 20, False),
        (np.float64, 0, 0, False),
        # Neither texts nor truths are numbers.
        (np.str_, 1_000, 1_000, False),
        (np.bool_, 1_000, 1_000, False),
    ],
)
def test_many_distinct_numbers_are_regression_targets(
    dtype, n_rows, n_distinct, expected
):
    y = np.zeros(n_rows, dtype=dtype)
    assert seems_regression(y, n_distinct) == expected
