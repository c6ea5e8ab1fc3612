"""Time left and share done, by a clock that stands still unless it is set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skgex._utils.progress import expect, listening, phase, steps
from skgex._utils.time_left import TimeLeft


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class Watched:
    """Stages on a clock, and what is said after each change."""

    def __init__(self):
        self.clock, self.said = Clock(), []
        self.time_left = TimeLeft("whole", self._note, self.clock)

    def _note(self):
        self.said.append(self.time_left.progress())

    def run(self, stages):
        """Run stages: each a name, and the seconds of its steps."""
        for name, seconds in stages:
            with phase(name), steps("steps", len(seconds)) as reach:
                for done, each in enumerate(seconds, 1):
                    self.clock.now += each
                    reach(done)


def test_time_left_is_exact_where_work_takes_the_time_that_was_expected():
    watched = Watched()
    with listening(watched.time_left):
        expect({"a": 4, "b": 8, "c": 2})
        watched.run([("a", [3.0] * 4)])
        assert watched.time_left.progress() == (pytest.approx(12 / 42), 30)
        watched.run([("b", [2.0] * 6)])  # of the 24 seconds that are left for it
        watched.run([])
    with listening(watched.time_left):
        watched.run([("c", [3.0, 3.0])])
    assert watched.time_left.progress() == (0.99, 0)


def test_a_stage_is_predicted_by_its_own_steps_once_there_are_some():
    watched = Watched()
    with listening(watched.time_left):
        expect({"a": 1})
        with phase("a"), steps("steps", 10) as reach:
            assert watched.time_left.progress() == (0, None)
            watched.clock.now += 5
            reach(1)
            assert watched.time_left.progress()[1] == 45
            watched.clock.now += 1  # the first took long for it was the first
            reach(2)
            assert watched.time_left.progress()[1] == 8
            watched.clock.now += 0.5  # in the middle of the third
            assert watched.time_left.progress()[1] == 7.5


def test_work_is_corrected_once_it_is_known():
    watched = Watched()
    with listening(watched.time_left):
        expect({"a": 1, "b": 1})
        watched.run([("a", [10.0])])
        assert watched.time_left.progress()[1] == 10
        expect({"a": 4})
        assert watched.time_left.progress()[1] == 2.5
        expect({"b": 8})
        assert watched.time_left.progress()[1] == 20
        with phase("b"):
            expect({"within": 1})
            assert watched.time_left.progress()[1] == 20
            watched.clock.now += 15
            assert watched.time_left.progress()[1] == 5
            watched.clock.now += 15  # it takes longer than expected
            assert watched.time_left.progress()[1] == 0


def test_stages_inside_a_step_count_by_their_work():
    watched = Watched()
    with listening(watched.time_left):
        expect({"all": 1})
        with phase("all"), steps("members", 3) as reach:
            for member in range(3):
                expect({"tuning": 3, "evaluation": 1})
                watched.run([("tuning", [1.0, 1.0, 1.0])])
                assert watched.time_left.progress()[1] == pytest.approx(9 - 4 * member)
                watched.run([("evaluation", [1.0])])
                reach(member + 1)
                assert watched.time_left.progress()[1] == pytest.approx(8 - 4 * member)


def test_a_trial_in_between_says_nothing():
    """Stages that nobody expected do not count as the whole."""
    watched = Watched()
    with listening(watched.time_left):
        watched.run([("unexpected", [1.0])])
        assert watched.time_left.progress() == (0, None)
        expect({"a": 1, "b": 1})
        with phase("a"):
            expect({"jobs": 1})
            watched.run([("try", [1.0])])
            assert watched.time_left.progress() == (0, None)


def test_phases_are_listed_with_their_seconds():
    watched = Watched()
    with listening(watched.time_left):
        with phase("outer"):
            watched.run([("inner", [1.0, 2.0])])
            watched.clock.now += 0.5
        watched.run([("last", [4.0])])
        assert watched.time_left.name == "whole"
    assert watched.time_left.phases == [
        ("inner", 1, 3.0),
        ("outer", 0, 3.5),
        ("last", 0, 4.0),
    ]
    assert watched.time_left.seconds == 7.5


def test_the_innermost_phase_gives_the_name():
    watched = Watched()
    with listening(watched.time_left), phase("outer"):
        with phase("inner"), steps("steps", 1):
            assert watched.time_left.name == "inner"
        assert watched.time_left.name == "outer"


def test_an_error_that_is_caught_leaves_no_stage_behind():
    watched = Watched()
    with listening(watched.time_left):
        with phase("outer"):
            with pytest.raises(ZeroDivisionError), phase("inner"):
                1 / 0  # noqa: B018
            watched.run([("next", [1.0])])
        assert watched.time_left.name == "whole"
    assert [each.name for each in watched.time_left.phases] == ["next", "outer"]


def test_a_stage_that_is_over_is_not_heard_of_again():
    watched = Watched()

    def jobs():
        with steps("jobs", 2) as reach:
            reach(1)
            yield
            reach(2)
            yield

    with listening(watched.time_left):
        with phase("first"):
            abandoned = jobs()
            next(abandoned)
        with phase("second"):
            list(abandoned)
            assert watched.time_left.name == "second"


seconds = st.floats(0, 1e6)
phases = st.lists(
    st.tuples(st.sampled_from("abcd"), st.lists(seconds, max_size=5)), max_size=8
)
units = st.just(0.0) | st.floats(1e-3, 1e6)
works = st.dictionaries(st.sampled_from("abcd"), units)


@given(phases, works, works)
def test_the_share_never_falls_and_no_time_is_negative(stages, first, later):
    """Whatever was expected, and however long it takes."""
    watched = Watched()
    with listening(watched.time_left):
        expect(first)
        watched.run(stages[:4])
        expect(later)
        with phase("e"):
            watched.run(stages[4:])
    shares = [share for share, _ in watched.said]
    assert shares == sorted(shares)
    assert all(0 <= share <= 0.99 for share in shares)
    assert all(left is None or left >= 0 for _, left in watched.said)
