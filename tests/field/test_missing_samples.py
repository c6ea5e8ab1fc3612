"""Missing values: the default net fills gaps, other nets refuse them."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.utils import get_tags
from tiny import flip_every, learner, make_blobs

from skgex import GEXDetector
from skgex._nets.default_net import make_default_net

X, Y = make_blobs(90)
LABELS, _ = flip_every(Y, 9)
GAPS = X.copy()
GAPS[::7, 1] = np.nan
ORDER = np.random.RandomState(0).permutation(90)

pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


def fit(X, net=None):
    return GEXDetector(net, n_members=2, random_state=0).fit(X, LABELS)


def test_gaps_are_means_with_an_indicator():
    net = make_default_net(GAPS.astype(np.float32), 3).initialize().module_
    mean, scale = net.inputs.mean.numpy(), net.inputs.scale.numpy()
    filled = (np.nan_to_num(GAPS, nan=np.nanmean(GAPS[:, 1])) - mean) / scale
    inputs = np.column_stack([filled, np.isnan(GAPS[:, 1])]).astype(np.float32)
    expected = net.layers(torch.as_tensor(inputs))
    given = net(torch.as_tensor(GAPS.astype(np.float32)))
    torch.testing.assert_close(given, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("convert", [np.asarray, pd.DataFrame])
def test_rows_with_gaps_are_scored_and_found(convert):
    detector = fit(convert(GAPS))
    found = detector.predict(convert(GAPS[ORDER]))
    np.testing.assert_array_equal(found, detector.noise_mask_[ORDER])
    assert np.isfinite(detector.scores(convert(GAPS + 0.1))).all()


def test_a_column_without_any_value():
    assert np.isfinite(fit(np.column_stack([X, np.full(90, np.nan)])).scores_).all()


def test_a_gap_where_the_fit_saw_none():
    assert np.isfinite(fit(X).scores(GAPS)).all()


def test_other_nets_and_infinity_are_refused():
    assert get_tags(GEXDetector()).input_tags.allow_nan
    assert not get_tags(GEXDetector(learner())).input_tags.allow_nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        fit(GAPS, learner())
    with pytest.raises(ValueError, match="Input X contains infinity"):
        fit(np.where(np.isnan(GAPS), np.inf, GAPS))
