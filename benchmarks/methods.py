"""How every method ranks injected label noise, and what it costs.

    python benchmarks/methods.py --data-dir FOLDER [--quick] [--limit S] [--out FILE]

FOLDER holds letter.npz (keys x, y). The methods are GEXDetector and the classes of
skgex.influence and skgex.hardness, with their defaults and their default net, from the
same seeds. Each one runs in a separate process, so that its peak memory can be
measured, and trains its own nets, which its time includes. A method that takes longer
than the limit is left out of all runs on that data set. If captum is installed,
TracIn's self-influence is timed against captum's. Runs that are already in the CSV are
not repeated.
"""

import argparse
import multiprocessing
import resource
import time
from pathlib import Path

import numpy as np
import torch
from _data import load
from _results import Results, markdown
from sklearn.metrics import average_precision_score, roc_auc_score

import skgex.hardness
import skgex.influence
from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.influence import TracIn

KINDS = {"GEXDetector": GEXDetector} | {
    name: getattr(package, name)
    for package in (skgex.influence, skgex.hardness)
    for name in package.__all__
}
COLUMNS = ["auc", "average_precision", "seconds", "peak_mib"]
RATE = 0.1
# Names of data sets and numbers of rows. With 400 rows, all methods end in time.
SETS = {
    "digits, 400 rows": ("digits", 400),
    "digits": ("digits", 4000),
    "letter": ("letter", 4000),
}


def task(name, data_dir, seed):
    """Return X, noisy labels and the noise mask."""
    source, n_rows = SETS[name]
    X, y = load(source, data_dir, n_rows, seed)
    return X, *flip_labels(y, RATE, random_state=seed)


def judge(method, X, y, noise_mask, seed, answer):
    """Fit one method and send its figures through a pipe."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    estimator = KINDS[method](random_state=seed).fit(X, y)
    seconds = time.perf_counter() - start
    scores = getattr(estimator, "scores_", None)
    if scores is None:
        scores = estimator.self_influence_
    answer.send(
        {
            "auc": roc_auc_score(noise_mask, scores),
            "average_precision": average_precision_score(noise_mask, scores),
            "seconds": seconds,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )


def judge_apart(limit, *arguments):
    """Run ``judge`` in a new process; return None if it takes too long or fails."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=judge, args=(*arguments, sender))
    process.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(limit) else None
    except EOFError:
        return None
    finally:
        process.terminate()
        process.join()


def race(X, y, seed):
    """Time TracIn's self-influence and captum's at the same checkpoints.

    Returns the seconds of both, and the largest difference of their values, in
    millionths of the largest value.
    """
    from captum.influence import TracInCP

    tracin = TracIn(random_state=seed).fit(X, y)
    checkpoints, net = tracin.checkpoints_, tracin.net_
    start = time.perf_counter()
    ours = sum(lr * losses.quadratic_forms(X, y) for losses, lr in checkpoints.losses())
    middle = time.perf_counter()

    def restore(module, place):
        state = checkpoints.weights[place]["module"]
        module.load_state_dict({k: torch.tensor(v) for k, v in state.items()})
        return checkpoints.lrs[place]

    peer = TracInCP(
        net.module_,
        torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(y)),
        list(range(len(checkpoints.lrs))),
        restore,
        loss_fn=torch.nn.CrossEntropyLoss(reduction="sum"),
        batch_size=net.batch_size,
        sample_wise_grads_per_batch=True,  # captum's faster way
    )
    theirs = peer.self_influence().numpy()
    end = time.perf_counter()
    difference = 1e6 * np.abs(ours - theirs).max() / theirs.max()
    return middle - start, end - middle, float(difference)


def race_all(path, tasks, data_dir):
    """Time both on every task, and print the ratio and the difference."""
    results = Results(
        path, ["data", "seed"], ["tracin_seconds", "captum_seconds", "difference_ppm"]
    )
    for name, seed in tasks:
        if not results.has(data=name, seed=seed):
            X, y, _ = task(name, data_dir, seed)
            figures = dict(zip(results.columns, race(X, y, seed), strict=True))
            results.add(data=name, seed=seed, **figures)
    for name in dict.fromkeys(name for name, _ in tasks):
        ours, theirs, difference = (results.mean(c, data=name) for c in results.columns)
        print(
            f"{name}: TracIn takes {ours / theirs:.2f} times captum's time; "
            f"values differ by {difference:.1f} millionths at most."
        )


def table(results, sets):
    """Render means over the seeds."""
    lines = []
    for name in sets:
        for method in KINDS:
            means = [results.mean(c, data=name, method=method) for c in COLUMNS]
            figures = [f"{m:.3f}" for m in means[:2]] + [f"{m:.1f}" for m in means[2:]]
            lines.append([name, method, *figures])
    header = ["data", "method", "AUC", "AP", "seconds", "peak MiB"]
    return markdown(header, lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("methods.csv"))
    parser.add_argument("--limit", type=float, default=600, help="seconds per method")
    parser.add_argument("--seeds", nargs="+", type=int, default=range(3))
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--quick", action="store_true", help="400 digits, one seed")
    args = parser.parse_args()
    torch.set_num_threads(1)
    sets, seeds = (list(SETS)[:1], [0]) if args.quick else (args.sets, args.seeds)
    tasks = [(name, seed) for seed in seeds for name in sets]
    results = Results(args.out, ["data", "seed", "method"], COLUMNS)
    left_out = set()
    for name, seed in tasks:
        data = task(name, args.data_dir, seed)
        for method in KINDS:
            run = {"data": name, "seed": seed, "method": method}
            if results.has(**run) or (name, method) in left_out:
                continue
            figures = judge_apart(args.limit, method, *data, seed)
            if figures is None:
                left_out.add((name, method))
                print(f"{method} on {name}: left out after {args.limit:.0f} s at most")
            else:
                results.add(**run, **figures)
    print(table(results, sets))
    try:
        import captum  # noqa: F401
    except ImportError:
        print("captum is not installed: no race against it")
    else:
        race_all(args.out.with_stem(args.out.stem + "_captum"), tasks, args.data_dir)


if __name__ == "__main__":
    main()
