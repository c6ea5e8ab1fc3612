"""Labels and samples come back in the type in which they came."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from oracle import UNJUDGED, Oracle, make_case

from skgex import CleaningSampler

X, NAMES, MASK = make_case()
CODES = (NAMES == "plus").astype(int)
TRUE = (X[:, 0] > 0).astype(int)
DAYS = np.array(["2020-01-01", "2021-01-01"], "M8[ns]")
ACTIONS = pytest.mark.parametrize("action", ["drop", "relabel"])

# A pandas dtype, and two labels in it.
SERIES = [
    ("boolean", [False, True]),
    ("bool", [False, True]),
    ("Int8", [3, 7]),
    ("Int64", [0, 1]),
    ("UInt16", [0, 1]),
    ("Float32", [0.0, 1.0]),
    ("int8", [-1, 1]),
    ("string", ["a", "b"]),
    ("category", ["a", "b"]),
    ("object", ["a", "b"]),
    ("datetime64[ns]", DAYS),
]
POLARS = [
    (pl.String, ["a", "b"]),
    (pl.Categorical, ["a", "b"]),
    (pl.Enum(["a", "b", "c"]), ["a", "b"]),
    (pl.Boolean, [False, True]),
    (pl.Int8, [3, 7]),
    (pl.Float32, [0.0, 1.0]),
]


def resample(X, y, action):
    sampler = CleaningSampler(Oracle(), action=action, **UNJUDGED)
    X_new, y_new = sampler.fit_resample(X, y)
    return X_new, y_new, sampler.sample_indices_


def of(labels, codes):
    return [labels[code] for code in codes]


@ACTIONS
@pytest.mark.parametrize(("dtype", "labels"), SERIES, ids=[row[0] for row in SERIES])
@pytest.mark.parametrize("frame", [False, True], ids=["series", "frame"])
def test_pandas(dtype, labels, frame, action):
    index = np.arange(40)[::-1] + 5
    y = pd.Series(of(labels, CODES), dtype=dtype, index=index, name="kind")
    true = pd.Series(of(labels, TRUE), dtype=dtype, index=index, name="kind")
    before = y.copy()
    given = y.to_frame() if frame else y
    samples = pd.DataFrame(X, columns=list("abc"), index=index)
    X_new, y_new, kept = resample(samples, given, action)
    pd.testing.assert_frame_equal(X_new, samples.iloc[kept])
    assert type(y_new) is type(given)
    found = y_new["kind"] if frame else y_new
    pd.testing.assert_series_equal(found, true.iloc[kept], check_categorical=False)
    pd.testing.assert_series_equal(y, before)


@ACTIONS
@pytest.mark.parametrize(
    ("dtype", "labels"), POLARS, ids=[str(row[0]) for row in POLARS]
)
@pytest.mark.parametrize("frame", [False, True], ids=["series", "frame"])
def test_polars(dtype, labels, frame, action):
    y = pl.Series("kind", of(labels, CODES), dtype=dtype)
    true = pl.Series("kind", of(labels, TRUE), dtype=dtype)
    samples = pl.DataFrame(X, schema=list("abc"))
    X_new, y_new, kept = resample(samples, y.to_frame() if frame else y, action)
    assert X_new.equals(samples[kept])
    found = y_new["kind"] if frame else y_new
    assert (found.name, found.dtype) == ("kind", y.dtype)
    assert found.to_list() == true[kept].to_list()
    assert y.to_list() == of(labels, CODES)


@ACTIONS
@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
@pytest.mark.parametrize("labels", [[0, 1], ["a", "b"], [False, True]])
def test_sequences(kind, labels, action):
    if kind is torch.tensor and labels == ["a", "b"]:
        pytest.skip("no tensor of strings")
    y, samples = kind(of(labels, CODES)), kind(X.tolist())
    X_new, y_new, kept = resample(samples, y, action)
    assert type(y_new) is type(y)
    assert type(X_new) is type(samples)
    assert list(y_new) == of(labels, TRUE[kept])
    assert getattr(y_new, "dtype", None) == getattr(y, "dtype", None)
    np.testing.assert_array_equal(np.array(list(y)), of(labels, CODES))


@ACTIONS
@pytest.mark.parametrize("make", [np.array, pd.DataFrame, pl.DataFrame])
def test_one_column_per_class(make, action):
    y = make(np.eye(2, dtype=int)[CODES])
    _, y_new, kept = resample(X, y, action)
    assert type(y_new) is type(y)
    np.testing.assert_array_equal(np.asarray(y_new), np.eye(2)[TRUE[kept]])
