"""A folder of ``memory`` that other machines and processes use, or that is full."""

import builtins
import errno
import os
import random
import shutil
import threading
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from all_estimators import cheap
from joblib import Memory, register_store_backend
from joblib._store_backends import StoreBackendBase, StoreBackendMixin
from tiny import AnyWidth, classifier, flip_every, make_blobs

import skgex
from skgex import GEXDetector
from skgex._utils import environment as environment_module
from skgex._utils import results
from skgex._utils.environment import environment
from skgex._utils.memory import check_memory
from skgex.exceptions import UnkeptResultWarning

X, clean = make_blobs(40)
y = flip_every(clean, 8)[0]


class Machine(AnyWidth):
    """A module whose answers depend on the machine, and that counts its training."""

    factor, n_calls = 1.0, 0

    def forward(self, X):
        """Return logits."""
        Machine.n_calls += self.training
        return super().forward(X) * Machine.factor


def fit(memory, **params):
    net = classifier(Machine, max_epochs=3)
    settings = {"lr": "auto", "n_members": 4, "memory": memory, **params}
    return cheap(GEXDetector, net, **settings).fit(X, y)


@pytest.fixture
def counted(monkeypatch):
    """Count from nothing."""
    monkeypatch.setattr(Machine, "n_calls", 0)


@pytest.fixture
def fresh():
    """Look at the machine anew, before and after the test."""
    environment.cache_clear()
    yield
    environment.cache_clear()


@pytest.mark.parametrize(
    ("where", "name", "other"),
    [
        (torch, "__version__", "9.9"),
        (skgex, "__version__", "9.9"),
        (np, "__version__", "9.9"),
        (torch.backends.cpu, "get_cpu_capability", lambda: "NEWER"),
        (torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}),
    ],
    ids=["torch", "skgex", "numpy", "vectors", "bfloat16"],
)
def test_another_machine_has_another_environment(monkeypatch, where, name, other):
    before = environment()
    with monkeypatch.context() as patch:
        patch.setattr(where, name, other, raising=False)
        environment.cache_clear()
        assert environment() != before
    environment.cache_clear()
    assert environment() == before


@pytest.mark.usefixtures("fresh")
def test_a_changed_line_of_code_is_another_environment(monkeypatch, tmp_path):
    package = tmp_path / "skgex"
    package.mkdir()
    (package / "module.py").write_text("a = 1")
    monkeypatch.setattr(environment_module, "PACKAGE", package)
    before = environment()
    (package / "module.py").write_text("a = 2")
    environment.cache_clear()
    assert environment() != before


@pytest.mark.usefixtures("counted")
def test_answers_of_two_machines_are_not_mixed(monkeypatch, tmp_path):
    for _ in range(2):
        for name, factor in (("one", 1.0), ("other", 1.25)):
            monkeypatch.setattr(results, "environment", lambda name=name: name)
            monkeypatch.setattr(Machine, "factor", factor)
            found = fit(str(tmp_path)).scores_
            n_calls = Machine.n_calls
            np.testing.assert_array_equal(found, fit(None).scores_)
            Machine.n_calls = 0
    assert n_calls == 0  # the second time, both were found
    folders = {path.name for path in (tmp_path / "joblib").iterdir()}
    assert {"one", "other"} <= folders


# The disk.


def break_writing(monkeypatch, share, code=errno.ENOSPC):
    """Let a share of all attempts to write a file below the memory fail."""
    rng = random.Random(0)
    open_file, make = builtins.open, os.makedirs

    def fails(path):
        inside = "joblib" in str(path) and "loky" not in str(path)
        return inside and rng.random() < share

    def broken_open(path, mode="r", *args, **kwargs):
        if "r" not in mode and fails(path):
            raise OSError(code, os.strerror(code), path)
        return open_file(path, mode, *args, **kwargs)

    def broken_make(path, *args, **kwargs):
        if fails(path):
            raise OSError(code, os.strerror(code), path)
        return make(path, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", broken_open)
    monkeypatch.setattr(os, "makedirs", broken_make)


@pytest.mark.parametrize("share", [0.3, 1])
@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("params", [{}, {"chain": True}, {"n_members": "auto"}])
def test_a_fit_goes_on_without_what_a_full_disk_cannot_keep(
    monkeypatch, tmp_path, share, params
):
    expected = fit(None, **params)
    n_calls, Machine.n_calls = Machine.n_calls, 0
    with monkeypatch.context() as patch:
        break_writing(patch, share)
        with pytest.warns(UnkeptResultWarning, match="No space left"):
            detector = fit(str(tmp_path), **params)
        assert Machine.n_calls == n_calls  # nothing is made twice
    np.testing.assert_array_equal(detector.scores_, expected.scores_)
    # What was not kept is made in other groups now, whose sums may round otherwise.
    again = fit(str(tmp_path), **params)
    np.testing.assert_allclose(again.scores_, expected.scores_, rtol=1e-9)


@pytest.mark.filterwarnings("ignore::skgex.exceptions.UnkeptResultWarning")
def test_a_failed_write_leaves_nothing(monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        check_memory(str(tmp_path)).cache(square)(np.arange(10))
    assert not list(tmp_path.rglob("*.part"))
    assert not list(tmp_path.rglob("output.pkl"))


def full(*args):
    raise OSError(errno.ENOSPC, "No space left on device")


def square(values):
    return values**2


def refuse(values):
    raise OSError("of the user's own")


def test_an_error_of_the_function_itself_comes_through(tmp_path):
    with pytest.raises(OSError, match="own"):
        check_memory(str(tmp_path)).cache(refuse)(1)


@pytest.mark.usefixtures("counted")
def test_a_folder_that_is_removed_meanwhile_changes_nothing(monkeypatch, tmp_path):
    expected = fit(None, n_members="auto")
    find = results.FolderResults.find

    def find_and_remove(self, key):
        answer = find(self, key)
        shutil.rmtree(tmp_path / "joblib", ignore_errors=True)
        return answer

    monkeypatch.setattr(results.FolderResults, "find", find_and_remove)
    detector = fit(str(tmp_path), n_members="auto")
    np.testing.assert_array_equal(detector.scores_, expected.scores_)


# Processes.


def test_what_is_being_written_is_not_taken_for_damaged(tmp_path):
    """Two that write the same result, and one that reads it, do not meet in between."""
    found = check_memory(str(tmp_path)).results("kind")
    values, stop, seen = np.arange(50_000.0), threading.Event(), []

    def write(number):
        writer = check_memory(str(tmp_path)).results("kind")
        while not stop.is_set():
            writer.keep("key", (number, values))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    try:
        while len(seen) < 50:
            is_there, value = found.find("key")
            if is_there:
                np.testing.assert_array_equal(value[1], values)
                seen.append(value[0])
    finally:
        stop.set()
        for writer in writers:
            writer.join()


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.slow
def test_two_processes_on_one_folder(tmp_path, same):
    """Both give the answers that each would give alone, and warn of nothing."""
    seeds = (0, 0) if same else (0, 1)
    jobs = [(str(tmp_path), seed) for seed in seeds]
    with joblib.parallel_config("loky", n_jobs=2):
        found = joblib.Parallel()(joblib.delayed(score)(*job) for job in jobs * 2)
    for seed, scores in zip(seeds * 2, found, strict=True):
        np.testing.assert_array_equal(scores, score(None, seed))


def score(memory, seed):
    return fit(memory, random_state=seed).scores_


# A store of the user's own.


class InMemory(StoreBackendBase, StoreBackendMixin):
    """Keeps pickles in a dict, and has no files."""

    def __init__(self):
        self.items = {}

    def configure(self, location, verbose=0, backend_options=None):
        self.location, self.compress = location, False

    def dump_item(self, call_id, item, verbose=1):
        self.items[tuple(call_id)] = item

    def load_item(self, call_id, **kwargs):
        return self.items[tuple(call_id)]

    def contains_item(self, call_id):
        return tuple(call_id) in self.items

    def _open_item(self, f, mode):
        raise NotImplementedError

    _item_exists = _move_item = create_location = clear_location = _open_item
    get_items = None


@pytest.mark.usefixtures("counted")
def test_a_store_of_the_users_own_is_used(tmp_path):
    register_store_backend("dict", InMemory)
    memory = Memory("here", backend="dict", verbose=0)
    expected = fit(None).scores_
    np.testing.assert_array_equal(fit(memory).scores_, expected)
    Machine.n_calls = 0
    np.testing.assert_array_equal(fit(memory).scores_, expected)
    assert Machine.n_calls == 0
    assert not Path("here").exists()


class Broken(InMemory):
    """Says that it has all, and has nothing."""

    def load_item(self, call_id, **kwargs):
        raise ConnectionError

    def contains_item(self, call_id):
        return True


def test_what_a_store_of_the_users_own_cannot_give_is_made_again():
    register_store_backend("broken", Broken)
    memory = Memory("here", backend="broken", verbose=0)
    expected = fit(None, chain=True).scores_
    np.testing.assert_array_equal(fit(memory, chain=True).scores_, expected)
    # Others are made again one by one, which rounds in another way than their group.
    np.testing.assert_allclose(fit(memory).scores_, fit(None).scores_, rtol=1e-12)
