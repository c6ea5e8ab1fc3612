"""The folder of ``memory``: refused before any training, or made for its user alone."""

import os
import stat
import tempfile
from pathlib import Path

import numpy as np
import pytest
from all_estimators import all_estimators, cheap
from joblib import Memory
from tiny import AnyWidth, classifier, flip_every, make_blobs

from skgex import GEXDetector
from skgex._utils.memory_folder import prepare_folder
from skgex.exceptions import OpenCacheWarning
from skgex.hardness import TrainingLoss

X, clean = make_blobs(24)
y = flip_every(clean, 8)[0]

KEEPING = [cls for cls in all_estimators() if "memory" in cls._get_param_names()]

NOBODY = 65534

posix = pytest.mark.skipif(os.name != "posix", reason="modes mean something else")


class Untrainable(AnyWidth):
    """A module that must not be called."""

    def forward(self, X):
        """Fail."""
        pytest.fail("trained")


def score(memory, **params):
    """Fit the cheapest estimator that keeps something."""
    return TrainingLoss(classifier(max_epochs=2), memory=memory, random_state=0).fit(
        X, y, **params
    )


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def bound():
    """A folder in which the modes of files bind, even if the tests are root's."""
    with tempfile.TemporaryDirectory() as name:
        root = os.geteuid() == 0
        score(None)  # imports what is imported late, which root alone may read
        if root:
            os.chown(name, NOBODY, -1)
            os.setresuid(NOBODY, NOBODY, 0)
        try:
            yield Path(name)
        finally:
            if root:
                os.setresuid(0, 0, 0)


@pytest.mark.parametrize("cls", KEEPING, ids=lambda cls: cls.__name__)
def test_a_file_in_the_way_is_refused_before_training(cls, tmp_path):
    blocked = tmp_path / "cache"
    blocked.write_text("in the way")
    estimator = cheap(cls, classifier(Untrainable), memory=str(blocked))
    with pytest.raises(OSError, match=r"^memory: .*cache.* or None to keep nothing"):
        estimator.fit(X, y)
    assert blocked.read_text() == "in the way"


def test_so_is_a_folder_below_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"^memory: "):
        score(str(tmp_path / "file" / "cache"))


@posix
@pytest.mark.parametrize("inner", [False, True])
def test_an_empty_folder_that_is_read_only_is_refused(bound, inner):
    cache = bound / "cache"
    cache.mkdir()
    if inner:
        (cache / "joblib").mkdir(mode=0o555)
    cache.chmod(0o555)
    detector = GEXDetector(classifier(Untrainable), memory=str(cache))
    with pytest.raises(OSError, match=r"^memory: .*cache'.* or None"):
        detector.fit(X, y)


@posix
def test_what_a_read_only_folder_holds_is_read(bound):
    cache = bound / "cache"
    expected = score(str(cache)).scores_
    for path in [cache, *cache.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    found = TrainingLoss(classifier(max_epochs=2), memory=str(cache), random_state=0)
    np.testing.assert_array_equal(found.fit(X, y).scores_, expected)


@posix
def test_a_folder_is_made_for_its_user_alone(tmp_path):
    cache = tmp_path / "new" / "cache"
    score(str(cache))
    assert mode_of(cache) == mode_of(cache / "joblib") == 0o700
    assert mode_of(cache.parent) == 0o777 & ~umask()


def umask():
    value = os.umask(0)
    os.umask(value)
    return value


@posix
def test_the_mode_of_a_folder_that_is_there_is_left(tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o750)
    score(str(cache))
    assert mode_of(cache) == 0o750
    assert mode_of(cache / "joblib") == 0o700


@posix
@pytest.mark.parametrize("name", ["cache", "cache/joblib"])
def test_a_folder_that_anyone_may_write_to_is_warned_of(tmp_path, name):
    cache = tmp_path / "cache"
    (cache / "joblib").mkdir(parents=True)
    (tmp_path / name).chmod(0o777)
    with pytest.warns(OpenCacheWarning, match=f"chmod o-w .*{name}"):
        score(str(cache))
    (tmp_path / name).chmod(0o1777)  # only owners may replace what is theirs
    score(str(cache))


@posix
def test_modes_say_nothing_on_other_systems(tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    (cache / "joblib").mkdir(parents=True)
    cache.chmod(0o777)
    monkeypatch.setattr(os, "name", "another")
    prepare_folder(str(cache))


@posix
def test_a_memory_of_the_users_own_is_their_concern(tmp_path):
    tmp_path.chmod(0o777)
    score(Memory(tmp_path, verbose=0))
