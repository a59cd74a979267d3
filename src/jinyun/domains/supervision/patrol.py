"""Patrols of river chiefs 巡河: whether one counts, and which periods lack one. Pure; figures of ``rules.csv``.

The rule is that of one county, taken as a default that a district replaces by its own rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from jinyun.domains.supervision.rules import compares, rule_rows, rule_text
from jinyun.kernel.errors import BadInput

WEEK_DAYS = 7
MONTHS_OF_QUARTER = 3


@dataclass(frozen=True, slots=True)
class Counted:
    """Whether a patrol counts; `reasons` of ``too_short``, ``too_near``, ``too_soon``, in this order."""

    counts: bool
    reasons: tuple[str, ...]


def patrol_counts(rank: str, minutes: Decimal, km: Decimal, hours_since_last: Decimal | None = None) -> Counted:
    """Whether a patrol of a chief of `rank` (county, town, village) counts.

    Parameters
    ----------
    minutes : Decimal
        [min]
    km : Decimal
        Length walked. [km]
    hours_since_last : Decimal, optional
        Since the end of the last one; None: it is the first. [h]

    Raises
    ------
    BadInput
        For an unknown rank.
    """
    _check(rank)
    given = (
        ("patrol_minutes", minutes, "too_short"),
        ("patrol_km", km, "too_near"),
        ("patrol_hours_since", hours_since_last, "too_soon"),
    )
    reasons = tuple(why for name, value, why in given if value is not None and not _meets(name, rank, value))
    return Counted(not reasons, reasons)


def periods_without(rank: str, patrolled: Iterable[date], first: date, last: date) -> list[tuple[date, date]]:
    """Periods (quarter, month or week by rank) from `first` to `last` in which a counted patrol is due and none was.

    Only periods that lie whole in the span and in the months the rule asks for are looked at.

    Raises
    ------
    BadInput
        For an unknown rank.
    """
    _check(rank)
    days = set(patrolled)
    from_month, to_month = map(int, rule_text("patrol_months", rank).split("-"))
    found, start = [], _start(rank, first)
    while start <= last:
        end = _start(rank, start + timedelta(_longest(rank))) - timedelta(1)
        whole = first <= start and end <= last
        due = whole and from_month <= start.month and end.month <= to_month and start.year == end.year
        if due and not any(start <= day <= end for day in days):
            found.append((start, end))
        start = end + timedelta(1)
    return found


def _check(rank: str) -> None:
    known = rule_rows("patrol_minutes")
    if rank not in known:
        raise BadInput(f"patrol of rank {rank!r}", field="rank", hint=f"known: {', '.join(known)}")


def _meets(name: str, rank: str, value: Decimal) -> bool:
    row = rule_rows(name).get(rank)
    return row is None or compares(row["op"], value, Decimal(row["value"]))


def _longest(rank: str) -> int:
    return {"week": WEEK_DAYS, "month": 31, "quarter": 92}[rule_text("patrol_every", rank)]


def _start(rank: str, day: date) -> date:
    """First day of the period that holds `day`."""
    every = rule_text("patrol_every", rank)
    if every == "week":
        return day - timedelta(day.weekday())
    month = day.month if every == "month" else day.month - (day.month - 1) % MONTHS_OF_QUARTER
    return date(day.year, month, 1)
