"""The demo shows what it says."""

import re

import pytest
from commanding import fails, succeeds
from PIL import Image
from sklearn.datasets import load_digits


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


@pytest.mark.usefixtures("short_trainings")
def test_what_it_shows_of_fewer_digits(tmp_path, monkeypatch):
    X, y = load_digits(return_X_y=True)
    monkeypatch.setattr("skgex.cli._demo.load_digits", lambda **_: (X[::9], y[::9]))
    grid = {"gexdetector__n_members": [2], "gexdetector__lr": [0.05, 0.2]}
    monkeypatch.setattr("skgex.cli._demo.GRID", grid)
    figure = tmp_path / "digits.png"
    text = succeeds("demo", "--figure", figure)
    assert "200 digits; 20 of their labels were made wrong." in text
    assert "GridSearchCV over 2 settings" in text
    assert re.search(r"^n_members +2 *$", text, re.M)
    suspects = re.findall(r"^ *(\d+) +\d+% +(\d) +(\d) +(\d) *$", text, re.M)
    assert len(suspects) == 10
    assert all(int(truth) == y[::9][int(row)] for row, *_, truth in suspects)
    with Image.open(figure) as image:
        assert image.size == (1200, 700)


def test_a_figure_that_cannot_be_written(tmp_path):
    line = fails("demo", "--figure", tmp_path / "no" / "digits.png")
    assert "--figure: " in line
