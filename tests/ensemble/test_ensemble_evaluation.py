"""Losses of members side by side, without any net."""

import numpy as np
import pytest

from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation, combine
from skgex._ensemble.statistics import MAX_LOSS
from skgex._nets.evaluation import Evaluation

N_ROWS, N_MEMBERS, N_CLASSES = 4, 3, 2


def evaluations(n=1 + N_MEMBERS, seed=0):
    """Evaluations by a net and its members, in float32."""
    rng = np.random.RandomState(seed)
    targets = np.array([0, 1, 1, 0])
    return [
        Evaluation(
            losses=rng.gamma(1.0, size=N_ROWS).astype(np.float32),
            outputs=rng.dirichlet(np.ones(N_CLASSES), N_ROWS).astype(np.float32),
            targets=targets,
        )
        for _ in range(n)
    ]


def test_losses_stand_side_by_side_and_predictions_are_averaged():
    reference, *members = evaluations()
    found = combine(reference, iter(members), N_MEMBERS)
    np.testing.assert_array_equal(found.reference, reference.losses)
    np.testing.assert_array_equal(found.targets, reference.targets)
    assert found.n_members == N_MEMBERS
    assert found.n_starts == 1
    assert found.counted is None
    assert found.losses.dtype == found.outputs.dtype == np.float32
    for m, member in enumerate(members):
        np.testing.assert_array_equal(found.losses[:, m], member.losses)
    mean = np.mean([member.outputs for member in members], axis=0)
    np.testing.assert_allclose(found.outputs, mean, rtol=1e-6)


def test_predictions_are_averaged_over_the_members_that_count():
    reference, *members = evaluations()
    members[1].outputs[2] = np.nan  # counts as zero
    counted = np.array([[1, 1, 0], [0, 0, 1], [1, 1, 1], [0, 1, 0]], dtype=bool)
    found = combine(reference, members, N_MEMBERS, counted, n_starts=2)
    for i in range(N_ROWS):
        rows = [members[m].outputs[i] for m in np.flatnonzero(counted[i])]
        mean = np.nansum(rows, axis=0) / len(rows)
        np.testing.assert_allclose(found.outputs[i], mean, rtol=1e-6)
    assert found.n_starts == 2
    assert found.counted is counted


def test_losses_may_be_overwritten_even_if_a_worker_sent_them_to_read_only():
    """As Ray's workers do."""
    sent = evaluations()
    for evaluation in sent:
        for values in evaluation:
            values.flags.writeable = False
    found = combine(sent[0], sent[1:], N_MEMBERS)
    found.losses[0], found.reference[0] = 5.0, 0.0
    assert sent[0].losses[0] != 0


def whole(**params):
    reference, *members = evaluations()
    return combine(reference, members, N_MEMBERS, **params)


def test_the_largest_loss_of_a_row_replaces_any_that_overflowed():
    evaluation = whole()
    evaluation.losses[1, 2] = np.inf
    evaluation.losses[2] = np.nan, 200.0, 1.0
    evaluation.reference[3] = np.inf
    finite = evaluation.finite()
    assert finite.losses[1, 2] == pytest.approx(MAX_LOSS)
    np.testing.assert_array_equal(finite.losses[2], [200, 200, 1])
    assert finite.reference[3] == pytest.approx(MAX_LOSS)
    assert finite.outputs is evaluation.outputs


def test_some_rows_may_be_taken_in_any_order():
    counted = np.arange(N_ROWS * N_MEMBERS).reshape(N_ROWS, -1) % 5 != 0
    counted[:, 1] |= ~counted.any(axis=1)
    rows = np.array([2, 0])
    evaluation = whole(counted=counted, n_starts=2)
    taken = evaluation.take(rows)
    for name in ("reference", "losses", "outputs", "targets", "counted"):
        np.testing.assert_array_equal(
            getattr(taken, name), getattr(evaluation, name)[rows]
        )
    assert taken.disagreement is None
    assert taken.n_starts == 2


def test_rows_that_are_put_count_under_all_members():
    counted = np.zeros((N_ROWS, N_MEMBERS), dtype=bool)
    counted[:, 0] = True
    evaluation = whole(counted=counted)
    kept = evaluation.take(np.array([0, 2]))
    others = combine(*evaluations(seed=1)[:1], evaluations(seed=1)[1:], N_MEMBERS)
    put = others.take(np.array([0, 1]))
    evaluation.put(np.array([3, 1]), put)
    for name in ("reference", "losses", "outputs", "targets"):
        values = getattr(evaluation, name)
        np.testing.assert_array_equal(values[[3, 1]], getattr(put, name))
        np.testing.assert_array_equal(values[[0, 2]], getattr(kept, name))
    np.testing.assert_array_equal(evaluation.counted.sum(axis=1), [1, 3, 1, 3])
    unlimited = whole()
    unlimited.put(np.array([3, 1]), put)
    assert unlimited.counted is None


def test_members_around_the_trained_net_are_the_first_of_each_turn():
    losses = np.arange(10.0).reshape(2, 5)
    counted = np.array([[0, 1, 1, 1, 0], [0, 1, 0, 0, 0]], dtype=bool)
    rest = (np.zeros(2), losses, np.zeros((2, 2)), np.zeros(2))
    for n_starts in (2, 3):
        around = EnsembleEvaluation(*rest, counted, n_starts).around_trained()
        np.testing.assert_array_equal(around.losses, losses[:, ::n_starts])
        assert around.n_starts == 1
        assert around.counted[1].all()  # under none, so under all
        np.testing.assert_array_equal(around.counted[0], counted[0, ::n_starts])
    assert EnsembleEvaluation(*rest, None, 2).around_trained().counted is None
    for one in (EnsembleEvaluation(*rest), EnsembleEvaluation(*rest, counted, 1)):
        assert one.around_trained() is one
