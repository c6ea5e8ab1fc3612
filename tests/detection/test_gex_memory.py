"""A million rows, in a process of its own."""

import resource
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from skorch import NeuralNetClassifier
from torch import nn

from skgex import GEXDetector
from skgex.exceptions import DivergenceWarning

N_ROWS, N_FEATURES, N_CLASSES = 1_000_000, 100, 10
# What enters the last layer would fill 1.5 GiB.
WIDTH = 400


class Plain(nn.Module):
    """An MLP of one hidden layer."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(N_FEATURES, WIDTH), nn.ReLU(), nn.Linear(WIDTH, N_CLASSES)
        )

    def forward(self, X):
        return self.layers(X)


def judge():
    """Fit, ask all about the fitted rows, and print the peak of memory in bytes."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", DivergenceWarning)  # of a net that learnt little
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_ROWS, N_FEATURES), dtype=np.float32)
    y = X[:, :N_CLASSES].argmax(axis=1)
    net = NeuralNetClassifier(
        Plain,
        criterion=nn.CrossEntropyLoss,
        max_epochs=1,
        lr=0.1,
        batch_size=1024,
        train_split=None,
        verbose=0,
    )
    detector = GEXDetector(net, n_steps=20, warm_start=True, random_state=0)
    detector.fit(X, y)
    assert detector.predict(X, y).shape == (N_ROWS,)
    assert detector.noise_proba(X, y).shape == (N_ROWS,)
    assert len(detector.issues(X)) == N_ROWS
    assert f"of {N_ROWS:,} labels" in detector.summary()
    assert len(detector.explain(np.arange(20))) == 20
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


@pytest.mark.slow
def test_a_million_rows_run_in_three_gibibytes():
    """With wide features, and with all that is kept."""
    done = subprocess.run(
        [sys.executable, __file__], capture_output=True, text=True, check=True
    )
    peak = int(done.stdout)
    assert N_ROWS * N_FEATURES * 4 < peak < 3 * 2**30


if __name__ == "__main__":
    judge()
