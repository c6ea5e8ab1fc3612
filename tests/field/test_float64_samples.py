"""Columns that float32 cannot hold: timestamps, and numbers of any size."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import average_precision_score
from tiny import flip_every, learner, make_blobs

from skgex import GEXDetector
from skgex._data.casting import find_cast
from skgex._data.row_index import RowIndex
from skgex.detection import NoisyLabelDetector
from skgex.exceptions import RoundingWarning
from skgex.hardness import AUM

RNG = np.random.RandomState(0)
Y = np.arange(120) % 3
LABELS, WRONG = flip_every(Y, 10)
SECONDS = 60.0 * Y + 5 * RNG.standard_normal(120)
TIMES = 1.7e9 + SECONDS[:, None]
SHUFFLED = RNG.permutation(120)
FLOAT32 = np.dtype(np.float32)

pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


def detect(X, net=None):
    return GEXDetector(net, n_members=2, random_state=0).fit(X, LABELS)


@pytest.mark.parametrize(
    "X",
    [TIMES, (TIMES * 1000).astype(np.int64), SECONDS[:, None] * 1e-50, TIMES * 1e40],
    ids=["seconds", "integers", "tiny", "huge"],
)
def test_what_a_column_differs_by_reaches_the_default_net(X):
    detector = detect(X)
    assert average_precision_score(WRONG, detector.scores_) > 0.95
    for given in (X, X.tolist(), pd.DataFrame(X)):
        np.testing.assert_array_equal(detector.predict(given), detector.noise_mask_)


@pytest.mark.parametrize("make", [lambda: detect(TIMES), lambda: judged(TIMES)])
def test_rows_that_float32_merges_are_still_told_apart(make):
    detector = make()
    found = detector.predict(TIMES[SHUFFLED])
    np.testing.assert_array_equal(found, detector.noise_mask_[SHUFFLED])


def judged(X):
    return NoisyLabelDetector(AUM(random_state=0)).fit(X, LABELS)


def test_a_net_of_ones_own_gets_raw_values_and_a_warning_that_names_the_column():
    frame = pd.DataFrame({"x": SECONDS, "time": TIMES[:, 0]})
    with pytest.warns(RoundingWarning, match=r"column 'time' become equal"):
        detector = detect(frame, learner(module__n_features=2, max_epochs=1))
    found = detector.predict(frame.iloc[SHUFFLED])
    np.testing.assert_array_equal(found, detector.noise_mask_[SHUFFLED])


def test_many_columns_that_float32_merges_are_counted():
    X = TIMES + 1000 * np.arange(30)
    with pytest.warns(RoundingWarning, match=r"distinct values of 30 columns become"):
        detect(X, learner(module__n_features=30, max_epochs=1))


def test_merged_columns_of_sparse_samples_are_those_of_dense_ones():
    X = np.column_stack([SECONDS, TIMES])
    for given in (X, csr_array(X)):
        with pytest.warns(RoundingWarning, match=r"distinct values of column 1 become"):
            detect(given, learner(module__n_features=2, max_epochs=1))


def test_ordinary_columns_are_neither_moved_nor_warned_of():
    X = np.column_stack(
        [
            RNG.standard_normal((5000, 2)),
            300 + RNG.standard_normal(5000),
            np.full(5000, 0.1),
            0.1 + 1e-17 * RNG.standard_normal(5000),
            RNG.randint(1990, 2020, 5000),
        ]
    )
    assert find_cast(X, FLOAT32).mean is None
    with warnings.catch_warnings():
        warnings.simplefilter("error", RoundingWarning)
        net = learner(module__n_features=6, max_epochs=1)
        GEXDetector(net, n_members=1, n_steps=1, lr=0.1).fit(X, np.arange(5000) % 3)


def test_the_cast_standardises_in_float64():
    X = np.column_stack([TIMES, SECONDS])
    cast = find_cast(X, FLOAT32)
    expected = (SECONDS - SECONDS.mean()) / SECONDS.std()
    np.testing.assert_allclose(cast(X)[:, 0], expected, atol=1e-6)
    np.testing.assert_array_equal(cast(X)[:, 1], SECONDS.astype(np.float32))


def test_last_bits_that_differ_are_found_and_new_rows_are_not():
    X, _ = make_blobs(40)
    index = RowIndex(X, np.zeros(40), FLOAT32)
    again = X * (1 + 2e-16)
    np.testing.assert_array_equal(index.find(again[::-1]), np.arange(40)[::-1])
    np.testing.assert_array_equal(index.find(X.astype(np.float32)), np.arange(40))
    times = RowIndex(TIMES, np.zeros(120), FLOAT32)
    assert (times.find(TIMES + 0.25) == -1).all()
    np.testing.assert_array_equal(times.find(TIMES[SHUFFLED]), SHUFFLED)
    blobs = make_blobs(40)[0]
    blobs[0] = np.nextafter(blobs[1], 9)  # equal once rounded, but no copy
    index = RowIndex(blobs, np.zeros(40), FLOAT32)
    np.testing.assert_array_equal(index.find(blobs[[1, 0]]), [1, 0])
    assert index.find(np.nextafter(blobs[[1]], -9)) == -1
