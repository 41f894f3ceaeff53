"""Arithmetic on expressions that people type, evaluated without `eval`."""

import ast
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

from examples.agent_platform.tools.steps import Steps

MAX_BITS = 4096

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}


class CalculatorTool:
    """Evaluate an arithmetic expression."""

    def __init__(self, state_dir: Path) -> None:
        """Need nothing of the state folder."""
        del state_dir

    def call(self, arguments: dict[str, Any], steps: Steps) -> float:
        """Return the value of `expression`; raises SyntaxError, ZeroDivisionError or OverflowError as Python would."""
        with steps.step("parse expression"):
            tree = ast.parse(str(arguments["expression"]), mode="eval")
        with steps.step("evaluate expression"):
            value: float = evaluate(tree.body)
            return value


def evaluate(node: ast.expr) -> Any:
    """Return the value of a parsed expression; raises ValueError for what is no arithmetic."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](evaluate(operand))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            first, second = evaluate(left), evaluate(right)
            if isinstance(op, ast.Pow):
                _check_power(first, second)
            return _BINARY[type(op)](first, second)
    message = f"Unsupported part of an expression: {ast.unparse(node)!r}. Use numbers, brackets and + - * / // % **."
    raise ValueError(message)


def _check_power(base: float, exponent: float) -> None:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > MAX_BITS:
        message = f"{base} ** {exponent} has more than {MAX_BITS} bits."
        raise OverflowError(message)
