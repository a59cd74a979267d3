"""Exact columns: numbers as whole millionths in int64, so that millions of rows are judged without a float in sight.

A column is a one-dimensional int64 array in millionths (`kernel.ports.MICRO`) of the factor's canonical unit; a row
without a number holds `MISSING` (`kernel.ports.NO_VALUE`). A figure that does not fit six decimals is refused, since
cutting it here and rounding it later would be rounding twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

import numpy as np
from numpy.typing import NDArray

from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import MICRO, NO_VALUE

__all__ = [
    "MISSING", "Column", "ceil_div", "decimal_at", "from_decimals", "from_floats", "from_texts", "is_missing",
    "micro", "round_half_even", "to_decimals",
]  # fmt: skip

Column = NDArray[np.int64]

MISSING = int(NO_VALUE)
"""Stands for "no number": not zero, not below a limit."""

PLACES = 6
"""Decimals of a millionth."""

EMPTY = frozenset({"", "-", "--", "—", "/", "na", "nan", "null", "none", "n/a"})
"""Cells that hold no number, in lower case."""

EXACT_BELOW = 2.0**52
"""A float64 holds every integer up to here: beyond it, the millionths of a float are not known."""


def is_missing(column: Column) -> NDArray[np.bool_]:
    """True where a row holds no number."""
    mask: NDArray[np.bool_] = column == MISSING
    return mask


def micro(value: Decimal | int | str) -> int:
    """One number in millionths.

    Raises
    ------
    BadInput
        When it has more than six decimals or does not fit int64.
    """
    number = Decimal(value)
    if not number.is_finite():
        raise BadInput(f"{value} is no finite number")
    scaled = number.scaleb(PLACES) if number.adjusted() < 18 else Decimal(2 * abs(MISSING))
    if abs(scaled) > abs(MISSING) - 1:
        raise BadInput(f"{value} is too large for a column", hint="largest: about 9.2e12")
    if scaled != scaled.to_integral_value():
        raise BadInput(f"{value} has more than {PLACES} decimals", hint=f"round it once, to at most {PLACES}")
    return int(scaled)


def from_decimals(values: Iterable[Decimal | int | None]) -> Column:
    """A column of Decimals; None is missing."""
    return np.fromiter((MISSING if one is None else micro(one) for one in values), dtype=np.int64)


def from_texts(values: Sequence[str] | NDArray[np.str_], *, name: str = "column") -> Column:
    """A column of printed numbers; empty cells, ``-``, ``—``, ``/``, ``NA`` are missing.

    Raises
    ------
    BadInput
        Naming `name`, the first row (counted from 1) that is no number, and its text.
    """
    if not len(values):
        return np.empty(0, dtype=np.int64)
    texts, back = np.unique(np.asarray(values, dtype=np.str_), return_inverse=True)
    known = np.empty(len(texts), dtype=np.int64)
    for n, text in enumerate(texts):
        word = str(text).strip()
        try:
            known[n] = MISSING if word.lower() in EMPTY else micro(word)
        except (InvalidOperation, BadInput) as error:
            row = int(np.argmax(back == n)) + 1
            why = str(error) if isinstance(error, BadInput) else f"{word!r} is no number"
            raise BadInput(f"{name} row {row}: {why}", field=name) from None
    return known[back.reshape(-1)]


def from_floats(values: NDArray[np.floating], *, name: str = "column") -> Column:
    """The printed figures behind binary floats (0.7, not 0.699999988); NaN is missing.

    Each float must be the one nearest to a decimal of at most six places, which is what a float read from a printed
    number is: the shortest such decimal is taken, and that it leads back to the very same float is checked.

    Parameters
    ----------
    values : float32 or float64 array

    Raises
    ------
    BadInput
        Naming the first row (from 1) whose float is infinite or no decimal of six places.
    """
    wide = values.astype(np.float64)
    column = np.full(len(values), MISSING, dtype=np.int64)
    open_ = ~np.isnan(wide)
    inside = open_ & (np.abs(wide) * MICRO < EXACT_BELOW)
    for places in range(PLACES + 1):
        rows = np.flatnonzero(inside)
        if not len(rows):
            break
        digits = np.rint(wide[rows] * 10.0**places)
        same = (digits / 10.0**places).astype(values.dtype) == values[rows]
        column[rows[same]] = digits[same].astype(np.int64) * 10 ** (PLACES - places)
        inside[rows[same]] = open_[rows[same]] = False
    if open_.any():
        row = int(np.argmax(open_))
        raise BadInput(
            f"{name} row {row + 1}: {values[row]!r} is no number of at most {PLACES} decimals", field=name,
            hint="round it once before, or hand over texts",
        )  # fmt: skip
    return column


def decimal_at(column: Column, row: int) -> Decimal | None:
    """One row as a Decimal; None is missing."""
    value = int(column[row])
    return None if value == MISSING else Decimal(value).scaleb(-PLACES)


def to_decimals(column: Column) -> list[Decimal | None]:
    """All rows as Decimals: for few rows, or for a test."""
    return [None if value == MISSING else Decimal(value).scaleb(-PLACES) for value in column.tolist()]


def round_half_even(column: Column, places: int) -> Column:
    """Rounded to `places` decimals by GB/T 8170 (half to even), **counted in steps of that place**: 2.25 at one place
    gives 22. Missing rows stay `MISSING`.

    Parameters
    ----------
    places : int
        At most six; negative: tens, hundreds…
    """
    if places > PLACES:
        raise BadInput(f"a column has {PLACES} decimals, {places} were asked for", field="places")
    step = 10 ** (PLACES - places)
    if step == 1:
        return column.copy()
    steps: Column = column // step
    rest = column - steps * step
    # Up when the rest is more than half a step, or just half and the digit before is odd.
    rest += steps & 1
    steps += rest > step // 2
    steps[column == MISSING] = MISSING
    return steps


def ceil_div(dividend: Column, divisor: int) -> Column:
    """Ceiling of the exact quotient; `divisor` positive. Missing rows stay `MISSING`."""
    if divisor <= 0:
        raise BadInput(f"a divisor must be positive, not {divisor}")
    found: Column = -(-dividend // divisor)
    found[dividend == MISSING] = MISSING
    return found
