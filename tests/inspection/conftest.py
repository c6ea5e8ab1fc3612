"""Fixtures of the tests of Displays: no window, no figure left, fitted detectors."""

import matplotlib as mpl
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tiny import flip_every, learner, make_blobs

from skgex import GEXDetector
from skgex.datasets import flip_labels

FAST = {"n_members": 4, "n_steps": 8, "lr": 0.1, "random_state": 0}


@pytest.fixture(autouse=True)
def figures():
    """Return which figures are open; none is left after a test."""
    mpl.use("Agg")
    from matplotlib import pyplot

    pyplot.close("all")
    yield pyplot.get_fignums
    pyplot.close("all")


@pytest.fixture
def axes():
    """Axes of a figure that the user made."""
    from matplotlib.figure import Figure

    return Figure().subplots()


@pytest.fixture(scope="session")
def table():
    """The blobs with every tenth label flipped: X, y, noise_mask."""
    X, y = make_blobs()
    return X, *flip_every(y, 10)


@pytest.fixture(scope="session")
def detector(table):
    """A detector fitted to them."""
    return GEXDetector(learner(), early_stopping=False, **FAST).fit(*table[:2])


@pytest.fixture(scope="session")
def images():
    """300 digits with a tenth of the labels flipped: X, y, noise_mask."""
    X, y = load_digits(return_X_y=True)
    return X[:300], *flip_labels(y[:300], 0.1, random_state=0)


@pytest.fixture(scope="session")
def image_detector(images):
    """A Pipeline that ends in a detector, fitted to them."""
    pipeline = make_pipeline(StandardScaler(), GEXDetector(**FAST))
    return pipeline.fit(*images[:2])


@pytest.fixture(scope="session")
def regressor_detector():
    """A detector fitted to regression targets."""
    from skorch import NeuralNetRegressor
    from tiny import MLP
    from torch import nn

    X, _ = make_blobs()
    net = NeuralNetRegressor(
        MLP,
        module__n_outputs=1,
        criterion=nn.MSELoss,
        max_epochs=2,
        train_split=None,
        verbose=0,
    )
    y = X.sum(axis=1, keepdims=True)
    return GEXDetector(net, early_stopping=False, **FAST).fit(X, y)


def suspicious(scores, number):
    """Positions of the highest scores, by a plain sort."""
    return sorted(range(len(scores)), key=lambda row: -scores[row])[:number]


@pytest.fixture(scope="session")
def ranked():
    return suspicious


@pytest.fixture
def odd_names():
    """Names of classes that matplotlib would read as mathematics, and long ones."""
    return np.array(["$x^{2$", "cost_$", "a name that is much too long to be drawn"])
