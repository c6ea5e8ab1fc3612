"""No fit moves the caller's random generators, or depends on where they stand."""

import random
import warnings

import numpy as np
import pytest
import torch
from all_estimators import all_estimators, cheap
from tiny import classifier, make_blobs
from torch.utils.data import Dataset

from skgex import GEXDetector
from skgex.exceptions import SkgexWarning


class Augmented(Dataset):
    """Rows that differ each time they are read, by all three generators."""

    def __init__(self, X, y):
        self.X, self.y = X, y

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        noise = torch.randn(1).item() + np.random.randn() + random.gauss(0, 1)
        return self.X[i] + 0.1 * noise, self.y[i]


def seed_all(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def states():
    return (
        random.getstate(),
        np.random.get_state()[1].tobytes(),
        np.random.get_state()[2],
        torch.get_rng_state().numpy().tobytes(),
    )


def fitted(estimator, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkgexWarning)
        return estimator.fit(X, y)


def automatic(cls):
    """Return a cheap estimator of a class with lr="auto", if it has a rate."""
    estimator = cheap(cls, classifier(max_epochs=4))
    names = [name for name in estimator.get_params() if name.split("__")[-1] == "lr"]
    own = [name for name in names if not name.startswith("net") and "net__" not in name]
    return estimator.set_params(**dict.fromkeys(own, "auto"))


@pytest.mark.parametrize("cls", all_estimators(), ids=lambda cls: cls.__name__)
def test_a_fit_leaves_the_generators_alone(cls):
    X, y = make_blobs(24)
    estimator = automatic(cls)
    seed_all(0)
    before = states()
    fitted(estimator, X, y)
    assert states() == before


@pytest.mark.parametrize("cls", all_estimators(), ids=lambda cls: cls.__name__)
def test_a_random_dataset_leaves_the_generators_alone(cls):
    data, estimator = Augmented(*make_blobs(24)), automatic(cls)
    seed_all(0)
    before = states()
    try:
        fitted(estimator, data, None)
    except (ValueError, TypeError):  # some need arrays
        assert "Dataset" not in (cls.fit.__doc__ or "")
    assert states() == before


@pytest.mark.parametrize("statistic", ["relative_loss", "self_influence"])
def test_a_random_dataset_is_read_the_same_way_each_time(statistic):
    data, scores = Augmented(*make_blobs(40)), []
    for seed in (1, 2):
        seed_all(seed)
        before = states()
        detector = GEXDetector(
            classifier(max_epochs=6), n_members=2, statistic=statistic, random_state=0
        )
        scores.append(fitted(detector, data, None).scores_)
        assert states() == before
    np.testing.assert_array_equal(*scores)
