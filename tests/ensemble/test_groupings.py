"""Members in groups of other sizes give the same masks, and nearly the same scores."""

import numpy as np
import pytest
from joblib import Memory
from tiny import flip_every, learner, make_blobs

from skgex import GEXDetector
from skgex._ensemble import growth

TOLERANCE = 1e-6  # relative to the largest score, as documented for warm_start
TABLES = [
    {"n_rows": 120, "spread": 0.7, "seed": 0},
    {"n_rows": 90, "spread": 2.0, "seed": 2},
]


def detector(**settings):
    settings = {"n_steps": 25, "lr": 0.1, "random_state": 0, "n_members": 16} | settings
    return GEXDetector(learner(max_epochs=4), early_stopping=False, **settings)


def loop(monkeypatch, X, y, folder):
    monkeypatch.setattr(growth, "can_batch", lambda *_: False)
    return detector().fit(X, y)


def by_warm_start(monkeypatch, X, y, folder):
    fitted = detector(n_members=8, warm_start=True).fit(X, y)
    return fitted.set_params(n_members=16).fit(X, y)


def one_by_one(monkeypatch, X, y, folder):
    fitted = detector(n_members=1, warm_start=True).fit(X, y)
    for n_members in (2, 5, 16):
        fitted.set_params(n_members=n_members).fit(X, y)
    return fitted


def by_memory(monkeypatch, X, y, folder):
    memory = Memory(folder, verbose=0)
    detector(n_members=3, memory=memory).fit(X, y)
    return detector(memory=memory).fit(X, y)


@pytest.mark.parametrize("way", [loop, by_warm_start, one_by_one, by_memory])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")
def test_groups_change_no_mask(monkeypatch, tmp_path, table, way):
    X, clean = make_blobs(**table)
    X, y = X.astype(np.float32), flip_every(clean, 9)[0]
    at_once = detector().fit(X, y)
    other = way(monkeypatch, X, y, tmp_path)
    scale = np.abs(at_once.scores_).max()
    np.testing.assert_allclose(
        other.scores_, at_once.scores_, rtol=0, atol=TOLERANCE * scale
    )
    np.testing.assert_array_equal(other.noise_mask_, at_once.noise_mask_)
