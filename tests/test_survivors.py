"""The lists of `make mutation` name what there is."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MUTATION = ROOT / ".ci" / "mutation"
MODULES = tomllib.loads((MUTATION / "modules.toml").read_text())["modules"]
SURVIVORS = tomllib.loads((MUTATION / "survivors.toml").read_text())["survivor"]


@pytest.mark.parametrize("module", MODULES)
def test_modules_and_their_tests_exist(module):
    assert (ROOT / module).is_file()
    assert MODULES[module]
    for name in MODULES[module]:
        assert (ROOT / "tests" / name).is_file()


@pytest.mark.parametrize("module", sorted({entry["module"] for entry in SURVIVORS}))
def test_survivors_are_changes_of_code_that_exists(module):
    code = " ".join((ROOT / module).read_text().split())
    for entry in SURVIVORS:
        if entry["module"] == module:
            assert " ".join(entry["was"].split()) in code
            assert entry["reason"].strip()
