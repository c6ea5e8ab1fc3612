"""Drafts are read again as they were written, or not at all."""

import pickle

import numpy as np
import pytest
from joblib import Memory

from skgex._utils import unfinished
from skgex._utils.memory import check_memory
from skgex._utils.parallel import run
from skgex._utils.unfinished import NOWHERE, Place, current_place, working_at

STATE = {"step": 3, "weights": np.arange(300_000.0), "nested": [(1, "a"), None]}


@pytest.fixture
def place(tmp_path):
    return Place(str(tmp_path / "unfinished"), lambda: "work")


@pytest.fixture
def at_once(monkeypatch):
    """Write at each step."""
    monkeypatch.setattr(unfinished, "INTERVAL", 0.0)
    monkeypatch.setattr(unfinished, "PATIENCE", 0)
    monkeypatch.setattr(unfinished, "WORTH_KEEPING", 0.0)


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def assert_same(state):
    np.testing.assert_array_equal(state["weights"], STATE["weights"])
    assert (state["step"], state["nested"]) == (STATE["step"], STATE["nested"])


def test_what_is_written_is_read_by_the_same_key_only(place, tmp_path):
    place.draft("net", 1).write(STATE)
    assert_same(place.draft("net", 1).read())
    assert place.draft("net", 2).read() is None
    assert Place(str(tmp_path / "unfinished"), lambda: "other").draft().read() is None
    place.draft("net", 1).write("later")
    assert place.draft("net", 1).read() == "later"
    assert len(files_in(tmp_path)) == 1


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_what_is_cut_off_is_not_read(place, tmp_path, share):
    place.draft().write(STATE)
    (path,) = files_in(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert place.draft().read() is None


@pytest.mark.parametrize("seed", range(20))
def test_a_changed_bit_is_noticed(place, tmp_path, seed):
    place.draft().write(STATE)
    (path,) = files_in(tmp_path)
    content = bytearray(path.read_bytes())
    rng = np.random.RandomState(seed)
    content[rng.randint(len(content))] ^= 1 << rng.randint(8)
    path.write_bytes(content)
    assert place.draft().read() is None


def test_what_cannot_be_pickled_leaves_the_last_state(place, tmp_path):
    place.draft().write(STATE)
    place.draft().write(lambda: None)
    assert_same(place.draft().read())
    assert len(files_in(tmp_path)) == 1


@pytest.mark.parametrize("name", ["makedirs", "replace"])
def test_a_full_disk_is_passed_over(place, tmp_path, monkeypatch, name):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unfinished.os, name, fail)
    place.draft().write(STATE)
    assert place.draft().read() is None
    assert files_in(tmp_path) == []


def test_an_interrupt_leaves_the_last_state(place, tmp_path):
    class Interrupting:
        def __reduce__(self):
            raise KeyboardInterrupt

    place.draft().write(STATE)
    with pytest.raises(KeyboardInterrupt):
        place.draft().write([STATE["weights"], Interrupting()])
    assert_same(place.draft().read())


def test_only_long_work_is_written(place, tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(unfinished.time, "monotonic", lambda: now[0])
    draft = place.draft()
    now[0] += 4.9
    assert not draft.is_due()
    now[0] += 0.1
    assert draft.is_due()
    draft.write(1)
    assert not draft.is_due()
    brief = place.draft("brief")
    now[0] += 0.4
    brief.write_result(2)
    assert brief.read() is None
    now[0] += 0.1
    brief.write_result(2)
    assert brief.read() == 2


def test_slow_writes_are_seldom(place, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(unfinished.time, "monotonic", lambda: now[0])
    draft = place.draft()

    class Slow:
        def __reduce__(self):
            now[0] += 3.0
            return str, ()

    draft.write(Slow())
    now[0] += 59.0
    assert not draft.is_due()
    now[0] += 1.0
    assert draft.is_due()


def test_nothing_is_left_of_what_is_done(place, tmp_path):
    place.draft("a").write(1)
    place.draft("b").write(2)
    place.draft("a").remove()
    assert place.draft("b").read() == 2
    place.draft("b").remove()
    assert list(tmp_path.iterdir()) == []
    place.draft("a").write(1)
    place.clear()
    assert list(tmp_path.iterdir()) == []


def test_nowhere_keeps_nothing(at_once):
    draft = NOWHERE.draft("a")
    assert not draft.is_due()
    draft.write(1)
    draft.write_result(1)
    assert draft.read() is None
    draft.remove()
    NOWHERE.clear()


def test_a_draft_travels(place):
    sent = pickle.loads(pickle.dumps(place.draft("a")))
    sent.write(3)
    assert place.draft("a").read() == 3


def write_in(draft, value):
    """Write in a worker."""
    draft.write(value)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_workers_write_where_the_call_is(place, n_jobs):
    with working_at(place):
        jobs = [(current_place().draft(k), k) for k in range(4)]
    list(run(write_in, jobs, n_jobs=n_jobs))
    assert [place.draft(k).read() for k in range(4)] == [0, 1, 2, 3]


def count_to(n, calls, last):
    """Count in small steps; be interrupted after the last one."""
    draft = current_place().draft("count")
    for step in range(draft.read() or 0, n):
        calls.append(step)
        draft.write(step + 1)
        if step == last:
            raise KeyboardInterrupt
    return n


@pytest.mark.parametrize("mapped", [None, "r"])
def test_a_remembered_call_goes_on_where_it_was(tmp_path, mapped):
    calls = []
    memory = Memory(tmp_path, mmap_mode=mapped, verbose=0)
    cached = check_memory(memory).cache(count_to, ignore=["calls", "last"])
    with pytest.raises(KeyboardInterrupt):
        cached(5, calls, 2)
    with pytest.raises(KeyboardInterrupt):
        cached(6, calls, 0)  # another call
    assert cached(5, calls, None) == 5
    assert calls == [0, 1, 2, 0, 3, 4]
    assert cached(6, calls, None) == 6
    assert calls == [0, 1, 2, 0, 3, 4, 1, 2, 3, 4, 5]
    assert not list(tmp_path.rglob("unfinished"))
    assert cached(5, calls, None) == 5
    assert len(calls) == 11


def test_calls_inside_of_each_other_have_places_of_their_own(tmp_path):
    memory = check_memory(str(tmp_path))
    inner = memory.cache(count_to, ignore=["calls", "last"])

    def outer(calls, last):
        draft = current_place().draft("count")
        assert draft.read() is None
        inner(3, calls, last)
        assert current_place().draft("count").read() is None

    calls = []
    cached = memory.cache(outer, ignore=["calls", "last"])
    with pytest.raises(KeyboardInterrupt):
        cached(calls, 1)
    cached(calls, None)
    assert calls == [0, 1, 2]
    assert current_place() is NOWHERE


def test_clearing_the_memory_removes_drafts(tmp_path):
    memory = Memory(tmp_path, verbose=0)
    cached = check_memory(memory).cache(count_to, ignore=["calls", "last"])
    with pytest.raises(KeyboardInterrupt):
        cached(5, [], 2)
    assert list(tmp_path.rglob("unfinished"))
    memory.clear(warn=False)
    assert not list(tmp_path.rglob("unfinished"))


def test_another_kind_of_store_has_no_drafts(tmp_path, at_once):
    memory = Memory(tmp_path, verbose=0)
    memory.store_backend = object()
    assert check_memory(memory).place(str) is NOWHERE
