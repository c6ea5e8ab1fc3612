"""Count what a user writes from a CSV to reviewed labels, with skgex and with Datalab.

    python benchmarks/journey.py

Runs ``benchmarks/journey/with_skgex.py`` and ``with_datalab.py`` on tables that come
with scikit-learn, as CSV files with class names and with 10 % of the labels flipped. A
reviewer who knows the truth relabels the flagged rows that are wrong, and keeps the
others. Needs the libraries of ``pip install -e ".[docs]"``.
"""

import ast
import contextlib
import io
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

from skgex.datasets import flip_labels

FOLDER = Path(__file__).parent / "journey"
LOADERS = [load_breast_cancer, load_digits, load_wine]
SEEDS = range(3)
FIND, APPLY = 0, 1


def parts(name):
    """Return the source of a script before and after the review."""
    return (FOLDER / f"{name}.py").read_text().split("\n# Review:")


def n_lines(source):
    """Return how many lines are code, each statement being one line."""
    tree = ast.parse(source)
    body = [node for node in tree.body if not is_docstring(node)]
    return sum(len(ast.unparse(node).splitlines()) for node in body)


def is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def names_of_libraries(source):
    """Return the names that one has to know: imported, attributes and keywords."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.keyword):
            found.add(node.arg)
    return found


def write_table(load, seed):
    """Write data.csv; return the right labels and the mask of wrong ones."""
    data = load(as_frame=True)
    names = np.array([f"class {name}" for name in data.target_names])
    right = names[data.target]
    given, noise_mask = flip_labels(right, 0.1, random_state=seed)
    data.data.assign(label=given).to_csv("data.csv", index=False)
    return right, noise_mask


def review_report(found, right):
    """Write what the report exports, for a reviewer who knows the truth."""
    issues = found["detector"][-1].issues()
    flagged = issues.loc[issues["flagged"], ["row", "given_label"]]
    truth = right[flagged["row"]]
    wrong = (truth != flagged["given_label"]).to_numpy()
    decisions = flagged.assign(
        decision=np.where(wrong, "relabel", "keep"),
        new_label=np.where(wrong, truth, ""),
    )
    decisions.to_csv("decisions.csv", index=False)
    return flagged["row"].to_numpy()


def review_spreadsheet(found, right):
    """Write what one saves in a spreadsheet, for a reviewer who knows the truth."""
    review = pd.read_csv("review.csv", index_col="row")
    truth = right[review.index]
    wrong = truth != review["given"]
    review["decision"] = np.where(wrong, "relabel", "keep")
    review["new_label"] = np.where(wrong, truth, "")
    review.to_csv("reviewed.csv")
    return review.index.to_numpy()


SCRIPTS = {"with_skgex": review_report, "with_datalab": review_spreadsheet}


def run(name, right):
    """Run a script with its review; return the flagged rows and the seconds."""
    names, sources = {"__name__": "__main__"}, parts(name)
    start = time.process_time()
    exec(sources[FIND], names)
    seconds = time.process_time() - start
    rows = SCRIPTS[name](names, right)
    exec("#" + sources[APPLY], names)
    return rows, seconds


def try_out(name, load, seed):
    with TemporaryDirectory() as folder, contextlib.chdir(folder):
        right, noise_mask = write_table(load, seed)
        with contextlib.redirect_stdout(io.StringIO()):
            rows, seconds = run(name, right)
        left = (pd.read_csv("clean.csv")["label"].to_numpy() != right).sum()
    assert left == noise_mask.sum() - noise_mask[rows].sum()
    return noise_mask.sum(), len(rows), noise_mask[rows].sum(), left, seconds


def main():
    warnings.simplefilter("ignore")
    print("| script | lines | names |\n| --- | ---: | ---: |")
    for name in SCRIPTS:
        source = "\n# Review:".join(parts(name))
        print(f"| {name} | {n_lines(source)} | {len(names_of_libraries(source))} |")
    print("\n| table | script | wrong | flagged | right flags | left wrong | seconds |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for load in LOADERS:
        for name in SCRIPTS:
            means = np.mean([try_out(name, load, seed) for seed in SEEDS], axis=0)
            cells = " | ".join(f"{value:.1f}" for value in means)
            print(f"| {load.__name__[5:]} | {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
