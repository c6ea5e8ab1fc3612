"""What the package gives on import, in a process that has imported nothing yet."""

import json
import subprocess
import sys
from importlib.resources import files

import pytest

MODULES = [
    "cleaning",
    "datasets",
    "detection",
    "exceptions",
    "hardness",
    "images",
    "influence",
    "inspection",
    "metrics",
    "pruning",
    "report",
    "tabular",
]
TOP = [
    "CleanedClassifier",
    "CleaningSampler",
    "DatasetPruner",
    "GEXDetector",
    "GEXPruner",
    "NoisyLabelDetector",
    "load",
    "tabular_detector",
]
NAMES = [
    "cleaning.weighted_rows",
    "datasets.flip_labels",
    "detection.GEXDetector",
    "exceptions.SkgexWarning",
    "hardness.AUM",
    "images.image_detector",
    "influence.GEX",
    "inspection.ScoreDisplay",
    "metrics.detection_report",
    "pruning.prune_mask",
    "report.write_report",
    "tabular.tabular_detector",
]
OPTIONAL = ["cleanlab", "matplotlib", "pandas", "skrub"]

# A process takes seconds to import torch, so one of them answers all questions. There
# the optional packages are as if they were not installed.
SCRIPT = """
import importlib, json, sys

def ask(question):
    try:
        return str(question())
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def ours():
    return [name for name in sys.modules if name.split(".")[0] == "skgex"]

def fresh():
    for name in ours():
        del sys.modules[name]
    return importlib.import_module("skgex")

modules, top, names, optional = json.loads(sys.argv[1])
for name in optional:
    sys.modules[name] = None
import skgex
found = {"listed": dir(skgex), "version": ask(lambda: skgex.__version__)}
found["heavy"] = [name for name in ("torch", "sklearn") if name in sys.modules]
found["all"] = skgex.__all__
found["unknown"] = ask(lambda: skgex.no_such_module)
# Each is asked for first in its turn, since the import of one may bring another.
for name in modules:
    found[name] = ask(lambda: getattr(fresh(), name).__name__)
for name in top:
    found[name] = ask(lambda: getattr(fresh(), name).__name__)
for name in names:
    module, attribute = name.split(".")
    found[name] = ask(lambda: getattr(getattr(fresh(), module), attribute).__name__)
found["compiler"] = "torch._dynamo" in sys.modules
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    """The answers of a fresh process, by question."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps([MODULES, TOP, NAMES, OPTIONAL])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", MODULES)
def test_submodules_are_attributes(found, name):
    assert found[name] == f"skgex.{name}"


@pytest.mark.parametrize("name", NAMES)
def test_names_are_reached_through_submodules(found, name):
    assert found[name] == name.split(".")[1]


@pytest.mark.parametrize("name", TOP)
def test_names_are_reached_from_the_top(found, name):
    assert found[name] == name


def test_the_top_loads_nothing_heavy_before_it_is_needed(found):
    assert found["heavy"] == []


def test_no_import_loads_the_compiler_of_torch(found):
    """It takes seconds, and comes with the first optimizer."""
    assert not found["compiler"]


def test_dir_and_all_list_what_there_is(found):
    assert {*MODULES, *TOP, "__version__"} <= set(found["listed"])
    assert set(found["all"]) == {*TOP, "__version__"}


def test_an_unknown_attribute_is_named(found):
    assert found["unknown"].startswith("AttributeError: ")
    assert "no_such_module" in found["unknown"]


@pytest.mark.parametrize("name", OPTIONAL)
def test_no_source_imports_what_is_optional_at_its_top(name):
    """The process above does without; here each file is looked at by itself."""
    wanted = f"import {name}", f"from {name}"
    for path in files("skgex").rglob("*.py"):
        lines = path.read_text().splitlines()
        assert [line for line in lines if line.startswith(wanted)] == [], path


def test_the_version_is_there(found):
    assert found["version"][0].isdigit()
    assert found["version"].count(".") >= 2


def test_the_package_says_that_it_is_typed():
    assert (files("skgex") / "py.typed").is_file()
