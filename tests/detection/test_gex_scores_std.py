"""The standard error of the scores."""

import numpy as np
import pytest
from detecting import fit
from sklearn.frozen import FrozenEstimator

# What the squared standard error may be, in squared spreads. Relative losses are
# divided by the ensemble's own entropy, whose noise the standard error leaves out.
BOUNDS = {
    "relative_loss": (1 / 4, 1.5),
    "mean_loss": (1 / 1.5, 1.5),
    "self_influence": (1 / 1.5, 1.5),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::skgex.exceptions.MemorisationWarning")
@pytest.mark.parametrize("max_samples", [1.0, 0.6])
@pytest.mark.parametrize("statistic", BOUNDS)
def test_it_is_the_spread_of_many_ensembles(
    data, trained_learner, statistic, max_samples
):
    low, high = BOUNDS[statistic]
    X, y, _ = data
    ensembles = [
        fit(
            X,
            y,
            FrozenEstimator(trained_learner),
            n_members=8,
            statistic=statistic,
            max_samples=max_samples,
            random_state=seed,
        )
        for seed in range(30)
    ]
    spread = np.var([e.scores_ for e in ensembles], axis=0, ddof=1)
    claimed = np.nanmean([e.scores_std_**2 for e in ensembles], axis=0)
    assert low < claimed.mean() / spread.mean() < high
    # Row by row, not on the whole alone: from the quietest to the loudest.
    assert np.corrcoef(np.log(claimed), np.log(spread))[0, 1] > 0.9


def test_only_members_that_did_not_see_the_row_make_it(data):
    X, y, _ = data
    detector = fit(X, y, n_members=5, max_samples=0.7, statistic="mean_loss")
    answers = detector._fitted.evaluation
    n_counted = answers.counted.sum(axis=1)
    assert set(n_counted) > {1, 2}
    np.testing.assert_array_equal(np.isnan(detector.scores_std_), n_counted < 2)
    for i in np.flatnonzero(n_counted > 1):
        values = answers.losses[i][answers.counted[i]].astype(float)
        expected = values.std(ddof=1) / len(values) ** 0.5
        assert detector.scores_std_[i] == pytest.approx(expected)


def test_one_member_says_nothing_of_it(data):
    assert np.isnan(fit(*data[:2], n_members=1).scores_std_).all()
