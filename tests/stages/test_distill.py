"""A search that was stopped goes on from its checkpoint, and only if its problem is the same."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from distiller_truths import draw_samples

from residuum.distillers.front import Candidate, Front
from residuum.distillers.settings import SindySettings
from residuum.expressions.expression import Expression
from residuum.io.fronts import read_fronts
from residuum.parallel import serial_map
from residuum.stages import distill as stage


@pytest.fixture
def samples():
    return draw_samples(lambda X: X[:, 0] * X[:, 1])


@pytest.fixture
def search(monkeypatch, samples):
    """A distiller of three epochs that stops after its first when told to; epochs it did."""
    done = SimpleNamespace(epochs=[], stops=False)

    def distill(samples, settings, *, seed, map, checkpoint, progress):
        state = checkpoint.load()
        first = 0 if state is None else int(state["epoch"])
        for epoch in range(first, 3):
            done.epochs.append(epoch)
            checkpoint.save({"epoch": np.array(epoch + 1)})
            if done.stops:
                raise KeyboardInterrupt
        candidate = Candidate(samples.term, Expression.number(1.0), 1.0, 0.0, "test")
        return Front(samples.term, (candidate,))

    monkeypatch.setattr(stage, "distill_samples", distill)
    monkeypatch.setattr(
        stage, "read_extraction", lambda *_: SimpleNamespace(samples={samples.term: samples})
    )
    return done


def run(results, *, degree: int = 3, seed: int = 0) -> None:
    dataset = SimpleNamespace(
        name="one", seed=seed, distiller=lambda _: SindySettings(degree=degree)
    )
    stage.distill(dataset, "pinn", "sindy", results, map=serial_map)


@pytest.mark.parametrize(
    ("changed", "epochs"),
    [({}, [0, 1, 2]), ({"degree": 2}, [0, 0, 1, 2]), ({"seed": 1}, [0, 0, 1, 2])],
)
def test_stopped_and_started_again(search, samples, tmp_path, changed, epochs):
    search.stops = True
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    folder = tmp_path / "one" / "pinn" / "sindy"
    assert [file.name for file in folder.iterdir()] == [f".{samples.term}.checkpoint.npz"]
    search.stops = False
    run(tmp_path, **changed)
    assert search.epochs == epochs
    assert [file.name for file in folder.iterdir()] == ["front.json"]
    assert read_fronts(folder / "front.json").keys() == {samples.term}
