"""The pictures of a report, drawn by the displays of skgex.inspection."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any

import numpy as np

from skgex.inspection import NoiseMatrixDisplay, ScoreDisplay

MAX_CLASSES = 30  # a noise matrix of more cannot be read


@dataclass(frozen=True)
class PageFigure:
    """A picture and its words.

    Attributes
    ----------
    source : str
        The picture as a ``data:`` address.
    alt : str
        What it shows, for those who do not see it.
    caption : str
        How to read it.
    """

    source: str
    alt: str
    caption: str


def draw_figures(detector: Any) -> list[PageFigure]:
    """Draw what a detector found.

    Parameters
    ----------
    detector : GEXDetector or NoisyLabelDetector
        Fitted.

    Returns
    -------
    figures : list of PageFigure
    """
    figures = [_scores(detector)]
    matrix = getattr(detector, "noise_matrix_", None)
    if matrix is not None and len(matrix) <= MAX_CLASSES:
        figures.append(_matrix(detector, matrix))
    return figures


def _scores(detector: Any) -> PageFigure:
    flagged = int(detector.noise_mask_.sum())
    return PageFigure(
        _svg(ScoreDisplay.from_estimator, detector),
        f"Histogram of the scores of {len(detector.noise_mask_):,} rows. {flagged:,} "
        f"of them are flagged; the cut is at a score of {detector.threshold_:.3g}.",
        "How suspicious each label is, and the cut above which labels are flagged.",
    )


def _matrix(detector: Any, matrix: np.ndarray) -> PageFigure:
    off = np.where(np.eye(len(matrix), dtype=bool), -1, matrix)
    true, given = np.unravel_index(off.argmax(), off.shape)
    names = detector.classes_
    return PageFigure(
        _svg(NoiseMatrixDisplay.from_estimator, detector),
        f"Matrix of {len(matrix)} true against given labels. The most frequent error: "
        f"{off[true, given]:.1%} of {names[true]} are labelled as {names[given]}.",
        "How often each class is labelled as each other, by estimate.",
    )


def _svg(draw: Callable[..., Any], detector: Any) -> str:
    """Return a display as a drawing, the same bits each time."""
    import matplotlib
    from matplotlib import pyplot

    with matplotlib.rc_context({"svg.hashsalt": "skgex", "font.size": 11}):
        figure = draw(detector).figure_
        file = StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None}, bbox_inches="tight")
        pyplot.close(figure)
    encoded = base64.b64encode(file.getvalue().encode()).decode()
    return f"data:image/svg+xml;base64,{encoded}"
