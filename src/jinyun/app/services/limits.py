"""Limit lines beside readings: an outlet's permit, a section's target class, level 2 of the air; each of its day."""

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

CONVERTED = frozenset({Stat.ZS_RTD, Stat.ZS_AVG})
MEASURED = frozenset({Stat.RTD, Stat.AVG})
DAILY = frozenset({Period.DAY})
SHORT = frozenset({Period.REALTIME, Period.MINUTE, Period.TEN_MINUTE, Period.HOUR})
WATER_KINDS = frozenset({"water_section", "water_micro"})
AIR_KINDS = frozenset({"air_station", "air_micro"})


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
    stats: frozenset[Stat]
    at_least: bool = False

    @property
    def text(self) -> str:
        return plain(self.value) or ""

    @property
    def shown(self) -> str:
        """With its direction: ``≤50``, for oxygen ``≥5``."""
        return ("≥" if self.at_least else "≤") + self.text

    def exceeded(self, value: Decimal) -> bool:
        return value < self.value if self.at_least else value > self.value

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
    """All limit lines that hold at one site on one day."""

    all: Sequence[LimitLine]

    def applying(self, factor: str, stat: Stat, period: Period) -> list[LimitLine]:
        return [one for one in self.all if one.factor == factor and stat in one.stats and period in one.periods]

    def limit_for(self, factor: str, stat: Stat, period: Period, value: Decimal | None) -> LimitLine | None:
        """The limit to show beside `value`: one that it exceeds, else the strictest from above, else from below."""
        found = self.applying(factor, stat, period)
        broken = [one for one in found if value is not None and one.exceeded(value)]
        upper = sorted((one for one in broken or found if not one.at_least), key=lambda one: one.value)
        lower = sorted((one for one in broken or found if one.at_least), key=lambda one: -one.value)
        return next(iter([*upper, *lower]), None)

    def shown(self, factor: str, stat: Stat, period: Period, value: Decimal | None) -> str | None:
        """The limit beside `value` as a person reads it: with its sign, or as a range (pH ``6–9``) when the same rule
        bounds both sides and neither is broken."""
        line = self.limit_for(factor, stat, period, value)
        if line is None or (value is not None and line.exceeded(value)):
            return None if line is None else line.shown
        other = [
            one
            for one in self.applying(factor, stat, period)
            if one.at_least != line.at_least and one.clause == line.clause
        ]
        if not other:
            return line.shown
        low, high = sorted((line, other[0]), key=lambda one: one.value)
        return f"{low.text}–{high.text}"

    def lines(self, factor: str, stat: Stat, period: Period) -> list[dict[str, Any]]:
        return [one.as_dict() for one in self.applying(factor, stat, period)]


class Limits:
    """Finds the limits of sites: look-ups by indexed fields, standards by the day."""

    def __init__(self, house: House) -> None:
        self._house = house

    def of_site(self, site_id: str, at: int) -> SiteLimits:
        """Limits of a site in force at `at` [s]."""
        site, day = self._house.sites.get(site_id), china_time(at).date()
        found = self._permit_lines(site_id, day)
        if site is not None and site.kind in WATER_KINDS:
            found += _target_lines(int(site.data.get("target_class") or 0), str(site.data.get("body") or ""), day)
        elif site is not None and site.kind in AIR_KINDS:
            found += _air_lines(day)
        return SiteLimits(found)

    def _permit_lines(self, site_id: str, day: date) -> list[LimitLine]:
        from jinyun.domains.emission.outlet_limits import limits_in_force

        records = self._house.records
        outlets = [{**one.data, "id": one.id} for one in records.find("outlet", {"site": site_id})]
        permits = [
            {**one.data, "id": one.id}
            for outlet in outlets
            for one in records.find("permit_limit", {"outlet": outlet["id"]})
        ]
        own = [
            {**one.data, "id": one.id}
            for name in {outlet["standard"] for outlet in outlets if outlet.get("standard")}
            for one in records.find("standard_limit", {"standard": name})
        ]
        site = self._house.sites.get(site_id)
        good, _ = limits_in_force(
            day, permits, outlets, own, jurisdiction=site.jurisdiction if site else "",
            stack=site is not None and site.kind == "stack_outlet",
        )  # fmt: skip
        lines = []
        for limit in good:
            if limit.kind != "concentration" or limit.laxest is not None:
                continue  # a rate has another unit; a limit that is not determined is no line
            daily = limit.period == "day"
            zh, en = ("日均限值", "daily") if daily else ("小时限值", "hourly")
            zh = f"标准{zh}" if limit.standard else f"许可{zh}"
            en = f"{en} limit of the standard" if limit.standard else f"{en} permit limit"
            for value, at_least in ((limit.high, False), (limit.low, True)):
                if value is None:
                    continue
                lines.append(
                    LimitLine(
                        factor=limit.factor,
                        value=value,
                        unit=limit.unit,
                        label_zh=zh + ("(下限)" if at_least else ""),
                        label_en=en + (", lower" if at_least else ""),
                        clause=limit.basis or limit.id,
                        periods=DAILY if daily else SHORT,
                        stats=CONVERTED if limit.converted else MEASURED,
                        at_least=at_least,
                    )
                )
        return lines


@cache
def _target_lines(target: int, body: str, day: date) -> tuple[LimitLine, ...]:
    """Limits of the target class, GB 3838 table 1; `target` 0 takes the table's default. pH has two lines."""
    from jinyun.domains.water.limits import LABELS_ZH, edition, rule

    try:
        rules = edition(day, body)
        level = target or int(rule("default_target"))
    except JinyunError:  # a day before the first edition we hold: no line rather than a wrong one
        return ()
    lines = []
    for one in rules.items.values():
        sides = [(one.limits, one.op == "ge", "限值", "limit")]
        if one.op == "range":
            sides = [(one.limits, False, "上限", "upper limit"), (one.lows, True, "下限", "lower limit")]
        for limits, at_least, zh, en in sides:
            lines.append(
                LimitLine(
                    factor=one.factor,
                    value=limits[level - 1],
                    unit=one.unit,
                    label_zh=f"目标{LABELS_ZH[level]}类{zh}",
                    label_en=f"target class {level}, {en}",
                    clause=f"{rules.standard} 表1",
                    periods=frozenset(Period),
                    stats=MEASURED,
                    at_least=at_least,
                )
            )
    return tuple(lines)


@cache
def _air_lines(day: date) -> tuple[LimitLine, ...]:
    """Level-2 limits of GB 3095 for hourly and daily means; none where the standard sets none."""
    from jinyun.domains.air.limits import limit, limits_edition
    from jinyun.kernel.factors import factors

    try:
        standard, _ = limits_edition(day)
    except JinyunError:
        return ()
    lines = []
    for name, periods, zh, en in (
        ("hourly", frozenset({Period.HOUR}), "二级 1 小时平均限值", "level 2, hourly mean"),
        ("daily", DAILY, "二级 24 小时平均限值", "level 2, daily mean"),
    ):
        for factor in ("so2", "no2", "co", "o3", "pm10", "pm2_5"):
            value = limit(factor, name, day)
            if value is not None:
                lines.append(
                    LimitLine(
                        factor=factor,
                        value=value,
                        unit=factors()[factor].unit,
                        label_zh=zh,
                        label_en=en,
                        clause=f"{standard} 表1",
                        periods=periods,
                        stats=MEASURED,
                    )
                )
    return tuple(lines)
