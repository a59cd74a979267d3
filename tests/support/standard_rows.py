"""Rows of the shipped tables of limits, with the three values a limit is tried with."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

from jinyun.methods.limit_rows import LimitRow, limit_rows

DOMAINS = Path(__file__).parents[2] / "src" / "jinyun" / "domains"


def table(domain: str, name: str) -> tuple[LimitRow, ...]:
    """Rows of a table, read without the package's own reader."""
    with (DOMAINS / domain / "tables" / name).open(encoding="utf-8", newline="") as file:
        return limit_rows(csv.DictReader(file), name=name)


def step_of(value: Decimal, at_most: Decimal = Decimal("0.1")) -> Decimal:
    """One unit in the last printed place of a limit, a tenth for whole numbers (or what `at_most` says)."""
    return min(Decimal(1).scaleb(int(value.as_tuple().exponent)), at_most)


def tried(row: LimitRow, step: Decimal | None = None) -> list[tuple[Decimal, bool]]:
    """Values around a limit, and whether each complies: equality does for le and ge, not for lt and gt."""
    assert row.value is not None
    step = step or step_of(row.value)
    low = row.value
    if row.op == "range":
        assert row.value_hi is not None
        return [(low - step, False), (low, True), (row.value_hi, True), (row.value_hi + step, False)]
    rising = row.op in ("ge", "gt")
    return [(low - step, not rising), (low, row.op in ("le", "ge")), (low + step, rising)]
