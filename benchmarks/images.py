"""How well wrong labels of small images are found by a conv net made for them.

    python benchmarks/images.py --data-dir FOLDER [--quick] [--out FILE]

Digits come with scikit-learn (1,797 images of 8 by 8 pixels). FOLDER holds
tabular/optdigits.npz, of which 3,000 images of that size are drawn per seed, and
fashion_mnist.npz, of which 2,000 of 28 by 28 pixels are drawn with one seed. 10 % of
the labels are flipped, evenly or to the next class. ``image_detector()`` on the images
is compared with ``GEXDetector()`` on their flat rows.

Runs that are already in the CSV are not repeated.
"""

import argparse
import time
from itertools import product
from pathlib import Path
from typing import NamedTuple

import torch
from _data import load
from _results import Results, markdown

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.images import image_detector
from skgex.metrics import detection_report


class Images(NamedTuple):
    """A set of square images, and how many of them are drawn how often."""

    file: str
    side: int
    n_rows: int
    n_seeds: int


SETS = {
    "digits": Images("digits", 8, 1797, 3),
    "optdigits": Images("tabular/optdigits", 8, 3000, 3),
    "fashion": Images("fashion_mnist", 28, 2000, 1),
}
NOISE = ("symmetric", "pair")
METHODS = {"GEXDetector()": GEXDetector, "image_detector()": image_detector}
RATE = 0.1
COLUMNS = ["average_precision", "precision", "recall", "f1", "processor_seconds"]


def run(method, images, y, noise_mask, seed):
    """Fit a detector, and return its figures."""
    detector = METHODS[method](random_state=seed)
    is_flat = method == "GEXDetector()"
    start = time.process_time()
    detector.fit(images.reshape(len(images), -1) if is_flat else images, y)
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
    for name, (file, side, n_rows, n_seeds) in SETS.items():
        for seed, kind in product(range(1 if args.quick else n_seeds), NOISE):
            X, clean = load(file, args.data_dir, n_rows, seed)
            y, noise_mask = flip_labels(clean, RATE, kind=kind, random_state=seed)
            for method in METHODS:
                task = {"data": name, "noise": kind, "seed": seed, "method": method}
                if not results.has(**task):
                    images = X.reshape(-1, side, side)
                    report = run(method, images, y, noise_mask, seed)
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
