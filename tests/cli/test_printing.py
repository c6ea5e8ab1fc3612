"""What is printed cannot steer a terminal, and fits it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skgex.cli._printing import Column, print_table, print_text, printable
from skgex.cli._progress_bar import Share


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


FITS = [
    [
        ("training", 30, 200),
        ("training", 9, 9),
        ("learning rate", 4, 6),
        ("members", 8, 8),
    ],
    [("training", 20, 20)] * 4 + [("learning rate", 6, 6), ("members", 64, 64)],
    [("members", 8, 8)],
]


@pytest.mark.parametrize("fit", FITS)
def test_the_bar_rises_to_its_end(fit):
    share, shown = Share(), []
    for stage, done, total in fit:
        shown += [share.after(stage, step, total) for step in range(done + 1)]
    assert shown == sorted(shown)
    assert shown[-1] == 1.0
    assert shown[0] == 0.0
