import numpy as np
import pytest
from growing import grow
from joblib import Memory
from tiny import classifier
from watching import watch_members

from skgex._ensemble import growth as module
from skgex._ensemble.cache import DiskMemberCache, MemberCache
from skgex._ensemble.fine_tuning import FineTuning
from skgex._nets.training import train

TUNING = FineTuning(4, 0.1, 0.9, "cosine")
SEEDS = list(range(100, 116))
PLACES = [MemberCache, "disk"]


@pytest.fixture
def trained(blobs):
    return train(classifier(), *blobs, seed=0)


@pytest.fixture
def known(request, tmp_path):
    if request.param is MemberCache:
        return MemberCache()
    return DiskMemberCache(Memory(tmp_path, verbose=0), "origin")


@pytest.fixture
def grown(monkeypatch):
    """The seeds of all members that are fine-tuned, by whichever engine."""
    seeds = []
    watch_members(monkeypatch, seeds)
    return seeds


@pytest.fixture
def by_the_loop(monkeypatch):
    monkeypatch.setattr(module, "can_batch", lambda *_: False)


def assert_equal(one, other):
    for name in ("reference", "losses", "outputs", "targets", "counted"):
        np.testing.assert_array_equal(getattr(one[1], name), getattr(other[1], name))
    for weights, others in zip(one[0].members, other[0].members, strict=True):
        for name, value in weights["module"].items():
            np.testing.assert_array_equal(value, others["module"][name])


@pytest.mark.parametrize("known", PLACES, indirect=True)
def test_what_was_put_is_found(known):
    assert ("a", 1.0) not in known
    assert known.keep(("a", 1.0), [1, 2]) == [1, 2]
    known.keep("b", 3)
    assert ("a", 1.0) in known
    assert known["a", 1.0] == [1, 2]
    assert ("a", 2.0) not in known
    known.retain(["b"])
    assert known["b"] == 3
    assert (("a", 1.0) in known) == isinstance(known, DiskMemberCache)


def test_another_origin_has_other_things(tmp_path):
    memory = Memory(tmp_path, verbose=0)
    DiskMemberCache(memory, np.arange(3)).keep("a", 1)
    assert "a" in DiskMemberCache(memory, np.arange(3))
    assert "a" not in DiskMemberCache(memory, np.arange(4))


def test_what_is_forgotten_meanwhile_is_not_made_up(tmp_path):
    known = DiskMemberCache(Memory(tmp_path, verbose=0))
    with pytest.raises(KeyError, match="a"):
        known["a"]
    assert "a" not in known


def test_without_a_place_nothing_is_remembered():
    known = DiskMemberCache(Memory(None), np.arange(3))
    assert known.keep("a", 1) == 1
    assert "a" not in known


@pytest.mark.parametrize("known", PLACES, indirect=True)
@pytest.mark.parametrize("settings", [{}, {"chain": True}, {"max_samples": 0.5}])
def test_eight_then_sixteen_are_sixteen(blobs, trained, known, grown, settings):
    at_once = grow(trained, *blobs, TUNING, SEEDS, **settings)
    grown.clear()
    grow(trained, *blobs, TUNING, SEEDS[:8], cache=known, **settings)
    assert grown == SEEDS[:8]
    assert_equal(grow(trained, *blobs, TUNING, SEEDS, cache=known, **settings), at_once)
    assert grown == SEEDS


@pytest.mark.usefixtures("by_the_loop")
@pytest.mark.parametrize("known", PLACES, indirect=True)
@pytest.mark.parametrize("chain", [False, True])
def test_any_numbers_may_follow_each_other(blobs, trained, known, grown, chain):
    for n_members in (3, 5, 2, 5):
        several = grow(
            trained, *blobs, TUNING, SEEDS[:n_members], chain=chain, cache=known
        )
        alone = grow(trained, *blobs, TUNING, SEEDS[:n_members], chain=chain)
        assert_equal(several, alone)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_chain_is_grown_anew_from_the_first_that_is_missing(
    blobs, trained, grown, lost
):
    known = MemberCache()
    expected = grow(trained, *blobs, TUNING, SEEDS[:3], chain=True, cache=known)
    del known[list(known)[1 + lost]]  # the first is that of the trained net
    grown.clear()
    again = grow(trained, *blobs, TUNING, SEEDS[:3], chain=True, cache=known)
    assert grown == SEEDS[lost:3]
    assert_equal(again, expected)


class Cleared(MemberCache):
    """Members are deleted between a look and the reading."""

    def __init__(self, cache):
        super().__init__(cache)
        self.lost = self.keys() - {"reference"}

    def __getitem__(self, key):
        if key in self.lost:
            self.lost.discard(key)
            del self[key]
        return super().__getitem__(key)


@pytest.mark.usefixtures("by_the_loop")
@pytest.mark.parametrize("chain", [False, True])
def test_what_is_deleted_meanwhile_is_grown_anew(blobs, trained, grown, chain):
    known = MemberCache()
    settings = {"chain": chain, "cache": known}
    expected = grow(trained, *blobs, TUNING, SEEDS[:3], **settings)
    settings["cache"] = Cleared(known)
    grown.clear()
    assert_equal(grow(trained, *blobs, TUNING, SEEDS[:3], **settings), expected)
    assert grown == SEEDS[:3]
    assert settings["cache"].keys() == known.keys()


def test_a_member_of_a_chain_follows_from_all_seeds_before(blobs, trained, tmp_path):
    known = DiskMemberCache(Memory(tmp_path, verbose=0), "origin")
    for seeds in (SEEDS[:3], [7], [7, *SEEDS[1:3]]):
        found = grow(trained, *blobs, TUNING, seeds, chain=True, cache=known)
        assert_equal(found, grow(trained, *blobs, TUNING, seeds, chain=True))


@pytest.mark.parametrize("known", PLACES, indirect=True)
def test_fewer_members_cost_nothing(blobs, trained, known, grown, monkeypatch):
    grow(trained, *blobs, TUNING, SEEDS[:8], cache=known)
    at_once = grow(trained, *blobs, TUNING, SEEDS[:3])
    grown.clear()
    for name in ("evaluate_trained", "can_batch"):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("asked"))
    fewer = grow(trained, *blobs, TUNING, SEEDS[:3], cache=known)
    assert grown == []
    np.testing.assert_allclose(fewer[1].losses, at_once[1].losses, rtol=1e-9)
    np.testing.assert_allclose(fewer[1].outputs, at_once[1].outputs, rtol=1e-9)


@pytest.mark.parametrize("known", PLACES, indirect=True)
def test_other_settings_are_other_members(blobs, trained, known, grown):
    for tuning, settings in (
        (TUNING, {}),
        (TUNING._replace(lr=0.2), {}),
        (TUNING, {"max_samples": 0.5}),
        (TUNING, {"keep_weights": False}),
    ):
        again = grow(trained, *blobs, tuning, SEEDS[:2], cache=known, **settings)
        assert grown == SEEDS[:2]
        grown.clear()
        fresh = grow(trained, *blobs, tuning, SEEDS[:2], **settings)
        np.testing.assert_array_equal(again[1].losses, fresh[1].losses)
        grown.clear()


def test_groups_make_other_members_only_of_a_part_of_the_rows(blobs, trained, grown):
    known, groups = MemberCache(), np.arange(60) // 4
    for max_samples, settings, seeds in [
        (1.0, {}, SEEDS[:2]),
        (1.0, {"groups": groups}, []),
        (0.5, {"groups": groups}, SEEDS[:2]),
        (0.5, {"groups": groups}, []),
        (0.5, {"groups": groups // 2}, SEEDS[:2]),
    ]:
        grown.clear()
        settings |= {"max_samples": max_samples, "cache": known}
        grow(trained, *blobs, TUNING, SEEDS[:2], **settings)
        assert grown == seeds


@pytest.mark.parametrize("chain", [False, True])
def test_a_memory_that_maps_leaves_the_members_on_disk(blobs, trained, tmp_path, chain):
    memory = Memory(tmp_path, mmap_mode="r", verbose=0)
    in_memory = grow(trained, *blobs, TUNING, SEEDS, chain=chain)
    for _ in range(2):  # newly grown, and found again
        known = DiskMemberCache(memory, "origin")
        mapped = grow(trained, *blobs, TUNING, SEEDS, chain=chain, cache=known)
        assert_equal(mapped, in_memory)
        for weights in mapped[0].members:
            assert all(isinstance(v, np.memmap) for v in weights["module"].values())
        asked = blobs[0] + 1, blobs[1]
        np.testing.assert_array_equal(
            mapped[0].evaluate(*asked).losses, in_memory[0].evaluate(*asked).losses
        )


@pytest.mark.parametrize("chain", [False, True])
def test_members_may_be_forgotten(blobs, trained, chain):
    kept, answers = grow(trained, *blobs, TUNING, SEEDS[:2], chain=chain)
    forgotten, same = grow(
        trained, *blobs, TUNING, SEEDS[:2], chain=chain, keep_weights=False
    )
    assert len(kept.members) == 2
    assert forgotten.members is None
    with pytest.raises(ValueError, match="keep_members=False dropped"):
        forgotten.evaluate(*blobs)
    np.testing.assert_array_equal(same.losses, answers.losses)
    np.testing.assert_array_equal(same.outputs, answers.outputs)


class Interrupted(MemberCache):
    """A cache in which no member can be stored, for Ctrl-C comes."""

    def keep(self, key, value):
        if key != "reference":
            raise KeyboardInterrupt
        return super().keep(key, value)


def test_jobs_end_if_an_interrupt_comes_while_members_are_stored(
    blobs, trained, monkeypatch
):
    ended = []

    def run(function, jobs, **_):
        try:
            yield from (function(*job) for job in jobs)
        finally:
            ended.append(True)

    monkeypatch.setattr(module, "run", run)
    with pytest.raises(KeyboardInterrupt) as held:
        grow(trained, *blobs, TUNING, SEEDS[:2], cache=Interrupted())
    assert ended
    assert held.traceback  # as a notebook holds it
