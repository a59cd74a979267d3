"""Air and noise over periods: recomputed here with numpy and fractions, never with the house's own functions."""

from __future__ import annotations

import random
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from days import air_day, day_verdict, days_from, make_house, texts

from jinyun.app.services.periods import Periods
from jinyun.kernel.terms import Status

NOW = "2026-11-22T10:00:00+08:00"
SITES = {
    "A1": {"kind": "air_station", "jurisdiction": "500109"},
    "A2": {"kind": "air_station", "jurisdiction": "500109"},
    "B1": {"kind": "air_station", "jurisdiction": "500112"},
    "M1": {"kind": "air_micro"},
    "N1": {"kind": "noise_station", "zone": "2"},
    "N2": {"kind": "noise_station", "zone": "4a"},
}
MEANS = ("so2", "no2", "pm10", "pm2_5")
# HJ 633-2026 break points (all daily; GB 3095-2026 transition at 100), as in the rules: only what the test draws
PM25 = ((0, 0), (50, 35), (100, 60), (150, 115), (200, 150), (300, 250))


@pytest.fixture
def house(tmp_path):
    one = make_house(tmp_path / "var", NOW, SITES)
    yield one
    one.close()


def fill(house, sites, first, after, seed=1):
    chance, made, verdicts = random.Random(seed), {}, []
    for site in sites:
        for day in days_from(first, after):
            values = {
                "so2": Decimal(chance.randrange(4, 14)), "no2": Decimal(chance.randrange(15, 45)),
                "co": Decimal(chance.randrange(3, 14)) / 10, "o3": Decimal(chance.randrange(40, 99)),
                "pm10": Decimal(chance.randrange(20, 48)), "pm2_5": Decimal(chance.randrange(20, 120)),
            }  # fmt: skip
            made.setdefault(site, {})[day] = values
            verdicts.append(air_day(site, day, texts(values)))
    house.verdicts.add(verdicts)
    return made


def mean_text(values, places):
    """HJ 663-2026 keeps one decimal more than a day has."""
    exact = sum(map(Fraction, values)) / len(values)
    return str(Decimal(round(exact * 10**places)).scaleb(-places))


def percentile_text(values, p, places):
    value = np.percentile([float(v) for v in values], p, method="linear")
    return str(Decimal(f"{value:.9f}").quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN))


def test_background_and_roadside_points_are_left_out_of_the_city(tmp_path):
    sites = {
        **SITES,
        "A2": {"kind": "air_station", "jurisdiction": "500109", "point_kind": "background"},
        "A3": {"kind": "air_station", "jurisdiction": "500109", "point_kind": "roadside"},
    }
    house = make_house(tmp_path / "other", NOW, sites)
    try:
        made = fill(house, ["A1", "A2", "A3"], date(2026, 10, 1), date(2026, 11, 1))
        told = Periods(house).figures("air", scope="city:500109", period="month", at="2026-10")
        figures = {one["id"]: one["figure"] for one in told["figures"]}
        assert figures["pm2_5.mean"] == mean_text([day["pm2_5"] for day in made["A1"].values()], 1)
    finally:
        house.close()


def test_a_month_of_a_station(house):
    made = fill(house, ["A1"], date(2026, 10, 1), date(2026, 11, 1))["A1"]
    fill(house, ["A1"], date(2025, 10, 1), date(2025, 11, 1), seed=5)
    told = Periods(house).figures("air", scope="site:A1", period="month", at="2026-10")
    figures = {one["id"]: one for one in told["figures"]}
    for item in MEANS:
        assert figures[f"{item}.mean"]["figure"] == mean_text([d[item] for d in made.values()], 1), item
    assert figures["co.p95"]["figure"] == percentile_text([d["co"] for d in made.values()], 95, 2)
    assert figures["o3.p90"]["figure"] == percentile_text([d["o3"] for d in made.values()], 90, 1)
    good = sum(d["pm2_5"] <= 60 for d in made.values())  # nothing else drawn here can pass 100
    assert figures["good_days"]["figure"] == str(good)
    ratio = (Decimal(100 * good) / 31).quantize(Decimal("0.1"), ROUND_HALF_EVEN)
    assert figures["good_ratio"]["figure"] == str(ratio) == told["verdict"]["figure"]
    assert sum(one["days"] for one in told["levels"]) == 31
    index = sum(
        Fraction(figures[key]["figure"]) / limit
        for key, limit in (
            ("so2.mean", 60),
            ("no2.mean", 40),
            ("pm10.mean", 60),
            ("pm2_5.mean", 30),
            ("co.p95", 4),
            ("o3.p90", 160),
        )
    )  # GB 3095-2026 level 2, transition
    assert Decimal(figures["composite"]["figure"]) == Decimal(round(index * 100)) / 100
    assert told["rests_on"]["verdicts"] == 31
    assert "GB 3095-2026" in told["edition"]["zh"]


def test_both_periods_are_judged_by_one_edition(house):
    """PM2.5 of 62 on each day: good by the limits of 2025, polluted by those of 2026."""
    values = {"so2": "9", "no2": "20", "co": "0.5", "o3": "60", "pm10": "40", "pm2_5": "62"}
    days = [*days_from(date(2025, 10, 1), date(2025, 11, 1)), *days_from(date(2026, 10, 1), date(2026, 11, 1))]
    house.verdicts.add([air_day("A1", day, values) for day in days])
    periods = Periods(house)
    ask = {"scope": "site:A1", "period": "month", "at": "2026-10"}
    by_2026 = periods.figures("air", **ask)
    by_2025 = periods.figures("air", **ask, edition_on="2025-12-31")
    ratios = [
        {f["id"]: (f["figure"], f["before"]) for f in told["figures"]}["good_ratio"] for told in (by_2026, by_2025)
    ]
    assert ratios == [("0.0", "0.0"), ("100.0", "100.0")]
    assert by_2025["edition"]["on"] == "2025-12-31"
    assert "2012" in by_2025["edition"]["zh"]
    assert "2026" in by_2026["edition"]["zh"]


def test_a_city_is_the_mean_of_its_stations_when_three_quarters_have_a_value(house):
    made = fill(house, ["A1", "A2"], date(2026, 10, 1), date(2026, 11, 1))
    house.verdicts.add([air_day("A2", date(2026, 10, 7), dict.fromkeys(made["A2"][date(2026, 10, 7)]), level=None)])
    fill(house, ["B1"], date(2026, 10, 1), date(2026, 11, 1), seed=3)
    told = Periods(house).figures("air", scope="city:500109", period="month", at="2026-10")
    both = [day for day in made["A1"] if day != date(2026, 10, 7)]
    city = [(made["A1"][d]["pm2_5"] + made["A2"][d]["pm2_5"]) / 2 for d in both]
    figures = {one["id"]: one for one in told["figures"]}
    assert figures["pm2_5.mean"]["figure"] == mean_text(city, 1)
    assert figures["valid_days"]["figure"] == "30"  # one of two stations is less than 75 %
    assert [row["site"] for row in told["rows"]] == ["A1", "A2"]
    assert told["rows"][1]["valid_days"] == 30
    ranked = Periods(house).ranking("air", scope="all", period="month", at="2026-10")
    assert ranked["of"] == "cities"
    assert [one["rank"] for one in ranked["items"]] == [1, 2]


def test_a_year_needs_its_days_and_a_year_to_date_is_open(house):
    fill(house, ["A1"], date(2025, 1, 1), date(2026, 1, 1))
    fill(house, ["A1"], date(2026, 1, 1), date(2026, 11, 22), seed=2)
    periods = Periods(house)
    year = periods.figures("air", scope="site:A1", period="year", at="2025")
    assert year["verdict"]["status"] in ("attains", "exceeds")
    assert {f["id"] for f in year["figures"]} >= {"pm2_5.p95", "so2.p98", "pm2_5.mean"}
    short = periods.figures("air", scope="site:A1", period="ytd", at="2026-11")
    assert short["period"]["closed"] is False
    assert short["period"]["days_counted"] == 325  # 1 January to 21 November
    assert short["before"]["until"] == "2025-11-21"
    assert {f["id"]: f for f in short["figures"]}["valid_days"]["before"] == "325"
    assert "1—11月" in short["period"]["zh"]


def test_noise_counts_point_times(house):
    """Zone 2: 60 by day, 50 by night; zone 4a: 70 and 55. A level equal to its limit complies."""
    verdicts = []
    for n, day in enumerate(days_from(date(2026, 10, 1), date(2026, 10, 11))):
        for site, ld, ln in (("N1", 60 if n else 61, 50), ("N2", 70, 54 + 2 * (n < 3))):
            for part, judge, text, hours, limit in (
                ("ld", "noise.zone_day", ld, (0, 24), 60 if site == "N1" else 70),
                ("ln", "noise.zone_night", ln, (12, 36), 50 if site == "N1" else 55),
            ):
                status = Status.ATTAINS if text <= limit else Status.EXCEEDS
                verdicts.append(
                    day_verdict(
                        judge, site, day, {part: f"{text}.0"}, hours=hours, status=status, edition="GB 3096-2008"
                    )
                )
    house.verdicts.add(verdicts)
    told = Periods(house).figures("noise", scope="all", period="month", at="2026-10")
    figures = {one["id"]: one for one in told["figures"]}
    assert figures["day_rate"]["figure"] == "95.0"  # 19 of 20
    assert figures["night_rate"]["figure"] == "85.0"  # 17 of 20
    energy = 10 * np.log10(np.mean([10**6.1] + [10**6.0] * 9))
    assert told["rows"][0]["values"]["ld"] == f"{energy:.1f}"
    assert {one["zone"]: one["day_rate"] for one in told["zones"]} == {"zone_2": "90.0", "zone_4a": "100.0"}
    assert told["rows"][0]["day_limit"] == "60"
    assert told["units"]["valid"] == 2
    assert told["rests_on"]["verdicts"] == 40
    assert Periods(house).days("noise", scope="site:N1", period="month", at="2026-10")["total"] == 20


def test_months_in_a_row_for_a_chart(house):
    fill(house, ["A1"], date(2026, 8, 1), date(2026, 11, 1))
    told = Periods(house).months("air", scope="site:A1", at="2026-10", count=4)
    assert [one["at"] for one in told["items"]] == ["2026-07", "2026-08", "2026-09", "2026-10"]
    assert told["items"][0]["pm2_5.mean"] is None
    assert all(one["pm2_5.mean"] for one in told["items"][1:])
