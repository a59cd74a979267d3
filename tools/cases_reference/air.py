"""Cases of ambient air: individual indices at every break point, AQI, valid means, percentiles, composite index."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from math import ceil
from typing import Any

from cases_reference.tables import half_even, plain, rows

Case = dict[str, Any]
ORDER = ("so2", "no2", "co", "o3", "pm10", "pm2_5")
TABLES = {"HJ 633-2012": "hj633_2012_iaqi.csv", "HJ 633-2026": "hj633_2026_iaqi.csv"}
SPANS = {
    "daily": {name: "8h" if name == "o3" else "24h" for name in ORDER},
    "hourly": {name: "24h" if name.startswith("pm") else "1h" for name in ORDER},
}
CLEAN = {"so2": "8", "no2": "30", "co": "0.7", "o3": "90", "pm10": "45", "pm2_5": "30"}


@cache
def break_points(standard: str) -> dict[tuple[str, str], list[tuple[Fraction, int]]]:
    """(pollutant, averaging) -> ascending (concentration, index)."""
    found: dict[tuple[str, str], list[tuple[Fraction, int]]] = {}
    for row in rows(TABLES[standard]):
        point = (Fraction(row["concentration"]), int(row["iaqi"]))
        found.setdefault((row["pollutant"], row["averaging"]), []).append(point)
    return {key: sorted(points) for key, points in found.items()}


def index(standard: str, pollutant: str, span: str, value: Fraction) -> int | None:
    """Rules 2.2: round, find the segment, ceiling of the exact rational; above the top the special cases."""
    value = half_even(value, 1 if pollutant == "co" else 0)
    points = break_points(standard)[pollutant, span]
    for (low, index_low), (high, index_high) in itertools.pairwise(points):
        if value <= high:
            return ceil(Fraction(index_high - index_low) / (high - low) * (value - low) + index_low)
    special = {("so2", "1h"): 200, ("o3", "8h"): 300}
    if (pollutant, span) in special:
        return special[pollutant, span] if standard == "HJ 633-2026" else None
    return 500


def category(standard: str, aqi: int) -> str:
    levels = [row for row in rows("hj633_levels.csv") if row["standard"] == standard]
    return next(row["category_zh"] for row in levels if aqi <= int(row["aqi_hi"]))


def answer(standard: str, report: str, values: dict[str, str | None]) -> Case:
    parts = {}
    for name in ORDER:
        given = values.get(name)
        if given is not None and (found := index(standard, name, SPANS[report][name], Fraction(given))) is not None:
            parts[name] = found
    total = max(parts.values(), default=None)
    if standard == "HJ 633-2026" and any(values.get(name) is None for name in ORDER) and (total or 0) <= 100:
        total = None  # 5.3: an item is missing and the rest is not above 100
    if total is None:
        return {"iaqi": parts, "aqi": None, "primary": None, "category_zh": None}
    primary = [name for name in ORDER if parts.get(name) == total] if total > 50 else []
    return {"iaqi": parts, "aqi": total, "primary": primary, "category_zh": category(standard, total)}


def case(standard: str, report: str, why: str, **values: str | None) -> Case:
    whole = {**CLEAN, **values}
    clause = "table 1, 4.2 and 4.3" if standard.endswith("2026") else "table 1 and 4.2-4.4"
    return {
        "kind": "derived",
        "standard": standard,
        "report": report,
        "input": {name: None if text is None else plain(Fraction(text)) for name, text in whole.items()},
        "expected": answer(standard, report, whole),
        "tolerance": 0,
        "why": why,
        "source": f"{standard} {clause}",
    }


def _text(value: Fraction) -> str:
    return f"{float(value):g}"


def report_cases(standard: str, report: str) -> Iterator[Case]:
    for name in ORDER:
        points = break_points(standard)[name, SPANS[report][name]]
        step = Fraction(1, 10) if name == "co" else Fraction(1)
        for concentration, at in points:
            yield case(standard, report, f"{name} at the break point of {at}", **{name: _text(concentration)})
            above = concentration + step
            yield case(standard, report, f"{name} one step above the break point of {at}", **{name: _text(above)})
        at_100 = next(c for c, at in points if at == 100)
        for base in (at_100, at_100 + step):  # one of them is even, the other odd: the half goes to the even one
            half = base + step / 2
            yield case(standard, report, f"{name} {_text(half)}: a half goes to the even digit", **{name: _text(half)})
    for whole in (1, 2, 3, 4):
        for tenth in ("0.9", "1.0", "1.1", "1.2"):
            value = _text(Fraction(whole) + Fraction(tenth) - 1)
            yield case(standard, report, "CO with one decimal around an integer", co=value)
    for value in ("2.2", "65.4", "129.3"):
        if report == "hourly" or value == "2.2":
            yield case(standard, report, "a product that a binary float puts above the integer", co=value)
    yield case(standard, report, "PM2.5 above the last break point stays at 500", pm2_5="501")
    if report == "hourly":
        yield case(standard, report, "SO2 1 h 800: still computed", so2="800")
        yield case(standard, report, "SO2 1 h 801: the special rule", so2="801")
    else:
        yield case(standard, report, "O3 8 h 800: still computed", o3="800")
        yield case(standard, report, "O3 8 h 801: the special rule", o3="801")
    for name in ORDER:
        without = dict.fromkeys(ORDER)
        yield case(standard, report, f"all missing but {name}, clean", **{**without, name: CLEAN[name]})
        yield case(standard, report, f"{name} missing, the rest clean", **{name: None})
        dirty = "pm10" if name != "pm10" else "pm2_5"
        yield case(standard, report, f"{name} missing, the rest above 100", **{name: None, dirty: "400"})
    yield case(standard, report, "all missing", **dict.fromkeys(ORDER))
    yield case(standard, report, "AQI 50: no primary pollutant", pm2_5="35", pm10="50")
    yield case(standard, report, "AQI 51: a primary pollutant", pm2_5="36", pm10="40")
    at_100 = {name: next(c for c, at in break_points(standard)[name, "24h"] if at == 100) for name in ("pm10", "pm2_5")}
    yield case(standard, report, "a tie at 100", **{name: _text(value) for name, value in at_100.items()})
    yield case(standard, report, "a tie at 150", pm2_5="115", pm10="250")


EXAMPLE = {"so2": "12", "no2": "46", "co": "1.3", "o3": "148", "pm10": "98", "pm2_5": "63"}


def aqi(standard: str, report: str) -> list[Case]:
    found = list(report_cases(standard, report))
    if report == "daily":
        found.append(case(standard, report, "one day in both editions: good in 2012, polluted in 2026", **EXAMPLE))
        for value in ("60.4", "60.5", "61.5"):
            found.append(case(standard, report, "rounding before the look-up", pm2_5=value))
        found.append(case(standard, report, "the day of PM2.5 = 62", pm2_5="62"))
    return found


def percentile(values: list[Fraction], p: Fraction) -> Fraction:
    """k = 1 + (n-1)p, s = floor(k), X_s + (k-s)(X_s+1 - X_s)."""
    ordered = sorted(values)
    k = 1 + (len(ordered) - 1) * p / 100
    s = k.numerator // k.denominator
    return ordered[s - 1] + (k - s) * (ordered[min(s, len(ordered) - 1)] - ordered[s - 1])


def periods() -> Iterator[Case]:
    source = "HJ 663: k = 1 + (n-1)p, linear between order statistics"
    series = {
        "one value": [35],
        "two values": [10, 20],
        "unsorted": [160, 150, 170, 155, 150],
        "a year of 365": [(n * 37) % 101 for n in range(365)],
        "a leap year": [(n * 53) % 149 + 4 for n in range(366)],
    }
    for why, values in series.items():
        for p in (90, 95, 98):
            got = percentile([Fraction(v) for v in values], Fraction(p))
            yield {
                "kind": "derived",
                "rule": "percentile",
                "input": {"values": values, "p": p},
                "expected": {"value": plain(got)},
                "tolerance": 1e-9,
                "why": why,
                "source": source,
            }
    for hours in range(18, 25):
        yield {
            "kind": "derived",
            "rule": "valid_daily_mean",
            "input": {"valid_hours": hours},
            "expected": {"valid": hours >= 20},
            "source": "GB 3095-2026 table 4: 20 hours",
        }
    for days, month, february in ((324, 27, 25), (323, 27, 25), (324, 26, 25), (324, 27, 24), (365, 28, 28), (0, 0, 0)):
        yield {
            "kind": "derived",
            "rule": "valid_annual_mean",
            "input": {"valid_days": days, "min_valid_days_in_any_month_except_feb": month, "feb_days": february},
            "expected": {"valid": days >= 324 and month >= 27 and february >= 25},
            "source": "GB 3095-2026 table 4: 324 days, 27 in every month, 25 in February",
        }
    yield from ozone()
    yield from composite()
    for good, moderate, days in ((51, 35, 91), (0, 0, 30), (20, 10, 30), (1, 1, 3), (200, 129, 362)):
        share = half_even(Fraction(good + moderate) / days * 100, 1)
        yield {
            "kind": "derived",
            "rule": "good_days_ratio",
            "input": {"good": good, "moderate": moderate, "valid_days": days},
            "expected": {"value": plain(share)},
            "tolerance": 0.05,
            "source": "days of AQI <= 100 / valid days, one decimal",
        }


DAY = [30, 28, 25, 24, 22, 25, 30, 40, 55, 75, 95, 120, 140, 155, 165, 170, 168, 160, 145, 120, 95, 70, 55, 45]


def ozone() -> Iterator[Case]:
    def without(*gone: int) -> list[int | None]:
        return [None if hour in gone else value for hour, value in enumerate(DAY, 1)]

    days: dict[str, list[int | None]] = {
        "a whole day": [*DAY],
        "two hours of one window missing: six of eight are there": without(9, 10),
        "three hours of one window missing": without(9, 10, 11),
        "three hours before dawn missing": without(1, 2, 3),
        "five hours before dawn missing": without(1, 2, 3, 4, 5),
        "the afternoon missing": without(*range(12, 19)),
        "all missing": [None] * 24,
        "a flat day at the limit": [160] * 24,
        "few windows, at the limit": [None] * 8 + [160] * 16,
        "few windows, above the limit": [None] * 8 + [161] * 16,
    }
    for why, hours in days.items():
        means = []
        for end in range(8, 25):
            have = [Fraction(v) for v in hours[end - 8 : end] if v is not None]
            if len(have) >= 6:
                means.append(sum(have) / len(have))
        top = max(means, default=None)
        valid = len(means) >= 14 or (top is not None and top > 160)
        yield {
            "kind": "derived",
            "rule": "o3_mda8",
            "input": {"hourly_hour_ending_1_to_24": hours, "limit": 160},
            "expected": {"value": plain(top), "n_windows": len(means), "valid": valid},
            "tolerance": 1e-9,
            "why": why,
            "source": "GB 3095 table 4 (6 of 8 hours), HJ 663 (14 of 17 windows, or above the limit)",
        }


def composite() -> Iterator[Case]:
    below = {
        r["pollutant"]: Fraction(r["denominator"]) for r in rows("air_composite_index.csv") if "2013" in r["standard"]
    }
    for values in (
        {"so2": "60", "no2": "40", "pm10": "70", "pm2_5": "35", "co": "4", "o3": "160"},
        {"so2": "9", "no2": "15", "pm10": "39", "pm2_5": "21", "co": "0.7", "o3": "192"},
        {"so2": "5", "no2": "8", "pm10": "20", "pm2_5": "12", "co": "0.5", "o3": "90"},
        {"so2": "31", "no2": "55", "pm10": "131", "pm2_5": "83", "co": "2.9", "o3": "181"},
    ):
        total = sum(Fraction(text) / below[name] for name, text in values.items())
        yield {
            "kind": "derived",
            "rule": "composite_index_2013",
            "input": {name: plain(Fraction(text)) for name, text in values.items()},
            "expected": {"value": float(total)},
            "tolerance": 0.005,
            "source": "sum of C/S over six items; S: annual level 2, CO 4, O3 160",
        }


STAGES = {
    "gb3095_2012.csv": {"": "2020-05-01"},
    "gb3095_2026.csv": {"transition": "2026-05-01", "final": "2031-05-01"},
}
AVERAGING = ("hourly", "daily", "daily_max_8h", "annual")
SIX = ("so2", "no2", "co", "o3", "pm10", "pm2_5")


def limits() -> Iterator[Case]:
    """Each limit of the six items: at it, and one rounding step beside it."""
    for table, stages in STAGES.items():
        for row in rows(table):
            if row["table_no"] != "1" or row["op"] != "le" or row["period"] not in AVERAGING:
                continue
            for stage, day in stages.items():
                if row["stage"] not in ("", stage):
                    continue
                limit = Fraction(row["value"])
                step = Fraction(1, 10) if row["item_code"] == "co" else Fraction(1)
                for value in (limit - step, limit, limit + step):
                    yield {
                        "kind": "derived",
                        "rule": "concentration",
                        "input": {
                            "day": day,
                            "item": row["item_code"],
                            "averaging": row["period"],
                            "grade": row["group"],
                            "value": plain(value),
                        },
                        "expected": {"attains": value <= limit},
                        "source": f"{row['standard']} table 1 {stage}".strip(),
                    }


STATISTICS = {  # HJ 663: percentile of the daily values, and whether the mean is judged too
    "so2": (98, True),
    "no2": (98, True),
    "pm10": (95, True),
    "pm2_5": (95, True),
    "co": (95, False),
    "o3": (90, False),
}


def of_day(table: str, stage: str, item: str, period: str, grade: str) -> Fraction:
    return next(
        Fraction(row["value"])
        for row in rows(table)
        if (row["item_code"], row["period"], row["group"]) == (item, period, grade)
        and row["stage"] in ("", stage)
        and row["table_no"] == "1"
    )


def year(shape: str, count: int) -> dict[str, list[Fraction | None]]:
    """Daily values with a course over the year, some days missing; whole numbers, CO with one decimal."""
    scale = {"clean": 1, "middling": 2, "dirty": 4}[shape]
    base = {"so2": 4, "no2": 12, "pm10": 25, "pm2_5": 14, "co": 5, "o3": 45}
    found: dict[str, list[Fraction | None]] = {}
    for place, (name, low) in enumerate(base.items()):
        values = []
        for n in range(count):
            winter = abs(n - count // 2) * 20 // count  # 10 at the ends of the year, 0 in its middle
            swing = (n * (7 + place) + n * n) % 13 + (winter if name != "o3" else 10 - winter)
            values.append(Fraction((low + swing) * scale, 10 if name == "co" else 1))
        found[name] = values
    if count > 300:
        for name, gone in (("so2", (40, 100, 170)), ("o3", range(200, 203)), ("pm10", (5,))):
            found[name] = [None if n in gone else v for n, v in enumerate(found[name])]
    return found


def enough(values: list[Fraction | None], first: date) -> bool:
    """324 valid days, 27 in each month, 25 in February."""
    months: dict[int, int] = {}
    for n, value in enumerate(values):
        month = (first + timedelta(n)).month
        months[month] = months.get(month, 0) + (value is not None)
    return sum(months.values()) >= 324 and all(have >= (25 if month == 2 else 27) for month, have in months.items())


def whole_periods() -> Iterator[Case]:
    """Years and months judged in an edition: exact means and percentiles, attainment, good days."""
    for shape, first, count, on, standard, table, stage in (
        ("clean", "2023-01-01", 365, "2023-12-31", "HJ 633-2012", "gb3095_2012.csv", ""),
        ("middling", "2024-01-01", 366, "2024-12-31", "HJ 633-2012", "gb3095_2012.csv", ""),
        ("dirty", "2023-01-01", 365, "2023-12-31", "HJ 633-2012", "gb3095_2012.csv", ""),
        ("middling", "2027-01-01", 365, "2027-12-31", "HJ 633-2026", "gb3095_2026.csv", "transition"),
        ("clean", "2027-01-01", 365, "2027-12-31", "HJ 633-2026", "gb3095_2026.csv", "transition"),
        ("middling", "2031-01-01", 365, "2031-12-31", "HJ 633-2026", "gb3095_2026.csv", "final"),
        ("clean, SO2 short of April", "2023-01-01", 365, "2023-12-31", "HJ 633-2012", "gb3095_2012.csv", ""),
        ("dirty, SO2 short of April", "2023-01-01", 365, "2023-12-31", "HJ 633-2012", "gb3095_2012.csv", ""),
    ):
        shape, _, short = shape.partition(", ")
        daily = year(shape, count)
        if short:
            daily["so2"] = [None if 100 <= n < 105 else v for n, v in enumerate(daily["so2"])]
        figures: dict[str, dict[str, Fraction]] = {}
        attains: dict[str, bool | None] = {}
        for name, (p, by_mean) in STATISTICS.items():
            have_days = daily[name]
            have = [v for v in have_days if v is not None]
            span = "daily_max_8h" if name == "o3" else "daily"
            parts = {"percentile": percentile(have, Fraction(p))}
            if by_mean:
                parts["mean"] = sum(have) / len(have)
            figures[name] = parts
            keeps = {
                kind: half_even(value, places(standard, name))
                <= of_day(table, stage, name, "annual" if kind == "mean" else span, "level2")
                for kind, value in parts.items()
            }
            attains[name] = all(keeps.values()) if enough(have_days, date.fromisoformat(first)) else None
        days = [{n: None if v[d] is None else str(v[d]) for n, v in daily.items()} for d in range(count)]
        found = [answer(standard, "daily", one)["aqi"] for one in days]
        valid = [one for one in found if one is not None]
        good = sum(one <= 100 for one in valid)
        yield {
            "kind": "derived",
            "rule": "period",
            "why": f"a {shape} year in the edition of {on} {stage}".strip() + (f", {short}" if short else ""),
            "input": {
                "period": "year",
                "first_day": first,
                "on": on,
                "grade": "level2",
                "daily": {name: [plain(v) for v in values] for name, values in daily.items()},
            },
            "expected": {
                "figures": {n: {k: float(v) for k, v in parts.items()} for n, parts in figures.items()},
                "item_attains": attains,
                "attains": False if False in attains.values() else None if None in attains.values() else True,
                "good_days": good,
                "valid_days": len(valid),
                "heavy_days": sum(one > 200 for one in valid),
                "good_ratio_pct": plain(half_even(Fraction(good, len(valid)) * 100, 1)),
            },
            "tolerance": 1e-9,
            "source": "HJ 663: mean and percentile of an item both within GB 3095; good days AQI <= 100 of valid days; "
            "324 days, 27 a month (GB 3095 table 4; asked of CO and O3 too, a choice)",
        }


def places(standard: str, name: str) -> int:
    """Decimals of a statistic: whole numbers and one of CO by 2013 (memory), one more by one implementer of 2026."""
    return (1 if name == "co" else 0) + (1 if standard.endswith("2026") else 0)
