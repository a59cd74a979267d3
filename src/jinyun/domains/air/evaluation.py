"""How a period is evaluated by HJ 663, in the edition of a day: statistics, places, days needed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, lru_cache

from jinyun.domains.air.limits import PACKAGE, items
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.terms import Period, Window, china_time, window_of
from jinyun.methods.editions import edition_on

SIX = ("so2", "no2", "pm10", "pm2_5", "co", "o3")
"""The items a year is judged by, in the order of HJ 663."""

FEBRUARY = 2


@dataclass(frozen=True, slots=True)
class Statistic:
    """One figure of an item that is compared with a limit: a mean, or a percentile of daily values."""

    kind: str  # "mean" or "percentile"
    per_cent: Decimal | None  # of a percentile
    limit_period: str  # which limit of GB 3095: annual, quarterly, daily, daily_max_8h


@dataclass(frozen=True, slots=True)
class Evaluation:
    """HJ 663 in one edition."""

    standard: str
    statistics: Mapping[str, tuple[Statistic, ...]]  # by item
    places: Mapping[str, int]  # of means and percentiles
    value_places: Mapping[str, int]  # of a daily value before it is compared with its limit
    multiple_places: int
    rate_places: int
    needed: Mapping[tuple[str, str], int]  # (month | february | annual | quarterly, item) -> valid days
    month_least: Mapping[str, int]  # items whose year asks for so many days in each month, and no more
    city_share: Decimal  # least share of valid points of a city value [%]
    heavy_level: int  # 重度及以上污染: AQI levels from here on


def rule(name: str, standard: str = "project") -> Mapping[str, str]:
    """A row of ``rules.csv``: the edition's own, or else that of the edition before, or the project's.

    Raises
    ------
    BadInput
        When the table has no such rule.
    """
    rows = [row for row in csv_rows(PACKAGE, "rules.csv") if row["rule"] == name]
    for row in rows:
        if row["standard"] == standard:
            return row
    if not rows:
        raise BadInput(f"rules.csv has no rule {name!r}")
    return rows[0]


def number(name: str, standard: str = "project") -> int:
    """A whole number of ``rules.csv``."""
    return int(rule(name, standard)["value"])


def evaluation(day: date) -> Evaluation:
    """HJ 663 in force on a day: of the data, or the one that a what-if asks for."""
    return _evaluation(edition_on(csv_rows(PACKAGE, "editions.csv"), "evaluation", day)["standard"])


@cache
def _evaluation(standard: str) -> Evaluation:
    rows = [row for row in csv_rows(PACKAGE, "hj663_evaluation.csv") if row["standard"] == standard]
    more = [row for row in csv_rows(PACKAGE, "rules.csv") if row["standard"] == standard]
    alias = {row["alias"] or row["item"]: row["item"] for row in csv_rows(PACKAGE, "items.csv")}

    def split(row: Mapping[str, str], column: str) -> list[str]:
        return [alias.get(name, name) for name in row[column].split(";")]

    def places(code: str) -> dict[str, int]:
        found = {n: int(r["value"]) for r in rows if r["rule_code"] == code for n in split(r, "pollutant")}
        return found | {n: int(r["value"]) for r in more if r["rule"] == code for n in split(r, "item")}

    def one(code: str) -> int:
        return next(int(row["value"]) for row in rows if row["rule_code"] == code)

    needed = {
        (row["period"], name): int(row["value"])
        for row in rows
        if row["rule_group"] == "validity" and row["unit"] == "day"
        for name in split(row, "pollutant")
    }
    like = rule("days_needed_like")
    for name in like["item"].split(";"):
        needed |= {(period, name): days for (period, other), days in needed.items() if other == like["value"]}
    # The 2026 text was not seen: its city rule is carried over, and says so in the table.
    city = [row["value"] for row in rows if row["rule_code"] == "min_share_of_points"]
    return Evaluation(
        standard=standard,
        statistics=_statistics(rows),
        places=places("decimals_statistics"),
        value_places=places("decimals_daily_for_aqi") | places("decimals_value"),
        multiple_places=one("decimals_exceed_multiple"),
        rate_places=one("decimals_attain_rate"),
        needed=needed,
        month_least={n: int(r["value"]) for r in more if r["rule"] == "month_least_days" for n in split(r, "item")},
        city_share=Decimal(city[0] if city else rule("city_least_share", standard)["value"]),
        heavy_level=number("heavy_level", standard),
    )


def _statistics(rows: Collection[Mapping[str, str]]) -> Mapping[str, tuple[Statistic, ...]]:
    found: dict[str, tuple[Statistic, ...]] = {}
    for row in rows:
        if row["rule_group"] != "annual_item":
            continue
        name, share = row["pollutant"], row["statistic"] == "percentile"
        daily = "daily_max_8h" if name == "o3" else "daily"
        one = Statistic(row["statistic"], Decimal(row["value"]) if share else None, daily if share else "annual")
        found[name] = (*found.get(name, ()), one)
    for name in rule("extra_mean")["item"].split(";"):
        found[name] = (Statistic("mean", None, rule("extra_mean")["value"]),)
    return found


@dataclass(frozen=True, slots=True)
class Enough:
    """Whether the valid days of an item make its mean over a period valid. `valid` None: no rule for such a period."""

    valid: bool | None
    have: int
    need: int | None
    note_zh: str = ""
    note_en: str = ""


def window_days(window: Window) -> list[date]:
    """The dates of a window, in China civil time."""
    first, end = china_time(window.start).date(), china_time(window.end).date()
    return [first + timedelta(days=n) for n in range((end - first).days)]


@lru_cache(maxsize=256)
def _months(window: Window) -> tuple[tuple[int, int], ...]:
    """(year, month) of its days."""
    return tuple(dict.fromkeys((day.year, day.month) for day in window_days(window)))


def natural(window: Window) -> bool:
    """True for a whole month, quarter or year of the calendar."""
    return window.period in (Period.MONTH, Period.QUARTER, Period.YEAR) and window == window_of(
        window.period, window.start
    )


def enough_days(name: str, days: Collection[date], window: Window, rules: Evaluation) -> Enough:
    """Whether an item has enough valid days: GB 3095 table 4 and HJ 663.

    A month asks for 27 days (February 25), a year for 324 days and every month; TSP, Pb and BaP for 60 days of a year
    and 5 of each month, Pb for 15 of a quarter. The quarter of another item asks for its three months (project choice).

    Parameters
    ----------
    days : Collection[date]
        Valid days of the item inside the window.
    """
    months = Counter((day.year, day.month) for day in days)
    due = _months(window)
    if not natural(window):
        return Enough(
            None, len(days), None, "标准未规定该时段的有效天数", "no rule for the valid days of such a period"
        )
    few = [month for month in due if months[month] < _month_need(name, month[1], rules)]
    if window.period is Period.MONTH:
        need = _month_need(name, due[0][1], rules)
        return Enough(not few, len(days), need, *_few(len(days), need, []))
    key = "annual" if window.period is Period.YEAR else "quarterly"
    need_all = rules.needed.get((key, name))
    short = need_all is not None and len(days) < need_all
    return Enough(not few and not short, len(days), need_all, *_few(len(days), need_all, few))


def _month_need(name: str, month: int, rules: Evaluation) -> int:
    if name in rules.month_least:
        return rules.month_least[name]
    period = "february" if month == FEBRUARY else "month"
    try:
        return rules.needed[period, name]
    except KeyError:
        raise BadInput(f"{rules.standard} names no valid days for {name}", field=name) from None


def _few(have: int, need: int | None, months: list[tuple[int, int]]) -> tuple[str, str]:
    zh, en = [], []
    if need is not None and have < need:
        zh.append(f"有效{have}天，不足{need}天")
        en.append(f"{have} valid days of the {need} needed")
    if months:
        zh.append("、".join(f"{month}月" for _, month in months) + "有效天数不足")
        en.append("too few valid days in month " + ", ".join(str(month) for _, month in months))
    return "；".join(zh), "; ".join(en)


def name_of(name: str, *, english: bool = False) -> str:
    """An item as a person reads it."""
    one = items().get(name)
    return name if one is None else one.en if english else one.zh
