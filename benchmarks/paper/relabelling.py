"""How accurate a net is once its wrong labels are replaced: the paper's table.

    PYTHONPATH=benchmarks python benchmarks/paper/relabelling.py --data-dir FOLDER
        [--scale small|full] [--augment no yes] [--seeds 0 1 2] [--memory FOLDER]
        [--out FILE]

The task is cifar10 of noisy_labels.py: with the same ``--memory``, what was trained
there is used again. Of the paper's methods, the 10 % of rows that each finds most
suspicious are relabelled or dropped, as many as were flipped, so that rankings are
compared and not thresholds. Their new targets follow the paper's rule (Kong, Shen and
Huang 2022), with the probabilities of the net that was trained on the labels as given.
``GEXDetector()`` acts on its own mask, with each of its kinds of ``relabel``. Then the
net is trained anew, and its accuracy on the clean test rows is printed. Runs that are
already in the CSV are not repeated.
"""

from itertools import product

import numpy as np
import torch
from _command import keeping, make_parser
from _results import Results, markdown, spread
from _settings import SCALES
from _task import AUGMENT, OURS, PAPER, RATE, load_task, load_test, rank, scorers

from skgex.cleaning import influence_targets

KINDS = ("hard", "probabilities", "influence")
TREATMENTS = (
    "clean",
    "noisy",
    *(f"{method}, influence" for method in PAPER),
    "GEX, drop",
    f"{OURS}, drop",
    *(f"{OURS}, {kind}" for kind in KINDS),
)
KEY = ["scale", "augment", "seed", "treatment"]
COLUMNS = ["accuracy"]


def train(scale, augment, X, targets, seed):
    """Return a net that has been trained on soft targets."""
    torch.manual_seed(seed)
    net = scale.make_net(targets.shape[1], augment, len(X))
    return net.fit(X, targets.astype(np.float32))


def probabilities(net, X):
    """Return the softmax of a net's outputs."""
    return net.forward(X).softmax(dim=1).numpy()


def most_suspicious(scores):
    """Return a mask of the rows of the highest scores, as many as were flipped."""
    mask = np.zeros(len(scores), dtype=bool)
    mask[np.argsort(scores)[-round(RATE * len(scores)) :]] = True
    return mask


def treat(treatment, task, X, y, p, data_dir, memory):
    """Return what the net is trained on: rows and their soft targets."""
    method, _, action = treatment.partition(", ")
    one_hot, rows = np.eye(p.shape[1]), np.arange(len(y))
    if method == OURS:
        detector = scorers(task, y, memory)[OURS].fit(X, y)
        if action != "drop":
            targets = detector.relabel(action)
            return rows, one_hot[targets] if action == "hard" else targets
        mask = detector.noise_mask_
    else:
        mask = most_suspicious(rank(method, task, data_dir, memory).scores)
    if action == "drop":
        return rows[~mask], one_hot[y[~mask]]
    return rows, influence_targets(y, mask, p)


def run_task(results, run, data_dir, memory):
    """Train the net for each treatment that has no line in the CSV yet."""
    left = [t for t in TREATMENTS if not results.has(**run, treatment=t)]
    if not left:
        return
    task = run | {"data": "cifar10"}
    X, y, true = load_task(task, data_dir)
    X_test, y_test = load_test("cifar10", data_dir)
    setting = SCALES[run["scale"]], run["augment"] == "yes"
    one_hot, rows = np.eye(int(y.max()) + 1), np.arange(len(y))
    noisy = train(*setting, X, one_hot[y], run["seed"])
    p = probabilities(noisy, X).astype(np.float64)
    for treatment in left:
        if treatment == "noisy":
            trained = noisy
        else:
            kept, targets = (
                (rows, one_hot[true])
                if treatment == "clean"
                else treat(treatment, task, X, y, p, data_dir, memory)
            )
            trained = train(*setting, X[kept], targets, run["seed"])
        accuracy = np.mean(probabilities(trained, X_test).argmax(axis=1) == y_test)
        results.add(**run, treatment=treatment, accuracy=accuracy)


def report(results, scale, augment):
    """Print the mean accuracy of each treatment, and its gain over noisy labels."""
    run = {"scale": scale, "augment": augment}
    noisy = np.array(results.values("accuracy", **run, treatment="noisy"))
    lines = []
    for treatment in TREATMENTS:
        values = np.array(results.values("accuracy", **run, treatment=treatment))
        lines.append([treatment, spread(values), spread(values - noisy[: len(values)])])
    header = ["treatment", "accuracy", "gain"]
    print(f"\n{run}\n" + markdown(header, lines))


def main():
    parser = make_parser(__doc__, "relabelling")
    parser.add_argument("--augment", nargs="+", choices=AUGMENT, default=["no"])
    args = parser.parse_args()
    results = Results(args.out, KEY, COLUMNS)
    with keeping(args.memory) as memory:
        for seed, augment in product(args.seeds, args.augment):
            run = {"scale": args.scale, "augment": augment, "seed": seed}
            run_task(results, run, args.data_dir, memory)
    for augment in args.augment:
        report(results, args.scale, augment)


if __name__ == "__main__":
    main()
