"""What the number and the length of the members cost, and what they gain.

    PYTHONPATH=benchmarks python benchmarks/paper/cost.py --data-dir FOLDER
        [--scale small|full] [--seeds 0 ...] [--out FILE]

The task is cifar10 of noisy_labels.py without augmentation, whose CSV holds the seconds
of the other methods. The net is trained beforehand. GEX is fitted to it with several
numbers of members M and of steps T, each time with the learning rate that
``lr="auto"`` chooses, which is part of the seconds (of processor time), and once with
that rate given. Runs that are already in the CSV are not repeated.
"""

import argparse
import time
import warnings
from pathlib import Path

import torch
from _results import Results, markdown, spread
from _settings import LOSS_FLOOR, RESULTS, SCALES
from _task import load_task
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import average_precision_score, roc_auc_score

from skgex.exceptions import SkgexWarning
from skgex.influence import GEX

# M and T, as shares of the scale's.
SHARES = ((1 / 16, 1), (1 / 4, 1), (1, 1), (1, 1 / 4), (1, 1 / 16), (1 / 4, 4))
KEY = ["scale", "seed", "n_members", "n_steps", "rate"]
COLUMNS = ["auc", "average_precision", "lr", "seconds"]


def run_seed(results, name, seed, data_dir):
    """Fit GEX with each setting that has no line in the CSV yet."""
    scale = SCALES[name]
    task = {"scale": name, "data": "cifar10", "seed": seed}
    X, y, true = load_task(task, data_dir)
    torch.manual_seed(seed)
    net = FrozenEstimator(scale.make_net(int(y.max()) + 1, False, len(X)).fit(X, y))
    for members, steps in SHARES:
        setting = {
            "n_members": max(1, round(members * scale.n_members)),
            "n_steps": max(1, round(steps * scale.n_steps)),
        }
        run = {"scale": name, "seed": seed, **setting}
        if not results.has(**run, rate="auto"):
            figures = judge(net, setting, "auto", X, y, y != true, seed)
            results.add(**run, rate="auto", **figures)
        if members == steps == 1 and not results.has(**run, rate="given"):
            lr = results.mean("lr", **run, rate="auto")
            figures = judge(net, setting, lr, X, y, y != true, seed)
            results.add(**run, rate="given", **figures)


def judge(net, setting, lr, X, y, noise_mask, seed):
    """Fit GEX with one setting; return its figures."""
    gex = GEX(
        net, lr=lr, chain=True, loss_floor=LOSS_FLOOR, random_state=seed, **setting
    )
    start = time.process_time()
    values = gex.fit(X, y).self_influence_
    return {
        "auc": roc_auc_score(noise_mask, values),
        "average_precision": average_precision_score(noise_mask, values),
        "lr": gex.lr_,
        "seconds": time.process_time() - start,
    }


def report(results, scale):
    """Print means and deviations over the seeds."""
    settings = dict.fromkeys(
        tuple(row[k] for k in KEY[2:]) for row in results.rows if row["scale"] == scale
    )
    lines = []
    for setting in settings:
        run = {"scale": scale, **dict(zip(KEY[2:], setting, strict=True))}
        lines.append([*setting, *(spread(results.values(c, **run)) for c in COLUMNS)])
    print(markdown(["M", "T", "rate", "AUC", "AP", "lr", "seconds"], lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--scale", choices=SCALES, default="small")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--out", type=Path, default=RESULTS / "cost.csv")
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", SkgexWarning)
    results = Results(args.out, KEY, COLUMNS)
    for seed in args.seeds:
        run_seed(results, args.scale, seed, args.data_dir)
    report(results, args.scale)


if __name__ == "__main__":
    main()
