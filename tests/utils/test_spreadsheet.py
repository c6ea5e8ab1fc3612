"""Cells that spreadsheets leave alone, and the way back."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skgex._utils.spreadsheet import escape_cell, unescape_cell

# Beginnings of formulas, and apostrophes, are frequent among these.
TEXTS = st.text(st.sampled_from("=+-@'\t\r\n a1\uff1d") | st.characters())


@settings(deadline=None)
@given(TEXTS)
@example("")
@example("'")
@example("''=")
def test_each_text_is_read_back(text):
    assert unescape_cell(escape_cell(text)) == text


@settings(deadline=None)
@given(TEXTS)
def test_no_cell_begins_as_a_formula(text):
    assert not escape_cell(text).startswith(tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"))


@pytest.mark.parametrize("text", ["ant", "", "a=1", " =1", "1+1", "über"])
def test_a_harmless_text_stays(text):
    assert escape_cell(text) == text
    assert unescape_cell(text) == text


@pytest.mark.parametrize(
    ("text", "cell"),
    [('=HYPERLINK("x")', '\'=HYPERLINK("x")'), ("'t", "''t"), ("@a", "'@a")],
)
def test_an_apostrophe_comes_first(text, cell):
    assert escape_cell(text) == cell


def test_what_was_never_escaped_keeps_its_apostrophe():
    assert unescape_cell("'t is") == "'t is"
