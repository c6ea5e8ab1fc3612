"""What mutants are made of, and whether a mutant is what runs."""

import textwrap
from types import ModuleType

import pytest
from cosmic_ray.mutating import mutate_code
from mutants import mutants_of
from operators import OPERATORS
from swapping import swap

OWN = [each for each in OPERATORS if type(each).__module__ == "operators"]


@pytest.mark.parametrize("operator", OWN, ids=lambda each: type(each).__name__)
def test_operators_do_what_their_examples_say(operator):
    for example in operator.examples():
        changed = mutate_code(example.pre_mutation_code, operator, example.occurrence)
        assert changed.split() == example.post_mutation_code.split()


SOURCE = '''
"""A module."""
from dataclasses import dataclass

LIMIT = 3


@dataclass(frozen=True)
class Pair:
    """Of numbers."""

    left: int
    right: int | None = None

    @property
    def sum(self) -> "int | str":
        return self.left + self.right


def check(x: int | float, *, most: int = 10) -> bool:
    """No more than ``LIMIT + 1``."""
    if x > most:
        raise ValueError(f"{x} is {x - most} more than {most}.")
    return x < LIMIT
'''


@pytest.fixture
def mutants(tmp_path):
    (tmp_path / "module.py").write_text(SOURCE)
    return mutants_of(tmp_path, "module.py")


def test_neither_types_nor_texts_nor_decorators_nor_constants_are_changed(mutants):
    assert {(mutant.was, mutant.became) for mutant in mutants} == {
        ("return self.left + self.right", "return self.left - self.right"),
        (
            "def check(x: int | float, *, most: int = 10) -> bool:",
            "def check(x: int | float, *, most: int = 11) -> bool:",
        ),
        (
            "def check(x: int | float, *, most: int = 10) -> bool:",
            "def check(x: int | float, *, most: int = 9) -> bool:",
        ),
        ("if x > most:", "if x >= most:"),
        ("if x > most:", "if x <= most:"),
        ("if x > most:", "if not x > most:"),
        ('raise ValueError(f"{x} is {x - most} more than {most}.")', "pass"),
        ("return x < LIMIT", "return x <= LIMIT"),
        ("return x < LIMIT", "return x >= LIMIT"),
    }
    lines = SOURCE.splitlines()
    assert all(mutant.was in lines[mutant.line - 1] for mutant in mutants)


def test_what_others_hold_does_what_the_mutant_says(monkeypatch):
    before = """
        import contextlib
        LIMIT = 3
        @contextlib.contextmanager
        def within():
            yield 5
        def low(x, by=1):
            return x + by < LIMIT
        class Box:
            size = 1
            @property
            def double(self):
                return 2 * self.size
            def more(self, n):
                return self.size + n
    """
    module, user = ModuleType("boxes"), ModuleType("user")
    module.__file__ = "boxes.py"
    exec(textwrap.dedent(before), vars(module))
    box, low, kind, within = module.Box(), module.low, module.Box, module.within
    user.LIMIT = module.LIMIT
    for each in (module, user):
        monkeypatch.setitem(__import__("sys").modules, each.__name__, each)
    changes = [
        ("= 3", "= 7"),
        ("by=1", "by=2"),
        ("yield 5", "yield 6"),
        ("2 *", "3 *"),
        ("size + n", "size - n"),
    ]
    after = before
    for was, became in changes:
        assert was in after
        after = after.replace(was, became)
    swap(module, textwrap.dedent(after))
    assert (low(4), low(5)) == (True, False)
    assert (box.double, box.more(5)) == (3, -4)
    with within() as number:
        assert number == 6
    assert user.LIMIT == 7
    assert module.Box is kind
