"""Frames of bodies: ragged numbers of them, missing ones, unknown scalars, parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from graph_systems import pair_problem, random_experiment, rich_problem

from residuum.data.written_bodies import unknown_scalars
from residuum.errors import UserError
from residuum.surrogates.graph.frames import frames_of


def ragged():
    rng = np.random.default_rng(0)
    first = random_experiment(rng, times=3, bodies=4, name="first")
    second = random_experiment(rng, times=2, bodies=2, name="second")
    first.states["position"][1, 2] = np.nan
    second.scalars["mass"][1] = np.nan
    first.scalars["mass"][[0, 3]] = np.nan
    return first, second


def test_every_two_bodies_of_a_frame_meet_once_in_each_order():
    frames = frames_of(rich_problem(), ragged())
    assert frames.frame.tolist() == [0] * 4 + [1] * 3 + [2] * 4 + [3] * 2 + [4] * 2
    met = set(zip(frames.receiver.tolist(), frames.sender.tolist(), strict=True))
    expected = {
        (i, j)
        for i in range(frames.rows)
        for j in range(frames.rows)
        if i != j and frames.frame[i] == frames.frame[j]
    }
    assert met == expected
    assert len(frames.receiver) == len(expected)


def test_the_reverse_of_a_pair_has_its_bodies_exchanged():
    frames = frames_of(rich_problem(), ragged())
    assert torch.equal(frames.receiver[frames.reverse], frames.sender)
    assert torch.equal(frames.sender[frames.reverse], frames.receiver)
    low = torch.minimum(frames.receiver, frames.sender)
    assert torch.equal(frames.receiver[frames.forward][frames.meeting], low)


def test_parts_hold_what_the_whole_holds():
    frames = frames_of(rich_problem(), ragged())
    parts = frames.parts(10)
    assert len(parts) > 1
    assert all(len(part.receiver) <= 10 + 12 for part in parts)
    for name, values in frames.bodies.items():
        together = torch.cat([part.bodies[name] for part in parts])
        assert torch.equal(together.nan_to_num(), values.nan_to_num())
    assert sum(len(part) for part in parts) == len(frames)


def test_unknown_scalars_are_numbered_by_body():
    experiments = ragged()
    experiments[1].scalars["mass"][0] = np.nan  # the first body of the first experiment too
    frames = frames_of(rich_problem(), experiments)
    labels = [label for name, label in unknown_scalars(rich_problem(), experiments)]
    assert labels == ["b0", "b3", "b1"]
    numbers = frames.unknown["mass"]
    assert set(numbers.tolist()) == {-1, 0, 1, 2}
    assert bool((torch.isnan(frames.bodies["mass"][:, 0]) == (numbers >= 0)).all())


def test_accelerations_must_be_given():
    experiment = random_experiment(np.random.default_rng(0), times=2, bodies=3)
    without = replace(experiment, states={"position": experiment.states["position"]})
    with pytest.raises(UserError, match="position_tt is not among the data"):
        frames_of(pair_problem(), [without])
