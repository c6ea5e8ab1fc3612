"""Where classes overlap, right labels must not be flagged, nor harm be done."""

import numpy as np
import pytest
from detecting import fit

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.exceptions import (
    AmbiguousNoiseWarning,
    EmptyMaskWarning,
    UnpredictableLabelsWarning,
)

HARD_ROWS = {"noise_type": "instance_dependent"}


def make_overlap(n_samples=1200, slope=2):
    """Two classes that are clear on most rows, and a matter of chance on the others."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((n_samples, 4)).astype(np.float32)
    right = 1 / (1 + np.exp(-slope * (X[:, 0] + X[:, 1])))
    return X, (rng.random_sample(n_samples) < right).astype(int)


@pytest.fixture(scope="module")
def overlapping():
    X, y = make_overlap()
    with pytest.warns(AmbiguousNoiseWarning, match="the data cannot tell"):
        return X, y, GEXDetector(random_state=0).fit(X, y)


def test_right_labels_of_overlapping_classes_are_left_alone(overlapping):
    _, y, detector = overlapping
    assert detector.noise_type_ == "class_conditional"
    assert detector.noise_mask_.mean() < 0.05
    assert detector.noise_rate_ < 0.05
    assert detector.noise_rate_ < 3 * detector.noise_rate_std_ + 0.01
    assert detector.held_out_accuracy_ == pytest.approx(0.83, abs=0.07)
    assert detector.base_rate_ == pytest.approx(max(y.mean(), 1 - y.mean()))


def test_who_expects_wrong_labels_on_hard_rows_says_so(overlapping):
    X, y, _ = overlapping
    detector = GEXDetector(random_state=0, **HARD_ROWS).fit(X, y)
    assert detector.noise_type_ == "instance_dependent"
    assert detector.noise_mask_.mean() > 0.08


def test_no_question_is_asked_of_who_has_answered(overlapping, recwarn):
    X, y, automatic = overlapping
    detector = GEXDetector(random_state=0, noise_type="class_conditional").fit(X, y)
    assert not [w for w in recwarn if w.category is AmbiguousNoiseWarning]
    np.testing.assert_array_equal(detector.noise_proba_, automatic.noise_proba_)


def test_wrong_labels_are_told_from_overlap(recwarn):
    X, y = make_overlap(2000)
    y_noisy, noise_mask = flip_labels(y, 0.15, random_state=0)
    detector = GEXDetector(random_state=0).fit(X, y_noisy)
    off = abs(detector.noise_rate_ - 0.15)
    assert off < 2 * detector.noise_rate_std_ + 0.02
    hard = GEXDetector(random_state=0, **HARD_ROWS).fit(X, y_noisy)
    flagged, more = detector.noise_mask_, hard.noise_mask_
    assert noise_mask[flagged].mean() > noise_mask[more].mean()
    assert flagged.sum() < more.sum()


@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_a_precision_is_kept_or_it_says_so(rate):
    X, y = make_overlap(slope=3)
    y_noisy, noise_mask = flip_labels(y, rate, random_state=1)
    detector = GEXDetector(threshold="precision 90%", random_state=1)
    if rate == 0:
        with pytest.warns(EmptyMaskWarning, match="no label is wrong so surely"):
            assert not detector.fit(X, y_noisy).noise_mask_.any()
        return
    flagged = detector.fit(X, y_noisy).noise_mask_
    assert flagged.any()
    assert noise_mask[flagged].mean() >= 0.85


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_where_x_says_nothing_nothing_is_flagged(share):
    """All of a rare class was flagged, with probabilities near one."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((600, 5)).astype(np.float32)
    y = (rng.random_sample(600) < share).astype(int)
    with pytest.warns(UnpredictableLabelsWarning, match="none is flagged"):
        detector = GEXDetector(random_state=0).fit(X, y)
    assert not detector.noise_mask_.any()
    assert detector.noise_rate_ == 0
    assert np.isnan(detector.noise_rate_std_)
    assert detector.noise_proba_.max() == 0
    assert not detector.predict(X[:10] + 1, 1 - y[:10]).any()
    with pytest.warns(UnpredictableLabelsWarning, match="The flags say little"):
        GEXDetector(random_state=0, **HARD_ROWS).fit(X, y)


def test_an_assumption_without_held_out_labels_is_refused(data):
    X, y, _ = data
    with pytest.raises(
        ValueError, match="noise_type: 'class_conditional' needs labels"
    ):
        fit(X, y, lr=0.1, early_stopping=False, noise_type="class_conditional")
    assert fit(X, y).noise_type_ == "instance_dependent"
    assert np.isnan(fit(X, y).held_out_accuracy_)
