"""The rows for and against a label, as pictures or as a table."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from skgex import GEXDetector
from skgex.inspection import NeighborsDisplay


def shown_rows(explanation):
    """Itself, against, for: as the explanation has them."""
    against, given = explanation.rows_against[0], explanation.rows_for[0]
    return [explanation.rows[0], *against[against >= 0], *given[given >= 0]]


def test_pictures_are_the_row_those_against_and_those_for(image_detector, images):
    X, y, truth = images
    display = NeighborsDisplay.from_estimator(
        image_detector, X, y, n_neighbors=3, noise_mask=truth
    )
    fitted = image_detector[-1]
    explanation = fitted.explain([int(fitted.scores_.argmax())], n_neighbors=3)
    rows = shown_rows(explanation)
    assert len(rows) > 3
    drawn = [cell for cell in display.axes_.flat if cell.images]
    assert len(drawn) == len(rows)
    for row, cell, title in zip(rows, drawn, display.titles_, strict=True):
        wanted = np.round(X[row].reshape(8, 8) * 255 / X[rows].max())
        np.testing.assert_array_equal(cell.images[0].get_array(), wanted)
        head, _, position = title.get_text().split("\n")
        assert head == f"{y[row]}{' (wrong)' if truth[row] else ''}"
        assert position == f"row {row}"


def test_captions_say_the_suggestion_and_the_pulls(image_detector, images):
    explanation = image_detector[-1].explain([3], n_neighbors=2)
    display = NeighborsDisplay.from_predictions(explanation, *images[:2])
    second = [title.get_text().split("\n")[1] for title in display.titles_]
    assert second[0] == f"→ {explanation.suggested_labels[0]}"
    against = explanation.pulls_against[0][explanation.rows_against[0] >= 0]
    given = explanation.pulls_for[0][explanation.rows_for[0] >= 0]
    wanted = [f"{-pull:.2f} nats against" for pull in against]
    assert second[1:] == wanted + [f"{pull:.2f} nats for" for pull in given]


def test_sides_differ_in_colour(image_detector, images):
    display = NeighborsDisplay.from_estimator(image_detector, *images[:2], row=3)
    colours = [title.get_color() for title in display.titles_]
    n_for = len(colours) - 1 - display.n_against
    assert len(set(colours)) == 1 + bool(display.n_against) + bool(n_for)
    assert len(set(colours[1 : 1 + display.n_against])) == 1


def test_a_table_has_the_values_of_the_rows(detector, table):
    X, y, _ = table
    frame = pd.DataFrame(X, columns=["$a^{", "b", "c", "d"])
    frame["c"] = [f"text {i}" for i in range(len(X))]
    display = NeighborsDisplay.from_estimator(
        detector, frame, y, row=5, n_neighbors=2, features=["c", "$a^{"]
    )
    rows = shown_rows(detector.explain([5], n_neighbors=2))
    cells = display.table_.get_celld()
    for column, row in enumerate(rows):
        assert cells[0, column].get_text().get_text().endswith(f"row {row}")
        assert cells[1, column].get_text().get_text() == f"text {row}"
        assert float(cells[2, column].get_text().get_text()) == pytest.approx(
            X[row, 0], rel=1e-3
        )
    assert cells[1, -1].get_text().get_text() == "c"
    display.figure_.draw_without_rendering()


def test_dates_and_gaps_are_shown_as_such(detector, table):
    days = pd.Series(pd.date_range("2024-01-01", periods=60))
    counts = pd.Series(range(60), dtype="Int64")
    frame = pd.DataFrame({"day": days, "count": counts, "text": ["nan"] * 60})
    for name in ("day", "count"):
        frame.loc[6:, name] = None
    display = NeighborsDisplay.from_estimator(detector, frame, table[1], row=5)
    assert display.values[0] == ["2024-01-06", "5", "nan"]
    display = NeighborsDisplay.from_estimator(detector, frame, table[1], row=7)
    assert display.values[0] == ["", "", "nan"]


def test_an_array_has_numbers_for_names(detector, table):
    display = NeighborsDisplay.from_estimator(detector, *table[:2], features=[2])
    assert display.feature_names == ["2"]


def test_a_wide_table_is_cut(detector, table):
    wide = np.tile(table[0], (1, 5))
    display = NeighborsDisplay.from_estimator(detector, wide, table[1])
    assert len(display.feature_names) == 12


@pytest.mark.parametrize("kind", ["image", "table"])
def test_no_figure_is_made_where_axes_are_given(request, kind, axes, figures):
    prefix = {"image": "image_detector", "table": "detector"}[kind]
    X, y, _ = request.getfixturevalue({"image": "images", "table": "table"}[kind])
    fitted = request.getfixturevalue(prefix)
    display = NeighborsDisplay.from_estimator(fitted, X, y, ax=axes)
    display.figure_.draw_without_rendering()
    assert figures() == []
    assert display.figure_ is axes.figure


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"X": np.zeros((59, 4))}, "X"),
        ({"X": np.zeros((60, 4, 2, 2, 2))}, "X"),
        ({"y": np.zeros(59)}, "y"),
        ({"row": 60}, "rows"),
        ({"features": ["price"]}, "features"),
        ({"noise_mask": [True]}, "noise_mask"),
        ({"n_neighbors": 0}, "n_neighbors"),
    ],
)
def test_what_does_not_fit_is_refused(detector, table, change, named, figures):
    arguments = {"X": table[0], "y": table[1], **change}
    with pytest.raises(ValueError, match=rf"^{named}: "):
        NeighborsDisplay.from_estimator(detector, **arguments)
    assert figures() == []


def test_an_explanation_of_no_row_is_refused(detector, table):
    with pytest.raises(ValueError, match=r"^explanation: "):
        NeighborsDisplay.from_predictions(detector.explain([]), *table[:2])


def test_regression_targets_are_refused(regressor_detector, table):
    with pytest.raises(ValueError, match=r"^detector: "):
        NeighborsDisplay.from_estimator(regressor_detector, *table[:2])


def test_an_unfitted_detector_is_refused(table):
    with pytest.raises(NotFittedError):
        NeighborsDisplay.from_estimator(GEXDetector(), *table[:2])
