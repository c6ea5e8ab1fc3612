"""All mutants of a module: copies of its source, each with one change."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from operators import OPERATORS


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Attributes
    ----------
    module : str
        Path from the root of the repository.
    operator : str
        What kind of change it is.
    source : str
        Of the whole changed module.
    line : int
        The first changed line of the original, from 1.
    was, became : str
        The changed lines before and after, without indentation.
    """

    module: str
    operator: str
    source: str
    line: int
    was: str
    became: str

    @cached_property
    def key(self) -> tuple[str, str, str]:
        """What names it in the list of survivors, whatever stands around it."""
        return self.module, self.was, self.became


def mutants_of(root: Path, module: str) -> list[Mutant]:
    """Return the mutants of a module, in the order of its lines."""
    original = (root / module).read_text()
    found, seen, end = [], {original}, 0
    # Statement by statement, since each change parses the code anew.
    for statement in get_ast(original).children:
        code = statement.get_code()
        start, end = end, end + len(code)
        if statement.type not in ("funcdef", "classdef", "decorated"):
            continue  # a constant is a decision, another of which is no mistake
        for name, changed in _changes(code):
            source = original[:start] + changed + original[end:]
            if source not in seen and _compiles(source):
                seen.add(source)
                found.append(
                    Mutant(module, name, source, *_difference(original, source))
                )
    return sorted(found, key=lambda mutant: mutant.line)


def _changes(code: str) -> Iterator[tuple[str, str]]:
    """Yield what each operator makes of some code, with the operator's name."""
    for operator in OPERATORS:
        nodes = (
            node
            for node in ast_nodes(get_ast(code))
            for _ in operator.mutation_positions(node)
        )
        for occurrence, node in enumerate(nodes):
            changed = (
                None if _is_left_out(node) else mutate_code(code, operator, occurrence)
            )
            if changed is not None:
                yield type(operator).__name__, changed


def _is_left_out(node) -> bool:
    """Return whether a node is a type, part of a decorator, or the text of an error.

    Or a star among parameters, which multiplies nothing.
    """
    if node.type == "operator" and node.parent.type == "parameters":
        return True
    within, inner = node.parent, node
    while within is not None:
        if within.type in ("annassign", "decorator", "tfpdef"):
            return inner is not within.children[-1] or within.type != "annassign"
        if within.type == "raise_stmt" or (
            within.type == "funcdef" and inner is within.annotation
        ):
            return True
        within, inner = within.parent, within
    return False


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _difference(original: str, source: str) -> tuple[int, str, str]:
    before, after = original.splitlines(), source.splitlines()
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    changes = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    first, last = changes[0], changes[-1]
    was = before[first[1] : last[2]]
    became = after[first[3] : last[4]]
    return first[1] + 1, *(" ".join(line.strip() for line in p) for p in (was, became))
