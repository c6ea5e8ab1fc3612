"""What held-out rows say of plans, against cross-validation by scikit-learn."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, log_loss
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skgex import CleanedClassifier, CleaningSampler, GEXDetector
from skgex.cleaning import _cleaned_classifier
from skgex.cleaning._guards import Limits, is_surely_noisy, needed
from skgex.cleaning._judge import Judge
from skgex.cleaning._outcome import by_posterior
from skgex.cleaning._plans import as_they_are, dropped, parts
from skgex.datasets import flip_labels
from skgex.exceptions import SparedRowsWarning

ACTIONS = pytest.mark.parametrize("action", ["drop", "relabel", "weight"])


class Flags(BaseEstimator):
    """A detector that flags the rows that it is told, surely."""

    def __init__(self, mask):
        self.mask = mask

    def fit(self, X, y):
        rng = np.random.RandomState(0)
        self.noise_mask_ = np.asarray(self.mask)
        self.scores_ = self.noise_mask_ + 0.01 * rng.random_sample(len(y))
        self.noise_proba_ = 0.05 + 0.9 * self.noise_mask_
        classes, codes = np.unique(y, return_inverse=True)
        self.suggested_labels_ = classes[(codes + self.noise_mask_) % len(classes)]
        return self

    def get_support(self):
        return ~self.noise_mask_

    def relabel(self):
        return self.suggested_labels_

    def noise_proba(self, X, y=None):
        raise NotImplementedError("Only that of the fitted rows is read.")


def blobs(n_rows=400, distance=1.0, n_classes=2, seed=0):
    """Normal classes on a circle; a small distance makes them overlap."""
    rng = np.random.RandomState(seed)
    y = np.arange(n_rows) % n_classes
    angles = 2 * np.pi * y / n_classes
    centres = distance * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return centres + rng.standard_normal((n_rows, 2)), y


def fitted(model, X, y, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SparedRowsWarning)
        return model.fit(X, y, **params)


def loss_of(model, X, y):
    probabilities = model.predict_proba(X)[np.arange(len(y)), y]
    return -np.log(np.maximum(probabilities, np.finfo(float).eps))


# Detectors that do harm

X, Y = blobs()
X_TEST, Y_TEST = blobs(2000, seed=1)
RANDOM = np.random.RandomState(1).random_sample(len(Y)) < 0.3
HOSTILE = {
    "a whole class": Y == 1,
    "most of a class": (Y == 1) & (np.arange(len(Y)) % 10 > 0),
    "the minority of each place": (X[:, 0] < 0).astype(int) != Y,
    "the boundary": np.abs(X[:, 0]) < 0.5,
    "at random": RANDOM,
    "what is right": (np.abs(X[:, 0]) > 1) & ((X[:, 0] < 0) == Y),
}


@ACTIONS
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), RandomForestClassifier(12, min_samples_leaf=5)],
    ids=["logistic", "forest"],
)
def test_a_bad_detector_does_no_harm(estimator, name, action):
    if hasattr(estimator, "random_state"):
        estimator.set_params(random_state=0)
    model = CleanedClassifier(estimator, Flags(HOSTILE[name]), action=action)
    fitted(model, X, Y)
    plain = loss_of(estimator.fit(X, Y), X_TEST, Y_TEST)
    worse = loss_of(model, X_TEST, Y_TEST) - plain
    assert worse.mean() <= worse.std() / np.sqrt(len(worse)) + 1e-3
    unjudged = CleanedClassifier(
        estimator, Flags(HOSTILE[name]), action=action, n_folds=None
    )
    fitted(unjudged, X, Y)
    assert unjudged.acted_mask_.any()
    assert np.isnan(unjudged.gain_)


@pytest.mark.parametrize(
    ("n_neighbors", "relabelled"), [(5, False), (9, False), (9, True)]
)
def test_a_plan_that_makes_too_sure_is_not_judged_by_itself(n_neighbors, relabelled):
    """Classes overlap, a tenth of the labels is wrong, and the detector is sure of it.

    Neighbours without the labels that contradict them explain all others better, and
    call what they get wrong noise.
    """
    X, y = blobs(600, 0.7)
    noisy, wrong = flip_labels(y, 0.1, random_state=0)
    detector = Flags((X[:, 0] < 0).astype(int) != noisy if relabelled else wrong)
    detector.noise_rate_, detector.noise_rate_std_ = 0.2, 0.02
    action = "relabel" if relabelled else "drop"
    estimator = KNeighborsClassifier(n_neighbors)
    detector = FrozenEstimator(detector.fit(X, noisy))
    model = CleanedClassifier(estimator, detector, action=action)
    model.set_params(max_share_per_class=1.0)
    fitted(model, X, noisy)
    test = blobs(2000, 0.7, seed=1)
    worse = loss_of(model, *test) - loss_of(estimator.fit(X, noisy), *test)
    assert worse.mean() <= worse.std() / np.sqrt(len(worse))


@ACTIONS
@pytest.mark.parametrize("distance", [2.0, 4.0])
def test_a_good_detector_is_followed(action, distance):
    clean_X, clean = blobs(900, distance, n_classes=3)
    noisy, wrong = flip_labels(clean, 0.3, random_state=0)
    test_X, test_y = blobs(2000, distance, n_classes=3, seed=1)
    model = CleanedClassifier(LogisticRegression(), Flags(wrong), action=action)
    fitted(model, clean_X, noisy)
    assert model.gain_ > 2 * model.gain_std_ > 0
    assert model.noise_rate_ == pytest.approx(0.3, abs=0.05)
    assert wrong[model.acted_mask_].mean() > 0.9
    plain = LogisticRegression().fit(clean_X, noisy)
    assert loss_of(model, test_X, test_y).mean() < loss_of(plain, test_X, test_y).mean()


@pytest.mark.parametrize("followed", [True, False])
def test_without_probabilities_accuracy_decides(followed):
    clean_X, clean = blobs(900, 3.0, n_classes=3)
    # Of one class, most labels are those of the next one.
    moved = (clean == 0) & (np.random.RandomState(0).random_sample(900) < 0.45)
    noisy = np.where(moved, 1, clean)
    mask = moved if followed else np.random.RandomState(1).random_sample(900) < 0.3
    model = CleanedClassifier(LinearSVC(random_state=0), Flags(mask))
    fitted(model, clean_X, noisy)
    assert np.isnan(model.noise_rate_)
    assert abs(model.gain_) <= 1
    assert model.acted_mask_.any() == (model.gain_ > 2 * model.gain_std_)
    if not followed:
        assert not model.acted_mask_.any()


# The gain itself


@pytest.mark.parametrize("weighted", [False, True])
def test_where_labels_count_as_true_the_gain_is_that_in_log_loss(weighted):
    weights = np.random.RandomState(0).uniform(0.5, 2, len(Y)) if weighted else None
    judge = Judge(LogisticRegression(), X, Y, 4, weights)
    mask = HOSTILE["what is right"]
    verdict = judge.verdict([dropped(Y, mask)])
    assert verdict.noise_rate == 0
    options = {"cv": judge.folds, "method": "predict_proba"}
    given_weights = {"sample_weight": np.ones(len(Y)) if weights is None else weights}
    plain = cross_val_predict(
        LogisticRegression(), X, Y, params=given_weights, **options
    )
    # Rows of no weight are left out.
    given_weights = {"sample_weight": given_weights["sample_weight"] * ~mask}
    other = cross_val_predict(
        LogisticRegression(), X, Y, params=given_weights, **options
    )
    before, after = (
        log_loss(Y, answers, sample_weight=weights) for answers in (plain, other)
    )
    assert verdict.gain == pytest.approx(before - after, rel=1e-4)
    assert not verdict.plan.acted.any()
    if not weighted:
        own = np.arange(len(Y)), Y
        ratios = np.log(other[own]) - np.log(plain[own])
        assert verdict.gain_std == pytest.approx(
            ratios.std() / np.sqrt(len(Y)), rel=1e-4
        )


def test_folds_divide_no_group():
    groups = np.arange(len(Y)) // 6
    for seen, left_out in Judge(LogisticRegression(), X, Y, 3, groups=groups).folds:
        assert not set(groups[seen]) & set(groups[left_out])
    few = Judge(LogisticRegression(), X, Y, 5, groups=np.arange(len(Y)) % 2)
    assert len(few.folds) == 2


def test_what_leaves_one_class_cannot_be_judged():
    labels = np.where(np.arange(len(Y)) == 0, "rare", "common")
    verdict = Judge(LogisticRegression(), X, labels, 3).verdict(
        [dropped(labels, labels == "rare")]
    )
    assert np.isnan(verdict.gain)
    assert not verdict.plan.acted.any()


def test_a_class_of_one_row_is_judged_among_others():
    labels = np.where(np.arange(len(Y)) == 0, 2, Y)
    model = CleanedClassifier(LogisticRegression(), Flags(RANDOM))
    fitted(model, X, labels)
    assert np.isfinite(model.gain_)


# Any kind of rows and labels, and what is said of it


def test_rows_and_labels_of_any_kind_are_judged_alike():
    names = np.array(["minus", "plus"])[Y]
    pipeline = make_pipeline(StandardScaler(with_mean=False), LogisticRegression())
    gains = [
        fitted(CleanedClassifier(pipeline, Flags(RANDOM)), rows, labels).gain_
        for rows, labels in [
            (X, Y),
            (csr_array(X), Y),
            (pd.DataFrame(X, columns=["a", "b"]), names),
            (X, names.astype(object)),
        ]
    ]
    np.testing.assert_allclose(gains, gains[0])


def test_the_warning_says_how_many_rows_stay_and_why():
    model = CleanedClassifier(LogisticRegression(), Flags(RANDOM))
    message = rf"{RANDOM.sum()} of {RANDOM.sum()} flagged rows stay .* ±.*n_folds=None"
    with pytest.warns(SparedRowsWarning, match=message):
        model.fit(X, Y)
    assert not model.acted_mask_.any()
    np.testing.assert_array_equal(model.noise_mask_, RANDOM)


def test_the_warning_says_if_there_are_too_few_rows_to_tell():
    labels = np.where(np.arange(len(Y)) < 2, "rare", "common")
    model = CleanedClassifier(LogisticRegression(), Flags(np.arange(len(Y)) == 0))
    with pytest.warns(SparedRowsWarning, match="there are too few rows to tell"):
        model.fit(X, labels)
    assert np.isnan(model.gain_)


@pytest.mark.parametrize(
    "judge", [pytest.param(None, marks=pytest.mark.slow), LogisticRegression()]
)
@pytest.mark.parametrize("scaled", [False, True])
def test_a_sampler_is_judged_too(judge, scaled):
    clean_X, clean = blobs(800, 4.0, n_classes=3)
    noisy, wrong = flip_labels(clean, 0.3, random_state=0)
    selector = Flags(wrong)
    if scaled:
        selector = make_pipeline(StandardScaler(), selector)
    sampler = CleaningSampler(selector, estimator=judge)
    fitted(sampler, clean_X, noisy)
    assert wrong[sampler.acted_mask_].all()
    assert sampler.acted_mask_.sum() >= 0.5 * wrong.sum()
    assert sampler.gain_ > 2 * sampler.gain_std_
    harmless = CleaningSampler(Flags(HOSTILE["the boundary"]), estimator=judge)
    assert len(fitted(harmless, X, Y).sample_indices_) == len(X)


# No class loses more than its share

LIMITS = st.builds(Limits, st.integers(1, 5), st.floats(0, 1))


@given(LIMITS, st.integers(0, 99), st.integers(1, 4))
def test_no_class_loses_more_than_its_share(limits, seed, n_classes):
    rng = np.random.RandomState(seed)
    y, right = rng.randint(n_classes, size=40), rng.random_sample(40)
    flagged, scores = right < 0.5, 1 - right
    acted = flagged & ~needed(flagged, y, scores, limits)
    weights = by_posterior(y, limits, right).weights
    np.testing.assert_array_equal(weights < 0.5, acted)
    for label in np.unique(y):
        n_rows, n_acted = (y == label).sum(), acted[y == label].sum()
        assert n_acted <= limits.max_share * n_rows + 1e-6
        assert n_rows - n_acted >= min(limits.min_samples, n_rows)
        # No more is spared than must be, and the least suspicious are.
        kept = flagged & ~acted & (y == label)
        if kept.any():
            assert n_acted + 1 > min(
                limits.max_share * n_rows - 1e-6, n_rows - limits.min_samples
            )
            if n_acted:
                assert scores[kept].max() <= scores[acted & (y == label)].min()


@ACTIONS
def test_no_class_loses_more_than_half_by_default(action):
    model = CleanedClassifier(
        LogisticRegression(), Flags(Y == 1), action=action, n_folds=None
    )
    with pytest.warns(SparedRowsWarning, match=r"max_share_per_class=0\.5"):
        model.fit(X, Y)
    assert model.acted_mask_.sum() == 100


def test_parts_grow_by_falling_scores():
    acted = np.array([True, False, True, True, True])
    masks = parts(acted, np.array([1.0, 9.0, 4.0, 2.0, 3.0]))
    found = [np.flatnonzero(mask).tolist() for mask in masks]
    assert found == [[2], [2, 4], [2, 3, 4], [0, 2, 3, 4]]
    assert len(parts(acted & (np.arange(5) < 1), np.zeros(5))) == 1
    assert as_they_are(np.zeros(3)).kept.all()


def test_labels_of_one_class_given_to_another_are_cleaned_if_the_detector_says_so():
    X, y = load_digits(return_X_y=True)
    X, y = X[:900] / 16, y[:900]
    y_noisy, noise_mask = flip_labels(y, 0.2, "pair", random_state=0)
    model = LogisticRegression(max_iter=300)
    with pytest.warns(SparedRowsWarning):
        blind = CleanedClassifier(model, Flags(noise_mask)).fit(X, y_noisy)
    assert blind.acted_mask_.sum() < noise_mask.sum()
    detector = Flags(noise_mask).fit(X, y_noisy)
    detector.noise_mask_ = noise_mask
    detector.noise_matrix_ = confusion_matrix(y, y_noisy, normalize="true")
    told = CleanedClassifier(model, FrozenEstimator(detector)).fit(X, y_noisy)
    np.testing.assert_array_equal(told.acted_mask_, noise_mask)
    assert told.gain_ > 2 * told.gain_std_
    assert told.noise_rate_ == pytest.approx(0.2, abs=0.04)


@pytest.mark.parametrize(
    ("rate", "std", "sure"),
    [(0.2, 0.04, True), (0.2, 0.06, False), (0.0, np.nan, False), (None, None, False)],
)
def test_a_detector_is_sure_of_noise_from_four_standard_errors_on(rate, std, sure):
    detector = Flags(RANDOM)
    if rate is not None:
        detector.noise_rate_, detector.noise_rate_std_ = rate, std
    assert is_surely_noisy(detector) == sure
    assert is_surely_noisy(make_pipeline(StandardScaler(), detector)) == sure


@pytest.mark.parametrize("sure", [False, True])
def test_noise_that_is_sure_need_not_be_shown_again(sure, monkeypatch):
    """Of 150 rows too few are held out to show it, but they tell a good plan."""
    X, y = load_iris(return_X_y=True)
    y_noisy, noise_mask = flip_labels(y, 0.2, random_state=0)
    detector = GEXDetector(random_state=0).fit(X, y_noisy)
    assert is_surely_noisy(detector)
    monkeypatch.setattr(_cleaned_classifier, "is_surely_noisy", lambda detector: sure)
    model = LogisticRegression(max_iter=1000)
    cleaned = CleanedClassifier(model, FrozenEstimator(detector))
    acted = fitted(cleaned, X, y_noisy).acted_mask_
    assert acted.any() == sure
    if sure:
        assert noise_mask[acted].mean() > 0.9
