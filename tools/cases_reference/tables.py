"""Finds and reads the tables, and the few sums all topics need. Exact: numbers are fractions of the printed text."""

from __future__ import annotations

import csv
from fractions import Fraction
from functools import cache
from pathlib import Path

DOMAINS = Path(__file__).parents[2] / "src" / "jinyun" / "domains"

Row = dict[str, str]


@cache
def rows(name: str) -> list[Row]:
    """Rows of the one shipped table of that name, in whichever domain it lies."""
    found = sorted(DOMAINS.glob(f"*/tables/{name}"))
    if not found:
        raise FileNotFoundError(f"no domain ships a table {name}")
    with found[0].open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def half_even(value: Fraction, places: int) -> Fraction:
    """GB/T 8170: round() of a Fraction is exact and half to even."""
    return Fraction(round(value * 10**places), 10**places)


def step_of(text: str) -> Fraction:
    """One unit in the last printed place of a number: 0.05 -> 0.01."""
    return Fraction(1, 10 ** len(text.partition(".")[2]))


def plain(value: object) -> object:
    """A fraction as a JSON number: an int, or the double that prints as the decimal."""
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return value
