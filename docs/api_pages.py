"""Write the reference: one page per public name, found by walking the package.

Sphinx runs this before it reads any page. A name is public if it stands in ``__all__``
of a module that has no underscore in its path.
"""

import importlib
import inspect
import pkgutil
from pathlib import Path

import skgex

# Modules in the order of the reference; those not named here follow by name.
ORDER = [
    "skgex.detection",
    "skgex.tabular",
    "skgex.images",
    "skgex.report",
    "skgex.inspection",
    "skgex.cleaning",
    "skgex.pruning",
    "skgex.influence",
    "skgex.hardness",
    "skgex.metrics",
    "skgex.datasets",
    "skgex.persistence",
    "skgex.exceptions",
]


def public_modules():
    """Return the public modules that give names to the public, in reading order."""
    names = [
        info.name
        for info in pkgutil.walk_packages(skgex.__path__, "skgex.")
        if not any(part.startswith("_") for part in info.name.split("."))
    ]
    names.sort(key=lambda name: (place(name), name))
    modules = [importlib.import_module(name) for name in names]
    return [module for module in modules if public_names(module)]


def place(name):
    return ORDER.index(name) if name in ORDER else len(ORDER)


def public_names(module):
    """Return the names that a module gives to the public, classes first."""
    names = list(getattr(module, "__all__", made_in(module)))
    return sorted(names, key=lambda name: (not name[0].isupper(), name.lower()))


def made_in(module):
    """Names of a module without ``__all__``, such as that of the warnings."""
    return [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and name[0] != "_"
    ]


def write_api_pages(folder):
    """Write all pages into a folder, and remove those of names that are gone."""
    pages = dict(api_pages())
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.rst"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        write_if_new(folder / name, text)


def write_if_new(path, text):
    """Leave a page alone that would stay the same: Sphinx reads it again otherwise."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def api_pages():
    """Yield the file name and the text of each page."""
    modules = public_modules()
    yield "index.rst", index_page(modules)
    for module in modules:
        yield f"{module.__name__}.rst", module_page(module)
        for name in public_names(module):
            yield f"{module.__name__}.{name}.rst", page_of(module, name)


def index_page(modules):

    parts = [
        heading("API reference", "="),
        "Every public name, by module. The estimators of the first three can also be "
        "imported from ``skgex`` itself.",
        toctree([module.__name__ for module in modules]),
    ]
    for module in modules:
        parts += [heading(module.__name__, "-"), summary(module), table(module)]
    return "\n\n".join(parts) + "\n"


def module_page(module):
    pages = [f"{module.__name__}.{name}" for name in public_names(module)]
    parts = [
        heading(module.__name__, "="),
        f".. module:: {module.__name__}",
        summary(module),
        toctree(pages),
        table(module),
    ]
    return "\n\n".join(parts) + "\n"


def page_of(module, name):
    value = getattr(module, name)
    kind = "autoclass" if inspect.isclass(value) else "autofunction"
    if not callable(value):
        kind = "autodata"
    lines = [
        heading(name, "="),
        "",
        f".. currentmodule:: {module.__name__}",
        "",
        f".. {kind}:: {name}",
    ]
    if kind == "autoclass" and (methods := public_methods(value)):
        lines += [f"   :members: {', '.join(methods)}", "   :member-order: bysource"]
    return "\n".join(lines) + "\n"


def public_methods(cls):
    """Return the public methods that are written in skgex, those of the class first."""
    found = {}
    for base in cls.__mro__:
        if base.__module__.startswith("skgex"):
            for name, value in vars(base).items():
                if name[0] != "_" and is_documented(value):
                    found.setdefault(name, None)
    return list(found)


def is_documented(value):
    function = getattr(value, "fn", getattr(value, "__func__", value))
    return inspect.isfunction(function) or isinstance(value, property)


def summary(module_or_name):
    return inspect.getdoc(module_or_name).split("\n\n")[0]


def table(module):
    """Return a table of a module's names and the first lines of their docstrings."""
    lines = [".. list-table::", "   :widths: 30 70", "   :class: api-table", ""]
    for name in public_names(module):
        first = (inspect.getdoc(getattr(module, name)) or "").split("\n")[0]
        lines += [f"   * - :doc:`{name} <{module.__name__}.{name}>`", f"     - {first}"]
    return "\n".join(lines)


def toctree(pages):
    return "\n".join([".. toctree::", "   :hidden:", "", *[f"   {p}" for p in pages]])


def heading(text, line):
    return f"{text}\n{line * len(text)}"


if __name__ == "__main__":
    write_api_pages(Path(__file__).parent / "api")
