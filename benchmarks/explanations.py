"""Whether ``GEXDetector.explain`` names rows of the true class against wrong labels.

    python benchmarks/explanations.py --data-dir FOLDER [--quick] [--out FILE]

FOLDER holds the tabular sets (NAME.npz, keys x, y). There are at most 2,000 rows. 10 %
of the labels are flipped evenly to other classes, and copies of 20 right rows are added
with another label.

For each flipped row that is flagged, five rows are named against its label and five for
it: by their pull, and by the paper's influence (lowest among other labels, highest
among the same label). Measures the share of rows against that have the true class, the
share of rows for that are flipped themselves, and the share of copied rows that find
their copy first against them by losses and predictions alone. Runs that are already in
the CSV are not repeated.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from _data import load
from _results import Results, markdown

from skgex import GEXDetector
from skgex._ensemble.statistics import influence
from skgex.datasets import flip_labels
from skgex.detection._pulls import hardest_pulls

SETS = ("digits", "letter", "optdigits", "satimage", "segment", "vehicle")
RANKINGS = ("pull", "influence")
COLUMNS = ["against_true", "for_flipped", "twin_first"]
N_ROWS, N_TWINS = 5, 20


def with_twins(X, y, noise_mask, seed):
    """Append right rows with another label; return X, y and the rows copied."""
    rng = np.random.RandomState(seed)
    rows = rng.choice(np.flatnonzero(~noise_mask), N_TWINS, replace=False)
    others = (y[rows] + rng.randint(1, y.max() + 1, N_TWINS)) % (y.max() + 1)
    return np.concatenate([X, X[rows]]), np.concatenate([y, others]), rows


def named_by_pull(detector, y, asked):
    """Return rows for and against by their pull, without knowledge of copies."""
    answers = detector._fitted.evaluation
    given = (answers.losses, answers.outputs, y, asked, N_ROWS)
    found = hardest_pulls(*given, n_starts=answers.n_starts)
    return [pulls.rows for pulls in found]


def named_by_influence(detector, y, asked):
    """Return rows for and against by the mean product of loss deviations."""
    deviations = detector._fitted.deviations(detector._fitted.evaluation)
    values = influence(deviations[asked], deviations)
    values[np.arange(len(asked)), asked] = np.nan  # sorted last
    same = y[asked, None] == y
    largest_for = np.where(same, -values, np.nan)
    lowest_against = np.where(same, np.nan, values)
    return [np.argsort(v, axis=1)[:, :N_ROWS] for v in (largest_for, lowest_against)]


def measure(detector, truth, y, flipped, originals, named):
    """Return the three figures of one way to name rows."""
    n_samples = len(truth)
    wrong = np.flatnonzero(flipped & detector.noise_mask_[:n_samples])
    rows_for, against = named(detector, y, wrong)
    is_wrong = np.concatenate([flipped, np.ones(N_TWINS, bool)])
    first = named(detector, y, originals)[1][:, 0]
    return {
        "against_true": (y[against] == truth[wrong, None])[against >= 0].mean(),
        "for_flipped": is_wrong[rows_for][rows_for >= 0].mean(),
        "twin_first": (first == n_samples + np.arange(N_TWINS)).mean(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("explanations.csv"))
    parser.add_argument("--quick", action="store_true", help="digits, one seed")
    args = parser.parse_args()
    torch.set_num_threads(1)
    results = Results(args.out, ["data", "ranking", "seed"], COLUMNS)
    sets, seeds = (["digits"], [0]) if args.quick else (SETS, range(3))
    rankings = dict(zip(RANKINGS, (named_by_pull, named_by_influence), strict=True))
    for seed in seeds:
        for name in sets:
            if results.has(data=name, ranking=RANKINGS[-1], seed=seed):
                continue
            X, truth = load(name, args.data_dir, n_rows=2000, seed=seed)
            y, flipped = flip_labels(truth, 0.1, random_state=seed)
            X, y, originals = with_twins(X, y, flipped, seed)
            detector = GEXDetector(random_state=seed).fit(X, y)
            for ranking, named in rankings.items():
                found = measure(detector, truth, y, flipped, originals, named)
                results.add(data=name, ranking=ranking, seed=seed, **found)
    lines = [
        [name, ranking]
        + [f"{results.mean(c, data=name, ranking=ranking):.2f}" for c in COLUMNS]
        for name in sets
        for ranking in RANKINGS
    ]
    header = ["data", "ranking", "against: true class", "for: flipped", "twin first"]
    print(markdown(header, lines))


if __name__ == "__main__":
    main()
