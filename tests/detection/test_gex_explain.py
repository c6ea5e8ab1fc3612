"""Why a row is flagged: what GEXDetector.explain names."""

import numpy as np
import pandas as pd
import pytest
from detecting import fit
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from tiny import PairDataset, flip_every, learner, make_blobs, regressor

from skgex import GEXDetector

PULLS = ("rows_for", "pulls_for", "rows_against", "pulls_against")
MANY = {"n_members": 16, "n_steps": 32, "lr": 0.2}


def assert_equal(one, other):
    for key, value in vars(one).items():
        np.testing.assert_array_equal(value, getattr(other, key))


@pytest.fixture(scope="module")
def blobs_with_twins():
    """Blobs, then rows 0 to 5 with another label, then rows 6 to 11 with the same."""
    X, y = make_blobs(180)
    X = np.concatenate([X, X[:12]])
    return X, np.concatenate([y, (y[:6] + 1) % 3, y[6:12]])


@pytest.mark.parametrize("max_samples", [1.0, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_a_row_with_two_labels_names_its_twin(blobs_with_twins, max_samples, seed):
    X, y = blobs_with_twins
    detector = fit(X, y, **MANY, max_samples=max_samples, random_state=seed)
    first, second = np.arange(6), np.arange(180, 186)
    for rows, twins in ((first, second), (second, first)):
        why = detector.explain(rows)
        np.testing.assert_array_equal(why.rows_against[:, 0], twins)
        assert (why.pulls_against[:, 0] < 0).all()
    first, second = np.arange(6, 12), np.arange(186, 192)
    for rows, twins in ((first, second), (second, first)):
        why = detector.explain(rows)
        np.testing.assert_array_equal(why.rows_for[:, 0], twins)
        assert (why.pulls_for[:, 0] > 0).all()


@pytest.mark.parametrize("seed", range(2))
def test_near_twins_are_found_by_what_the_members_say(seed):
    """No two rows are equal, so nothing but losses and predictions can tell."""
    X, y = make_blobs(180, n_classes=2)
    X = np.concatenate([X, X[:8] + 1e-6])
    y = np.concatenate([y, 1 - y[:8]])
    detector = fit(X, y, **MANY, random_state=seed)
    against = detector.explain(np.arange(180, 188)).rows_against[:, 0]
    np.testing.assert_array_equal(against, np.arange(8))


def test_rows_against_a_wrong_label_have_the_right_one():
    X, truth = make_blobs(180)
    y, noise_mask = flip_every(truth, 10)
    detector = fit(X, y, **MANY)
    rows = np.flatnonzero(noise_mask & detector.noise_mask_)
    assert len(rows) > 9
    why = detector.explain(rows)
    assert (y[why.rows_for] == why.given_labels[:, None]).all()
    assert (y[why.rows_against] != why.given_labels[:, None]).all()
    # Of two other classes, chance would name the right one half of the time.
    assert (y[why.rows_against] == truth[rows, None]).mean() > 0.9


def test_labels_and_probabilities_are_those_of_the_fit(data, detector):
    X, y, _ = data
    names = np.array(["a", "b", "c"])
    why = fit(X, names[y]).explain(np.arange(60))
    p = detector.predict_proba(X)
    np.testing.assert_array_equal(why.rows, np.arange(60))
    np.testing.assert_array_equal(why.given_labels, names[y])
    np.testing.assert_array_equal(why.suggested_labels, names[p.argmax(axis=1)])
    np.testing.assert_allclose(why.given_proba, [p[i, y[i]] for i in range(60)])
    np.testing.assert_allclose(why.suggested_proba, p.max(axis=1))
    np.testing.assert_array_equal(why.noise_proba, detector.noise_proba_)


def test_flagged_rows_come_by_default_most_suspicious_first(detector):
    rows = detector.explain().rows
    assert set(rows) == set(np.flatnonzero(detector.noise_mask_))
    assert len(rows) > 1
    assert (np.diff(detector.scores_[rows]) <= 0).all()


def test_no_flagged_rows_give_empty_arrays(data):
    X, y, _ = data
    why = fit(X, y, threshold=1e9).explain(n_neighbors=2)
    assert why.rows.shape == why.given_labels.shape == (0,)
    assert why.rows_for.shape == why.pulls_against.shape == (0, 2)


def test_a_mask_a_list_and_a_number_ask_for_the_same(detector):
    rows = [2, 30, 41]
    mask = np.isin(np.arange(60), rows)
    by_position = detector.explain(rows)
    assert_equal(detector.explain(mask), by_position)
    for key, value in vars(detector.explain(30)).items():
        together = getattr(by_position, key)
        np.testing.assert_allclose(value[0], together[1], rtol=1e-6)
    assert detector.explain([]).rows.shape == (0,)
    assert detector.explain(np.zeros(60, bool)).rows.shape == (0,)


def test_n_neighbors_takes_from_the_top(detector):
    few = detector.explain(n_neighbors=np.int64(2))
    more = detector.explain(n_neighbors=7)
    assert few.rows_for.shape == few.pulls_for.shape == (len(few.rows), 2)
    for key in PULLS:
        np.testing.assert_array_equal(getattr(few, key), getattr(more, key)[:, :2])


@pytest.mark.parametrize(
    "rows",
    [
        [60],
        [-1],
        [0.5],
        ["a"],
        [[1, 2]],
        np.ones(59, bool),
        [True, False],
    ],
)
def test_impossible_rows_are_refused(detector, rows):
    with pytest.raises(ValueError, match="rows: "):
        detector.explain(rows)


@pytest.mark.parametrize("n_neighbors", [0, -1, 2.0, "3", None, True])
def test_impossible_numbers_of_neighbors_are_refused(detector, n_neighbors):
    with pytest.raises(ValueError, match="n_neighbors: must be an int of at least 1"):
        detector.explain(n_neighbors=n_neighbors)


def test_regression_targets_one_member_and_no_fit_are_refused(data):
    X, y, _ = data
    values = fit(X, X @ np.ones((4, 3)), net=regressor())
    with pytest.raises(ValueError, match="needs classes, the labels are regr"):
        values.explain()
    with pytest.raises(ValueError, match="n_members: explain needs at least 2"):
        fit(X, y, n_members=1).explain()
    with pytest.raises(NotFittedError):
        GEXDetector(learner()).explain()


def test_forgotten_members_are_not_missed(data, detector):
    X, y, _ = data
    why = fit(X, y, keep_members=False).explain()
    assert_equal(why, detector.explain())


def test_data_frames_have_positions_not_indices(data, detector):
    X, y, _ = data
    index = np.arange(60)[::-1] + 1000
    frame, series = pd.DataFrame(X, index=index), pd.Series(y, index=index)
    assert_equal(fit(frame, series).explain(), detector.explain())


def test_a_dataset_is_explained_without_its_rows(data, frozen):
    X, y, _ = data
    net = FrozenEstimator(frozen.estimator)
    of_arrays = fit(X, y, net=net).explain([0, 5])
    of_pairs = fit(PairDataset(X.astype(np.float32), y), net=net).explain([0, 5])
    for key, value in vars(of_arrays).items():
        np.testing.assert_allclose(getattr(of_pairs, key), value, rtol=1e-4)


def test_names_of_classes_change_nothing(data, detector):
    X, y, _ = data
    why = fit(X, np.array(["a", "b", "c"])[y]).explain()
    for key in ("rows", *PULLS):
        expected = getattr(detector.explain(), key)
        np.testing.assert_array_equal(getattr(why, key), expected)


def test_no_more_than_a_hundred_flagged_rows_are_explained_unasked():
    X, y = make_blobs(360)
    detector = fit(X, y, threshold="40%")
    flagged = np.flatnonzero(detector.noise_mask_)
    assert len(flagged) == 144
    worst = flagged[np.argsort(-detector.scores_[flagged], kind="stable")]
    why, every = detector.explain(), detector.explain(worst)
    assert len(why) == 100
    assert len(every) == 144
    np.testing.assert_array_equal(why.rows, worst[:100])
    np.testing.assert_allclose(why.pulls_for, every.pulls_for[:100], rtol=1e-6)


def test_a_frame_has_a_line_per_row_without_missing_neighbours(detector):
    why = detector.explain([3, 30], n_neighbors=59)
    frame = why.to_frame()
    assert frame.index.tolist() == [3, 30]
    assert frame.given_label.tolist() == why.given_labels.tolist()
    np.testing.assert_allclose(frame.noise_proba, why.noise_proba)
    for side in ("for", "against"):
        rows, pulls = frame[f"rows_{side}"], frame[f"pulls_{side}"]
        for i in range(2):
            found = getattr(why, f"rows_{side}")[i]
            assert rows.iloc[i] == found[found >= 0].tolist()
            assert len(pulls.iloc[i]) == len(rows.iloc[i]) < 59


def test_it_prints_what_it_names(detector):
    why = detector.explain([30], n_neighbors=1)
    text = str(why)
    assert repr(why) == text
    assert f"row 30: given {why.given_labels[0]} ({why.given_proba[0]:.1%})" in text
    assert f"suggested {why.suggested_labels[0]} ({why.suggested_proba[0]:.1%})" in text
    assert f"against: {why.rows_against[0, 0]} ({why.pulls_against[0, 0]:+.2f})" in text
    many = str(detector.explain(np.arange(30)))
    assert many.count("row ") == 10
    assert many.endswith("... and 20 more: see to_frame()")
    assert str(detector.explain([])) == "No rows to explain."
