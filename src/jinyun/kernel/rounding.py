"""Rounding of measured values by GB/T 8170-2008: half to even on the last kept digit, done once."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

__all__ = ["round_gb", "round_significant"]


def round_gb(value: Decimal | int | str, places: int) -> Decimal:
    """`value` kept to `places` decimals (negative: tens, hundreds…), GB/T 8170-2008 clause 3.

    Half goes to the even digit; anything beyond half goes up. Floats are refused, since 0.35 is not 0.35 there.

    Raises
    ------
    TypeError
        For a float: pass the printed text or a Decimal.
    """
    if isinstance(value, float):
        raise TypeError("round_gb takes the printed text or a Decimal, never a float")
    return Decimal(value).quantize(_step(places), rounding=ROUND_HALF_EVEN)


@lru_cache(maxsize=64)
def _step(places: int) -> Decimal:
    """One unit of the last kept place."""
    return Decimal(1).scaleb(-places)


def round_significant(value: Decimal | int | str, digits: int) -> Decimal:
    """`value` kept to `digits` significant digits, GB/T 8170-2008 clause 3."""
    number = Decimal(value)
    if not number:
        return number
    return round_gb(number, digits - 1 - number.adjusted())
