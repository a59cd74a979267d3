"""The invented district: whole, deterministic, and acceptable to the registers it is loaded into."""

from __future__ import annotations

import pytest

from jinyun.domains.registry import DOMAIN
from jinyun.kernel.errors import BadInput
from jinyun.kernel.factors import factor
from jinyun.sim.district import build

TYPES = {one.id: one for one in DOMAIN.records}


@pytest.fixture(scope="module")
def small():
    return build("small", 7)


def test_the_small_one_is_as_the_issue_says(small):
    kinds = {kind: len(small.by_kind(kind)) for kind in ("water_section", "water_micro", "air_station", "air_micro")}
    assert kinds == {"water_section": 2, "water_micro": 12, "air_station": 6, "air_micro": 20}
    assert len(small.firms) == 40
    assert small.by_kind("water_outlet")
    assert small.by_kind("stack_outlet")
    assert {one.edition for one in small.loggers} == {2005, 2017, 2025}
    assert {bool(one.sm4_key) for one in small.loggers if one.edition == 2025} == {True, False}


def test_the_large_one_has_1300_firms_and_3000_connections_some_of_several_devices():
    large = build("district", 7)
    assert (len(large.firms), large.connections()) == (1300, 3000)
    assert len(large.loggers) > 3000
    assert len({one.mn for one in large.loggers}) == len(large.loggers)
    assert len({one.name for one in large.firms}) == len({one.uscc for one in large.firms}) == 1300


def test_the_first_forty_firms_are_the_same_at_both_scales(small):
    large = build("district", 7)
    assert large.firms[:40] == small.firms
    shared = [one for one in small.places if "-" not in one]
    assert all(large.places[one] == small.places[one] for one in shared)


def test_same_seed_same_district_other_seed_another(small):
    assert build("small", 7) == small
    assert build("small", 8).loggers != small.loggers


def test_every_record_is_accepted_and_no_reference_points_forward(small):
    seen: dict[str, set[str]] = {name: set() for name in TYPES}
    for type_id, id, data in small.records():
        TYPES[type_id].validate(data)
        for one in TYPES[type_id].fields:
            if one.kind == "reference" and data.get(one.name):
                for target in data[one.name] if one.many else [data[one.name]]:
                    assert target in seen[one.to], (type_id, id, one.name)
        assert id not in seen[type_id]
        seen[type_id].add(id)
    assert len(seen["site"]) == len(small.places)


def test_everything_lies_near_beibei(small):
    for place in small.places.values():
        assert 106.3 <= place.point[0] <= 106.6, place
        assert 29.65 <= place.point[1] <= 29.95, place


def test_a_river_outlet_lies_above_the_lower_section(small):
    section, outlet = small.places["WS02"], small.places["RO01"]
    assert outlet.km < section.km
    below = [one for one in small.by_kind("water_micro") if outlet.km < one.km < section.km]
    assert any("RO01" in one.upstream for one in below)


def test_permit_limits_are_in_the_factors_canonical_unit(small):
    for type_id, _, data in small.records():
        if type_id == "permit_limit":
            assert data["unit"] == factor(data["factor"]).unit


def test_an_unknown_scale_is_named():
    with pytest.raises(BadInput, match="small, district"):
        build("huge", 7)


def test_four_noise_stations_of_different_zones(small):
    stations = small.by_kind("noise_station")
    assert [one.zone for one in stations] == ["1", "2", "3", "4a"]
    sites = {id: data for type_id, id, data in small.records() if type_id == "site"}
    assert [sites[one.id]["zone"] for one in stations] == ["1", "2", "3", "4a"]
    assert {small.logger_of(one.id).system for one in stations} == {"23"}
