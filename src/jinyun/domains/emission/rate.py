"""Emission rates by the height of the stack 排放速率: GB 16297-1996, 7.1 to 7.4, annexes A and B. Exact."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from jinyun.domains.emission import selection
from jinyun.domains.emission.rules import PACKAGE, rule
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.units import convert
from jinyun.methods.limit_rows import LimitRow, limit_rows
from jinyun.methods.statistics import round_fraction

TABLE = "gb16297_1996.csv"
GRADES = ("grade_2", "grade_3")
_HEIGHT = re.compile(r"stack (?P<height>\d+(?:\.\d+)?) m(?:;(?P<kind>.*))?$")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Rate limit of one pollutant at one stack. `exact` in kg/h; `value` is it kept to six decimals."""

    item: str
    group: str
    height: Decimal  # [m]
    exact: Fraction  # [kg/h]
    how: str  # listed, interpolated, above, below
    halved: tuple[str, ...]  # low_stack (below 15 m), buildings (not 5 m above those within 200 m)
    clause: str
    row: LimitRow

    @property
    def value(self) -> Decimal:
        """`exact` kept to the table's places. [kg/h]"""
        kept = round_fraction(self.exact, int(rule("rate_places")))
        return Decimal(format(kept.normalize(), "f"))


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack, or the one that stands for several: place, height and rate of one pollutant."""

    x: Decimal  # [m]
    y: Decimal  # [m]
    height: Decimal  # [m]
    rate: Decimal  # [kg/h]
    name: str = ""


def rate_limit(
    item: str,
    height: Decimal,
    *,
    grade: str = "grade_2",
    kind: str | None = None,
    buildings: Decimal | None = None,
    on: date | None = None,
) -> RateLimit:
    """Highest rate allowed from a stack of `height`. [m -> kg/h]

    Between two listed heights linear; above the highest ``Q_top (h / h_top)²``; below the lowest
    ``Q_low (h / h_low)²``, and below 15 m half of that. A stack that is not 5 m higher than the buildings within 200 m
    has half of its limit; both halvings apply when both hold.

    Parameters
    ----------
    item : str
        As in the table: ``so2``, ``nmhc``…
    grade : str
        ``grade_2`` or ``grade_3`` (area).
    kind : str, optional
        Kind of dust for ``pm``, e.g. ``carbon black and dye dust``; None: other dust.
    buildings : Decimal, optional
        Height of the highest building within 200 m. [m]
    on : date, optional
        Day of the data; the table holds from 1997-01-01.

    Raises
    ------
    NotFound
        For an item or grade without rates.
    BadInput
        For a height that is not positive.

    References
    ----------
    .. [1] GB 16297-1996, 7.1, 7.3, 7.4, annex B; table 2.
    """
    group = f"rate_{grade}"
    rows = [row for row in limit_rows(csv_rows(PACKAGE, TABLE), name=TABLE) if row.group == group]
    mine = [row for row in rows if row.item_code == item]
    if not mine:
        items = {row.item_code for row in rows}
        raise NotFound("rate limit of GB 16297-1996 for", item if rows else grade, known=items or GRADES)
    if on is not None and on.isoformat() < _start():
        raise BadInput(
            f"table 2 of GB 16297-1996 holds from {_start()}", field="on", hint="table 1 was not transcribed"
        )
    return _at(mine, Decimal(height), (kind,) if kind else (), buildings)


def _start() -> str:
    return next(row["valid_from"] for row in csv_rows(PACKAGE, "editions.csv") if row["part"] == "gb16297")


def _listed(rows: Sequence[LimitRow], conditions: Sequence[str]) -> dict[Decimal, LimitRow]:
    """Rows by listed height: those of the kind of dust that is named, else of the one that holds by itself."""
    best: dict[Decimal, tuple[int, LimitRow]] = {}
    for row in rows:
        hit = _HEIGHT.fullmatch(row.condition)
        if hit is None:
            raise BadInput(f"{row.clause}: condition {row.condition!r} names no height of a stack", field="condition")
        fit = selection.fit(replace(row, condition=hit["kind"] or ""), {}, conditions)
        height = Decimal(hit["height"])
        if fit.holds and (height not in best or best[height][0] < fit.rank):
            best[height] = (fit.rank, row)
    top = max((rank for rank, _ in best.values()), default=0)
    return {height: row for height, (rank, row) in sorted(best.items()) if rank == top}


def _at(rows: Sequence[LimitRow], height: Decimal, conditions: Sequence[str], buildings: Decimal | None) -> RateLimit:
    if height <= 0:
        raise BadInput(f"stack height {height} m is not above zero", field="height")
    listed = _listed(rows, conditions)
    if not listed:
        raise NotFound("rate limit", ", ".join(conditions), known=[row.condition for row in rows])
    rates = {h: Fraction(row.value or 0) for h, row in listed.items()}
    low, top = min(listed), max(listed)
    at = Fraction(height)
    if height in rates:
        how, exact, row = "listed", rates[height], listed[height]
    elif height > top:
        how, exact, row = "above", rates[top] * (at / Fraction(top)) ** 2, listed[top]
    elif height < low:
        how, exact, row = "below", rates[low] * (at / Fraction(low)) ** 2, listed[low]
    else:
        under, over = max(h for h in listed if h < height), min(h for h in listed if h > height)
        share = (at - Fraction(under)) / Fraction(over - under)
        how, exact, row = "interpolated", rates[under] + (rates[over] - rates[under]) * share, listed[under]
    halved = []
    if height < rule("rate_least_height"):
        halved.append("low_stack")
    if buildings is not None and height < buildings + rule("rate_above_buildings"):
        halved.append("buildings")
    exact *= Fraction(rule("rate_halved")) ** len(halved)
    return RateLimit(row.item_code, row.group, height, exact, how, tuple(halved), f"{row.clause} 7.1–7.4", row)


def rate_row(
    rows: Sequence[LimitRow], facts: Mapping[str, Any], conditions: Sequence[str]
) -> tuple[LimitRow, tuple[str, ...]]:
    """The table's row with the rate that holds at the stack's height, and the facts that are missing for it."""
    if not selection.known(facts.get("height")):
        return replace(rows[0], condition=""), ("height",)
    buildings = facts.get("buildings")
    limit = _at(
        rows, Decimal(str(facts["height"])), conditions, Decimal(str(buildings)) if selection.known(buildings) else None
    )
    note = "; ".join([f"stack {limit.height} m: {limit.how}", *(f"halved: {why}" for why in limit.halved)])
    return replace(limit.row, value=limit.value, condition=f"stack {limit.height} m", note=note), ()


def emission_rate(concentration: Decimal, flow: Decimal, *, unit: str = "mg/m3") -> Decimal:
    """Rate of a stack: concentration times dry standard flow. [`unit`, m3/h -> kg/h]"""
    return convert(concentration, unit, "kg/m3") * flow


def distance(first: Stack, second: Stack) -> Decimal:
    """Distance between two stacks. [m]"""
    return ((first.x - second.x) ** 2 + (first.y - second.y) ** 2).sqrt()


def equivalent_stack(first: Stack, second: Stack) -> Stack:
    """The one stack that stands for two of the same pollutant: GB 16297-1996 annex A.

    ``Q = Q1 + Q2``, ``h = sqrt((h1² + h2²) / 2)``, on the line between them at ``a Q2 / Q`` from the first.

    Raises
    ------
    BadInput
        When neither emits anything: the place would not be defined.
    """
    total = first.rate + second.rate
    if total <= 0:
        raise BadInput("two stacks that emit nothing have no equivalent stack", field="rate")
    share = second.rate / total
    return Stack(
        first.x + (second.x - first.x) * share,
        first.y + (second.y - first.y) * share,
        ((first.height**2 + second.height**2) / 2).sqrt(),
        total,
        "+".join(name for name in (first.name, second.name) if name),
    )


def near(first: Stack, second: Stack) -> bool:
    """True when two stacks count as one: their distance is less than the sum of their heights (7.2)."""
    return distance(first, second) < first.height + second.height


def equivalent_stacks(stacks: Sequence[Stack]) -> list[Stack]:
    """Stacks of one pollutant with near ones joined pair by pair in the order given: the equivalent of the first two,
    then with the third, and so on, until no two are near each other."""
    left = list(stacks)
    while True:
        pair = next(((a, b) for a in range(len(left)) for b in range(a + 1, len(left)) if near(left[a], left[b])), None)
        if pair is None:
            return left
        first, second = pair
        left[first] = equivalent_stack(left[first], left[second])
        del left[second]
