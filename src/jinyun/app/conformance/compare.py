"""What every topic of worked cases shares: the form of a case, how numbers are read, how an answer is compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

Case = Mapping[str, Any]
Given = Mapping[str, Any]
Answer = Callable[[Case], Mapping[str, Any]]
"""From a case to what our public functions say: at least every key of its ``expected``."""

DATES = {"2012": date(2019, 7, 18), "2013": date(2019, 7, 18), "2026": date(2026, 4, 1)}
"""A day in the life of each edition that a case names by its year."""

REMARKS = ("note", "exact_from_inputs")
"""Keys of ``expected`` that explain and are not compared."""


class NotCovered(Exception):
    """No function covers this rule yet."""


def number(value: Any) -> Decimal:
    """The exact number of a case's input, as written."""
    return Decimal(str(value))


def optional(value: Any) -> Decimal | None:
    """The same; None (missing) stays None."""
    return None if value is None else number(value)


def compare(got: Mapping[str, Any], expected: Mapping[str, Any], tolerance: Any = 0) -> str:
    """Every expected key is compared; numbers within the case's tolerance, lists of pollutants as sets."""
    wrong = []
    for key, want in expected.items():
        if key in REMARKS:
            continue
        if key not in got:
            wrong.append(f"{key}: not answered")
        elif not same(got[key], want, tolerance, as_set=key == "primary"):
            wrong.append(f"{key}: {shown(got[key])} instead of {shown(want)}")
    return "; ".join(wrong)


def same(got: Any, want: Any, tolerance: Any = 0, *, as_set: bool = False) -> bool:
    """True when an answer agrees: texts, booleans and None exactly, numbers within `tolerance`, lists part by part."""
    if isinstance(want, dict):
        return isinstance(got, Mapping) and got.keys() == want.keys() and all(
            same(got[key], want[key], tolerance) for key in want
        )  # fmt: skip
    if isinstance(want, list):
        if not isinstance(got, list | tuple) or len(got) != len(want):
            return False
        if as_set:
            return sorted(got) == sorted(want)
        return all(same(one, other, tolerance) for one, other in zip(got, want, strict=True))
    if isinstance(want, bool) or want is None or isinstance(want, str):
        return type(got) is type(want) and bool(got == want)
    if got is None or isinstance(got, str | bool):
        return False
    return abs(Fraction(got) - Fraction(str(want))) <= Fraction(str(tolerance))


def shown(value: Any) -> str:
    """A value in a line that a person reads."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {shown(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(one) for one in value) + "]"
    return f"{float(value):g}" if isinstance(value, Fraction) else str(value)
