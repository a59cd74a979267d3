"""Boundaries, rooms and construction sites: GB 12348, GB 22337, GB 12523, every limit below, on, above."""

from __future__ import annotations

import csv
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinyun.domains.noise.boundary import background_correction, boundary_limit, judge_boundary, judge_room, room_limit
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Status

DAY = date(2026, 3, 2)
STEP = Decimal("0.1")
TABLES = Path(__file__).parents[3] / "src" / "jinyun" / "domains" / "noise" / "tables"
STANDARDS = {"GB 12348-2008": "gb12348_2008.csv", "GB 22337-2008": "gb22337_2008.csv"}


def rows(name):
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def three(limit):
    """Values around a limit, and what each is."""
    limit = Decimal(limit)
    return ((limit - STEP, Status.ATTAINS), (limit, Status.ATTAINS), (limit + STEP, Status.EXCEEDS))


@pytest.mark.parametrize("standard", STANDARDS)
def test_every_boundary_limit(standard):
    found = [r for r in rows(STANDARDS[standard]) if r["table_no"] == "1"]
    assert len(found) == 10
    for row in found:
        zone = row["group"].removeprefix("zone_")
        for value, status in three(row["value"]):
            verdict = judge_boundary(
                "厂", zone=zone, leq=value, period=row["period"], day=DAY, standard=standard, background=Decimal(0)
            )
            assert (verdict.status, verdict.limit, verdict.edition) == (status, row["value"], standard)
        assert boundary_limit(zone, row["period"], DAY, standard=standard, indoor=True) == Decimal(row["value"]) - 10


@pytest.mark.parametrize("standard", STANDARDS)
def test_every_room_limit(standard):
    for row in rows(STANDARDS[standard]):
        if row["table_no"] not in ("2", "3"):
            continue
        _, room, *band = row["condition"].split(";")
        kinds = ("A", "B") if room == "room_a_b" else (room[-1].upper(),)
        zones = ("2", "3", "4", "4a") if row["group"] == "zone_2_3_4" else (row["group"].removeprefix("zone_"),)
        for kind in kinds:
            for zone in zones:
                for value, status in three(row["value"]):
                    given = {"bands": {band[0]: value}} if band else {"leq": value}
                    verdict = judge_room(
                        "室", zone=zone, room=kind, period=row["period"], day=DAY, standard=standard, **given
                    )
                    assert (verdict.status, verdict.limit) == (status, row["value"]), row


def test_the_row_that_another_program_invented():
    """GB 12348 indoors in zone 4, room A: 45 by day, 35 by night (not 50 and 40)."""
    assert [room_limit("4", "A", part, DAY) for part in ("day", "night")] == [45, 35]


@pytest.mark.parametrize(("period", "limit"), [("day", 70), ("night", 55)])
def test_construction_sites(period, limit):
    for value, status in three(limit):
        verdict = judge_boundary("工地", leq=value, period=period, day=DAY, standard="GB 12523")
        assert (verdict.status, verdict.edition) == (status, "GB 12523-2011")
    assert boundary_limit(None, period, DAY, standard="GB 12523", indoor=True) == limit - 10


@pytest.mark.parametrize(
    ("standard", "kind", "above"),
    [("GB 12348", "frequent", 10), ("GB 12348", "occasional", 15), ("GB 12523", "frequent", 15)],
)
def test_the_largest_level_of_the_night(standard, kind, above):
    for value, status in three(55 + above):
        verdict = judge_boundary(
            "厂", zone="3", leq=Decimal(50), lmax=value, lmax_kind=kind, period="night", day=DAY, standard=standard
        )
        assert (verdict.status, verdict.items[1].limit) == (status, str(55 + above))
    by_day = judge_boundary("厂", zone="3", leq=Decimal(50), lmax=Decimal(99), period="day", day=DAY, standard=standard)
    assert len(by_day.items) == 1


def test_social_life_has_no_such_limit_and_says_so():
    verdict = judge_boundary(
        "店", zone="2", leq=Decimal(50), lmax=Decimal(99), period="night", day=DAY, standard="GB 22337"
    )
    assert verdict.status is Status.ATTAINS
    assert verdict.items[1].status is Status.CANNOT_JUDGE
    assert "无最大声级限值" in verdict.sentence_zh


@pytest.mark.parametrize(
    ("background", "corrected"),
    [("51.0", "62.0"), ("51.9", "62.0"), ("52.0", "61.0"), ("55.5", "61.0"), ("56.5", "61.0"), ("57.2", "60.0"),
     ("57.5", "60.0"), ("58.5", "60.0"), ("58.6", "59.0"), ("58.8", "59.0"), ("59.0", "59.0"), ("59.1", None),
     ("60.0", None), ("70.0", None)],
)  # fmt: skip
def test_background(background, corrected):
    """The difference is tested unrounded at 10 and 3; between it is rounded half to even: 5.5 is 6, 4.5 is 4."""
    found = background_correction(Decimal("62.0"), Decimal(background))
    assert found == (None if corrected is None else Decimal(corrected))


@given(st.decimals(30, 100, places=1), st.decimals(30, 100, places=1))
def test_background_by_the_words_of_the_table(measured, background):
    difference = measured - background
    if difference > 10:
        expected = measured
    elif difference < 3:
        expected = None
    else:
        whole = difference.quantize(Decimal(1), ROUND_HALF_EVEN)
        expected = measured - {3: 3, 4: 2, 5: 2}.get(int(whole), 1)
    assert background_correction(measured, background) == expected


def test_a_corrected_reading():
    verdict = judge_boundary("甲厂", zone="4a", leq=Decimal(62), background=Decimal("58.8"), period="night", day=DAY)
    assert (verdict.figure, verdict.status, verdict.extra["measured"]) == ("59.0", Status.EXCEEDS, "62")
    assert verdict.sentence_zh == (
        "甲厂（4a类区厂界）3月2日夜间等效声级 59.0 dB(A)，超标 4.0 dB(A)（限值 55 dB(A)）；背景修正 -3 dB（实测 62）。"
    )
    lost = judge_boundary("甲厂", zone="3", leq=Decimal(62), background=Decimal(60), period="night", day=DAY)
    assert (lost.status, lost.figure) == (Status.CANNOT_JUDGE, None)
    assert "低于 3 dB，应降低背景噪声后重测" in lost.sentence_zh
    plain = judge_boundary("甲厂", zone="3", leq=Decimal(50), period="night", day=DAY)
    assert "未作背景修正" in plain.sentence_zh


def test_indoors():
    verdict = judge_boundary("甲厂", zone="2", leq=Decimal(41), period="night", day=DAY, indoor=True)
    assert (verdict.limit, verdict.status) == ("40", Status.EXCEEDS)
    assert "4.1.5" in verdict.clause
    assert "室内" in verdict.sentence_zh


def test_what_would_work_is_said():
    base = {"leq": Decimal(50), "day": DAY}
    with pytest.raises(BadInput, match="GB 12348, GB 22337, GB 12523"):
        judge_boundary("厂", zone="3", period="day", standard="GB 1", **base)
    with pytest.raises(BadInput, match="needs the zone"):
        judge_boundary("厂", period="day", **base)
    with pytest.raises(BadInput, match=r"day .昼间. or night"):
        judge_boundary("厂", zone="3", period="noon", **base)
    with pytest.raises(BadInput, match="frequent, occasional"):
        judge_boundary("厂", zone="3", period="night", lmax=Decimal(60), lmax_kind="rare", **base)
    with pytest.raises(BadInput, match=r"it has 31\.5 Hz"):
        judge_room("室", zone="3", room="A", period="night", day=DAY, bands={"1000 Hz": Decimal(30)})
    with pytest.raises(BadInput, match="no type of room"):
        judge_room("室", zone="3", room="C", period="night", leq=Decimal(30), day=DAY)
    with pytest.raises(BadInput, match="nothing to judge"):
        judge_room("室", zone="3", room="A", period="night", day=DAY)
