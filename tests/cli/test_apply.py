"""``skgex apply`` corrects labels as a reviewer decided."""

import numpy as np
import pyarrow
import pytest
from commanding import fails, read_csv, succeeds, write_csv
from PIL import Image
from pyarrow import parquet

HEADER = ["row", "given_label", "decision", "new_label"]


@pytest.fixture
def data(tmp_path):
    rows = [
        [f"{n:02}", "1.50", "ab"[n % 2], "=x" if n % 2 else "dog"] for n in range(24)
    ]
    return write_csv(tmp_path / "t.csv", ["id", "x", "c", "y"], rows)


def decided(tmp_path, *rows):
    return write_csv(tmp_path / "decisions.csv", HEADER, rows)


def test_rows_are_dropped_relabelled_and_kept(data, tmp_path):
    decisions = decided(
        tmp_path,
        [3, "'=x", "relabel", "dog"],
        [0, "dog", "drop", ""],
        [5, "'=x", "keep", ""],
    )
    out = tmp_path / "clean.csv"
    text = succeeds("apply", data, decisions, "--out", out)
    lines = data.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"=x", b"dog")
    del lines[1]
    assert out.read_bytes() == b"".join(lines)
    assert "relabelled  1 row " in text
    assert "dropped     1 row " in text
    assert "23 rows" in text


def test_two_columns_that_fit_are_not_guessed_between(tmp_path):
    rows = [[n, "dog", "dog" if n else "cat"] for n in range(24)] + [
        [0, "cat", "cat"]
    ] * 2
    data = write_csv(tmp_path / "t.csv", ["id", "y", "z"], rows)
    decisions = decided(tmp_path, [3, "dog", "drop", ""])
    out = tmp_path / "clean.csv"
    line = fails("apply", data, decisions, "--out", out)
    assert "t.csv: columns y, z have the given labels of decisions.csv" in line
    succeeds("apply", data, decisions, "--out", out, "--label", "z")
    assert len(read_csv(out)) == 25


def test_decisions_on_other_data(data, tmp_path):
    decisions = decided(tmp_path, [3, "cat", "drop", ""])
    out = tmp_path / "clean.csv"
    line = fails("apply", data, decisions, "--out", out)
    assert "no column has the given labels of decisions.csv; pass --label" in line
    line = fails("apply", data, decisions, "--out", out, "--label", "y")
    assert "decisions.csv" in line
    assert "line 2" in line
    assert "'cat'" in line
    assert not out.exists()


def test_files_are_kept(data, tmp_path):
    decisions = decided(tmp_path, [3, "'=x", "drop", ""])
    for taken in (data, decisions):
        line = fails("apply", data, decisions, "--out", taken, "--force")
        assert "is what the command reads" in line
    (tmp_path / "clean.csv").write_text("mine")
    line = fails("apply", data, decisions, "--out", tmp_path / "clean.csv")
    assert "exists already" in line
    assert "no.csv: there is no such file" in fails(
        "apply", data, tmp_path / "no.csv", "--out", tmp_path / "new.csv"
    )


def test_arrays(tmp_path):
    y = np.arange(24) % 3
    np.savez(tmp_path / "t.npz", X=np.zeros((24, 2)), y=y)
    decisions = decided(tmp_path, [1, "1", "relabel", "2"], [2, "2", "drop", ""])
    out = tmp_path / "clean.npz"
    succeeds("apply", tmp_path / "t.npz", decisions, "--out", out)
    with np.load(out) as clean:
        assert clean["y"].tolist() == [0, 2, *y[3:]]
        assert clean["X"].shape == (23, 2)


def test_the_reviewed_column_of_a_parquet_file_is_found(tmp_path):
    columns = {"x": range(24), "c": ["a", "b"] * 12, "y": ["=x", "dog", "cat"] * 8}
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    decisions = decided(tmp_path, [0, "'=x", "relabel", "dog"], [2, "cat", "drop", ""])
    out = tmp_path / "clean.parquet"
    succeeds("apply", tmp_path / "t.parquet", decisions, "--out", out)
    clean = parquet.read_table(out).to_pydict()
    assert clean["y"] == ["dog", "dog", *columns["y"][3:]]
    assert clean["x"] == [0, 1, *range(3, 24)]


def test_a_folder_becomes_a_list(tmp_path):
    for n in range(24):
        path = tmp_path / "pictures" / ("=cats" if n % 2 else "dogs") / f"{n:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), n, dtype=np.uint8)).save(path)
    decisions = decided(
        tmp_path, [0, "'=cats", "relabel", "dogs"], [1, "'=cats", "drop", ""]
    )
    out = tmp_path / "clean.csv"
    succeeds("apply", tmp_path / "pictures", decisions, "--out", out)
    listed = read_csv(out)
    assert len(listed) == 23
    assert listed[:2] == [["'=cats/01.png", "dogs"], ["'=cats/05.png", "'=cats"]]
