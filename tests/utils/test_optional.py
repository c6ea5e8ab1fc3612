"""Libraries that need not be installed."""

import math
import sys

import pytest

from skgex._utils.optional import import_optional


def test_a_module_that_is_there_is_returned():
    assert import_optional("math", "tabular", "issues") is math


def test_the_error_says_who_needs_it_and_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(
        ImportError, match=r'^issues needs pandas: .*"skgex\[tabular\]"'
    ):
        import_optional("pandas", "tabular", "issues")
