"""Noise limits at every figure: 0.1 dB below, on and above, by day and by night, at boundaries and in rooms."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standard_rows import table, tried

from jinyun.domains.noise.boundary import background_correction, judge_boundary, judge_room
from jinyun.domains.noise.city import grade
from jinyun.domains.noise.levels import leq
from jinyun.domains.noise.zone import judge_zone
from jinyun.kernel.terms import Status

DAY = date(2026, 5, 1)
TENTH = Decimal("0.1")


def state(complies):
    return Status.ATTAINS if complies else Status.EXCEEDS


def test_every_zone_of_gb_3096():
    done = 0
    for row in table("noise", "gb3096_2008.csv"):
        if row.item_code != "leq" or not row.group.startswith("zone_"):
            continue
        for value, complies in tried(row, TENTH):
            level = {"ld" if row.period == "day" else "ln": value}
            verdict = judge_zone("point", row.group.removeprefix("zone_"), day=DAY, railway_approved=DAY, **level)
            assert verdict.status is state(complies), (row, value, verdict)
        done += 1
    assert done == 12


@settings(deadline=None)
@given(st.sampled_from(["0", "1", "2", "3", "4a"]), st.integers(-30, 30))
def test_a_night_burst_may_be_15_above_the_limit(zone, tenths):
    night = next(r for r in table("noise", "gb3096_2008.csv") if r.group == f"zone_{zone}" and r.period == "night")
    lmax = night.value + 15 + Decimal(tenths).scaleb(-1)
    verdict = judge_zone("point", zone, ln=night.value, lmax_night=lmax, day=DAY)
    assert verdict.status is state(tenths <= 0)


BOUNDARIES = {
    "gb12348_2008.csv": "GB 12348-2008",
    "gb22337_2008.csv": "GB 22337-2008",
    "gb12523_2011.csv": "GB 12523-2011",
}


@pytest.mark.parametrize("name", BOUNDARIES)
def test_every_boundary_limit(name):
    done = 0
    for row in table("noise", name):
        if row.item_code != "leq" or row.value is None or row.op != "le" or row.table_no != "1":
            continue
        zone = row.group.removeprefix("zone_") if row.group.startswith("zone_") else None
        for value, complies in tried(row, TENTH):
            verdict = judge_boundary(
                "works", zone=zone, leq=value, period=row.period, day=DAY, standard=BOUNDARIES[name]
            )
            assert verdict.status is state(complies), (row, value, verdict)
            indoors = judge_boundary(
                "works", zone=zone, leq=value - 10, period=row.period, day=DAY, standard=BOUNDARIES[name], indoor=True
            )
            assert indoors.status is verdict.status, (row, value, indoors)
        done += 1
    assert done >= 2


@pytest.mark.parametrize("name", ["gb12348_2008.csv", "gb22337_2008.csv"])
def test_every_room_and_octave_band(name):
    done = 0
    for row in table("noise", name):
        if "room_" not in row.condition or row.value is None:
            continue
        zone = row.group.removeprefix("zone_").partition("_")[0]
        rooms = [room for room in ("a", "b") if f"room_{room}" in row.condition or "room_a_b" in row.condition]
        band = next((part for part in row.condition.split(";") if part.endswith("Hz")), None)
        for room in rooms:
            for value, complies in tried(row, TENTH):
                given_ = {"bands": {band: value}} if band else {"leq": value}
                verdict = judge_room("room", zone=zone, room=room, period=row.period, day=DAY,
                                     standard=BOUNDARIES[name], **given_)  # fmt: skip
                assert verdict.status is state(complies), (row, value, verdict)
        done += 1
    assert done >= 60


@settings(deadline=None)
@given(st.integers(300, 1200), st.integers(0, 250))
def test_background_is_corrected_by_the_table(measured, difference):
    """Computed here in tenths of a decibel: d > 10 as read; d < 3 not usable; else -3, -2 or -1 by the rounded d."""
    found = background_correction(Decimal(measured).scaleb(-1), Decimal(measured - difference).scaleb(-1))
    if difference > 100:
        assert found == Decimal(measured).scaleb(-1)
    elif difference < 30:
        assert found is None
    else:
        whole, rest = divmod(difference, 10)
        whole += rest > 5 or (rest == 5 and whole % 2 == 1)
        assert found == Decimal(measured - {3: 30, 4: 20, 5: 20}.get(whole, 10)).scaleb(-1)


@settings(deadline=None)
@given(st.integers(300, 900), st.sampled_from(["area", "road"]), st.sampled_from(["day", "night"]))
def test_a_grade_is_that_of_the_level_rounded_to_a_tenth(tenths, topic, period):
    """HJ 640: edges belong to the better grade; 50.04 is 50.0 and 50.06 is 50.1."""
    edge = {("area", "day"): (500, 550, 600, 650), ("area", "night"): (400, 450, 500, 550),
            ("road", "day"): (680, 700, 720, 740), ("road", "night"): (580, 600, 620, 640)}[topic, period]  # fmt: skip
    words = ("好", "较好", "一般", "较差", "差")
    word = words[sum(tenths > top for top in edge)]
    for more in ("0", "0.04", "-0.04"):
        assert grade(Decimal(tenths).scaleb(-1) + Decimal(more), topic, period, DAY).quality_zh == word


@settings(deadline=None)
@given(st.lists(st.integers(200, 1300), min_size=1, max_size=40))
def test_an_energy_mean_lies_between_and_not_below_the_arithmetic_one(tenths):
    levels = [Decimal(n).scaleb(-1) for n in tenths]
    found = leq(levels, places=4)
    assert min(levels) <= found <= max(levels)
    assert found >= sum(levels) / len(levels) - Decimal("0.0001")
    assert leq([level + 10 for level in levels], places=4) == found + 10
