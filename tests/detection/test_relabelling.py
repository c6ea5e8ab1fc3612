import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skgex.detection._relabelling import (
    TARGETS,
    hard_targets,
    influence_targets,
    probability_targets,
    weighted_rows,
)


@st.composite
def cases(draw):
    n_rows, n_classes = draw(st.integers(1, 6)), draw(st.integers(2, 5))
    raw = draw(
        hnp.arrays(float, (n_rows, n_classes), elements=st.floats(0.01, 1, width=64))
    )
    codes = draw(hnp.arrays(int, n_rows, elements=st.integers(0, n_classes - 1)))
    flags = draw(hnp.arrays(bool, n_rows))
    return codes, flags, raw / raw.sum(axis=1, keepdims=True)


@settings(max_examples=30, deadline=None)
@given(cases())
def test_influence_targets_agree_with_the_paper_by_a_double_loop(case):
    codes, flags, p = case
    n_classes = p.shape[1]
    expected = np.zeros_like(p)
    for i, k in enumerate(codes):
        for j in range(n_classes):
            if not flags[i]:
                expected[i, j] = j == k
            elif j != k:
                root = (1 - p[i, k]) ** (1 / (n_classes - 1))
                expected[i, j] = np.emath.logn(p[i, j], root)
    np.testing.assert_allclose(influence_targets(*case), expected, rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(cases())
def test_their_cross_entropy_is_that_of_not_being_the_given_class(case):
    codes, _, p = case
    flags = np.ones(len(p), dtype=bool)
    cross_entropy = -(influence_targets(codes, flags, p) * np.log(p)).sum(axis=1)
    given_class = p[np.arange(len(p)), codes]
    np.testing.assert_allclose(cross_entropy, -np.log(1 - given_class), rtol=1e-9)


def test_influence_targets_of_two_classes_name_the_other_one():
    p = np.array([[0.9, 0.1], [0.3, 0.7]])
    targets = influence_targets(np.array([0, 1]), np.array([True, True]), p)
    np.testing.assert_allclose(targets, [[0, 1], [1, 0]])


@pytest.mark.parametrize("p", [[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
def test_influence_targets_of_certain_probabilities_are_finite(p):
    targets = influence_targets(np.array([0]), np.array([True]), np.array([p]))
    assert np.isfinite(targets).all()
    assert (targets >= 0).all()
    assert targets[0, 0] == 0


@settings(max_examples=30, deadline=None)
@given(cases())
def test_the_other_targets_are_distributions(case):
    _, flags, p = case
    for targets in (hard_targets(*case), probability_targets(*case)):
        np.testing.assert_allclose(targets.sum(axis=1), 1)
    np.testing.assert_allclose(probability_targets(*case)[flags], p[flags])
    for i in np.flatnonzero(flags):
        assert p[i, hard_targets(*case)[i].argmax()] == max(p[i])


@pytest.mark.parametrize("kind", sorted(TARGETS))
@settings(max_examples=30, deadline=None)
@given(case=cases())
def test_rows_that_are_not_flagged_keep_their_label(kind, case):
    codes, flags, p = case
    targets = TARGETS[kind](*case)
    assert targets.shape == p.shape
    for row in np.flatnonzero(~flags):
        assert targets[row, codes[row]] == 1
        assert targets[row].sum() == 1


@settings(max_examples=30, deadline=None)
@given(cases())
def test_weighted_rows_hold_all_of_the_targets(case):
    targets = influence_targets(*case)
    rows, codes, weights = weighted_rows(targets)
    again = np.zeros_like(targets)
    np.add.at(again, (rows, codes), weights)
    np.testing.assert_array_equal(again, targets)
    assert (weights > 0).all()
