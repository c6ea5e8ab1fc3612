"""Up to a million rows, in a process of its own."""

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

N_FEATURES, N_CLASSES = 100, 10
SETTINGS = {
    # What enters the last layer would fill 0.4 GiB.
    "wide features": {"hidden": 400, "keep_members": False},
    "all that is kept": {"hidden": 32, "lr": "auto", "warm_start": True},
}
# Rows, and the gibibytes in which they run, with all libraries.
LIMITS = {"wide features": (250_000, 1), "all that is kept": (1_000_000, 3)}


class Plain(nn.Module):
    """An MLP of one hidden layer."""

    def __init__(self, hidden):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(N_FEATURES, hidden), nn.ReLU(), nn.Linear(hidden, N_CLASSES)
        )

    def forward(self, X):
        return self.layers(X)


def judge(name):
    """Fit, ask all about the fitted rows, and print the peak of memory in bytes."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", DivergenceWarning)  # of a net that learnt little
    rng, n_rows = np.random.default_rng(0), LIMITS[name][0]
    X = rng.standard_normal((n_rows, N_FEATURES), dtype=np.float32)
    y = X[:, :N_CLASSES].argmax(axis=1)
    settings = {"n_steps": 20, "lr": 0.1, "random_state": 0, **SETTINGS[name]}
    net = NeuralNetClassifier(
        Plain,
        module__hidden=settings.pop("hidden"),
        criterion=nn.CrossEntropyLoss,
        max_epochs=1,
        lr=0.1,
        batch_size=1024,
        train_split=None,
        verbose=0,
    )
    detector = GEXDetector(net, **settings).fit(X, y)
    assert detector.predict(X, y).shape == (n_rows,)
    assert detector.noise_proba(X, y).shape == (n_rows,)
    assert len(detector.issues(X)) == n_rows
    assert f"of {n_rows:,} labels" in detector.summary()
    assert len(detector.explain(np.arange(20))) == 20
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_many_rows_run_in_little_memory(name):
    done = subprocess.run(
        [sys.executable, __file__, name], capture_output=True, text=True, check=True
    )
    peak = int(done.stdout)
    n_rows, most = LIMITS[name]
    assert n_rows * N_FEATURES * 4 < peak < most * 2**30


if __name__ == "__main__":
    judge(sys.argv[1])
