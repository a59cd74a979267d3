"""Exact arithmetic on measured values: means, percentiles, multiples. Decimals and fractions in, never floats."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from jinyun.kernel.errors import BadInput
from jinyun.kernel.rounding import round_gb


def round_fraction(value: Fraction, places: int) -> Decimal:
    """An exact rational kept to `places` decimals, half to even (GB/T 8170-2008), rounded once."""
    scaled = value * Fraction(10) ** places
    return Decimal(round(scaled)).scaleb(-places)  # round() of a Fraction is half to even and exact


def mean(values: Sequence[Decimal]) -> Fraction:
    """Arithmetic mean, exact. At least one value."""
    if not values:
        raise BadInput("the mean of no values is not defined")
    return Fraction(sum(values)) / len(values)


def weighted_mean(values: Sequence[Decimal], weights: Sequence[Decimal]) -> Fraction:
    """Mean weighted by `weights` (≥ 0, not all zero), exact."""
    total = sum(weights)
    if len(values) != len(weights) or total <= 0:
        raise BadInput("a weighted mean needs one weight per value and a positive sum of weights")
    return Fraction(sum(v * w for v, w in zip(values, weights, strict=True))) / Fraction(total)


def percentile(values: Sequence[Decimal], per_cent: Decimal) -> Fraction:
    """Percentile by k = 1 + (n-1)p with linear interpolation between order statistics (HJ 663), exact."""
    ordered = sorted(values)
    if not ordered:
        raise BadInput("the percentile of no values is not defined")
    k = (len(ordered) - 1) * Fraction(per_cent) / 100
    low = int(k)
    high = min(low + 1, len(ordered) - 1)
    return Fraction(ordered[low]) + (k - low) * Fraction(ordered[high] - ordered[low])


def multiple(value: Decimal, limit: Decimal, places: int) -> Decimal:
    """Exceedance multiple 超标倍数 (C - S) / S. The limit must not be zero."""
    return round_fraction((Fraction(value) - Fraction(limit)) / Fraction(limit), places)


def decimals(value: Decimal) -> int:
    """Decimal places a number really has: 1.50 has one, 200 none."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def printed(value: Decimal, places: int) -> str:
    """A number as a person is shown it: at least `places` decimals, and all that it really has."""
    return format(round_gb(value, max(places, decimals(value))), "f")
