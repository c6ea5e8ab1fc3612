"""How well wrong labels of small images are found by a conv net made for them.

    python benchmarks/images.py --data-dir FOLDER [--quick] [--out FILE]

Digits come with scikit-learn (1,797 images); FOLDER holds tabular/optdigits.npz, of
which 3,000 are drawn per seed. Both have 8 by 8 pixels. 10 % of the labels are flipped,
evenly or to the next class. ``image_detector()`` on the images is compared with
``GEXDetector()`` on their flat rows.

Runs that are already in the CSV are not repeated.
"""

import argparse
import time
from pathlib import Path

import torch
from _data import load
from _results import Results, markdown

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.images import image_detector
from skgex.metrics import detection_report

SETS = {"digits": "digits", "optdigits": "tabular/optdigits"}
NOISE = ("symmetric", "pair")
METHODS = {
    "GEXDetector()": lambda X, seed: (GEXDetector(random_state=seed), X),
    "image_detector()": lambda X, seed: (
        image_detector(random_state=seed),
        X.reshape(-1, 8, 8),
    ),
}
N_ROWS = 3000
RATE = 0.1
COLUMNS = ["average_precision", "precision", "recall", "f1", "processor_seconds"]


def run(method, X, y, noise_mask, seed):
    """Fit a detector, and return its figures."""
    detector, samples = METHODS[method](X, seed)
    start = time.process_time()
    detector.fit(samples, y)
    seconds = time.process_time() - start
    report = detection_report(noise_mask, detector.scores_, detector.noise_mask_)
    return {**report, "processor_seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("images.csv"))
    parser.add_argument("--quick", action="store_true", help="one seed")
    args = parser.parse_args()
    torch.set_num_threads(1)
    results = Results(args.out, ["data", "noise", "seed", "method"], COLUMNS)
    for seed in range(1 if args.quick else 3):
        for name, file in SETS.items():
            X, clean = load(file, args.data_dir, N_ROWS, seed)
            for kind in NOISE:
                y, noise_mask = flip_labels(clean, RATE, kind=kind, random_state=seed)
                for method in METHODS:
                    task = {"data": name, "noise": kind, "seed": seed, "method": method}
                    if not results.has(**task):
                        report = run(method, X, y, noise_mask, seed)
                        results.add(**task, **{key: report[key] for key in COLUMNS})
    lines = [
        [name, kind, method]
        + [
            f"{results.mean(column, data=name, noise=kind, method=method):.3f}"
            for column in COLUMNS
        ]
        for name in SETS
        for kind in NOISE
        for method in METHODS
    ]
    header = [column.replace("_", " ") for column in COLUMNS]
    print(markdown(["data", "noise", "method", *header], lines))


if __name__ == "__main__":
    main()
