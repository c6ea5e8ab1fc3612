"""Files are checked before any work, written whole, and never replaced unasked."""

import os

import numpy as np
import pytest
from commanding import fails, iris, read_csv, run, succeeds

from skgex.cli import _detect

pytestmark = pytest.mark.filterwarnings("ignore")
X, labels, _ = iris()


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "iris.npz"
    np.savez(path, X=X, y=labels)
    return path


@pytest.fixture
def no_fit(monkeypatch):
    """Fail if anything is trained."""
    monkeypatch.setattr(_detect, "fit", lambda *args: pytest.fail("was fitted"))


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--out", "i.csv"),
        ("--report", "r.html"),
        ("--drop", "d.npz"),
        ("--relabel", "n.npz"),
    ],
)
def test_a_file_that_exists_is_kept(data, tmp_path, no_fit, option, name):
    (tmp_path / name).write_text("mine")
    line = fails("detect", data, option, tmp_path / name)
    assert f"{option}: " in line
    assert "exists already; --force replaces it" in line
    assert (tmp_path / name).read_text() == "mine"


def test_force_replaces_it(data, tmp_path):
    out = tmp_path / "i.csv"
    out.write_text("mine")
    succeeds("detect", data, "--quick", "--out", out, "--force")
    assert len(read_csv(out)) == 150


def test_the_data_are_never_replaced(data, tmp_path, no_fit):
    before = data.read_bytes()
    (tmp_path / "link.npz").symlink_to(data)
    for name in ("iris.npz", "link.npz"):
        line = fails("detect", data, "--drop", tmp_path / name, "--force")
        assert "is what the command reads; name another" in line
    assert data.read_bytes() == before


def test_two_outputs_are_two_files(data, tmp_path, no_fit):
    twice = tmp_path / "d.npz"
    line = fails("detect", data, "--drop", twice, "--relabel", twice)
    assert "is also --drop" in line


@pytest.mark.parametrize(
    ("option", "name", "ending"),
    [
        ("--out", "i.txt", ".csv"),
        ("--report", "r.pdf", ".html or .htm"),
        ("--drop", "d.csv", ".npz"),
    ],
)
def test_the_ending_says_what_a_file_holds(
    data, tmp_path, no_fit, option, name, ending
):
    line = fails("detect", data, option, tmp_path / name)
    assert f"must end in {ending}" in line


def test_a_folder_that_is_not_there(data, tmp_path, no_fit):
    line = fails("detect", data, "--out", tmp_path / "no" / "i.csv")
    assert "--out: the folder" in line


def test_nothing_is_written_into_the_images(tmp_path, no_fit):
    line = fails("detect", tmp_path, "--out", tmp_path / "i.csv")
    assert "lies in the folder of images" in line


def test_no_half_file_stays_if_writing_fails(data, tmp_path, monkeypatch):
    before = names_in(tmp_path)

    def full(*args, **kwargs):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    line = fails("detect", data, "--quick", "--out", tmp_path / "i.csv")
    assert line == "error: --out: No space left on device"
    assert names_in(tmp_path) == before


def test_what_was_written_before_a_failure_is_named(data, tmp_path, monkeypatch):
    replace = os.replace

    def full_for_npz(source, target):
        if str(target).endswith(".npz"):
            raise OSError("No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full_for_npz)
    out, drop = tmp_path / "i.csv", tmp_path / "d.npz"
    line = fails("detect", data, "--quick", "--out", out, "--drop", drop)
    assert f"--drop: No space left on device (written before: {out})" in line
    assert len(read_csv(out)) == 150
    assert names_in(tmp_path) == ["i.csv", "iris.npz"]


def test_an_interrupt_leaves_nothing_and_exits_with_130(data, tmp_path, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(_detect, "fit", interrupted)
    result = run("detect", data, "--out", tmp_path / "i.csv")
    assert result.exit_code == 130
    assert result.stderr == "error: interrupted\n"
    assert names_in(tmp_path) == ["iris.npz"]


def test_cells_that_a_spreadsheet_would_run_are_escaped(tmp_path):
    hostile = np.array(["=cmd|' /C calc'!A0", "@SUM(1)", "'quoted"])
    names = np.array(["setosa", "versicolor", "virginica"])
    given = hostile[np.searchsorted(names, labels)]
    np.savez(tmp_path / "h.npz", X=X, y=given)
    out, drop = tmp_path / "i.csv", tmp_path / "d.npz"
    text = succeeds("detect", tmp_path / "h.npz", "--out", out, "--drop", drop)
    cells = {each[1] for each in read_csv(out)}
    assert cells == {"'" + each for each in hostile}
    with np.load(drop) as clean:  # what is no spreadsheet stays as it was
        assert set(clean["y"]) == set(hostile)
    assert "=cmd|" in text
