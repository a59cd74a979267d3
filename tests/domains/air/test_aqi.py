"""Individual index and AQI: break points, rounding, ties, missing items, editions (HJ 633-2012 and -2026)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest

from jinyun.domains.air.aqi import aqi_daily, aqi_hourly, iaqi
from jinyun.domains.air.limits import index_edition, limits_edition, validity
from jinyun.domains.air.means import max_8h, valid_day, valid_hour, valid_month
from jinyun.kernel.errors import BadInput, UnknownFactor

OLD, NEW = index_edition(date(2026, 2, 28)), index_edition(date(2026, 3, 1))
CLEAN = {"so2": "8", "no2": "30", "co": "0.7", "o3": "90", "pm10": "45", "pm2_5": "30"}


def values(**changes):
    merged = {**CLEAN, **changes}
    return {name: None if value is None else Decimal(value) for name, value in merged.items()}


def test_editions_change_on_the_first_of_march_2026():
    assert (OLD.standard, NEW.standard) == ("HJ 633-2012", "HJ 633-2026")
    assert limits_edition(date(2026, 3, 1)) == ("GB 3095-2026", "transition")
    assert limits_edition(date(2031, 1, 1)) == ("GB 3095-2026", "final")
    assert index_edition(date(2031, 1, 1)).points == NEW.points


def test_the_same_day_in_both_editions():
    """environment_standards 2.2: SO2 12, NO2 46, CO 1.3, O3-8h 148, PM10 98, PM2.5 63."""
    day = values(so2="12", no2="46", co="1.3", o3="148", pm10="98", pm2_5="63")
    old, new = aqi_daily(day, OLD), aqi_daily(day, NEW)
    assert (old.value, old.level.category_zh, old.primary) == (90, "良", ("o3",))
    assert (new.value, new.level.category_zh, new.primary) == (103, "轻度污染", ("pm2_5",))
    assert [old.of(p) for p in ("so2", "no2", "co", "o3", "pm10", "pm2_5")] == [12, 58, 33, 90, 74, 85]


@pytest.mark.parametrize(
    ("pollutant", "span", "value", "edition", "want"),
    [
        ("pm2_5", "24h", "60.4", NEW, 100), ("pm2_5", "24h", "60.5", NEW, 100), ("pm2_5", "24h", "61.5", NEW, 102),
        ("co", "24h", "2.2", NEW, 55), ("co", "24h", "2.04", NEW, 50), ("co", "24h", "2.05", NEW, 50),
        ("co", "1h", "65.4", NEW, 218), ("co", "1h", "129.3", NEW, 431), ("pm2_5", "24h", "501", NEW, 500),
        ("so2", "1h", "800", NEW, 200), ("so2", "1h", "801", NEW, 200), ("so2", "1h", "801", OLD, None),
        ("o3", "8h", "800", NEW, 300), ("o3", "8h", "801", NEW, 300), ("o3", "8h", "801", OLD, None),
        ("so2", "24h", "3000", OLD, 500), ("pm2_5", "24h", "75.5", OLD, 102), ("pm10", "24h", "0", OLD, 0),
    ],
)  # fmt: skip
def test_index_of_one_pollutant(pollutant, span, value, edition, want):
    assert iaqi(pollutant, span, Decimal(value), edition) == want


@pytest.mark.parametrize("edition", [OLD, NEW], ids=lambda e: e.standard)
def test_index_on_and_just_above_every_break_point(edition):
    """On a break point its own index; one rounding step above, the exact ceiling by the slope of the next segment."""
    for (pollutant, span), points in edition.points.items():
        step = Decimal(1).scaleb(-edition.places[pollutant])
        for n, (index, value) in enumerate(zip(points.iaqi, points.concentration, strict=True)):
            assert iaqi(pollutant, span, value, edition) == index
            above = iaqi(pollutant, span, value + step, edition)
            if n + 1 == len(points.iaqi):
                assert above == points.above_top
                continue
            slope = Fraction(points.iaqi[n + 1] - index) / Fraction(points.concentration[n + 1] - value)
            assert above == ceil(index + slope * Fraction(step))


def test_refused_input():
    with pytest.raises(BadInput, match="below zero"):
        iaqi("so2", "24h", Decimal(-1), NEW)
    with pytest.raises(UnknownFactor):
        iaqi("nox", "24h", Decimal(1), NEW)
    with pytest.raises(BadInput, match="hourly method"):
        aqi_hourly(values(), NEW, method="mine")


def test_primary_pollutants_with_ties():
    tie = aqi_hourly(values(o3="161", pm10="53", pm2_5="26", so2="2", no2="14"), OLD)
    assert (tie.value, tie.primary, tie.level.category_zh) == (52, ("pm10", "o3"), "良")
    fifty = aqi_daily(values(pm10="50", pm2_5="35"), NEW)
    assert (fifty.value, fifty.primary) == (50, ())
    assert aqi_daily(values(pm2_5="36"), NEW).primary == ("pm2_5",)


def test_exceedance_pollutants_are_a_term_of_2012():
    assert aqi_daily(values(pm2_5="76", pm10="151"), OLD).exceeding == ("pm10", "pm2_5")
    assert aqi_daily(values(pm2_5="76", pm10="151"), NEW).exceeding == ()


def test_missing_items():
    lacking = aqi_daily(values(no2=None), NEW)
    assert (lacking.value, lacking.level, lacking.missing) == (None, None, ("no2",))
    assert aqi_daily(values(no2=None, pm2_5="120"), NEW).value == 158
    assert aqi_daily(values(no2=None), OLD).value == 45  # 2012 skips without notice
    assert aqi_daily(values(no2=None), NEW, not_monitored={"no2"}).value == 45
    none = aqi_daily(dict.fromkeys(CLEAN), NEW)
    assert (none.value, len(none.missing)) == (None, 6)


def test_daily_report_of_2012_has_two_ozone_items():
    both = aqi_daily({**values(o3="100"), "o3_1h": Decimal(210)}, OLD)
    assert both.iaqi["o3", "8h"] == 50
    assert both.iaqi["o3", "1h"] == 105
    assert (both.value, both.primary) == (105, ("o3",))
    assert ("o3", "1h") not in aqi_daily({**values(), "o3_1h": Decimal(400)}, NEW).iaqi


def test_what_stands_in_above_800():
    assert aqi_hourly(values(so2="900"), OLD, rolling={("so2", "24h"): Decimal(475)}).iaqi["so2", "1h"] == 150
    eight = aqi_daily({**values(o3="850"), "o3_1h": Decimal(900)}, OLD)
    assert eight.value == 350  # 1 h: 300 + (900-800)/(1000-800)·100


def test_the_text_of_2012_adds_rolling_means():
    rolling = {("pm2_5", "24h"): Decimal(115), ("o3", "8h"): Decimal(160)}
    assert aqi_hourly(values(), OLD, rolling=rolling, method="text_2012").value == 150
    assert aqi_hourly(values(), OLD).value == 45


def test_level_above_the_scale_is_the_last():
    assert NEW.level_of(501).level == 6
    assert [NEW.level_of(n).level for n in (0, 50, 51, 100, 101, 300, 301)] == [1, 1, 2, 2, 3, 5, 6]


def test_ozone_needs_fourteen_windows_or_an_exceedance():
    rules = validity(date(2026, 4, 1))
    hours = [None] * 6 + [Decimal(60)] * 18  # windows ending 12…24 have six of eight hours: 13
    few = max_8h(hours, Decimal(160), rules)
    assert (few.windows, few.valid) == (13, False)
    enough = max_8h([None] * 5 + [Decimal(60)] * 19, Decimal(160), rules)
    assert (enough.windows, enough.valid, enough.value) == (14, True, 60)
    over = max_8h([None] * 6 + [Decimal(161)] * 18, Decimal(160), rules)
    assert over.valid
    on_the_limit = max_8h([None] * 6 + [Decimal(160)] * 18, Decimal(160), rules)
    assert not on_the_limit.valid
    with pytest.raises(BadInput, match="24 hours"):
        max_8h([None] * 23, Decimal(160), rules)


def test_valid_means():
    rules = validity(date(2020, 1, 1))
    assert (rules.standard, valid_hour(45, rules), valid_hour(44, rules)) == ("HJ 663-2013", True, False)
    assert (valid_day(20, rules), valid_day(19, rules)) == (True, False)
    assert (valid_month(26, rules), valid_month(25, rules, february=True)) == (False, True)
