"""CSV files are written again byte for byte, whatever is odd about them."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skgex.cli._csv_records import read_csv_records
from skgex.cli._errors import CommandError

ODD = 'a,y\r\n1,cat\r\n"2,\r\n3","c""at"\n\n 4 ,dog\n007,  dog'


@pytest.fixture
def write(tmp_path):
    def write(text, mark=""):
        path = tmp_path / "t.csv"
        path.write_bytes((mark + text).encode())
        return path

    return write


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_all_rows_are_all_bytes(write, mark):
    path = write(ODD, mark)
    records = read_csv_records(path, "y")
    labels = [row.cells[1] for row in records.rows]
    assert labels == ["cat", 'c"at', "dog", "  dog"]
    assert [row.line for row in records.rows] == [2, 3, 6, 7]
    assert records.rewrite([0, 1, 2, 3], labels, 1) == path.read_bytes()


def test_only_the_label_of_a_row_is_changed(write):
    records = read_csv_records(write(ODD), "y")
    new = records.rewrite([1, 2], ["dog, old", "dog"], 1).decode()
    assert new == 'a,y\r\n"2,\r\n3","dog, old"\n\n 4 ,dog\n'


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(write, delimiter):
    other = "," if delimiter != "," else ";"
    text = f"a{other}b{delimiter}label\n1{delimiter}x\n"
    records = read_csv_records(write(text), "label")
    assert records.rows[0].cells == ["1", "x"]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
tables = st.integers(2, 3).flatmap(
    lambda n: st.lists(st.lists(cells, min_size=n, max_size=n), min_size=2, max_size=6)
)


@settings(max_examples=150, deadline=None)
@given(tables, st.sampled_from(["\n", "\r\n"]))
def test_any_table_survives(tmp_path_factory, table, end):
    """Against the standard library's own reading of what it wrote."""
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows(table)
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(text.getvalue().encode())
    if text.getvalue().startswith("\ufeff"):
        return
    try:
        records = read_csv_records(path, table[0][0])
    except CommandError:  # another delimiter fits the header as well
        return
    if records.delimiter != ",":
        return
    rows = list(csv.reader(io.StringIO(text.getvalue(), newline="")))
    assert [records.header.cells, *(r.cells for r in records.rows)] == rows
    kept = np.arange(len(records.rows)).tolist()
    labels = [record.cells[0] for record in records.rows]
    assert records.rewrite(kept, labels, 0) == path.read_bytes()
    changed = records.rewrite(kept, ["n,ew"] * len(kept), 0).decode()
    again = list(csv.reader(io.StringIO(changed, newline="")))[1:]
    assert again == [["n,ew", *row[1:]] for row in rows[1:]]
