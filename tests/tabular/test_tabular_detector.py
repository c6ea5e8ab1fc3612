"""Detectors for tables take data frames as they are."""

import datetime
import decimal
import pickle
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

import skgex
from skgex import GEXDetector
from skgex.exceptions import SkgexWarning
from skgex.tabular import tabular_detector

N = 60
LABELS = np.arange(N) % 3
NUMBERS = np.random.RandomState(0).standard_normal(N) + 3 * LABELS
LETTERS = np.array(list("abc"))[LABELS]
GAPS = np.arange(N) % 7 == 0
FAST = {"n_members": 2, "n_steps": 4, "lr": 0.1, "random_state": 0}


def with_gaps(values, dtype=None):
    return pd.Series(values, dtype=dtype).mask(GAPS)


DAYS = pd.Timestamp("2020") + pd.to_timedelta(NUMBERS.round() * 30, unit="D")
COLUMNS = {
    "floats with gaps": with_gaps(NUMBERS),
    "Int64 with NA": with_gaps(NUMBERS.round().astype(int), "Int64"),
    "Float32": with_gaps(NUMBERS, "Float32"),
    "boolean with NA": with_gaps(NUMBERS > 3, "boolean"),
    "booleans and None": with_gaps(NUMBERS > 3).astype(object),
    "categories": with_gaps(LETTERS, "category"),
    "categories of numbers": pd.Series(LABELS, dtype="category"),
    "string": with_gaps(LETTERS, "string"),
    "string[pyarrow]": with_gaps(LETTERS, "string[pyarrow]"),
    "text and None": pd.Series(LETTERS, dtype=object).where(~GAPS, None),
    "much text": pd.Series([f"{c * 5} number {i}" for i, c in enumerate(LETTERS)]),
    "numbers as text": pd.Series(NUMBERS.round(1).astype(str)),
    "times": pd.Series(DAYS),
    "times of a zone": pd.Series(DAYS).dt.tz_localize("Europe/Berlin"),
    "dates as text, with gaps": with_gaps(DAYS.strftime("%Y-%m-%d")),
    "dates of Python": pd.Series([datetime.date(2020, 1 + k, 3) for k in LABELS]),
    "spans": pd.Series(pd.to_timedelta(NUMBERS, unit="D")),
    "decimals": pd.Series([decimal.Decimal(str(round(v, 2))) for v in NUMBERS]),
    "numbers and text": pd.Series([1 if k else "a" for k in LABELS]),
    "nothing": pd.Series([None] * N),
    "a constant": pd.Series([1.0] * N),
}


def mixed(n_rows=240, seed=0):
    """A table whose text and numbers tell the class, every tenth label flipped."""
    rng = np.random.RandomState(seed)
    y = np.array(["cat", "dog", "fox"])[rng.randint(0, 3, n_rows)]
    sounds = {"cat": "meow", "dog": "woof", "fox": "ring"}
    weights = {"cat": 4.5, "dog": 20.0, "fox": 6.0}
    frame = pd.DataFrame(
        {
            "sound": [sounds[label] for label in y],
            "kg": [weights[label] * rng.uniform(0.8, 1.2) for label in y],
            "seen": pd.Timestamp("2020") + pd.to_timedelta(rng.rand(n_rows), unit="D"),
        },
        index=[f"animal{i}" for i in range(n_rows)],
    )
    frame.loc[rng.rand(n_rows) < 0.1, "sound"] = None
    frame.loc[rng.rand(n_rows) < 0.1, "kg"] = np.nan
    wrong = np.arange(n_rows) % 10 == 0
    others = {"cat": "dog", "dog": "fox", "fox": "cat"}
    noisy = np.where(wrong, [others[label] for label in y], y)
    return frame, noisy, wrong, y


@pytest.fixture(scope="module")
def fitted():
    frame, y, _, _ = mixed()
    return tabular_detector(random_state=0).fit(frame, y)


def test_the_steps_and_their_names():
    pipe = tabular_detector(threshold="10%", random_state=3)
    assert [name for name, _ in pipe.steps] == [
        "vectorizer",
        "scaler",
        "imputer",
        "gexdetector",
    ]
    assert isinstance(pipe[-1], GEXDetector)
    assert pipe[-1].threshold == "10%"
    assert pipe[-1].random_state == 3
    assert skgex.tabular_detector is tabular_detector


def test_an_unknown_setting_is_refused():
    with pytest.raises(TypeError, match="no_such_setting"):
        tabular_detector(no_such_setting=1)


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.filterwarnings("error::skgex.exceptions.UnlabelledRowsWarning")
def test_columns_of_any_type(column):
    frame = pd.DataFrame({"column": column, "number": NUMBERS})
    pipe = tabular_detector(**FAST).fit(frame, LABELS)
    assert np.isfinite(pipe[:-1].transform(frame)).all(axis=None)
    np.testing.assert_array_equal(pipe.predict(frame), pipe[-1].noise_mask_)


def test_wrong_labels_of_a_mixed_table_are_found(fitted):
    _, _, wrong, clean = mixed()
    issues = fitted[-1].issues()
    assert wrong[issues.loc[issues["flagged"], "row"]].mean() > 0.9
    worst = issues["row"].iloc[: wrong.sum()]
    assert wrong[worst].mean() > 0.9
    right = issues["suggested_label"].iloc[: wrong.sum()] == clean[worst]
    assert right.mean() > 0.9


def test_text_alone_tells():
    frame, y, wrong, _ = mixed()
    pipe = tabular_detector(random_state=0).fit(
        frame[["sound"]].dropna(), y[frame["sound"].notna()]
    )
    flagged = pipe[-1].issues().query("flagged").index
    assert len(flagged) > 10
    assert set(flagged) <= set(frame.index[wrong])


def test_the_index_survives_all_steps(fitted):
    frame, _, _, _ = mixed()
    issues = fitted[-1].issues()
    np.testing.assert_array_equal(frame.index[issues["row"]], issues.index)
    assert set(fitted[-1].feature_names_in_) >= {"kg", "sound_meow", "seen_year"}


def test_rows_of_the_table_are_found_again(fitted):
    frame = mixed()[0].iloc[[5, 2]]
    issues = fitted[-1].issues(fitted[:-1].transform(frame))
    assert set(issues.index) == {"animal5", "animal2"}
    assert set(issues["row"]) == {5, 2}


def test_polars():
    frame, y, _, _ = mixed()
    given = pl.from_pandas(frame)
    pipe = tabular_detector(**FAST).fit(given, y)
    np.testing.assert_array_equal(pipe.predict(given), pipe[-1].noise_mask_)
    same = tabular_detector(**FAST).fit(frame, y)
    np.testing.assert_allclose(pipe[-1].scores_, same[-1].scores_, rtol=1e-4)


@pytest.mark.filterwarnings("ignore::skgex.exceptions.UnlabelledRowsWarning")
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_new_rows_may_have_gaps_and_categories_that_are_new(fitted):
    new = pd.DataFrame(
        {"sound": ["moo", None], "kg": [np.nan, 5], "seen": [pd.NaT] * 2}
    )
    assert fitted.predict(new.astype({"seen": "datetime64[ns]"})).shape == (2,)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_whatever_the_global_generators():
    frame = pd.DataFrame({"text": COLUMNS["much text"], "number": NUMBERS})
    scores = []
    for seed in (0, 1):
        np.random.seed(seed)
        scores.append(tabular_detector(**FAST).fit(frame, LABELS)[-1].scores_)
    np.testing.assert_array_equal(*scores)


def test_copies_answer_alike(fitted):
    frame = mixed()[0]
    other = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(other.predict(frame), fitted.predict(frame))
    assert not hasattr(clone(fitted)[-1], "noise_mask_")


def test_infinite_numbers_are_refused():
    frame = pd.DataFrame({"number": np.where(GAPS, np.inf, NUMBERS)})
    with pytest.raises(ValueError, match="infinity"):
        tabular_detector(**FAST).fit(frame, LABELS)


def test_without_skrub_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "skrub", None)
    with pytest.raises(ImportError, match=r"skgex\[tabular\]"):
        tabular_detector()


def test_no_warning_of_ours_on_a_plain_table(recwarn):
    frame, y, _, _ = mixed()
    tabular_detector(random_state=0).fit(frame, y).predict(frame)
    assert [w for w in recwarn if issubclass(w.category, SkgexWarning)] == []


def test_numbers_are_scaled_and_categories_stay():
    frame, y, _, _ = mixed()
    made = tabular_detector(**FAST).fit(frame, y)[:-1].transform(frame)
    counts = frame["sound"].value_counts(dropna=False)
    for name, count in counts.items():
        (column,) = [c for c in made if c == f"sound_{name}"] or ["sound_nan"]
        assert made[column].isin([0, 1]).all()
        assert made[column].sum() == count
    known = frame["kg"].notna()
    expected = (frame["kg"] - frame["kg"].mean()) / frame["kg"].std(ddof=0)
    np.testing.assert_allclose(made["kg"][known], expected[known], rtol=1e-4)
    assert made["kg"][~known].abs().max() < 1e-6
    np.testing.assert_array_equal(made["missingindicator_kg"], ~known)
