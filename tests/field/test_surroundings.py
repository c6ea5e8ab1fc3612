"""What surrounds a fit changes no answer: dtype, threads, memory that is read-only."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from tiny import flip_every, learner, make_blobs
from torch.utils.data import default_collate

from skgex import GEXDetector
from skgex._data.casting import writable
from skgex._utils.random import seeded
from skgex.hardness import AUM

X, Y = make_blobs(90)
X = X.astype(np.float32)
LABELS, _ = flip_every(Y, 9)

pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


def scores(X=X, net=None):
    return GEXDetector(net, n_members=2, random_state=0).fit(X, LABELS).scores_


def test_the_default_net_does_not_depend_on_torchs_default_dtype():
    expected = scores()
    torch.set_default_dtype(torch.float64)
    try:
        given = scores()
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(given, expected)


@pytest.mark.parametrize("fit", [scores, lambda wide: AUM().fit(wide, LABELS).scores_])
def test_answers_do_not_depend_on_the_number_of_threads(fit):
    wide = np.random.RandomState(0).rand(90, 1000).astype(np.float32)
    found, before = [], torch.get_num_threads()
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        torch.manual_seed(0)
        np.random.seed(0)
        found.append(fit(wide))
        assert torch.get_num_threads() == n_threads
    torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)


def test_random_work_is_done_on_one_thread():
    torch.set_num_threads(2)
    try:
        with seeded(0), seeded(1):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def own_collation(rows):
    return default_collate(rows)


def read_only(path):
    X.tofile(path)
    return np.memmap(path, np.float32, "r", shape=X.shape)


def frozen_copy(path):
    rows = X.copy()
    rows.setflags(write=False)
    return rows


@pytest.mark.parametrize("make", [read_only, frozen_copy, lambda _: pd.DataFrame(X)])
def test_memory_that_is_read_only_is_neither_warned_of_nor_changed(make, tmp_path):
    given = make(tmp_path / "rows")
    net = learner(iterator_train__collate_fn=own_collation)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*not writable")
        found = scores(given, net)
    np.testing.assert_array_equal(found, scores(X, net))
    np.testing.assert_array_equal(np.asarray(given), X)


def test_a_mapped_file_is_mapped_again_rather_than_copied(tmp_path):
    rows = writable(np.asarray(read_only(tmp_path / "rows")))
    assert isinstance(rows.base, np.memmap)
    rows[0] = 7
    np.testing.assert_array_equal(np.fromfile(tmp_path / "rows", np.float32)[:4], X[0])
