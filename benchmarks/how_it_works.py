"""Draw the pictures of the first page and of the page that explains how GEX works.

    python benchmarks/how_it_works.py

The data are scikit-learn's digits with 10 % of the labels flipped. Writes
``loss_deviations.png``, ``scores.png`` and ``suspicious_digits.png`` to
``docs/pictures``, and prints what the page says of them.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.inspection import ScoreDisplay, SuspiciousImagesDisplay

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
RIGHT, WRONG = "#0b6a8a", "#d1600a"


def save(figure, name):
    FOLDER.mkdir(exist_ok=True)
    figure.savefig(FOLDER / name, dpi=110)


def draw_deviations(deviations, noise_mask):
    """Draw each row as a line over the members: only wrong labels move."""
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    members = np.arange(1, deviations.shape[1] + 1)
    for axes, (color, kind, mask) in zip(
        figure.subplots(1, 2, sharey=True), kinds_of(noise_mask), strict=True
    ):
        drawn = np.random.RandomState(0).permutation(np.flatnonzero(mask))[:100]
        axes.plot(members, deviations[drawn].T, color=color, alpha=0.3, lw=1)
        axes.set(title=f"100 rows with a {kind} label", xlabel="member", xticks=members)
    figure.axes[0].set_ylabel("loss deviation [nats]")
    save(figure, "loss_deviations.png")


def draw_scores(detector, noise_mask):
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    ScoreDisplay.from_estimator(detector, noise_mask=noise_mask, ax=figure.subplots())
    save(figure, "scores.png")


def draw_images(detector, X, y):
    display = SuspiciousImagesDisplay.from_estimator(
        detector, X, y, n_images=16, n_columns=8
    )
    save(display.figure_, "suspicious_digits.png")


def kinds_of(noise_mask):
    return [(RIGHT, "right", ~noise_mask), (WRONG, "wrong", noise_mask)]


def main():
    X, labels = load_digits(return_X_y=True)
    y, noise_mask = flip_labels(labels, 0.1, random_state=0)
    detector = GEXDetector(n_members=16, random_state=0).fit(X, y)
    deviations = detector.transform(X)
    for _, kind, mask in kinds_of(noise_mask):
        moved = np.abs(deviations[mask]).mean()
        print(f"labels that are {kind} move by {moved:.2f} nats on average")
    draw_deviations(deviations, noise_mask)
    detector = GEXDetector(random_state=0).fit(X, y)
    draw_scores(detector, noise_mask)
    draw_images(detector, X, y)


if __name__ == "__main__":
    main()
