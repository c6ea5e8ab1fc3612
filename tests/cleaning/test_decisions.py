"""Decisions are applied as they were meant, or refused with their place."""

import csv

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skgex._utils.spreadsheet import escape_cell
from skgex.cleaning import apply_decisions

ANIMALS = ["bee", "ant", "bee", "cat", "ant"]
HEADER = "row,given_label,decision,new_label"


def table(*rows):
    return pd.DataFrame(rows, columns=HEADER.split(","))


def write(path, *lines, encoding="utf-8"):
    path.write_text("\n".join([HEADER, *lines, ""]), encoding=encoding)
    return path


REVIEW = table(
    (3, "cat", "relabel", "ant"),
    (0, "bee", "drop", ""),
    (1, "ant", "keep", None),
)


def test_rows_are_kept_dropped_and_relabelled():
    y = np.array(ANIMALS)
    y_new, kept = apply_decisions(y, REVIEW)
    assert y_new.tolist() == ["ant", "bee", "ant", "ant"]
    assert kept.tolist() == [1, 2, 3, 4]
    assert kept.dtype == np.intp
    assert y.tolist() == ANIMALS


def test_no_decisions_change_nothing():
    y_new, kept = apply_decisions(ANIMALS, table())
    assert y_new.tolist() == ANIMALS
    assert kept.tolist() == [0, 1, 2, 3, 4]


def test_all_rows_may_be_dropped():
    y_new, kept = apply_decisions(
        ["a", "b"], table((0, "a", "drop", ""), (1, "b", "drop", ""))
    )
    assert len(y_new) == len(kept) == 0


@pytest.mark.parametrize("kind", ["file", "str", "polars", "dates as well"])
def test_other_tables_say_the_same(tmp_path, kind):
    path = tmp_path / "decisions.csv"
    REVIEW.to_csv(path, index=False)
    others = REVIEW.assign(score=1.0, when="2026-01-01")[["when", *REVIEW, "score"]]
    given_as = {
        "file": path,
        "str": str(path),
        "polars": pl.from_pandas(REVIEW),
        "dates as well": others,
    }[kind]
    y_new, kept = apply_decisions(ANIMALS, given_as)
    assert y_new.tolist() == ["ant", "bee", "ant", "ant"]
    assert kept.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_files_as_spreadsheets_save_them(tmp_path, encoding, delimiter, newline):
    lines = [HEADER, "1,ä,RELABEL,ö", "", "0,ö, Drop ,", ""]
    text = newline.join(lines).replace(",", delimiter)
    (tmp_path / "d.csv").write_bytes(text.encode(encoding))
    y_new, kept = apply_decisions(["ö", "ä", "ö"], tmp_path / "d.csv")
    assert (y_new.tolist(), kept.tolist()) == (["ö", "ö"], [1, 2])


TYPES = {
    "int64": np.array([-1, 2, 30]),
    "int8": np.array([-1, 2, 30], dtype=np.int8),
    "uint64": np.array([0, 1, 2**63 + 1], dtype=np.uint64),
    "float64": np.array([-0.5, 1.0, 2.25]),
    "float32": np.array([0.1, 0.2, 3e10], dtype=np.float32),
    "bool": np.array([True, False, True]),
    "str": np.array(["a", "bb", "=c"]),
    "object": np.array(["a", "bb", "c,\n"], dtype=object),
    "objects that are numbers": np.array([3, 1, 2], dtype=object),
    "digits": np.array(["007", "1.0", "True"]),
    "words for nothing": np.array(["NA", "nan", "None"]),
    "category": pd.Series(["a", "bb", "c"], dtype="category"),
    "category of numbers": pd.Series([3, 1, 2], dtype="category"),
    "Int64": pd.Series([3, 1, 2], dtype="Int64"),
    "Float32": pd.Series([0.1, 0.2, 2.5], dtype="Float32"),
    "boolean": pd.Series([True, False, True], dtype="boolean"),
    "string": pd.Series(["a", "bb", "c"], dtype="string"),
    "string[pyarrow]": pd.Series(["a", "bb", "c"], dtype="string[pyarrow]"),
}


@pytest.mark.parametrize("y", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("by", ["file", "frame of text", "frame"])
def test_labels_of_any_type_are_read_back(tmp_path, y, by):
    """Label 1 becomes label 0, label 2 is dropped, through the text of the labels."""
    labels = list(y)
    rows = [(1, labels[1], "relabel", labels[0]), (2, labels[2], "drop", "")]
    decisions = table(*rows)
    if by != "frame":
        cells = [[escape_cell(str(cell)) for cell in row] for row in rows]
        decisions = table(*cells)
    if by == "file":
        decisions.to_csv(tmp_path / "d.csv", index=False, quoting=csv.QUOTE_MINIMAL)
        decisions = tmp_path / "d.csv"
    if by == "frame" and any(str(label).startswith("=") for label in labels):
        decisions["given_label"] = [labels[1], escape_cell(labels[2])]
    y_new, kept = apply_decisions(y, decisions)
    assert kept.tolist() == [0, 1]
    assert list(y_new) == [labels[0], labels[0]]
    assert y_new.dtype == y.dtype
    assert type(y_new) is type(y)


def test_a_frame_in_which_pandas_made_floats_of_numbers():
    """Empty new labels turn a column of integers to floats."""
    decisions = table((0, 5, "relabel", 7), (1, 7, "keep", np.nan))
    assert decisions["new_label"].dtype == float
    y_new, _ = apply_decisions(np.array([5, 7]), decisions)
    assert y_new.tolist() == [7, 7]
    y_new, _ = apply_decisions(np.array(["5", "7"]), decisions)
    assert y_new.tolist() == ["7", "7"]


def test_a_series_keeps_its_index_and_name():
    y = pd.Series(ANIMALS, index=list("pqrst"), name="animal")
    y_new, kept = apply_decisions(y, REVIEW)
    expected = pd.Series(
        ["ant", "bee", "ant", "ant"], index=list("qrst"), name="animal"
    )
    pd.testing.assert_series_equal(y_new, expected)
    assert y.tolist() == ANIMALS
    assert kept.tolist() == [1, 2, 3, 4]


def test_a_series_of_which_rows_are_only_dropped_keeps_its_type():
    y = pd.Series(ANIMALS, index=list("pqrst"), dtype="category")
    y_new, _ = apply_decisions(y, table((1, "ant", "drop", ""), (3, "cat", "drop", "")))
    pd.testing.assert_series_equal(y_new, y.iloc[[0, 2, 4]])


def test_new_labels_must_be_announced():
    decisions = table((0, "bee", "relabel", "butterfly"))
    with pytest.raises(
        ValueError, match=r"'butterfly' is no label of y \(ant, bee, cat\)"
    ):
        apply_decisions(ANIMALS, decisions)
    y_new, _ = apply_decisions(np.array(ANIMALS), decisions, new_labels=["butterfly"])
    assert y_new[0] == "butterfly"


def test_new_categories_are_added():
    y = pd.Series(ANIMALS, dtype="category")
    decisions = table((0, "bee", "relabel", "dog"))
    y_new, _ = apply_decisions(y, decisions, new_labels=["dog", "ant"])
    assert y_new.tolist() == ["dog", *ANIMALS[1:]]
    assert y_new.cat.categories.tolist() == ["ant", "bee", "cat", "dog"]


def test_new_numbers_have_the_type_of_the_others():
    y = np.array([1, 2], dtype=np.int8)
    y_new, _ = apply_decisions(y, table((0, 1, "relabel", 3)), new_labels=[3])
    assert y_new.tolist() == [3, 2]
    assert y_new.dtype == np.int8


@pytest.mark.parametrize(
    ("y", "new"),
    [
        ([1, 2], 2.5),
        (np.array([1, 2], np.int8), 300),
        (np.array([1, 2], np.uint8), -1),
        ([1, 2], 10**30),
        ([1, 2], 1e30),
        ([1, 2], "a"),
        (["a", "b"], 1),
        ([True, False], 2),
    ],
)
def test_new_labels_of_another_type_are_refused(y, new):
    with pytest.raises(ValueError, match="new_labels: "):
        apply_decisions(y, table(), new_labels=[new])


@pytest.mark.parametrize("new", ["dog", 3])
def test_new_labels_are_a_list(new):
    with pytest.raises(TypeError, match="new_labels: must be a list"):
        apply_decisions(ANIMALS, table(), new_labels=new)


REFUSED = {
    "a row that is none": ("x,bee,keep,", "'row': must be a position in y"),
    "an empty row": (",bee,keep,", "'row': must be a position in y"),
    "half a row": ("0.5,bee,keep,", "'row': must be a position in y"),
    "a row below": ("-1,bee,keep,", "'row': must be from 0 to 4"),
    "a row beyond": ("5,bee,keep,", "'row': must be from 0 to 4"),
    "another label": (
        "0,ant,keep,",
        "'given_label': is 'ant', but row 0 of y has .*'bee'",
    ),
    "no label": ("0,,keep,", "'given_label': is ''"),
    "an unknown word": ("0,bee,delete,", "'decision': must be one of .*'delete'"),
    "no word": ("0,bee,,", "'decision': must be one of"),
    "no new label": ("0,bee,relabel,", "'new_label': is empty"),
    "a label that is new": ("0,bee,relabel,dog", "'new_label': 'dog' is no label of y"),
    "a label that is not due": ("0,bee,drop,ant", "'new_label': must be empty"),
    "a row twice": ("1,ant,drop,", r"'row': row 1 was decided before \(.*line 2"),
    "too few cells": ("0,bee,keep", "has 3 cells, the first line has 4"),
    "too many cells": ("0,bee,keep,,", "has 5 cells"),
    "an open quote": ('0,"bee,keep,', "is no CSV"),
}


@pytest.mark.parametrize(("line", "text"), REFUSED.values(), ids=REFUSED)
def test_a_faulty_line_is_named(tmp_path, line, text):
    path = write(tmp_path / "review.csv", "1,ant,keep,", line)
    with pytest.raises(ValueError, match=rf"^decisions: review\.csv, line 3.*{text}"):
        apply_decisions(ANIMALS, path)


def test_a_faulty_entry_of_a_frame_is_named():
    decisions = table((1, "ant", "keep", ""), (7, "ant", "keep", ""))
    with pytest.raises(ValueError, match="decisions: entry 1, column 'row': must be"):
        apply_decisions(ANIMALS, decisions)


@pytest.mark.parametrize("empty", [None, np.nan, pd.NA, "", " "])
def test_any_empty_cell(empty):
    decisions = table((1, "ant", "keep", empty))
    assert apply_decisions(ANIMALS, decisions)[0].tolist() == ANIMALS
    with pytest.raises(ValueError, match="new_label': is empty"):
        apply_decisions(ANIMALS, decisions.assign(decision="relabel"))


@pytest.mark.parametrize("cell", ["one", "1_0", "1e", True, [1]])
def test_what_is_no_number_is_no_label_of_numbers(cell):
    decisions = table((1, 2, "relabel", cell))
    with pytest.raises(ValueError, match=r"'new_label': .* is no label of y \(1, 2\)"):
        apply_decisions([1, 2], decisions)


def test_an_empty_text_may_be_a_label():
    decisions = table((1, "a", "relabel", ""))
    assert apply_decisions(["", "a"], decisions)[0].tolist() == ["", ""]


def test_columns_must_be_there_once(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("row,label,decision\n")
    with pytest.raises(
        ValueError, match=r"d\.csv lacks \['given_label', 'new_label'\]"
    ):
        apply_decisions(ANIMALS, path)
    path.write_text(HEADER + ",row\n")
    with pytest.raises(ValueError, match=r"d\.csv has \['row'\] more than once"):
        apply_decisions(ANIMALS, path)
    path.write_text("")
    with pytest.raises(ValueError, match=r"d\.csv lacks"):
        apply_decisions(ANIMALS, path)
    with pytest.raises(ValueError, match="the DataFrame lacks"):
        apply_decisions(ANIMALS, REVIEW.drop(columns="row"))


def test_files_that_are_no_text(tmp_path):
    path = write(tmp_path / "d.csv", "0,ä,keep,", encoding="latin-1")
    with pytest.raises(ValueError, match=r"d\.csv is not in UTF-8"):
        apply_decisions(["ä"], path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        apply_decisions(["ä"], tmp_path / "nowhere.csv")


def test_what_is_no_table():
    with pytest.raises(TypeError, match="decisions: must be a DataFrame or the path"):
        apply_decisions(ANIMALS, 3)


def test_labels_that_cannot_be_reviewed():
    with pytest.raises(ValueError, match="y: must have one label per row"):
        apply_decisions(np.eye(3), table())
    with pytest.raises(ValueError, match=r"y: .*NaN"):
        apply_decisions([1.0, np.nan], table())


LABELS = st.lists(st.text(min_size=1), min_size=1, max_size=6)


@settings(deadline=None)  # files are written
@given(LABELS, st.randoms())
def test_whatever_labels_are_called(tmp_path_factory, labels, random):
    """Written as CSV with escaped cells, each decision is read as it was made."""
    path = tmp_path_factory.mktemp("decisions") / "d.csv"
    words = [random.choice(["keep", "relabel", "drop"]) for _ in labels]
    new = [random.choice(labels) if word == "relabel" else "" for word in words]
    with path.open("w", encoding="utf-8", newline="", errors="surrogatepass") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER.split(","))
        for i, cells in enumerate(zip(labels, words, new, strict=True)):
            writer.writerow([i, *map(escape_cell, cells)])
    y_new, kept = apply_decisions(np.array(labels, dtype=object), path)
    expected = [i for i, word in enumerate(words) if word != "drop"]
    assert kept.tolist() == expected
    relabelled = [new[i] if words[i] == "relabel" else labels[i] for i in expected]
    assert y_new.tolist() == relabelled
