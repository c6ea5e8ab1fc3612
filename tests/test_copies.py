"""What works through all rows copies no more than a block of them."""

import tracemalloc

import numpy as np
import pytest

from skgex._data.row_index import RowIndex
from skgex._nets.default_net import make_default_net

X = np.zeros((20_000, 200), np.float32)
CODES = np.zeros(len(X), np.int64)
WORK = {
    "the default net's scale": lambda: make_default_net(X, 2),
    "look-up of fitted rows": lambda: RowIndex(X, CODES).find(X),
}


@pytest.mark.parametrize("work", WORK)
def test_rows_are_not_copied_as_a_whole(work):
    tracemalloc.start()
    try:
        WORK[work]()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 1e5 < peak < X.nbytes / 1.5
