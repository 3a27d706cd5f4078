"""Experiments with bodies as those of scalar equations, written out for each body and axis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from residuum.data.labels import experiment_names
from residuum.data.observations import Experiment, Observations
from residuum.expressions.expression import Expression
from residuum.problem.body_expansion import Expansion, expand
from residuum.problem.body_problem import BodyProblem
from residuum.problem.problem import Parameter, Problem

FAR = 1e6  # where an absent body stands, in units of the largest position


@dataclass(frozen=True, slots=True)
class WrittenBodies:
    """A problem of bodies, the scalar problem that it is written out to, and how names agree.

    `unknown` are the scalars that are not known, each with the label of its body: a parameter.
    """

    problem: BodyProblem
    written: Problem
    expansion: Expansion
    ragged: bool
    unknown: tuple[tuple[str, str], ...]

    @classmethod
    def of(
        cls,
        problem: BodyProblem,
        experiments: Sequence[Experiment],
        *,
        receivers: Iterable[int] | None = None,
    ) -> WrittenBodies:
        """Return the layout for as many bodies as the largest experiment has.

        A body may be absent in an experiment, with `receivers` also in some of its frames. Where
        all bodies receive, the rates of an absent one are zero.
        """
        bodies = max(len(e.bodies) for e in experiments)
        ragged = any(len(e.bodies) < bodies for e in experiments)
        if receivers is not None:
            ragged = any(_absent(problem, e, bodies) for e in experiments)
        expansion = Expansion(bodies, experiments[0].axes)
        unknown = unknown_scalars(problem, experiments)
        written = expand(problem, expansion, receivers=receivers, ragged=ragged)
        if ragged and receivers is None:
            written = _resting(written, expansion)
        return cls(problem, _open(written, expansion, unknown), expansion, ragged, unknown)

    def table(self, experiments: Sequence[Experiment], most: int) -> dict[str, np.ndarray]:
        """Return every body of every frame as one sample of the first body's equations.

        Columns are `t`, the inputs, components and left-hand sides of the written problem; of more
        than `most` samples every so many are taken.
        """
        count = sum(e.t.size * len(e.bodies) for e in experiments)
        every = max(1, -(-count // most))
        places = [(e, body) for e in experiments for body in range(len(e.bodies))]
        before = np.cumsum([0, *(len(e.t) for e, _ in places)])
        rows = [
            self._sample(e, body, _frames(e, body, every, int(start)))
            for (e, body), start in zip(places, before, strict=False)
        ]
        lefts = [equation.left for equation in self.written.equations]
        names = dict.fromkeys(("t", *self.written.inputs, *self.written.components, *lefts))
        return {n: np.concatenate([np.zeros(0), *(row[n] for row in rows)]) for n in names}

    def flat(self, observations: Observations) -> Observations:
        """Return the observations of all bodies as those of scalar states."""
        experiments = [self._flat(e) for e in observations.experiments]
        return Observations.of(experiments, noise=observations.noise, title=observations.title)

    def _flat(self, e: Experiment) -> Experiment:
        frames = np.arange(len(e.t))
        whole = self._sample(e, 0, frames)
        missing = self.expansion.bodies - len(e.bodies)
        states = {
            name: column
            for component in self.problem.components
            if component in e.states
            for name, column in zip(
                self.expansion.components(component),
                _padded(e.states[component], missing).reshape(len(e.t), -1).T,
                strict=True,
            )
        }
        inputs = {name: whole[name] for name in self.written.inputs}
        if self.ragged:
            # Who misses a frame is absent from it where rates are given, but moves on here.
            there = np.arange(self.expansion.bodies) < len(e.bodies)
            inputs |= {
                self.expansion.presence(place): np.full(len(e.t), float(there[place]))
                for place in range(self.expansion.bodies)
            }
        return Experiment(e.name, e.t, states, inputs, e.held_out)

    def components(self, e: Experiment) -> dict[str, np.ndarray]:
        """Return every component of all bodies of an experiment, gaps filled in a straight line."""
        return {
            name: _filled(e.t, e.states[component].reshape(len(e.t), -1)[:, place])
            for component in self.problem.components
            for place, name in enumerate(self.expansion.components(component))
        }

    def gathered(self, e: Experiment, parts: Mapping[str, np.ndarray]) -> Experiment:
        """Return an experiment with its states put together from the components of all bodies."""
        shape = (len(e.t), len(e.bodies), e.axes)
        states = {
            c: np.stack([parts[name] for name in self.expansion.components(c)], -1).reshape(shape)
            for c in self.problem.components
        }
        return replace(e, states=states)

    def _sample(self, e: Experiment, body: int, frames: np.ndarray) -> dict[str, np.ndarray]:
        """Return all named values of some frames, with one body first."""
        order = [body, *(b for b in range(len(e.bodies)) if b != body)]
        found = {"t": e.t[frames]} | {n: e.input_at(n, e.t[frames]) for n in self.problem.inputs}
        for place in range(self.expansion.bodies):
            own = order[place] if place < len(order) else None
            found |= self._of_body(e, own, place, frames)
        for equation in self.problem.equations:
            given = e.states.get(equation.left)
            for k in range(self.expansion.axes):
                name = self.expansion.component(equation.left, 0, k)
                found[name] = _blank(frames) if given is None else given[frames, body, k]
        return found

    def _of_body(
        self, e: Experiment, body: int | None, place: int, frames: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return the components, scalars and presence of a body that stands in a place."""
        axes, name_of = range(self.expansion.axes), self.expansion.component
        states = {
            name_of(c, place, k): _blank(frames)
            if body is None or c not in e.states
            else e.states[c][frames, body, k]
            for c in self.problem.components
            for k in axes
        }
        measured = [v for n, v in states.items() if body is not None and not np.isnan(v).all()]
        there = np.isfinite(measured).all(axis=0) if measured else np.zeros(len(frames), bool)
        if self.ragged:
            far = FAR * self._largest(e) * (place + 1)
            states = {n: np.where(there, v, far) for n, v in states.items()}
            states[self.expansion.presence(place)] = there.astype(float)
        return states | self._scalars(e, body, place, len(frames))

    def _scalars(
        self, e: Experiment, body: int | None, place: int, count: int
    ) -> dict[str, np.ndarray]:
        found = {}
        for s in self.problem.scalars:
            value = 1.0 if body is None else float(e.scalars[s][body])
            found[self.expansion.scalar(s, place)] = np.full(count, np.nan_to_num(value))
            for scalar, label in self.unknown:
                if scalar == s:
                    own = body is not None and np.isnan(value) and e.bodies[body] == label
                    found[_indicator(s, label, place)] = np.full(count, float(own))
        return found

    def _largest(self, e: Experiment) -> float:
        return float(np.nanmax(np.abs(e.states[self.problem.states[0]]), initial=1.0))


def rates_are_given(problem: BodyProblem, observations: Observations) -> bool:
    """Tell whether every left-hand side was measured, and what right-hand sides ask for."""
    needed = {equation.left for equation in problem.equations} | set(problem.needed)
    return needed <= set(observations.states)


def alike(observations: Observations) -> Observations:
    """Return the experiments with the number of bodies of which most was measured to train on."""
    samples = Counter[int]()
    for e in observations.training:
        samples[len(e.bodies)] += len(e) * len(e.bodies)
    most = max(samples, key=lambda bodies: (samples[bodies], -bodies))
    rows = [e for e in observations.experiments if len(e.bodies) == most]
    if len(rows) == len(observations.experiments):
        return observations
    return Observations.of(
        rows, noise=observations.noise, units=observations.units, title=observations.title
    )


def unknown_scalars(
    problem: BodyProblem, experiments: Sequence[Experiment]
) -> tuple[tuple[str, str], ...]:
    """Return the scalars that are not known, each with the label of its body."""
    found = {
        (scalar, label): None
        for scalar in problem.scalars
        for e in experiments
        for label, value in zip(e.bodies, e.scalars[scalar], strict=True)
        if np.isnan(value)
    }
    return tuple(found)


def unknown_name(scalar: str, label: str) -> str:
    """Return the parameter that stands for a scalar that is not known.

    >>> unknown_name("mass", "b")
    'mass_of_b'
    """
    return f"{scalar}_of_{experiment_names([label])[0].replace('-', '_')}"


def scalars_of(e: Experiment, values: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Return what each body carries `[b]`, estimates where it is not known."""
    found = {}
    for name, known in e.scalars.items():
        estimates = [values.get(unknown_name(name, body), np.nan) for body in e.bodies]
        found[name] = np.where(np.isnan(known), estimates, known)
    return found


def _indicator(scalar: str, label: str, place: int) -> str:
    return f"{unknown_name(scalar, label)}_{place + 1}"


def _open(written: Problem, expansion: Expansion, unknown: Sequence[tuple[str, str]]) -> Problem:
    """Return the problem with parameters in the place of scalars that are not known.

    A scalar is its known value, else zero, plus every unknown one times the input that says
    whether the body in that place is the one.
    """
    if not unknown:
        return written
    put: dict[str, Expression] = {}
    for scalar, label in unknown:
        for place in range(expansion.bodies):
            name = expansion.scalar(scalar, place)
            added = Expression.variable(unknown_name(scalar, label))
            own = added * Expression.variable(_indicator(scalar, label, place))
            put[name] = put.get(name, Expression.variable(name)) + own
    places = range(expansion.bodies)
    return replace(
        written,
        equations=tuple(replace(e, rhs=e.rhs.substitute(put)) for e in written.equations),
        calls=tuple(
            replace(c, arguments=tuple(a.substitute(put) for a in c.arguments))
            for c in written.calls
        ),
        parameters=(*written.parameters, *(Parameter(unknown_name(*u)) for u in unknown)),
        inputs=(*written.inputs, *(_indicator(*u, place) for u in unknown for place in places)),
    )


def _absent(problem: BodyProblem, e: Experiment, bodies: int) -> bool:
    names = [c for c in problem.components if c in e.states]
    return len(e.bodies) < bodies or any(np.isnan(e.states[c]).any() for c in names)


def _frames(e: Experiment, body: int, every: int, before: int) -> np.ndarray:
    """Return every so many frames in which a body was measured, `before` of them passed over."""
    frames = np.arange(-before % every, len(e.t), every)
    known = [np.isfinite(v[frames, body]).all(axis=-1) for v in e.states.values()]
    return frames[np.all(known, axis=0)]


def _padded(values: np.ndarray, missing: int) -> np.ndarray:
    """Return vectors `[n, b, d]` with NaN for so many bodies more."""
    return np.pad(values, ((0, 0), (0, missing), (0, 0)), constant_values=np.nan)


def _resting(written: Problem, expansion: Expansion) -> Problem:
    """Return the problem in which bodies that are absent stay where they are."""
    places = [k // expansion.axes % expansion.bodies for k in range(len(written.equations))]
    there = [Expression.variable(expansion.presence(place)) for place in places]
    rows = zip(written.equations, there, strict=True)
    return replace(written, equations=tuple(replace(e, rhs=own * e.rhs) for e, own in rows))


def _filled(t: np.ndarray, values: np.ndarray) -> np.ndarray:
    there = np.isfinite(values)
    return np.interp(t, t[there], values[there]) if there.any() else values


def _blank(like: np.ndarray) -> np.ndarray:
    return np.full(len(like), np.nan)
