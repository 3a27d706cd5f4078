"""The peers: pyoperon (float32, Levenberg-Marquardt inside), the same polished, and gplearn."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.symbolic.found import Found, Scaled
from benchmarks.symbolic.problem import Problem
from residuum.errors import UserError
from residuum.expressions.expression import Expression
from residuum.expressions.parser import parse
from residuum.metrics.refitting import refit
from residuum.metrics.size import size
from residuum.seeds import child_seed, generator

# Beside arithmetic; square roots and the like only where the suite has them.
OPERON = {
    **{"+": "add", "-": "sub", "*": "mul", "/": "div", "sin": "sin", "cos": "cos", "exp": "exp"},
    **{"log": "log", "sqrt": "sqrt", "tanh": "tanh", "abs": "abs"},
}
FLOAT32 = 1e-13  # relative squared error at which float32 sees no difference
DIGITS = 17
POPULATION, GENERATIONS, LENGTH = 500, 60, 30
# A formula's bits: half a log of n for each constant, log 8 for each token.
TOKEN_NATS = float(np.log(8.0))
FLOOR = 1e-24
GPLEARN = {
    **{"add": "+", "sub": "-", "mul": "*", "div": "/", "sin": "sin", "cos": "cos"},
    **{"sqrt": "sqrt", "log": "log", "abs": "abs"},
}
PROTECTED = ("sqrt", "log")


@dataclass(frozen=True)
class Offer:
    """One formula of pyoperon's Pareto front, in scaled numbers."""

    expression: Expression
    loss: float
    length: float
    nats: float


def solve_pyoperon(problem: Problem, seconds: float, seed: int) -> list[Found]:
    """Return the fronts of all restarts in the seconds; chosen is the shortest description."""
    stop = time.perf_counter() + seconds
    scaled = Scaled.of(problem)
    floor = FLOAT32 * float(np.var(scaled.y))
    offers: list[Offer] = []
    for front in _restarts(scaled, stop, seed):
        offers += front
        if min((offer.loss for offer in front), default=np.inf) <= floor:
            break
    best = min(offers, key=lambda offer: offer.nats, default=None)
    return [
        Found(scaled.back(o.expression), o.loss * scaled.value**2, o.length, o is best)
        for o in offers
    ]


def solve_pyoperon_polished(problem: Problem, seconds: float, seed: int) -> list[Found]:
    """Return the same fronts refitted in float64, the polish within the seconds.

    Chosen is the formula with the shortest description by our count; it ends early when that one
    explains the values to rounding error.
    """
    stop = time.perf_counter() + seconds
    scaled = Scaled.of(problem)
    offers: dict[tuple[str, ...], tuple[float, Found]] = {}
    for front in _restarts(scaled, stop, seed):
        for offer in sorted(front, key=lambda offer: offer.length):
            if time.perf_counter() > stop and offers:
                break
            fitted, left = _polished(scaled, offer, seed)
            row = (_nats(fitted, left, len(problem.y)), Found(fitted, left, float(size(fitted))))
            known = offers.get(fitted.tokens)
            if np.isfinite(left) and (known is None or row[0] < known[0]):
                offers[fitted.tokens] = row
        if min((row.loss for _, row in offers.values()), default=np.inf) <= FLOOR:
            break
    best = min((nats for nats, _ in offers.values()), default=np.inf)
    return [
        replace(row, expression=scaled.back(row.expression), chosen=nats == best)
        for nats, row in offers.values()
    ]


def _polished(scaled: Scaled, offer: Offer, seed: int) -> tuple[Expression, float]:
    rng = generator(seed, "symbolic", "polish")
    return refit(offer.expression, scaled.scaled.table, rng=rng, starts=1)


def _nats(expression: Expression, left: float, n: int) -> float:
    constants = 0.5 * len(expression.constants) * np.log(n)
    return 0.5 * n * np.log(max(left, FLOOR)) + constants + TOKEN_NATS * size(expression)


def _restarts(scaled: Scaled, stop: float, seed: int) -> Iterator[list[Offer]]:
    """Yield the Pareto front of one run after another until the time is over."""
    from pyoperon.sklearn import SymbolicRegressor

    run = 0
    while run == 0 or stop - time.perf_counter() > 0.5:
        left = max(1, int(stop - time.perf_counter()))
        model = SymbolicRegressor(
            allowed_symbols=symbols(scaled.problem.operators),
            population_size=POPULATION,
            pool_size=POPULATION,
            generations=GENERATIONS,
            max_length=LENGTH,
            optimizer_iterations=5,
            objectives=["r2", "length"],
            n_threads=1,
            random_state=child_seed(seed, "pyoperon", run) % 2**31,
            max_evaluations=10**8,
            max_time=left,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(scaled.X, scaled.y)
            yield list(_offers(model, scaled.problem.variables))
        run += 1


def symbols(operators: tuple[str, ...]) -> str:
    """Return pyoperon's names of a suite's operators.

    Powers are squares; any power where roots or exponentials are among the operators.
    """
    names = [OPERON[name] for name in operators if name in OPERON]
    if "**" in operators:
        names += ["square", "pow"] if "exp" in operators else ["square"]
    return ",".join([*names, "constant", "variable"])


def _offers(model: Any, variables: tuple[str, ...]) -> Iterator[Offer]:
    names = {f"X{k + 1}": name for k, name in enumerate(variables)}
    for row in model.pareto_front_:
        expression = read_operon(model.get_model_string(row["tree"], DIGITS), names)
        loss, nats = row["mean_squared_error"], row["minimum_description_length"]
        if expression is not None and np.isfinite(loss):
            yield Offer(expression, loss, row["length"], nats)


def read_operon(text: str, names: Mapping[str, str]) -> Expression | None:
    """Return pyoperon's infix as a formula; None where it is not in our language."""

    def call(
        name: str, arguments: tuple[Expression, ...], keywords: Mapping[str, Expression]
    ) -> Expression:
        if name != "square" or len(arguments) != 1:
            raise UserError(f"unknown operator {name}")
        return arguments[0] ** Expression.integer(2)

    try:
        return parse(text.replace("^", "**"), on_call=call).rename(names)
    except UserError:
        return None


def solve_gplearn(problem: Problem, seconds: float, seed: int) -> list[Found]:
    """Return the best program of each length of the last generation; chosen is the fittest.

    gplearn 0.4 has no exponential, power or tanh of its own; its root and logarithm are of the
    size of their argument and read back so. One generation follows another until the time is over.
    """
    from gplearn.genetic import SymbolicRegressor

    stop = time.perf_counter() + seconds
    scaled = Scaled.of(problem)
    model = SymbolicRegressor(
        population_size=1000,
        generations=1,
        function_set=[g for g, name in GPLEARN.items() if name in problem.operators],
        metric="mse",
        parsimony_coefficient=0.001,
        warm_start=True,
        random_state=child_seed(seed, "gplearn") % 2**31,
    )
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        while time.perf_counter() < stop:
            model.fit(scaled.X, scaled.y)
            model.set_params(generations=model.generations + 1)
    shortest: dict[int, Any] = {}
    for program in model._programs[-1]:
        kept = shortest.get(program.length_)
        if kept is None or program.raw_fitness_ < kept.raw_fitness_:
            shortest[program.length_] = program
    best = min(shortest.values(), key=lambda program: program.fitness_)
    return [
        Found(
            scaled.back(read_gplearn(program.program, problem.variables)),
            float(program.raw_fitness_) * scaled.value**2,
            program.length_,
            program is best,
        )
        for program in shortest.values()
    ]


def read_gplearn(program: list[Any], variables: tuple[str, ...]) -> Expression:
    """Return gplearn's prefix program as a formula: functions, columns by number, constants."""
    tokens: list[str] = []
    constants: list[float] = []
    for part in program:
        if isinstance(part, int | np.integer):
            tokens.append(variables[int(part)])
        elif isinstance(part, float | np.floating):
            tokens.append("#")
            constants.append(float(part))
        else:
            name = GPLEARN[part.name]
            tokens += [name, "abs"] if name in PROTECTED else [name]
    return Expression(tuple(tokens), tuple(constants))
