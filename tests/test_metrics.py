import warnings

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex.metrics import NoiseScorer, detection_report, noise_scorer

TRUTH = np.array([1, 0, 0, 1, 0, 1, 0, 0], dtype=bool)
SCORES = np.array([0.9, 0.1, 0.8, 0.7, 0.3, 0.2, 0.2, 0.0])


def test_auc_is_the_share_of_pairs_in_order():
    pairs = [(i, j) for i in np.flatnonzero(TRUTH) for j in np.flatnonzero(~TRUTH)]
    gains = [np.sign(SCORES[i] - SCORES[j]) / 2 + 0.5 for i, j in pairs]
    assert detection_report(TRUTH, SCORES)["auc"] == pytest.approx(np.mean(gains))


def test_average_precision_is_the_mean_precision_at_the_noisy_rows():
    scores = np.array([8, 7, 6, 5, 4, 3, 2, 1])
    precisions = [TRUTH[: i + 1].mean() for i in np.flatnonzero(TRUTH)]
    report = detection_report(TRUTH, scores)
    assert report["average_precision"] == pytest.approx(np.mean(precisions))
    assert report["noise_rate"] == 3 / 8


def test_the_mask_is_measured():
    mask = SCORES > 0.5
    report = detection_report(TRUTH.tolist(), SCORES.tolist(), mask.tolist())
    assert report["precision"] == 2 / 3  # of the flagged rows 0, 2 and 3
    assert report["recall"] == 2 / 3  # of the wrong rows 0, 3 and 5
    assert report["f1"] == pytest.approx(2 / 3)
    assert report["estimated_noise_rate"] == 3 / 8


@pytest.mark.parametrize("mask", [np.zeros(8, dtype=bool), ~TRUTH])
def test_a_mask_without_a_hit_scores_zero(mask):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = detection_report(TRUTH, SCORES, mask)
    assert report["precision"] == report["recall"] == report["f1"] == 0


@pytest.mark.parametrize("truth", [np.zeros(8), np.ones(8)])
def test_one_sided_truth_is_refused(truth):
    with pytest.raises(ValueError, match="needs both noisy and clean"):
        detection_report(truth, SCORES)


def test_scores_may_be_numbers_among_objects():
    report = detection_report(TRUTH, SCORES.astype(object))
    assert report == detection_report(TRUTH, SCORES)


@pytest.mark.parametrize("odd", ["high", None, [1]])
def test_scores_that_are_no_numbers_are_refused(odd):
    scores = SCORES.astype(object)
    scores[3] = odd
    with pytest.raises(ValueError, match=r"^scores: must be (numbers|finite); "):
        detection_report(TRUTH, scores)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        detection_report(TRUTH, SCORES[:-1])


class FirstColumn:
    """A detector whose scores are the first feature."""

    def fit(self, X, y=None):
        return self

    def scores(self, X, y):
        return X[:, 0]


def test_the_scorer_is_average_precision():
    X = SCORES[:, None]
    expected = average_precision_score(TRUTH, SCORES)
    assert noise_scorer(FirstColumn(), X, None, noise_mask=TRUTH) == expected


def test_the_scorer_reaches_into_a_pipeline():
    X = SCORES[:, None]
    expected = average_precision_score(TRUTH, -SCORES)
    pipeline = make_pipeline(StandardScaler(), Negated(), FirstColumn()).fit(X)
    assert noise_scorer(pipeline, X, None, noise_mask=TRUTH) == expected
    alone = make_pipeline(FirstColumn())
    assert noise_scorer(alone, -X, None, noise_mask=TRUTH) == expected


class Negated(StandardScaler):
    def transform(self, X):
        return -super().transform(X)


def test_a_fold_without_noise_scores_nan():
    nothing = np.zeros(8, dtype=bool)
    assert np.isnan(noise_scorer(FirstColumn(), SCORES[:, None], None, nothing))


def test_the_scorer_says_how_the_mask_reaches_it():
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        noise_scorer(FirstColumn(), SCORES[:, None], None)


def test_the_scorer_asks_for_the_mask():
    requests = noise_scorer.get_metadata_routing().score.requests
    assert requests == {"noise_mask": True}
    assert repr(noise_scorer) == "noise_scorer"
    assert isinstance(noise_scorer, NoiseScorer)
