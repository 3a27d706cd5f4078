r"""Exponential, logarithm, sine, cosine and hyperbolic tangent without branches.

The compiler turns loops over them into vector instructions, which it cannot do with calls of
the C library. Arguments are reduced in two or three parts (Cody and Waite 1980): with
:math:`x = k \ln 2 + r`, :math:`e^x = 2^k e^r`; with :math:`x = q\,\pi/2 + r` (q even for the sine,
odd for the cosine) the value is :math:`\pm\sin r`; a polynomial near the minimax one does the
rest. The logarithm is that of fdlibm (Sun Microsystems 1993). Errors stay below 3 units in the
last place; infinities, NaN and overflow are as in C.

The order of operations matters here, so sums are not relaxed. The sine and cosine hold for
|x| <= `TURNS`; callers take the C library's beyond.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from residuum.distillers.genetic.compiled import exact

TURNS = 1.0e6
# Adding this rounds to an integer, which then stands in the lowest bits.
ROUND = 6755399441055744.0
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
# The half turn's half in parts of 33, 33 and 53 bits: products with q < 2**20 are exact.
QUARTER = (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21)
# (exp(r) - 1 - r)/r**2 at |r| <= log(2)/2 and (sin(r)/r - 1)/r**2, in r**2, at |r| <= pi/2
E0, E1 = 0.5000000000000001, 0.16666666666666669
E2, E3 = 0.04166666666662413, 0.008333333333330062
E4, E5 = 0.0013888888917213717, 0.00019841269863053618
E6, E7 = 2.4801521295954376e-05, 2.7557268459997064e-06
E8, E9 = 2.7620088445409746e-07, 2.510038549551032e-08
S0, S1 = -0.16666666666666666, 0.008333333333333316
S2, S3 = -0.00019841269841254955, 2.755731921915843e-06
S4, S5 = -2.5052107616384595e-08, 1.6058977272815506e-10
S6, S7 = -7.643969031052769e-13, 2.731428986122616e-15
# (log(1 + f) - f + f**2/2 and so on) of fdlibm, in s**2 with s = f/(2 + f)
L1, L2, L3 = 6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01
L4, L5, L6 = 2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01
L7 = 1.479819860511658591e-01


@intrinsic
def _bits(context, number):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _number(context, bits):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@exact
def _power_of_two(k: int) -> float:
    """Return 2**k for -1023 < k < 1024."""
    return _number((k + np.int64(1023)) << np.int64(52))


@exact
def _reduced(x: float) -> tuple[int, float]:
    """Return k and r with x = k*log(2) + r and |r| <= log(2)/2."""
    shifted = x * 1.4426950408889634 + ROUND
    k = shifted - ROUND
    whole = _bits(shifted) - _bits(ROUND)
    return whole, (x - k * LN2_HIGH) - k * LN2_LOW


@exact
def _grown(r: float) -> float:
    """Return exp(r) - 1 for a reduced argument."""
    q = r * r
    low = (E0 + r * E1) + q * (E2 + r * E3)
    high = (E4 + r * E5) + q * (E6 + r * E7)
    last = E8 + r * E9
    return r + q * (low + (q * q) * (high + (q * q) * last))


@exact
def exp(x: float) -> float:
    """Return e to the power x."""
    x = 710.0 if x > 710.0 else x
    x = -746.0 if x < -746.0 else x
    k, r = _reduced(x)
    # in two steps, so that neither factor overflows and the smallest numbers are reached
    half = k >> np.int64(1)
    return ((1.0 + _grown(r)) * _power_of_two(half)) * _power_of_two(k - half)


@exact
def tanh(x: float) -> float:
    """Return the hyperbolic tangent of x, from exp(2 x) - 1."""
    y = 2.0 * x
    y = 60.0 if y > 60.0 else y
    y = -60.0 if y < -60.0 else y
    k, r = _reduced(y)
    scale = _power_of_two(k)
    grown = _grown(r) * scale + (scale - 1.0)
    return grown / (grown + 2.0)


@exact
def log(x: float) -> float:
    """Return the natural logarithm; NaN below zero."""
    tiny = x < 2.2250738585072014e-308
    scaled = x * 18014398509481984.0 if tiny else x
    bits = _bits(scaled)
    # from sqrt(1/2), so that the fraction lies about one
    above = bits - np.int64(0x3FE6A09E00000000)
    k = above >> np.int64(52)
    f = _number(bits - (k << np.int64(52))) - 1.0
    e = np.float64(k) - (54.0 if tiny else 0.0)
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    rest = z * (L1 + w * (L3 + w * (L5 + w * L7))) + w * (L2 + w * (L4 + w * L6))
    half = 0.5 * f * f
    value = e * LN2_HIGH - ((half - (s * (half + rest) + e * LN2_LOW)) - f)
    value = x if x > 1.7976931348623157e308 else value
    value = -np.inf if x == 0.0 else value
    return value if x >= 0.0 else np.nan


@exact
def _turned(x: float, q: float, sign: int) -> float:
    """Return sin(x - q*pi/2), negated where the sign bit is set."""
    r = ((x - q * QUARTER[0]) - q * QUARTER[1]) - q * QUARTER[2]
    z = r * r
    w = z * z
    low = (S0 + z * S1) + w * (S2 + z * S3)
    high = (S4 + z * S5) + w * (S6 + z * S7)
    value = r + (r * z) * (low + (w * w) * high)
    return _number(_bits(value) ^ sign)


@exact
def sin(x: float) -> float:
    """Return the sine for |x| <= TURNS."""
    shifted = x * 0.3183098861837907 + ROUND
    sign = (_bits(shifted) & np.int64(1)) << np.int64(63)
    return _turned(x, 2.0 * (shifted - ROUND), sign)


@exact
def cos(x: float) -> float:
    """Return the cosine for |x| <= TURNS."""
    shifted = (x * 0.3183098861837907 - 0.5) + ROUND
    sign = ((_bits(shifted) & np.int64(1)) ^ np.int64(1)) << np.int64(63)
    return _turned(x, 2.0 * (shifted - ROUND) + 1.0, sign)
