"""``make test-lowest`` installs the oldest versions that setup.cfg names."""

from configparser import ConfigParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
# Only the tests use these; both environments have them in one version.
TOOLS = {
    "axe-playwright-python",
    "hypothesis",
    "numpydoc",
    "playwright",
    "pytest",
    "pytest-xdist",
}


def pins(name):
    """Version by package in a file of constraints."""
    lines = (ROOT / name).read_text().splitlines()
    pinned = (line.split("==") for line in lines if not line.startswith("#"))
    return {package: Version(version) for package, version in pinned}


def floors():
    """Version from which on each package is supported that a run may need."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras, found = config["options.extras_require"], {}

    def add(listed):
        for line in listed.strip().splitlines():
            requirement = Requirement(line)
            if requirement.name == "skgex":
                for extra in requirement.extras:
                    add(extras[extra])
            elif requirement.name not in TOOLS:
                (bound,) = requirement.specifier
                assert bound.operator == ">=", line
                versions = found.setdefault(requirement.name, set())
                versions.add(Version(bound.version))

    add(config["options"]["install_requires"])
    add(extras["test"])
    return found


def test_lowest_pins_are_the_floors_of_the_setup():
    lowest = pins("constraints-lowest.txt")
    tools = {name: lowest.pop(name) for name in TOOLS}
    assert {name: {version} for name, version in lowest.items()} == floors()
    assert tools == {name: pins("constraints.txt")[name] for name in TOOLS}


def test_no_pin_is_below_its_floor():
    pinned = pins("constraints.txt")
    assert all(pinned[name] >= max(bounds) for name, bounds in floors().items())
