"""Samples become pictures, or are refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_iris

from skgex.inspection._pictures import as_pictures

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (5, 9, 11), dtype=np.uint8)
COLOURED = RANDOM.integers(0, 256, (5, 9, 11, 3), dtype=np.uint8)
CHANNELS_FIRST = COLOURED.transpose(0, 3, 1, 2)


@pytest.mark.parametrize(
    ("X", "wanted"),
    [
        (GREY, GREY),
        (GREY[:, None], GREY),
        (GREY[..., None], GREY),
        (COLOURED, COLOURED),
        (CHANNELS_FIRST, COLOURED),
        (np.concatenate([COLOURED, GREY[..., None]], axis=3), COLOURED),
        (torch.as_tensor(CHANNELS_FIRST.copy()), COLOURED),
        (list(GREY), GREY),
        (GREY.tolist(), np.round(GREY * (255 / GREY.max()))),
        (GREY[:, :8, :8].reshape(5, 64), GREY[:, :8, :8]),
    ],
)
def test_bytes_stay_whatever_the_shape(X, wanted):
    pictures = as_pictures(X)
    assert pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures, wanted)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numbers_from_zero_to_one_are_shares_of_white(dtype):
    X = np.full((2, 8, 8), 0.5, dtype=dtype)
    X[0, 0, 0] = 0.2  # no picture need have a white pixel
    pictures = as_pictures(X)
    assert pictures[0, 0, 0] == 51
    assert np.abs(pictures[1] - 127.5).max() <= 0.5


def test_other_numbers_are_divided_by_the_largest():
    X = load_digits().data  # from 0 to 16
    wanted = np.round(X * 255 / 16).reshape(-1, 8, 8)
    np.testing.assert_array_equal(as_pictures(X), wanted)
    np.testing.assert_array_equal(as_pictures(X.astype(int)), wanted)


def test_a_dark_picture_stays_dark():
    assert as_pictures(np.full((1, 8, 8), 0.1)).max() == 26  # 25.5


def test_standardised_pictures_use_all_greys_but_for_outliers():
    X = RANDOM.normal(size=(20, 10, 10))
    X[0, 0, 0], X[1, 1, 1] = 1e6, -1e6
    pictures = as_pictures(X)
    assert pictures[0, 0, 0] == 255
    assert pictures[1, 1, 1] == 0
    order = np.argsort(X.ravel())
    assert (np.diff(pictures.ravel()[order].astype(int)) >= 0).all()
    assert 40 < pictures.std() < 80  # 255 / 5.15 standard deviations


def test_what_is_not_finite_is_black():
    X = np.full((1, 8, 8), 3.0)
    X[0, 0, :3] = np.nan, np.inf, -np.inf
    pictures = as_pictures(X)
    assert pictures[0, 0, 0] == 0
    assert pictures[0, 1, 1] == 255
    assert as_pictures(np.full((1, 8, 8), np.nan)).max() == 0


def test_masks_are_black_and_white():
    X = RANDOM.random((3, 8, 8)) > 0.5
    np.testing.assert_array_equal(as_pictures(X), 255 * X)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.int64])
def test_tensors_are_taken_with_their_gradients(dtype):
    X = torch.ones((2, 1, 8, 8), dtype=dtype)
    if X.is_floating_point():
        X.requires_grad_()
    assert (as_pictures(X) == 255).all()


def test_a_frame_of_pixels_is_pictures():
    X = load_digits(as_frame=True).data
    np.testing.assert_array_equal(as_pictures(X), as_pictures(X.to_numpy()))


def test_the_given_array_is_left_alone():
    X = RANDOM.random((3, 8, 8))
    before = X.copy()
    as_pictures(X)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize(
    "X",
    [
        load_iris().data,  # 4 columns are no square picture
        load_breast_cancer().data,
        np.zeros((5, 65)),
        np.zeros(64),
        np.zeros((5, 2, 8, 8)),
        np.zeros((5, 0, 8)),
        np.zeros((2, 3, 8, 8, 8)),
        np.full((5, 64), "a"),
        np.zeros((5, 64), dtype=complex),
        [np.zeros((8, 8)), np.zeros((9, 9))],
        {"left": np.zeros((5, 64))},
        pd.DataFrame(np.zeros((5, 64)), columns=[f"price {i}" for i in range(64)]),
        None,
    ],
)
def test_what_is_no_picture_is_refused(X):
    with pytest.raises(ValueError, match=r"^X: "):
        as_pictures(X)


def test_the_error_says_what_came():
    with pytest.raises(ValueError, match=r"got \(150, 4\)"):
        as_pictures(load_iris().data)
