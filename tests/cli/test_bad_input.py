"""Bad input gets one line that names file, row and column, and nothing is written."""

from zipfile import ZipFile

import numpy as np
import pyarrow
import pytest
from commanding import fails, iris, run, write_csv
from pyarrow import parquet

from skgex.cli import _detect

X, labels, _ = iris()


@pytest.fixture
def table(tmp_path):
    """A good table, and where it lies."""
    rows = [[*x, y] for x, y in zip(X, labels, strict=True)]
    return write_csv(tmp_path / "iris.csv", ["a", "b", "c", "d", "species"], rows)


def edited(table, edit):
    """Return the table with its lines edited."""
    lines = table.read_text().splitlines()
    edit(lines)
    table.write_text("\n".join(lines) + "\n")
    return table


# Columns


def test_no_label(table):
    line = fails("detect", table)
    assert "iris.csv: pass --label" in line
    assert "a, b, c, d, species" in line


def test_a_misspelt_label(table):
    line = fails("detect", table, "--label", "Specie")
    assert "there is no column 'Specie'; did you mean 'species'?" in line
    assert "It has: a, b, c, d, species" in line


def test_a_column_that_occurs_twice(table):
    edited(table, lambda lines: lines.__setitem__(0, "a,b,species,d,species"))
    assert "several columns 'species'" in fails("detect", table, "--label", "species")


def test_misspelt_groups(table):
    line = fails("detect", table, "--label", "species", "--groups", "e")
    assert "--groups: there is no column 'e'" in line


def test_nothing_to_judge_by(tmp_path):
    path = write_csv(tmp_path / "y.csv", ["species"], [[y] for y in labels])
    line = fails("detect", path, "--label", "species")
    assert "y.csv: has no column beside the labels" in line


# Rows


@pytest.mark.parametrize("cell", ["", "  ", "NA", "nan", "NULL"])
def test_a_missing_label(table, cell):
    edited(table, lambda lines: lines.__setitem__(9, f"1,2,3,4,{cell}"))
    line = fails("detect", table, "--label", "species")
    assert "iris.csv: column 'species': line 10 has no label" in line


def test_a_missing_group(table):
    edited(table, lambda lines: lines.__setitem__(9, "1,2,,4,setosa"))
    line = fails("detect", table, "--label", "species", "--groups", "c")
    assert "column 'c': line 10 has no group" in line


def test_a_class_of_one_row(table):
    edited(table, lambda lines: lines.__setitem__(20, "1,2,3,4,setosa "))
    line = fails("detect", table, "--label", "species")
    assert "the class 'setosa ' has one row, line 21" in line


def test_one_class(table):
    edited(
        table,
        lambda lines: lines.__setitem__(
            slice(1, None), [f"{n},2,3,4,setosa" for n in range(30)]
        ),
    )
    line = fails("detect", table, "--label", "species")
    assert "all rows have the same label, 'setosa'" in line


def test_numbers_that_are_no_classes(tmp_path):
    rows = [[n, n / 7] for n in range(50)]
    path = write_csv(tmp_path / "t.csv", ["a", "b"], rows)
    line = fails("detect", path, "--label", "b")
    assert "50 different labels in 50 rows, so that it holds no classes" in line


def test_too_few_rows(tmp_path):
    rows = [[n, "ab"[n % 2]] for n in range(19)]
    path = write_csv(tmp_path / "t.csv", ["a", "b"], rows)
    assert "has 19 rows; at least 20" in fails("detect", path, "--label", "b")


def test_a_ragged_line(table):
    edited(table, lambda lines: lines.__setitem__(12, "1,2,3,4,5,setosa"))
    line = fails("detect", table, "--label", "species")
    assert "iris.csv: line 13 has 6 cells, the header has 5 columns" in line


def test_lines_are_counted_as_an_editor_does(table):
    """A cell may have line breaks in it."""
    edited(table, lambda lines: lines.__setitem__(3, '1,2,3,4,"set\n\nosa"'))
    edited(table, lambda lines: lines.append("1,2,3"))
    line = fails("detect", table, "--label", "species")
    assert "line 154 has 3 cells" in line


def test_a_quote_that_does_not_end(table):
    edited(table, lambda lines: lines.__setitem__(30, '"1,2,3,4,setosa'))
    line = fails("detect", table, "--label", "species")
    assert "iris.csv: line 31: unexpected end of data" in line


def test_a_quote_in_the_middle(table):
    edited(table, lambda lines: lines.__setitem__(30, '"1"2,2,3,4,setosa'))
    line = fails("detect", table, "--label", "species")
    assert "iris.csv: line 31: " in line


# Files


def test_no_file(tmp_path):
    assert "no.csv: there is no such file" in fails("detect", tmp_path / "no.csv")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".npz"])
def test_an_empty_file(tmp_path, suffix):
    path = tmp_path / f"nothing{suffix}"
    path.touch()
    assert f"nothing{suffix}: is empty" in fails("detect", path, "--label", "y")


def test_a_header_alone(tmp_path):
    path = write_csv(tmp_path / "h.csv", ["a", "y"], [])
    assert "h.csv: has a header, but no rows" in fails("detect", path, "--label", "y")


def test_another_kind_of_file(tmp_path):
    (tmp_path / "data.xlsx").write_bytes(b"PK")
    line = fails("detect", tmp_path / "data.xlsx")
    assert "data.xlsx: files of the kinds .csv, .tsv, .parquet, .pq, .npz" in line


def test_another_encoding(table):
    table.write_bytes(table.read_bytes() + "1,2,3,4,é\n".encode("latin1"))
    line = fails("detect", table, "--label", "species")
    assert "iris.csv: line 152 is not UTF-8 (byte 0xe9)" in line


def test_bytes_that_are_no_text(table):
    table.write_bytes(table.read_bytes() + b"\0\0\n")
    line = fails("detect", table, "--label", "species")
    assert "line 152 holds a zero byte" in line


@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
def test_a_damaged_file(tmp_path, suffix):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(b"PAR1 or PK" * 20)
    line = fails("detect", path, "--label", "y")
    assert f"bad{suffix}: cannot be read as {suffix[1:].capitalize()}" in line or (
        "cannot be read as NPZ" in line
    )


def test_a_truncated_npz(tmp_path):
    path = tmp_path / "half.npz"
    np.savez(path, X=X, y=labels)
    path.write_bytes(path.read_bytes()[:900])
    assert "half.npz: cannot be read as NPZ" in fails("detect", path)


def test_python_objects_in_an_npz_are_never_loaded(tmp_path):
    path = tmp_path / "o.npz"
    np.savez(path, X=X, y=labels.astype(object))
    line = fails("detect", path)
    assert "o.npz: array 'y' holds Python objects, which could run code" in line


def test_arrays_that_do_not_match(tmp_path):
    path = tmp_path / "o.npz"
    np.savez(path, X=X[:-1], y=labels)
    assert "an array X with 150 rows is needed" in fails("detect", path)
    np.savez(path, a=X, b=X, y=labels)
    assert "a, b might be: name the samples X" in fails("detect", path)
    np.savez(path, X=X, y=X[:, :2])
    assert "array 'y' has the shape (150, 2)" in fails("detect", path)
    np.savez(path, X=X, truth=labels)
    line = fails("detect", path, "--label", "thruth")
    assert "there is no array 'thruth'; did you mean 'truth'?" in line


def test_arrays_that_cannot_be_used(tmp_path):
    path = tmp_path / "o.npz"
    np.savez(path)
    assert "o.npz: holds no arrays" in fails("detect", path)
    np.savez(path, X=X * 1j, y=labels)
    assert "samples of the type complex128 cannot" in fails("detect", path)
    np.savez(path, X=X, y=labels, who=X[:, :2])
    line = fails("detect", path, "--groups", "who")
    assert "--groups: array 'who' has the shape (150, 2); (150,) is needed" in line


def test_a_parquet_without_rows(tmp_path):
    parquet.write_table(pyarrow.table({"a": [], "y": []}), tmp_path / "h.parquet")
    line = fails("detect", tmp_path / "h.parquet", "--label", "y")
    assert "h.parquet: has no rows" in line


def test_a_file_in_an_npz_that_is_no_array(tmp_path):
    path = tmp_path / "o.npz"
    np.savez(path, X=X, y=labels)
    with ZipFile(path, "a") as archive:
        archive.writestr("note.txt", "from the lab")
    assert "o.npz: 'note.txt' is no array" in fails("detect", path)


def test_a_parquet_with_a_missing_label(tmp_path):
    given = [*labels[:9].tolist(), None, *labels[10:].tolist()]
    table = pyarrow.table({"a": X[:, 0], "y": given})
    parquet.write_table(table, tmp_path / "t.parquet")
    line = fails("detect", tmp_path / "t.parquet", "--label", "y")
    assert "t.parquet: column 'y': row 9 has no label" in line


def test_a_size_for_a_table(table):
    line = fails("detect", table, "--label", "species", "--size", "32")
    assert "iris.csv: --size is for a folder of images" in line


def test_a_folder_without_classes(tmp_path):
    assert "has 0 sub-folders; one per class" in fails("detect", tmp_path)


def test_an_option_of_tables_for_a_folder(tmp_path):
    line = fails("detect", tmp_path, "--label", "y")
    assert "the labels of a folder are the names of its sub-folders" in line


def test_a_file_that_is_no_image(tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_text("no image")
    assert "cats/1.png' is no image" in fails("detect", tmp_path)


def test_what_the_data_say_cannot_steer_the_terminal(table):
    edited(table, lambda lines: lines.__setitem__(20, "1,2,3,4,\x1b[2J[red]x"))
    line = fails("detect", table, "--label", "species")
    assert "\x1b" not in line
    assert "[2J[red]x" in line


# Options


@pytest.mark.parametrize(
    "options",
    [
        ("--precision", "0"),
        ("--precision", "100"),
        ("--seed", "-1"),
        ("--jobs", "two"),
        ("--noise-type", "other"),
        ("--no-such-option",),
    ],
)
def test_impossible_options(table, options):
    result = run("detect", table, "--label", "species", *options)
    assert result.exit_code == 2
    assert options[0] in result.stderr


def test_a_backbone_and_weights_for_images_go_together(table, tmp_path):
    weights = tmp_path / "w.pt"
    weights.touch()
    label = ("--label", "species")
    line = fails("detect", table, *label, "--weights", weights)
    assert "--backbone: is needed, too" in line
    line = fails("detect", table, *label, "--backbone", "resnet18")
    assert "--weights: is needed, too" in line
    both = (*label, "--backbone", "resnet18", "--weights")
    assert "there is no file" in fails("detect", table, *both, tmp_path / "no.pt")
    assert "--weights: is for images" in fails("detect", table, *both, weights)


def test_a_fit_that_is_refused_exits_with_3(tmp_path):
    path = tmp_path / "inf.npz"
    samples = X.copy()
    samples[3, 1] = np.inf
    np.savez(path, X=samples, y=labels)
    line = fails("detect", path, code=3)
    assert "the labels cannot be judged: " in line
    assert "inf" in line


def test_a_fit_without_memory_exits_with_3(table, monkeypatch):
    def fit(*args):
        raise MemoryError

    monkeypatch.setattr(_detect, "fit", fit)
    line = fails("detect", table, "--label", "species", code=3)
    assert line.endswith("the labels cannot be judged: there is not enough memory")
