"""What rows are ranked by, without any net."""

import math

import numpy as np
import pytest

from skgex._data.label_coding import ClassLabels, RegressionTargets
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex.detection._noise_rate import even_flow
from skgex.detection._noise_structure import NoiseStructure
from skgex.detection._ranking import STATISTICS, Ranking, mean_relative_losses

CODING = ClassLabels(np.arange(3))
NUMBERS = RegressionTargets(np.float64, ())
CODES = np.array([0, 1, 2, 1])
OUTPUTS = np.array([[0.8, 0.1, 0.1], [0.5, 0.25, 0.25], [0.9, 0.1, 0], [0, 1, 0]])
LOSSES = np.array([[0.2, 0.4], [1.5, 0.7], [2.0, 3.0], [0.0, 0.01]])
REFERENCE = np.array([0.1, 0.0, 2.5, 0.02])
COUNTED = np.array([[True, True], [False, True], [True, False], [True, True]])


def evaluation(counted=None, disagreement=None):
    return EnsembleEvaluation(
        REFERENCE, LOSSES, OUTPUTS, CODES, counted, disagreement=disagreement
    )


def parts_by_hand(statistic, coding, floor):
    """Each member's part in a statistic, one number at a time."""
    parts = np.zeros_like(LOSSES)
    for i, m in np.ndindex(LOSSES.shape):
        bits = -sum(p * math.log2(p) for p in OUTPUTS[i] if p > 0)
        parts[i, m] = {
            "mean_loss": LOSSES[i, m],
            "relative_loss": LOSSES[i, m] / (1 + bits * (coding is CODING)),
            "self_influence": (LOSSES[i, m] - max(REFERENCE[i], floor)) ** 2,
        }[statistic]
    return parts


@pytest.mark.parametrize("counted", [None, COUNTED])
@pytest.mark.parametrize("coding", [CODING, NUMBERS])
@pytest.mark.parametrize("statistic", STATISTICS)
def test_statistics_are_means_over_the_members_that_count(statistic, coding, counted):
    ranking, answers = Ranking(statistic, coding, 0.05), evaluation(counted)
    parts = parts_by_hand(statistic, coding, 0.05)
    mask = np.ones_like(COUNTED) if counted is None else counted
    means = [row[counts].mean() for row, counts in zip(parts, mask, strict=True)]
    np.testing.assert_allclose(ranking.statistics(answers), means)
    np.testing.assert_allclose(ranking.scores(answers, CODES), means)
    by_member = ranking.member_scores(answers, CODES)
    np.testing.assert_allclose(by_member, np.where(mask, parts, np.nan))
    errors = ranking.standard_errors(answers, CODES)
    for i, counts in enumerate(mask):
        several = counts.sum() > 1
        expected = parts[i][counts].std(ddof=1) / 2**0.5 if several else np.nan
        assert errors[i] == pytest.approx(expected, nan_ok=True)
    if statistic == "relative_loss" and coding is CODING:
        np.testing.assert_allclose(mean_relative_losses(answers, CODING), means)


def test_structure_and_neighbours_multiply_relative_losses():
    structure = NoiseStructure(
        np.array([[1, 1.5, 0.5], [1, 1, 1], [0.2, 1.8, 1.0]]), 0.5
    )
    ranking = Ranking("relative_loss", CODING, 0.0, structure)
    disagreement = np.array([0.0, 1.0, 0.5, 0.2])
    plain = parts_by_hand("relative_loss", CODING, 0.0)
    odds = ((disagreement + 0.05) / (1.05 - disagreement)) ** 0.2
    odds *= structure.odds(OUTPUTS, CODES)
    answers = evaluation(COUNTED, disagreement)
    by_member = ranking.member_scores(answers, CODES)
    np.testing.assert_allclose(
        by_member, np.where(COUNTED, plain * odds[:, None], np.nan)
    )
    means = np.nanmean(by_member, axis=1)
    np.testing.assert_allclose(ranking.scores(answers, CODES), means)
    np.testing.assert_allclose(ranking.statistics(answers), means / odds)
    errors = ranking.standard_errors(evaluation(None, disagreement), CODES)
    np.testing.assert_allclose(errors, abs(np.diff(plain)[:, 0]) / 2 * odds)


@pytest.mark.parametrize(
    ("statistic", "coding"),
    [("mean_loss", CODING), ("self_influence", CODING), ("relative_loss", NUMBERS)],
)
def test_no_other_statistic_is_lifted(statistic, coding):
    ranking = Ranking(statistic, coding, 0.0)
    assert not ranking.lifts
    answers = evaluation(disagreement=np.array([0.0, 1.0, 0.5, 0.2]))
    scores = ranking.scores(answers, CODES)
    np.testing.assert_array_equal(scores, ranking.statistics(answers))
    assert ranking.learn_structure(answers, CODES, 0.0) is ranking


def test_members_start_from_two_nets_where_a_class_is_judged_by_losses():
    assert Ranking("relative_loss", CODING, 0.0).splits_start
    assert Ranking("mean_loss", CODING, 0.0).splits_start
    assert not Ranking("self_influence", CODING, 0.0).splits_start
    assert not Ranking("mean_loss", NUMBERS, 0.0).splits_start


def test_the_structure_is_learnt_from_rows_above_the_cut():
    """Rows of class 0 have labels of class 1."""
    n_rows = 40
    codes = np.ones(n_rows, dtype=int)
    outputs = np.tile([0.8, 0.1, 0.1], (n_rows, 1))
    losses = np.linspace(1, 2, n_rows)[:, None] * np.ones(2)
    answers = EnsembleEvaluation(losses[:, 0], losses, outputs, codes)
    ranking = Ranking("relative_loss", CODING, 0.0)
    assert ranking.lifts
    np.testing.assert_array_equal(ranking.flow(3), even_flow(3))
    assert ranking.learn_structure(answers, codes, 5.0).structure is None
    learnt = ranking.learn_structure(answers, codes, 0.1)
    assert learnt.statistic == ranking.statistic
    flow = learnt.flow(3)
    assert flow[0].argmax() == 1
    assert flow[0, 1] > 0.9
    np.testing.assert_allclose(flow.sum(axis=1), 1)
