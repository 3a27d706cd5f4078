r"""What is minimised: weighted residuals of data and physics, with their Jacobian.

Rows are data, :math:`(u - y)/\sigma`, and physics, :math:`\rho\sqrt{w\,n_e/n_c}`, with the number
of measured times :math:`n_e` and of collocation points :math:`n_c`: the physics weighs `w` times
as much as unit-noise data, however many points represent it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from residuum.surrogates.physics import Physics
from residuum.surrogates.samples import Samples
from residuum.surrogates.states import StateHead, exponentiate, pull_back


@dataclass
class Collocation:
    """The joint problem (a `levenberg.Model`): rows `R*(nd + nc)` of every experiment.

    `sigma[B, M]` is the noise of each measured column, `weight` that of the physics; both may
    be changed between fits. With `physics` None only the data are fitted.
    """

    head: StateHead
    samples: Samples
    physics: Physics | None
    sigma: Tensor
    weight: float = 1.0
    _buffer: Tensor | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        s = self.samples
        self.nd = s.t.shape[1]
        times = s.t if self.physics is None else torch.cat([s.t, s.tc], 1)
        self.points = times.shape[1]
        self.basis = self.head.basis(times)
        states = len(self.head.frame.log)
        self.groups = len(s.columns) if self.physics is None else max(len(s.columns), states)

    def residuals(self, state: Tensor, shared: Tensor) -> tuple[Tensor, Any]:
        """Return the weighted residuals `[B, E, R*(nd + nc)]`."""
        log = self.head.frame.log
        V, tape = self.head.forward(state, self.basis)
        U = exponentiate(V, log)
        r = V.new_zeros(*V.shape[:2], self.groups, self.points)
        weights = self._data_weights()
        for m, column in enumerate(self.samples.columns):
            source = V if column.order == 0 else U
            model = source[:, :, column.order, : self.nd, column.state]
            r[:, :, m, : self.nd] = (model - self.samples.y[..., m]) * weights[:, :, m]
        passed = None
        if self.physics is not None:
            passed = self.physics.forward(U[:, :, :, self.nd :], shared)
            r[:, :, : len(log), self.nd :] = passed.rho * self._physics_weight()
        return r.flatten(2), (tape, U, passed)

    def jacobian(self, tape: Any) -> Tensor:
        """Return the Jacobian `[B, E, R*(nd + nc), P + Q]`; the buffer is reused."""
        states, U, passed = tape
        log = self.head.frame.log
        P = self.head.size
        Q = self.physics.size if self.physics is not None else 0
        J = self._rows(U, P + Q)
        g = U.new_zeros(*U.shape[:2], self.groups, *U.shape[2:])
        if self.physics is not None:
            weight = self._physics_weight()
            cotangent, shared = self.physics.linearise(passed)
            g[:, :, : len(log), :, self.nd :] = cotangent * weight[..., None, :, None]
            J[:, :, : len(log), self.nd :, P:] = shared * weight[..., None]
        g = pull_back(g, U, log)
        self._mark_data(g, U)
        self.head.jacobian(states, g, J[..., :P])
        return J.flatten(2, 3)

    def data_rows(self, J: Tensor) -> Tensor:
        """Return the rows `[B, E, M*nd, P]` of the data from a Jacobian."""
        rows = J.unflatten(2, (self.groups, self.points))
        P = self.head.size
        return rows[:, :, : len(self.samples.columns), : self.nd, :P].flatten(2, 3)

    def drop_data(self, J: Tensor) -> Tensor:
        """Return a Jacobian with the rows of the data set to zero, in place."""
        rows = J.unflatten(2, (self.groups, self.points))
        rows[:, :, : len(self.samples.columns), : self.nd] = 0.0
        return J

    def data_residuals(self, r: Tensor) -> Tensor:
        """Return the residuals `[B, E, M, nd]` of the data."""
        rows = r.unflatten(2, (self.groups, self.points))
        return rows[:, :, : len(self.samples.columns), : self.nd]

    def _mark_data(self, g: Tensor, U: Tensor) -> None:
        """Write the cotangents (of V) of the data rows."""
        weights = self._data_weights()
        for m, column in enumerate(self.samples.columns):
            g[:, :, m, column.order, : self.nd, column.state] = weights[:, :, m]
            if self.head.frame.log[column.state] and column.order:
                row = torch.zeros_like(g[:, :, m : m + 1, :, : self.nd])
                row[:, :, 0, column.order, :, column.state] = weights[:, :, m]
                back = pull_back(row, U[:, :, :, : self.nd], self.head.frame.log)
                g[:, :, m : m + 1, :, : self.nd] = back

    def _data_weights(self) -> Tensor:
        """Return one over the noise where there is a sample, `[B, E, M, nd]`."""
        return self.samples.present.mT / self.sigma[:, None, :, None]

    def _physics_weight(self) -> Tensor:
        """Return the weights of the physics rows, `[E, 1, 1]`."""
        return (self.weight * self.samples.share).sqrt()[:, None, None]

    def _rows(self, like: Tensor, columns: int) -> Tensor:
        shape = (*like.shape[:2], self.groups, self.points, columns)
        if self._buffer is None or self._buffer.shape != shape:
            # Rows that no residual fills (more states than columns, or fewer) stay zero.
            self._buffer = like.new_zeros(shape)
        return self._buffer


@dataclass
class FrozenStates:
    """The physics alone, at given states `U[B, E, K + 1, nc, S]`: only shared unknowns move."""

    physics: Physics
    U: Tensor
    weight: Tensor

    def residuals(self, state: Tensor, shared: Tensor) -> tuple[Tensor, Any]:
        """Return the weighted physics residuals."""
        passed = self.physics.forward(self.U, shared)
        return (passed.rho * self.weight).flatten(2), passed

    def jacobian(self, tape: Any) -> Tensor:
        """Return their Jacobian with respect to the shared unknowns."""
        return (self.physics.linearise(tape)[1] * self.weight[..., None]).flatten(2, 3)
