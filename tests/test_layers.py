"""Each layer of the package imports only from those below it."""

import ast
from pathlib import Path

import pytest

import skgex

ROOT = Path(skgex.__file__).parent

# From above the ground upwards. Modules that are named nowhere are ground.
LAYERS = [
    {"skgex.ensemble"},
    {"skgex.base", "skgex._scored"},
    {"skgex.influence", "skgex.hardness"},
    {"skgex.detection", "skgex.pruning", "skgex.cleaning"},
    {"skgex.inspection", "skgex.report", "skgex.__main__", "skgex"},
]
METHODS = LAYERS[2]
BESIDE = {"skgex.datasets", "skgex.metrics"}
# What stands beside imports none of these.
HEAVY = {"torch", "skorch", "joblib", "tqdm", "threadpoolctl", "matplotlib", "pandas"}

# What a fitted or training skorch net is made of.
INSIDE = {"module_", "criterion_", "optimizer_", "get_loss", "evaluation_step"}

KNOW_SKORCH = {"skgex._evaluation", "skgex._outputs"}

FILES = sorted(ROOT.rglob("*.py"))


def name_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source):
    """Modules that a source imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield node.module


def package_of(name):
    return ".".join(name.split(".")[:2])


def height(name):
    for i, layer in enumerate(LAYERS, start=1):
        if package_of(name) in layer:
            return i
    return 0


def may_import(name, other):
    """Whether a module of skgex may import another one."""
    package, other_package = package_of(name), package_of(other)
    if package == other_package:
        return True
    if package in BESIDE:
        return False
    if other_package in BESIDE:
        return package not in METHODS
    if package in METHODS and other_package in METHODS:
        return False
    return height(other) <= height(name)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_go_down(path):
    name = name_of(path)
    ours = [other for other in imports_of(path.read_text()) if is_ours(other)]
    assert [other for other in ours if not may_import(name, other)] == []


def is_ours(name):
    return name.split(".")[0] == "skgex"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_stands_beside_needs_no_torch(path):
    if package_of(name_of(path)) not in BESIDE:
        pytest.skip("stands in a layer")
    outside = {name.split(".")[0] for name in imports_of(path.read_text())}
    assert not outside & HEAVY


@pytest.mark.parametrize("package", sorted(METHODS))
def test_methods_do_not_import_each_other(package):
    """A method is a file whose class the package gives to the public."""
    folder = ROOT / package.split(".")[1]
    if not folder.exists():
        pytest.skip(f"there is no {package} yet")
    methods = set(imports_of((folder / "__init__.py").read_text()))
    for path in folder.glob("_*.py"):
        name = name_of(path)
        if name in methods:
            assert not methods & set(imports_of(path.read_text())) - {name}, name


def test_few_files_know_the_inside_of_skorch():
    for path in FILES:
        if name_of(path) in KNOW_SKORCH:
            continue
        used = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
        }
        assert not used & INSIDE, path


@pytest.mark.parametrize(
    ("name", "other", "allowed"),
    [
        ("skgex.detection._gex", "skgex.influence", True),
        ("skgex.influence._gex", "skgex.ensemble._rate", True),
        ("skgex.base", "skgex._net", True),
        ("skgex._net", "skgex._random", True),
        ("skgex.influence._gex", "skgex.detection", False),
        ("skgex.influence._gex", "skgex.hardness", False),
        ("skgex.ensemble._rate", "skgex.base", False),
        ("skgex._net", "skgex.ensemble", False),
        ("skgex._labels", "skgex.base", False),
        ("skgex.metrics", "skgex._random", False),
        ("skgex.base", "skgex", False),
    ],
)
def test_a_breach_is_seen(name, other, allowed):
    assert may_import(name, other) is allowed
