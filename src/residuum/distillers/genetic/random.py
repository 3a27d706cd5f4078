"""Random numbers inside compiled code: SplitMix64, whose whole state is one number.

Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195. A stream belongs to the caller, never to a
thread, so results do not depend on who runs what.
"""

from __future__ import annotations

import math

import numpy as np

from residuum.distillers.genetic.compiled import compiled

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


def new_state(seed: int) -> np.ndarray:
    """Return the state `[1]` of a stream."""
    return np.array([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64)


@compiled
def mix(z):
    """Return a number whose every bit depends on every bit of `z`."""
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@compiled
def uniform(state):
    """Return the next number in [0, 1)."""
    state[0] = state[0] + _GOLDEN
    return float(mix(state[0]) >> _S11) * 1.1102230246251565e-16


@compiled
def below(state, n):
    """Return the next integer in 0..n-1."""
    return min(int(uniform(state) * n), n - 1)


@compiled
def normal(state):
    """Return the next standard normal number (Box and Muller)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(state)))
    return radius * math.cos(2.0 * math.pi * uniform(state))


@compiled
def choose(state, cumulative):
    """Return an index drawn with the probabilities whose cumulative sum is given."""
    u = uniform(state) * cumulative[-1]
    for index in range(len(cumulative)):
        if u < cumulative[index]:
            return index
    return len(cumulative) - 1
