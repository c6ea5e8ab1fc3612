"""How well wrong labels of short texts are found, with sparse TF-IDF and no settings.

    python benchmarks/text.py --data-dir FOLDER [--quick] [--out FILE]

FOLDER holds hausa_headlines.npz (keys text, clean): 2,045 headlines of five topics.
10 % of their true labels are flipped evenly. The texts become TF-IDF of character
n-grams (2,000 features), or of words (3,257), as sparse matrices. ``GEXDetector()`` is
compared with AUM around the net that it chose, trained for as many epochs, and with
cleanlab around logistic regression, out of 5 folds.

Needs cleanlab (extra ``benchmark``). Runs that are already in the CSV are not repeated.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from _data import read
from _detection_methods import by, shipped, timed
from _results import Results, markdown
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from skgex.datasets import flip_labels
from skgex.hardness import AUM
from skgex.metrics import detection_report

FEATURES = {
    "characters": {"analyzer": "char_wb", "ngram_range": (2, 4), "max_features": 2000},
    "words": {},
}
RATE = 0.1
COLUMNS = ["average_precision", "auc", "f1", "flagged", "seconds"]
METHODS = ("GEXDetector()", "AUM", "cleanlab")


def load_texts(features: str, data_dir: Path | None):
    """Return texts as a sparse matrix of TF-IDF, and their true labels."""
    arrays = read("hausa_headlines", data_dir)
    X = TfidfVectorizer(**FEATURES[features]).fit_transform(arrays["text"])
    return X, arrays["clean"].astype(np.int64)


def cleanlab(X, y, seed):
    """Rank by label quality, and cut by cleanlab's own filter."""
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    model = LogisticRegression(max_iter=1000)
    probabilities = cross_val_predict(model, X, y, cv=folds, method="predict_proba")
    quality = get_label_quality_scores(y, probabilities)
    return -quality, find_label_issues(y, probabilities, n_jobs=1)


def run(X, y, seed):
    """Yield name, scores, mask and seconds per method."""
    detector, *answer = timed(shipped, None, X, y, seed)
    yield METHODS[0], *answer
    yield METHODS[1], *timed(by(AUM), detector.ensemble_.trained.net, X, y, seed)
    yield METHODS[2], *timed(cleanlab, X, y, seed)


def run_task(results, features, seed, data_dir):
    """Run the methods on one task, unless they are in the CSV."""
    task = {"features": features, "seed": seed}
    if all(results.has(**task, method=method) for method in METHODS):
        return
    X, clean = load_texts(features, data_dir)
    y, noise_mask = flip_labels(clean, RATE, random_state=seed)
    for method, scores, mask, seconds in run(X, y, seed):
        report = detection_report(noise_mask, scores, mask)
        report |= {"flagged": np.mean(mask), "seconds": seconds}
        figures = {column: float(report[column]) for column in COLUMNS}
        results.add(**task, method=method, **figures)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("text.csv"))
    parser.add_argument("--quick", action="store_true", help="one seed")
    args = parser.parse_args()
    torch.set_num_threads(1)
    results = Results(args.out, ["features", "seed", "method"], COLUMNS)
    for seed in range(1 if args.quick else 3):
        for features in FEATURES:
            run_task(results, features, seed, args.data_dir)
    lines = [
        [features, method]
        + [
            f"{results.mean(column, features=features, method=method):.3f}"
            for column in COLUMNS
        ]
        for features in FEATURES
        for method in METHODS
    ]
    print(markdown(["features", "method", *COLUMNS], lines))


if __name__ == "__main__":
    main()
