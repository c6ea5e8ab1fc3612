"""From scores and probabilities to a cut and flags, without any net."""

import numpy as np
import pytest

from skgex._data.label_coding import ClassLabels, RegressionTargets
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex.detection._held_out import HeldOutLabels
from skgex.detection._label_noise import (
    CLASS_CONDITIONAL,
    INSTANCE_DEPENDENT,
    even_odds_at,
    judge_noise,
    noise_probability,
    own_even_odds,
    resolve,
)
from skgex.detection._noise_model import (
    cut_of_precision,
    fit_noise_model,
    has_loss,
    prefers_label,
)
from skgex.detection._noise_rate import even_flow
from skgex.detection._ranking import Ranking, mean_relative_losses
from skgex.detection._threshold import otsu, otsu_of_roots

CODING = ClassLabels(np.arange(3))
RANKING = Ranking("mean_loss", CODING, 0.0)


def make_rows(n_rows=60, n_wrong=8, seed=0):
    """Three members, whose losses are those of the mean prediction; and labels."""
    rng = np.random.RandomState(seed)
    true = rng.randint(3, size=n_rows)
    codes = np.where(np.arange(n_rows) < n_wrong, (true + 1) % 3, true)
    sure = np.where(np.arange(n_rows) < 55, 0.7, 0.01)[:, None]
    outputs = (1 - sure) * rng.dirichlet(np.ones(3), n_rows) + sure * np.eye(3)[true]
    outputs[55:] = 0.05 * np.eye(3)[true[55:]] + 0.95 / 3  # the label, but just so
    losses = -np.log(outputs[np.arange(n_rows), codes])[:, None]
    losses[55:] *= 2  # high losses of labels that are preferred
    losses = losses * [0.9, 1.0, 1.1]
    reference = losses.mean(axis=1)
    return EnsembleEvaluation(reference, losses, outputs, codes), codes


def fit(threshold, rows=None, ranking=RANKING, noise_type=INSTANCE_DEPENDENT, **params):
    rows = make_rows() if rows is None else rows
    return fit_noise_model(*rows, ranking, threshold, noise_type, None, **params)


def test_flags_are_the_rows_above_the_cut_that_no_label_is_preferred_for():
    rows = make_rows()
    scores, prefers = rows[0].losses.mean(axis=1), prefers_label(*rows, CODING)
    assert prefers.sum() == 52
    model = fit("otsu", rows)
    assert model.cut == pytest.approx(otsu(np.sqrt(scores)) ** 2)
    np.testing.assert_array_equal(model.flags(*rows), (scores > model.cut) & ~prefers)
    assert ((scores > model.cut) & prefers).any()
    assert model.flags(*rows).any()
    raw = fit("otsu_raw", rows)
    assert raw.cut == pytest.approx(otsu(scores))
    np.testing.assert_array_equal(raw.flags(*rows), scores > raw.cut)
    number = fit(0.1, rows)
    np.testing.assert_array_equal(number.flags(*rows), scores > 0.1)
    assert (number.flags(*rows) & prefers).any()


@pytest.mark.parametrize(("text", "n_flagged"), [("0%", 0), ("25%", 15), ("100%", 60)])
def test_a_share_is_taken_whatever_the_ensemble_prefers(text, n_flagged):
    rows = make_rows()
    assert fit(text, rows).flags(*rows).sum() == n_flagged


@pytest.mark.parametrize("seed", range(8))
def test_as_many_are_flagged_as_are_probably_wrong(seed):
    rows = make_rows(seed=seed)
    model = fit("auto", rows)
    probably = model.probabilities(*rows) > 0.5
    assert 0 < probably.sum() == model.flags(*rows).sum()
    # The cut lies between the lowest flagged score and the next that may be flagged.
    may_be = ~prefers_label(*rows, CODING)
    ordered = np.sort(rows[0].losses.mean(axis=1)[may_be])[::-1]
    n_flagged = probably.sum()
    if n_flagged < may_be.sum():
        assert model.cut == pytest.approx(ordered[n_flagged - 1 : n_flagged + 1].mean())
    else:
        assert model.cut == np.nextafter(ordered[-1], 0)


def test_rows_that_are_rather_right_than_wrong_are_not_flagged():
    losses = np.repeat([1.0, 1.25], [20, 10])[:, None]
    codes = np.ones(30, dtype=int)
    outputs = np.tile([0.9, 0.1, 0], (30, 1))
    rows = EnsembleEvaluation(losses[:, 0], losses, outputs, codes), codes
    model = fit("auto", rows)
    probabilities = model.probabilities(*rows)
    assert ((probabilities[:20] > 0.4) & (probabilities[:20] < 0.5)).all()
    np.testing.assert_array_equal(model.flags(*rows), probabilities > 0.5)
    assert model.flags(*rows).sum() == 10


def test_equal_statistics_are_not_flagged_whatever_their_neighbours():
    outputs = np.tile([0.5, 0.3, 0.2], (6, 1))
    losses, codes = np.ones((6, 1)), np.ones(6, dtype=int)
    shares = np.linspace(0, 1, 6)
    rows = EnsembleEvaluation(losses[:, 0], losses, outputs, codes, disagreement=shares)
    ranking = Ranking("relative_loss", CODING, 0.0)
    for rule in ("otsu", "otsu_raw"):
        assert not fit(rule, (rows, codes), ranking).flags(rows, codes).any()


def test_the_noise_is_judged_by_held_out_labels_of_all_classes():
    rows = make_rows()
    labels = held_out(0.8, n_classes=3, n_rows=120)
    model = fit_noise_model(*rows, RANKING, "auto", CLASS_CONDITIONAL, labels)
    relative = mean_relative_losses(rows[0], CODING)
    preferred = prefers_label(*rows, CODING)
    expected = judge_noise(
        relative, preferred, rows[1], even_flow(3), CLASS_CONDITIONAL, labels
    )
    assert model.noise == expected
    assert expected.rate.mean > 0


def test_where_nothing_is_flagged_the_cut_is_above_all_rows():
    rows = make_rows(n_wrong=0)
    model = fit("auto", rows)
    assert not model.flags(*rows).any()
    assert model.cut == rows[0].losses.mean(axis=1).max()


def test_own_statistic_has_otsus_cut_by_default():
    ranking = Ranking("self_influence", CODING, 0.0)
    rows = make_rows()
    expected = otsu_of_roots(ranking.scores(*rows))
    assert fit("auto", rows, ranking).cut == expected
    assert fit("otsu_raw", rows, ranking).cut == otsu(ranking.scores(*rows))


def test_the_lifted_ranking_flags_as_many_as_the_statistic_says():
    ranking = Ranking("relative_loss", CODING, 0.0)
    evaluation, codes = make_rows()
    disagreement = np.linspace(1, 0, len(codes))
    lifted = EnsembleEvaluation(
        evaluation.reference,
        evaluation.losses,
        evaluation.outputs,
        codes,
        disagreement=disagreement,
    )
    statistics = ranking.statistics(lifted)
    for rule, cut in [("otsu", otsu_of_roots), ("otsu_raw", otsu)]:
        spared = prefers_label(lifted, codes, CODING) & (rule == "otsu")
        above = (statistics > cut(statistics)) & ~spared
        flags = fit(rule, (lifted, codes), ranking).flags(lifted, codes)
        worst = np.argsort(-np.where(spared, -1, ranking.scores(lifted, codes)))
        np.testing.assert_array_equal(
            np.flatnonzero(flags), np.sort(worst[: above.sum()])
        )


@pytest.mark.parametrize("threshold", ["auto", "otsu", "otsu_raw", "5%", 0.3])
def test_no_row_is_flagged_where_all_members_diverged(threshold):
    rows = make_rows()
    assert fit(threshold, rows, diverged=True).cut == np.inf


def test_a_precision_that_no_label_reaches_flags_nothing():
    rows = make_rows(n_wrong=0)
    model = fit("precision 99%", rows)
    assert model.cut == np.inf
    model = fit("precision 50%")
    assert model.flags(*make_rows()).sum() == 8


def test_the_cut_of_a_precision_that_is_just_reached():
    scores, proba = np.array([1.0, 4.0, 3.0, 2.0]), np.array([0.0, 1.0, 0.5, 0.75])
    # The means from the highest score on: 1, 3/4, 3/4, 9/16.
    assert cut_of_precision(scores, proba, 0.75) == 1.5
    assert cut_of_precision(scores, proba, 0.76) == 3.5
    assert cut_of_precision(scores, proba, 9 / 16) == np.nextafter(1.0, 0.0)
    assert cut_of_precision(scores, proba / 2, 0.75) == np.inf
    # Two equal scores are both above the cut, or none is.
    tied = np.array([1.0, 4.0, 3.0, 3.0])
    assert cut_of_precision(tied, np.array([0, 1, 1, 0.0]), 0.9) == 3.5
    assert cut_of_precision(tied, np.array([0, 1, 0, 1.0]), 0.9) == 3.5
    assert cut_of_precision(tied, np.array([0, 1, 1, 0.7]), 0.9) == 2.0


def values(losses, codes):
    zeros = np.zeros(len(losses))
    return EnsembleEvaluation(zeros, np.array(losses), codes, codes), codes


def test_regression_targets_are_cut_by_otsu_among_those_that_have_a_loss():
    losses = np.array([[0.0, 0], [1, 1], [1, 3], [81, 81], [100, 100], [0, 0]])
    coding = RegressionTargets(np.float64, ())
    rows = values(losses, np.zeros(6))
    np.testing.assert_array_equal(has_loss(rows[0], coding), [0, 1, 1, 1, 1, 0])
    assert has_loss(rows[0], CODING).all()
    assert has_loss(values([[0.0, 2.0]], np.zeros(1))[0], coding).all()
    ranking = Ranking("mean_loss", coding, 0.0)
    roots = np.sqrt([1, 2, 81, 100])
    for threshold in ("auto", "otsu"):
        model = fit(threshold, rows, ranking)
        assert model.cut == pytest.approx(((roots[1] + roots[2]) / 2) ** 2)
        assert model.noise is None
        np.testing.assert_array_equal(model.flags(*rows), [0, 0, 0, 1, 1, 0])
    assert fit("otsu_raw", rows, ranking).cut == 41.5
    below = fit(-1.0, rows, ranking)
    np.testing.assert_array_equal(below.flags(*rows), [0, 1, 1, 1, 1, 0])
    assert fit("auto", rows, ranking, diverged=True).cut == np.inf
    assert fit("auto", values(losses[:1], np.zeros(1)), ranking).cut == np.inf


# How many labels are wrong


def held_out(accuracy, n_classes=2, n_rows=100):
    """A net that is right about that share of held-out labels."""
    codes = np.arange(n_rows) % n_classes
    right = np.arange(n_rows) < round(accuracy * n_rows)
    said = np.where(right, codes, (codes + 1) % n_classes)
    sure = 1 - 0.1 * n_classes
    return HeldOutLabels(codes, sure * np.eye(n_classes)[said] + 0.1)


def test_the_assumption_follows_from_how_well_labels_are_predicted():
    assert resolve("auto", held_out(0.95), 3) == INSTANCE_DEPENDENT
    assert resolve("auto", held_out(0.94), 3) == CLASS_CONDITIONAL
    for given in (CLASS_CONDITIONAL, INSTANCE_DEPENDENT):
        for accuracy in (0.5, 1.0):
            assert resolve(given, held_out(accuracy), 2) == given
        assert resolve(given, None, 3) == INSTANCE_DEPENDENT
        assert resolve(given, held_out(0.9), 1) == INSTANCE_DEPENDENT


def judge(noise_type, labels, n_rows=200):
    rng = np.random.RandomState(0)
    relative = rng.gamma(0.3, size=n_rows)
    preferred = relative < 0.5
    codes = np.arange(n_rows) % 2
    noise = judge_noise(relative, preferred, codes, even_flow(2), noise_type, labels)
    return noise, relative, preferred


def test_the_rate_by_the_ensemble_is_the_mean_probability():
    noise, relative, preferred = judge(INSTANCE_DEPENDENT, None)
    assert noise.assumption == INSTANCE_DEPENDENT
    assert noise.predictable
    assert noise.even_odds == own_even_odds(relative, preferred, None)
    odds = (relative / noise.even_odds) ** 3
    own = odds / (1 + odds) * np.where(preferred, 0.5, 1)
    np.testing.assert_allclose(noise.probabilities(relative, preferred), own)
    assert noise.rate.mean == noise.own_rate == pytest.approx(own.mean())
    # That of a sum of independent draws, divided by their number.
    assert noise.rate.std == pytest.approx(np.sqrt((own * (1 - own)).sum()) / len(own))
    cautious = noise.cautious_probabilities(relative, preferred)
    assert cautious.mean() == pytest.approx(own.mean())
    high = relative > noise.even_odds * 2
    assert (cautious[high] < own[high]).all()


def test_the_rate_by_held_out_labels_sets_the_even_odds():
    noise, relative, preferred = judge(CLASS_CONDITIONAL, held_out(0.8))
    assert noise.assumption == CLASS_CONDITIONAL
    assert noise.predictable
    assert noise.rate.mean != noise.own_rate
    found = noise.probabilities(relative, preferred)
    assert found.mean() == pytest.approx(noise.rate.mean)


@pytest.mark.parametrize("noise_type", [CLASS_CONDITIONAL, INSTANCE_DEPENDENT])
def test_labels_that_nothing_predicts_cannot_be_judged(noise_type):
    noise, relative, preferred = judge(noise_type, held_out(0.5))
    assert not noise.predictable
    if noise_type == CLASS_CONDITIONAL:
        assert noise.even_odds == np.inf
        assert noise.rate.mean == 0
        assert np.isnan(noise.rate.std)
        assert not noise.probabilities(relative, preferred).any()
        rows = make_rows()
        no_net = held_out(0.3, n_classes=3)
        model = fit_noise_model(*rows, RANKING, "auto", noise_type, no_net)
        assert model.cut == np.inf
        assert fit("auto", rows).cut < np.inf
    else:
        assert noise.rate.mean > 0


def test_a_net_that_knows_only_where_a_rare_class_is_likelier_predicts_labels():
    codes = (np.arange(200) % 10 == 0).astype(int)
    rare = np.where(codes == 1, 0.4, 0.05)
    labels = HeldOutLabels(codes, np.column_stack([1 - rare, rare]))
    relative = np.linspace(0, 1, 200)
    rows = relative, relative < 0.5, codes, even_flow(2)
    assert judge_noise(*rows, CLASS_CONDITIONAL, labels).predictable


def test_even_odds_at_the_ends():
    relative, preferred = np.array([0.5, 1.0, 2.0]), np.array([True, False, False])
    assert even_odds_at(0.0, relative, preferred) == np.inf
    assert even_odds_at(2.5 / 3 + 1e-6, relative, preferred) == 0.0
    assert even_odds_at(1.0, relative, preferred) == 0.0
    none = np.zeros(3, dtype=bool)
    assert even_odds_at(1.0, relative, none) == 0.0  # just reached
    assert even_odds_at(0.0, 0 * relative, none) == np.inf
    # At one of one row, the odds are even.
    assert even_odds_at(0.5, np.array([0.7]), np.array([False])) == pytest.approx(0.7)
    assert even_odds_at(0.2, np.array([0.7]), np.array([False]), 2) == pytest.approx(
        1.4
    )


def test_a_score_of_zero_is_right_whatever_the_odds():
    scores, none = np.array([0.0, -1e-9, 1.0]), np.zeros(3, dtype=bool)
    found = noise_probability(scores, 0.0, none)
    np.testing.assert_allclose(found, [0, 0, 1])
    np.testing.assert_array_equal(noise_probability(scores, np.inf, none), [0, 0, 0])
