import os
import stat

import pytest

from skgex._utils import atomic
from skgex._utils.atomic import check_free, write_atomically


def test_text_and_bytes_are_written_as_they_are(tmp_path):
    write_atomically(tmp_path / "text", "ä\r\n€\n")
    write_atomically(tmp_path / "bytes", b"\x00\xff")
    assert (tmp_path / "text").read_bytes() == b"\xc3\xa4\r\n\xe2\x82\xac\n"
    assert (tmp_path / "bytes").read_bytes() == b"\x00\xff"


def test_nothing_else_stays_in_the_folder(tmp_path):
    write_atomically(tmp_path / "a", "1")
    write_atomically(tmp_path / "a", "2", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "2"


def test_an_existing_file_is_kept_unless_told(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(FileExistsError, match=r"path: '.*a' exists already"):
        write_atomically(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_whatever_is_raised_leaves_the_folder_as_it_was(
    tmp_path, monkeypatch, step, error
):
    (tmp_path / "a").write_text("old")

    def fails(*args):
        raise error

    monkeypatch.setattr(atomic.os, step, fails)
    with pytest.raises(error):
        write_atomically(tmp_path / "a", "new", overwrite=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}


def test_a_file_that_came_meanwhile_is_kept(tmp_path, monkeypatch):
    def slow(fd):
        (tmp_path / "a").write_text("theirs")

    monkeypatch.setattr(atomic.os, "fsync", slow)
    with pytest.raises(FileExistsError):
        write_atomically(tmp_path / "a", "ours")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a": "theirs"
    }


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_permissions_are_those_of_a_file_that_open_makes(tmp_path):
    before = os.umask(0o027)
    try:
        (tmp_path / "plain").write_text("")
        write_atomically(tmp_path / "a", "")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == mode(tmp_path / "plain") == 0o640


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_an_overwritten_file_keeps_its_permissions(tmp_path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "a").chmod(0o600)
    write_atomically(tmp_path / "a", "new", overwrite=True)
    assert mode(tmp_path / "a") == 0o600


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomically(tmp_path / "link", "new", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_path_is_checked_before_there_is_anything_to_write(tmp_path):
    assert check_free(str(tmp_path / "a")) == tmp_path / "a"
    with pytest.raises(IsADirectoryError, match=r"^--out: .* is a folder"):
        check_free(tmp_path, True, "--out")
    with pytest.raises(FileNotFoundError, match=r"^path: the folder '.*no' does not"):
        check_free(tmp_path / "no" / "a")
    assert list(tmp_path.iterdir()) == []
