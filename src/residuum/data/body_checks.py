"""What is refused of bodies before anything is trained on them, each fault with its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from residuum.data.observations import Experiment
from residuum.data.settings import FEWEST_POINTS
from residuum.errors import UserError
from residuum.problem.names import derivative, split_suffix

FEWEST_BODIES = 2
# Numbers in one array of distances between bodies.
CHUNK = 5_000_000


def check_bodies(where: str, experiments: Sequence[Experiment], lefts: Sequence[str] = ()) -> None:
    """Raise UserError unless experiments of bodies can be trained on.

    `lefts` are the left-hand sides of the equations: where they are measured themselves (given
    accelerations), single times are enough. Not given: second derivatives are meant.
    """
    _check_alike(where, experiments)
    for e in experiments:
        if len(e.bodies) < FEWEST_BODIES:
            raise UserError(
                "one body only",
                where=f"{where} ({e.name})",
                expected=f"at least {FEWEST_BODIES} bodies in every experiment",
                found=", ".join(e.bodies) or "none",
            )
        _check_times(where, e, lefts)
        _check_present(where, e)
    check_coinciding(where, experiments)


def check_divisors(
    experiments: Sequence[Experiment], names: Iterable[str], where: str = ""
) -> None:
    """Raise UserError for a body whose scalar among `names`, by which equations divide, is 0."""
    for name in names:
        for e in experiments:
            zero = np.flatnonzero(e.scalars.get(name, np.ones(0)) == 0)
            if len(zero):
                at = f"{name} of {e.bodies[zero[0]]} ({e.name})"
                raise UserError(
                    f"{name} is 0, but the equations divide by it",
                    where=f"{where}: {at}" if where else at,
                    expected="a number that is not 0",
                )


def _check_alike(where: str, experiments: Sequence[Experiment]) -> None:
    first = experiments[0]
    for e in experiments:
        for group, what in (("states", "states"), ("scalars", "scalars of bodies")):
            expected, found = sorted(getattr(first, group)), sorted(getattr(e, group))
            if found != expected:
                raise UserError(
                    f"other {what} than in {first.name}",
                    where=f"{where} ({e.name})",
                    expected=", ".join(expected) or "none",
                    found=", ".join(found) or "none",
                    hint="a scalar that is not known is NaN" if group == "scalars" else None,
                )
        if e.bodies and e.axes != first.axes:
            raise UserError(
                f"another number of axes than in {first.name}",
                where=f"{where} ({e.name})",
                expected=str(first.axes),
                found=str(e.axes),
            )


def _check_times(where: str, e: Experiment, lefts: Sequence[str]) -> None:
    needed = tuple(lefts) or tuple(derivative(name, 2) for name in _positions(e))
    lacking = [name for name in needed if name not in e.states]
    if len(e) < FEWEST_POINTS and (lacking or not needed):
        raise UserError(
            "too few samples",
            where=f"{where} ({e.name})",
            expected=f"at least {FEWEST_POINTS} times in each experiment"
            + (f", or measured {lacking[0]}" if lacking else ""),
            found=str(len(e)),
        )


def _positions(e: Experiment) -> list[str]:
    """Return the states that are no derivatives."""
    return [name for name in e.states if split_suffix(name) is None]


def _check_present(where: str, e: Experiment) -> None:
    for name, values in e.states.items():
        absent = np.flatnonzero(~np.isfinite(values).all(axis=2).any(axis=0))
        if len(absent):
            raise UserError(
                f"{e.bodies[absent[0]]} has no values at any time, all are missing",
                where=f"{where}: {name} ({e.name})",
                hint="leave out bodies that were never measured",
            )
    for name, values in e.inputs.items():
        if not np.isfinite(values).any():
            raise UserError("no values, all are missing", where=f"{where}: {name} ({e.name})")
    together = [np.isfinite(v).all(axis=2).sum(axis=1).max() for v in e.states.values()]
    if together and min(together) < FEWEST_BODIES:
        raise UserError(
            "no two bodies are measured at the same time",
            where=f"{where} ({e.name})",
            expected="common times of the bodies",
        )


def check_coinciding(where: str, experiments: Sequence[Experiment]) -> None:
    """Raise UserError where two bodies have the same position at a time."""
    for e in experiments:
        names = _positions(e)
        if not names:
            continue
        # Bodies coincide where all their states do: with several, one alone may well be equal.
        x = np.concatenate([e.states[name] for name in names], axis=2)
        size = max(1, CHUNK // max(1, x.shape[1] ** 2 * x.shape[2]))
        for start in range(0, len(x), size):
            part = x[start : start + size]
            same = (part[:, :, None] == part[:, None]).all(axis=-1)
            same &= np.triu(np.ones(same.shape[1:], bool), 1)
            if same.any():
                k, a, b = np.argwhere(same)[0]
                raise UserError(
                    f"{e.bodies[a]} and {e.bodies[b]} have the same {' and '.join(names)}",
                    where=f"{where}: {names[0]}, t = {e.t[start + k]:g} ({e.name})",
                    expected="bodies apart from each other",
                    hint="the direction of a force between them would not be defined",
                )
