"""Fixtures of the tests of detection."""

import warnings

import pytest
from detecting import fit
from skorch import NeuralNet
from tiny import flip_every, make_blobs

from skgex._ensemble import growth as _grow
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
    fit, one, group = NeuralNet.partial_fit, _grow.grow_member, _grow.grow_group

    def watched_fit(self, *args, **kwargs):
        done.append("fit")
        return fit(self, *args, **kwargs)

    def watched_one(*data, plan, **settings):
        done.append(plan.seed)
        return one(*data, plan=plan, **settings)

    def watched_group(*data, plans):
        done.extend(plan.seed for plan in plans)
        return group(*data, plans=plans)

    monkeypatch.setattr(NeuralNet, "partial_fit", watched_fit)
    monkeypatch.setattr(_grow, "grow_member", watched_one)
    monkeypatch.setattr(_grow, "grow_group", watched_group)
    return done
