"""Members whose fine-tuning was interrupted go on where they were, bit for bit."""

import numpy as np
import pytest
from growing import grow
from joblib import Memory
from tiny import classifier, make_blobs

from skgex._ensemble.cache import DiskMemberCache
from skgex._ensemble.fine_tuning import FineTuning, MemberSGD
from skgex._nets.training import train
from skgex._utils import unfinished

SEEDS = list(range(18))  # one whole group and a part of one
BLOBS = make_blobs()
TUNING = FineTuning(9, 0.1, 0.9, "constant")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Write at each step, as if each took seconds."""
    monkeypatch.setattr(unfinished, "INTERVAL", 0.0)
    monkeypatch.setattr(unfinished, "PATIENCE", 0)
    monkeypatch.setattr(unfinished, "WORTH_KEEPING", 0.0)


class Steps(list):
    """The steps that were taken, and the one at which Ctrl-C is pressed."""

    last = None


@pytest.fixture
def steps(monkeypatch):
    """Watch the steps of either engine, and interrupt them."""
    taken, descend = Steps(), MemberSGD.descend

    def step(self):
        if self.param_groups[0]["lr"] > 0:  # else it is a trial that moves nothing
            if len(taken) == taken.last:
                raise KeyboardInterrupt
            taken.append(self.param_groups[0]["lr"])
        descend(self)

    monkeypatch.setattr(MemberSGD, "descend", step)
    return taken


def cache_in(folder):
    return DiskMemberCache(Memory(folder, verbose=0), "origin")


def interrupted_and_not(folder, steps, trained, X, y, seeds, last, **settings):
    """Grow at once; then interrupted, and again. Return both, and the steps of each."""
    steps.last = None
    expected = grow(trained, X, y, TUNING, seeds, **settings)
    n_steps = len(steps)
    steps.clear()
    steps.last = last
    settings["cache"] = cache_in(folder)
    with pytest.raises(KeyboardInterrupt):
        grow(trained, X, y, TUNING, seeds, **settings)
    steps.last = None
    resumed = grow(trained, X, y, TUNING, seeds, **settings)
    assert len(steps) == n_steps  # none was taken twice
    assert not list(folder.rglob("unfinished"))
    return resumed, expected


def assert_equal(one, other):
    for name in ("reference", "losses", "outputs", "targets", "counted"):
        np.testing.assert_array_equal(getattr(one[1], name), getattr(other[1], name))
    for weights, others in zip(one[0].members, other[0].members, strict=True):
        for name, value in weights["module"].items():
            np.testing.assert_array_equal(value, others["module"][name])


@pytest.mark.parametrize("last", [0, 1, 8, 9, 13])
@pytest.mark.parametrize("settings", [{}, {"max_samples": 0.5}], ids=["all", "half"])
def test_a_group_goes_on(tmp_path, steps, last, settings):
    trained = train(classifier(), *BLOBS, 0)
    assert_equal(
        *interrupted_and_not(tmp_path, steps, trained, *BLOBS, SEEDS, last, **settings)
    )


@pytest.mark.parametrize("n_stored", [1, 7, 15])
def test_a_group_of_which_a_part_is_stored(tmp_path, steps, monkeypatch, n_stored):
    trained = train(classifier(), *BLOBS, 0)
    expected = grow(trained, *BLOBS, TUNING, SEEDS[:16])
    cache, stored = cache_in(tmp_path), []

    def keep(key, value):
        if len(stored) == n_stored:
            raise KeyboardInterrupt
        if key != "reference":
            stored.append(key)
        return DiskMemberCache.keep(cache, key, value)

    monkeypatch.setattr(cache, "keep", keep)
    with pytest.raises(KeyboardInterrupt):
        grow(trained, *BLOBS, TUNING, SEEDS[:16], cache=cache)
    steps.clear()
    cache = cache_in(tmp_path)
    assert_equal(grow(trained, *BLOBS, TUNING, SEEDS[:16], cache=cache), expected)
    assert not steps
    assert not list(tmp_path.rglob("unfinished"))
