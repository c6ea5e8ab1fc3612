"""CSV files are written again byte for byte, whatever is odd about them."""

import csv
import io

import pytest
from commanding import iris
from hypothesis import given, settings
from hypothesis import strategies as st

from skgex.cli._csv_records import read_csv_records
from skgex.cli._errors import CommandError
from skgex.cli._reading import load

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


def test_empty_lines_before_the_header_stay(write):
    path = write("\r\n\n" + ODD)
    records = read_csv_records(path, "y")
    assert [records.header.line, records.rows[0].line] == [3, 4]
    labels = [row.cells[1] for row in records.rows]
    assert records.rewrite([0, 1, 2, 3], labels, 1) == path.read_bytes()


@pytest.mark.parametrize("text", ["\n", "\r\n\n\r"])
def test_a_file_of_empty_lines_is_empty(write, text):
    with pytest.raises(CommandError, match=r"t.csv: is empty"):
        read_csv_records(write(text), "y")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_empty_lines_move_no_cell(write, end):
    """pandas takes ``\\r\\r,1`` for a row that begins with 1."""
    X, labels, _ = iris()
    rows = [f",{x[0]},{x[1]},{y}" for x, y in zip(X, labels, strict=True)]
    rows[0] = f"0{rows[0]}"
    data = load(write((end * 2).join(["a,b,c,y", *rows])), "y")
    assert data.X["a"].notna().tolist() == [True] + [False] * 149
    assert data.X[["b", "c"]].to_numpy().tolist() == X[:, :2].tolist()


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


def test_a_quoted_header_may_hold_other_delimiters(write):
    records = read_csv_records(write('"a;b",y\n1;2,x\n'), "y")
    assert records.rows[0].cells == ["1;2", "x"]


def test_a_bad_row_does_not_hide_the_delimiter(write):
    with pytest.raises(CommandError, match=r"t.csv: line 2: "):
        read_csv_records(write('a,y\n"1"2,x\n'), "y")


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
tables = st.integers(2, 3).flatmap(
    lambda n: st.lists(st.lists(cells, min_size=n, max_size=n), min_size=2, max_size=6)
)


def quoted(row):
    """A line of CSV, by the rule that quotes within a cell are doubled."""
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in row)


@settings(max_examples=150, deadline=None)
@given(tables, st.sampled_from(["\n", "\r\n"]))
def test_any_table_survives(tmp_path_factory, table, end):
    table[0][0] = "label"
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes("".join(quoted(row) + end for row in table).encode())
    records = read_csv_records(path, "label")
    assert [records.header.cells, *(row.cells for row in records.rows)] == table
    kept = list(range(len(records.rows)))
    same = [row[0] for row in table[1:]]
    assert records.rewrite(kept, same, 0) == path.read_bytes()
    changed = records.rewrite(kept, ["n,ew"] * len(kept), 0).decode()
    again = list(csv.reader(io.StringIO(changed, newline="")))
    assert again == [table[0], *(["n,ew", *row[1:]] for row in table[1:])]
