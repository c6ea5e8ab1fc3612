import numpy as np
import pytest
from detecting import fit

from skgex._threshold import otsu


def test_otsu_on_the_root_spares_what_the_ensemble_prefers(data, detector):
    _, y, _ = data
    cut = otsu(np.sqrt(detector.scores_)) ** 2
    assert detector.threshold_ == pytest.approx(cut)
    expected = (detector.scores_ > cut) & (detector.suggested_labels_ != y)
    np.testing.assert_array_equal(detector.noise_mask_, expected)
    assert detector.noise_mask_.any()


def test_otsu_on_the_values(data):
    detector = fit(*data[:2], threshold="otsu_raw")
    assert detector.threshold_ == otsu(detector.scores_)
    np.testing.assert_array_equal(
        detector.noise_mask_, detector.scores_ > detector.threshold_
    )


@pytest.mark.parametrize(("text", "n_noisy"), [("10%", 6), ("25 %", 15), ("0%", 0)])
def test_an_expected_share(data, text, n_noisy):
    detector = fit(*data[:2], threshold=text)
    worst = np.argsort(-detector.scores_)[:n_noisy]
    np.testing.assert_array_equal(np.flatnonzero(detector.noise_mask_), np.sort(worst))


def test_a_number_is_the_cut(data):
    detector = fit(*data[:2], threshold=0.7)
    assert detector.threshold_ == 0.7
    np.testing.assert_array_equal(detector.noise_mask_, detector.scores_ > 0.7)


def test_support_is_what_to_keep(data, detector):
    np.testing.assert_array_equal(detector.get_support(), ~detector.noise_mask_)
    np.testing.assert_array_equal(
        detector.get_support(indices=True), np.flatnonzero(~detector.noise_mask_)
    )
