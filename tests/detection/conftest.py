"""Fixtures of the tests of detection."""

import warnings

import pytest
from detecting import fit
from tiny import flip_every, make_blobs

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
