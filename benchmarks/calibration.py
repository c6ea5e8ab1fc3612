"""Whether the estimated probabilities, rates and matrices of noise are right.

    python benchmarks/calibration.py --data-dir FOLDER [--quick] [--out FILE]

Data sets and label noise are those of the part "tables" of detection.py. Measures
``GEXDetector()`` with its defaults and with ``noise_type="instance_dependent"``, and
with thresholds such as "precision 90%". Runs that are already in the CSV are not
repeated.
"""

import argparse
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import torch
from _data import load
from _detection_tasks import INJECTED, TABLES
from _noise import make_noise
from _results import Results, markdown
from sklearn.metrics import confusion_matrix, f1_score

from skgex import GEXDetector
from skgex.exceptions import AmbiguousNoiseWarning, EmptyMaskWarning

N_BINS = 10
PRECISIONS = (80, 90, 95)
NOISE_TYPES = ("auto", "instance_dependent")
BIN_SUMS = ("rows", "expected", "wrong")
LAST = f"recall {PRECISIONS[-1]}%"


def measure(data, noise, rate, seed, data_dir):
    """Yield the figures of one task by their names, per assumption on the noise."""
    X, clean = load(data, data_dir, seed=seed)
    y, noise_mask = make_noise(X, clean, noise, rate, seed)
    matrix = confusion_matrix(clean, y, normalize="true")
    detector = GEXDetector(random_state=seed, warm_start=True)
    for noise_type in NOISE_TYPES:
        detector.set_params(noise_type=noise_type, threshold="auto").fit(X, y)
        yield noise_type, figures_of(detector, X, y, noise_mask, matrix)


def figures_of(detector, X, y, noise_mask, matrix):
    """Return the figures of a fitted detector, by their names."""
    proba = detector.noise_proba_
    figures = {
        "rate off by": abs(detector.noise_rate_ - noise_mask.mean()),
        "standard error": detector.noise_rate_std_,
        "Brier score": np.mean((proba - noise_mask) ** 2),
        "F1": f1_score(noise_mask, detector.noise_mask_),
        "matrix off by": distance(detector.noise_matrix_, matrix),
        "identity off by": distance(np.eye(len(matrix)), matrix),
    }
    bins = np.minimum((proba * N_BINS).astype(int), N_BINS - 1)
    for k in range(N_BINS):
        rows = bins == k
        sums = (rows.sum(), proba[rows].sum(), noise_mask[rows].sum())
        figures |= {f"{name} {k}": s for name, s in zip(BIN_SUMS, sums, strict=True)}
    for wanted in PRECISIONS:
        detector.set_params(threshold=f"precision {wanted}%").fit(X, y)  # a warm start
        hits = (detector.noise_mask_ & noise_mask).sum()
        if detector.noise_mask_.any():
            figures[f"precision {wanted}%"] = hits / detector.noise_mask_.sum()
        figures[f"recall {wanted}%"] = hits / noise_mask.sum()
    return figures


def distance(matrix, other):
    """Return the mean share of a class's labels that is put elsewhere."""
    return np.abs(matrix - other).sum(axis=1).mean() / 2


def reliability(results, noise_type):
    """Render the expected and the true share of wrong labels per bin of probability."""
    lines = []
    for k in range(N_BINS):
        n, expected, wrong = (
            results.mean("value", quantity=f"{name} {k}", noise_type=noise_type)
            for name in BIN_SUMS
        )
        share = f"{wrong / n:.3f}" if n else "-"
        mean = f"{expected / n:.3f}" if n else "-"
        lines.append([f"{k / N_BINS} to {(k + 1) / N_BINS}", f"{n:.0f}", mean, share])
    return markdown(["noise_proba_", "rows per task", "mean", "wrong"], lines)


def table(results, noise_type):
    """Render the other figures per kind and rate of noise."""
    shown = ["rate off by", "standard error", "Brier score", "F1"]
    shown += ["matrix off by", "identity off by"]
    shown += [
        f"{q} {wanted}%" for wanted in PRECISIONS for q in ("precision", "recall")
    ]
    lines = []
    for noise, rate in (*INJECTED, (None, None)):
        run = {"noise_type": noise_type}
        run |= {} if noise is None else {"noise": noise, "rate": rate}
        means = [results.mean("value", quantity=q, **run) for q in shown]
        name = "all" if noise is None else f"{noise} {rate:.0%}"
        lines.append([name, *(f"{m:.3f}" for m in means)])
    return markdown(["noise", *shown], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("calibration.csv"))
    parser.add_argument("--quick", action="store_true", help="digits, one seed")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(3))
    args = parser.parse_args()
    torch.set_num_threads(1)
    names, seeds = (["digits"], [0]) if args.quick else (TABLES, args.seeds)
    for category in (AmbiguousNoiseWarning, EmptyMaskWarning):
        warnings.simplefilter("ignore", category)
    key = ["data", "noise", "rate", "seed", "noise_type", "quantity"]
    results = Results(args.out, key, ["value"])
    for seed, data, (noise, rate) in product(seeds, names, INJECTED):
        run = {"data": data, "noise": noise, "rate": rate, "seed": seed}
        if results.has(**run, noise_type=NOISE_TYPES[-1], quantity=LAST):
            continue
        for noise_type, figures in measure(**run, data_dir=args.data_dir):
            for quantity, value in figures.items():
                found = {"noise_type": noise_type, "quantity": quantity}
                results.add(**run, **found, value=float(value))
    for noise_type in NOISE_TYPES:
        print(f"noise_type={noise_type!r}", end="\n\n")
        print(table(results, noise_type), end="\n\n")
        print(reliability(results, noise_type), end="\n\n")


if __name__ == "__main__":
    main()
