import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference import otsu_by_all_cuts

from skgex.detection._threshold import (
    cut_off,
    otsu,
    otsu_of_roots,
    parse_percentage,
    parse_precision,
    threshold_of,
)

# Integers, so that rounding does not decide between cuts that are equally good.
whole_values = arrays(
    np.float64, st.integers(1, 30), elements=st.integers(-1000, 1000).map(float)
)
any_values = arrays(
    np.float64,
    st.integers(1, 30),
    elements=st.floats(-1e6, 1e6, allow_subnormal=False),
)
scores = arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 100))


@given(whole_values)
def test_otsu_is_the_best_of_all_cuts(values):
    within, best = otsu_by_all_cuts(values)
    assert within(otsu(values)) == pytest.approx(best, abs=1e-6)


@given(any_values)
def test_otsu_separates_any_two_values(values):
    assume(len(np.unique(values)) > 1)
    above = values > otsu(values)
    assert above.any()
    assert not above.all()


@given(st.floats(-1e6, 1e6), st.integers(1, 10))
def test_nothing_lies_above_where_all_values_agree(value, n_samples):
    values = np.full(n_samples, value)
    assert not (values > otsu(values)).any()


@given(whole_values, st.integers(-(10**6), 10**6), st.sampled_from([0.25, 1, 2, 64]))
def test_otsu_moves_with_shift_and_scale(values, shift, scale):
    assert otsu(values * scale + shift) == pytest.approx(otsu(values) * scale + shift)


@given(any_values, st.randoms(use_true_random=False))
def test_otsu_does_not_see_the_order(values, random):
    order = random.sample(range(len(values)), len(values))
    assert otsu(values[order]) == otsu(values)


def test_otsu_is_halfway_between_the_neighbours_it_separates():
    assert otsu(np.array([0.0, 1.0, 9.0, 10.0])) == 5.0


def neighbouring_floats(n_pairs=100):
    """Return pairs without a float between; half of the lower ones are odd."""
    lower = np.spacing(1.0) * np.arange(n_pairs) + 1.0
    return np.column_stack([lower, np.nextafter(lower, 2.0)])


def test_neighbouring_floats_are_separated():
    for pair in neighbouring_floats():
        np.testing.assert_array_equal(pair > otsu(pair), [False, True])
        np.testing.assert_array_equal(pair > cut_off(pair, 0.5), [False, True])


def test_neighbouring_floats_are_separated_if_their_roots_differ():
    kept = np.zeros(2)
    for pair in neighbouring_floats(1000) * 3.3:
        cut = otsu_of_roots(pair)
        differ = np.ptp(np.sqrt(pair)) > 0
        assert pair[0] <= cut <= pair[1]
        assert (cut < pair[1]) == differ
        kept[int(differ)] += 1
    assert kept.min() > 100


def test_nothing_lies_above_where_roots_are_equal_although_scores_differ():
    greatest = np.nextafter(1.0, 2.0)
    assert otsu_of_roots(np.array([1.0, 1.0, greatest, 1.0])) == greatest


@pytest.mark.parametrize("n_equal", range(2, 60, 3))
def test_equal_values_are_never_separated_by_rounding(n_equal):
    lower, upper = 0.1, np.nextafter(0.1, 1.0)
    for few, many in [(lower, upper), (upper, lower)]:
        values = np.append(np.full(n_equal, many), few)
        assert (values > otsu(values)).sum() == (values == upper).sum()


# Squares of whole numbers, whose roots are exact, and so is the middle of two of them.
SQUARES = np.square([0.0, 1.0, 2**20 + 1, 2**20 + 3])


@pytest.mark.parametrize("exponent", [-1020, -1018, -500, 0, 2, 4, 500, 978, 980])
def test_no_power_of_four_changes_the_cuts(exponent):
    """Nothing is rounded, overflows or vanishes."""
    unit = np.ldexp(1.0, exponent)
    assert otsu(SQUARES * unit) == (1 + SQUARES[2]) / 2 * unit
    assert otsu_of_roots(SQUARES * unit) == (2**19 + 1) ** 2 * unit


def test_the_largest_floats_are_cut():
    most = np.finfo(np.float64).max
    values = most * np.array([-1.0, -0.99, -0.98, 0.99, 1.0])
    for rule in (otsu, otsu_of_roots):
        assert (values > rule(values)).sum() == 2


def test_positive_scores_are_cut_on_their_own_root():
    assert otsu_of_roots(np.array([1.0, 4.0, 81.0, 100.0])) == 5.5**2


def test_otsu_under_a_large_offset():
    values = 1e12 + np.array([0.0, 1.0, 100.0, 101.0])
    assert otsu(values) == 1e12 + 50.5


def test_the_root_is_cut_by_default_and_the_values_on_demand():
    values = np.r_[np.linspace(0, 0.2, 60), np.linspace(4, 6, 20), 40.0]
    assert threshold_of(values, "otsu") == pytest.approx(otsu(np.sqrt(values)) ** 2)
    assert threshold_of(values, "otsu_raw") == otsu(values)
    assert (values > threshold_of(values, "otsu")).sum() == 21
    assert (values > threshold_of(values, "otsu_raw")).sum() == 1


@given(any_values)
def test_the_root_is_counted_from_the_least_where_that_is_negative(values):
    assume(np.ptp(values) > 1e-3)
    above = values > threshold_of(values, "otsu")
    assert not above.all()
    if values.min() < 0:
        lifted = values - values.min()
        assert threshold_of(values, "otsu") == pytest.approx(
            otsu(np.sqrt(lifted)) ** 2 + values.min()
        )


@given(scores, st.integers(0, 100))
def test_a_share_is_exact_where_no_scores_tie(values, percent):
    values = np.unique(values)
    above = values > threshold_of(values, f"{percent}%")
    assert above.sum() == round(percent / 100 * len(values))


@given(scores, st.integers(0, 100))
def test_tied_scores_are_never_told_apart(values, percent):
    above = values > threshold_of(values, f"{percent}%")
    assert above.sum() <= round(percent / 100 * len(values))
    if above.any():
        assert values[above].min() > values[~above].max(initial=-1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10%", 0.1),
        (" 2.5 % ", 0.025),
        ("0%", 0.0),
        ("100%", 1.0),
        ("101%", None),
        ("-5%", None),
        ("10", None),
        ("otsu", None),
        ("%", None),
        ("", None),
    ],
)
def test_percentages_are_read(text, expected):
    assert parse_percentage(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("precision 90%", 0.9),
        (" precision  99.5 % ", 0.995),
        ("precision 0%", 0.0),
        ("precision 101%", None),
        ("precision90%", None),
        ("precision", None),
        ("90%", None),
        ("otsu", None),
    ],
)
def test_precisions_are_read(text, expected):
    assert parse_precision(text) == expected


def test_a_text_that_names_no_threshold_is_refused():
    with pytest.raises(ValueError, match="threshold: must be"):
        threshold_of(np.array([1.0, 2.0]), "most")


def test_a_number_is_the_cut():
    assert threshold_of(np.array([1.0, 2.0]), 1) == 1.0
    assert isinstance(threshold_of(np.array([1.0, 2.0]), np.float32(1)), float)


@pytest.mark.parametrize("rule", ["otsu", "otsu_raw", "50%", 1.0])
def test_scores_that_are_not_finite_are_refused(rule):
    with pytest.raises(ValueError, match=r"scores: must be finite, got 2 of 4"):
        threshold_of(np.array([1.0, np.nan, 2.0, np.inf]), rule)


def test_a_share_is_cut_halfway_between_two_scores():
    scores = np.array([3.0, 1.0, 8.0, 2.0])
    assert cut_off(scores, 0.25) == 5.5
    assert cut_off(scores, 0.5) == 2.5
    assert cut_off(scores, 0.0) == 8.0
    assert cut_off(scores, 1.0) == np.nextafter(1.0, 0.0)
