"""Seconds to equal errors, read off two curves."""

from __future__ import annotations

import pytest
from benchmarks.peer import compare, first

OURS = [(0.5, 0.20), (1.0, 0.04)]
PEER = [(1.0, 0.9), (10.0, 0.2), (20.0, 0.05), (60.0, 0.08)]


def test_first_time_at_a_level():
    assert first(PEER, 0.2) == 10.0
    assert first(PEER, 0.01) is None


def test_where_the_peer_does_not_reach_our_error_its_time_limit_counts():
    row = compare(OURS, PEER, 60.0)
    assert not row["reached"]
    assert row["ratio"] == pytest.approx(60.0)
    assert row["peer_end"] == 0.08


def test_where_it_does_its_own_time_counts():
    row = compare(OURS, [*PEER, (80.0, 0.03)], 100.0)
    assert row["reached"]
    assert row["ratio"] == pytest.approx(80.0)


def test_the_same_error_is_one_that_both_reach():
    same = compare(OURS, PEER, 60.0)["same"]
    assert same == {
        "error": pytest.approx(0.055),
        "residuum": 1.0,
        "peer": 20.0,
        "ratio": pytest.approx(20.0),
    }
