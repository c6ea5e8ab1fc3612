"""How right the time left is that ``verbose=1`` shows, and what showing it costs.

    python benchmarks/progress.py [--quick]

Fits run on one thread, and their clock is processor time, so that other work hardly
disturbs it. A first fit, which loads libraries, does not count. The default net and a
small net of one's own are fitted on digits, of which 10 % of the labels are flipped,
and the default net on 20,000 rows of 20 features as well. Printed are the seconds that
a fit takes, the seconds that were said to be left when a tenth, a quarter, half and
three quarters of them had passed, divided by those that were left, and what a fit that
is listened to takes, divided by one that is not.
"""

import argparse
import time
import warnings

import numpy as np
import torch
from _clock import side_by_side
from _results import markdown
from sklearn.datasets import load_digits, make_classification
from skorch import NeuralNetClassifier
from torch import nn

from skgex import GEXDetector, GEXPruner
from skgex._utils.progress import listening
from skgex._utils.time_left import TimeLeft
from skgex.datasets import flip_labels
from skgex.hardness import OutOfFold

MOMENTS = (0.1, 0.25, 0.5, 0.75)


class Small(nn.Sequential):
    """A net of one hidden layer for digits."""

    def __init__(self):
        super().__init__(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def small_net():
    """Return a net of one's own, unfitted."""
    return NeuralNetClassifier(
        Small,
        criterion=nn.CrossEntropyLoss,
        lr=0.01,
        max_epochs=20,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )


def fits(quick):
    """Return functions that fit, by what they fit."""
    X, y = load_digits(return_X_y=True)
    y, _ = flip_labels(y, 0.1, random_state=0)
    X = X.astype(np.float32)
    found = {
        "GEXDetector, digits": lambda: GEXDetector(random_state=0).fit(X, y),
        "GEXDetector, digits, own net": lambda: GEXDetector(
            small_net(), random_state=0
        ).fit(X, y),
        "GEXPruner, digits, own net": lambda: GEXPruner(
            small_net(), random_state=0
        ).fit(X, y),
        "OutOfFold, digits": lambda: OutOfFold(random_state=0).fit(X, y),
    }
    if not quick:
        large, labels = make_classification(
            20_000, n_informative=10, n_classes=4, random_state=0
        )
        labels, _ = flip_labels(labels, 0.1, random_state=0)
        found["GEXDetector, 20,000 rows"] = lambda: GEXDetector(random_state=0).fit(
            large, labels
        )
    return found


def said(fit):
    """Return the seconds of a fit, and at each moment what was said over what was."""
    heard = []

    def note():
        heard.append((told.seconds, told.progress()[1]))

    told = TimeLeft("fit", note, clock=time.process_time)
    with listening(told):
        fit()
        whole = told.seconds
    ratios = []
    for moment in MOMENTS:
        before = [pair for pair in heard if pair[0] <= moment * whole]
        when, left = before[-1] if before else (0.0, None)
        ratios.append(np.nan if left is None else left / (whole - when))
    return whole, ratios


def heard(fit):
    """Fit while somebody listens."""
    with listening(TimeLeft("fit")):
        fit()


def main():
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small data only")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    chosen = fits(quick)
    next(iter(chosen.values()))()
    lines = []
    for name, fit in chosen.items():
        seconds, ratios = said(fit)
        lines.append([name, f"{seconds:.1f}", *(f"{ratio:.2f}" for ratio in ratios)])
    print(markdown(["fit", "seconds", *(f"{m:.0%}" for m in MOMENTS)], lines))
    fit = next(iter(chosen.values()))
    _, ratios = side_by_side(
        {"alone": fit, "heard": lambda: heard(fit)}, 2 if quick else 7
    )
    print(f"\nlistened to: {ratios['heard']:.3f} times the processor time")


if __name__ == "__main__":
    main()
