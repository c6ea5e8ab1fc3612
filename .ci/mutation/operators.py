"""What is changed in a line of code: operators of cosmic-ray, and more of its kind.

Of cosmic-ray's twelve binary and eight comparison operators, each is replaced by the
one or two that are hardest to tell from it: most others only raise a TypeError.
"""

from collections.abc import Iterator

import parso
from cosmic_ray.operators import binary_operator_replacement as binary
from cosmic_ray.operators import comparison_operator_replacement as comparison
from cosmic_ray.operators import unary_operator_replacement as unary
from cosmic_ray.operators.boolean_replacer import (
    AddNot,
    ReplaceAndWithOr,
    ReplaceFalseWithTrue,
    ReplaceOrWithAnd,
    ReplaceTrueWithFalse,
)
from cosmic_ray.operators.break_continue import (
    ReplaceBreakWithContinue,
    ReplaceContinueWithBreak,
)
from cosmic_ray.operators.exception_replacer import ExceptionReplacer
from cosmic_ray.operators.number_replacer import NumberReplacer
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.operators.zero_iteration_for_loop import ZeroIterationForLoop
from parso.python.tree import Name

# A name that is called, and what may be called in its stead.
SWAPS = {
    "all": "any",
    "any": "all",
    "argmax": "argmin",
    "argmin": "argmax",
    "max": "min",
    "maximum": "minimum",
    "min": "max",
    "minimum": "maximum",
}
# Calls of these with two arguments are replaced by either argument.
OF_TWO = {"max", "maximum", "min", "minimum"}


class SwapCall(Operator):
    """Call the opposite function: ``max(a, b)`` becomes ``min(a, b)``."""

    def mutation_positions(self, node) -> Iterator[tuple]:
        if isinstance(node, Name) and node.value in SWAPS:
            after = node.get_next_leaf()
            if after is not None and after.value == "(" and not node.is_definition():
                yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        node.value = SWAPS[node.value]
        return node

    @classmethod
    def examples(cls):
        return (Example("a = max(b)", "a = min(b)"),)


class TakeArgument(Operator):
    """Replace a maximum or minimum of two by one: ``max(a, b)`` becomes ``a``."""

    def mutation_positions(self, node) -> Iterator[tuple]:
        if len(self._arguments(node)) == 2:
            for _ in range(2):
                yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        chosen = self._arguments(node)[index].get_code()
        prefix = node.get_first_leaf().prefix
        return parso.parse(f"{prefix}({chosen.strip()})")

    @classmethod
    def examples(cls):
        return (
            Example("a = max(b, 1)", "a = (b)"),
            Example("a = np.maximum(b, 1)", "a = (1)", occurrence=1),
        )

    @staticmethod
    def _arguments(node) -> list:
        if getattr(node, "type", "") not in ("atom_expr", "power"):
            return []
        *_, called, call = node.children
        name = called.children[-1] if called.type == "trailer" else called
        inner = call.children[1] if call.type == "trailer" else call
        if getattr(name, "value", "") not in OF_TWO or inner.type != "arglist":
            return []
        given = inner.children[::2]
        return given if all(one.type != "argument" for one in given) else []


class TakeBranch(Operator):
    """Replace ``a if c else b`` by ``a if True else b`` and ``a if False else b``."""

    def mutation_positions(self, node) -> Iterator[tuple]:
        if node.type == "test" and node.children[1] == "if":
            for _ in range(2):
                yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        node.children[2] = Name((" True", " False")[index], node.start_pos)
        return node

    @classmethod
    def examples(cls):
        return (
            Example("a = b if c else d", "a = b if True else d"),
            Example("a = b if c else d", "a = b if False else d", occurrence=1),
        )


class DropStatement(Operator):
    """Leave out a statement that is run for its effect: a call, ``+=`` or ``raise``."""

    def mutation_positions(self, node) -> Iterator[tuple]:
        if self._has_effect(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        return Name(node.get_first_leaf().prefix + "pass", node.start_pos)

    @classmethod
    def examples(cls):
        return (
            Example("a += 1\n", "pass\n"),
            Example("f(a)\n", "pass\n"),
            Example("raise a\n", "pass\n"),
        )

    @staticmethod
    def _has_effect(node) -> bool:
        if node.parent is None or node.parent.type != "simple_stmt":
            return False
        if node.type == "expr_stmt":
            sign = getattr(node.children[1], "value", "=")
            return sign != "=" and sign.endswith("=")
        return node.type in ("atom_expr", "power", "raise_stmt")


class Nudge(Operator):
    """Make a float a fifth less: 0.5 becomes 0.4."""

    def mutation_positions(self, node) -> Iterator[tuple]:
        if node.type == "number" and isinstance(_value(node), float):
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        node.value = repr(_value(node) * 0.8)
        return node

    @classmethod
    def examples(cls):
        return (Example("a = 0.5", "a = 0.4"),)


def _value(number):
    return float(number.value) if set(number.value) & set(".e") else int(number.value)


OPERATORS = [
    *(AddNot(), ReplaceAndWithOr(), ReplaceOrWithAnd()),
    *(ReplaceTrueWithFalse(), ReplaceFalseWithTrue()),
    *(ReplaceBreakWithContinue(), ReplaceContinueWithBreak()),
    *(ExceptionReplacer(), NumberReplacer(), ZeroIterationForLoop()),
    *(SwapCall(), TakeArgument(), TakeBranch(), DropStatement(), Nudge()),
    binary.ReplaceBinaryOperator_Add_Sub(),
    binary.ReplaceBinaryOperator_Sub_Add(),
    binary.ReplaceBinaryOperator_Mul_Div(),
    binary.ReplaceBinaryOperator_Div_Mul(),
    binary.ReplaceBinaryOperator_FloorDiv_Div(),
    binary.ReplaceBinaryOperator_Mod_Div(),
    binary.ReplaceBinaryOperator_Pow_Mul(),
    binary.ReplaceBinaryOperator_BitAnd_BitOr(),
    binary.ReplaceBinaryOperator_BitOr_BitAnd(),
    comparison.ReplaceComparisonOperator_Eq_NotEq(),
    comparison.ReplaceComparisonOperator_NotEq_Eq(),
    comparison.ReplaceComparisonOperator_Is_IsNot(),
    comparison.ReplaceComparisonOperator_IsNot_Is(),
    comparison.ReplaceComparisonOperator_Lt_LtE(),
    comparison.ReplaceComparisonOperator_Lt_GtE(),
    comparison.ReplaceComparisonOperator_LtE_Lt(),
    comparison.ReplaceComparisonOperator_LtE_Gt(),
    comparison.ReplaceComparisonOperator_Gt_GtE(),
    comparison.ReplaceComparisonOperator_Gt_LtE(),
    comparison.ReplaceComparisonOperator_GtE_Gt(),
    comparison.ReplaceComparisonOperator_GtE_Lt(),
    unary.ReplaceUnaryOperator_USub_UAdd(),
    unary.ReplaceUnaryOperator_Delete_Invert(),
    unary.ReplaceUnaryOperator_Delete_Not(),
]
