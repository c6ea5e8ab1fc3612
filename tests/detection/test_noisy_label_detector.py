"""NoisyLabelDetector, with scorers that are nets and with some that are tables."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from tiny import (
    AnyWidth,
    ConvNet,
    PairDataset,
    classifier,
    flip_every,
    learner,
    make_blobs,
)

from skgex import hardness
from skgex.detection import NoisyLabelDetector
from skgex.detection._threshold import otsu
from skgex.exceptions import UnlabelledRowsWarning, UnseenRowsWarning
from skgex.influence import GEX

X, clean = make_blobs(120, spread=0.5)
y, noise_mask = flip_every(clean, 10)
others, other_y = make_blobs(9, seed=1)


class Distance(BaseEstimator):
    """Scores rows by the distance from the mean row of their class."""

    def __init__(self, power=1.0):
        self.power = power

    def fit(self, X, y):
        self.means_ = {label: X[y == label].mean(axis=0) for label in np.unique(y)}
        self.scores_ = self._distances(X, y)
        return self

    def _distances(self, X, y):
        centres = np.array([self.means_[label] for label in y])
        return np.linalg.norm(X - centres, axis=1) ** self.power

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class AskedDistance(Distance):
    """Can be asked about any rows; supposes the nearest class of those without y."""

    def scores(self, X, y=None):
        if y is None:
            labels = np.array(list(self.means_))
            each = [self._distances(X, np.full(len(X), label)) for label in labels]
            y = labels[np.argmin(each, axis=0)]
        return self._distances(X, y)


class SquaredDistance(BaseEstimator):
    """The same as a feature map, whose self-influence is a squared norm."""

    def fit(self, X, y=None):
        self.mean_ = X.mean(axis=0)
        self.self_influence_ = self.self_influence(X)
        return self

    def transform(self, X, y=None):
        return X - self.mean_

    def self_influence(self, X, y=None):
        return np.square(X - self.mean_).sum(axis=1)

    def get_feature_names_out(self, input_features=None):
        return [f"distance{i}" for i in range(len(self.mean_))]


class Fixed(BaseEstimator):
    """Gives the scores that it was told."""

    def __init__(self, scores=None):
        self.scores = scores

    def fit(self, X, y=None):
        self.fitted_ = True
        if self.scores is not None:
            self.scores_ = self.scores
        return self


def watcher(**kwargs):
    return hardness.AUM(learner(iterator_train__shuffle=True, **kwargs), random_state=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "scorer",
    [
        Distance(),
        AskedDistance(),
        SquaredDistance(),
        hardness.AUM(
            classifier(AnyWidth, module__n_outputs=4, max_epochs=1, batch_size=64),
            random_state=0,
        ),
        pytest.param(
            GEX(
                classifier(AnyWidth, module__n_outputs=4, max_epochs=1, batch_size=64),
                n_members=2,
                n_steps=2,
                lr=0.1,
                random_state=0,
            ),
            marks=pytest.mark.slow,
        ),
    ],
    ids=lambda scorer: type(scorer).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")
def test_scikit_learn_is_content(scorer):
    check_estimator(NoisyLabelDetector(scorer))


@pytest.mark.parametrize(
    "scorer",
    [watcher(), GEX(learner(), n_members=4, n_steps=16, lr=0.2, random_state=0)],
    ids=["AUM", "GEX"],
)
def test_it_finds_planted_flips(scorer):
    detector = NoisyLabelDetector(scorer)
    mask = detector.fit_predict(X, y)
    assert f1_score(noise_mask, mask) > 0.8
    alone = clone(scorer).fit(X, y)
    name = "scores_" if hasattr(alone, "scores_") else "self_influence_"
    np.testing.assert_array_equal(detector.scores_, getattr(alone, name))
    np.testing.assert_array_equal(mask, detector.scores_ > detector.threshold_)
    np.testing.assert_array_equal(mask, ~detector.get_support())
    np.testing.assert_array_equal(
        detector.get_support(indices=True), np.flatnonzero(~mask)
    )


@pytest.mark.parametrize("labels", [clean, np.array(["a", "b", "c"])[clean]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fitted_rows_are_looked_up(labels, dtype):
    rows = X.astype(dtype)
    detector = NoisyLabelDetector(Distance()).fit(rows, labels)
    order = np.random.RandomState(0).permutation(len(X))[:50]
    for y in (None, labels[order]):
        found = detector.scores(rows[order], y)
        np.testing.assert_array_equal(found, detector.scores_[order])
        np.testing.assert_array_equal(
            detector.predict(rows[order], y), detector.noise_mask_[order]
        )
        np.testing.assert_array_equal(
            detector.transform(rows[order], y), detector.scores_[order, None]
        )


def test_new_rows_are_left_to_a_scorer_that_can_be_asked():
    detector = NoisyLabelDetector(AskedDistance()).fit(X, y)
    mixed, labels = np.r_[X[:5], others], np.r_[y[:5], other_y]
    expected = np.r_[detector.scores_[:5], detector.scorer_.scores(others, other_y)]
    np.testing.assert_array_equal(detector.scores(mixed, labels), expected)
    expected[5:] = detector.scorer_.scores(others)
    np.testing.assert_array_equal(detector.scores(mixed), expected)
    np.testing.assert_array_equal(
        detector.predict(mixed), expected > detector.threshold_
    )


def test_a_fitted_row_with_another_label_is_a_new_row():
    detector = NoisyLabelDetector(AskedDistance()).fit(X, y)
    moved = (y + 1) % 3
    np.testing.assert_array_equal(
        detector.scores(X, moved), detector.scorer_.scores(X, moved)
    )


def test_new_rows_are_told_of_where_the_scorer_judges_no_others():
    detector = NoisyLabelDetector(Distance()).fit(X, y)
    mixed = np.r_[X[:5], others]
    with pytest.warns(UnseenRowsWarning, match="9 rows were not seen in fit; Distance"):
        scores = detector.scores(mixed)
    np.testing.assert_array_equal(scores[:5], detector.scores_[:5])
    assert np.isnan(scores[5:]).all()
    with pytest.warns(UnseenRowsWarning):
        assert not detector.predict(mixed)[5:].any()


def test_influence_is_asked_for_self_influence_with_the_labels():
    scorer = GEX(learner(), n_members=2, n_steps=4, lr=0.1, random_state=0)
    detector = NoisyLabelDetector(scorer).fit(X, y)
    alone = scorer.fit(X, y)
    np.testing.assert_array_equal(
        detector.scores(others, other_y), alone.self_influence(others, other_y)
    )
    with pytest.warns(UnlabelledRowsWarning, match="9 rows"):
        detector.predict(others)
    np.testing.assert_array_equal(
        detector.transform(others, other_y), alone.transform(others, other_y)
    )
    assert len(detector.get_feature_names_out()) == 2
    assert detector.score(X, y) == alone.score(X, y)
    weights = np.arange(len(X))
    assert detector.score(X, y, weights) == alone.score(X, y, weights)


def test_thresholds_are_those_of_their_names():
    values = np.r_[np.arange(8), 40, 50].astype(float)
    rows = np.arange(10.0)[:, None]

    def cut(**kwargs):
        return NoisyLabelDetector(Fixed(values), **kwargs).fit(rows).threshold_

    assert cut() == cut(threshold="otsu_raw") == otsu(values)
    assert cut(threshold="otsu") == pytest.approx(otsu(np.sqrt(values)) ** 2)
    assert cut(threshold="30%") == 6.5
    assert cut(threshold=3) == 3
    squared = NoisyLabelDetector(SquaredDistance()).fit(rows)
    expected = otsu(np.sqrt(squared.scores_)) ** 2
    assert squared.threshold_ == pytest.approx(expected)


@pytest.mark.parametrize("threshold", ["ten", "110%", np.inf, None, [1]])
def test_impossible_thresholds_are_refused_before_the_fit(threshold):
    with pytest.raises(ValueError, match="threshold"):
        NoisyLabelDetector(Fixed(), threshold=threshold).fit(X, y)


@pytest.mark.parametrize(
    ("scorer", "error", "match"),
    [
        (Fixed(), TypeError, "scorer: must have scores_ or self_influence_.*Fixed"),
        (Fixed(np.zeros(3)), ValueError, r"must give 120 finite.*shape \(3,\)"),
        (Fixed(np.full(120, np.nan)), ValueError, "0 finite ones"),
        (StandardScaler, TypeError, "scorer: got the class StandardScaler.*instance"),
        (3, ValueError, "'scorer' parameter"),
    ],
)
def test_what_is_no_scorer_is_refused(scorer, error, match):
    with pytest.raises(error, match=match):
        NoisyLabelDetector(scorer).fit(X, y)


def test_a_frozen_scorer_is_not_fitted_again(monkeypatch):
    scorer = Distance().fit(X, y)
    monkeypatch.setattr(Distance, "fit", None)
    detector = NoisyLabelDetector(FrozenEstimator(scorer)).fit(X, y)
    np.testing.assert_array_equal(detector.scores_, scorer.scores_)


def test_the_given_scorer_is_left_alone():
    scorer = watcher()
    NoisyLabelDetector(scorer).fit(X, y)
    assert not hasattr(scorer, "scores_")


def test_it_ends_a_pipeline():
    pipe = make_pipeline(StandardScaler(), NoisyLabelDetector(Distance()))
    mask = pipe.fit(X, y).predict(X)
    np.testing.assert_array_equal(mask, pipe[-1].noise_mask_)
    np.testing.assert_array_equal(mask, pipe.predict(X, y=y))
    with config_context(enable_metadata_routing=True):
        np.testing.assert_array_equal(mask, pipe.predict(X, y=y))
        assert pipe.transform(X, y=y).shape == (len(X), 1)
    pipe.set_params(noisylabeldetector__scorer__power=2.0).fit(X, y)
    np.testing.assert_allclose(
        pipe[-1].scores_, Distance(power=2.0).fit(pipe[0].transform(X), y).scores_
    )


def test_a_search_sets_parameters_of_the_scorer():
    scorer = GEX(learner(), n_members=2, lr=0.1, random_state=0)
    search = GridSearchCV(
        NoisyLabelDetector(scorer),
        {"scorer__n_steps": [1, 8]},
        cv=StratifiedKFold(2, shuffle=True, random_state=0),
        error_score="raise",
    ).fit(X, y)
    best = search.best_params_["scorer__n_steps"]
    assert search.best_estimator_.scorer_.n_steps_ == best
    assert search.predict(X).shape == (len(X),)


def test_a_search_without_cross_validation_needs_no_score():
    search = GridSearchCV(
        NoisyLabelDetector(Distance()),
        {"scorer__power": [-1.0, 1.0]},
        cv=[(np.arange(len(X)), np.arange(len(X)))],
        scoring=lambda e, X, y: average_precision_score(noise_mask, e.scores_),
    ).fit(X, y)
    assert search.best_params_ == {"scorer__power": 1.0}
    assert not hasattr(NoisyLabelDetector(watcher()), "score")


def test_images_and_datasets_go_through_to_the_scorer():
    images = np.random.RandomState(0).rand(30, 1, 5, 5).astype(np.float32)
    labels = np.arange(30) % 3
    scorer = hardness.TrainingLoss(classifier(ConvNet), random_state=0)
    detector = NoisyLabelDetector(scorer).fit(images, labels)
    np.testing.assert_array_equal(detector.predict(images), detector.noise_mask_)
    from_dataset = NoisyLabelDetector(scorer).fit(PairDataset(images, labels))
    np.testing.assert_allclose(from_dataset.scores_, detector.scores_, rtol=1e-5)
    with pytest.warns(UnseenRowsWarning, match="30 rows"):
        assert not from_dataset.predict(PairDataset(images, labels)).any()


def test_labels_may_be_values_or_absent():
    values = np.random.RandomState(0).rand(len(X), 2)
    for y in (None, values, values[:, 0]):
        detector = NoisyLabelDetector(SquaredDistance()).fit(X, y)
        np.testing.assert_array_equal(detector.predict(X, y), detector.noise_mask_)
        np.testing.assert_array_equal(detector.predict(X), detector.noise_mask_)


def test_frames_keep_their_names():
    frame = pd.DataFrame(X, columns=list("abcd"))
    detector = NoisyLabelDetector(Distance()).set_output(transform="pandas")
    out = detector.fit(frame, y).transform(frame)
    assert list(detector.feature_names_in_) == list("abcd")
    assert list(out.columns) == ["noisylabeldetector0"]
    with pytest.raises(ValueError, match="feature names should match"):
        detector.predict(frame[list("bacd")])
