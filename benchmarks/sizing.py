"""What a cluster does with large data, computed from the rates of scaling.py.

    python benchmarks/sizing.py [--results FILE]

It prints the hours of a fit by the number of workers, the gibibytes of the data, which
every worker holds, and those of the losses and predictions that a member sends. Nothing
is run: the costs per row of ``scaling.py`` are multiplied by the rows.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from _results import Results, markdown

N_MEMBERS = 8
# The trial net is trained on half of the rows, and the choice of the learning rate
# takes about as many steps as one more training.
TRAININGS = 1 + 1 / 2 + 1
WORKERS = (1, 2, 4, 8)
RESULTS = Path(__file__).parent / "results" / "scaling.csv"


@dataclass(frozen=True)
class Task:
    """Large data, and the net whose rates count for them."""

    name: str
    net: str
    n_rows: int
    n_epochs: int
    bytes_per_row: int
    n_classes: int


TASKS = (
    Task("100 million rows of 100 columns", "MLP", 100_000_000, 5, 400, 10),
    Task("ImageNet, 224 x 224, as bytes", "ResNet", 1_281_167, 30, 3 * 224 * 224, 1000),
)


def seconds_per_row(results, part):
    """Return the cost of the largest run of a part."""
    runs = [row for row in results.rows if row["part"] == part]
    largest = max(runs, key=lambda row: int(row["n"]))
    return float(largest["seconds"]) / int(largest["n"])


def costs(results, task):
    """Return hours of each stage on one core: trainings, neighbours and members."""
    training, evaluation = (
        seconds_per_row(results, f"{task.net}, {what}")
        for what in ("training", "evaluation")
    )
    stages = {
        "training": TRAININGS * task.n_epochs * training,
        "neighbours": seconds_per_row(results, "neighbours"),
        "members": N_MEMBERS * (training + evaluation),
    }
    return {name: task.n_rows * cost / 3600 for name, cost in stages.items()}


def table(results):
    """Render hours by the number of workers."""
    lines = []
    for task in TASKS:
        hours = costs(results, task)
        alone = hours["training"] + hours["neighbours"]
        whole = [alone + hours["members"] / workers for workers in WORKERS]
        data = task.n_rows * task.bytes_per_row / 2**30
        sent = task.n_rows * 4 * (1 + task.n_classes) / 2**30
        sizes = data, sent
        figures = [f"{value:,.1f}" for value in (*sizes, *hours.values(), *whole)]
        lines.append([task.name, str(task.n_epochs), *figures])
    header = ["data", "epochs", "GiB", "GiB sent", "training", "neighbours", "members"]
    return markdown([*header, *(f"{n} worker{'s' * (n > 1)}" for n in WORKERS)], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    print(table(Results(args.results, ["part", "n"], ["seconds", "MiB"])))


if __name__ == "__main__":
    main()
