"""A mask of most rows, or of most of a class, does not come without a warning."""

import re
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from tiny import classifier

from skgex import GEXDetector
from skgex.detection import NoisyLabelDetector
from skgex.detection._suspicious_mask import doubts_of_mask
from skgex.exceptions import SuspiciousMaskWarning


class Given(BaseEstimator):
    """Scores that are the first column."""

    def fit(self, X, y=None):
        self.scores_ = np.asarray(X)[:, 0].astype(float)
        return self


def rows(n_high, n=10):
    """Rows of which the last have a high score."""
    return np.where(np.arange(n) < n - n_high, 0.0, 9.0)[:, None] + 0.01 * np.eye(n, 1)


@pytest.fixture
def silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error", SuspiciousMaskWarning)
        yield


def test_most_rows_are_told():
    y = np.arange(10) % 2
    with pytest.warns(SuspiciousMaskWarning, match=r"60% .* \(6 of 10\)"):
        NoisyLabelDetector(Given()).fit(rows(6), y)


@pytest.mark.usefixtures("silent")
def test_half_of_the_rows_and_of_each_class_are_not():
    NoisyLabelDetector(Given()).fit(rows(6, 12), np.arange(12) % 2)


@pytest.mark.parametrize("n_high", [2, 3])
@pytest.mark.parametrize("labels", [["a"] * 7 + ["b"] * 3, [0] * 7 + [1] * 3])
def test_a_class_that_loses_most_of_its_rows_is_named(labels, n_high):
    with pytest.warns(SuspiciousMaskWarning, match=f"1 of 2 classes.*: {labels[-1]}"):
        NoisyLabelDetector(Given()).fit(rows(n_high), labels)


@pytest.mark.usefixtures("silent")
def test_a_share_that_was_asked_for_is_not_told():
    NoisyLabelDetector(Given(), threshold="60%").fit(rows(6), np.arange(10) % 2)


@pytest.mark.parametrize(
    ("threshold", "named"), [(0.5, "60%"), ("100%", "2 of 2 classes")]
)
def test_a_cut_that_was_given_is_told_all_the_same(threshold, named):
    with pytest.warns(SuspiciousMaskWarning, match=named):
        NoisyLabelDetector(Given(), threshold=threshold).fit(rows(6), np.arange(10) % 2)


@pytest.mark.usefixtures("silent")
def test_regression_targets_are_no_classes():
    y = np.linspace(0.5, 3, 10)
    NoisyLabelDetector(Given()).fit(rows(3), y)


def test_a_detector_that_learnt_nothing_tells():
    rng = np.random.RandomState(0)
    X, y = rng.randn(90, 4), np.arange(90) % 3
    detector = GEXDetector(
        classifier(max_epochs=1, lr=1e-6), n_members=2, lr=0.1, random_state=0
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SuspiciousMaskWarning)
        detector.fit(X, y)
    told = [w for w in caught if w.category is SuspiciousMaskWarning]
    mask = detector.noise_mask_
    most = any(mask[y == label].mean() > 0.5 for label in range(3))
    assert bool(told) == (mask.mean() > 0.5 or most)
    assert all(w.filename == __file__ for w in told)


def test_many_classes_are_not_all_listed():
    labels = np.arange(30)
    (_most, named) = doubts_of_mask(np.ones(30, dtype=bool), labels, "otsu")
    assert re.search(r"30 of 30 classes.*9, \.\.\.", named.text)
    assert named.category is SuspiciousMaskWarning
