"""What colours a site: which verdict speaks for it, silence before all, an indication never as grave as an hour."""

import pytest

from jinyun.app.services.overview import pick_verdict, seen_by_site, site_status
from jinyun.kernel.terms import Period, Status, Verdict, window_of

NOW = 1_795_334_000


def verdict(judge, level, *, status=Status.ATTAINS, period=Period.HOUR, ago=3600):
    return Verdict(
        judge=judge, subject="s", window=window_of(period, NOW - ago), status=status, figure="1", unit="", limit=None,
        clause="", edition="", level=level, label_zh="", label_en="", deciding=(), items=(),
        sentence_zh="", sentence_en="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("target", "level", "status"),
    # GB 3838-2002: at the target or better is good, one class beyond warns; without a target class III counts
    [
        (3, 1, "ok"),
        (3, 3, "ok"),
        (3, 4, "warn"),
        (3, 5, "bad"),
        (2, 3, "warn"),
        (2, 6, "bad"),
        (None, 3, "ok"),
        (None, 4, "warn"),
    ],
)
def test_a_section_is_measured_by_its_target(target, level, status):
    assert (
        site_status({"kind": "water_section", "target_class": target}, verdict("water.section_class", level)) == status
    )


@pytest.mark.parametrize(("level", "status"), [(1, "ok"), (2, "ok"), (3, "warn"), (4, "bad"), (6, "bad")])
def test_air_goes_by_the_index_level(level, status):
    assert site_status({"kind": "air_station"}, verdict("air.aqi_hour", level)) == status


def test_an_indication_warns_where_an_hour_is_bad():
    place = {"kind": "water_outlet"}
    assert site_status(place, verdict("emission.outlet_now", 5, status=Status.EXCEEDS)) == "warn"
    assert site_status(place, verdict("emission.outlet_hour", 5, status=Status.EXCEEDS)) == "bad"


def test_what_cannot_be_judged_is_unknown_not_good():
    assert site_status({"kind": "water_section"}, None) == "unknown"
    assert site_status({"kind": "air_station"}, verdict("air.aqi_hour", None, status=Status.CANNOT_JUDGE)) == "unknown"


def pick(place, *verdicts):
    return pick_verdict(place, {("s", one.judge): one for one in verdicts}, NOW)


def test_the_worst_recent_verdict_speaks_for_an_outlet():
    place = {"id": "s", "kind": "water_outlet"}
    now, hour = verdict("emission.outlet_now", 1), verdict("emission.outlet_hour", 5, status=Status.EXCEEDS)
    assert pick(place, now, hour) is hour
    old = verdict("emission.outlet_hour", 5, status=Status.EXCEEDS, ago=8 * 3600)
    assert pick(place, now, old) is now  # long over
    assert pick(place, old) is old  # better than nothing


def test_a_section_goes_by_its_hour_and_by_the_day_when_there_is_none():
    place = {"id": "s", "kind": "water_section"}
    hour, day = verdict("water.section_class", 3), verdict("water.section_class_day", 2, period=Period.DAY, ago=86400)
    assert pick(place, hour, day) is hour
    assert pick(place, day) is day
    assert pick(place) is None


def test_the_liveliest_device_speaks_for_its_site():
    links = [
        {"site": "a", "state": "silent", "last_at": 5}, {"site": "a", "state": "online", "last_at": 9},
        {"site": "b", "state": "gone", "last_at": None}, {"site": None, "state": "quarantine", "last_at": 7},
    ]  # fmt: skip
    assert seen_by_site(links) == {"a": ("online", 9), "b": ("gone", 0)}
