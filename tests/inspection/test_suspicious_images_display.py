"""The most suspicious images, with their labels."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from skgex import GEXDetector, NoisyLabelDetector
from skgex.hardness import AUM
from skgex.inspection import SuspiciousImagesDisplay


def test_the_most_suspicious_come_first_with_labels_and_probability(
    image_detector, images, ranked
):
    X, y, truth = images
    display = SuspiciousImagesDisplay.from_estimator(
        image_detector, X, y, n_images=7, n_columns=3, noise_mask=truth
    )
    fitted = image_detector[-1]
    rows = ranked(fitted.scores_, 7)
    assert display.rows.tolist() == rows
    assert display.axes_.shape == (3, 3)
    for row, title, image in zip(rows, display.titles_, display.images_, strict=True):
        labels, probability, position, known = title.get_text().split("\n")
        assert labels == f"{y[row]} → {fitted.suggested_labels_[row]}"
        shown = float(probability.strip("<>").removesuffix("% wrong"))
        assert abs(shown - 100 * fitted.noise_proba_[row]) <= 1
        assert position == f"row {row}"
        assert known == "known: " + ("wrong" if truth[row] else "right")
        brightest = X[rows].max()
        wanted = np.round(X[row].reshape(8, 8) * 255 / brightest)
        np.testing.assert_array_equal(image.get_array(), wanted)


def test_cells_without_a_picture_are_empty(image_detector, images):
    display = SuspiciousImagesDisplay.from_estimator(
        image_detector, *images[:2], n_images=4, n_columns=3
    )
    assert [cell.axison for cell in display.axes_.flat] == [True] * 4 + [False] * 2


@pytest.mark.parametrize(
    "kind", [list, torch.as_tensor, lambda X: X.reshape(-1, 1, 8, 8)]
)
def test_images_may_come_as_they_like(image_detector, images, kind):
    X, y, _ = images
    display = SuspiciousImagesDisplay.from_estimator(image_detector, kind(X), list(y))
    assert display.pictures.shape == (20, 8, 8)


def test_a_dataset_and_a_list_of_files_are_taken():
    from PIL import Image
    from torch.utils.data import TensorDataset

    X = np.random.default_rng(0).integers(0, 256, (4, 9, 8, 3), dtype=np.uint8)
    tensors = torch.as_tensor(X.transpose(0, 3, 1, 2).copy())
    for images in (
        TensorDataset(tensors, torch.arange(4)),
        list(map(Image.fromarray, X)),
    ):
        display = SuspiciousImagesDisplay.from_predictions(
            images, list("abcd"), [1, 4, 2, 3], n_images=2
        )
        np.testing.assert_array_equal(display.pictures, X[[1, 3]])


def test_coloured_images_keep_their_colours():
    X = np.random.default_rng(0).integers(0, 256, (3, 3, 8, 9), dtype=np.uint8)
    display = SuspiciousImagesDisplay.from_predictions(X, list("abc"), [1, 3, 2])
    for row, image in zip([1, 2, 0], display.images_, strict=True):
        np.testing.assert_array_equal(image.get_array(), X[row].transpose(1, 2, 0))


def test_drawings_are_ink_on_paper_and_photos_stay(images):
    def colours_of(X, **settings):
        display = SuspiciousImagesDisplay.from_predictions(
            X, images[1], np.arange(300), n_images=3, **settings
        )
        return display.images_[0].get_cmap().name

    assert colours_of(images[0]) == "gray_r"
    assert colours_of(16 - images[0]) == "gray"
    assert colours_of(images[0], im_kw={"cmap": "viridis"}) == "viridis"


def test_a_detector_without_suggestions_shows_the_given_label(images, trained_learner):
    X, y, _ = images
    detector = NoisyLabelDetector(AUM(random_state=0)).fit(X[:60], y[:60])
    display = SuspiciousImagesDisplay.from_estimator(
        detector, X[:60], y[:60], n_images=1
    )
    (title,), (row,) = display.titles_, display.rows
    assert title.get_text() == f"{y[row]}\nrow {row}"


def test_fewer_rows_than_asked_for_are_all_shown(images):
    display = SuspiciousImagesDisplay.from_predictions(images[0][:2], [0, 1], [1, 2])
    assert display.rows.tolist() == [1, 0]
    assert display.axes_.shape == (1, 2)


@pytest.mark.parametrize("free", [True, False])
def test_pictures_stay_within_the_axes_that_are_given(images, free):
    from matplotlib.figure import Figure

    figure = Figure()
    place = (0.5, 0.1, 0.4, 0.8)
    axes = figure.add_axes(place) if free else figure.subplots(1, 2)[1]
    display = SuspiciousImagesDisplay.from_predictions(
        images[0], images[1], images[1], n_images=4, n_columns=2, ax=axes
    )
    figure.draw_without_rendering()
    outer = axes.get_window_extent()
    for cell in display.axes_.flat:
        inner = cell.get_window_extent()
        assert outer.x0 - 1 <= inner.x0 < inner.x1 <= outer.x1 + 1
        assert outer.y0 - 1 <= inner.y0 < inner.y1 <= outer.y1 + 1


def test_names_are_drawn_as_they_are(images, odd_names, axes, figures):
    display = SuspiciousImagesDisplay.from_predictions(
        images[0][:3], odd_names, [3, 2, 1], suggested_labels=odd_names, ax=axes
    )
    assert figures() == []
    assert display.figure_ is axes.figure
    display.figure_.draw_without_rendering()
    assert display.titles_[0].get_text().startswith("$x^{2$ → $x^{2$")
    assert len(display.titles_[2].get_text()) < 50


def test_long_names_stand_below_each_other_and_do_not_overlap():
    names = ["golden retriever", "hippopotamus", "hot air balloon"]
    display = SuspiciousImagesDisplay.from_predictions(
        np.ones((3, 8, 8)), names, [3, 2, 1], suggested_labels=names[::-1]
    )
    display.figure_.draw_without_rendering()
    assert display.titles_[0].get_text() == "golden retriever\n→ hot air balloon\nrow 0"
    boxes = [title.get_window_extent() for title in display.titles_]
    assert not any(a.overlaps(b) for a, b in pairwise(boxes))


def test_probabilities_near_one_are_not_called_certain():
    display = SuspiciousImagesDisplay.from_predictions(
        np.zeros((4, 8, 8)), list("abcd"), [4, 3, 2, 1], noise_proba=[0.999, 1, 0.5, 0]
    )
    lines = [title.get_text().split("\n")[1] for title in display.titles_]
    assert lines == [">99% wrong", "100% wrong", "50% wrong", "0% wrong"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"X": np.zeros((300, 10))}, "X"),
        ({"X": np.zeros((299, 64))}, "X"),
        ({"y": np.zeros(299)}, "y"),
        ({"noise_mask": [True]}, "noise_mask"),
        ({"n_images": 0}, "n_images"),
        ({"n_images": 2.5}, "n_images"),
        ({"n_columns": 0}, "n_columns"),
    ],
)
def test_what_does_not_fit_is_refused(image_detector, images, change, named, figures):
    arguments = {"X": images[0], "y": images[1], **change}
    with pytest.raises(ValueError, match=rf"^{named}: "):
        SuspiciousImagesDisplay.from_estimator(image_detector, **arguments)
    assert figures() == []


def test_an_unfitted_detector_is_refused(images):
    with pytest.raises(NotFittedError):
        SuspiciousImagesDisplay.from_estimator(GEXDetector(), *images[:2])
