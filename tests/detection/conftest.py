"""Fixtures of the tests of detection."""

import warnings

import pytest
from detecting import fit
from skorch import NeuralNet
from tiny import flip_every, make_blobs
from watching import watch, watch_members

from skgex.exceptions import UnlabelledRowsWarning


@pytest.fixture(scope="session")
def data():
    """The blobs with every tenth label flipped, not to be changed by any test."""
    X, y = make_blobs()
    return X, *flip_every(y, 10)


@pytest.fixture(scope="session")
def detector(data):
    """A detector fitted to them, not to be fitted again by any test."""
    return fit(*data[:2])


@pytest.fixture
def unlabelled_rows_are_fine():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnlabelledRowsWarning)
        yield


@pytest.fixture
def work(monkeypatch):
    """What is done: nets trained ("fit"), and the seeds of members fine-tuned."""
    done = []
    watch(monkeypatch, NeuralNet, "partial_fit", lambda _: done.append("fit"))
    watch_members(monkeypatch, done)
    return done
