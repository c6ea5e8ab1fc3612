"""The demo shows what it says."""

import re

import pytest
from commanding import fails, succeeds
from PIL import Image


@pytest.mark.slow
def test_the_demo_finds_most_flipped_digits(tmp_path):
    figure = tmp_path / "digits.png"
    text = succeeds("demo", "--figure", figure)
    assert "1,797 digits; 180 of their labels were made wrong." in text
    (precision,) = re.findall(r"^precision +([\d.]+) *$", text, re.M)
    assert float(precision) > 0.9
    assert "GridSearchCV over 12 settings" in text
    with Image.open(figure) as image:
        assert image.size == (1200, 700)


def test_a_figure_that_cannot_be_written(tmp_path):
    line = fails("demo", "--figure", tmp_path / "no" / "digits.png")
    assert "--figure: " in line
