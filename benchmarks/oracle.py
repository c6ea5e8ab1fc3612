"""What an oracle that knows the wrong labels gains by choosing the parameters.

    python benchmarks/oracle.py --data-dir FOLDER [--quick] [--out FILE]

Tasks and data are those of detection.py. Measures the average precision of
``GEXDetector()`` with its defaults and with each choice of the parameters: learning
rates, steps and statistics in all combinations; each other parameter on its own; nets
trained for half and for twice as many epochs. Then that of an oracle, the best choice
in each run, which includes luck; and that of the choice that is best for a task with
the other seeds. Runs that are already in the CSV are not repeated.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import torch
from _detection_tasks import PARTS, Task, suite
from _results import Results, markdown
from sklearn.base import clone
from sklearn.metrics import average_precision_score

from skgex import GEXDetector

DEFAULT = "default"
ORACLE = "oracle"
FORESIGHT = "best by the other seeds"
RATES = (0.1, 0.2, 0.4, 0.8)
# Multiples of the number of steps that n_steps="auto" takes.
PASSES = (0.5, 1, 2)
STATISTICS = ("relative_loss", "mean_loss")
# Each with the learning rate and steps of the default.
ALONE = {
    "16 members": {"n_members": 16},
    "32 members": {"n_members": 32},
    "chain": {"chain": True},
    "constant rate": {"schedule": "constant"},
    "half of the samples": {"max_samples": 0.5},
}
# Multiples of the number of epochs after which the default net stops.
EPOCHS = (0.5, 2)
CHOICES = (
    *(f"lr {r}, {p} passes, {s}" for r, p, s in product(RATES, PASSES, STATISTICS)),
    *ALONE,
    *(f"{share} of the epochs" for share in EPOCHS),
)


def choices(X, y, seed):
    """Yield the name of each choice and its scores."""
    default = GEXDetector(random_state=seed, warm_start=True).fit(X, y)
    yield DEFAULT, default.scores_
    chosen = {"lr": default.lr_, "n_steps": default.n_steps_}
    for name, params in ALONE.items():
        # A new fit trains the same net from the same seed.
        yield name, GEXDetector(random_state=seed, **chosen, **params).fit(X, y).scores_
    net, n_epochs = clone(default.ensemble_.trained.net), default.n_epochs_
    for share in EPOCHS:
        net.set_params(max_epochs=max(1, round(share * n_epochs)))
        other = GEXDetector(net, early_stopping=False, random_state=seed, **chosen)
        yield f"{share} of the epochs", other.fit(X, y).scores_
    for lr, passes in product(RATES, PASSES):
        default.set_params(lr=lr, n_steps=round(passes * chosen["n_steps"]))
        for statistic in STATISTICS:
            scores = default.set_params(statistic=statistic).fit(X, y).scores_
            yield f"lr {lr}, {passes} passes, {statistic}", scores


def run_task(results, task, data_dir):
    """Run one task, unless all of it is in the CSV."""
    if all(results.has(**task._asdict(), choice=name) for name in (DEFAULT, *CHOICES)):
        return
    X, y, noise_mask, _ = task.make(data_dir)
    for name, scores in choices(X, y, task.seed):
        run = {**task._asdict(), "choice": name}
        if not results.has(**run):
            precision = average_precision_score(noise_mask, scores)
            results.add(**run, average_precision=precision)


def summary(results, places, seeds):
    """Render the mean over the tasks per choice, the oracles first, then best first."""
    names = (DEFAULT, *CHOICES)

    def precision(seed, place, name):
        run = Task(*place, seed)._asdict()
        return results.mean("average_precision", **run, choice=name)

    figures = [precision(*run) for run in product(seeds, places, names)]
    figures = np.reshape(figures, (len(seeds), len(places), len(names)))
    best = figures.max(axis=2).mean()
    means = {name: figures[..., k].mean() for k, name in enumerate(names)}
    ranked = sorted(means.items(), key=lambda item: -item[1])
    lines = [(ORACLE, best), *ranked]
    if len(seeds) > 1:
        lines.insert(1, (FORESIGHT, foresight(figures)))
    lines = [[name, f"{mean:.3f}", f"{best - mean:.3f}"] for name, mean in lines]
    return markdown(["choice", "AP", "behind the oracle"], lines)


def foresight(figures):
    """Return the mean of the choice that was best for a task with the other seeds."""
    others = figures.sum(axis=0) - figures
    chosen = others.argmax(axis=2)[..., None]
    return np.take_along_axis(figures, chosen, axis=2).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("oracle.csv"))
    parser.add_argument("--quick", action="store_true", help="digits only")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(2))
    args = parser.parse_args()
    torch.set_num_threads(1)
    parts = ["quick"] if args.quick else ["tables", "text", "images"]
    results = Results(
        args.out, [*Task._fields, "choice"], columns=["average_precision"]
    )
    for task in suite(parts, args.seeds):
        run_task(results, task, args.data_dir)
    places = [place for part in parts for place in PARTS[part]]
    print(summary(results, places, args.seeds))


if __name__ == "__main__":
    main()
