"""How many rows are flagged, and which noise rate is estimated, on labels as they are.

    python benchmarks/false_alarms.py --data-dir FOLDER [--quick] [--out FILE]

FOLDER holds the tabular sets and images (NAME.npz), and tables whose classes overlap
(overlap/NAME.csv). Measures ``GEXDetector()`` with its defaults, the same with
``noise_type="instance_dependent"``, and with ``threshold="precision 90%"``, on labels
as they are and with 10 % of them flipped evenly to other classes; at most 4,000 rows.
Runs that are already in the CSV are not repeated.
"""

import argparse
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import torch
from _data import OVERLAP, load, load_table, mixed_scaler
from _detection_tasks import TABLES
from _results import Results, markdown

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.exceptions import AmbiguousNoiseWarning, EmptyMaskWarning

SETS = (*TABLES, "mnist", "fashion_mnist", *OVERLAP)
RATES = (0.0, 0.1)
PROMISE = "precision 90%"
COLUMNS = [
    "held_out_accuracy",
    "flagged",
    "noise_rate",
    "noise_rate_std",
    "flagged_hard_rows",
    "flagged_sure",
    "right_sure",
]


def load_any(name, data_dir, seed):
    """Return at most 4,000 rows of a set as numbers, and classes as integers."""
    if name not in OVERLAP:
        return load(name, data_dir, seed=seed)
    frame, y = load_table(name, data_dir)
    return mixed_scaler().fit_transform(frame).astype(np.float32), y


def measure(name, rate, seed, data_dir):
    """Return the figures of one run, by their columns."""
    X, y = load_any(name, data_dir, seed)
    y_noisy, noise_mask = flip_labels(y, rate, random_state=seed)
    detector = GEXDetector(random_state=seed, warm_start=True).fit(X, y_noisy)
    figures = {
        "held_out_accuracy": detector.held_out_accuracy_,
        "flagged": detector.noise_mask_.mean(),
        "noise_rate": detector.noise_rate_,
        "noise_rate_std": detector.noise_rate_std_,
    }
    sure = detector.set_params(threshold=PROMISE).fit(X, y_noisy).noise_mask_
    figures["flagged_sure"] = sure.mean()
    figures["right_sure"] = noise_mask[sure].mean() if sure.any() else np.nan
    detector.set_params(threshold="auto", noise_type="instance_dependent")
    figures["flagged_hard_rows"] = detector.fit(X, y_noisy).noise_mask_.mean()
    return {column: float(figures[column]) for column in COLUMNS}


def as_they_are(results, sets):
    """Render what is flagged of labels as they are, one line per set."""
    shown = COLUMNS[:5]
    lines = [
        [name, *(f"{results.mean(c, data=name, rate=0.0):.3f}" for c in shown)]
        for name in sets
    ]
    return markdown(["labels as they are", *shown], lines)


def with_noise(results, sets, seeds):
    """Render the rate, and what precision was kept, one line per set."""
    lines = []
    for name in sets:
        run = {"data": name, "rate": 0.1}
        line = [name, *(f"{results.mean(c, **run):.3f}" for c in COLUMNS[1:4])]
        sure = [results.mean("flagged_sure", **run, seed=seed) for seed in seeds]
        right = [results.mean("right_sure", **run, seed=seed) for seed in seeds]
        kept = [
            f"{r:.2f} of {s:.3f}" if s else "none"
            for r, s in zip(right, sure, strict=True)
        ]
        lines.append([*line, ", ".join(kept)])
    return markdown(["10% flipped", *COLUMNS[1:4], PROMISE], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("false_alarms.csv"))
    parser.add_argument("--quick", action="store_true", help="digits, one seed")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(3))
    args = parser.parse_args()
    torch.set_num_threads(1)
    # What these say is measured here.
    for category in (AmbiguousNoiseWarning, EmptyMaskWarning):
        warnings.simplefilter("ignore", category)
    sets, seeds = (["digits"], [0]) if args.quick else (SETS, list(args.seeds))
    results = Results(args.out, ["data", "rate", "seed"], COLUMNS)
    for seed, name, rate in product(seeds, sets, RATES):
        run = {"data": name, "rate": rate, "seed": seed}
        if not results.has(**run):
            results.add(**run, **measure(name, rate, seed, args.data_dir))
    print(as_they_are(results, sets), end="\n\n")
    print(with_noise(results, sets, seeds))


if __name__ == "__main__":
    main()
