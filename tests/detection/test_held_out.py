"""What held-out rows say of the labels as a whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logsumexp
from scipy.stats import binom

from skgex.detection._held_out import HeldOutLabels, clean_probability


def held_out(n_sure, n_contradictions):
    """Return as many sure rows as unsure ones; all labels of these are wrong."""
    n_classes = 2
    codes = np.zeros(2 * n_sure, dtype=int)
    sure = np.tile([0.9, 0.1], (n_sure, 1))
    sure[:n_contradictions] = sure[:n_contradictions, ::-1]
    unsure = np.tile([0.4, 0.6], (n_sure, 1))
    proba = np.concatenate([unsure, sure])
    assert proba.shape == (2 * n_sure, n_classes)
    return HeldOutLabels(codes, proba)


@given(st.integers(1, 30), st.data())
def test_labels_that_contradict_a_sure_net_are_counted(n_sure, data):
    n_wrong = data.draw(st.integers(0, n_sure))
    labels = held_out(n_sure, n_wrong)
    assert labels.n_sure == n_sure
    assert labels.n_contradictions == n_wrong
    assert labels.accuracy == pytest.approx((n_sure - n_wrong) / (2 * n_sure))


@given(st.integers(5, 300), st.integers(0, 30), st.floats(0.005, 0.5))
def test_the_probability_of_clean_labels_is_that_of_bayes(n_sure, n_wrong, share):
    n_wrong = min(n_wrong, n_sure)
    found = clean_probability(held_out(n_sure, n_wrong), share)
    middles = (np.arange(20_000) + 0.5) / 20_000
    if_not = binom.pmf(n_wrong, n_sure, middles * share).mean()
    if_clean = binom.pmf(n_wrong, n_sure, middles * 0.01).mean()
    expected = if_clean / (if_clean + if_not)
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize(("n_sure", "n_wrong"), [(400, 400), (1000, 400), (2000, 1500)])
def test_so_do_many_contradictions_whose_probability_no_float_can_hold(n_sure, n_wrong):
    """A net that has memorised its labels contradicts most held-out ones."""
    share = 0.01001
    logs = []
    for most in (0.01, share):
        rates = most * (np.arange(20_000) + 0.5) / 20_000
        logs.append(logsumexp(binom.logpmf(n_wrong, n_sure, rates)))
    found = clean_probability(held_out(n_sure, n_wrong), share)
    assert found == pytest.approx(expit(logs[0] - logs[1]), rel=1e-3)
    assert 0.1 < found < 0.5


@given(st.integers(1, 10_000), st.data())
def test_it_is_a_probability_whatever_is_counted(n_sure, data):
    n_wrong = data.draw(st.integers(0, n_sure))
    share = data.draw(st.floats(1e-6, 1.0))
    assert 0 <= clean_probability(held_out(n_sure, n_wrong), share) <= 1


@pytest.mark.parametrize("n_sure", [50, 400, 5000])
def test_one_label_more_never_turns_the_answer_over(n_sure):
    """A rule with a cliff would go from 1 to 0 between two counts."""
    counts = range(max(n_sure // 10, 10))
    found = [clean_probability(held_out(n_sure, k), 0.1) for k in counts]
    assert found[0] > 0.5 > found[-1]
    assert (np.diff(found) < 1e-9).all()
    assert -np.diff(found).min() < 0.5


def test_where_nothing_would_be_flagged_labels_are_right():
    assert clean_probability(held_out(20, 10), 0.0) == 1.0


def test_guessing_is_not_predicting():
    """Of 100 nets that say nothing of the labels, few pass for one that does."""
    rng = np.random.RandomState(0)
    passed = 0
    for _ in range(100):
        codes = (rng.random_sample(200) < 0.3).astype(int)
        said = rng.dirichlet([3, 1], 200)
        labels = HeldOutLabels(codes, said)
        passed += labels.predictable(np.array([0.7, 0.3]))
    assert passed <= 15


def test_a_net_of_sense_predicts():
    rng = np.random.RandomState(0)
    codes = (rng.random_sample(400) < 0.1).astype(int)
    # It never prefers the rare class, but knows where that is likelier.
    rare = np.where(codes == 1, 0.4, 0.05) + rng.uniform(-0.04, 0.04, 400)
    proba = np.column_stack([1 - rare, rare])
    labels = HeldOutLabels(codes, proba)
    assert labels.accuracy == pytest.approx((codes == 0).mean())
    assert labels.predictable(np.array([0.9, 0.1]))
    # Nor is it guessing to be far too sure.
    sure = HeldOutLabels(codes, np.eye(2)[np.where(codes == 1, 1, 0)])
    assert sure.predictable(np.array([0.9, 0.1]))


def test_one_row_is_surer_than_none():
    assert HeldOutLabels(np.array([0]), np.array([[0.2, 0.8]])).n_contradictions == 1


def guessed(n_rows):
    """Labels of which the net says just how often each is given."""
    codes = np.arange(n_rows) % 3 // 2
    return HeldOutLabels(codes, np.tile([2 / 3, 1 / 3], (n_rows, 1)))


@pytest.mark.parametrize(("n_rows", "expected"), [(29, True), (30, False)])
def test_of_few_rows_nothing_is_concluded(n_rows, expected):
    assert guessed(n_rows).predictable(np.array([2 / 3, 1 / 3])) is expected


def test_a_class_without_rows_is_known_to_be_rare():
    """Its label has no frequency, but no infinite likelihood either."""
    codes = np.append(np.zeros(100, dtype=int), [1, 1, 1])
    proba = np.array([[0.5, 0.3, 0.2], [0.5, 0.45, 0.05]])[codes]
    labels = HeldOutLabels(codes, proba)
    with np.errstate(all="raise"):
        assert not labels.predictable(np.array([1.0, 0.0, 0.0]))


@pytest.mark.parametrize(("n_right", "expected"), [(63, False), (64, True)])
def test_a_net_is_better_than_guessing_by_two_standard_errors(n_right, expected):
    """Of 100 labels half are of each class. Where it errs, the net is far too sure."""
    codes = np.arange(100) % 2
    gains = np.append(np.ones(n_right), np.zeros(100 - n_right)) - (codes == 0)
    assert (gains.mean() > 2 * gains.std() / 10) == expected
    right = np.arange(100) < n_right
    said = np.where(right, codes, 1 - codes)
    sure = np.where(right, 0.55, 0.9)[:, None]
    proba = np.where(np.arange(2) == said[:, None], sure, 1 - sure)
    assert HeldOutLabels(codes, proba).predictable(np.array([0.5, 0.5])) == expected


def test_a_label_that_was_thought_impossible_outweighs_not_all_others():
    codes = np.append(np.arange(1000) % 5 // 3, np.full(10, 2))
    proba = np.array([[0.97, 0.03, 0], [0.52, 0.48, 0], [0.97, 0.03, 0]])[codes]
    labels = HeldOutLabels(codes, proba)
    frequencies = np.bincount(codes) / len(codes)
    assert labels.accuracy == pytest.approx(frequencies[0])  # no better than guessing
    with np.errstate(all="raise"):
        assert labels.predictable(frequencies)
