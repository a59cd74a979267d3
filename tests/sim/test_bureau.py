"""The invented bureau: in order, marked as demonstration, and sound on any day of the year."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from jinyun.domains.people.roles import roles
from jinyun.domains.supervision.records_patrol import RANKS, minutes_of
from jinyun.domains.supervision.records_works import lag_of
from jinyun.kernel.terms import CHINA
from jinyun.sim.bureau import bureau
from jinyun.sim.district import build

MOMENTS = [
    datetime(2026, 1, 1, 0, 0, 5, tzinfo=CHINA), datetime(2028, 2, 29, 23, 59, tzinfo=CHINA),
    datetime(2026, 7, 15, 12, tzinfo=CHINA), datetime(2026, 12, 31, 8, 59, tzinfo=CHINA),
]  # fmt: skip


@pytest.fixture(params=MOMENTS, ids=str)
def now(request):
    return request.param


@pytest.fixture
def made(now):
    return bureau(int(now.timestamp()))


def test_no_reference_points_forward(made):
    seen = set(build("small", 7).places)
    for item in made.items:
        for name in ("parent", "same_as", "site", "reach", "cell", "rectification", "owner", "unit"):
            if name in item.data:
                assert item.data[name] in seen, (item.id, name)
        seen.add(item.id)


def test_all_that_is_told_of_people_or_firms_says_that_it_is_made_up(made):
    for item in made.items:
        told = " ".join(str(one) for one in item.data.values())
        assert item.type in ("unit", "duty", "river_reach") or "演示" in told, item.id
    assert all(item.data["phone"].startswith("000-") for item in made.items if item.data.get("phone"))


def test_people_have_known_roles_and_units(made):
    units = {one.id for one in made.items if one.type == "unit"}
    for person in made.people:
        assert set(person.roles) <= set(roles())
        assert person.unit in units


def test_somebody_is_on_duty_now(made, now):
    duties = [one.data for one in made.items if one.type == "duty"]
    assert len(duties) == 3
    for one in duties:
        assert datetime.fromisoformat(one["from"]) <= now < datetime.fromisoformat(one["to"])


def test_the_works_show_every_light_once_the_year_is_under_way(made, now):
    lights = {}
    for one in made.items:
        if one.type == "project":
            steps = {name: value for step in one.steps for name, value in step.given.items()}
            lag = lag_of({**one.data, **steps}, now.date())
            lights[one.id] = lag.light
            assert all(Decimal(point["share"]) <= 1 for point in one.data["plan"])
            assert date.fromisoformat(one.data["done"][-1]["date"]) == now.date()
    if now.month > 1:
        assert lights == {"gc-1": "green", "gc-2": "yellow", "gc-3": "red", "gc-4": "green"}


def test_a_patrol_walks_along_the_river_within_its_time(made):
    (first, second) = [one.data for one in made.items if one.type == "patrol"]
    assert (minutes_of(first), first["km"]) == (52, "2.7")
    assert (minutes_of(second), second["km"]) == (21, "1.2")
    assert first["rank"] in RANKS
    moments = [datetime.fromisoformat(one[2]) for one in first["route"]]
    assert moments == sorted(moments)
    assert moments[0] == datetime.fromisoformat(first["started"])
    assert moments[-1] == datetime.fromisoformat(first["ended"])
