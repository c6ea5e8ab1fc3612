"""Members that diverged, forgot or stood still, by numbers worked out by hand."""

import numpy as np
import pytest
from tiny import plain_net, regressor
from torch import nn

from skgex._data.label_coding import ClassLabels, RegressionTargets
from skgex._ensemble.divergence import (
    ChanceLevel,
    chance_level,
    diverged,
    forgot,
    stood_still,
)
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex._nets.training import train


def evaluation(reference, *members, outputs=None, targets=None, n_starts=1):
    """Losses under a net and its members, one list each."""
    losses = np.array(members, dtype=float).T
    reference = np.array(reference, dtype=float)
    return EnsembleEvaluation(reference, losses, outputs, targets, None, n_starts)


CHANCE = ChanceLevel(1.0, 1.0)


def test_members_above_chance_diverged():
    found = diverged(
        evaluation(
            [0.0, 0.2], [0.5, 1.4], [0.5, 1.5], [0.5, 1.6], [0.1, np.inf], [0, np.nan]
        ),
        CHANCE,
    )
    np.testing.assert_array_equal(found, [False, False, True, True, True])


def test_where_the_net_is_no_better_than_chance_they_are_worse_by_half_of_it():
    reference = [0.8, 1.0]  # so that 1.4 is the limit
    found = diverged(evaluation(reference, [1.4, 1.38], [1.4, 1.42]), CHANCE)
    np.testing.assert_array_equal(found, [False, True])
    overflowed = evaluation([np.inf, 0.0], [1.0, 1.0])
    assert diverged(overflowed, CHANCE) == [False]


def test_half_of_a_chance_level_below_zero_is_as_much_above_the_net():
    reference = [-1.2, -1.0]  # so that -0.6 is the limit
    found = diverged(
        evaluation(reference, [-0.7, -0.52], [-0.6, -0.58]), ChanceLevel(-1.0, -1.0)
    )
    np.testing.assert_array_equal(found, [False, True])


def test_the_mean_of_chance_is_that_of_diverging_and_the_median_of_forgetting():
    members = evaluation([0.0, 0.0], [1.5, 1.5])
    assert not diverged(members, ChanceLevel(2.0, 1.0))
    assert forgot(members, ChanceLevel(2.0, 1.0))
    assert diverged(members, ChanceLevel(1.0, 4.0))
    assert not forgot(members, ChanceLevel(1.0, 4.0))


def test_members_forgot_that_went_half_of_the_way_to_chance():
    reference = [0.2, 0.2, 9.0]  # the median row; half of the way is at 0.6
    members = [0.6, 0.6, 0.0], [0.61, 0.61, 0.0], [9.0, 0.6, 0.0], [np.nan] * 3
    found = forgot(evaluation(reference, *members), CHANCE)
    np.testing.assert_array_equal(found, [False, True, False, True])
    assert not forgot(evaluation([0.0], [0.5]), CHANCE)  # just half of the way


@pytest.mark.parametrize(
    ("held_out", "limit"), [(0.1, 0.6), (0.7, 0.7), (0.84, 0.84), (2.0, 0.84)]
)
def test_what_was_only_memorised_may_be_forgotten_but_not_all(held_out, limit):
    members = [limit - 0.01] * 3, [limit + 0.01] * 3
    found = forgot(evaluation([0.2] * 3, *members), CHANCE, held_out)
    np.testing.assert_array_equal(found, [False, True])


@pytest.mark.parametrize(
    ("reference", "chance", "expected"),
    [
        *((0.89, 1.0, True), (0.91, 1.0, False), (1.5, 1.0, False)),
        *((1.79, 2.0, True), (1.81, 2.0, False), (0.5, np.inf, False)),
        (9.0, 10.0, True),
    ],
)
def test_a_net_that_learnt_little_has_nothing_to_forget(reference, chance, expected):
    members = evaluation([reference] * 2, [50.0, 50.0])
    assert forgot(members, ChanceLevel(chance, chance)) == [expected]


def test_members_stood_still_whose_losses_differ_by_rounding():
    reference = np.array([1.0, 2.0])
    for shift, still in [(0.0, True), (9e-6, True), (1.1e-5, False), (1.0, False)]:
        moved = reference * (1 + shift), reference * (1 - shift)
        assert stood_still(evaluation(reference, *moved)) is still
    assert stood_still(evaluation([0.0, 0.0], [0.0, 0.0]))
    # Only every second member starts from the net.
    others = evaluation(reference, reference, 5 * reference, n_starts=2)
    assert stood_still(others)


def test_chance_for_classes_is_their_entropy_and_of_guessing_their_number():
    codes = np.array([0, 0, 0, 1])
    found = chance_level(ClassLabels(np.arange(3)), codes, None, None)
    assert found.mean == pytest.approx(np.log(3))
    assert found.median == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))


def test_chance_for_indices_is_that_of_guessing_one():
    answers = evaluation(
        [0.0], [0.0], outputs=np.zeros((2, 5, 3)), targets=np.zeros((2, 3))
    )
    found = chance_level(RegressionTargets(int, (3,)), None, answers, None)
    assert found == ChanceLevel(np.log(5), np.log(5))


@pytest.mark.parametrize("outputs", [np.zeros((2, 5, 3)), np.zeros((2, 1), dtype=int)])
def test_chance_is_not_known_of_other_outputs(outputs):
    answers = evaluation([0.0], [0.0], outputs=outputs, targets=np.zeros((2, 1)))
    if outputs.ndim == 3:
        answers = evaluation([0.0], [0.0], outputs=outputs, targets=np.zeros(2))
    found = chance_level(RegressionTargets(float, ()), None, answers, None)
    assert found == ChanceLevel(np.inf, np.inf)


class NeedsMore(nn.MSELoss):
    """A criterion that refuses constant outputs."""

    def forward(self, outputs, y):
        if (outputs == outputs[:1]).all():
            raise RuntimeError("constant")
        return super().forward(outputs, y)


def test_chance_for_numbers_is_the_loss_of_their_mean():
    X, y = np.eye(4), np.array([[0.0, 1], [0, 1], [0, 1], [8, 5]])
    coding = RegressionTargets(np.float64, (2,))
    net = train(regressor(module__n_outputs=2), X, y, seed=0)
    answers = evaluation([0.0], [0.0], outputs=np.zeros((4, 2)), targets=y)
    found = chance_level(coding, y, answers, net)
    by_row = np.square(y - [2, 2]).mean(axis=1)
    assert found.mean == pytest.approx(by_row.mean())
    assert found.median == pytest.approx(np.median(by_row))
    strict = train(plain_net(criterion=NeedsMore, module__n_outputs=2), X, y, seed=0)
    found = chance_level(coding, y, answers, strict)
    assert found == ChanceLevel(np.inf, np.inf)
