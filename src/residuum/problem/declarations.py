"""What is declared of a problem: left-hand sides, states, inputs and parameters, each checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from residuum.errors import UserError, nearest, unknown_name
from residuum.expressions.expression import Expression
from residuum.problem.names import AXES, MAX_ORDER, check_name, derivative, split_suffix
from residuum.problem.problem import Parameter

SPACE_AND_TIME = frozenset("txyz")


def left_sides(
    equations: Mapping[str, str], states: Sequence[str] | None, where: str
) -> dict[str, tuple[str, int]]:
    """Return the state and the order that each left-hand side names."""
    if not equations:
        raise UserError("no equations", where=where, expected="a line such as x_t: -k*x")
    found: dict[str, tuple[str, int]] = {}
    for left in equations:
        state, order = _left_side(left, states, f"{where}.{left}")
        earlier = next((k for k, (name, _) in found.items() if name == state), None)
        if earlier is not None:
            raise UserError(
                f"two equations for state {state!r}", where=f"{where}.{left}", found=earlier
            )
        found[left] = (state, order)
    return found


def _left_side(left: object, states: Sequence[str] | None, where: str) -> tuple[str, int]:
    parts = split_suffix(left) if isinstance(left, str) else None
    if parts is None:
        raise _bad_left_side(str(left), states, where)
    state, suffix = parts
    check_name(state, what="state", where=where)
    if split_suffix(state) is not None:
        raise UserError(
            f"state {state!r} reads as a derivative", where=where, hint="rename the state"
        )
    measured = {derivative(state, order) for order in range(len(suffix))}
    if states is not None and measured.isdisjoint(states):
        raise unknown_name(state, _bases(states), what="state", where=where)
    if len(suffix) > MAX_ORDER:
        raise UserError(
            f"equation of order {len(suffix)}",
            where=where,
            expected=f"order 1 or {MAX_ORDER}: {state}_t or {state}_tt",
        )
    return state, len(suffix)


def _bad_left_side(left: str, states: Sequence[str] | None, where: str) -> UserError:
    state, _, suffix = left.rpartition("_")
    if states is not None and state in _bases(states):
        return unsupported_axes(left, state, suffix, where)
    example = nearest(left, _bases(states or ())) or (left if left.isidentifier() else "x")
    return UserError(
        f"{left!r} is not a left-hand side",
        where=where,
        expected="STATE_t or STATE_tt",
        hint=f"write {example}_t: ... for the rate of change of {example}",
    )


def unsupported_axes(name: str, state: str, suffix: str, where: str) -> UserError:
    return UserError(
        f"{name!r}: {suffix!r} is not a derivative of state {state!r} along an axis",
        where=where,
        expected=f"axes {', '.join(AXES)}",
        hint="this version handles ordinary differential equations",
    )


def _bases(states: Iterable[str]) -> list[str]:
    """Return the states behind declared names, which may be measured derivatives."""
    return list(dict.fromkeys((split_suffix(name) or (name, ""))[0] for name in states))


def check_states(
    states: Sequence[str] | None, orders: Mapping[str, int], at: str, *, highest: int = 0
) -> None:
    """Raise UserError for a declared state without an equation, or a derivative of high order.

    A derivative may be measured below the order of its equation, or `highest` above that.
    """
    for name in states or ():
        check_name(name, what="state", where=f"{at}data.states")
        state, suffix = split_suffix(name) or (name, "")
        if state not in orders:
            raise UserError(
                f"state {name!r} has no equation",
                where=f"{at}equations",
                expected=f"a line {state}_t: ...",
                hint="a known signal that forces the system is an input",
            )
        if len(suffix) >= orders[state] + highest:
            raise UserError(
                f"{name!r} reads as a derivative of order {len(suffix)} of {state!r}",
                where=f"{at}data.states",
                expected=f"an equation of order {len(suffix) + 1} or more for {state!r}",
                hint="or rename the state",
            )


def check_names(
    orders: Mapping[str, int], inputs: Sequence[str], given: Mapping[str, Parameter], at: str
) -> None:
    taken = {name: f"the state {name!r}" for name in components_of(orders)}
    for name, what, where in (
        *((name, "input", f"{at}data.inputs.{name}") for name in inputs),
        *((name, "parameter", f"{at}parameters.{name}") for name in given),
    ):
        check_name(name, what=what, where=where)
        base, suffix = split_suffix(name) or (name, "")
        if name in taken or (suffix and base in orders):
            meaning = taken.get(name, f"a derivative of state {base!r}")
            raise UserError(f"{what} {name!r} is also {meaning}", where=where, hint="rename one")
        taken[name] = f"the {what} {name!r}"
    for name, parameter in given.items():
        parameter.check(f"{at}parameters.{name}")


def components_of(orders: Mapping[str, int]) -> list[str]:
    """Return each state followed by its derivatives below the order of its equation."""
    return [derivative(state, k) for state, order in orders.items() for k in range(order)]


class Names:
    """Which names right-hand sides may hold, and what is said of any other."""

    def __init__(
        self,
        orders: Mapping[str, int],
        variables: Mapping[str, str],
        inputs: Iterable[str],
        parameters: Iterable[str],
    ) -> None:
        self.orders = orders
        self.kinds = dict(variables)
        self.kinds |= dict.fromkeys(AXES, "an axis")
        self.kinds |= dict.fromkeys(inputs, "an input")
        self.kinds |= dict.fromkeys(parameters, "a parameter")

    def check(self, expression: Expression, where: str, term: str = "") -> None:
        """Raise UserError for the first name of a formula that nothing declares."""
        for name in expression.variables:
            if name not in self.kinds and "@" not in name:
                raise self._unknown(name, where, term)

    def _unknown(self, name: str, where: str, term: str) -> UserError:
        state, _, suffix = name.rpartition("_")
        if state in self.orders and suffix and set(suffix) <= SPACE_AND_TIME:
            return self._derivative(name, state, suffix, where)
        what = f"hidden term {term!r} has the undeclared argument" if term else "unknown name"
        close = nearest(name, self.kinds)
        return UserError(
            f"{what} {name!r}",
            where=where,
            expected=f"one of {', '.join(sorted(self.kinds))}",
            hint=f"did you mean {close!r}?" if close else f"declare {name!r} under parameters:",
        )

    def _derivative(self, name: str, state: str, suffix: str, where: str) -> UserError:
        if split_suffix(name) is None:
            return unsupported_axes(name, state, suffix, where)
        return UserError(
            f"{name!r} on the right-hand side, but the equation of {state!r} gives it",
            where=where,
            expected=f"derivatives of {state!r} below order {self.orders[state]}",
        )


def text_of(value: object) -> str:
    """Return an equation as text; a bare number in YAML is one too."""
    return repr(value) if isinstance(value, int | float) else value  # type: ignore[return-value]


def check_used(given: Iterable[str], formulas: Iterable[Expression], at: str) -> None:
    """Raise UserError for the first parameter that no formula holds."""
    used = {name for formula in formulas for name in formula.variables}
    for name in given:
        if name not in used:
            raise UserError(
                f"parameter {name!r} is not used in any equation",
                where=f"{at}parameters.{name}",
                hint="use it in an equation or remove it",
            )
