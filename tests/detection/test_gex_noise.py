"""What GEXDetector says of the noise as a whole, and of each label's chance."""

import numpy as np
import pytest
from detecting import fit, new_rows
from sklearn.datasets import load_digits
from tiny import learner, regressor

from skgex import GEXDetector
from skgex._nets.snapshot import revive
from skgex.datasets import flip_labels


def test_a_label_is_flagged_where_it_is_probably_wrong(data, detector):
    X, y, _ = data
    np.testing.assert_array_equal(detector.noise_proba_ > 0.5, detector.noise_mask_)
    np.testing.assert_array_equal(detector.noise_proba(X, y), detector.noise_proba_)
    assert detector.noise_rate_ == pytest.approx(detector.noise_proba_.mean())
    assert ((detector.noise_proba_ >= 0) & (detector.noise_proba_ <= 1)).all()


def test_it_is_the_same_whatever_rows_are_ranked_and_cut_by(data, detector):
    other = fit(*data[:2], statistic="mean_loss", threshold="5%")
    np.testing.assert_array_equal(other.noise_proba_, detector.noise_proba_)


def test_labels_of_new_rows_have_one_too(data, detector):
    X_new, _ = new_rows(data)
    suggested = detector.predict_proba(X_new).argmax(axis=1)
    other = (suggested + 1) % 3
    right, wrong = (detector.noise_proba(X_new, y) for y in (suggested, other))
    assert (right < wrong).all()
    assert right.max() <= 0.5


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_probabilities_are_about_right(rate):
    """Of labels with equal probabilities of being wrong, that share is wrong."""
    X, y = load_digits(return_X_y=True)
    y_noisy, noise_mask = flip_labels(y, rate, random_state=1)
    detector = GEXDetector(random_state=1).fit(X, y_noisy)
    parts = np.array_split(np.argsort(detector.noise_proba_), 10)
    expected = [detector.noise_proba_[rows].mean() for rows in parts]
    shares = [noise_mask[rows].mean() for rows in parts]
    assert np.abs(np.subtract(expected, shares)).mean() < 0.06
    assert detector.noise_rate_ == pytest.approx(rate, abs=0.04)


def test_the_noise_matrix_is_the_one_that_flipped_the_labels():
    X, y = load_digits(return_X_y=True)
    y_noisy, _ = flip_labels(y, 0.2, "pair", random_state=0)
    detector = GEXDetector(random_state=0).fit(X, y_noisy)
    expected = 0.8 * np.eye(10) + 0.2 * np.roll(np.eye(10), 1, axis=1)
    assert np.abs(detector.noise_matrix_ - expected).sum(axis=1).mean() < 0.12


def test_which_labels_the_net_itself_gives_is_told(data):
    X, y, noise_mask = data
    short, long = fit(X, y), fit(X, y, learner(max_epochs=150, module__hidden=64))
    for detector in (short, long):
        net = revive(detector.ensemble_.trained)
        given = net.predict_proba(X.astype(np.float32))[np.arange(len(y)), y]
        assert detector.memorised_ == pytest.approx(np.mean(given > 0.5))
    assert short.memorised_ < 1 - noise_mask.mean() / 2 < long.memorised_


def test_values_have_no_such_probability():
    X = np.random.RandomState(0).standard_normal((40, 4))
    y = X[:, :3] - X[:, 1:]
    detector = fit(X, y, regressor())
    assert not hasattr(detector, "noise_proba")
    assert not hasattr(detector, "noise_rate_")
    with pytest.raises(ValueError, match="threshold: 'precision 90%' needs classes"):
        fit(X, y, regressor(), threshold="precision 90%")
