"""Limit lines beside readings: an outlet's permit, and what the domains say of a section's target class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from jinyun.app.services.words import plain
from jinyun.kernel.errors import JinyunError
from jinyun.kernel.terms import Period, Stat, china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House

CONVERTED = {Stat.ZS_RTD, Stat.ZS_AVG}
MEASURED = {Stat.RTD, Stat.AVG}
WATER_KINDS = frozenset({"water_section", "water_micro"})
SHORT_PERIODS = {Period.REALTIME, Period.MINUTE, Period.TEN_MINUTE, Period.HOUR}


@dataclass(frozen=True, slots=True)
class LimitLine:
    """One limit as a line in a chart. A value equal to it complies; `at_least` turns the comparison (oxygen)."""

    factor: str
    value: Decimal
    unit: str
    label_zh: str
    label_en: str
    clause: str
    periods: frozenset[Period]
    converted: bool | None = None  # None: applies to measured and converted alike
    valid_from: date = date.min
    valid_to: date = date.max
    at_least: bool = False

    @property
    def text(self) -> str:
        return plain(self.value) or ""

    def exceeded(self, value: Decimal) -> bool:
        return value < self.value if self.at_least else value > self.value

    def applies(self, factor: str, stat: Stat, period: Period, day: date) -> bool:
        if factor != self.factor or period not in self.periods or not (self.valid_from <= day <= self.valid_to):
            return False
        if self.converted is None:
            return stat in MEASURED or stat in CONVERTED
        return stat in (CONVERTED if self.converted else MEASURED)

    def as_dict(self) -> dict[str, Any]:
        return {
            "value": self.text,
            "unit": self.unit,
            "label_zh": self.label_zh,
            "label_en": self.label_en,
            "clause": self.clause,
            "at_least": self.at_least,
        }


@dataclass(frozen=True, slots=True)
class SiteLimits:
    """All limit lines that may apply at one site."""

    all: Sequence[LimitLine]

    def applying(self, factor: str, stat: Stat, period: Period, at: int) -> list[LimitLine]:
        day = china_time(at).date()
        return [one for one in self.all if one.applies(factor, stat, period, day)]

    def limit_for(self, factor: str, stat: Stat, period: Period, at: int, value: Decimal | None) -> LimitLine | None:
        """The limit to show beside `value`: one that it exceeds, else the strictest from above, else from below."""
        found = self.applying(factor, stat, period, at)
        broken = [one for one in found if value is not None and one.exceeded(value)]
        upper = sorted((one for one in broken or found if not one.at_least), key=lambda one: one.value)
        lower = sorted((one for one in broken or found if one.at_least), key=lambda one: -one.value)
        return next(iter([*upper, *lower]), None)

    def lines(self, factor: str, stat: Stat, period: Period, at: int) -> list[dict[str, Any]]:
        return [one.as_dict() for one in self.applying(factor, stat, period, at)]


class Limits:
    """Finds the limits of sites: cheap look-ups by indexed fields."""

    def __init__(self, house: House) -> None:
        self._house = house

    def of_site(self, site_id: str, at: int) -> SiteLimits:
        """Limits of a site in the editions in force at `at` [s]."""
        site = self._house.sites.get(site_id)
        found: list[LimitLine] = []
        for outlet in self._house.records.find("outlet", {"site": site_id}):
            for record in self._house.records.find("permit_limit", {"outlet": outlet.id}):
                found.append(_permit_line(record.id, record.data))
        if site is not None and site.kind in WATER_KINDS and site.data.get("target_class"):
            target, body = int(site.data["target_class"]), str(site.data.get("body") or "")
            found += _target_lines(target, body, china_time(at).date())
        return SiteLimits(found)


def _permit_line(record_id: str, data: Any) -> LimitLine:
    daily = data.get("period") == "day"
    return LimitLine(
        factor=str(data["factor"]),
        value=Decimal(str(data["limit"])),
        unit=str(data.get("unit") or ""),
        label_zh="许可日均限值" if daily else "许可小时限值",
        label_en="permit limit, daily" if daily else "permit limit, hourly",
        clause=str(data.get("basis") or record_id),
        periods=frozenset({Period.DAY}) if daily else frozenset(SHORT_PERIODS),
        converted=bool(data["converted"]) if data.get("converted") is not None else None,
        valid_from=_day(data.get("valid_from"), date.min),
        valid_to=_day(data.get("valid_to"), date.max),
    )


def _day(text: Any, otherwise: date) -> date:
    return date.fromisoformat(str(text)) if text else otherwise


@cache
def _target_lines(target: int, body: str, day: date) -> tuple[LimitLine, ...]:
    """Limits of the target class, GB 3838 table 1, in the edition of the day. pH has a lower and an upper one."""
    from jinyun.domains.water.limits import LABELS_ZH, edition

    try:
        rules = edition(day, body)
    except JinyunError:  # a day before the first edition we hold: no line rather than a wrong one
        return ()
    lines = []
    for one in rules.items.values():
        words = {"zh": f"目标{LABELS_ZH[target]}类", "en": f"target class {target}"}
        sides = [(one.limits, one.op == "ge", ("限值", "limit"))]
        if one.op == "range":
            sides = [(one.limits, False, ("上限", "upper limit")), (one.lows, True, ("下限", "lower limit"))]
        for limits, at_least, (side_zh, side_en) in sides:
            lines.append(
                LimitLine(
                    factor=one.factor,
                    value=limits[target - 1],
                    unit=one.unit,
                    label_zh=f"{words['zh']}{side_zh}",
                    label_en=f"{words['en']}, {side_en}",
                    clause=f"{rules.standard} 表1",
                    periods=frozenset(Period),
                    converted=False,
                    at_least=at_least,
                )
            )
    return tuple(lines)
