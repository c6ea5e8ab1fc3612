"""Whether the estimated probabilities, rates and matrices of noise are right.

    python benchmarks/calibration.py --data-dir FOLDER [--quick] [--out FILE]

Data sets and label noise are those of the part "tables" of detection.py. Measures
``GEXDetector()`` with its defaults, and with thresholds such as "precision 90%". Runs
that are already in the CSV are not repeated.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import torch
from _data import load
from _detection_tasks import INJECTED, TABLES
from _noise import make_noise
from _results import Results, markdown

from skgex import GEXDetector
from skgex.detection._noise_model import noise_matrix

N_BINS = 10
PRECISIONS = (80, 90, 95)
BIN_SUMS = ("rows", "expected", "wrong")
LAST = f"recall {PRECISIONS[-1]}%"


def measure(data, noise, rate, seed, data_dir):
    """Return the figures of one task, by their names."""
    X, clean = load(data, data_dir, seed=seed)
    y, noise_mask = make_noise(X, clean, noise, rate, seed)
    detector = GEXDetector(random_state=seed, warm_start=True).fit(X, y)
    proba = detector.noise_proba_
    figures = {
        "rate off by": abs(detector.noise_rate_ - noise_mask.mean()),
        "Brier score": np.mean((proba - noise_mask) ** 2),
    }
    bins = np.minimum((proba * N_BINS).astype(int), N_BINS - 1)
    for k in range(N_BINS):
        rows = bins == k
        sums = (rows.sum(), proba[rows].sum(), noise_mask[rows].sum())
        figures |= {f"{name} {k}": s for name, s in zip(BIN_SUMS, sums, strict=True)}
    matrix = noise_matrix(y, clean, len(detector.classes_))
    figures["matrix off by"] = distance(detector.noise_matrix_, matrix)
    figures["identity off by"] = distance(np.eye(len(matrix)), matrix)
    for wanted in PRECISIONS:
        detector.set_params(threshold=f"precision {wanted}%").fit(X, y)  # a warm start
        hits = (detector.noise_mask_ & noise_mask).sum()
        figures[f"precision {wanted}%"] = hits / max(detector.noise_mask_.sum(), 1)
        figures[f"recall {wanted}%"] = hits / noise_mask.sum()
    return figures


def distance(matrix, other):
    """Return the mean share of a class's labels that is put elsewhere."""
    return np.abs(matrix - other).sum(axis=1).mean() / 2


def reliability(results):
    """Render the expected and the true share of wrong labels per bin of probability."""
    lines = []
    for k in range(N_BINS):
        n, expected, wrong = (
            results.mean("value", quantity=f"{name} {k}") for name in BIN_SUMS
        )
        share = f"{wrong / n:.3f}" if n else "-"
        mean = f"{expected / n:.3f}" if n else "-"
        lines.append([f"{k / N_BINS} to {(k + 1) / N_BINS}", f"{n:.0f}", mean, share])
    return markdown(["noise_proba_", "rows per task", "mean", "wrong"], lines)


def table(results):
    """Render the other figures per kind and rate of noise."""
    shown = ["rate off by", "Brier score", "matrix off by", "identity off by"]
    shown += [
        f"{q} {wanted}%" for wanted in PRECISIONS for q in ("precision", "recall")
    ]
    lines = []
    for noise, rate in (*INJECTED, (None, None)):
        run = {} if noise is None else {"noise": noise, "rate": rate}
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
    key = ["data", "noise", "rate", "seed", "quantity"]
    results = Results(args.out, key, ["value"])
    for seed, data, (noise, rate) in product(seeds, names, INJECTED):
        run = {"data": data, "noise": noise, "rate": rate, "seed": seed}
        if results.has(**run, quantity=LAST):
            continue
        for quantity, value in measure(**run, data_dir=args.data_dir).items():
            results.add(**run, quantity=quantity, value=float(value))
    print(table(results), end="\n\n")
    print(reliability(results))


if __name__ == "__main__":
    main()
