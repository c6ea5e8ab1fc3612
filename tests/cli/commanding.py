"""Commands as a user types them, and the files that they read."""

import csv
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris
from typer.testing import CliRunner

from skgex.cli._app import app
from skgex.datasets import flip_labels

NAMES = np.array(["setosa", "versicolor", "virginica"])


def run(*args):
    """Run the command inside this process."""
    return CliRunner().invoke(app, [str(arg) for arg in args])


def fails(*args, code=2):
    """Run a command that must fail, and return the line that says why."""
    result = run(*args)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.output
    assert lines[0].startswith("error: ")
    return lines[0]


def succeeds(*args):
    """Run a command that must succeed, and return what it prints."""
    result = run(*args)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def iris():
    """Samples, labels of which 8 are wrong, and which those are."""
    X, y = load_iris(return_X_y=True)
    noisy, mask = flip_labels(y, 0.05, random_state=0)
    return X, NAMES[noisy], mask


def write_csv(path, header, rows, **options):
    """Write a CSV file."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, **options)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def read_csv(path):
    """Return the cells of a CSV file, without its header."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


def words(labels, seed=0):
    """A text for each label, from words of its own and words of all."""
    rng = np.random.RandomState(seed)
    topics = {
        "sport": ["goal", "match", "league", "coach", "referee"],
        "money": ["bank", "market", "shares", "budget", "credit"],
    }
    return [
        f"{' '.join(rng.choice(topics[label], 3))} news {rng.randint(10**6)}"
        for label in labels
    ]
