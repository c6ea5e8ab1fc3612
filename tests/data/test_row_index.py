import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skgex._data.row_index import RowIndex

# Few values, so that copies of rows are the rule.
rows = arrays(
    np.float32,
    st.tuples(st.integers(1, 12), st.just(2)),
    elements=st.sampled_from([0, -0.0, 1, 2]),
)


@given(rows)
def test_fitted_rows_are_found_where_they_were(X):
    index = RowIndex(X, np.zeros(len(X), int))
    np.testing.assert_array_equal(index.find(X), np.arange(len(X)))


@given(rows, st.data())
def test_copies_with_other_labels_are_found_where_they_were(X, data):
    codes = data.draw(arrays(np.int64, len(X), elements=st.integers(0, 2)))
    index = RowIndex(X, codes)
    np.testing.assert_array_equal(index.find(X), np.arange(len(X)))
    np.testing.assert_array_equal(index.find(X, codes), np.arange(len(X)))


@given(rows, rows, st.data())
def test_any_query_is_answered_as_by_a_loop(X, queries, data):
    codes = data.draw(arrays(np.int64, len(X), elements=st.integers(0, 2)))
    labels = data.draw(arrays(np.int64, len(queries), elements=st.integers(0, 2)))
    index = RowIndex(X, codes)
    for given_labels in (None, labels):
        expected = [
            first_match(X, codes, queries, given_labels, i) for i in range(len(queries))
        ]
        np.testing.assert_array_equal(index.find(queries, given_labels), expected)


def first_match(X, codes, queries, labels, i):
    """Row i first, then all from the first on; 0.0 equals -0.0."""
    for j in [i, *range(len(X))]:
        same = j < len(X) and (X[j] == queries[i]).all()
        if same and (labels is None or codes[j] == labels[i]):
            return j
    return -1


@given(rows, st.randoms(use_true_random=False))
def test_permuted_rows_find_themselves(X, random):
    order = random.sample(range(len(X)), len(X))
    index = RowIndex(X, np.zeros(len(X), int))
    found = index.find(X[order])
    np.testing.assert_array_equal(X[found], X[order])


def test_a_label_that_disagrees_is_not_found():
    X = np.array([[1.0], [2.0]])
    index = RowIndex(X, np.array([0, 1]))
    np.testing.assert_array_equal(index.find(X, np.array([0, 0])), [0, -1])
    np.testing.assert_array_equal(index.find(X, np.array([-1, 1])), [-1, 1])


def test_rows_and_targets_of_any_shape():
    rng = np.random.RandomState(0)
    X, targets = rng.rand(5, 1, 3, 3), rng.rand(5, 2)
    index = RowIndex(X, targets)
    np.testing.assert_array_equal(index.find(X[::-1], targets[::-1]), [4, 3, 2, 1, 0])
    np.testing.assert_array_equal(index.find(X[::-1], targets), [-1, -1, 2, -1, -1])


def test_memory_layout_does_not_matter():
    X = np.random.RandomState(0).rand(6, 4)
    index = RowIndex(np.asfortranarray(X), np.zeros(6))
    np.testing.assert_array_equal(index.find(X[::2]), [0, 2, 4])


def test_copies_share_an_identity_whatever_their_labels():
    X = np.array([[1.0, 0.0], [2.0, 3.0], [1.0, -0.0], [1.0, 0.0]])
    identity = RowIndex(X, np.array([0, 1, 1, 0])).identity
    assert identity[0] == identity[2] == identity[3] != identity[1]
