"""Rules of supervision that are figures, from ``tables/rules.csv``; a choice of this project says so in its row."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache

from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows

PACKAGE = "jinyun.domains.supervision"


@cache
def rule_rows(name: str) -> Mapping[str, Mapping[str, str]]:
    """Rows of one rule by their item, in the order of the table."""
    return {row["item"]: row for row in csv_rows(PACKAGE, "rules.csv") if row["rule"] == name}


def rule_text(name: str, item: str) -> str:
    """One value as text; `BadInput` when there is none."""
    try:
        return rule_rows(name)[item]["value"]
    except KeyError:
        known = ", ".join(rule_rows(name)) or "none"
        raise BadInput(f"{PACKAGE} rules.csv has no {name!r} for {item!r}", hint=f"known: {known}") from None


def rule(name: str, item: str) -> Decimal:
    """One figure, in the unit of its row; `BadInput` when there is none."""
    return Decimal(rule_text(name, item))


def compares(op: str, value: Decimal | Fraction, limit: Decimal | Fraction) -> bool:
    """Whether `value` stands to `limit` as ``ge``, ``gt``, ``le`` or ``lt`` says, exactly and in one unit."""
    one, other = Fraction(value), Fraction(limit)
    if op in ("ge", "le") and one == other:
        return True
    return one > other if op in ("ge", "gt") else one < other
