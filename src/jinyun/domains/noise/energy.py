"""The one place where powers are summed and a logarithm is taken: levels as energies. Pure; all levels in dB(A).

A level is the logarithm of a sum of powers, so it is no decimal number. Inputs are whole millionths of a dB. The sum is
taken in float64 (error below 1e-12 dB), and the level is rounded once, half to even, at the end. Where it lies within a
millionth of the last kept digit of a rounding boundary the sum is taken again with 64 digits; what then differs from
the boundary by less than 1e-30 is a tie (sixty samples of 54.25 are 54.2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import MICRO
from jinyun.kernel.rounding import round_gb

Term = tuple[Fraction, int]
"""A weight, and a level in millionths of a dB."""

_NEAR = 1e-6  # of the last kept digit
_DIGITS, _TIE = 64, Decimal("1e-30")


def micro(level: Decimal | int | str) -> int:
    """A level in whole millionths of a dB; floats, and more than six decimals, are refused."""
    if isinstance(level, float):
        raise TypeError("levels are Decimals or printed texts, never floats")
    scaled = Decimal(level) * MICRO
    if not scaled.is_finite() or scaled != int(scaled):
        raise BadInput(f"{level} is no level", hint="a finite number of dB with at most six decimals")
    return int(scaled)


def level_of(terms: Sequence[Term], places: int) -> Decimal:
    """10 lg Σ w·10^(0.1 L), rounded once; the weights add up to 1."""
    total = math.fsum(float(weight) * 10.0 ** (level / (10 * MICRO)) for weight, level in terms)
    scaled = 10.0 * math.log10(total) * 10.0**places
    if abs(scaled - math.floor(scaled) - 0.5) > _NEAR:
        return Decimal(round(scaled)).scaleb(-places)
    with localcontext() as context:
        context.prec = _DIGITS
        ten = Decimal(10)
        exact = sum(
            (Decimal(w.numerator) / w.denominator * ten ** (Decimal(v) / (10 * MICRO)) for w, v in terms), Decimal(0)
        )
        level = 10 * exact.log10()
        step = Decimal(1).scaleb(-places)
        tie = (level / step - Decimal("0.5")).to_integral_value() * step + step / 2
        if abs(level - tie) < _TIE:
            level = tie
        return round_gb(level, places)


def root(scaled: Fraction, places: int) -> Decimal:
    """√scaled as a whole number of 10^-places, half to even."""
    low = math.isqrt(scaled.numerator // scaled.denominator)
    half = Fraction(2 * low + 1, 2) ** 2
    up = scaled > half or (scaled == half and low % 2 == 1)
    return Decimal(low + up).scaleb(-places)
