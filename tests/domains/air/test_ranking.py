"""Ranking of cities: smaller is better, equal shares a rank, missing days alike for all."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from jinyun.domains.air.days import DayValues
from jinyun.domains.air.ranking import rank, rank_values
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import CHINA, Period, instant, window_of

MAY = window_of(Period.MONTH, instant(datetime(2025, 5, 1, tzinfo=CHINA)))
ON = date(2025, 5, 1)


def days(pm2_5, gaps=(), worst=()):
    """May 2025: all else at a tenth of its denominator; PM2.5 as given, 350 on the `worst` days."""
    found = []
    for n in range(31):
        if n + 1 in gaps:
            continue
        values = {"so2": "6", "no2": "4", "pm10": "7", "co": "0.4", "o3": "16"}
        values["pm2_5"] = "350" if n + 1 in worst else pm2_5
        found.append(DayValues(ON + timedelta(days=n), {name: Decimal(one) for name, one in values.items()}))
    return found


def test_equal_indices_share_the_better_rank():
    values = {"a": "3.06", "b": "2.80", "c": "3.06", "d": "4.48", "e": None}
    found = rank_values({name: None if text is None else Decimal(text) for name, text in values.items()})
    assert found == {"b": 1, "a": 2, "c": 2, "d": 4, "e": None}
    assert list(found) == ["b", "a", "c", "d", "e"]


def test_cities_by_their_composite_index():
    found = rank({"甲": days("35"), "乙": days("7"), "丙": days("7")}, MAY, on=ON)
    # five terms of 0.1 and PM2.5/35
    assert [(one.rank, one.name, one.index) for one in found.rows] == [
        (1, "丙", Decimal("0.70")), (1, "乙", Decimal("0.70")), (3, "甲", Decimal("1.50")),
    ]  # fmt: skip
    assert found.rows[2].main == ("pm2_5",)
    assert (found.edition, found.missing_days) == ("HJ 663-2013", "own")


def test_a_gap_on_the_worst_days_helps_nobody_when_days_are_common():
    """A lost its station on the three dusty days that B measured."""
    cities = {"A": days("14", gaps=(10, 11, 12)), "B": days("14", worst=(10, 11, 12))}
    own = rank(cities, MAY, on=ON)
    assert [(one.rank, one.name) for one in own.rows] == [(1, "A"), (2, "B")]
    common = rank(cities, MAY, on=ON, missing_days="common")
    assert [(one.rank, one.index) for one in common.rows] == [(1, Decimal("0.90"))] * 2
    assert common.common_days["pm2_5"] == 28
    assert (common.note_zh, common.note_en) == ("仅统计所有城市均有效的天", "only days that are valid in every city")
    assert {one.valid_days for one in common.rows} == {28}


def test_one_item_missing_takes_only_that_item_from_the_others():
    cities = {"A": days("14"), "B": days("14")}
    gap = cities["A"][4]
    cities["A"][4] = DayValues(gap.day, {**gap.values, "o3": None})
    found = rank(cities, MAY, on=ON, missing_days="common")
    assert (found.common_days["o3"], found.common_days["pm2_5"]) == (30, 31)


def test_a_city_without_an_item_is_not_ranked_and_says_why():
    poor = [DayValues(one.day, {**one.values, "co": None}) for one in days("7")]
    found = rank({"A": days("35"), "B": poor}, MAY, on=ON)
    assert [(one.rank, one.name, one.note_zh) for one in found.rows] == [(1, "A", ""), (None, "B", "缺少co")]


def test_refused_handling():
    with pytest.raises(BadInput, match="one of own, common"):
        rank({}, MAY, on=ON, missing_days="mine")
    assert rank({}, MAY, on=ON, missing_days="common").rows == ()
