"""Whose a matter is: cell before reach before division, the longest division first, duty by kind and hour."""

from datetime import datetime
from decimal import Decimal

import pytest

from jinyun.app.services.cases.dispatch import Facts, covers, division_at, suggestions
from jinyun.kernel.ports import Record
from jinyun.kernel.terms import CHINA

SQUARE = [[106, 29], [107, 29], [107, 30], [106, 30]]
NOON = datetime(2026, 3, 2, 12, tzinfo=CHINA)


def record(type_id, id, **data):
    return Record(type_id, id, 1, "", data, 0, 0, "li", False, 1)


def duty(unit, person, kinds=(), begun="2026-03-02T08:00:00+08:00", ended="2026-03-02T20:00:00+08:00"):
    return record("duty", person, unit=unit, person=person, kinds=list(kinds), **{"from": begun, "to": ended})


UNITS = [
    record("unit", "city", name="市局", jurisdictions=["50"]),
    record("unit", "beibei", name="北碚区局", jurisdictions=["500109"]),
    record("unit", "water", name="水利局", jurisdictions=[]),
    record("unit", "other", name="渝北区局", jurisdictions=["500112"]),
]


def found(facts, cells=(), reaches=(), duties=()):
    return suggestions(facts, cells=cells, reaches=reaches, units=UNITS, duties=duties, now=NOON)


@pytest.mark.parametrize(
    ("lon", "lat", "inside"), [(106.5, 29.5, True), (106, 29.5, True), (106, 29, True), (105.999, 29.5, False)]
)
def test_a_place_on_the_border_lies_in_the_cell(lon, lat, inside):
    assert covers(SQUARE, {"lon": lon, "lat": lat}) is inside
    assert not covers(SQUARE[:2], {"lon": lon, "lat": lat})
    assert not covers(SQUARE, None)


@pytest.mark.parametrize(
    ("lon", "lat", "code"), [(106.43, 29.82, "500109"), (106.57, 29.55, "500103"), (0, 0, "")]
)  # Beibei, Yuzhong, the sea
def test_the_district_of_a_place_is_found_on_the_map(lon, lat, code):
    assert division_at({"lon": lon, "lat": lat}) == code


def test_the_nearest_ground_comes_first_and_the_longest_division_before_the_shorter():
    facts = Facts("section_class", {"lon": 106.5, "lat": 29.5}, "500109001", "嘉陵江", Decimal("12.0"))
    cell = record("cell", "c", name="网格一", ring=SQUARE, owner="other")
    reach = record("river_reach", "r", name="河段一", river="嘉陵江", from_km="10", to_km="12.5", owner="水利局")
    assert [one.owner for one in found(facts, [cell], [reach])] == ["other", "water", "beibei", "city"]


@pytest.mark.parametrize(("km", "hit"), [("10", True), ("12.4", True), ("12.5", False), ("9.9", False)])
def test_a_reach_holds_its_beginning_and_not_its_end(km, hit):
    reach = record("river_reach", "r", name="河段一", river="嘉陵江", from_km="10", to_km="12.5", owner="water")
    facts = Facts("section_class", None, "", "嘉陵江", Decimal(km))
    assert [one.owner for one in found(facts, reaches=[reach])] == (["water"] if hit else [])


def test_a_cell_of_other_kinds_does_not_take_it():
    cell = record("cell", "c", name="网格一", ring=SQUARE, owner="water", kinds=["air_quality"])
    assert found(Facts("section_class", {"lon": 106.5, "lat": 29.5}, "510000"), [cell]) == []


def test_on_duty_is_who_takes_the_kind_at_this_hour():
    facts = Facts("section_class", None, "500109")
    duties = [
        duty("beibei", "gone", ended="2026-03-02T12:00:00+08:00"), duty("beibei", "air", ["air_quality"]),
        duty("beibei", "wang", ["section_class"]), duty("other", "far"),
    ]  # fmt: skip
    first, second = found(facts, duties=duties)
    assert (first.owner, first.person, second.owner, second.person) == ("beibei", "wang", "city", "")
