"""What the number and the length of the members cost, and what they gain.

    PYTHONPATH=benchmarks python benchmarks/paper/cost.py --data-dir FOLDER
        [--scale small|full] [--seeds 0 ...] [--memory FOLDER] [--out FILE]

The task is cifar10 of noisy_labels.py without augmentation, whose CSV holds the seconds
of the other methods. The net is trained beforehand; with the same ``--memory`` it is
the one that was trained there. GEX is fitted to it with several numbers of members M
and of steps T, each time with the learning rate that ``lr="auto"`` chooses, which is
part of the seconds (of processor time), and once with that rate given. Runs that are
already in the CSV are not repeated.
"""

import time

from _command import keeping, make_parser
from _results import Results, markdown, spread
from _settings import LOSS_FLOOR, SCALES
from _task import QUALITY, load_task, quality, scorers
from sklearn.frozen import FrozenEstimator

from skgex.influence import GEX

# M and T, as shares of the scale's.
SHARES = ((1 / 16, 1), (1 / 4, 1), (1, 1), (1, 1 / 4), (1, 1 / 16), (1 / 4, 4))
KEY = ["scale", "seed", "n_members", "n_steps", "rate"]
COLUMNS = [*QUALITY, "lr", "seconds"]


def run_seed(results, name, seed, data_dir, memory):
    """Fit GEX with each setting that has no line in the CSV yet."""
    scale = SCALES[name]
    task = {"scale": name, "data": "cifar10", "augment": "no", "seed": seed}
    X, y, true = load_task(task, data_dir)
    # Of the methods that keep their net, this takes the least time.
    net = FrozenEstimator(scorers(task, y, memory)["RandProj"].fit(X, y).net_)
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
    seconds = time.process_time() - start
    return quality(noise_mask, values) | {"lr": gex.lr_, "seconds": seconds}


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
    parser = make_parser(__doc__, "cost", seeds=[0])
    args = parser.parse_args()
    results = Results(args.out, KEY, COLUMNS)
    with keeping(args.memory) as memory:
        for seed in args.seeds:
            run_seed(results, args.scale, seed, args.data_dir, memory)
    report(results, args.scale)


if __name__ == "__main__":
    main()
