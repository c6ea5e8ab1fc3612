"""Each layer of the package imports only from those below it."""

import ast
from pathlib import Path

import pytest

import skgex

ROOT = Path(skgex.__file__).parent

# From the bottom upwards. Every folder and file of the package has a place, here or in
# BESIDE.
LAYERS = [
    {"skgex._utils", "skgex.exceptions"},
    {"skgex._data"},
    {"skgex._nets"},
    {"skgex._ensemble"},
    {"skgex.persistence"},
    {"skgex._base"},
    {"skgex.influence", "skgex.hardness"},
    {"skgex.detection", "skgex.pruning", "skgex.cleaning"},
    {"skgex.inspection", "skgex.tabular", "skgex.images"},
    {"skgex"},
    {"skgex.report"},
    {"skgex.cli"},
]
METHODS = {"skgex.influence", "skgex.hardness"}
# These stand beside the layers: they import none of them, and none of HEAVY.
BESIDE = {"skgex.datasets", "skgex.metrics"}
HEAVY = {"torch", "skorch", "joblib", "tqdm", "threadpoolctl", "matplotlib", "pandas"}

# skorch's private names, and the file that wraps them.
PRIVATE = {
    "_set_training",
    "_optimizers",
    "_modules",
    "_criteria",
    "_get_predict_nonlinearity",
    "_zero_grad_optimizer",
    "_step_optimizer",
    "_params_to_validate",
    "_kwargs",
}
ADAPTER = "skgex._nets.skorch_adapter"

# What a fitted or training skorch net is made of, and the files that may use it.
INSIDE = {"module_", "criterion_", "optimizer_", "get_loss", "evaluation_step"}
KNOW_INSIDE = {
    ADAPTER,
    "skgex._nets.evaluation",
    "skgex._nets.output_checks",
    "skgex._nets.predictions",
}

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


def names_in(path):
    """Attributes that a source names, as code or as a whole string."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def package_of(name):
    return ".".join(name.split(".")[:2])


def height(name):
    (found,) = [i for i, layer in enumerate(LAYERS) if package_of(name) in layer]
    return found


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
def test_every_module_has_a_place(path):
    package = package_of(name_of(path))
    assert sum(package in layer for layer in [*LAYERS, BESIDE]) == 1


def test_every_place_has_a_module():
    there = {package_of(name_of(path)) for path in FILES}
    assert there == set().union(*LAYERS, BESIDE)


def test_file_names_occur_once():
    names = [path.name for path in FILES if path.name != "__init__.py"]
    assert sorted(set(names)) == sorted(names)


def test_no_private_module_stands_at_the_top():
    files = [path.name for path in ROOT.glob("_*.py")]
    assert files == ["__init__.py"]


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
    methods = set(imports_of((folder / "__init__.py").read_text()))
    for path in folder.glob("_*.py"):
        name = name_of(path)
        if name in methods:
            assert not methods & set(imports_of(path.read_text())) - {name}, name


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_private_names_of_skorch_stay_in_the_adapter(path):
    used = PRIVATE & set(names_in(path))
    assert not used or name_of(path) == ADAPTER


def test_the_adapter_uses_private_names():
    """Else the test above looks for the wrong ones."""
    path = ROOT / "_nets" / "skorch_adapter.py"
    assert len(PRIVATE & set(names_in(path))) >= 5


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_few_files_know_the_inside_of_skorch(path):
    used = INSIDE & set(names_in(path))
    assert not used or name_of(path) in KNOW_INSIDE or in_a_list_of_names(path, used)


def in_a_list_of_names(path, used):
    """Stackable names methods that a user may override, as strings."""
    return path.name == "stackable.py" and used == {"evaluation_step"}


@pytest.mark.parametrize(
    ("name", "other", "allowed"),
    [
        ("skgex.detection._gex_detector", "skgex.influence", True),
        ("skgex.influence._gex", "skgex._ensemble.learning_rate", True),
        ("skgex._base.net_estimator", "skgex._nets.training", True),
        ("skgex._nets.training", "skgex._utils.random", True),
        ("skgex.influence._gex", "skgex.detection", False),
        ("skgex.influence._gex", "skgex.hardness", False),
        ("skgex._ensemble.learning_rate", "skgex._base.net_estimator", False),
        ("skgex._nets.training", "skgex._ensemble", False),
        ("skgex._data.label_coding", "skgex._nets", False),
        ("skgex.metrics", "skgex._utils.random", False),
        ("skgex._base.net_estimator", "skgex", False),
    ],
)
def test_a_breach_is_seen(name, other, allowed):
    assert may_import(name, other) is allowed
