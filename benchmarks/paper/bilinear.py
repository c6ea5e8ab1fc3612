"""Are bilinear self-influences of one mode? Proposition 3.1 of the paper, looked at.

    PYTHONPATH=benchmarks python benchmarks/paper/bilinear.py --data-dir FOLDER
        [--scale small|full] [--seeds 0 1 2] [--memory FOLDER] [--out FILE]

The task is cifar10 of noisy_labels.py without augmentation: with the same ``--memory``
what was computed there is used again. The proposition says that self-influence g'Mg has
one mode if gradients g follow a stable distribution, and is a generalised chi-square if
that is normal. For each method: the p-value of Hartigan's dip test that there is one
mode, of the self-influences and of their logs; the largest distance (Kolmogorov and
Smirnov) between them and the generalised chi-square of a normal distribution with their
features' mean and covariance; how well they separate the wrong labels (AUC, AP). Draws
the histograms of the first seed. Needs diptest. Runs that are in the CSV are not
repeated.
"""

from pathlib import Path

import numpy as np
from _command import keeping, make_parser
from _results import Results, markdown, spread
from _settings import PICTURES
from _task import MAPPED, QUALITY, load_task, quality, rank
from diptest import diptest
from matplotlib.figure import Figure
from scipy.stats import ks_2samp

KEY = ["scale", "seed", "method"]
COLUMNS = ["dip_p", "log_dip_p", "chi2_distance", *QUALITY]
N_DRAWS = 100_000
# Below this share of the largest, a self-influence is rounding; its log says nothing.
SMALLEST = 1e-12


def generalised_chi_square(features, seed):
    """Draw mean squared features, were they normal with their mean and covariance."""
    draws = np.random.default_rng(seed).multivariate_normal(
        features.mean(axis=0), np.cov(features, rowvar=False), N_DRAWS, method="eigh"
    )
    return np.mean(draws**2, axis=1)


def judge(features, noise_mask, seed):
    """Return the figures of one method, and the logs of its self-influences."""
    features = features.astype(np.float64)
    values = np.mean(features**2, axis=1)
    logs = np.log(np.maximum(values, SMALLEST * values.max()))
    normal = generalised_chi_square(features, seed)
    figures = {
        "dip_p": diptest(values)[1],
        "log_dip_p": diptest(logs)[1],
        "chi2_distance": ks_2samp(values, normal).statistic,
        **quality(noise_mask, values),
    }
    return figures, logs


def run_seed(results, task, data_dir, memory):
    """Fit the methods to one trained net; return logs of self-influences, and noise."""
    _, y, true = load_task(task, data_dir)
    run = {key: task[key] for key in KEY[:2]}
    found = {}
    for method in MAPPED:
        features = rank(method, task, data_dir, memory).features
        figures, found[method] = judge(features, y != true, task["seed"])
        if not results.has(**run, method=method):
            results.add(**run, method=method, **figures)
    return found, y != true


def draw(found, noise_mask, path):
    """Draw a histogram for each method, with the wrong labels apart."""
    figure = Figure(figsize=(12, 2.8), layout="constrained")
    for axes, method in zip(figure.subplots(1, len(MAPPED)), MAPPED, strict=True):
        logs = found[method] / np.log(10)
        groups = [logs[~noise_mask], logs[noise_mask]]
        axes.hist(groups, 40, stacked=True, label=["right label", "wrong label"])
        axes.set(title=method, xlabel="log₁₀ of self-influence", yticks=[])
    figure.axes[0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def report(results, scale):
    """Print means over the seeds, and how many dip tests find a second mode."""
    lines = []
    for method in MAPPED:
        figures = {c: results.values(c, scale=scale, method=method) for c in COLUMNS}
        n_modes = [
            f"{np.less(figures[c], 0.05).sum()} of {len(figures[c])}"
            for c in COLUMNS[:2]
        ]
        lines.append([method, *n_modes, *(spread(figures[c]) for c in COLUMNS[2:])])
    header = ["method", "second mode", "of the logs", "distance to χ²", "AUC", "AP"]
    print(markdown(header, lines))


def main():
    parser = make_parser(__doc__, "bilinear")
    parser.add_argument("--pictures", type=Path, default=PICTURES)
    args = parser.parse_args()
    results = Results(args.out, KEY, COLUMNS)
    with keeping(args.memory) as memory:
        for seed in args.seeds:
            run = {"scale": args.scale, "seed": seed}
            if all(results.has(**run, method=method) for method in MAPPED):
                continue
            task = run | {"data": "cifar10", "augment": "no"}
            found = run_seed(results, task, args.data_dir, memory)
            if seed == args.seeds[0]:
                draw(*found, args.pictures / "bilinear.png")
    report(results, args.scale)


if __name__ == "__main__":
    main()
