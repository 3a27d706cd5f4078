r"""Which of an unknown update and its messages can be known, and in what units?

In :math:`a_i = U(\sum_j M_{ij}, s_i)` only the composition shows. With any number :math:`c` the
messages :math:`c M` and the update :math:`U(S/c, s)` are the same law, and where a message knows
its receiver's :math:`s_i` too, so they are for any function :math:`c(s_i)`, unless Newton's third
law holds messages to be equal and opposite. The gauge is fixed so that the update answers a sum
with the sum itself:

.. math:: c = \frac{\langle U(S, s)\, h \rangle}{\langle h^2 \rangle}, \quad h = |S|\, s^p

with whole `p` where the answer goes as a power of the receiver's scalars: messages are forces
where the update divides by a mass, and accelerations where it does not. The spread of the samples
is that in this gauge: what is a choice has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from residuum.hidden.chain import Chain, Linearised, chains
from residuum.problem.body_problem import BodyProblem

NEAR = 0.15  # distance from a whole number within which an exponent is that number
QUANTILES = 15
Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class Factor:
    """What messages are multiplied by: `value[n]` and its derivatives `J[n, Q]` by the unknowns."""

    value: np.ndarray
    J: np.ndarray

    @property
    def size(self) -> np.ndarray:
        """The absolute value, `[n]`."""
        return np.abs(self.value)

    @property
    def sign(self) -> np.ndarray:
        """The sign, `[n]`: the direction of a sum turns with it."""
        return np.sign(self.value)


@dataclass(frozen=True, eq=False)
class Gauge:
    """The gauge of one chain; `X[n, a]` and `sent[k, b]` are arguments at which it is fixed.

    `X` is of the update with lengths as the surrogate has them, `sent` of each message.
    """

    chain: Chain
    surrogate: Linearised
    X: np.ndarray
    sent: Mapping[str, np.ndarray]
    powers: Mapping[int, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "powers", {} if self.chain.shared else self._powers())

    def factor(self, shared: np.ndarray) -> Factor:
        """Return the factor of messages whose receivers have these shared arguments `[n, k]`."""
        size, J_size = self._size()
        if not self.chain.shared:
            tau = self.X[:, self.chain.along] / size
            one, J = self._gain(self.X, tau, size, J_size)
            return Factor(np.full(len(shared), one), np.tile(J, (len(shared), 1)))
        rows, place = np.unique(shared, axis=0, return_inverse=True)
        tau = np.quantile(
            self.X[:, self.chain.along] / size, np.linspace(0, 1, QUANTILES + 2)[1:-1]
        )
        X = np.tile(np.median(self.X, axis=0), (QUANTILES, 1))
        X[:, self.chain.along] = size * tau
        values, slopes = [], []
        for row in rows:
            X[:, list(self.chain.shared)] = row
            one, J = self._gain(X, tau, size, J_size)
            values.append(one)
            slopes.append(J)
        place = place.ravel()
        return Factor(np.array(values)[place], np.stack(slopes)[place])

    def _gain(
        self, X: np.ndarray, tau: np.ndarray, size: float, J_size: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Return the factor at arguments whose lengths are `size` times `tau`, and its slopes."""
        values, J, gradient = self.surrogate.linearised(self.chain.outer, X)
        h = tau * np.prod([X[:, k] ** p for k, p in self.powers.items()], axis=0)
        weights = h / (size * np.sum(h**2))
        gain = float(weights @ values)
        along = gradient[:, self.chain.along] * tau
        return gain, weights @ (J + along[:, None] * J_size) - gain / size * J_size

    def _size(self) -> tuple[float, np.ndarray]:
        """Return the rms of all messages as the surrogate has them, and its derivatives."""
        squares, slopes, count = 0.0, np.zeros(0), 0
        for term, X in self.sent.items():
            values, J, _ = self.surrogate.linearised(term, X)
            squares += float(values @ values)
            slopes = values @ J + (slopes if len(slopes) else 0.0)
            count += len(X)
        size = max(float(np.sqrt(squares / count)), 1e-300)
        return size, slopes / (count * size)

    def _powers(self) -> dict[int, int]:
        """Return the whole exponent of each positive scalar in the update's answer."""
        along = self.chain.along
        scalars = [k for k in range(self.X.shape[1]) if k != along and (self.X[:, k] > 0).all()]
        scalars = [k for k in scalars if self.surrogate.alive[self.chain.outer][k]]
        values, _, _ = self.surrogate.linearised(self.chain.outer, self.X)
        gain = values / self.X[:, along]
        same = np.sign(gain) == np.sign(np.median(gain))
        if not scalars or same.mean() < 0.9:
            return {}
        columns = [np.log(self.X[same][:, k]) for k in (*scalars, along)]
        A = np.stack([np.ones(int(same.sum())), *columns], axis=1)
        found = np.linalg.lstsq(A, np.log(np.abs(gain[same])), rcond=None)[0][1 : 1 + len(scalars)]
        whole = {k: round(float(p)) for k, p in zip(scalars, found, strict=True)}
        near = all(abs(p - round(float(p))) < NEAR for p in found)
        return {k: p for k, p in whole.items() if p} if near else {}

    def told(self) -> dict[str, str]:
        """Return which terms and which measure a gauge is of, and in words how it was fixed."""
        chain, shared = self.chain, [self.chain.measures[k] for k in self.chain.shared]
        messages, total = " and ".join(chain.inner), chain.measures[chain.along]
        what = f"any function of {', '.join(shared)}" if shared else "any number"
        factor = np.unique(self.factor(self.X[:, list(chain.shared)]).value)
        mutual = any(self.surrogate.forms.get(n, "").endswith("mutual") for n in chain.inner)
        answer = "".join(
            f"{'*' if p > 0 else '/'}{chain.measures[k]}" + (f"**{abs(p)}" if abs(p) > 1 else "")
            for k, p in self.powers.items()
        )
        return {
            "messages": " ".join(chain.inner),
            "length": total,
            "free": f"{messages} times {what}, if {chain.outer} takes its sum divided by it",
            "fixed": f"{chain.outer} is {total}{answer} on average"
            + (f", whatever {', '.join(shared)}" if shared else "")
            + ("; messages are equal and opposite" if mutual else ""),
            "map": f"{messages} = the surrogate's times {_range(factor)}{self._latents()}",
        }

    def _latents(self) -> str:
        """Return in words which vector latents were taken for."""
        maps = self.surrogate.maps
        rows = [maps[name] for name in self.chain.inner if name in maps]
        return "".join(
            f" and the matrix {np.array2string(matrix, precision=3, separator=', ')} on "
            f"{matrix.shape[1]} latents; {100 * aligned:.3g} % of its square is along the line"
            for matrix, aligned in rows
        ).replace("\n", "")


def _range(values: np.ndarray) -> str:
    low, high = f"{values.min():.6g}", f"{values.max():.6g}"
    return low if low == high else f"{low} to {high}"


def gauges_of(
    surrogate: Linearised, problem: BodyProblem, places: Mapping[str, np.ndarray]
) -> dict[str, Gauge]:
    """Return the gauge that each term of a chain is told in, fixed at `places[term][n, a]`."""
    found: dict[str, Gauge] = {}
    for chain in chains(problem, surrogate):
        sent = {name: places[name] for name in chain.inner}
        gauge = Gauge(chain, surrogate, places[chain.outer], sent)
        found |= dict.fromkeys((chain.outer, *chain.inner), gauge)
    return found


def reads(gauge: Gauge, term: str, X: np.ndarray) -> Triple:
    """Return values `[n]`, Jacobian `[n, Q]` and gradient `[n, a]` of a term in the gauge."""
    columns = list(gauge.chain.shared_of(term))
    factor = gauge.factor(X[:, columns])
    turning = _slopes(gauge, X[:, columns])
    if term != gauge.chain.outer:
        values, J, gradient = gauge.surrogate.linearised(term, X)
        J = factor.value[:, None] * J + values[:, None] * factor.J
        gradient = factor.value[:, None] * gradient
        gradient[:, columns] += values[:, None] * turning
        return factor.value * values, J, gradient
    along, at = gauge.chain.along, X.copy()
    at[:, along] /= factor.size
    values, J, gradient = gauge.surrogate.linearised(term, at)
    lost = -(gradient[:, along] * at[:, along] / factor.value)[:, None]
    J = factor.sign[:, None] * (J + lost * factor.J)
    gradient = factor.sign[:, None] * gradient
    gradient[:, along] /= factor.size
    gradient[:, columns] += factor.sign[:, None] * lost * turning
    return factor.sign * values, J, gradient


def _slopes(gauge: Gauge, shared: np.ndarray) -> np.ndarray:
    """Return the derivatives `[n, k]` of the factor by the shared arguments."""
    found = np.zeros(shared.shape)
    for k in range(shared.shape[1]):
        step = 1e-5 * np.abs(shared[:, k]).max()
        move = step * np.eye(shared.shape[1])[k]
        sides = [gauge.factor(shared + side * move).value for side in (1.0, -1.0)]
        found[:, k] = (sides[0] - sides[1]) / (2 * step)
    return found
