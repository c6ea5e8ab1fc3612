"""Which of its settings the paper's learning rate needs.

    PYTHONPATH=benchmarks python benchmarks/paper/paper_rate.py --data-dir FOLDER
        [--scale small|full] [--seeds 0 ...] [--variants base ...] [--rates 0.05 ...]
        [--memory FOLDER] [--out FILE]

The task is cifar10 of noisy_labels.py without augmentation. The paper fine-tunes at
0.05. From the settings of the scale, "base", one at a time is changed: the loss, the
size of the batches, the weight decay, the passes that a member makes over the rows. The
net is trained with the same setting. For each of several rates: how well self-influence
ranks the wrong labels, with the paper's floor under the reference loss and without; and
by how many nats the loss of wrong labels and of right ones rises under the members. If
it rises by nothing, members are still where they started. Runs that are already in the
CSV are not repeated.
"""

from dataclasses import replace
from itertools import product

from _command import keeping, make_parser
from _results import Results, markdown
from _settings import LOSS_FLOOR, SCALES, SigmoidLoss
from _task import QUALITY, load_task, quality

from skgex.influence import GEX

RATES = (0.05, 0.2, 0.8)
N_MEMBERS = 4
# What differs from the scale, and how many times as many steps a member takes.
VARIANTS = {
    "base": ({}, 1),
    "sigmoid loss": ({"criterion": SigmoidLoss}, 1),
    "no weight decay": ({"weight_decay": 0.0}, 1),
    "weight decay x 4": ({"weight_decay": 2e-3}, 1),
    "a quarter of the passes": ({}, 1 / 4),
    "four times the passes": ({}, 4),
    "batches of 1,024": ({"batch_size": 1024}, 1 / 8),
    "batches of 1,024, 8 x the passes": ({"batch_size": 1024}, 1),
}
KEY = ["scale", "seed", "variant", "lr"]
COLUMNS = [*QUALITY, *(f"{column}_floor" for column in QUALITY)]
COLUMNS += ["rise_wrong", "rise_right"]


def judge(net, n_steps, lr, task, shared):
    """Fit GEX at one rate; return its figures."""
    X, y, true = task
    figures = {}
    for floor, suffix in ((LOSS_FLOOR, "_floor"), (0.0, "")):
        gex = GEX(
            net,
            n_members=N_MEMBERS,
            n_steps=n_steps,
            lr=lr,
            chain=True,
            loss_floor=floor,
            **shared,
        ).fit(X, y)
        found = quality(y != true, gex.self_influence_)
        figures |= {column + suffix: value for column, value in found.items()}
    rises = gex.transform(X, y).mean(axis=1)
    return figures | {
        "rise_wrong": rises[y != true].mean(),
        "rise_right": rises[y == true].mean(),
    }


def run_variant(results, run, rates, data_dir, memory):
    """Fit GEX at each rate that has no line in the CSV yet."""
    changes, longer = VARIANTS[run["variant"]]
    scale = replace(SCALES[run["scale"]], **changes)
    task = load_task(run | {"data": "cifar10"}, data_dir)
    net = scale.make_net(int(task[1].max()) + 1, False, len(task[1]))
    shared = {"memory": memory, "random_state": run["seed"]}
    for lr in rates:
        if not results.has(**run, lr=lr):
            n_steps = max(1, round(scale.n_steps * longer))
            results.add(**run, lr=lr, **judge(net, n_steps, lr, task, shared))


def report(results, scale, variants, rates):
    """Print the means over the seeds."""
    lines = []
    for variant, lr in product(variants, rates):
        run = {"scale": scale, "variant": variant, "lr": lr}
        figures = [f"{results.mean(column, **run):.3f}" for column in COLUMNS]
        lines.append([variant, str(lr), *figures])
    header = ["variant", "lr", "AUC", "AP", "AUC, floor", "AP, floor"]
    print(markdown([*header, "rise, wrong", "rise, right"], lines))


def main():
    parser = make_parser(__doc__, "paper_rate", seeds=[0])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    parser.add_argument("--rates", nargs="+", type=float, default=RATES)
    args = parser.parse_args()
    results = Results(args.out, KEY, COLUMNS)
    with keeping(args.memory) as memory:
        for seed, variant in product(args.seeds, args.variants):
            run = {"scale": args.scale, "seed": seed, "variant": variant}
            run_variant(results, run, args.rates, args.data_dir, memory)
    report(results, args.scale, args.variants, args.rates)


if __name__ == "__main__":
    main()
