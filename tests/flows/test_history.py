"""The demo's past: sent by the stations' own loggers, stored as the truth has it, judged, and no alarm of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from live import Live

from jinyun.kernel.ports import SYSTEM
from jinyun.kernel.terms import Period, Stat
from jinyun.sim import history as past
from jinyun.sim.clock import SystemClock
from jinyun.sim.district import build
from jinyun.sim.fleet import Fleet
from jinyun.sim.run import devices_of
from jinyun.sim.truth import Truth, figures

DISTRICT = build("small", 7)
STATIONS = [one for one in DISTRICT.places.values() if one.kind in past.EVERY_H]
DAY, HOUR = 86400, 3600


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    def prepare(house) -> None:
        rows = DISTRICT.records()
        for type_id in ("enterprise", "site", "outlet", "permit_limit", "device"):
            house.records.put_many(type_id, [(id, data) for kind, id, data in rows if kind == type_id], SYSTEM)

    one = Live(tmp_path_factory.mktemp("history") / "var", prepare)
    yield one
    one.close()


async def send(node: Live, path: Path, origin: int, days: int, *, stop_after: int = 0) -> past.Progress:
    """Run the stations' part of the fleet with a past of `days`; the wheel stands still."""
    truth = Truth(DISTRICT)
    wanted = {one.id for one in STATIONS}
    devices = [one for one in devices_of(truth, realtime_s=3600, minute=30) if one.logger.site in wanted]
    fleet = Fleet(devices, "127.0.0.1", node.hj212_port, SystemClock())
    history = past.History(fleet, DISTRICT, origin, days=days, rate=5000, path=path, say=lambda _: None)

    async def feed() -> None:
        task = asyncio.create_task(history.run())
        while not task.done() and not (stop_after and history.progress.done >= stop_after):
            await asyncio.sleep(0.01)
        task.cancel()
        if task.done() and not task.cancelled():
            task.result()

    await fleet.run(feed(), 120)
    return history.progress


def test_the_past_is_sent_stored_and_judged_and_a_second_start_goes_on(node, tmp_path, monkeypatch):
    monkeypatch.setattr(past, "SETTLE_S", 0.0)
    origin = int(time.time()) - 30 * DAY
    path = tmp_path / "history.json"
    first = asyncio.run(send(node, path, origin, 3, stop_after=1))
    assert 1 <= first.done < 3
    sent = Counter(past.EVERY_H[one.kind] for one in STATIONS)
    a_day = sum(24 // every * count for every, count in sent.items())
    kept = json.loads(path.read_text())
    assert kept["done"] == first.done
    second = asyncio.run(send(node, path, origin, 3))
    assert (second.done, second.missed) == (3, 0)
    assert second.frames - kept["frames"] == (3 - kept["done"]) * a_day  # only the days that were lacking
    third = asyncio.run(send(node, path, origin, 3))
    assert third.frames == second.frames
    node.settle()
    house, truth = node.house, Truth(DISTRICT)
    until = past.day_start(origin)
    for place in STATIONS:
        stored = house.readings.read(
            place.id, periods=[Period.HOUR], stats=[Stat.AVG], start=until - 3 * DAY, end=until
        )
        got = {(one.factor, one.time): one.value for one in stored}
        want: dict[tuple[str, int], Decimal] = {}
        for day in range(until - 3 * DAY, until, DAY):
            for hour in past.hours_of(DISTRICT, place.id, day):
                for channel, stat, value in figures(truth, place.id, truth.hour(place.id, hour)):
                    if stat is Stat.AVG:
                        want[channel.factor.id, hour] = value
        assert got == want, place.id
    days = {one: house.verdicts.briefs(one, None, until - 3 * DAY, until) for one in DAY_JUDGES}
    assert {judge: len(found) for judge, found in days.items()} == {
        judge: 3 * sum(one.kind == kind for one in STATIONS) for judge, kind in DAY_JUDGES.items()
    }
    assert house.records.find("alarm", limit=10) == [] == house.records.find("case", limit=10)
    told = past.told(path)
    assert told is not None
    assert (told["running"], told["done"]) == (False, 3)
    assert "3天" in told["zh"]
    with contextlib.closing(node.client()) as client:
        months = client.get(f"/api/periods/air?scope=city:500109&period=month&at={month_of(until - DAY)}").json()
    assert months["units"]["valid"] == sum(one.kind == "air_station" for one in STATIONS)
    assert {f["id"]: f["figure"] for f in months["figures"]}["pm2_5.mean"] is not None


DAY_JUDGES = {
    "air.aqi_day": "air_station",
    "water.section_class_day": "water_section",
    "noise.zone_day": "noise_station",
}


def month_of(at: int) -> str:
    return time.strftime("%Y-%m", time.gmtime(at + 28800))


def test_the_last_weeks_and_the_same_weeks_a_year_before_come_first():
    order = past.day_order(430)
    assert sorted(order) == list(range(430))
    assert order[:62] == list(range(62))
    assert order[62:127] == list(range(365, 430))
    assert past.day_order(10) == list(range(10))


def test_a_file_of_another_story_is_not_gone_on_with(tmp_path):
    path = tmp_path / "history.json"
    one = past.Progress(7, "small", 1_760_000_000, 400, done=30, frames=9)
    one.write(path)
    same = past.Progress(7, "small", 1_760_000_000, 400)
    assert past.Progress.read(path, same).done == 30
    assert past.Progress.read(path, past.Progress(8, "small", 1_760_000_000, 400)).done == 0
    path.write_text("{broken")
    assert past.Progress.read(path, same).done == 0
    assert past.told(path) is None
