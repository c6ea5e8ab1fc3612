"""The paper's case study: which points of three circles are hard to leave out.

    PYTHONPATH=benchmarks python benchmarks/paper/circles.py [--seeds 0 1 ...]
        [--labels mixed shared] [--weight-decay 0.001] [--memory FOLDER]

Two circles of 30 points are a class each; ten points lie around their centre. Their
labels are "mixed", those of the circles in turn, so that a point's neighbours say
nothing of its label; or "shared", a class of their own. Retraining without each row is
the truth. Prints how well each method puts the ten first (AUC), its rank correlation
with the truth, and the p-value of Hartigan's dip test that there is one mode; draws the
histograms of seed 0. Needs diptest. Runs that are already in the CSV are not repeated.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import torch
from _results import Results, markdown
from _settings import PICTURES, RESULTS
from diptest import diptest
from matplotlib.figure import Figure
from scipy.stats import spearmanr
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_auc_score
from skorch import NeuralNetClassifier
from torch import nn

from skgex.datasets import make_three_circles
from skgex.influence import GEX, InfluenceFunction, LaplaceInfluence, LeaveOneOut

TRUTH, LAST = "LOO", "GEX"  # of the methods, the first and the last
KEY = ["labels", "weight_decay", "seed", "method"]
COLUMNS = ["auc", "rank_correlation", "dip_p"]
N_EPOCHS = 500
MEMBERS_BATCH = 10


class MLP(nn.Sequential):
    """Two hidden layers of 32 units; gives logits."""

    def __init__(self, n_outputs):
        super().__init__(
            nn.Linear(2, 32),
            nn.Tanh(),
            nn.Linear(32, 32),
            nn.Tanh(),
            nn.Linear(32, n_outputs),
        )


def make_task(labels, seed):
    """Return points, their classes, and which are the ten."""
    X, circle = make_three_circles((10, 30, 30), random_state=seed, radii=(0, 1, 2))
    ten = circle == 0
    y = np.where(ten, 2, circle - 1)
    if labels == "mixed":
        y[ten] = np.arange(10) % 2
    return X.astype(np.float32), y, ten


def make_net(n_classes, n_rows, weight_decay):
    """Return the unfitted net, trained on all rows at a time."""
    return NeuralNetClassifier(
        MLP,
        module__n_outputs=n_classes,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        optimizer__weight_decay=weight_decay,
        lr=0.1,
        max_epochs=N_EPOCHS,
        batch_size=n_rows,
        train_split=None,
        verbose=0,
    )


def fit_all(net, X, y, shared):
    """Return the methods of the paper's figure, fitted."""
    laplace = {"n_members": 256, "rank": 50, **shared}
    methods = {
        TRUTH: LeaveOneOut(net, **shared),
        "IF, damping .01": InfluenceFunction(net, damping=0.01, **shared),
        "IF, damping 100": InfluenceFunction(net, damping=100, **shared),
        "IF, rank 50": LaplaceInfluence(net, linear=True, **laplace),
        "LA, rank 50": LaplaceInfluence(net, linear=False, **laplace),
    }
    for method in methods.values():
        method.fit(X, y)
    # The same trained net. Without small batches all members would go the same way.
    net = methods["IF, rank 50"].net_.set_params(batch_size=MEMBERS_BATCH)
    gex = GEX(FrozenEstimator(net), n_members=32, n_steps=200, lr=0.05, **shared)
    return {**methods, LAST: gex.fit(X, y)}


def run_task(results, task, memory):
    """Fit all methods to some points; return their self-influences, and the ten."""
    X, y, ten = make_task(task["labels"], task["seed"])
    net = make_net(int(y.max()) + 1, len(X), task["weight_decay"])
    shared = {"memory": memory, "random_state": task["seed"]}
    fitted = fit_all(net, X, y, shared)
    found = {method: estimator.self_influence_ for method, estimator in fitted.items()}
    for method, values in found.items():
        if not results.has(**task, method=method):
            results.add(
                **task,
                method=method,
                auc=roc_auc_score(ten, values),
                rank_correlation=spearmanr(found[TRUTH], values).statistic,
                dip_p=diptest(values)[1],
            )
    return found, ten


def draw(found, ten, path):
    """Draw a histogram for each method, with the ten apart."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    grid = figure.subplots(2, -(-len(found) // 2)).ravel()
    for axes, (method, values) in zip(grid, found.items(), strict=False):
        bins = np.histogram_bin_edges(values, 24)
        axes.hist([values[~ten], values[ten]], bins, stacked=True, label=["60", "ten"])
        axes.set(title=method, xlabel="self-influence", yticks=[])
        axes.ticklabel_format(axis="x", scilimits=(-2, 3))
        axes.locator_params(axis="x", nbins=4)
    grid[0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def report(results, run):
    """Print means over the seeds, and how many histograms have a second mode."""
    lines = []
    for method in dict.fromkeys(row["method"] for row in results.rows):
        auc, correlation, p = (results.values(c, **run, method=method) for c in COLUMNS)
        lines.append(
            [
                method,
                f"{np.mean(auc):.3f} ± {np.std(auc):.3f}",
                f"{np.mean(correlation):.2f}",
                f"{np.less(p, 0.05).sum()} of {len(p)}",
            ]
        )
    header = [
        "method",
        "AUC of the ten",
        "correlation with LOO",
        "second mode, p < .05",
    ]
    print(f"\n{run}\n" + markdown(header, lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--labels", nargs="+", default=["mixed", "shared"])
    parser.add_argument("--weight-decay", nargs="+", type=float, default=[1e-3])
    parser.add_argument("--seeds", nargs="+", type=int, default=range(10))
    parser.add_argument("--pictures", type=Path, default=PICTURES)
    parser.add_argument("--out", type=Path, default=RESULTS / "circles.csv")
    parser.add_argument("--memory")
    args = parser.parse_args()
    torch.set_num_threads(1)
    results = Results(args.out, KEY, COLUMNS)
    for labels, decay in product(args.labels, args.weight_decay):
        for seed in args.seeds:
            task = {"labels": labels, "weight_decay": decay, "seed": seed}
            if results.has(**task, method=LAST):
                continue
            found, ten = run_task(results, task, args.memory)
            if seed == 0:
                draw(found, ten, args.pictures / f"circles_{labels}_{decay:g}.png")
        report(results, {"labels": labels, "weight_decay": decay})


if __name__ == "__main__":
    main()
