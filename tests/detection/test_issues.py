"""Detectors give their suspicious rows as a table."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from all_estimators import named
from detecting import FAST, fit
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tiny import PairDataset, classifier, flip_every, learner, make_blobs, regressor
from torch import nn

from skgex import GEXDetector, NoisyLabelDetector
from skgex.hardness import AUM

COLUMNS = [
    "row",
    "given_label",
    "suggested_label",
    "noise_proba",
    "score",
    "score_std",
    "flagged",
]
NAMES = ["a", "b", "c", "d"]


class Told(BaseEstimator):
    """Gives the scores that it was told."""

    def __init__(self, scores):
        self.scores = scores

    def fit(self, X, y=None):
        """Take them."""
        self.scores_ = np.array(self.scores, dtype=float)
        return self


def told(X, y, scores=(0.1, 5.0, 0.2, 4.0)):
    return NoisyLabelDetector(Told(scores), threshold=1.0).fit(X, y)


def frame_of(X, index=None):
    """Return X as a frame of its own, which a test may change."""
    return pd.DataFrame(X, columns=NAMES[: X.shape[1]], index=index, copy=True)


def few(index=None):
    return pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0]}, index=index)


def test_the_columns_are_what_the_attributes_say(data, detector):
    X, y, _ = data
    issues = detector.issues()
    assert list(issues.columns) == COLUMNS
    row = issues["row"].to_numpy()
    assert sorted(row) == list(range(len(X)))
    assert (np.diff(issues["score"]) <= 0).all()
    np.testing.assert_array_equal(issues["given_label"], y[row])
    np.testing.assert_array_equal(
        issues["suggested_label"], detector.suggested_labels_[row]
    )
    np.testing.assert_array_equal(issues["noise_proba"], detector.noise_proba_[row])
    np.testing.assert_array_equal(issues["score"], detector.scores_[row])
    np.testing.assert_array_equal(issues["score_std"], detector.scores_std_[row])
    np.testing.assert_array_equal(issues["flagged"], detector.noise_mask_[row])
    assert issues["flagged"].dtype == bool
    assert issues["row"].dtype.kind == "i"
    np.testing.assert_array_equal(issues.index, row)


def test_rows_keep_the_order_of_their_names():
    """Scores 0.1, 5, 0.2 and 4, written out."""
    issues = told(few(["p", "q", "r", "s"]), ["x", "y", "x", "y"]).issues()
    assert issues.index.tolist() == ["q", "s", "r", "p"]
    assert issues["row"].tolist() == [1, 3, 2, 0]
    assert issues["given_label"].tolist() == ["y", "y", "x", "x"]
    assert issues["score"].tolist() == [5.0, 4.0, 0.2, 0.1]
    assert issues["flagged"].tolist() == [True, True, False, False]
    assert issues[["suggested_label", "noise_proba", "score_std"]].isna().all(axis=None)


def test_what_the_scorer_knows_is_told(data):
    X, y, _ = data
    given = GEXDetector(learner(), **FAST)
    issues = NoisyLabelDetector(given).fit(X, y).issues()
    row = issues["row"]
    judge = given.fit(X, y)
    np.testing.assert_array_equal(issues["noise_proba"], judge.noise_proba_[row])
    np.testing.assert_array_equal(
        issues["suggested_label"], judge.suggested_labels_[row]
    )
    np.testing.assert_array_equal(issues["score_std"], judge.scores_std_[row])


def test_the_index_survives_dropna(data):
    X, y, _ = data
    frame = frame_of(X)
    frame.iloc[[3, 10], 1] = np.nan
    frame["label"] = y
    frame = frame.dropna()
    detector = fit(frame[NAMES], frame["label"])
    issues = detector.issues()
    assert not {3, 10} & set(issues.index)
    np.testing.assert_array_equal(frame.index[issues["row"]], issues.index)
    np.testing.assert_array_equal(
        frame["label"].loc[issues.index], issues["given_label"]
    )


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2020-01-01", periods=4),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1), ("b", 2)]),
        pd.Index([7, 7, 8, 9]),
        pd.RangeIndex(2, 10, 2),
        pd.RangeIndex(4, name="id"),
    ],
    ids=["dates", "several levels", "repeated", "from 2", "named"],
)
def test_any_index(index):
    issues = told(few(index), [0, 1, 0, 1]).issues()
    pd.testing.assert_index_equal(issues.index, index[[1, 3, 2, 0]], exact="equiv")


def test_an_index_that_counts_from_0_is_not_kept():
    assert told(few(), [0, 1, 0, 1])._rows.names is None
    assert told(few(), [0, 1, 0, 1]).issues().index.tolist() == [1, 3, 2, 0]


def test_fitted_rows_are_found_and_keep_their_position(data, detector):
    X, y, _ = data
    rows = np.array([41, 7, 0])
    issues = detector.issues(frame_of(X[rows], ["p", "q", "r"]))
    expected = detector.issues().set_index("row").loc[issues["row"]]
    assert dict(zip(issues.index, issues["row"], strict=True)) == dict(
        zip("pqr", rows, strict=True)
    )
    assert (np.diff(issues["score"]) <= 0).all()
    np.testing.assert_array_equal(issues["score"], expected["score"])
    np.testing.assert_array_equal(y[issues["row"]], issues["given_label"])


def test_all_fitted_rows_in_another_order(data, detector):
    X = data[0]
    order = np.random.RandomState(0).permutation(len(X))
    issues = detector.issues(frame_of(X[order]))
    np.testing.assert_array_equal(order[issues.index], issues["row"])


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_what_a_pipeline_was_given_names_the_rows(data, output):
    X, y, _ = data
    frame = frame_of(X, [f"row{i}" for i in range(len(X))])
    pipe = make_pipeline(StandardScaler(), GEXDetector(learner(), **FAST))
    pipe.set_output(transform=output).fit(frame, y)
    issues = pipe[-1].issues(frame)
    assert issues.index.tolist() == [f"row{i}" for i in issues["row"]]
    assert (pipe[-1].issues().index == issues.index).all() == (output == "pandas")


def test_what_a_pipeline_was_given_may_be_no_numbers(data, detector):
    words = pd.DataFrame({"text": ["word"] * len(data[0])}, index=range(100, 160))
    issues = detector.issues(words)
    np.testing.assert_array_equal(issues.index, 100 + issues["row"])


def test_rows_of_a_detector_by_any_scores_are_found_in_any_order():
    detector = told(few(["p", "q", "r", "s"]), ["x", "y", "x", "y"])
    issues = detector.issues(few(["p", "q", "r", "s"]).loc[["r", "q"]])
    assert issues.index.tolist() == ["q", "r"]
    assert issues["row"].tolist() == [1, 2]
    assert issues["score"].tolist() == [5.0, 0.2]


def test_unknown_rows_are_refused(data, detector):
    X = data[0]
    with pytest.raises(ValueError, match="X: 5 of 5 rows are not among the 60 fitted"):
        detector.issues(X[:5] + 1)
    half = np.where(np.arange(60)[:, None] % 2, X, X + 1)
    with pytest.raises(ValueError, match="X: 30 of 60 rows are not among"):
        detector.issues(half)
    with pytest.raises(TypeError, match="X: "):
        detector.issues(iter(X))


def test_polars_frames_and_sparse_matrices_have_no_names(data):
    X, y, _ = data
    for given in (pl.DataFrame(X, schema=NAMES), csr_array(X)):
        issues = fit(given, y).issues()
        np.testing.assert_array_equal(issues.index, issues["row"])
        pd.testing.assert_frame_equal(fit(given, y).issues(given), issues)


def test_labels_of_a_dataset(data):
    X, y, _ = data
    dataset = PairDataset(X.astype(np.float32), y)
    issues = fit(dataset, None).issues()
    np.testing.assert_array_equal(issues["given_label"], y[issues["row"]])
    np.testing.assert_array_equal(fit(dataset, None).issues(dataset), issues)
    scored = NoisyLabelDetector(AUM(learner())).fit(dataset).issues()
    np.testing.assert_array_equal(scored["given_label"], y[scored["row"]])


def test_regression_targets_have_no_probability(data):
    X = data[0]
    targets = X @ [1.0, 2.0, -1.0, 0.5]
    issues = fit(X, targets, regressor(module__n_outputs=1)).issues()
    np.testing.assert_allclose(issues["given_label"], targets[issues["row"]])
    assert issues["suggested_label"].dtype.kind == "f"
    assert issues["noise_proba"].isna().all()


def test_sets_of_labels_are_tuples(data):
    X, y, _ = data
    sets = np.stack([y == 0, y > 0], axis=1).astype(np.float64)
    net = classifier(
        criterion=nn.BCEWithLogitsLoss, module__n_outputs=2, max_epochs=15, lr=1.0
    )
    detector = fit(X, sets, net)
    issues = detector.issues()
    for row, given, suggested in zip(
        issues["row"], issues["given_label"], issues["suggested_label"], strict=True
    ):
        assert given == tuple(sets[row])
        assert suggested == tuple(detector.suggested_labels_[row])
    scored = NoisyLabelDetector(Told(np.arange(60.0)))
    first = scored.fit(X, sets).issues()["given_label"].iloc[0]
    assert first == tuple(sets[-1])


def test_labels_that_change_after_the_fit_change_nothing():
    labels = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    detector = told(few(), labels)
    labels[:] = 9
    assert detector.issues()["given_label"].iloc[0] == (1.0, 0.0)


@pytest.mark.parametrize("labels", [None, ["a", "b", "a", "b"], [True, False] * 2])
def test_given_labels_of_any_scorer(labels):
    given = told(few(), labels).issues()["given_label"]
    if labels is None:
        assert given.isna().all()
    else:
        assert given.tolist() == [labels[i] for i in (1, 3, 2, 0)]


def test_a_refit_forgets_the_index(data):
    X, y, _ = data
    detector = GEXDetector(learner(), **FAST)
    detector.fit(frame_of(X, [f"r{i}" for i in range(60)]), y)
    assert detector.issues().index[0].startswith("r")
    detector.fit(X, y)
    np.testing.assert_array_equal(detector.issues().index, detector.issues()["row"])


@pytest.mark.parametrize("name", ["GEXDetector", "NoisyLabelDetector"])
def test_an_unfitted_detector_says_so(name):
    params = {"scorer": AUM()} if name == "NoisyLabelDetector" else {}
    with pytest.raises(NotFittedError):
        named(name)(**params).issues()


def test_without_pandas_the_error_names_the_extra(detector, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"skgex\[tabular\]"):
        detector.issues()


def test_the_most_suspicious_rows_have_wrong_labels():
    """On blobs of which every eighth label is flipped."""
    X, clean = make_blobs(120, spread=0.3)
    y, wrong = flip_every(clean, 8)
    issues = fit(X, y).issues()
    worst = issues["row"].iloc[: wrong.sum()]
    assert wrong[worst].mean() > 0.9
    right = issues["suggested_label"].iloc[: wrong.sum()] == clean[worst]
    assert right.mean() > 0.9
