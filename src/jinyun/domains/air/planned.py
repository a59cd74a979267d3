"""Items not monitored by plan, shown as "/", once never primary in three years (HJ 633-2026, 5.3). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from jinyun.domains.air.days import DayValues
from jinyun.domains.air.evaluation import evaluation, number
from jinyun.domains.air.good_days import day_aqi
from jinyun.domains.air.limits import index_edition, item


@dataclass(frozen=True, slots=True)
class Planned:
    """Whether an item may be left out by plan, and why not."""

    item: str
    allowed: bool
    first: date  # of the years looked at
    last: date
    valid_days: int
    primary_on: tuple[date, ...]  # polluted days on which it was primary
    note_zh: str
    note_en: str


def may_leave_out(name: str, days: Sequence[DayValues], *, on: date) -> Planned:
    """Check the exception of HJ 633-2026, 5.3 on the three years before `on`.

    The item may be left out when it was not primary on any day of light pollution or worse. Each of the three years
    needs as many valid days as an annual mean does (324; project choice): what was not measured proves nothing.
    """
    item(name)
    table, rules = index_edition(on), evaluation(on)
    years = number("never_primary_years", table.standard)
    starts = [_back(on, n) for n in range(years, -1, -1)]
    found, counts = [], [0] * years
    for one in days:
        if not starts[0] <= one.day < on:
            continue
        slot = max(n for n in range(years) if starts[n] <= one.day)
        got = day_aqi(one, table)
        if one.of(name) is None or got.level is None:
            continue
        counts[slot] += 1
        if got.level.level > table.good_level and name in got.primary:
            found.append(one.day)
    least = rules.needed["annual", name]
    first, last = starts[0], on - timedelta(days=1)
    if found:
        zh = f"{item(name).zh}在{min(found)}等{len(found)}个污染日为首要污染物，不得列为计划外项目"
        en = f"{item(name).en} was primary on {len(found)} polluted days, first on {min(found)}: it must be monitored"
    elif min(counts) < least:
        zh = f"近{years}年有效天数为{'、'.join(map(str, counts))}天，每年不足{least}天，无法确认"
        en = f"valid days of the last {years} years are {', '.join(map(str, counts))}, {least} are needed of each"
    else:
        zh = f"近{years}年{item(name).zh}从未在轻度及以上污染日为首要污染物，可不监测并以“/”表示"
        en = f"in {years} years {item(name).en} was never primary on a polluted day: it may be shown as /"
    return Planned(
        name, not found and min(counts) >= least, first, last, sum(counts), tuple(sorted(found)), zh, en
    )  # fmt: skip


def _back(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=day.day - 1)
