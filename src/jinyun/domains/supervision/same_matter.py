"""Whether complaints may be about the same matter 同一事项: one class, near in place and in time. Pure.

Same matter twice is not taken up, but the complainant is told why (business rules 3.1); how near is a choice of this
project (`same_matter` of rules.csv). The answer is a hint: a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from jinyun.domains.supervision.rules import compares, rule, rule_rows
from jinyun.methods.places import kilometres

NAME = "same_matter"


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near two complaints are."""

    km: Decimal  # to the metre
    apart: timedelta


def limits() -> tuple[Decimal, Decimal]:
    """Distance [km] and days within which complaints may be the same matter."""
    return rule(NAME, "distance"), rule(NAME, "days")


def same_matter(
    place: Mapping[str, Any], at: datetime, other: Mapping[str, Any] | None, other_at: datetime
) -> Nearness | None:
    """How near another complaint of the same class is; None: too far in place or time, or it has no place.

    Parameters
    ----------
    place, other : mapping
        ``{lon, lat}`` [°]
    """
    if not other:
        return None
    near = Nearness(Decimal(str(kilometres(place, other))).quantize(Decimal("0.001")), abs(at - other_at))
    days = Decimal(near.apart // timedelta(microseconds=1)) / (timedelta(days=1) // timedelta(microseconds=1))
    rows = rule_rows(NAME)
    fits = all(
        compares(rows[name]["op"], value, Decimal(rows[name]["value"]))
        for name, value in (("distance", near.km), ("days", days))
    )
    return near if fits else None
