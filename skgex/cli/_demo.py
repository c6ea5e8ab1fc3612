"""``skgex demo``: the wrong labels among 1,797 real digits.

10 % of the labels are flipped. The detector knows neither which nor how many. Then
``GridSearchCV`` chooses the number of members, the steps and the learning rate in a
Pipeline, without ground truth.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex._utils.atomic import check_free
from skgex.cli._errors import BAD_INPUT, blaming
from skgex.cli._printing import (
    Column,
    print_facts,
    print_heading,
    print_table,
    print_text,
)
from skgex.cli._progress_bar import progress_bar
from skgex.datasets import flip_labels
from skgex.detection import GEXDetector
from skgex.inspection import ScoreDisplay, SuspiciousImagesDisplay
from skgex.metrics import detection_report

N_ROWS = 10
N_IMAGES = 20
GRID = {
    "gexdetector__n_members": [4, 8],
    "gexdetector__n_steps": [32, 64],
    "gexdetector__lr": [0.05, 0.2, 0.8],
}


def demo(figure: Path) -> None:
    """Detect, list, draw and search.

    Parameters
    ----------
    figure : Path
        Where the picture is written; it is replaced if it is there.
    """
    with blaming(BAD_INPUT):
        check_free(figure, True, "--figure")
    X, y = load_digits(return_X_y=True)
    y_noisy, noise_mask = flip_labels(y, 0.1, random_state=0)
    print_text(
        f"{len(X):,} digits; {noise_mask.sum()} of their labels were made wrong."
    )
    detector = _detect(X, y_noisy, noise_mask)
    _list_suspects(detector, y)
    _draw(detector, X, y_noisy, figure)
    _search(X, y_noisy, noise_mask)


def _detect(X: np.ndarray, y_noisy: np.ndarray, noise_mask: np.ndarray) -> GEXDetector:
    start = time.perf_counter()
    with progress_bar("preparing the samples"):
        detector = GEXDetector(random_state=0).fit(X, y_noisy)
    seconds = time.perf_counter() - start
    print_heading(f"What was found, in {seconds:.1f} s")
    print_text(detector.summary())
    print_heading("How good that is, now that the truth is shown")
    report = detection_report(noise_mask, detector.scores_, detector.noise_mask_)
    print_facts((name.replace("_", " "), f"{x:.3f}") for name, x in report.items())
    return detector


def _list_suspects(detector: GEXDetector, y: np.ndarray) -> None:
    print_heading(f"The {N_ROWS} most suspicious labels")
    worst = detector.issues().head(N_ROWS)
    print_table(
        [
            Column("row", justify="right"),
            Column("wrong", justify="right"),
            Column("given"),
            Column("suggested", style="bold"),
            Column("(truth)", style="dim"),
        ],
        [
            [e.row, f"{e.noise_proba:.0%}", e.given_label, e.suggested_label, y[e.row]]
            for e in worst.itertuples()
        ],
    )


def _draw(detector: GEXDetector, X: np.ndarray, y: np.ndarray, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 7), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(1, 1.1))
    above, below = parts
    ScoreDisplay.from_estimator(detector, ax=above.subplots())
    SuspiciousImagesDisplay.from_estimator(
        detector, X, y, n_images=N_IMAGES, n_columns=10, ax=below.subplots()
    )
    with blaming(BAD_INPUT, "--figure: "):
        figure.savefig(path, dpi=100)
    print_text(f"The picture is in {path}.")


def _search(X: np.ndarray, y_noisy: np.ndarray, noise_mask: np.ndarray) -> None:
    start = time.perf_counter()
    with TemporaryDirectory() as cache:  # one net per fold, whatever the grid
        pipeline = make_pipeline(
            StandardScaler(), GEXDetector(memory=cache, random_state=0)
        )
        folds = StratifiedKFold(3, shuffle=True, random_state=0)
        found = GridSearchCV(pipeline, GRID, cv=folds).fit(X, y_noisy)
    detector = found.best_estimator_[-1]
    report = detection_report(noise_mask, detector.scores_, detector.noise_mask_)
    seconds = time.perf_counter() - start
    n_settings = len(ParameterGrid(GRID))
    title = f"GridSearchCV over {n_settings} settings, without the truth"
    print_heading(f"{title}, in {seconds:.1f} s")
    chosen = {
        name.removeprefix("gexdetector__"): f"{value:g}"
        for name, value in found.best_params_.items()
    }
    print_facts(
        [
            *chosen.items(),
            ("held-out log-likelihood", f"{found.best_score_:.3f} nats"),
            (
                "average precision",
                f"{report['average_precision']:.3f} (not known to it)",
            ),
        ]
    )
