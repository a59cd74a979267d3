"""City values: mean of valid assessment points, 75 % of them at least; background and roadside points left out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from jinyun.domains.air.city import Point, city_days, city_value
from jinyun.domains.air.days import DayValues

DAY = date(2026, 4, 1)


@pytest.mark.parametrize(
    ("valid", "points", "good"), [(3, 4, True), (2, 4, False), (6, 8, True), (5, 7, False), (1, 1, True), (0, 3, False)]
)
def test_three_quarters_of_the_points_are_needed(valid, points, good):
    found = city_value([Decimal(40)] * valid + [None] * (points - valid), day=DAY)
    assert (found.value is not None) is good
    assert (found.valid, found.points) == (valid, points)
    if not good:
        assert "不足75%" in found.note_zh


def test_background_and_roadside_points_do_not_count():
    points = [Point(Decimal(30)), Point(Decimal(41)), Point(Decimal(5), "background"), Point(Decimal(90), "roadside")]
    found = city_value(points, day=DAY)
    assert (found.value, found.valid, found.points, found.left_out) == (Decimal("35.5"), 2, 2, 2)
    # Nor do they make up for a missing one.
    assert city_value([Point(None), Point(Decimal(41)), Point(Decimal(5), "background")], day=DAY).value is None
    assert city_value([], day=DAY).value is None


def test_the_share_is_a_setting():
    assert city_value([Decimal(1), None], Decimal(50), day=DAY).value == 1
    assert city_value([Decimal(1), None], Decimal(51), day=DAY).value is None


def test_days_of_a_city_by_item():
    points = {
        "天生": [DayValues(DAY, {"pm2_5": Decimal(30), "so2": Decimal(8)})],
        "蔡家": [DayValues(DAY, {"pm2_5": Decimal(31), "so2": None}, frozenset({"sand_dust"}))],
        "缙云山": [DayValues(DAY, {"pm2_5": Decimal(10), "so2": Decimal(2)})],
    }
    (found,) = city_days(points, {"缙云山": "background"})
    assert found.values == {"pm2_5": Decimal("30.5"), "so2": None}
    assert found.stamps == {"sand_dust"}
    # A point without a row that day is a point without a value.
    (lone,) = city_days({"天生": points["天生"], "蔡家": []})
    assert lone.values["pm2_5"] is None
