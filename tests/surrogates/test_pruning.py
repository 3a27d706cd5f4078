"""Six declared arguments of which two matter: the other four are reported dead."""

import numpy as np
import pytest
from surrogate_systems import relative_error, six_data, six_problem

from residuum.surrogates.settings import BottleneckSettings, PinnSettings
from residuum.surrogates.train import train


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("experiments", "n"), [(4, 25), (2, 50)])
def test_arguments_without_influence_are_dead(seed, experiments, n):
    problem, data = six_problem(), six_data(seed, experiments=experiments, n=n)
    found = train(problem, data, PinnSettings(states=("spline",)), seed=seed, device="cpu")
    assert found.alive["growth"] == (True, True, False, False, False, False)
    part = data.experiments[0]
    z = found.states(part.name, part.t)
    X = np.stack([z["x"], z["y"], *(part.inputs[name] for name in "pqrs")], -1)
    mean, _ = found.hidden("growth", X)
    assert relative_error(mean, 0.8 * X[:, 0] * X[:, 1]) < 0.02
    moved = X.copy()
    moved[:, 2:] += 1.0
    np.testing.assert_array_equal(found.hidden("growth", moved)[0], mean)


def test_the_network_prunes_too():
    settings = PinnSettings(states=("spline",), hidden=("network",))
    found = train(six_problem(), six_data(4), settings, seed=0, device="cpu")
    assert found.alive["growth"] == (True, True, False, False, False, False)


def test_without_pruning_all_arguments_stay():
    settings = PinnSettings(
        states=("spline",),
        hidden=("network",),
        rounds=3,
        bottleneck=BottleneckSettings(sparsity="none"),
    )
    found = train(six_problem(), six_data(0), settings, seed=0, device="cpu")
    assert found.alive["growth"] == (True,) * 6
