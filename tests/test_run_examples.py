"""The script that runs the examples of the docs sees what is wrong with them."""

import importlib.util
import sys
from pathlib import Path

import pytest

import skgex

SCRIPT = Path(skgex.__file__).parents[1] / "docs" / "run_examples.py"

PAGE = """
```python
n = 2
```

Words between.

```python
print(n + 1)
print("took", 0.123, "s")
```

```
3
took ... s
```

```console
$ echo one
one
$ echo two \\
    three
```

```
two three
```

```{note}
No example.
```

```
no output either
```
"""


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("run_examples", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def complaints(script, text):
    names = {}
    found = script.examples_of(text)
    return [script.complaint(example, names, "page.md") for example in found]


def test_a_page_that_is_right_has_no_complaints(script):
    assert complaints(script, PAGE) == [""] * 3


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("3\ntook", "33\ntook", 1),
        ("took ...", "takes ...", 1),
        ("n = 2", "n = 1 / 0", 0),
        ("$ echo one", "$ false", 2),
        ("$ echo one", "$ echo eins", 2),
        ("two three\n", "two four\n", 2),
    ],
)
def test_what_is_wrong_is_seen(script, right, wrong, place):
    assert PAGE.count(right) == 1
    found = complaints(script, PAGE.replace(right, wrong))
    assert found[place]


@pytest.mark.parametrize(
    ("shown", "printed", "is_fine"),
    [
        ("163 of 1,797 rows (9.1%)", "168 of 1,797 rows (9.4%)", True),
        ("163 rows", "173 rows", False),
        ("0 flagged", "3 flagged", True),
        ("0 flagged", "4 flagged", False),
        ("proba 0.99", "proba 0.96", True),
        ("proba 0.99", "proba 0.9", False),
        ("row 5: a", "row 5: b", False),
        ("AP 0.99...\n... 12 s", "AP 0.991\nin all 12 s", True),
        ("AP 0.99...\n... 12 s", "AP 0.591\nin all 12 s", False),
        ("one\n...\n7 left", "one\n9\n4\n7 left", True),
        ("one\n...\n70 left", "one\n9\n4\n7 left", False),
    ],
)
def test_numbers_may_differ_a_little_and_text_may_not(script, shown, printed, is_fine):
    assert (not script.difference(shown, printed)) == is_fine


def test_blocks_that_are_not_run_need_a_reason_and_are_compiled(script):
    left_out = "```python\n# Not run: it needs a GPU\n1 / 0\n```\n"
    assert complaints(script, left_out) == [""]
    assert complaints(script, left_out.replace("it needs a GPU", ""))[0]
    with pytest.raises(SyntaxError):
        complaints(script, left_out.replace("1 / 0", "1 /"))


def test_the_pages_are_those_of_the_source(script):
    names = {path.relative_to(script.ROOT).as_posix() for path in script.pages()}
    assert {"README.md", "docs/guide/scale.md"} <= names
    assert not [name for name in names if name.startswith("docs/build")]
