"""What is damaged in a folder of ``memory`` is made again, with the same answer."""

from pathlib import Path

import numpy as np
import pytest
from all_estimators import cheap
from joblib import Memory
from tiny import classifier, flip_every, make_blobs

from skgex import GEXDetector
from skgex._utils.memory import check_memory
from skgex.exceptions import DamagedCacheWarning

X, clean = make_blobs(40)
y = flip_every(clean, 8)[0]


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def flip(path):
    """Change one bit of each 200 bytes: what is read may still look right."""
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 2, len(content), 200):
        content[place] ^= 1
    path.write_bytes(content)


def garble(path):
    path.write_bytes(b"\xff" * 64)


WAYS = [truncate, empty, flip, garble, Path.unlink]
in_each_way = pytest.mark.parametrize("damage", WAYS, ids=lambda way: way.__name__)


def files_of(folder, name):
    return sorted(path for path in folder.rglob(name) if path.is_file())


def square(values):
    """A result of which a changed bit would go unseen."""
    return np.asarray(values) ** 2


@in_each_way
@pytest.mark.parametrize("name", ["output.pkl", "seal-*"])
@pytest.mark.filterwarnings("ignore::skgex.exceptions.DamagedCacheWarning")
def test_each_file_may_be_damaged(tmp_path, damage, name):
    values = np.arange(1000.0)
    cached = check_memory(str(tmp_path)).cache(square)
    cached(values)
    (path,) = files_of(tmp_path, name)
    damage(path)
    for _ in range(2):
        np.testing.assert_array_equal(cached(values), values**2)
    assert cached.check_call_in_cache(values)


@in_each_way
def test_the_warning_names_the_file(tmp_path, damage, recwarn):
    cached = check_memory(str(tmp_path)).cache(square)
    cached([1, 2])
    (path,) = files_of(tmp_path, "output.pkl")
    damage(path)
    assert list(cached([1, 2])) == [1, 4]
    if damage is not Path.unlink:  # then there is none
        (warning,) = recwarn
        assert warning.category is DamagedCacheWarning
        assert str(path) in str(warning.message)
        recwarn.clear()
    assert list(cached([1, 2])) == [1, 4]
    assert not recwarn


class Moved:
    """Its class is not found where the result is read."""

    def __reduce__(self):
        return gone, ()


def gone():
    raise AttributeError("there is no such class")


def test_what_cannot_be_read_is_made_each_time(tmp_path):
    calls = []

    def make(value):
        calls.append(value)
        return Moved()

    cached = check_memory(str(tmp_path)).cache(make)
    for n_calls in (1, 2):
        with pytest.warns(DamagedCacheWarning, match=r"output\.pkl"):
            assert isinstance(cached(3), Moved)
        assert calls == [3] * n_calls
        assert not files_of(tmp_path, "output.pkl")


def test_what_is_whole_is_read_and_not_made(tmp_path, recwarn):
    calls = []
    cached = check_memory(Memory(tmp_path, verbose=0)).cache(Counting(calls))
    for _ in range(3):
        assert cached(2) == 4
    assert len(calls) == 1
    assert not recwarn


class Counting:
    """A function that counts its calls."""

    def __init__(self, calls):
        self.calls = calls
        self.__qualname__ = "Counting"

    def __call__(self, value):
        """Return the square."""
        self.calls.append(value)
        return value**2


def fit(memory):
    """A fit with an early stop, a chosen rate, and members."""
    net = classifier(max_epochs=4)
    detector = cheap(GEXDetector, net, lr="auto", n_members=4, memory=memory)
    return detector.fit(X, y)


def answers(detector):
    weights = [each["module"] for each in detector.ensemble_.members]
    trained = detector.ensemble_.trained.weights["module"]
    parts = [value for each in [trained, *weights] for value in each.values()]
    return [detector.scores_, np.array(detector.lr_), *parts]


def assert_equal(one, other):
    for value, expected in zip(one, other, strict=True):
        np.testing.assert_array_equal(value, expected)


@in_each_way
@pytest.mark.parametrize("mapped", [None, "r"])
@pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")
def test_a_fit_makes_again_what_is_damaged(tmp_path, damage, mapped):
    expected = answers(fit(None))
    memory = Memory(tmp_path, mmap_mode=mapped, verbose=0)
    assert_equal(answers(fit(memory)), expected)
    results = files_of(tmp_path, "output.pkl")
    assert len(results) >= 4 + 4  # net, trial, rate, reference and members
    for path in results:
        damage(path)
    for _ in range(2):
        assert_equal(answers(fit(memory)), expected)
