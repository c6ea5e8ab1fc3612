import copy

import numpy as np
import pytest
import torch
from growing import grow
from reference import endless, sgd_by_hand
from sklearn.base import clone
from tiny import PairDataset, classifier, regressor
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from watching import by_name, heard_in, whole

from skgex._ensemble import growth as _grow
from skgex._ensemble.cache import MemberCache
from skgex._ensemble.ensemble import evaluate_trained
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex._ensemble.fine_tuning import FineTuning
from skgex._ensemble.growth import _draw_rows, _left_out
from skgex._ensemble.statistics import MAX_LOSS
from skgex._nets.snapshot import revive
from skgex._nets.training import train
from skgex._utils.random import draw_seeds, seeded

SEEDS = [11, 22, 33]
TUNING = FineTuning(6, 0.1, 0.9, "cosine")


@pytest.fixture
def trained(blobs):
    return train(classifier(), *blobs, seed=0)


def fine_tuned(module, X, y, seed, tuning):
    """A member by a plain torch loop, from a copy of a module."""
    module = copy.deepcopy(module)
    data = TensorDataset(torch.as_tensor(X), torch.as_tensor(y))
    with seeded(seed):
        sgd_by_hand(
            module,
            nn.CrossEntropyLoss(),
            endless(DataLoader(data, batch_size=16, shuffle=True)),
            tuning.n_steps,
            lr=tuning.lr,
            momentum=tuning.momentum,
            schedule=tuning.schedule,
        )
    return module


def outputs_and_losses(module, X, y):
    module.eval()
    with torch.no_grad():
        logits = module(torch.as_tensor(X))
        losses = nn.functional.cross_entropy(
            logits, torch.as_tensor(y), reduction="none"
        )
    return logits.softmax(dim=1).numpy(), losses.numpy()


@pytest.mark.parametrize("chain", [False, True])
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_members_equal_the_plain_loop(blobs, trained, chain, schedule):
    X, y = blobs
    tuning = TUNING._replace(schedule=schedule)
    ensemble, answers = grow(trained, X, y, tuning, SEEDS, chain=chain)
    assert answers.counted is None
    star = revive(trained).module_
    _, reference = outputs_and_losses(star, X, y)
    np.testing.assert_allclose(answers.reference, reference, atol=1e-6)
    start, outputs = star, []
    for m, seed in enumerate(SEEDS):
        module = fine_tuned(start, X, y, seed, tuning)
        for name, value in module.state_dict().items():
            np.testing.assert_allclose(
                ensemble.members[m]["module"][name], value.numpy(), rtol=0, atol=1e-6
            )
        output, losses = outputs_and_losses(module, X, y)
        np.testing.assert_allclose(answers.losses[:, m], losses, atol=1e-6)
        outputs.append(output)
        start = module if chain else star
    np.testing.assert_allclose(answers.outputs, np.mean(outputs, axis=0), atol=1e-6)
    np.testing.assert_array_equal(answers.targets, y)


def test_new_samples_are_answered_as_by_the_plain_loop(blobs, trained):
    X, y = blobs
    ensemble, _ = grow(trained, X, y, TUNING, SEEDS)
    X_new, y_new = X[::3] + 0.5, y[::3]
    answers = ensemble.evaluate(X_new, y_new)
    star = revive(trained).module_
    members = [fine_tuned(star, X, y, seed, TUNING) for seed in SEEDS]
    expected = [outputs_and_losses(module, X_new, y_new) for module in members]
    np.testing.assert_allclose(
        answers.losses, np.stack([losses for _, losses in expected], axis=1), atol=1e-6
    )
    np.testing.assert_allclose(
        answers.outputs, np.mean([outputs for outputs, _ in expected], axis=0)
    )


def test_fitted_samples_are_answered_as_in_the_growing(blobs, trained):
    ensemble, grown = grow(trained, *blobs, TUNING, SEEDS)
    again = ensemble.evaluate(*blobs)
    for name in ("reference", "losses", "outputs", "targets"):
        np.testing.assert_array_equal(getattr(again, name), getattr(grown, name))


@pytest.mark.parametrize("max_samples", [1.0, 0.5])
def test_jobs_side_by_side_change_nothing(blobs, trained, max_samples):
    X, y = blobs
    alone, one = grow(trained, X, y, TUNING, SEEDS, max_samples=max_samples, n_jobs=1)
    _, two = grow(trained, X, y, TUNING, SEEDS, max_samples=max_samples, n_jobs=2)
    np.testing.assert_array_equal(one.losses, two.losses)
    np.testing.assert_array_equal(one.outputs, two.outputs)
    asked = alone.evaluate(X, y, n_jobs=2)
    np.testing.assert_array_equal(asked.losses, one.losses)


@pytest.mark.parametrize("chain", [False, True])
def test_more_members_extend_fewer(blobs, trained, chain):
    X, y = blobs
    _, few = grow(trained, X, y, TUNING, SEEDS[:2], chain=chain)
    _, more = grow(trained, X, y, TUNING, SEEDS, chain=chain)
    # Some processors round a product of two stacked matrices unlike one of three.
    np.testing.assert_allclose(few.losses, more.losses[:, :2], rtol=1e-12)


def test_the_same_seed_the_same_member_another_another(blobs, trained):
    _, answers = grow(trained, *blobs, TUNING, [5, 5, 6])
    np.testing.assert_array_equal(answers.losses[:, 0], answers.losses[:, 1])
    assert not np.allclose(answers.losses[:, 0], answers.losses[:, 2])


def test_first_seeds_do_not_depend_on_how_many_follow():
    few, more = (draw_seeds(np.random.RandomState(3), n) for n in (4, 9))
    assert few == more[:4]


@pytest.mark.parametrize("max_samples", [0.25, 0.5, 0.9])
def test_members_count_for_the_rows_they_did_not_see(blobs, trained, max_samples):
    X, y = blobs
    _, answers = grow(trained, X, y, TUNING, SEEDS, max_samples=max_samples)
    star = revive(trained).module_
    assert answers.counted.any(axis=1).all()
    outputs = []
    for m, seed in enumerate(SEEDS):
        rows = _draw_rows(60, max_samples, seed)
        assert len(np.unique(rows)) == int(max_samples * 60)
        others = np.setdiff1d(np.arange(60), rows)
        assert answers.counted[others, m].all()
        module = fine_tuned(star, X[rows], y[rows], seed, TUNING)
        output, losses = outputs_and_losses(module, X, y)
        np.testing.assert_allclose(answers.losses[:, m], losses, atol=1e-6)
        outputs.append(output)
    for i in range(60):
        counting = [outputs[m][i] for m in range(3) if answers.counted[i, m]]
        np.testing.assert_allclose(answers.outputs[i], np.mean(counting, axis=0))


def test_all_members_count_for_a_row_that_all_have_seen():
    counted = _left_out([np.array([0, 1]), np.array([0, 2])], 4)
    np.testing.assert_array_equal(
        counted, [[True, True], [False, True], [True, False], [True, True]]
    )


def test_parts_differ_among_members():
    parts = [_draw_rows(60, 0.5, seed) for seed in SEEDS]
    assert len({tuple(sorted(part)) for part in parts}) == 3
    assert _draw_rows(60, 1.0, 0) is None
    assert len(_draw_rows(60, 1e-9, 0)) == 1


def test_a_dataset_gives_the_members_of_its_arrays(blobs, trained):
    X, y = blobs
    _, arrays = grow(trained, X, y, TUNING, SEEDS, max_samples=0.5)
    _, dataset = grow(trained, PairDataset(X, y), None, TUNING, SEEDS, max_samples=0.5)
    np.testing.assert_allclose(dataset.losses, arrays.losses, rtol=1e-12)
    np.testing.assert_array_equal(dataset.targets, y)


def test_outputs_of_any_shape_are_averaged(blobs):
    X, _ = blobs
    trained = train(regressor(), X, X[:, :3], seed=0)
    ensemble, answers = grow(trained, X, X[:, :3], TUNING, SEEDS)
    each = [
        revive(trained._replace(weights=weights)).predict(X)
        for weights in ensemble.members
    ]
    np.testing.assert_allclose(answers.outputs, np.mean(each, axis=0))


def test_the_trained_net_is_not_moved(blobs, trained):
    before = copy.deepcopy(trained.weights)
    ensemble, _ = grow(trained, *blobs, TUNING, SEEDS, chain=True)
    for name, value in before["module"].items():
        np.testing.assert_array_equal(trained.weights["module"][name], value)
    assert ensemble.trained is trained


@pytest.mark.parametrize(("chain", "n_each"), [(True, 3), (False, 1)])
def test_members_are_counted(blobs, trained, monkeypatch, chain, n_each):
    monkeypatch.setattr(_grow, "can_batch", lambda *_: False)
    heard = heard_in(grow, trained, *blobs, TUNING, SEEDS, chain=chain)
    said = [words for words in heard if "members" in words]
    assert said == whole("members", n_each) * (3 // n_each)


def test_all_time_is_that_of_the_jobs(blobs, trained):
    """Not of what tries whether members can be stacked."""
    heard = heard_in(grow, trained, *blobs, TUNING, SEEDS)
    work = next(words[1] for words in heard if words[0] == "expect")
    assert work.keys() == {"jobs"}
    assert work["jobs"] > 0


def test_overflow_becomes_the_largest_loss():
    answers = EnsembleEvaluation(
        reference=np.array([0.1, np.nan]),
        losses=np.array([[1.0, np.inf], [2.0, 3.0]]),
        outputs=np.zeros((2, 3)),
        targets=np.zeros(2),
    ).finite()
    np.testing.assert_array_equal(answers.losses, [[1.0, MAX_LOSS], [2.0, 3.0]])
    np.testing.assert_array_equal(answers.reference, [0.1, MAX_LOSS])


def test_answers_are_taken_and_put_by_row():
    answers = EnsembleEvaluation(
        *(np.arange(n, dtype=float) for n in (4, 4, 4, 4)),
        counted=np.zeros((4, 2), dtype=bool),
    )
    taken = answers.take(np.array([2, 0]))
    np.testing.assert_array_equal(taken.losses, [2, 0])
    others = EnsembleEvaluation(*(np.full(1, 9.0) for _ in range(4)))
    answers.put(np.array([False, True, False, False]), others)
    np.testing.assert_array_equal(answers.losses, [0, 9, 2, 3])
    np.testing.assert_array_equal(answers.counted.any(axis=1), [0, 1, 0, 0])


def test_members_are_dealt_to_all_devices(blobs, trained, monkeypatch):
    """With devices that are not there: each member is grown on the processor."""
    used = []

    def watched(*args, **kwargs):
        given = by_name(grow_each, *args, **kwargs)
        used.append(given["trained"].net.device)
        return grow_each(**given | {"trained": trained})

    grow_each = _grow._grow_each
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(_grow, "can_batch", lambda *arguments: False)
    monkeypatch.setattr(_grow, "_grow_each", watched)
    known = MemberCache(reference=evaluate_trained(trained, *blobs))
    recipe = clone(trained.net).set_params(device="cuda")
    _, answers = grow(trained._replace(net=recipe), *blobs, TUNING, SEEDS, cache=known)
    assert used == ["cuda:0", "cuda:1", "cuda:0"]
    _, expected = grow(trained, *blobs, TUNING, SEEDS)
    np.testing.assert_array_equal(answers.losses, expected.losses)
