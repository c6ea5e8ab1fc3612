import copy

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st
from reference import endless, sgd_by_hand
from sklearn.metrics import average_precision_score
from tiny import MLP, classifier, flip_every, learner, make_blobs, plain_net
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from skgex import GEXDetector
from skgex._data.label_coding import ClassLabels, RegressionTargets
from skgex._ensemble import learning_rate as _rate
from skgex._ensemble.fine_tuning import FineTuning
from skgex._ensemble.learning_rate import (
    LEARNING_RATES,
    N_TRIES,
    STEEP_RATES,
    LearningRateChoice,
    Slack,
    _climb,
    _may_climb,
    _search,
    _search_below,
    _slack,
    _unsound,
    choose_learning_rate,
)
from skgex._ensemble.statistics import LOWEST
from skgex._nets.evaluation import evaluate
from skgex._nets.snapshot import n_training_steps, revive
from skgex._nets.training import make_trial
from skgex._utils.random import draw_seeds, seeded

CODING = ClassLabels(np.arange(3))
FIXED = Slack(0.05, 0.05)


class CountedMLP(MLP):
    """Counts the batches that any copy of it is trained on."""

    n_steps = 0

    def forward(self, X):
        if self.training:
            CountedMLP.n_steps += 1
        return super().forward(X)


@pytest.fixture
def counter():
    CountedMLP.n_steps = 0
    return CountedMLP


@pytest.mark.parametrize("batch_size", [8, 32])
@pytest.mark.parametrize("max_epochs", [2, 6, 30])
@pytest.mark.parametrize("n_steps", [2, 500])
def test_trial_and_search_together_cost_no_more_than_one_training(
    blobs, counter, batch_size, max_epochs, n_steps
):
    X, y = blobs
    net = classifier(counter, batch_size=batch_size, max_epochs=max_epochs)
    trial = make_trial(net, X, y, y, 0)
    of_the_trial = counter.n_steps
    assert of_the_trial == max_epochs * np.ceil(30 / batch_size)  # half of the rows
    assert of_the_trial == n_training_steps(trial.trained)
    tuning = FineTuning(n_steps, np.nan, 0.9, "cosine")
    choose_learning_rate(trial, X, y, y, CODING, tuning, 0)
    assert counter.n_steps - of_the_trial <= of_the_trial


def test_a_whole_fit_trains_twice_at_most(noisy, counter):
    X, y, _ = noisy
    net = classifier(counter, max_epochs=30)
    GEXDetector(net, n_members=2, n_steps=3, random_state=0).fit(X, y)
    assert counter.n_steps <= 2 * 30 * 4 + 2 * 3


@given(
    peak=st.floats(1e-4, 1.0),
    steepness=st.floats(0.001, 1.0),
    alone=st.floats(-1.0, 0.2),
    slack=st.floats(0.001, 0.2),
)
@example(peak=1e-4, steepness=0.06780652556204546, alone=0.0, slack=0.06780652556204546)
def test_the_highest_rate_that_costs_little_is_found(peak, steepness, alone, slack):
    """Where predictions grow better up to some rate, and worse beyond it."""

    def height(rate):
        return -steepness * abs(np.log2(rate / peak))

    looks = []

    def watched(rate):
        looks.append(rate)
        return np.full(2, height(rate))

    fixed = Slack(slack, slack)
    chosen = _search(watched, np.full(2, alone), fixed, N_TRIES)
    assert len(set(looks)) == len(looks) <= N_TRIES
    allowed = max(map(height, looks)) - slack
    rounding = 1e-12  # a rate that costs just the slack falls to either side
    assert height(chosen) >= allowed - rounding
    assert all(height(rate) < allowed + rounding for rate in looks if rate > chosen)
    reachable = min(alone, max(map(height, LEARNING_RATES)))
    assert height(chosen) >= reachable - 2 * slack - rounding


@pytest.mark.parametrize("peak", range(4))
def test_twice_the_chosen_rate_is_tried_last_unless_it_is_above_the_highest(peak):
    looks = []

    def height(rate):
        looks.append(rate)
        return np.full(2, -abs(np.log2(rate / LEARNING_RATES[peak])))

    chosen = _search(height, np.zeros(2), FIXED, N_TRIES)
    assert chosen == LEARNING_RATES[peak]
    assert (looks[-1] == 2 * chosen) == (peak > 0)


def test_predictions_that_hardly_change_leave_the_highest_rate():
    looks = []

    def height(rate):
        looks.append(rate)
        return np.full(2, 0.001 * len(looks))

    assert _search(height, np.zeros(2), Slack(0.01, 0.01), N_TRIES) == LEARNING_RATES[0]
    assert looks == list(LEARNING_RATES[:2])


@pytest.mark.parametrize(("n_held_out", "counts"), [(4, False), (1000, True)])
def test_a_difference_that_may_be_chance_leaves_the_highest_rate(n_held_out, counts):
    """Lower rates gain 0 and .08 nats by turns: .04 ± .04 / sqrt(n) in the mean."""
    gains = np.tile([0.0, 0.08], n_held_out // 2)
    heights = {
        rate: gains if rate < LEARNING_RATES[0] else 0 * gains
        for rate in LEARNING_RATES
    }
    slack = Slack(0.01, 0.05)
    found = _search(lambda rate: heights.get(rate, gains), 0 * gains, slack, N_TRIES)
    assert (found < LEARNING_RATES[0]) == counts


@given(
    difference=st.floats(-1, 1),
    spread=st.floats(0, 1),
    n_pairs=st.integers(2, 500),
    bounds=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
)
def test_slack_is_three_standard_errors_within_its_bounds(
    difference, spread, n_pairs, bounds
):
    """Half of the rows gain ``spread`` more than the mean, half as much less."""
    least, most = sorted(bounds)
    b = np.linspace(-3, 0, 2 * n_pairs)
    a = b + difference + spread * np.tile([-1, 1], n_pairs)
    bar = min(max(least, 3 * spread / np.sqrt(2 * n_pairs)), most)
    assume(abs(difference - bar) > 1e-9)
    assert Slack(least, most).exceeded(a, b) == (difference > bar)


def test_a_rate_that_diverges_first_does_not_end_the_search():
    """Heights may fall on the far side of the cliff, below the net's own."""
    heights = dict(zip(LEARNING_RATES, [-9, -10, -1, -0.5, -2], strict=True))

    def height(rate):
        return np.full(2, heights.get(rate, -5.0))

    best = _search(height, np.full(2, -0.52), Slack(0.05, 0.05), N_TRIES)
    assert best == LEARNING_RATES[3]


@pytest.mark.parametrize("scale", [1e-3, 1.0])
def test_the_slack_of_values_follows_their_scale(blobs, scale, monkeypatch):
    X, _ = blobs
    y = scale * X[:, :3]
    trial = make_trial(plain_net(criterion=nn.MSELoss), X, y, None, 0)
    asked = {}

    def search(height, floor, slack, n_looks):
        asked.update(floor=floor, slack=slack)
        height(LEARNING_RATES[0])
        return LEARNING_RATES[0]

    monkeypatch.setattr(_rate, "_search", search)
    tuning = FineTuning(2, np.nan, 0.9, "cosine")
    choose_learning_rate(
        trial, X, y, None, RegressionTargets(np.float32, (3,)), tuning, 0
    )
    outputs = evaluate(revive(trial.trained), X[trial.held_out], y[trial.held_out])
    np.testing.assert_allclose(asked["floor"], -outputs.losses, rtol=1e-4)
    twentieth = outputs.losses.mean() / 20
    assert asked["slack"] == pytest.approx((twentieth, twentieth), rel=1e-4)


def test_heights_and_slack_follow_held_out_likelihood(blobs, monkeypatch):
    X, y = blobs
    trial = make_trial(learner(module__dtype=torch.float64), X, y, y, 0)
    tuning = FineTuning(2, np.nan, 0.9, "cosine")
    rates, heights = (0.001, 0.01, 0.1, 1.0), {}

    def search(height, floor, slack, n_looks):
        heights.update((rate, height(rate)) for rate in rates)
        heights.update(alone=floor, slack=slack)
        return rates[2]

    monkeypatch.setattr(_rate, "_search", search)
    chosen = choose_learning_rate(trial, X, y, y, CODING, tuning, 5)
    labels = y[trial.held_out]

    def mean_probabilities(lr):
        seeds = draw_seeds(np.random.RandomState(5), 2)
        short = tuning._replace(lr=lr)
        return np.mean(
            [member_probabilities(trial, X, y, short, seed) for seed in seeds], axis=0
        )

    def log_likelihoods(probabilities):
        return np.log(probabilities[np.arange(len(labels)), labels])

    still = tuning._replace(n_steps=0, lr=0.0)
    alone = log_likelihoods(member_probabilities(trial, X, y, still, 0))
    for rate in rates:
        expected = log_likelihoods(mean_probabilities(rate))
        np.testing.assert_allclose(heights[rate], expected, rtol=1e-5)
    np.testing.assert_allclose(heights["alone"], alone, rtol=1e-5)
    frequencies = np.bincount(labels) / len(labels)
    known = (alone - np.log(frequencies[labels])).mean()
    assert 0.01 < known < np.log(3)
    assert heights["slack"] == pytest.approx((0.03 * known, 0.05), rel=1e-5)
    assert chosen.lr == rates[2]
    np.testing.assert_array_equal(chosen.codes, labels)
    np.testing.assert_allclose(chosen.outputs, mean_probabilities(rates[2]), rtol=1e-6)


@pytest.mark.parametrize(("gain", "least"), [(-1, 0), (0, 0), (1, 0.03), (2, 0.05)])
def test_least_slack_follows_what_the_net_knows(gain, least):
    """``gain``: nats above what the frequencies of the labels say."""
    codes = np.repeat([0, 1, 1], 10)
    frequencies = np.array([1, 2]) / 3
    floor = np.log(frequencies[codes]) + gain
    assert _slack(codes, floor, CODING) == pytest.approx((least, 0.05), abs=1e-12)


def member_probabilities(trial, X, y, tuning, seed):
    """What a member says of the held-out rows, by a plain torch loop."""
    module = copy.deepcopy(revive(trial.trained).module_)
    seen = [torch.as_tensor(part[trial.seen]) for part in (X, y)]
    with seeded(seed):
        loader = DataLoader(TensorDataset(*seen), batch_size=16, shuffle=True)
        sgd_by_hand(module, nn.CrossEntropyLoss(), endless(loader), **tuning._asdict())
    with torch.no_grad():
        return module.eval()(torch.as_tensor(X[trial.held_out])).softmax(dim=1).numpy()


def test_the_chosen_rate_does_not_depend_on_jobs(blobs):
    X, y = blobs
    trial = make_trial(classifier(), X, y, y, 0)
    tuning = FineTuning(10, np.nan, 0.9, "cosine")
    rates = {
        choose_learning_rate(trial, X, y, y, CODING, tuning, 0, n_jobs=n_jobs).lr
        for n_jobs in (1, 2)
    }
    assert len(rates) == 1


def test_the_trial_is_half_of_the_rows(blobs):
    X, y = blobs
    trial = make_trial(classifier(), X, y, y, 0)
    assert len(trial.seen) == len(trial.held_out) == 30
    assert not set(trial.seen) & set(trial.held_out)


def test_values_have_a_rate_too(blobs):
    X, _ = blobs
    net = plain_net(criterion=nn.MSELoss)
    detector = GEXDetector(net, n_members=2, n_steps=2, random_state=0)
    assert detector.fit(X, X[:, :3]).lr_ in {
        f * r for r in LEARNING_RATES for f in (1, 2)
    }


@pytest.mark.slow
def test_the_chosen_rate_finds_about_as_much_noise_as_the_best():
    X, clean = make_blobs(600, spread=0.5)
    y, noise_mask = flip_every(clean, 7)
    settings = {"n_members": 4, "n_steps": 60, "random_state": 0}
    net = learner(max_epochs=10)

    def precision(lr):
        detector = GEXDetector(net, lr=lr, **settings).fit(X, y)
        return average_precision_score(noise_mask, detector.scores_)

    best = max(precision(lr) for lr in (0.003, 0.01, 0.03, 0.1, 0.3))
    assert best > 0.9
    assert precision("auto") > best - 0.03


def test_the_loss_of_held_out_labels_is_the_median_over_the_rows():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.0, 0.0, 1.0]])
    choice = LearningRateChoice(0.1, np.array([0, 1, 0]), probabilities, True)
    expected = np.median(-np.log([0.5, 0.8, np.finfo(float).tiny]))
    assert choice.held_out_loss(CODING) == pytest.approx(expected, rel=1e-5)
    assert choice.held_out_loss(RegressionTargets(np.float32, ())) == -np.inf


@pytest.mark.parametrize(("lr", "settled"), [(0.001, False), (0.02, True)])
def test_a_trial_net_has_settled_if_fine_tuning_teaches_it_little(lr, settled):
    X, y = make_blobs(600, spread=1.0)
    X = X.astype(np.float32)
    net = learner(lr=lr)
    trial = make_trial(net, X, y, y, 0)
    choice = choose_learning_rate(
        trial, X, y, y, CODING, FineTuning(60, np.nan, 0.9, "cosine"), 0
    )
    rows = trial.held_out
    alone = evaluate(revive(trial.trained), X[rows], y[rows]).losses.mean()
    together = -np.log(choice.outputs[np.arange(len(rows)), choice.codes]).mean()
    shares = np.bincount(y[rows]) / len(rows)
    learnt = -(shares * np.log(shares)).sum() - alone
    assert (alone - together <= 0.05 * learnt) == choice.settled == settled


# Rates below and above the usual ones


@pytest.mark.parametrize("edge", [1e-4, 1e-7])
def test_the_search_goes_down_until_members_are_sound(edge):
    tried = {lr: np.full(2, LOWEST) for lr in LEARNING_RATES}

    def likelihood_at(lr):
        tried[lr] = np.full(2, -1.0 if lr < edge else LOWEST)
        return tried[lr]

    found = _search_below(likelihood_at, tried, np.full(2, -1.0), FIXED, -2.0)
    assert edge / 4 <= found < edge
    assert min(tried) == found


def test_the_search_below_goes_on_while_predictions_rise_to_those_of_the_net():
    heights = dict(zip(STEEP_RATES, [LOWEST, -1.9, -1.5, -1.48, -1.0], strict=False))
    tried = {lr: np.full(2, LOWEST) for lr in LEARNING_RATES}

    def likelihood_at(lr):
        tried[lr] = np.full(2, heights[lr])
        return tried[lr]

    found = _search_below(likelihood_at, tried, np.full(2, -1.0), FIXED, -2.0)
    assert found == STEEP_RATES[2]  # about as good as the best that was tried
    assert min(tried) == STEEP_RATES[3]


def test_where_nothing_is_sound_the_cure_is_named():
    tried = {lr: np.full(2, LOWEST) for lr in LEARNING_RATES}

    def likelihood_at(lr):
        tried[lr] = np.full(2, LOWEST)
        return tried[lr]

    with pytest.raises(ValueError, match=r"lr='auto'.*StandardScaler"):
        _search_below(likelihood_at, tried, np.full(2, -1.0), FIXED, -2.0)
    assert set(tried) == {*LEARNING_RATES, *STEEP_RATES}


@pytest.mark.parametrize(
    ("peak", "expected"), [(0.2, 0.2), (0.4, 0.4), (0.8, 0.8), (3.2, 3.2)]
)
def test_higher_rates_are_taken_only_if_they_are_better(peak, expected):
    height = lambda lr: np.full(2, -abs(np.log2(lr / peak)))  # noqa: E731
    tried = {lr: height(lr) for lr in LEARNING_RATES[:2]}
    assert _may_climb(0.2, tried, np.full(2, -9.0), FIXED, *PAIR)

    def likelihood_at(lr):
        tried[lr] = height(lr)
        return tried[lr]

    assert _climb(likelihood_at, tried, FIXED, 0.2, 4) == pytest.approx(expected)
    assert len(tried) <= 2 + 4


@pytest.mark.parametrize(
    ("chosen", "n_tries", "looks", "expected"),
    [
        (0.2, 0, [], 0.2),
        (0.2, 1, [0.4], 0.4),
        (0.2, 2, [0.8, 1.6], 1.6),
        (0.2, 3, [0.8, 3.2, 6.4], 6.4),
        (0.05, 1, [], 0.05),
        (0.05, 2, [0.8, 1.6], 1.6),
    ],
)
def test_no_more_rates_are_tried_than_may_be(chosen, n_tries, looks, expected):
    """Each is better than all before."""
    tried = {lr: np.full(2, lr) for lr in LEARNING_RATES[:2]}

    def likelihood_at(lr):
        found.append(lr)
        return np.full(2, lr)

    found = []
    given = likelihood_at, tried, FIXED, chosen, n_tries
    assert _climb(*given) == pytest.approx(expected)
    assert found == pytest.approx(looks)


def test_a_rate_that_is_as_good_is_passed_on_the_way_up():
    heights = {0.8: -1.0, 3.2: -0.5, 12.8: -2.0, 6.4: -0.5}
    found = []

    def likelihood_at(lr):
        found.append(round(lr, 9))
        return np.full(2, heights[found[-1]])

    tried = dict.fromkeys(LEARNING_RATES[:2], np.full(2, -1.0))
    assert _climb(likelihood_at, tried, FIXED, 0.2, 9) == pytest.approx(3.2)
    assert found == [0.8, 3.2, 12.8, 6.4]


def heights_of(*heights):
    """Log-likelihoods at the first rates."""
    rates = LEARNING_RATES[: len(heights)]
    return {lr: np.full(2, h) for lr, h in zip(rates, heights, strict=True)}


PAIR = np.array([0, 1]), ClassLabels(np.arange(2))  # guessing says -0.69


@pytest.mark.parametrize(
    ("tried", "start", "climbs"),
    [
        (heights_of(-0.3, -0.4, -0.5), -0.3, True),
        (heights_of(-0.3, -0.4, -0.32), -0.3, False),  # one is about as good
        (heights_of(-0.3, -0.3), -0.3, False),
        (heights_of(-0.3), -0.3, False),  # there is none to be better than
        (heights_of(-2.0, -2.0), -2.0, True),  # memorised, and nothing moves it
        (heights_of(-2.0, -2.0), -2.1, False),  # it moves
        (heights_of(-2.0, -1.5), -2.0, False),  # at one rate
        (heights_of(-0.6, -0.6), -0.6, False),  # it knows more than guessing
        (heights_of(-np.log(2), -np.log(2)), -np.log(2), False),  # or as much
    ],
)
def test_when_higher_rates_are_tried(tried, start, climbs):
    start = np.full(2, start)
    assert _may_climb(0.2, tried, start, FIXED, *PAIR) is climbs
    numbers = RegressionTargets(np.float64, ())
    assert not _may_climb(0.2, tried, start, FIXED, PAIR[0], numbers)
    del tried[0.2]
    assert not _may_climb(0.05, tried, start, FIXED, *PAIR)


def test_a_net_that_moves_by_just_the_slack_moves():
    tried, start = heights_of(-1.75, -1.75), np.full(2, -2.0)
    assert not _may_climb(0.2, tried, start, Slack(0.25, 0.25), *PAIR)


def test_the_highest_must_be_chosen_to_go_higher():
    tried = heights_of(-0.3, -0.4)
    assert not _may_climb(0.05, tried, np.full(2, -0.3), FIXED, *PAIR)


def test_members_are_unsound_far_below_guessing_or_the_net():
    codes = np.repeat([0, 1, 1], 10)
    guess = np.log(1 / 3) / 3 + np.log(2 / 3) * 2 / 3
    for start, expected in ((-0.2, guess), (-4.0, -4.0)):
        found = _unsound(codes, np.full(30, start), CODING)
        assert found == pytest.approx(expected - np.log(3))
    numbers = RegressionTargets(np.float64, ())
    for sign in (-1, 1):  # twice the loss, which may be negative, and a deviation of 1
        start = sign * np.array([1.0, 3.0])
        assert _unsound(None, start, numbers) == 2 * sign - 2 - 1
