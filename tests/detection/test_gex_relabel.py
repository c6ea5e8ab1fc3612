"""New labels for the rows that GEXDetector judges wrong."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from tiny import classifier, learner, regressor

from skgex import GEXDetector
from skgex.cleaning import weighted_rows

SMALL = {"n_members": 2, "n_steps": 4, "lr": 0.1, "random_state": 0}


@pytest.fixture
def detector(noisy):
    X, y, _ = noisy
    names = np.array(["a", "b", "c"])[y]
    return GEXDetector(learner(), **SMALL).fit(X, names)


def test_hard_labels_are_the_preferred_classes_of_wrong_rows_alone(detector, noisy):
    X, y, noise_mask = noisy
    given = np.array(["a", "b", "c"])[y]
    new = detector.relabel()
    wrong = detector.noise_mask_
    assert noise_mask[wrong].any()
    np.testing.assert_array_equal(new[~wrong], given[~wrong])
    preferred = detector.classes_[detector.predict_proba(X).argmax(axis=1)]
    np.testing.assert_array_equal(new[wrong], preferred[wrong])
    # Every tenth label was moved to the next class; most are moved back.
    true = np.array(["a", "b", "c"])[np.where(noise_mask, (y - 1) % 3, y)]
    assert (new == true).mean() > (given == true).mean()


def test_soft_targets_by_a_loop(detector, noisy):
    X, y, _ = noisy
    p = detector.predict_proba(X)
    means, influences = (detector.relabel(k) for k in ("probabilities", "influence"))
    for row, k in enumerate(y):
        if not detector.noise_mask_[row]:
            for targets in (means, influences):
                np.testing.assert_array_equal(targets[row], np.eye(3)[k])
            continue
        np.testing.assert_allclose(means[row], p[row], rtol=1e-6)
        assert influences[row, k] == 0
        # Cross entropy to p is that of not being the given class.
        cross_entropy = -(influences[row] * np.log(p[row])).sum()
        assert cross_entropy == pytest.approx(-np.log(1 - p[row, k]), rel=1e-5)


@pytest.mark.parametrize("kind", ["probabilities", "influence"])
def test_soft_targets_train_a_net_and_a_classifier_by_weighted_copies(
    detector, noisy, kind
):
    X, y, noise_mask = noisy
    true = np.where(noise_mask, (y - 1) % 3, y)
    targets = detector.relabel(kind)
    net = classifier(max_epochs=30, lr=0.2).fit(X, targets)
    assert (net.predict(X) == true).mean() > 0.9
    rows, codes, weights = weighted_rows(targets)
    model = LogisticRegression().fit(X[rows], codes, sample_weight=weights)
    assert (model.predict(X) == true).mean() > 0.9


def test_values_have_hard_labels_alone(blobs):
    X, y = blobs
    values = np.stack([X.sum(axis=1), y, -y], axis=1)
    detector = GEXDetector(regressor(), threshold="10%", **SMALL).fit(X, values)
    new, wrong = detector.relabel(), detector.noise_mask_
    assert wrong.sum() == 6
    np.testing.assert_array_equal(new[~wrong], values[~wrong])
    np.testing.assert_array_equal(new[wrong], detector.suggested_labels_[wrong])
    with pytest.raises(ValueError, match="kind: 'influence' needs classes"):
        detector.relabel("influence")


def test_an_unknown_kind_is_named(detector):
    with pytest.raises(ValueError, match="kind: must be one of"):
        detector.relabel("soft")
