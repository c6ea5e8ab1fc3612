"""How accurate a net is that is trained after rows were pruned.

    python benchmarks/pruning.py --data-dir FOLDER [--quick] [--out FILE]

FOLDER holds fashion_mnist.npz and mnist.npz (x_train, y_train, x_test, y_test). Each
method ranks the rows once per seed. Then several shares of them are pruned, and a small
MLP is trained anew on the rest for the same number of steps. ``--sets``, ``--shares``
and ``--seeds`` choose parts of the grid. Runs that are already in the CSV are not
repeated.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import torch
from _data import load_split
from _nets import make_net as make_user_net
from _results import Results, markdown, points
from sklearn.utils import check_random_state

from skgex import GEXDetector, GEXPruner
from skgex._nets.evaluation import evaluate
from skgex._nets.snapshot import revive
from skgex._nets.training import train
from skgex.hardness import EL2N, ForgettingScore
from skgex.pruning import prune_mask

SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
# The ranking, and the share of the pruned rows that is taken evenly from the classes.
METHODS = {
    "random": ("random", 0.0),
    "GEXPruner": ("GEXPruner", 0.5),
    "GEXPruner, class_balance=0": ("GEXPruner", 0.0),
    "GEXDetector": ("GEXDetector", 0.5),
    "EL2N": ("EL2N", 0.0),
    "forgetting": ("forgetting", 0.0),
}
RANKINGS = {
    "GEXPruner": (GEXPruner, "self_influence_"),
    "GEXDetector": (GEXDetector, "self_influence_"),
    "EL2N": (EL2N, "scores_"),
    "forgetting": (ForgettingScore, "scores_"),
}
N_EPOCHS = 20


def make_net(n_inputs, n_classes, n_epochs=N_EPOCHS):
    """Return the unfitted MLP, for ranking rows and for training on the rest."""
    return make_user_net("mlp-long", n_inputs, n_classes).set_params(
        max_epochs=n_epochs
    )


def importance(ranking, net, X, y, seed):
    """Return how much each row is needed, according to one ranking."""
    if ranking == "random":
        return check_random_state(seed).random_sample(len(X))
    kind, attribute = RANKINGS[ranking]
    return getattr(kind(net, random_state=seed).fit(X, y), attribute)


def run_task(results, task, shares, data_dir):
    """Rank by each method, prune each share, and train on the rest."""
    seed = task["seed"]
    X, X_test, y, y_test = load_split(task["data"], data_dir, task["n_rows"], seed)
    n_classes = y.max() + 1
    scores = {}
    for method, (ranking, class_balance) in METHODS.items():
        left = [s for s in shares if not results.has(**task, method=method, share=s)]
        if left and ranking not in scores:
            net = make_net(X.shape[1], n_classes)
            scores[ranking] = importance(ranking, net, X, y, seed)
        for share in left:
            keep = ~prune_mask(scores[ranking], share, y, class_balance)
            n_epochs = round(N_EPOCHS * len(X) / keep.sum())
            net = make_net(X.shape[1], n_classes, n_epochs)
            trained = revive(train(net, X[keep], y[keep], seed))
            outputs = evaluate(trained, X_test, y_test).outputs
            accuracy = np.mean(outputs.argmax(axis=1) == y_test)
            results.add(**task, method=method, share=share, accuracy=accuracy)


def accuracies(results, sets, n_rows, shares, seeds):
    """Render mean accuracies per data set and method."""
    lines = []
    for data, method in product(sets, METHODS):
        runs = {"data": data, "n_rows": n_rows, "method": method}
        means = [
            np.mean([results.mean("accuracy", **runs, share=s, seed=r) for r in seeds])
            for s in shares
        ]
        lines.append([f"{data}, {method}", *(f"{mean:.3f}" for mean in means)])
    return markdown(["data, method", *(f"{s:.0%} pruned" for s in shares)], lines)


def differences(results, sets, n_rows, shares, seeds):
    """Render how far ``GEXPruner()`` is ahead of the others, in points."""
    lines = []
    for data, rival in product(sets, METHODS):
        if rival == "GEXPruner":
            continue
        cells = []
        for share in shares:
            runs = [
                {"data": data, "n_rows": n_rows, "share": share, "seed": seed}
                for seed in seeds
            ]
            lead = [
                results.mean("accuracy", **run, method="GEXPruner")
                - results.mean("accuracy", **run, method=rival)
                for run in runs
            ]
            cells.append(points(lead))
        lines.append([f"{data}, to {rival}", *cells])
    return markdown(["GEXPruner", *(f"{s:.0%} pruned" for s in shares)], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("pruning.csv"))
    parser.add_argument("--quick", action="store_true", help="digits, one seed")
    parser.add_argument("--sets", nargs="+", default=("fashion_mnist", "mnist"))
    parser.add_argument("--shares", nargs="+", type=float, default=SHARES)
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5))
    parser.add_argument("--n-rows", type=int, default=20_000, help="for training")
    args = parser.parse_args()
    torch.set_num_threads(1)
    sets, seeds = (["digits"], [0]) if args.quick else (args.sets, args.seeds)
    key = ["data", "n_rows", "seed", "method", "share"]
    results = Results(args.out, key, ["accuracy"])
    for seed, data in product(seeds, sets):
        task = {"data": data, "n_rows": args.n_rows, "seed": seed}
        run_task(results, task, args.shares, args.data_dir)
    grid = (sets, args.n_rows, args.shares, seeds)
    print(accuracies(results, *grid), end="\n\n")
    print(differences(results, *grid))


if __name__ == "__main__":
    main()
