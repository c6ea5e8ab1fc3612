"""How well wrong labels are found in tables of numbers, text, dates and gaps.

    python benchmarks/tables.py --data-dir FOLDER [--quick] [--out FILE]

FOLDER holds the tables (overlap/NAME.csv). Compares ``tabular_detector()`` with
``GEXDetector()`` behind preprocessing by hand and behind two obvious pipelines, and
with cleanlab around out-of-fold predictions of two classifiers behind skrub's
vectorizer.
Labels are as they are, or 5 % or 10 % of them are flipped evenly to other classes. Runs
that are already in the CSV are not repeated.
"""

import argparse
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import torch
from _data import OVERLAP, load_table, mixed_scaler, read_table
from _results import Results, markdown
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from skrub import TableVectorizer, tabular_pipeline

from skgex import GEXDetector, tabular_detector
from skgex.datasets import flip_labels
from skgex.exceptions import SkgexWarning

RATES = (0.0, 0.05, 0.1)
COLUMNS = ["AP", "F1", "found", "flagged", "seconds"]


def vectorized_and_imputed():
    """Return what TableVectorizer's page begins with, and an imputer."""
    return make_pipeline(TableVectorizer(), SimpleImputer())


def one_hot_and_scaled():
    """Return one column per text that occurs, everything imputed and scaled."""
    text = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer(
        (text, make_column_selector(dtype_exclude="number")), remainder="passthrough"
    )
    return make_pipeline(columns, SimpleImputer(), StandardScaler())


def by_tabular_detector(frame, y, seed):
    return of_detector(tabular_detector(random_state=seed).fit(frame, y)[-1])


def by_hand(frame, y, seed):
    return of_detector(
        make_pipeline(mixed_scaler(), GEXDetector(random_state=seed)).fit(frame, y)[-1]
    )


def behind(preprocessing):
    """Return a method: GEXDetector behind some preprocessing."""

    def judge(frame, y, seed):
        X = preprocessing().fit_transform(frame)
        return of_detector(GEXDetector(random_state=seed).fit(X, y))

    return judge


def of_detector(detector):
    return detector.scores_, detector.noise_mask_


def by_cleanlab(classifier):
    """Return a method: cleanlab around out-of-fold predictions."""

    def judge(frame, y, seed):
        model = tabular_pipeline(classifier(random_state=seed))
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        probabilities = cross_val_predict(
            model, frame, y, cv=folds, method="predict_proba"
        )
        mask = find_label_issues(y, probabilities, n_jobs=1)
        return -get_label_quality_scores(y, probabilities), mask

    return judge


METHODS = {
    "tabular_detector()": by_tabular_detector,
    "by hand": by_hand,
    "vectorized, imputed": behind(vectorized_and_imputed),
    "one-hot, imputed, scaled": behind(one_hot_and_scaled),
    "cleanlab, boosting": by_cleanlab(HistGradientBoostingClassifier),
    "cleanlab, forest": by_cleanlab(RandomForestClassifier),
}


def measure(method, name, rate, seed, data_dir):
    """Return the figures of one run, by their columns."""
    # By hand, columns of names, dates and remarks are left out.
    load = load_table if method == "by hand" else read_table
    frame, y = load(name, data_dir)
    y_noisy, noise_mask = flip_labels(y, rate, random_state=seed)
    start = time.process_time()
    scores, mask = METHODS[method](frame, y_noisy, seed)
    figures = {"seconds": time.process_time() - start, "flagged": mask.mean()}
    for column in ("AP", "F1", "found"):
        figures[column] = np.nan
    if rate:
        figures["AP"] = average_precision_score(noise_mask, scores)
        figures["F1"] = f1_score(noise_mask, mask)
        figures["found"] = np.count_nonzero(mask & noise_mask)
    return {column: float(figures[column]) for column in COLUMNS}


def quality(results, tables, rates, methods):
    """Render AP and F1 per table and rate, one line per method."""
    tasks = list(product(tables, [rate for rate in rates if rate]))
    header = ["AP / F1", *(f"{name}, {rate:.0%}" for name, rate in tasks), "mean"]
    lines = []
    for method in methods:
        pairs = [
            [results.mean(c, method=method, data=n, rate=r) for c in ("AP", "F1")]
            for n, r in tasks
        ]
        pairs.append(np.mean(pairs, axis=0))
        lines.append([method, *(f"{ap:.3f} / {f1:.3f}" for ap, f1 in pairs)])
    return markdown(header, lines)


def alarms(results, tables, methods):
    """Render the share of rows flagged of labels as they are, and the time."""
    lines = [
        [
            method,
            *(
                f"{results.mean('flagged', method=method, data=name, rate=0.0):.3f}"
                for name in tables
            ),
            f"{results.mean('seconds', method=method):.1f}",
        ]
        for method in methods
    ]
    return markdown(["flagged as they are", *tables, "seconds"], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("tables.csv"))
    parser.add_argument("--quick", action="store_true", help="penguins, one seed")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(3))
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", SkgexWarning)  # what they say is measured here
    tables, seeds = list(OVERLAP), list(args.seeds)
    if args.quick:
        tables, seeds = ["penguins"], [0]
    results = Results(args.out, ["method", "data", "rate", "seed"], COLUMNS)
    for seed, name, rate, method in product(seeds, tables, RATES, args.methods):
        run = {"method": method, "data": name, "rate": rate, "seed": seed}
        if not results.has(**run):
            results.add(**run, **measure(*run.values(), args.data_dir))
    print(quality(results, tables, RATES, args.methods), end="\n\n")
    print(alarms(results, tables, args.methods))


if __name__ == "__main__":
    main()
