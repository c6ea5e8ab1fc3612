"""Detectors say in words what they found, assumed and doubt."""

import re
import warnings

import numpy as np
import pytest
from detecting import FAST, fit
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from tiny import learner, make_blobs, regressor

from skgex import GEXDetector, NoisyLabelDetector
from skgex.detection._doubts import Doubt
from skgex.detection._issues import JudgedRows
from skgex.detection._summary import Basis, NoiseEstimate, summarise
from skgex.exceptions import (
    AmbiguousNoiseWarning,
    SkgexWarning,
    SuspiciousMaskWarning,
    UnpredictableLabelsWarning,
)

GIVEN = np.array(["a"] * 5 + ["b"] * 3)
SUGGESTED = np.array(["b", "b", "c", "a", "a", "a", "b", "b"])
FLAGGED = np.array([True, True, True, False, False, True, False, False])
ESTIMATE = NoiseEstimate(0.125, 0.031, "class_conditional", 0.83, 0.625)


def judged(given=GIVEN, suggested=SUGGESTED, flagged=FLAGGED):
    scores = np.arange(len(flagged), dtype=float)
    return JudgedRows(given, suggested, None, scores, None, flagged, None)


def say(noise=ESTIMATE, *, asked="auto", doubts=(), has_classes=True, **labels):
    basis = Basis("auto", has_classes, doubts, asked)
    return summarise(judged(**labels), basis, noise)


class Told(BaseEstimator):
    """Gives the scores that it was told."""

    def __init__(self, scores):
        self.scores = scores

    def fit(self, X, y=None):
        """Take them."""
        self.scores_ = np.array(self.scores, dtype=float)
        return self


def test_all_of_it_by_hand():
    assert say() == (
        "4 of 8 labels (50.0%) are flagged as wrong (threshold='auto'). "
        "An estimated 12.5% of all labels are wrong (standard error 3.1%). "
        "Wrong labels were assumed to fall on all rows of a class alike "
        "(noise_type='class_conditional'), because less than 95% of the held-out "
        "labels are predicted, so that classes may overlap. "
        "A net that was not trained on them predicts 83% of the held-out labels; the "
        "most frequent class has 62% of all labels. "
        "Classes with most flagged labels: a (3 of 5), b (1 of 3). "
        "Most frequent suggestions: b instead of a (2), c instead of a (1), "
        "a instead of b (1)."
    )


@pytest.mark.parametrize(
    ("noise_type", "accuracy", "asked", "text"),
    [
        (
            "instance_dependent",
            0.97,
            "auto",
            "because 95% or more of the held-out labels",
        ),
        ("instance_dependent", np.nan, "auto", "because no labels were held out"),
        ("instance_dependent", 0.8, "instance_dependent", "as asked for"),
        ("class_conditional", 0.99, "class_conditional", "as asked for"),
    ],
)
def test_why_the_assumption_was_made(noise_type, accuracy, asked, text):
    noise = NoiseEstimate(0.1, 0.01, noise_type, accuracy, 0.5)
    words = say(noise, asked=asked)
    assert f"(noise_type='{noise_type}'), {text}" in words
    assert ("held-out labels; the most frequent class" in words) == (
        not np.isnan(accuracy)
    )


def test_a_rate_that_is_not_known_is_not_said():
    noise = NoiseEstimate(0.0, np.nan, "class_conditional", 0.5, 0.5)
    assert "How many labels are wrong cannot be said." in say(noise)
    assert "estimated" not in say(noise)


def test_scores_alone():
    words = say(None, suggested=None)
    assert "they do not say how many labels are wrong" in words
    assert "Classes with most flagged labels: a (3 of 5), b (1 of 3)." in words
    assert "suggestions" not in words


def test_no_flags_name_no_classes():
    words = say(flagged=np.zeros(8, dtype=bool))
    assert words.startswith("0 of 8 labels (0.0%) are flagged")
    assert "Classes" not in words


def test_only_the_first_classes_are_named():
    given = np.arange(8)
    assert "labels: 0 (1 of 1), 1 (1 of 1), 2 (1 of 1)." in say(given=given)


def test_doubts_are_lines_of_their_own():
    doubts = Doubt("one.", SkgexWarning), Doubt("two.", SkgexWarning)
    lines = say(doubts=doubts).splitlines()
    assert lines[1:] == ["In doubt: one.", "In doubt: two."]


def recorded(make):
    """What a fit says and warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SkgexWarning)
        detector = make()
    doubts = (
        AmbiguousNoiseWarning,
        SuspiciousMaskWarning,
        UnpredictableLabelsWarning,
    )
    told = [str(w.message) for w in caught if issubclass(w.category, doubts)]
    lines = detector.summary().splitlines()[1:]
    return told, [line.removeprefix("In doubt: ") for line in lines]


def noise_labels():
    rng = np.random.RandomState(0)
    return rng.standard_normal((300, 4)), rng.randint(0, 3, 300)


@pytest.mark.parametrize(
    "make",
    [
        lambda: GEXDetector(random_state=0, n_members=2).fit(*noise_labels()),
        lambda: fit(*make_blobs(), threshold=0.0),
        lambda: fit(*make_blobs()),
        lambda: NoisyLabelDetector(Told(np.arange(60)), threshold=9.5).fit(
            *make_blobs()
        ),
    ],
    ids=["nothing to learn", "most rows flagged", "nothing", "most of any scores"],
)
def test_what_is_warned_of_is_what_is_doubted(make):
    told, lines = recorded(make)
    assert lines == told


def test_labels_that_nothing_predicts():
    X, y = noise_labels()
    words = GEXDetector(random_state=0, n_members=2).fit(X, y).summary()
    assert "In doubt: X hardly predicts y" in words
    assert "cannot be said" in words


def test_the_numbers_are_those_of_the_attributes(data):
    X, y, _ = data
    detector = GEXDetector(learner(), **{**FAST, "lr": "auto"}).fit(X, y)
    words = detector.summary()
    k = detector.noise_mask_.sum()
    assert words.startswith(f"{k} of 60 labels ({k / 60:.1%}) are flagged")
    found = re.search(r"estimated ([\d.]+)% .*standard error ([\d.]+)%", words)
    assert float(found[1]) / 100 == pytest.approx(detector.noise_rate_, abs=6e-4)
    assert float(found[2]) / 100 == pytest.approx(detector.noise_rate_std_, abs=6e-4)
    assert f"predicts {detector.held_out_accuracy_:.0%} of the held-out" in words
    assert f"noise_type='{detector.noise_type_}'" in words


def test_regression_targets(data):
    X = data[0]
    detector = fit(X, X @ [1.0, 2.0, -1.0, 0.5], regressor(module__n_outputs=1))
    words = detector.summary()
    assert "flagged as wrong" in words
    assert "they do not say how many labels are wrong" in words
    assert "Classes" not in words


@pytest.mark.parametrize(
    "detector", [GEXDetector(), NoisyLabelDetector(Told([1]))], ids=["own", "any"]
)
def test_an_unfitted_detector_says_so(detector):
    with pytest.raises(NotFittedError):
        detector.summary()
