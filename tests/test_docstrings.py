"""Docstrings say what signatures do."""

import doctest
import inspect
import re
from dataclasses import is_dataclass
from enum import Enum

import pytest
from all_estimators import public_modules
from numpydoc.validate import validate

# What numpydoc's validation demands and this package does not.
NOT_DEMANDED = {
    "ES01",  # more than a summary, where that says it all
    "EX01",  # an example for each method
    "SA01",  # See Also for each method
    "RT02",  # a returned value without a name; scikit-learn names them
}

MODULES = sorted(set(public_modules()), key=lambda module: module.__name__)


def public_objects():
    """Public classes and functions of skgex, and the public methods of the classes."""
    for module in MODULES:
        for value in (getattr(module, name) for name in names_in(module)):
            if inspect.isclass(value):
                yield value.__qualname__, value
                yield from methods_of(value)
            elif inspect.isfunction(value):
                yield value.__qualname__, value


def names_in(module):
    """What a module gives to the public: ``__all__``, or all that is made there."""
    made_there = [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__
    ]
    return [
        name
        for name in getattr(module, "__all__", made_there)
        if not name.startswith("_")
        and getattr(getattr(module, name), "__module__", "").startswith("skgex")
    ]


def methods_of(cls):
    """Public methods, those of its bases here under the name of the base."""
    for base in cls.__mro__:
        if not base.__module__.startswith("skgex"):
            continue
        for name, value in vars(base).items():
            function = getattr(value, "fn", value)  # of an available_if
            if inspect.isfunction(function) and not name.startswith("_"):
                yield f"{base.__name__}.{name}", function


OBJECTS = dict(public_objects())
every_object = pytest.mark.parametrize("name", sorted(OBJECTS))


def section(docstring, title):
    """The lines of a numpydoc section, without its heading."""
    pattern = rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-+$|\Z)"
    found = re.search(pattern, inspect.cleandoc(docstring), re.M | re.S)
    return found[1].splitlines() if found else []


def documented_names(docstring, title="Parameters"):
    """Names of the entries of a section: ``a, b : type`` documents two."""
    entries = [line for line in section(docstring, title) if re.match(r"\S", line)]
    names = [entry.split(" : ")[0].split(", ") for entry in entries]
    return [name.lstrip("*") for group in names for name in group]


def documented_types(docstring):
    lines = section(docstring, "Parameters")
    return dict(line.split(" : ", 1) for line in lines if re.match(r"\S+ : ", line))


def own_parameters(value):
    parameters = inspect.signature(value).parameters
    return {name: p for name, p in parameters.items() if name != "self"}


def is_plain_class(value):
    """Records and exceptions document their fields, or need not."""
    return inspect.isclass(value) and (
        issubclass(value, (tuple, Exception, Enum)) or is_dataclass(value)
    )


@every_object
def test_everything_public_has_a_docstring(name):
    docstring = OBJECTS[name].__doc__
    assert docstring
    first = inspect.cleandoc(docstring).splitlines()[0]
    assert first[0].isupper() or first.split()[0].endswith(":")
    assert first.endswith(".")


@every_object
def test_documented_parameters_are_those_of_the_signature(name):
    value = OBJECTS[name]
    if is_plain_class(value):
        pytest.skip("has fields")
    documented = documented_names(value.__doc__)
    if not documented and len(own_parameters(value)) <= 1:
        return  # a summary line may say it all
    assert documented == list(own_parameters(value))


@every_object
def test_documented_defaults_are_those_of_the_signature(name):
    value = OBJECTS[name]
    parameters = {} if is_plain_class(value) else own_parameters(value)
    for parameter, kind in documented_types(value.__doc__).items():
        found = re.search(r"default=(.+)$", kind)
        if found and parameter in parameters:
            given = parameters[parameter].default
            text = f'"{given}"' if isinstance(given, str) else repr(given)
            assert found[1] == text, parameter


def test_the_walk_finds_the_main_things():
    assert {"GEXDetector", "FeatureMap.influence", "flip_labels"} <= OBJECTS.keys()
    assert documented_names(OBJECTS["GEXDetector"].__doc__)[:2] == ["net", "n_members"]
    assert documented_types(OBJECTS["GEXDetector"].__doc__)["n_members"] == (
        'int or "auto", default=8'
    )


@pytest.mark.slow
@every_object
def test_examples_run(name):
    value = OBJECTS[name]
    finder = doctest.DocTestFinder(recurse=False)
    module = inspect.getmodule(value)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in finder.find(value, name, module=module):
        result = runner.run(test)
        assert result.failed == 0


@every_object
def test_numpydoc_finds_no_fault(name):
    value = OBJECTS[name]
    faults = dict(validate(f"{value.__module__}.{value.__qualname__}")["errors"])
    not_demanded = NOT_DEMANDED | ({"PR01"} if is_plain_class(value) else set())
    assert {code: faults[code] for code in faults.keys() - not_demanded} == {}


@every_object
def test_arrays_have_shapes(name):
    docstring = OBJECTS[name].__doc__
    for title in ("Parameters", "Attributes", "Returns"):
        for line in section(docstring, title):
            if re.match(r"\S.* : .*\b(ndarray|array-like)\b", line):
                assert re.search("shape|of array-like|array-like, DataFrame", line)


@every_object
def test_errors_are_documented(name):
    value = OBJECTS[name]
    if inspect.isclass(value):
        pytest.skip("has methods")
    raised = re.findall(r"^ +raise (\w+)\(", inspect.getsource(value), re.M)
    assert set(raised) <= set(documented_names(value.__doc__, "Raises"))


@every_object
def test_methods_name_their_source(name):
    value = OBJECTS[name]
    if value.__module__.split(".")[1] not in ("influence", "hardness"):
        pytest.skip("is no method of a paper")
    if inspect.isclass(value):
        assert section(value.__doc__, "References")
