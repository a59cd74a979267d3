"""Which permit limits hold for an outlet on a day: chosen by validity date, factor and period. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from jinyun.domains.emission.rules import rule
from jinyun.kernel.errors import BadInput
from jinyun.kernel.factors import factors
from jinyun.kernel.units import convert


@dataclass(frozen=True, slots=True)
class Limit:
    """One factor's limit of one outlet in the factor's canonical unit. pH has a `low` bound, or both."""

    id: str  # of the record(s)
    factor: str
    period: str  # hour, day
    high: Decimal | None
    low: Decimal | None
    text: str  # as printed
    unit: str
    converted: bool
    reference_o2: Decimal | None
    basis: str
    kind: str = "concentration"  # or rate [kg/h]
    strict: bool = False  # a value equal to the bound breaks it ("below", "above")
    standard: bool = False  # of a standard that the outlet names, not of its permit
    outlet: str = ""
    beside: str = ""  # what else limits the same, both languages
    laxest: Decimal | None = None  # the limit may be as high as this: what was not given decides
    why_open: str = ""  # what was not given, both languages

    def over(self, value: Decimal) -> bool:
        """True when the value breaks the limit; a value equal to it complies, unless it is `strict`."""
        if self.strict and value in (self.high, self.low):
            return True
        return (self.high is not None and value > self.high) or (self.low is not None and value < self.low)

    def undecided(self, value: Decimal) -> bool:
        """True when the value breaks the strictest of several possible limits but not the laxest."""
        return self.laxest is not None and self.high is not None and self.high < value <= self.laxest


@dataclass(frozen=True, slots=True)
class BadLimit:
    """A limit record that cannot be used, and why."""

    id: str
    factor: str
    period: str
    why: str
    reason: str = ""  # both languages, where it is no fault of the record: the standard's limit cannot be used


def limits_on(
    day: date, permit_limits: Sequence[Mapping[str, Any]], outlets: Sequence[Mapping[str, Any]] = ()
) -> tuple[list[Limit], list[BadLimit]]:
    """Limits in force on `day` and the records that cannot be used.

    Of several limits for one outlet, factor, period and kind of value the one with the latest start holds; of two with
    the same start the stricter. A limit without a start has always held. A record with an unknown factor or a
    unit that does not fit raises nothing: it is in the second list (as `BadInput` would say it).
    """
    oxygen = {str(outlet["id"]): outlet.get("reference_o2") for outlet in outlets}
    text = day.isoformat()
    best: dict[tuple[str, str, str, bool], list[tuple[str, Decimal, Mapping[str, Any]]]] = {}
    bad: list[BadLimit] = []
    for row in permit_limits:
        if str(row.get("valid_from") or "") > text or text > str(row.get("valid_to") or "9999"):
            continue
        name = str(row["factor"])
        try:
            known = factors().get(name)
            if known is None:
                raise BadInput(f"unknown factor {name!r}")
            value = convert(Decimal(str(row["limit"])), str(row.get("unit") or known.unit), known.unit)
        except BadInput as wrong:
            bad.append(BadLimit(str(row["id"]), name, str(row["period"]), str(wrong)))
            continue
        lower = name == "ph" and value < rule("neutral_ph")
        key = (str(row["outlet"]), name, str(row["period"]), lower)
        best.setdefault(key, []).append((str(row.get("valid_from") or ""), value, row))
    chosen: dict[tuple[str, str, str], dict[bool, tuple[Decimal, Mapping[str, Any]]]] = {}
    for (outlet, name, period, lower), rows in best.items():
        start = max(row[0] for row in rows)
        newest = [(value, row) for since, value, row in rows if since == start]
        pick = (max if lower else min)(newest, key=lambda pair: pair[0])
        chosen.setdefault((outlet, name, period), {})[lower] = pick
    return [
        _limit(outlet, name, period, sides, oxygen.get(outlet)) for (outlet, name, period), sides in chosen.items()
    ], bad


def _limit(
    outlet: str,
    name: str,
    period: str,
    sides: Mapping[bool, tuple[Decimal, Mapping[str, Any]]],
    reference_o2: Any,
) -> Limit:
    high, low = sides.get(False), sides.get(True)
    rows = [side[1] for side in (high, low) if side is not None]
    texts = [format(side[0].normalize(), "f") for side in (low, high) if side is not None]
    return Limit(
        id=",".join(str(row["id"]) for row in rows),
        factor=name,
        period=period,
        high=high[0] if high else None,
        low=low[0] if low else None,
        text="–".join(texts) if high and low else ("≥" if low else "") + texts[0],
        unit=factors()[name].unit,
        converted=bool(rows[0].get("converted")),
        reference_o2=Decimal(str(reference_o2)) if reference_o2 not in (None, "") else None,
        basis=str(rows[0].get("basis") or ""),
        outlet=outlet,
    )
