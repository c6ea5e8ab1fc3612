"""Fixtures of all tests."""

import numpy as np
import pytest
import torch
from sklearn.frozen import FrozenEstimator
from threadpoolctl import threadpool_limits
from tiny import flip_every, learner, make_blobs

from skgex._utils.random import seeded


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Tiny nets and tables are slower on several threads, and workers have one each."""
    torch.set_num_threads(1)
    threadpool_limits(1)


@pytest.fixture
def short_trainings(monkeypatch):
    """Stop the default net after a few epochs.

    Where classes are far apart it learns for up to 200.
    """
    monkeypatch.setattr("skgex._nets.early_stopping.MAX_EPOCHS", 8)


@pytest.fixture
def blobs():
    """60 rows of 3 classes: X of shape (60, 4), float64, and clean labels."""
    return make_blobs()


@pytest.fixture
def noisy():
    """The blobs with every tenth label flipped: X, y, noise_mask."""
    X, y = make_blobs()
    return X, *flip_every(y, 10)


@pytest.fixture(scope="session")
def trained_learner():
    """A net trained on the noisy blobs, not to be changed by any test."""
    X, y = make_blobs()
    with seeded(0):
        return learner().fit(X.astype(np.float32), flip_every(y, 10)[0])


@pytest.fixture
def frozen(trained_learner):
    """The trained net as estimators take it."""
    return FrozenEstimator(trained_learner)
