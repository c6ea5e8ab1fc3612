"""Which method finds the wrong labels of CIFAR: the paper's table, run again.

    PYTHONPATH=benchmarks python benchmarks/paper/noisy_labels.py --data-dir FOLDER
        [--scale small|full] [--sets cifar10 ...] [--augment no yes] [--seeds 0 1 2]
        [--methods GEX ...] [--memory FOLDER] [--out FILE]

FOLDER holds cifar10.npz, cifar10n.npz and, for their sets, cifar100.npz and
cifar100n.npz. A set that has no file is passed over. In cifar10 and cifar100, 10 % of
the labels are flipped; those of cifar10n and cifar100n were given by people. All
methods share one trained net and its checkpoints. GEX takes the learning rate that
``lr="auto"`` chooses, by labels held out of the same rows; GEX-lin takes the same.
Seconds are processor time: training the net counts for "plain loss", training it with a
record of its checkpoints for AUM, and an ensemble that several methods share for GEX.
Runs that are already in the CSV are not repeated, and with ``--memory`` one that is
killed goes on where it was.
"""

from itertools import product

import numpy as np
from _command import keeping, make_parser
from _results import Results, markdown, spread
from _task import AUGMENT, METHODS, PAPER, QUALITY, SETS, load_task, quality, rank

KEY = ["scale", "data", "augment", "seed", "method"]
COLUMNS = [*QUALITY, "lr", "seconds"]


def is_there(name, data_dir):
    """Return whether the files of a set lie in the folder; say so if not."""
    needed = {SETS[name][0], name}
    missing = [n for n in sorted(needed) if not (data_dir / f"{n}.npz").exists()]
    if missing:
        print(f"{name}: passed over, for want of {', '.join(missing)} (.npz)")
    return not missing


def run_task(results, task, methods, data_dir, memory):
    """Fit those methods that have no line in the CSV yet."""
    _, y, true = load_task(task, data_dir)
    for method in methods:
        if results.has(**task, method=method):
            continue
        found = rank(method, task, data_dir, memory)
        figures = quality(y != true, found.scores)
        figures |= {"lr": found.lr, "seconds": found.seconds}
        results.add(**task, method=method, **figures)


def leads(results, column, run):
    """Return the second of the paper's methods, and how far GEX is ahead per seed."""
    means = {m: results.mean(column, **run, method=m) for m in PAPER if m != "GEX"}
    second = max(means, key=lambda m: np.nan_to_num(means[m], nan=-np.inf))
    by_seed = (
        [results.mean(column, **run, seed=seed, method=m) for m in ("GEX", second)]
        for seed in dict.fromkeys(row["seed"] for row in results.rows)
    )
    differences = np.array([ours - theirs for ours, theirs in by_seed])
    return second, differences[~np.isnan(differences)]


def report(results, run):
    """Print means and deviations over the seeds."""
    lines = []
    for method in dict.fromkeys(row["method"] for row in results.rows):
        auc, ap, lr, seconds = (
            results.values(c, **run, method=method) for c in COLUMNS
        )
        lines.append(
            [method, spread(auc), spread(ap), spread(lr, 2), spread(seconds, 0)]
        )
    print(f"\n{run}\n" + markdown(["method", "AUC", "AP", "lr", "seconds"], lines))
    for column in QUALITY:
        second, differences = leads(results, column, run)
        if len(differences) > 1:
            error = differences.std(ddof=1) / np.sqrt(len(differences))
            lead = f"{differences.mean():+.3f} ± {error:.3f} (standard error)"
            print(f"{column}: GEX is {lead} ahead of {second}")


def main():
    parser = make_parser(__doc__, "noisy_labels")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--augment", nargs="+", choices=AUGMENT, default=list(AUGMENT))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    args = parser.parse_args()
    results = Results(args.out, KEY, COLUMNS)
    sets = [name for name in args.sets if is_there(name, args.data_dir)]
    tasks = [
        {"scale": args.scale, "data": name, "augment": augment, "seed": seed}
        for seed, name, augment in product(args.seeds, sets, args.augment)
    ]
    with keeping(args.memory) as memory:
        for task in tasks:
            run_task(results, task, args.methods, args.data_dir, memory)
    for name, augment in product(sets, args.augment):
        report(results, {"scale": args.scale, "data": name, "augment": augment})


if __name__ == "__main__":
    main()
