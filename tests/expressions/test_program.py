"""A compiled program gives what the formulas give, whatever runs it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from residuum.errors import UserError
from residuum.expressions.evaluation import evaluate
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.expressions.primitives import PRIMITIVES
from residuum.expressions.program import (
    CONSTANT,
    INTEGER_POWER,
    VARIABLE,
    Program,
    compile_program,
)

ROWS = {row.opcode: row for row in PRIMITIVES.values()}


def run(program: Program, index: int, values: Mapping[str, float]) -> float:
    """Reference interpreter: one formula of a program, on Python floats."""
    stack: list[float] = []
    span = range(program.offsets[index], program.offsets[index + 1])
    for opcode, operand in ((program.opcodes[i], program.operands[i]) for i in span):
        if opcode == VARIABLE:
            stack.append(values[program.variables[operand]])
        elif opcode == CONSTANT:
            stack.append(program.constants[operand])
        elif opcode == INTEGER_POWER:
            stack.append(float(np.power(stack.pop(), float(operand))))
        else:
            row = ROWS[opcode]
            arguments = [stack.pop() for _ in range(row.arity)][::-1]
            stack.append(float(row.numpy(*arguments)))
        assert len(stack) <= program.depth
    assert len(stack) == 1
    return stack[0]


TEXTS = (
    "alpha*x - 0.3*x*y/(1.0 + 2.5*x)",
    "-gamma*y + exp(-x**2)*x**-3",
    "x**(y - 1.5) - (x - (y - 2.0))",
    "max(x, y)*sin(3.0*x)**2",
)


def test_a_program_gives_the_value_of_each_formula() -> None:
    expressions = [parse(text) for text in TEXTS]
    program = compile_program(expressions, ("x", "y"), {"alpha": 1.3, "gamma": 0.7})
    values = {"x": 1.7, "y": 0.4}
    for index, expression in enumerate(expressions):
        expected = evaluate(expression, {**values, "alpha": 1.3, "gamma": 0.7})
        assert run(program, index, values) == pytest.approx(float(expected), rel=1e-14)


def test_constants_stand_in_order_of_appearance_after_the_parameters() -> None:
    formulas = [parse("0.3*x + 2.5*alpha"), parse("7.5 + x**2 - 4.0*x"), Expression.integer(3)]
    program = compile_program(formulas, ("x",), {"alpha": 1.3})
    assert program.constants.tolist() == [1.3, 0.3, 2.5, 7.5, 4.0, 3.0]
    assert program.fitted == 5
    assert program.opcodes.dtype == program.operands.dtype == np.int32


def test_an_integer_power_is_one_instruction() -> None:
    program = compile_program([parse("x**-3")], ("x",))
    assert program.opcodes.tolist() == [VARIABLE, INTEGER_POWER]
    assert program.operands.tolist() == [0, -3]
    assert program.constants.size == 0


@pytest.mark.parametrize("symbol", PRIMITIVES)
def test_every_primitive_compiles(symbol: str) -> None:
    row = PRIMITIVES[symbol]
    operands = [Expression.variable(name) for name in ("x", "y")[: row.arity]]
    expression = Expression.apply(symbol, *operands)
    program = compile_program([expression], ("x", "y"))
    values = {"x": 0.4, "y": 0.7}
    assert run(program, 0, values) == pytest.approx(float(evaluate(expression, values)), rel=1e-15)


def test_opcodes_are_distinct() -> None:
    codes = [VARIABLE, CONSTANT, INTEGER_POWER, *(row.opcode for row in PRIMITIVES.values())]
    assert len(set(codes)) == len(codes)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(UserError, match=r"unknown variable 'hrae'.*did you mean 'hare'"):
        compile_program([parse("hrae + lynx")], ("hare", "lynx"))
