"""Cells of a CSV file that no spreadsheet takes for a formula.

A spreadsheet runs a cell that begins as a formula does, whoever wrote it. An apostrophe
before it makes it text. It is also put before an apostrophe, so that each text can be
read back as it was.
"""

# What a formula may begin with, by the guidance of OWASP on CSV injection: also after a
# tab or a line break, and in the wide letters of East Asian keyboards.
FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
APOSTROPHE = "'"


def escape_cell(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet might run.

    Parameters
    ----------
    text : str
        Not a number: -1 would become a text.

    Returns
    -------
    cell : str
        ``unescape_cell`` returns the text.
    """
    risky = bool(text) and text[0] in FORMULA + APOSTROPHE
    return APOSTROPHE + text if risky else text


def unescape_cell(cell: str) -> str:
    """Return the text that ``escape_cell`` made a cell of.

    Parameters
    ----------
    cell : str

    Returns
    -------
    text : str
        A cell that was never escaped is returned as it is.
    """
    escaped = len(cell) > 1 and cell[0] == APOSTROPHE
    return cell[1:] if escaped and cell[1] in FORMULA + APOSTROPHE else cell
