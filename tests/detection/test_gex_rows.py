import numpy as np
import pytest
from detecting import FAST, fit, losses_under, new_rows, odds, relative
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import KFold
from tiny import (
    learner,
)

from skgex import GEXDetector
from skgex._ensemble.statistics import MAX_LOSS
from skgex.exceptions import UnknownLabelWarning, UnlabelledRowsWarning


@pytest.mark.parametrize("max_samples", [1.0, 0.5])
def test_fitted_rows_have_the_answers_of_the_fit(data, max_samples):
    X, y, _ = data
    detector = fit(X, y, max_samples=max_samples)
    assert detector.predict(X).dtype == bool
    for answer in (detector.predict(X), detector.predict(X, y)):
        np.testing.assert_array_equal(answer, detector.noise_mask_)
    np.testing.assert_array_equal(detector.transform(X), detector.transform(X, y))
    order = np.random.RandomState(0).permutation(60)
    np.testing.assert_array_equal(
        detector.scores(X[order], y[order]), detector.scores_[order]
    )
    np.testing.assert_array_equal(detector.scores(X[order]), detector.scores_[order])
    one_by_one = [detector.scores(X[i : i + 1])[0] for i in range(60)]
    np.testing.assert_array_equal(one_by_one, detector.scores_)


def test_fit_predict_is_fit_and_predict(data, detector):
    X, y, _ = data
    again = clone(detector)
    np.testing.assert_array_equal(again.fit_predict(X, y), detector.predict(X))


def test_copies_of_a_row_with_other_labels_each_have_their_own_answer(data):
    X, y, _ = data
    X, y = np.concatenate([X, X[:5]]), np.concatenate([y, (y[:5] + 1) % 3])
    detector = fit(X, y)
    np.testing.assert_array_equal(detector.predict(X), detector.noise_mask_)
    np.testing.assert_array_equal(detector.predict(X, y), detector.noise_mask_)
    np.testing.assert_array_equal(
        detector.scores(X[-5:], y[-5:]), detector.scores_[-5:]
    )
    assert (detector.scores_[:5] != detector.scores_[-5:]).all()


def test_a_fitted_row_with_another_label_is_judged_anew(data, detector):
    X, y, _ = data
    other = (y + 1) % 3
    given = detector.scores(X, other)
    expected = np.mean(
        [losses_under(detector, m, X, other) for m in detector.ensemble_.members],
        axis=0,
    )
    expected = relative(expected, detector.predict_proba(X)) * odds(detector, X, other)
    np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-5)


def test_fitted_answers_are_not_overwritten(data):
    X, y, _ = data
    detector = fit(X, y)
    before = detector.scores_.copy(), detector.transform(X)
    detector.transform(X, (y + 1) % 3)
    detector.transform(X)[:] = 7
    np.testing.assert_array_equal(detector.scores(X), before[0])
    np.testing.assert_array_equal(detector.transform(X), before[1])


@pytest.mark.parametrize("method", ["predict", "transform", "scores", "self_influence"])
def test_new_rows_without_labels_take_the_predicted_ones(data, detector, method):
    X_new, _ = new_rows(data)
    predicted = detector.net_.predict(X_new.astype(np.float32))
    with pytest.warns(UnlabelledRowsWarning, match="15 rows were not seen"):
        given = getattr(detector, method)(X_new)
    np.testing.assert_array_equal(given, getattr(detector, method)(X_new, predicted))


def test_only_new_rows_are_warned_of(data, detector):
    X, _, _ = data
    with pytest.warns(UnlabelledRowsWarning, match="2 rows were not seen") as caught:
        detector.predict(np.concatenate([X[:9], X[:2] + 1]))
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("method", ["predict", "transform"])
def test_warnings_point_to_the_caller(data, detector, method):
    with pytest.warns(UnlabelledRowsWarning) as caught:
        getattr(detector, method)(data[0] + 1)
    assert caught[0].filename == __file__


def test_predict_proba_and_score_need_no_warning(data, detector):
    X_new, y_new = new_rows(data)
    assert detector.predict_proba(X_new).shape == (15, 3)
    assert detector.score(X_new, y_new) < 0


def test_labels_never_seen_count_as_wrong(data, detector):
    X_new, y_new = new_rows(data)
    y_new = np.where(np.arange(15) < 3, 9, y_new)
    with pytest.warns(UnknownLabelWarning, match="3 labels were never seen"):
        mask = detector.predict(X_new, y_new)
    assert mask[:3].all()
    with pytest.warns(UnknownLabelWarning):
        scores = detector.scores(X_new, y_new)
    expected = relative([MAX_LOSS] * 3, detector.predict_proba(X_new[:3]))
    expected *= np.full(3, 21.0) ** 0.2  # none of the neighbours has the label
    np.testing.assert_allclose(scores[:3], expected, rtol=1e-6)
    each = np.log(detector.predict_proba(X_new)[np.arange(3, 15), y_new[3:]])
    expected = (each.sum() - 3 * MAX_LOSS) / 15
    assert detector.score(X_new, y_new) == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("unlabelled_rows_are_fine")
def test_folds_of_sorted_labels_do_not_crash(data):
    X, y, _ = data
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    for net in (learner(), None):
        for rows, others in KFold(3).split(X):
            detector = GEXDetector(net, **FAST).fit(X[rows], y[rows])
            assert np.isfinite(detector.score(X[others], y[others]))
            assert detector.predict_proba(X[others]).shape[1] == len(detector.classes_)
            assert set(detector.suggested_labels_) <= set(y[rows])
            detector.predict(X[others])
            with pytest.warns(UnknownLabelWarning):
                detector.predict(X[others], y[others])


def test_unfitted_estimators_say_so(data):
    detector = GEXDetector(learner())
    for method in ("predict", "transform", "scores", "self_influence", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(detector, method)(data[0])
    with pytest.raises(NotFittedError):
        detector.get_support()
