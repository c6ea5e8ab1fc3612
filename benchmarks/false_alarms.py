"""How many rows are flagged, and which noise rate is estimated, without noise.

    python benchmarks/false_alarms.py --data-dir FOLDER [--quick] [--out FILE]

FOLDER holds the tabular sets (NAME.npz, keys x, y). Measures ``GEXDetector()`` with its
defaults on labels as they are, and with 10 % of them flipped evenly to other classes;
at most 4,000 rows. Runs that are already in the CSV are not repeated.
"""

import argparse
from itertools import product
from pathlib import Path

import torch
from _data import load
from _results import Results, markdown

from skgex import GEXDetector
from skgex.datasets import flip_labels

SETS = (
    "digits",
    "letter",
    "magic",
    "optdigits",
    "satimage",
    "segment",
    "spambase",
    "vehicle",
)
RATES = (0.0, 0.1)
COLUMNS = ["flagged", "noise_rate"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("false_alarms.csv"))
    parser.add_argument("--quick", action="store_true", help="digits, one seed")
    args = parser.parse_args()
    torch.set_num_threads(1)
    results = Results(args.out, ["data", "rate", "seed"], COLUMNS)
    sets, seeds = (["digits"], [0]) if args.quick else (SETS, range(2))
    for seed, name, rate in product(seeds, sets, RATES):
        run = {"data": name, "rate": rate, "seed": seed}
        if results.has(**run):
            continue
        X, y = load(name, args.data_dir, seed=seed)
        y_noisy = flip_labels(y, rate, random_state=seed)[0]
        detector = GEXDetector(random_state=seed).fit(X, y_noisy)
        flagged = detector.noise_mask_.mean()
        results.add(**run, flagged=flagged, noise_rate=detector.noise_rate_)
    lines = [
        [name]
        + [
            f"{results.mean(column, data=name, rate=rate):.3f}"
            for rate, column in product(RATES, COLUMNS)
        ]
        for name in sets
    ]
    header = [
        "data",
        "flagged, 0%",
        "noise rate, 0%",
        "flagged, 10%",
        "noise rate, 10%",
    ]
    print(markdown(header, lines))


if __name__ == "__main__":
    main()
