"""The site's reference has a page for every public name."""

import importlib.util
from pathlib import Path

import pytest
from test_docstrings import MODULES, names_in

import skgex

DOCS = Path(skgex.__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def pages():
    """Text of the pages of the reference by file name, as Sphinx gets them."""
    spec = importlib.util.spec_from_file_location("api_pages", DOCS / "api_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.api_pages())


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_name_has_a_page(pages, module):
    if module is skgex:
        pytest.skip("its names are those of its modules")
    for name in names_in(module):
        page = pages[f"{module.__name__}.{name}.rst"]
        assert f":: {name}\n" in page
        assert f"   {module.__name__}.{name}\n" in pages[f"{module.__name__}.rst"]


def test_names_of_the_top_are_names_of_a_module(pages):
    for name in names_in(skgex):
        assert (
            f"{getattr(skgex, name).__module__.rsplit('.', 1)[0]}.{name}.rst" in pages
        )


def test_a_page_lists_the_methods_that_are_written_here(pages):
    page = pages["skgex.detection.GEXDetector.rst"]
    assert "explain" in page
    assert "self_influence" in page  # of a base class
    assert "set_params" not in page  # of scikit-learn
