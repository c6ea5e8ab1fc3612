"""What is printed cannot steer a terminal, and fits it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skgex.cli._printing import Column, print_table, print_text, printable
from skgex.cli._progress_bar import progress_bar


@given(st.text())
def test_anything_becomes_one_printable_line(text):
    assert printable(text).isprintable()


def test_markup_is_text(capsys):
    print_text("[red]x[/red] :smile: https://x.org")
    assert capsys.readouterr().out == "[red]x[/red] :smile: https://x.org\n"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_short_columns_are_never_cut(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    columns = [
        Column("wrong"),
        *(Column(f"long {n}", is_short=False) for n in range(3)),
    ]
    words = " ".join(["word"] * 100)
    print_table(columns, [["100%", "x" * 500, words, 1], ["7%", "a\x1b[31mb", "", ""]])
    lines = capsys.readouterr().out.splitlines()
    (first,) = (line for line in lines if "100%" in line)
    assert first.count("…") == 2
    assert any("a\ufffd[31mb" in line for line in lines)
    assert max(map(len, lines)) <= width


def test_many_long_columns_leave_room_for_short_ones(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    long = [Column(f"long {n}", is_short=False) for n in range(3)]
    print_table(
        [Column("line"), Column("wrong"), *long], [[12, "97%", *["x" * 50] * 3]]
    )
    out = capsys.readouterr().out
    assert " 12 " in out
    assert " 97% " in out
    assert out.count("x") > 30


@pytest.mark.parametrize("is_terminal", [True, False])
def test_only_a_terminal_gets_a_progress_bar(capsys, monkeypatch, is_terminal):
    if is_terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_bar("reading the data"):
        pass
    shown = capsys.readouterr()
    assert ("reading the data" in shown.err) == is_terminal
    assert shown.out == ""
    assert is_terminal or shown.err == ""
