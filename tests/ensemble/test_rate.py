import copy

import numpy as np
import pytest
import torch
from reference import endless, sgd_by_hand
from sklearn.metrics import average_precision_score
from tiny import MLP, classifier, flip_every, learner, make_blobs, plain_net
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from skgex import GEXDetector
from skgex._labels import ClassLabels
from skgex._net import n_training_steps, revive
from skgex._random import draw_seeds, seeded
from skgex._trial import make_trial
from skgex.ensemble import FineTuning
from skgex.ensemble._rate import N_RATES, RATES, _peak, choose_rate

CODING = ClassLabels(np.arange(3))


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
    choose_rate(trial, X, y, y, CODING, tuning, 0)
    assert counter.n_steps - of_the_trial <= of_the_trial


def test_a_whole_fit_trains_twice_at_most(noisy, counter):
    X, y, _ = noisy
    net = classifier(counter, max_epochs=30)
    GEXDetector(net, n_members=2, n_steps=3, random_state=0).fit(X, y)
    assert counter.n_steps <= 2 * 30 * 4 + 2 * 3


@pytest.mark.parametrize("peak", [0.5, 0.05, 0.009])
def test_the_peak_of_a_hill_is_found(peak):
    def height(rate):
        return -abs(np.log2(rate / peak))

    looks = []

    def watched(rate):
        looks.append(rate)
        return height(rate)

    best = _peak(watched, floor=-2, n_looks=N_RATES)
    assert abs(np.log2(best / peak)) <= 0.75
    assert len(looks) <= N_RATES
    assert len(set(looks)) == len(looks)
    assert best == max(looks, key=height)


def test_a_rate_that_diverges_first_does_not_end_the_search():
    """Heights may fall on the far side of the cliff, below the net's own."""
    heights = dict(zip(RATES, [-9, -10, -1, -0.5, -2, -3, -4], strict=True))
    best = _peak(lambda rate: heights.get(rate, -5), floor=-2, n_looks=N_RATES)
    assert best == RATES[3]


def test_the_height_is_the_log_likelihood_of_held_out_labels(blobs):
    X, y = blobs
    trial = make_trial(learner(module__dtype=torch.float64), X, y, y, 0)
    tuning = FineTuning(2, np.nan, 0.9, "cosine")
    rates = (0.001, 0.01, 0.1, 1.0)
    chosen = choose_rate(trial, X, y, y, CODING, tuning, 5, rates)
    labels = y[trial.held_out]

    def mean_probabilities(lr):
        seeds = draw_seeds(np.random.RandomState(5), 2)
        short = tuning._replace(lr=lr)
        return np.mean(
            [member_probabilities(trial, X, y, short, seed) for seed in seeds], axis=0
        )

    def height(lr):
        pairs = zip(mean_probabilities(lr), labels, strict=True)
        return np.log([row[label] for row, label in pairs]).mean()

    assert chosen.lr == max(rates, key=height)
    np.testing.assert_array_equal(chosen.codes, labels)
    np.testing.assert_allclose(chosen.outputs, mean_probabilities(chosen.lr), rtol=1e-6)


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
        choose_rate(trial, X, y, y, CODING, tuning, 0, n_jobs=n_jobs).lr
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
    assert detector.fit(X, X[:, :3]).lr_ in {f * r for r in RATES for f in (0.5, 1, 2)}


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
