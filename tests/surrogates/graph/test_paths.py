"""Smoothed paths: what their derivatives are means of, noise, gaps and close passings."""

from __future__ import annotations

import numpy as np
import pytest

from residuum.data.observations import Experiment, Observations
from residuum.errors import UserError
from residuum.hidden.extract import extract
from residuum.problem.body_equations import read_body_problem
from residuum.surrogates.graph.paths import FEWEST, smoothed
from residuum.surrogates.graph.surrogate import GraphSurrogate
from residuum.surrogates.settings import GraphSettings
from residuum.surrogates.train import train

T = np.linspace(0.0, 2.0, 81)
PROBLEM = read_body_problem(
    {"position_tt": "sum(force(position_j - position_i, mass_i, mass_j))/mass_i"},
    scalars=("mass",),
)


def film(x: np.ndarray, name: str = "run", t: np.ndarray = T) -> Experiment:
    names = tuple("abcdef"[: x.shape[1]])
    return Experiment(name, t, {"position": x}, bodies=names, scalars={"mass": np.ones(x.shape[1])})


def waves(speed: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Positions of three bodies far apart, and their accelerations."""
    phase = speed * T[:, None, None] + np.arange(3)[:, None] + np.array([0.0, 0.5])
    return np.sin(phase) + 20 * np.arange(3)[:, None], -(speed**2) * np.sin(phase)


def noisy(x: np.ndarray, sd: float, seed: int = 0) -> np.ndarray:
    return x + sd * np.random.default_rng(seed).normal(size=x.shape)


def test_means_keep_what_does_not_change() -> None:
    x, _ = waves()
    found = smoothed(PROBLEM, [film(noisy(x, 0.02))])
    for G in found.means["run"]["position"]:
        np.testing.assert_allclose(G.sum(axis=1), 1.0, atol=1e-4)


def test_a_rate_is_the_mean_of_the_acceleration() -> None:
    x, a = waves()
    rough = noisy(x, 0.02)
    rate = smoothed(PROBLEM, [film(rough)])
    # The same smoothing of the path itself: rates are linear in the measurements.
    G = rate.means["run"]["position"]
    other = smoothed(PROBLEM, [film(rough)]).rates["run"]["position"]
    np.testing.assert_array_equal(rate.rates["run"]["position"], other)
    mean = np.stack([G[b] @ a[:, b] for b in range(3)], axis=1)
    seen = np.isfinite(other)
    noise = np.std((other - mean)[seen])
    spread = np.median(rate.spreads["run"]["position"])
    assert 0.3 * spread < noise < 1.5 * spread


def test_a_true_model_takes_the_bias_away() -> None:
    x, a = waves(6.0)
    films = [film(noisy(x, 0.3, seed), f"run_{seed}") for seed in range(12)]
    found = smoothed(PROBLEM, films)
    model = {e.name: {"position": a} for e in films}
    plain, corrected = (
        np.concatenate([rates[e.name]["position"] - a for e in films])
        for rates in (found.rates, found.corrected(model))
    )
    size = np.concatenate([np.sign(a)] * len(films))

    def bias(error: np.ndarray) -> float:
        return float(np.nanmean(error * size))

    assert bias(plain) < -0.5
    assert abs(bias(corrected)) < 0.2 * abs(bias(plain))


@pytest.mark.parametrize("sd", [0.003, 0.03])
def test_noise_is_estimated(sd: float) -> None:
    x, _ = waves()
    films = [film(noisy(x, sd, seed), f"run_{seed}") for seed in range(3)]
    assert smoothed(PROBLEM, films).noise["position"] == pytest.approx(sd, rel=0.1)


def test_lengths_of_noise_alone_are_not_those_of_accelerations() -> None:
    still = np.zeros((81, 2, 2)) + 20 * np.arange(2)[:, None]
    found = smoothed(PROBLEM, [film(noisy(still, 0.05))])
    rates = {"run": {"position": found.rates["run"]["position"]}}
    lengths = found.lengths(rates)["run"]["position"]
    whole = np.linalg.norm(np.nan_to_num(rates["run"]["position"]), axis=-1)
    assert np.median(lengths) < 0.5 * np.median(whole)
    told = {"run": {"position": np.full((81, 2, 2), 3.0)}}
    assert (found.lengths(rates, told)["run"]["position"] >= 3.0).all()


def test_bodies_that_were_not_seen_have_no_rate() -> None:
    x, _ = waves()
    x[10:20, 1] = np.nan
    found = smoothed(PROBLEM, [film(noisy(x, 0.01))])
    assert np.isnan(found.rates["run"]["position"][10:20, 1]).all()
    assert np.isnan(found.experiments[0].states["position"][10:20, 1]).all()
    assert np.isfinite(found.experiments[0].states["position"][10:20, 0]).all()


def test_a_close_passing_is_left_out_of_both_bodies() -> None:
    x = np.zeros((81, 3, 2))
    x[:, 0, 0], x[:, 1, 0] = 2 * (T - 1), -2 * (T - 1)
    x[:, 1, 1], x[:, 2, 1] = 0.05, 30.0
    x[:, :, 1] += np.sin(9 * T)[:, None]  # all together, so that paths ask for short means
    rates = smoothed(PROBLEM, [film(noisy(x, 0.02))]).rates["run"]["position"]
    assert np.isnan(rates[38:43, :2]).all()
    assert np.isfinite(rates[38:43, 2]).all()
    assert np.isfinite(rates[10:15]).all()


def test_too_few_frames_and_no_positions() -> None:
    x, _ = waves()
    short = film(x[: FEWEST - 1], t=T[: FEWEST - 1])
    with pytest.raises(UserError, match="too few frames"):
        smoothed(PROBLEM, [short])
    speed = Experiment(
        "run", T, {"position_t": x}, bodies=("a", "b", "c"), scalars={"mass": np.ones(3)}
    )
    with pytest.raises(UserError, match="not measured"):
        smoothed(PROBLEM, [speed])


def orbits(seed: int) -> list[Experiment]:
    """Two bodies on a spring of length one, in closed form, about a centre that drifts."""
    rng, t = np.random.default_rng(seed), np.linspace(0.0, 3.0, 61)
    found = []
    for k in range(6):
        # Apart by r = 1 + A cos(w t) along a line: w^2 = 2*2 for unit masses.
        A, angle, drift = rng.uniform(0.2, 0.6), rng.uniform(0, 6.28), rng.normal(size=2)
        line = np.array([np.cos(angle), np.sin(angle)])
        half = 0.5 * (1 + A * np.cos(2 * t))[:, None] * line
        centre = t[:, None] * drift
        x = np.stack([centre - half, centre + half], axis=1)
        found.append(film(x + 0.003 * rng.normal(size=x.shape), f"run_{k}", t))
    return found


def test_a_force_is_learned_from_positions_alone() -> None:
    observations = Observations.of(orbits(0))
    settings = GraphSettings(messages=("mutual",), ensemble=2, width=4, rounds=4)
    found = train(PROBLEM, observations, settings, seed=0, device="cpu")
    r = np.linspace(0.5, 1.5, 11)
    values = found.hidden("force", np.column_stack([r, np.ones(11), np.ones(11)]))[0]
    np.testing.assert_allclose(values, 2 * (r - 1), atol=0.08)
    states = found.states("run_0", observations.experiments[0].t)
    measured = observations.experiments[0].states["position"][:, 1, 0]
    assert np.std(states["position_x_2"] - measured) < 0.006
    arrays, told = found.to_arrays()
    again = GraphSurrogate.from_arrays(arrays, told)
    assert again.experiments == found.experiments
    for name, values in found.states("run_3", T).items():
        np.testing.assert_array_equal(again.states("run_3", T)[name], values)
    extraction = extract(again, PROBLEM, observations)
    assert set(extraction.trajectories) == {f"run_{k}" for k in range(6)}
    assert extraction.samples["force"].prior is not None
    assert extraction.noise["position"] == pytest.approx(0.003, rel=0.15)
