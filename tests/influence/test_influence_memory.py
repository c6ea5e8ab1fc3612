"""A net of a million parameters on ten thousand rows, in a process of its own."""

import resource
import subprocess
import sys

import numpy as np
import pytest
import torch
from skorch import NeuralNetClassifier
from torch import nn

from skgex.influence import Arnoldi, TracIn

N_ROWS, N_FEATURES = 10_000, 50
SETTINGS = {
    "TracIn": (TracIn, {"n_checkpoints": 2}),
    "Arnoldi": (Arnoldi, {"n_components": 4, "n_iterations": 6}),
}


class Wide(nn.Module):
    """A little more than a million parameters."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(N_FEATURES, 970),
            nn.ReLU(),
            nn.Linear(970, 970),
            nn.ReLU(),
            nn.Linear(970, 10),
        )

    def forward(self, X):
        return self.layers(X)


def judge(name):
    """Fit, ask about some samples, and print the peak of memory in bytes."""
    torch.set_num_threads(1)
    rng = np.random.RandomState(0)
    X = rng.standard_normal((N_ROWS, N_FEATURES)).astype(np.float32)
    y = rng.randint(10, size=N_ROWS)
    net = NeuralNetClassifier(
        Wide,
        criterion=nn.CrossEntropyLoss,
        max_epochs=2,
        lr=0.05,
        train_split=None,
        verbose=0,
    )
    kind, settings = SETTINGS[name]
    estimator = kind(net, random_state=0, **settings).fit(X, y)
    estimator.influence(X[:30], y[:30], X[:30], y[:30])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_it_runs_within_four_gibibytes(name):
    assert sum(p.numel() for p in Wide().parameters()) > 1e6
    done = subprocess.run(
        [sys.executable, __file__, name], capture_output=True, text=True, check=True
    )
    peak = int(done.stdout)
    # All gradients at once would take forty.
    assert 2**28 < peak < 2**32


if __name__ == "__main__":
    judge(sys.argv[1])
