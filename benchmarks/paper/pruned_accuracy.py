"""How accurate a net is that is trained on what pruning leaves: the paper's figure.

    PYTHONPATH=benchmarks python benchmarks/paper/pruned_accuracy.py --data-dir FOLDER
        [--scale small|full] [--sets mnist cifar10] [--shares 0.2 0.4 0.6]
        [--seeds 0 1 2] [--memory FOLDER] [--out FILE]

FOLDER holds mnist.npz and cifar10.npz. Labels are as they are. Each method prunes the
rows of the lowest self-influence, or score, whatever their class. "GEX" has the
settings of the paper's code for pruning: a constant learning rate of 0.01, gradients
clipped, and a loss under the trained net that counts as at least 0.05; "GEX, no floor"
lacks the last. ``GEXPruner()`` has the package's settings, half of the rows taken
evenly from the classes. A net, on MNIST an MLP and on CIFAR-10 a ResNet, is trained
anew on the rest, for as many steps as on all rows. Draws the means. Runs that are
already in the CSV are not repeated.
"""

from itertools import product
from pathlib import Path

import numpy as np
import torch
from _command import keeping, make_parser
from _data import draw, images, read
from _nets import make_net as make_small_net
from _results import Results, markdown, spread
from _settings import LOSS_FLOOR, PICTURES, SCALES
from _task import suspicions
from matplotlib.figure import Figure
from sklearn.utils import check_random_state

from skgex import GEXPruner
from skgex.hardness import EL2N, ForgettingScore
from skgex.influence import GEX, Arnoldi, RandomProjection, TracInRP
from skgex.pruning import prune_mask

SETS = ("mnist", "cifar10")
OURS = "GEXPruner()"
# Of this, nothing is pruned as well.
RANDOM = "random"
METHODS = (
    RANDOM,
    "GEX",
    "GEX, no floor",
    OURS,
    "EL2N",
    "F-score",
    "TracInRP",
    "Arnoldi",
    "RandProj",
)
KEY = ["scale", "data", "seed", "method", "share"]
COLUMNS = ["accuracy"]


def load(name, data_dir, n_rows, seed):
    """Return training rows and classes, and test rows and classes."""
    arrays = read(name, data_dir)
    rows = draw(len(arrays["x_train"]), n_rows, seed)
    parts = []
    for X, y in (
        (arrays["x_train"][rows], arrays["y_train"][rows]),
        (arrays["x_test"], arrays["y_test"]),
    ):
        coloured = X.shape[-1] == 3
        X = images(X) if coloured else (X.reshape(len(X), -1) / 255).astype("f4")
        parts += [X, y.astype(np.int64).ravel()]
    return parts


def make_net(scale, X, n_classes, share):
    """Return the unfitted net, which takes as many steps as on all rows."""
    if X.ndim == 2:
        net = make_small_net("mlp-long", X.shape[1], n_classes)
        return net.set_params(
            max_epochs=round(scale.n_epochs[False] / (1 - share)), device=scale.device
        )
    return scale.make_net(n_classes, False, len(X), 1 / (1 - share))


def importance(method, net, scale, X, y, shared):
    """Return how much each row is needed, according to one method."""
    if method == RANDOM:
        return check_random_state(shared["random_state"]).random_sample(len(X))
    paper = {
        "n_members": scale.n_members,
        "n_steps": scale.n_steps,
        "lr": 0.01,
        "schedule": "constant",
        "chain": True,
    }
    estimator = {
        "GEX": GEX(net, loss_floor=LOSS_FLOOR, **paper, **shared),
        "GEX, no floor": GEX(net, **paper, **shared),
        OURS: GEXPruner(net, **shared),
        "EL2N": EL2N(net, **shared),
        "F-score": ForgettingScore(net, **shared),
        "TracInRP": TracInRP(net, **shared),
        "Arnoldi": Arnoldi(net, **shared),
        "RandProj": RandomProjection(net, n_components=20, **shared),
    }[method].fit(X, y)
    return suspicions(estimator)


def run_task(results, task, shares, data_dir, memory):
    """Rank by each method, prune each share, and train on the rest."""
    seed, scale = task["seed"], SCALES[task["scale"]]
    X, y, X_test, y_test = load(task["data"], data_dir, scale.n_rows, seed)
    n_classes = int(y.max()) + 1
    shared = {"memory": memory, "random_state": seed}
    for method in METHODS:
        wanted = (0.0, *shares) if method == RANDOM else shares
        left = [s for s in wanted if not results.has(**task, method=method, share=s)]
        if not left:
            continue
        net = make_net(scale, X, n_classes, share=0)
        scores = importance(method, net, scale, X, y, shared)
        for share in left:
            balance = 0.5 if method == OURS else 0.0
            keep = ~prune_mask(scores, share, y, balance)
            torch.manual_seed(seed)
            net = make_net(scale, X[keep], n_classes, share).fit(X[keep], y[keep])
            accuracy = np.mean(net.predict(X_test) == y_test)
            results.add(**task, method=method, share=share, accuracy=accuracy)


def on_all_rows(results, scale, data):
    """Return the accuracies where nothing is pruned, one per seed."""
    run = {"scale": scale, "data": data, "method": RANDOM, "share": 0.0}
    return results.values("accuracy", **run)


def draw_means(results, scale, sets, shares, path):
    """Draw the mean accuracy against the share pruned."""
    figure = Figure(figsize=(4.5 * len(sets) + 1.5, 3.6), layout="constrained")
    grid = np.atleast_1d(figure.subplots(1, len(sets)))
    for axes, data in zip(grid, sets, strict=True):
        for method in METHODS:
            run = {"scale": scale, "data": data, "method": method}
            means = [results.mean("accuracy", **run, share=s) for s in shares]
            style = "--" if method == RANDOM else "-"
            axes.plot(shares, means, style, marker="o", label=method)
        whole = np.mean(on_all_rows(results, scale, data))
        axes.axhline(whole, color="black", lw=0.8, label="all rows")
        axes.set(title=data, xlabel="share pruned", ylabel="accuracy on test rows")
        axes.set_xticks(shares, [f"{share:.0%}" for share in shares])
    named = grid[0].get_legend_handles_labels()
    figure.legend(*named, loc="outside right upper", fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def report(results, scale, data, shares):
    """Print means and deviations over the seeds."""
    print(f"\n{data}, all rows: {spread(on_all_rows(results, scale, data))}")
    lines = []
    for method in METHODS:
        run = {"scale": scale, "data": data, "method": method}
        cells = [results.values("accuracy", **run, share=s) for s in shares]
        lines.append([method, *map(spread, cells)])
    header = ["method", *(f"{share:.0%} pruned" for share in shares)]
    print(markdown(header, lines))


def main():
    parser = make_parser(__doc__, "pruned_accuracy")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--shares", nargs="+", type=float, default=(0.2, 0.4, 0.6))
    parser.add_argument("--pictures", type=Path, default=PICTURES)
    args = parser.parse_args()
    results = Results(args.out, KEY, COLUMNS)
    with keeping(args.memory) as memory:
        for seed, data in product(args.seeds, args.sets):
            task = {"scale": args.scale, "data": data, "seed": seed}
            run_task(results, task, args.shares, args.data_dir, memory)
    for data in args.sets:
        report(results, args.scale, data, args.shares)
    picture = args.pictures / "pruned_accuracy.png"
    draw_means(results, args.scale, args.sets, args.shares, picture)


if __name__ == "__main__":
    main()
