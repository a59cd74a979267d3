"""A real year: hours of one Beijing station (PRSA, CC BY 4.0) through the day judge, the verdict store and the year's
evaluation; every figure worked out again here from the hours with numpy and fractions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from days import days_from, make_house, start_of

from jinyun.app.discover import judges
from jinyun.app.services.periods import Periods
from jinyun.kernel.declare import JudgeInput
from jinyun.kernel.terms import Flag, Period, Reading, Stat, window_of

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "air-beijing-prsa" / "prsa_2013-03_2016-02.parquet"
STATION = "Aotizhongxin"
YEARS = (2014, 2015)
COLUMNS = {"pm2_5": "pm25", "pm10": "pm10", "so2": "so2", "no2": "no2", "co": "co", "o3": "o3"}
NOTHING: Mapping[str, list[Decimal | None]] = {"o3": []}
Hours = Mapping[date, Mapping[str, list[Decimal | None]]]

pytestmark = pytest.mark.skipif(not DATA.is_file(), reason=f"{DATA.name} is not beside the repository")


@pytest.fixture(scope="module")
def hours() -> Hours:
    """24 values a day; CO in mg/m³ (the table has µg/m³)."""
    import duckdb

    wanted = f"time, {', '.join(COLUMNS.values())}"
    rows = duckdb.execute(
        f"select {wanted} from read_parquet(?) where station = ? and year(time) in (2014, 2015)", [str(DATA), STATION]
    ).fetchall()
    found: dict[date, dict[str, list[Decimal | None]]] = {}
    for time, *values in rows:
        day = found.setdefault(time.date(), {item: [None] * 24 for item in COLUMNS})
        for item, value in zip(COLUMNS, values, strict=True):
            if value is not None and not math.isnan(value):
                day[item][time.hour] = Decimal(str(round(value, 3))) / (1000 if item == "co" else 1)
    return found


@pytest.fixture(scope="module")
def house(tmp_path_factory, hours):
    """The node's stores with a verdict on each day, given by the judge itself."""
    one = make_house(
        tmp_path_factory.mktemp("year") / "var", "2016-03-01T10:00:00+08:00",
        {"A": {"kind": "air_station", "jurisdiction": "110105"}},
    )  # fmt: skip
    judge, site, made = judges()["air.aqi_day"], one.sites.get("A"), []
    for day in sorted(hours):
        readings = [
            Reading(n, item, Stat.AVG, Period.HOUR, start_of(day, hour), value, Flag.NORMAL, 1, 1)
            for n, (item, values) in enumerate(hours[day].items())
            for hour, value in enumerate(values)
            if value is not None
        ]
        verdict = judge.run(JudgeInput(site, window_of(Period.DAY, start_of(day)), readings, {}, frozenset(COLUMNS)))
        if verdict is not None:
            made.append(verdict)
    one.verdicts.add(made)
    yield one
    one.close()


def half_even(value: Fraction, places: int) -> Decimal:
    return Decimal(round(value * 10**places)).scaleb(-places)


def day_value(item: str, values: list[Decimal | None]) -> Decimal | None:
    """A day's value by GB 3095 table 4 and HJ 663-2013, from its 24 hours."""
    if item != "o3":
        good = [value for value in values if value is not None]
        return None if len(good) < 20 else half_even(sum(map(Fraction, good)) / len(good), 1 if item == "co" else 0)
    means = []
    for end in range(8, 25):
        good = [value for value in values[end - 8 : end] if value is not None]
        if len(good) >= 6:
            means.append(sum(map(Fraction, good)) / len(good))
    if not means or (len(means) < 14 and max(means) <= 160):
        return None
    return half_even(max(means), 0)


@pytest.mark.parametrize("year", YEARS)
def test_a_real_year_is_evaluated_as_by_hand(house, hours, year):
    told = Periods(house).figures("air", scope="site:A", period="year", at=str(year), edition_on=f"{year}-12-31")
    figures = {one["id"]: one for one in told["figures"]}
    assert "GB 3095-2012" in told["edition"]["zh"]
    wanted = days_from(date(year, 1, 1), date(year + 1, 1, 1))
    days = {item: [day_value(item, hours[d][item]) if d in hours else None for d in wanted] for item in COLUMNS}
    # Gases before September 2018 were measured at 273 K; the limits of the day are at that state too
    for item, values in days.items():
        good = [value for value in values if value is not None]
        for id, one in figures.items():
            name, _, kind = id.partition(".")
            if name != item:
                continue
            assert one["valid_days"] == len(good), id
            assert one["figure"] == expected(item, kind, good), id
    # HJ 633-2012: an AQI of whatever is there, O3 by its maximum hour too
    counted = sum(
        any(days[item][n] is not None for item in COLUMNS) or any(v is not None for v in hours.get(d, NOTHING)["o3"])
        for n, d in enumerate(wanted)
    )
    assert int(figures["valid_days"]["figure"]) == counted
    sent = sum(any(v is not None for values in hours[d].values() for v in values) for d in wanted if d in hours)
    assert told["rests_on"]["verdicts"] == sent  # a day without a single hour has no verdict
    limit = {"pm2_5.mean": 35, "pm10.mean": 70, "no2.mean": 40, "so2.mean": 60}
    for id, top in limit.items():
        over = Decimal(figures[id]["figure"]) > top
        assert figures[id]["status"] in (("exceeds" if over else "attains"), "cannot_judge"), id


def expected(item: str, kind: str, good: list[Decimal]) -> str:
    places = 1 if item == "co" else 0
    if kind == "mean":
        return str(half_even(sum(map(Fraction, good)) / len(good), places))
    value = np.percentile(np.array([float(v) for v in good]), float(kind[1:]), method="linear")
    return str(Decimal(f"{value:.9f}").quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN))


def test_the_second_year_against_the_first(house):
    told = Periods(house).figures("air", scope="site:A", period="year", at="2015")
    first = Periods(house).figures("air", scope="site:A", period="year", at="2014", edition_on="2015-12-31")
    now = {one["id"]: one for one in told["figures"]}
    for one in first["figures"]:
        assert now[one["id"]]["before"] == one["figure"], one["id"]
    assert (
        now["pm2_5.mean"]["change"]
        == f"{Decimal(now['pm2_5.mean']['figure']) - Decimal(now['pm2_5.mean']['before']):+f}"
    )
    assert date.fromisoformat(told["before"]["until"]) == date(2015, 1, 1) - timedelta(1)
