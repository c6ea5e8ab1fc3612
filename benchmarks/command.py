"""How long ``skgex detect`` takes from a file to an answer, and what it finds.

    python benchmarks/command.py --data-dir FOLDER [--quick] [--out FILE]

FOLDER holds overlap/titanic.csv, overlap/penguins.csv and hausa_headlines.npz (keys
text, clean). Digits come with scikit-learn: as an NPZ file of rows, and as a folder of
1,797 PNG files of 8 by 8 pixels. 5 % of the labels are flipped evenly. The command runs
as a process of its own, with no option but ``--label`` and ``--out``, on one thread;
seconds are from its start to its end, that of Python and of its libraries included.
Other work slows it down, so that the least seconds of all seeds are printed, and means
of all else.

Needs the extra ``cli``. Runs that are already in the CSV are not repeated.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from _data import OVERLAP, read
from _results import Results, markdown
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.metrics import average_precision_score

from skgex.datasets import flip_labels

RATE = 0.05
COLUMNS = [
    "rows",
    "flipped",
    "flagged",
    "flagged_and_flipped",
    "average_precision",
    "seconds",
    "processor_seconds",
]
JOURNEYS = {
    "titanic": "titanic.csv: 3 columns",
    "penguins": "penguins.csv: 16 columns, gaps, dates and remarks",
    "headlines": "headlines.csv: a text per row",
    "digits": "digits.npz: 64 numbers per row",
    "images": "digits/: a folder of PNG files",
}


def write_table(folder, name, seed, data_dir):
    """Write a table with flipped labels; return its file, options and the flips."""
    frame = pd.read_csv(data_dir / "overlap" / f"{name}.csv", dtype=str)
    label = OVERLAP[name]
    frame[label], flipped = flip(frame[label], seed)
    frame.to_csv(folder / f"{name}.csv", index=False)
    return folder / f"{name}.csv", ["--label", label], flipped


def write_headlines(folder, seed, data_dir):
    arrays = read("hausa_headlines", data_dir)
    topics, flipped = flip(arrays["clean"], seed)
    frame = pd.DataFrame({"headline": arrays["text"], "topic": topics})
    frame.to_csv(folder / "headlines.csv", index=False)
    return folder / "headlines.csv", ["--label", "topic"], flipped


def write_digits(folder, seed):
    X, y = load_digits(return_X_y=True)
    y, flipped = flip(y, seed)
    np.savez(folder / "digits.npz", X=X, y=y)
    return folder / "digits.npz", [], flipped


def write_images(folder, seed):
    """Write one sub-folder per class; files are numbered within it as they are read."""
    digits = load_digits()
    y, flipped = flip(digits.target, seed)
    for row, pixels in enumerate(digits.images):
        path = folder / "digits" / str(y[row]) / f"{row:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.round(pixels * 255 / 16).astype(np.uint8)).save(path)
    return folder / "digits", [], flipped[np.argsort(y, kind="stable")]


def flip(labels, seed):
    return flip_labels(np.asarray(labels).astype(str), RATE, random_state=seed)


def write(journey, folder, seed, data_dir):
    if journey in OVERLAP:
        return write_table(folder, journey, seed, data_dir)
    if journey == "headlines":
        return write_headlines(folder, seed, data_dir)
    return {"digits": write_digits, "images": write_images}[journey](folder, seed)


def run(path, options, flipped):
    """Run the command; return what it found and how long that took."""
    code = "from skgex.cli import main; main()"
    out = path.parent / "issues.csv"
    command = [sys.executable, "-c", code, "detect", str(path), *options]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    before, start = processor_seconds(), time.perf_counter()
    subprocess.run([*command, "--out", str(out)], check=True, env=one_thread)
    seconds = time.perf_counter() - start
    issues = pd.read_csv(out).sort_values("row")
    flagged = issues["flagged"].to_numpy()
    return {
        "rows": len(issues),
        "flipped": flipped.sum(),
        "flagged": flagged.sum(),
        "flagged_and_flipped": (flagged & flipped).sum(),
        "average_precision": average_precision_score(flipped, issues["score"]),
        "seconds": seconds,
        "processor_seconds": processor_seconds() - before,
    }


def processor_seconds():
    """Return what all processes that this one has started, and that ended, took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("command.csv"))
    parser.add_argument("--parts", nargs="+", choices=JOURNEYS, default=list(JOURNEYS))
    parser.add_argument("--quick", action="store_true", help="one seed")
    args = parser.parse_args()
    results = Results(args.out, ["journey", "seed"], COLUMNS)
    for seed in range(1 if args.quick else 3):
        for journey in args.parts:
            if results.has(journey=journey, seed=seed):
                continue
            with TemporaryDirectory() as folder:
                data = write(journey, Path(folder), seed, args.data_dir)
                figures = {name: float(value) for name, value in run(*data).items()}
            results.add(journey=journey, seed=seed, **figures)
    lines = [
        [
            JOURNEYS[journey],
            *(shown(results, column, journey) for column in COLUMNS),
        ]
        for journey in args.parts
    ]
    header = [column.replace("_", " ") for column in COLUMNS]
    print(markdown(["data", *header], lines))


def shown(results, column, journey):
    """Return the mean of a column; of the seconds the least, since others ran too."""
    if column == "seconds":
        rows = [row for row in results.rows if row["journey"] == journey]
        return f"{min(float(row[column]) for row in rows):.0f}"
    mean = results.mean(column, journey=journey)
    return f"{mean:.3f}" if column == "average_precision" else f"{mean:,.0f}"


if __name__ == "__main__":
    main()
