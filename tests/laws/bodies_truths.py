"""Bodies with known forces, and what a good surrogate would hand over of them."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from residuum.data.observations import Experiment
from residuum.distillers.front import Candidate, Front
from residuum.expressions.evaluation import evaluate
from residuum.expressions.parser import parse
from residuum.hidden.samples import Extraction, HiddenSamples, Structure, Trajectory
from residuum.problem.body_equations import read_body_problem
from residuum.problem.body_problem import BodyProblem
from residuum.problem.problem import Parameter

TEXT = "(sum(force(position_j - position_i, mass_i, mass_j)) - drag*position_t_i)/mass_i"
FORCE = "2*mass_i*mass_j*(distance - 0.5)"
DRAG = 0.3


def problem_of(drag: float | None = DRAG) -> BodyProblem:
    return read_body_problem(
        {"position_tt": TEXT}, scalars=("mass",), parameters={"drag": Parameter("drag", drag)}
    )


def accelerations(x: np.ndarray, v: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Return the accelerations `[b, d]` of springs between all pairs, by hand."""
    d = x[None, :] - x[:, None]
    r = np.sqrt((d**2).sum(-1)) + np.eye(len(x))
    size = 2 * mass[:, None] * mass * (r - 0.5)
    return ((size / r)[..., None] * d).sum(1) / mass[:, None] - DRAG * v / mass[:, None]


def snapshots(count: int, bodies: int, seed: int, *, noise: float = 0.0) -> list[Experiment]:
    """Return frames of systems of their own, one in three with one body fewer."""
    rng, found = np.random.default_rng(seed), []
    for k in range(count):
        n = bodies - (k % 3 == 0)
        x, v, mass = rng.normal(size=(n, 2)), rng.normal(size=(n, 2)), np.exp(rng.normal(size=n))
        a = accelerations(x, v, mass) + noise * rng.normal(size=(n, 2))
        states = {"position": x[None], "position_t": v[None], "position_tt": a[None]}
        names = tuple("abcdef"[:n])
        held = np.array([k % 4 == 0])
        found.append(Experiment(f"snap_{k}", np.zeros(1), states, {}, held, names, {"mass": mass}))
    return found


def trajectories(count: int, bodies: int, seed: int, *, noise: float) -> list[Experiment]:
    """Return positions over time with noise; the last experiment is held out."""
    rng, found = np.random.default_rng(seed), []
    t = np.linspace(0, 2, 30)
    for k in range(count):
        start, mass = rng.normal(size=4 * bodies), rng.uniform(0.5, 2, bodies)

        def rate(_: float, y: np.ndarray, mass: np.ndarray = mass) -> np.ndarray:
            x, v = y.reshape(2, bodies, 2)
            return np.concatenate([v.ravel(), accelerations(x, v, mass).ravel()])

        path = solve_ivp(rate, (0, 2), start, "DOP853", t, rtol=1e-11, atol=1e-12).y.T
        x = path.reshape(len(t), 2, bodies, 2)[:, 0]
        x = x + noise * rng.normal(size=x.shape)
        held = np.full(len(t), k == count - 1)
        found.append(
            Experiment(f"run_{k}", t, {"position": x}, {}, held, tuple("abcdef"[:bodies]),
                       {"mass": mass})
        )  # fmt: skip
    return found


def extraction_of(parameters: dict[str, float], moving: dict[str, Trajectory]) -> Extraction:
    """Return true samples of the force with a spread of a hundredth."""
    rng = np.random.default_rng(0)
    names = ("distance", "mass_i", "mass_j")
    X = rng.uniform(0.2, 3, size=(120, 3))
    f = evaluate(parse(FORCE), dict(zip(names, X.T, strict=True)))
    covariance = np.eye(120) * (0.01 * np.sqrt(np.mean(f**2))) ** 2
    samples = HiddenSamples(
        "force", names, X, f, covariance, np.zeros(120), np.zeros(120, int), (True,) * 3
    )
    values = {name: (value, 0.1) for name, value in parameters.items()}
    return Extraction({"force": samples}, moving, values, {}, Structure({}, {}, {}))


def front() -> Front:
    """Return the truth among formulas that are not."""
    texts = {
        "1.9*mass_i*mass_j*(distance - 0.6)": (1.0, 12.0),
        "1.1*mass_i*mass_j": (40.0, 5.0),
        "1.5*mass_i*distance": (60.0, 5.0),
        "1.5*mass_i*mass_j*distance + 0.1*mass_i": (20.0, 14.0),
    }
    rows = [
        Candidate("force", parse(text), loss, nats, "genetic")
        for text, (loss, nats) in texts.items()
    ]
    return Front("force", tuple(rows))
