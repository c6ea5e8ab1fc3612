import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference import otsu_by_all_cuts

from skgex.detection._threshold import (
    otsu,
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


def test_otsu_of_neighbouring_floats():
    pair = np.array([1.0, np.nextafter(1.0, 2.0)])
    np.testing.assert_array_equal(pair > otsu(pair), [False, True])


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
