"""An unknown update and its messages, known in closed form: what is free, and how it is fixed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from residuum.data.observations import Experiment, Observations
from residuum.hidden.body_samples import body_samples
from residuum.hidden.chain import chains
from residuum.hidden.extract import extract
from residuum.hidden.gauge import gauges_of, reads
from residuum.problem.body_equations import read_body_problem
from residuum.problem.problem import Parameter

PAIR = "position_j - position_i"
TEXT = f"update(sum(message({PAIR}, mass_i, mass_j)), mass_i)"
THETA = np.array([3.0, 0.5])


@dataclass
class Springs:
    """`message = a*m_i*m_j*(r - 1)/m_i**k` and `update = b*s*m_i**(k + p)`, unknowns `(a, b)`.

    The product `a*b` is known to a thousandth, the gauge not at all.
    """

    form: str = "mutual"
    theta: np.ndarray = field(default_factory=lambda: THETA)
    k: int = 0
    p: int = -1
    sees: bool = True
    parameters: dict = field(default_factory=dict)
    noise: dict = field(default_factory=dict)
    experiments: tuple = ()

    @property
    def alive(self):
        return {"message": (True, self.sees, True), "update": (True, True)}

    @property
    def latents(self):
        return {"message": 1, "update": 1}

    @property
    def forms(self):
        return {"message": self.form, "update": "central"}

    @property
    def maps(self):
        return {}

    @property
    def posterior(self):
        free, fixed = np.array([THETA[0], -THETA[1]]), np.array([THETA[0], THETA[1]]) / 2
        return 25.0 * np.outer(free, free) + 1e-6 * np.outer(fixed, fixed)

    def linearised(self, term, X):
        a, b = self.theta
        J = np.zeros((len(X), 2))
        if term == "message":
            r, m_i, m_j = X.T
            J[:, 0] = m_i ** (1 - self.k) * m_j * (r - 1)
            parts = [m_i ** (1 - self.k) * m_j, (1 - self.k) * J[:, 0] / m_i, J[:, 0] / m_j]
            return a * J[:, 0], J, a * np.stack(parts, 1)
        s, m = X.T
        J[:, 1] = s * m ** (self.k + self.p)
        return b * J[:, 1], J, b * np.stack([J[:, 1] / s, (self.k + self.p) * J[:, 1] / m], 1)

    def mean(self, term, X):
        return self.linearised(term, X)[0]

    def hidden(self, term, X):
        values, J, _ = self.linearised(term, X)
        return values, J @ self.posterior @ J.T

    def hidden_prior(self, term, X):
        raise NotImplementedError

    def hidden_gradient(self, term, X):
        return self.linearised(term, X)[2]


def observations(rng=None):
    rng = rng or np.random.default_rng(0)
    x, mass = rng.normal(size=(12, 4, 2)), np.exp(rng.normal(size=4))
    states = {"position": x, "position_tt": np.zeros_like(x)}
    one = Experiment("one", np.arange(12.0), states, bodies=tuple("abcd"), scalars={"mass": mass})
    return Observations.of([one])


def problem(text=TEXT, **given):
    return read_body_problem({"position_tt": text}, scalars=("mass",), **given)


def test_messages_become_forces_where_the_update_divides_by_a_mass():
    samples, structure = body_samples(Springs(), problem(), observations().training)
    message, update = samples["message"], samples["update"]
    r, m_i, m_j = message.X.T
    np.testing.assert_allclose(message.values, 1.5 * m_i * m_j * (r - 1), rtol=1e-12)
    np.testing.assert_allclose(update.values, update.X[:, 0] / update.X[:, 1], rtol=1e-12)
    told = structure.gauge["update"]
    assert told["free"] == "message times any number, if update takes its sum divided by it"
    assert told["fixed"].startswith("update is total_length/mass_i on average; messages are equal")
    assert told["map"] == "message = the surrogate's times 0.5"


def test_what_is_a_choice_has_no_spread():
    samples, _ = body_samples(Springs(), problem(), observations().training)
    message, update = samples["message"], samples["update"]
    np.testing.assert_allclose(message.sd, 1e-3 * np.abs(message.values), rtol=1e-6)
    assert float(update.sd.max()) < 1e-9 * float(np.abs(update.values).max())


@pytest.mark.parametrize("factor", [2.0, -0.3])
def test_surrogates_that_differ_by_a_gauge_say_the_same(factor):
    other = Springs(theta=np.array([THETA[0] * factor, THETA[1] / factor]))
    for one, two in zip(
        *(
            body_samples(s, problem(), observations().training)[0].values()
            for s in (Springs(), other)
        ),
        strict=True,
    ):
        np.testing.assert_allclose(one.X, two.X, rtol=1e-10)
        np.testing.assert_allclose(one.values, two.values, rtol=1e-10)


@pytest.mark.parametrize("k", [0, 1, 2])
def test_a_function_of_the_receivers_mass_is_free_where_messages_need_not_be_mutual(k):
    """Whatever the surrogate chose, messages are accelerations and the update is the identity."""
    samples, structure = body_samples(Springs("central", k=k), problem(), observations().training)
    r, _, m_j = samples["message"].X.T
    np.testing.assert_allclose(samples["message"].values, 1.5 * m_j * (r - 1), rtol=1e-10)
    np.testing.assert_allclose(samples["update"].values, samples["update"].X[:, 0], rtol=1e-10)
    told = structure.gauge["update"]
    assert told["free"].startswith("message times any function of mass_i")
    assert told["fixed"] == "update is total_length on average, whatever mass_i"
    sensitivity = structure.sensitivity
    assert sensitivity["update"]["mass_i"] == pytest.approx(0.0, abs=1e-4)
    assert sensitivity["message"]["mass_i"] == pytest.approx(0.0, abs=1e-4)


def test_a_message_without_the_receivers_mass_leaves_a_number_free():
    surrogate = Springs("central", k=1, p=-2, sees=False)
    (chain,) = chains(problem(), surrogate)
    assert chain.shared == ()
    _, structure = body_samples(surrogate, problem(), observations().training)
    assert structure.gauge["update"]["fixed"] == "update is total_length/mass_i on average"


@pytest.mark.parametrize("form", ["mutual", "central"])
def test_derivatives_in_the_gauge_match_differences(form):
    surrogate, rng = Springs(form, k=1, p=-2), np.random.default_rng(1)
    places = {"message": rng.uniform(1.5, 3, (20, 3)), "update": rng.uniform(1, 2, (20, 2))}
    gauges = gauges_of(surrogate, problem(), places)
    for term, X in places.items():
        _, J, gradient = reads(gauges[term], term, X)
        sides = [[], []]
        for side, step in zip(sides, (1e-6, -1e-6), strict=True):
            for unknown in np.eye(2):
                moved = Springs(form, THETA + step * unknown, k=1, p=-2)
                other = gauges_of(moved, problem(), places)[term]
                size = gauges[term]._size()[0] / other._size()[0]
                # The places at which the gauge is fixed move with the messages.
                at = {**places, "update": places["update"] / [size, 1.0]}
                side.append(reads(gauges_of(moved, problem(), at)[term], term, X)[0])
        np.testing.assert_allclose(
            J, (np.array(sides[0]) - np.array(sides[1])).T / 2e-6, rtol=1e-5, atol=1e-7
        )
        for a in range(X.shape[1]):
            move = 1e-6 * np.eye(X.shape[1])[a]
            up, down = (reads(gauges[term], term, X + s * move)[0] for s in (1, -1))
            np.testing.assert_allclose(gradient[:, a], (up - down) / 2e-6, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "free"),
    [
        (TEXT, True),
        (f"update(2*sum(3*message({PAIR}))/mass_i, mass_i)", True),
        (f"update(sum(message({PAIR})) + position_i)", False),
        (f"update(sum(message({PAIR}) - position_j))", False),
        (f"update(sum(message({PAIR}))) + sum(message({PAIR}))", False),
        (f"update(a*sum(message({PAIR}, mass_i, mass_j)), mass_i)", True),
    ],
)
def test_where_there_is_a_gauge(text, free):
    given = {"parameters": {"a": Parameter("a")}} if "a*" in text else {}
    assert bool(chains(problem(text, **given), Springs())) == free


def test_extract_tells_the_gauge():
    found = extract(Springs(), problem(), observations())
    assert set(found.structure.gauge) == {"update"}
    assert found.structure.latents == {"message": 1, "update": 1}
