"""AQI by columns equals AQI one by one, and both equal a third reckoning with fractions written here."""

from __future__ import annotations

import csv
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinyun.domains.air import columns as module
from jinyun.domains.air.aqi import aqi_daily, aqi_hourly
from jinyun.domains.air.columns import NA, aqi_columns
from jinyun.domains.air.limits import index_edition
from jinyun.kernel.errors import BadInput, UnknownFactor
from jinyun.methods.columns import from_decimals, from_texts

OLD, NEW = index_edition(date(2026, 2, 28)), index_edition(date(2026, 3, 1))
SIX = ("so2", "no2", "co", "o3", "pm10", "pm2_5")
TABLES = Path(module.__file__).parent / "tables"


def break_points(standard):
    """Read here from the table itself: {(pollutant, averaging): [(iaqi, concentration in ug/m3, CO mg/m3)]}."""
    found = {}
    with (TABLES / f"hj633_{standard[-4:]}_iaqi.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert row["unit"] in ("ug/m3", "mg/m3")
            key = (row["pollutant"], row["averaging"])
            found.setdefault(key, []).append((int(row["iaqi"]), Fraction(row["concentration"])))
    return {key: sorted(rows) for key, rows in found.items()}


POINTS = {table.standard: break_points(table.standard) for table in (OLD, NEW)}


def near(pollutant, averaging, table):
    """Values where code goes wrong: on each break point, a step and half a step beside it, both parities of .5."""
    step = Fraction(1, 10) if pollutant == "co" else Fraction(1)
    ends = [value for _, value in POINTS[table.standard][pollutant, averaging]]
    return sorted({
        end + step * part / 20
        for end in ends for part in (-31, -30, -20, -11, -10, -9, -1, 0, 1, 9, 10, 11, 20, 29, 30, 31)
        if end + step * part / 20 >= 0
    })  # fmt: skip


def decimal(value):
    return Decimal(value.numerator) / Decimal(value.denominator)


def by_hand(pollutant, averaging, value, standard):
    """HJ 633, 4.2: round half-even, find the segment, ceiling of the exact number. None: no index."""
    places = Decimal("0.1") if pollutant == "co" else Decimal(1)
    c = Fraction(value.quantize(places, rounding=ROUND_HALF_EVEN))
    for (low_i, low), (high_i, high) in pairwise(POINTS[standard][pollutant, averaging]):
        if c <= high:
            return ceil((c - low) * (high_i - low_i) / (high - low) + low_i)
    special = {
        ("HJ 633-2012", "so2", "1h"): None, ("HJ 633-2012", "o3", "8h"): None,
        ("HJ 633-2026", "so2", "1h"): 200, ("HJ 633-2026", "o3", "8h"): 300,
    }  # fmt: skip
    return special.get((standard, pollutant, averaging), 500)


@pytest.mark.parametrize("table", [OLD, NEW], ids=lambda table: table.standard)
@pytest.mark.parametrize("report", ["published", "daily"])
def test_each_break_point_and_what_lies_beside_it(table, report):
    for pollutant, averaging in table.items[report]:
        if (pollutant, averaging) == ("o3", "1h") and report == "daily":
            continue  # the daily report of 2012 takes the larger of two: tested below
        values = [decimal(one) for one in near(pollutant, averaging, table)]
        found = aqi_columns({pollutant: from_decimals(values)}, table, report)
        want = [by_hand(pollutant, averaging, one, table.standard) for one in values]
        assert found.iaqi[pollutant].tolist() == [NA if one is None else one for one in want], pollutant


def hard(pollutant, averaging):
    """Awkward and ordinary values, or none; negative ones too."""
    beside = [decimal(one) for table in (OLD, NEW) for one in near(pollutant, averaging, table)]
    any_ = st.integers(-3_000_000, 700_000_000).map(lambda n: Decimal(n).scaleb(-6))
    return st.none() | st.sampled_from(beside) | any_


def row(report):
    averaging = dict.fromkeys(SIX, "24h") | {"o3": "8h"} if report == "daily" else {
        **dict.fromkeys(SIX, "1h"), "pm10": "24h", "pm2_5": "24h"
    }  # fmt: skip
    more = {"o3_1h": hard("o3", "1h")} if report == "daily" else {}
    return st.fixed_dictionaries({name: hard(name, averaging[name]) for name in SIX} | more)


def same(found, n, one, table):
    """Row `n` of the columns is the scalar answer `one`."""
    assert found.aqi[n] == (NA if one.value is None else one.value)
    assert found.level[n] == (0 if one.level is None else one.level.level)
    assert found.names(int(found.primary[n])) == tuple(p for p in found.pollutants if p in one.primary)
    assert found.names(int(found.missing[n])) == tuple(p for p in found.pollutants if p in one.missing)
    for name in found.pollutants:
        part = one.of(name)
        assert found.iaqi[name][n] == (NA if part is None else part), name
    assert table.standard


def valid(value, places):
    """The scalar function refuses what is below zero; the columns count it as missing."""
    return None if value is not None and value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN) < 0 else value


@pytest.mark.parametrize("table", [OLD, NEW], ids=lambda table: table.standard)
@pytest.mark.parametrize("report", ["published", "daily"])
def test_columns_equal_one_by_one(table, report):
    names = [*SIX, *(["o3_1h"] if report == "daily" and table is OLD else [])]

    @settings(max_examples=60, deadline=None)
    @given(st.lists(row(report), min_size=1, max_size=20))
    def check(rows):
        found = aqi_columns({name: from_decimals([r[name] for r in rows]) for name in names}, table, report)
        for n, given_ in enumerate(rows):
            clean = {name: valid(given_[name], 1 if name == "co" else 0) for name in names}
            one = aqi_daily(clean, table) if report == "daily" else aqi_hourly(clean, table)
            same(found, n, one, table)

    check()


def test_text_of_2012_with_rolling_means_equals_one_by_one():
    rolling = {
        ("pm10", "24h"): hard("pm10", "24h"), ("pm2_5", "24h"): hard("pm2_5", "24h"), ("o3", "8h"): hard("o3", "8h"),
        ("so2", "24h"): hard("so2", "24h"),
    }  # fmt: skip

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(row("published"), st.fixed_dictionaries(rolling)), min_size=1, max_size=15))
    def check(rows):
        values = {name: from_decimals([r[name] for r, _ in rows]) for name in SIX}
        more = {key: from_decimals([m[key] for _, m in rows]) for key in rolling}
        found = aqi_columns(values, OLD, "text_2012", rolling=more)
        for n, (given_, rolls) in enumerate(rows):
            clean = {name: valid(given_[name], 1 if name == "co" else 0) for name in SIX}
            rolls = {key: valid(value, 0) for key, value in rolls.items()}
            same(found, n, aqi_hourly(clean, OLD, method="text_2012", rolling=rolls), OLD)

    check()


CLEAN = {"so2": "8", "no2": "30", "co": "0.7", "o3": "90", "pm10": "45", "pm2_5": "30"}


def one_row(table, report="published", **changes):
    return aqi_columns({k: from_texts([v]) for k, v in {**CLEAN, **changes}.items()}, table, report)


def test_worked_rows():
    """environment_standards 2.2: an official hour, and one day in both editions."""
    hour = one_row(OLD, so2="2", no2="14", co="0.7", o3="161", pm10="53", pm2_5="26")
    assert (hour.aqi[0], hour.level[0], hour.names(hour.primary[0])) == (52, 2, ("pm10", "o3"))
    day = {"so2": "12", "no2": "46", "co": "1.3", "o3": "148", "pm10": "98", "pm2_5": "63"}
    assert [one_row(t, "daily", **day).aqi[0] for t in (OLD, NEW)] == [90, 103]
    # CO 2.2 mg/m3 is 55, not 56; rule 9: floats make it 56.
    assert one_row(NEW, "daily", co="2.2").iaqi["co"][0] == 55


def test_a_missing_item_hides_a_good_index_in_2026_only():
    assert one_row(OLD, pm10="").aqi[0] == 43  # PM2.5 30
    assert (one_row(NEW, pm10="").aqi[0], one_row(NEW, pm10="").level[0]) == (NA, 0)
    assert one_row(NEW, pm10="", pm2_5="61").aqi[0] == 101
    found = aqi_columns({k: from_texts([v]) for k, v in CLEAN.items() if k != "pm10"}, NEW, not_monitored=["pm10"])
    assert (found.aqi[0], found.missing[0], found.pollutants) == (43, 0, ("so2", "no2", "pm2_5", "co", "o3"))


def test_no_primary_at_50_and_one_at_51():
    assert one_row(NEW, "daily", pm10="50").primary[0] == 0
    found = one_row(NEW, "daily", pm10="51")
    assert (found.aqi[0], found.names(found.primary[0])) == (51, ("pm10",))


def test_above_500_stays_500_in_the_worst_level():
    found = one_row(NEW, pm2_5="900")
    assert (found.aqi[0], found.level[0]) == (500, 6)


def test_chunks_do_not_show(monkeypatch):
    rng = np.random.default_rng(7)
    values = {name: rng.integers(0, 4000, 1000) * 100_000 for name in SIX}
    whole = aqi_columns(values, NEW)
    monkeypatch.setattr(module, "CHUNK", 7)
    cut = aqi_columns(values, NEW)
    assert all((getattr(whole, name) == getattr(cut, name)).all() for name in ("aqi", "level", "primary", "missing"))


def test_refused_columns():
    one = from_texts(["1"])
    with pytest.raises(UnknownFactor, match="pm25"):
        aqi_columns({"pm25": one}, NEW)
    with pytest.raises(BadInput, match="differ in length"):
        aqi_columns({"so2": one, "no2": from_texts(["1", "2"])}, NEW)
    with pytest.raises(BadInput, match="float64"):
        aqi_columns({"so2": np.array([1.0])}, NEW)
    with pytest.raises(BadInput, match="no text_2012 report"):
        aqi_columns({"so2": one}, NEW, "text_2012")
    assert len(aqi_columns({}, NEW).aqi) == 0
