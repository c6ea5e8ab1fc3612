"""What bfloat16 does to the ranking of rows: a net under autocast against float32.

    python benchmarks/precision.py --data-dir FOLDER [--quick] [--out FILE]

FOLDER holds letter.npz (keys x, y) and mnist.npz (x_train, y_train, x_test, y_test).
The same MLP is trained, fine-tuned and evaluated with 10 % of the labels flipped
evenly, with matrix products in either precision. ``--sets`` and ``--seeds`` choose
parts of the grid. Runs that are already in the CSV are not repeated.
"""

import argparse
import time
from itertools import product
from pathlib import Path

import torch
from _data import load
from _results import Results, markdown
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from torch import nn

from skgex import GEXDetector
from skgex.datasets import flip_labels

N_ROWS = {"digits": 1797, "letter": 4000, "mnist": 10_000}
PRECISIONS = ("float32", "bfloat16")
COLUMNS = ["average_precision", "auc", "seconds"]


class MLP(nn.Sequential):
    """One hidden layer of 256 units; returns logits in float32."""

    def __init__(self, n_in, n_out, precision):
        super().__init__(nn.Linear(n_in, 256), nn.ReLU(), nn.Linear(256, n_out))
        self.lowered = precision == "bfloat16"

    def forward(self, X):
        """Return logits of shape (n_samples, n_out)."""
        with torch.autocast(X.device.type, torch.bfloat16, enabled=self.lowered):
            return super().forward(X).float()


def make_net(n_in, n_out, precision):
    return NeuralNetClassifier(
        MLP,
        module__n_in=n_in,
        module__n_out=n_out,
        module__precision=precision,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=128,
        max_epochs=20,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("precision.csv"))
    parser.add_argument("--quick", action="store_true", help="digits, one seed")
    parser.add_argument("--sets", nargs="+", default=("letter", "mnist"))
    parser.add_argument("--seeds", nargs="+", type=int, default=range(3))
    args = parser.parse_args()
    torch.set_num_threads(1)
    sets, seeds = (["digits"], [0]) if args.quick else (args.sets, args.seeds)
    results = Results(args.out, ["data", "seed", "precision"], COLUMNS)
    for seed, data, precision in product(seeds, sets, PRECISIONS):
        run = {"data": data, "seed": seed, "precision": precision}
        if results.has(**run):
            continue
        X, y = load(data, args.data_dir, N_ROWS[data], seed)
        X = StandardScaler().fit_transform(X)
        y_noisy, noise_mask = flip_labels(y, 0.1, random_state=seed)
        net = make_net(X.shape[1], y.max() + 1, precision)
        start = time.process_time()
        detector = GEXDetector(net, random_state=seed).fit(X, y_noisy)
        seconds = time.process_time() - start
        scores = detector.scores_
        ap = average_precision_score(noise_mask, scores)
        auc = roc_auc_score(noise_mask, scores)
        results.add(**run, average_precision=ap, auc=auc, seconds=seconds)
    lines = []
    for data, precision in product(sets, PRECISIONS):
        means = [results.mean(c, data=data, precision=precision) for c in COLUMNS]
        cells = ("{:.4f}", "{:.4f}", "{:.1f}")
        figures = [c.format(mean) for c, mean in zip(cells, means, strict=True)]
        lines.append([f"{data}, {precision}", *figures])
    print(markdown(["net", "AP", "AUC", "seconds"], lines))


if __name__ == "__main__":
    main()
