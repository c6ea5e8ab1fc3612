"""
Find the wrong labels among handwritten digits
==============================================

The data are scikit-learn's 1,797 real digits, with 10 % of the labels flipped. The
detector knows neither which nor how many. Then ``GridSearchCV`` chooses the number of
members, the steps and the learning rate in a Pipeline, without ground truth.
"""

import argparse
import time
from tempfile import TemporaryDirectory

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.metrics import detection_report


def detect(X, y_noisy, noise_mask):
    start = time.perf_counter()
    detector = GEXDetector(random_state=0).fit(X, y_noisy)
    seconds = time.perf_counter() - start
    report = detection_report(noise_mask, detector.scores_, detector.noise_mask_)
    print(f"fitted in {seconds:.1f} s, learning rate {detector.lr_:g}")
    for name, value in report.items():
        print(f"  {name.replace('_', ' '):<22}{value:.3f}")
    return detector


def list_suspects(detector, y_noisy, y, n_rows=10):
    print(f"\nthe {n_rows} most suspicious rows")
    print("   row  score  given  suggested  (true)")
    for row in detector.scores_.argsort()[::-1][:n_rows]:
        print(
            f"  {row:>4}  {detector.scores_[row]:>5.2f}  {y_noisy[row]:>5}  "
            f"{detector.suggested_labels_[row]:>9}  {y[row]:>6}"
        )


def draw(detector, X, y_noisy, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 8), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1, 1.6))
    axes = above.subplots()
    axes.hist(detector.scores_, bins=100)
    axes.axvline(detector.threshold_, color="C3", label="threshold")
    axes.set(yscale="log", xlabel="relative loss [nats per (1 + bits)]", ylabel="rows")
    axes.legend()
    worst = detector.scores_.argsort()[::-1][:20]
    for row, axes in zip(worst, below.subplots(4, 5).flat, strict=True):
        axes.imshow(X[row].reshape(8, 8), cmap="gray_r")
        axes.set_title(f"{y_noisy[row]} → {detector.suggested_labels_[row]}")
        axes.set_axis_off()
    below.suptitle("given → suggested label of the 20 most suspicious rows")
    figure.savefig(path, dpi=100)
    print(f"\nfigure written to {path}")


def search(X, y_noisy, noise_mask):
    grid = {
        "gexdetector__n_members": [4, 8],
        "gexdetector__n_steps": [32, 64],
        "gexdetector__lr": [0.05, 0.2, 0.8],
    }
    with TemporaryDirectory() as cache:  # one net per fold, whatever the grid
        pipeline = make_pipeline(
            StandardScaler(), GEXDetector(memory=cache, random_state=0)
        )
        folds = StratifiedKFold(3, shuffle=True, random_state=0)
        start = time.perf_counter()
        found = GridSearchCV(pipeline, grid, cv=folds).fit(X, y_noisy)
    detector = found.best_estimator_[-1]
    report = detection_report(noise_mask, detector.scores_, detector.noise_mask_)
    print(f"\nGridSearchCV over 12 settings took {time.perf_counter() - start:.1f} s")
    for name, value in found.best_params_.items():
        print(f"  {name:<24}{value}")
    print(f"  held-out log-likelihood  {found.best_score_:.3f} nats")
    print(f"  average precision        {report['average_precision']:.3f} (hidden)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--figure", default="demo_digits.png")
    args = parser.parse_args()
    X, y = load_digits(return_X_y=True)
    y_noisy, noise_mask = flip_labels(y, 0.1, random_state=0)
    detector = detect(X, y_noisy, noise_mask)
    list_suspects(detector, y_noisy, y)
    draw(detector, X, y_noisy, args.figure)
    search(X, y_noisy, noise_mask)


if __name__ == "__main__":
    main()
