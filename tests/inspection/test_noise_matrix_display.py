"""The noise matrix as a heat map."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from skgex import GEXDetector
from skgex.inspection import NoiseMatrixDisplay

TRUE, GIVEN = list("aaaabbcc"), list("aaabbbca")
MATRIX = [[0.75, 0.25, 0], [0, 1, 0], [0.5, 0, 0.5]]  # counted by hand


def texts(display):
    return [[text.get_text() for text in line] for line in display.text_]


def test_rows_are_true_labels_and_columns_given_ones():
    display = NoiseMatrixDisplay.from_predictions(TRUE, GIVEN)
    np.testing.assert_allclose(display.noise_matrix, MATRIX)
    assert texts(display) == [["75", "25", ""], ["", "100", ""], ["50", "", "50"]]
    assert display.ax_.get_xlabel() == "given label"
    assert display.ax_.get_ylabel() == "true label"
    for axis in (display.ax_.xaxis, display.ax_.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == list("abc")


def test_colours_are_of_wrong_labels_alone():
    display = NoiseMatrixDisplay.from_predictions(TRUE, GIVEN)
    shown = display.im_.get_array()
    np.testing.assert_array_equal(shown.mask, np.eye(3, dtype=bool))
    assert shown[2, 0] == 50
    assert display.im_.get_clim() == (0, 50)


def test_a_detector_shows_its_estimate(image_detector):
    display = NoiseMatrixDisplay.from_estimator(image_detector)
    np.testing.assert_array_equal(
        display.noise_matrix, image_detector[-1].noise_matrix_
    )
    labels = display.ax_.get_xticklabels()
    assert [label.get_text() for label in labels] == list("0123456789")


def test_names_are_drawn_as_they_are(detector, odd_names, axes, figures):
    display = NoiseMatrixDisplay.from_estimator(
        detector, display_labels=odd_names, ax=axes
    )
    assert figures() == []
    assert display.ax_ is axes
    display.figure_.draw_without_rendering()
    drawn = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert drawn[:2] == odd_names[:2].tolist()
    assert len(drawn[2]) < 20


def test_many_classes_have_colours_without_numbers():
    labels = np.arange(21)
    assert NoiseMatrixDisplay.from_predictions(labels, labels).text_ is None


def test_one_class_and_clean_labels_can_be_drawn():
    display = NoiseMatrixDisplay.from_predictions([1, 1], [1, 1])
    display.figure_.draw_without_rendering()
    assert texts(display) == [["100"]]


def test_names_must_be_as_many_as_classes(detector, figures):
    with pytest.raises(ValueError, match=r"^display_labels: .*3 classes, got 2"):
        NoiseMatrixDisplay.from_estimator(detector, display_labels=["a", "b"])
    assert figures() == []


def test_lengths_must_agree():
    with pytest.raises(ValueError, match=r"^y_given: "):
        NoiseMatrixDisplay.from_predictions([0, 1], [0])


def test_regression_targets_have_no_matrix(regressor_detector):
    with pytest.raises(ValueError, match=r"^detector: needs noise_matrix_"):
        NoiseMatrixDisplay.from_estimator(regressor_detector)


def test_an_unfitted_detector_is_refused():
    with pytest.raises(NotFittedError):
        NoiseMatrixDisplay.from_estimator(GEXDetector())
