"""Each script of the gallery runs, without a warning that it does not want to show."""

import re
import runpy
import time
import warnings
from pathlib import Path

import matplotlib as mpl
import pytest

from skgex.exceptions import (
    AmbiguousNoiseWarning,
    SuspiciousMaskWarning,
    UnpredictableLabelsWarning,
)

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
SCRIPTS = sorted(EXAMPLES.glob("plot_*.py"))

# What real data may well be told.
WELCOME = (AmbiguousNoiseWarning, SuspiciousMaskWarning, UnpredictableLabelsWarning)

# Seconds of processor time, on a machine that may do other work as well.
LIMIT = 60


@pytest.fixture
def in_an_empty_folder(tmp_path, monkeypatch):
    """Return the folder; no figure is left open."""
    mpl.use("Agg")
    from matplotlib import pyplot

    monkeypatch.chdir(tmp_path)
    pyplot.close("all")
    yield tmp_path
    pyplot.close("all")


def test_each_script_has_its_place():
    """Else a new one would stand last, whatever it is about."""
    places = runpy.run_path(str(EXAMPLES.parent / "gallery_order.py"))
    assert sorted(places["ORDER"]) == [path.name for path in SCRIPTS]
    assert places["place_of"]("plot_tables.py") == 1


def test_there_is_a_gallery():
    assert len(SCRIPTS) >= 12
    assert (EXAMPLES / "GALLERY_HEADER.rst").is_file()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_begins_with_its_title(path):
    title, line, _ = path.read_text().removeprefix('"""\n').split("\n", 2)
    assert line == "=" * len(title)
    assert len(re.findall(r"^# %%$", path.read_text(), re.M)) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_draws_warns_of_nothing_else_and_leaves_no_file(
    path, in_an_empty_folder
):
    from matplotlib import pyplot

    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for category in WELCOME:
            warnings.simplefilter("ignore", category)
        # torch warns of parts of its own.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="torch")
        runpy.run_path(str(path), run_name="__main__")
    assert time.process_time() - start < LIMIT
    assert pyplot.get_fignums()
    for number in pyplot.get_fignums():
        pyplot.figure(number).draw_without_rendering()
    assert list(in_an_empty_folder.iterdir()) == []
