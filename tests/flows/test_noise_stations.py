"""Four simulated noise stations over real sockets: nights and days are judged, a loud night is an alarm."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest

from jinyun.app import assemble
from jinyun.app.settings import Settings
from jinyun.app.use_cases import UseCases
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.kernel.terms import Period, Stat, Verdict
from jinyun.sim.district import build
from jinyun.sim.fleet import Fleet
from jinyun.sim.run import devices_of
from jinyun.sim.script import parse_script
from jinyun.sim.truth import Truth

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

NOON = 1_773_115_200  # 2026-03-10T12:00:00+08:00, when the window of the night of the 9th ends
HOUR = 3600
HISTORY_H = 60
LOUD = "NS02"
# works in the night of the 9th, 23:00 to 03:00
WORKS = f'[[fault]]\nkind="pulse"\nsite="{LOUD}"\nfactor="leq"\nadd=16\nfrom="-13h"\nuntil="-9h"\n'
LIMITS = {"NS01": (55, 45), "NS02": (60, 50), "NS03": (65, 55), "NS04": (70, 55)}  # GB 3096-2008 table 1


@dataclass(frozen=True)
class FastSettings(Settings):
    """The shipped settings; the house-keeping turns are quicker, since the test's clock is."""

    hj212_sweep: float = 0.1
    hj212_gap_scan: float = 1.0


class StepClock:
    """Moves only when told."""

    speed = 1.0

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def now(self) -> int:
        return self.seconds * 1_000_000

    def real_seconds(self, _seconds: float) -> float:
        return 0.01


async def until(done: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"{done} did not come true in {seconds} s"
        await asyncio.sleep(0.02)


@dataclass
class Told:
    truth: Truth
    verdicts: dict[tuple[str, str, int], Verdict]
    stored: dict[tuple[str, str, int], Decimal | None]
    alarms: list[dict[str, Any]]
    colours: dict[str, tuple[str, str | None]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return asyncio.run(play(tmp_path_factory.mktemp("noise") / "node"))


async def play(folder: Path) -> Told:
    whole, clock = build("small", 7), StepClock(NOON - 600)
    district = replace(
        whole, loggers=tuple(one for one in whole.loggers if one.system == "23"),
        places={id: place for id, place in whole.places.items() if place.kind == "noise_station"}, firms=(),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assemble, "clock_of", lambda _: clock)
        house = assemble.House(FastSettings(folder=folder, hj212_port=0, hour_lookback_h=HISTORY_H))
    house.jobs.start = lambda: None
    for type_id in ("site", "device"):
        rows = [(id, data) for kind, id, data in district.records(realtime=1800, minute=10) if kind == type_id]
        house.records.put_many(type_id, rows, SYSTEM)
    truth = Truth(district, parse_script(WORKS, "works"), NOON)
    await house.start()
    fleet = Fleet(devices_of(truth, realtime_s=1800, minute=10), "127.0.0.1", house.centre.port, clock)
    running = asyncio.create_task(fleet.run(fleet.turn()))
    oldest = NOON - 48 * HOUR
    try:
        await until(lambda: all(link.transport for link in fleet.links))
        for minute in range(20):
            clock.seconds += 60
            await until(lambda: fleet.wheel.next_due() > clock.now())
            if minute == 15:
                await until(lambda: all(house.readings.times(s, Period.HOUR, oldest, oldest + HOUR) for s in LIMITS))
        await until(lambda: all(len(house.readings.times(s, Period.HOUR, oldest, NOON)) == 48 for s in LIMITS), 90)
        await asyncio.to_thread(house.settle)
        return await asyncio.to_thread(look, house, truth)
    finally:
        fleet.stop()
        await running
        await house.stop()


def look(house: assemble.House, truth: Truth) -> Told:
    cases = UseCases(house)
    verdicts = {
        (site, judge, one.window.start): one
        for site in LIMITS
        for judge in ("noise.zone_day", "noise.zone_night")
        for one in house.verdicts.find(judge=judge, subject=site)
    }
    stored = {
        (r.factor, site, r.time): r.value
        for site in LIMITS
        for r in house.readings.read(site, periods=[Period.HOUR], start=NOON - 48 * HOUR, end=NOON)
        if r.stat is Stat.AVG
    }
    alarms = cases.matters.alarms(Actor("test", ("officer",)), state="all")["items"]
    sites = {one["id"]: (one["status"], one["judge"]) for one in json.loads(cases.overview.answer.get())["sites"]}
    return Told(truth, verdicts, stored, alarms, sites)


def energy(tenths: list[int]) -> Decimal:
    total = sum(Decimal(10) ** (Decimal(t) / 100) for t in tenths) / len(tenths)
    return (10 * total.log10()).quantize(Decimal("0.1"), ROUND_HALF_EVEN)


def hours(truth: Truth, site: str, start: int, count: int) -> list[int]:
    return [int(truth.hour(site, start + HOUR * n).avg[0]) for n in range(count)]


def test_what_is_stored_is_the_truth(told):
    for site in LIMITS:
        for start in range(NOON - 48 * HOUR, NOON, HOUR):
            true = told.truth.hour(site, start).avg.tolist()
            for factor, tenths in zip(("leq", "lmx", "l10", "l50", "l90"), true, strict=True):
                assert told.stored[factor, site, start] == Decimal(tenths) / 10


def test_the_night_of_the_9th(told):
    for site, (_, limit) in LIMITS.items():
        verdict = told.verdicts[site, "noise.zone_night", NOON - 86400]
        expected = energy(hours(told.truth, site, NOON - 14 * HOUR, 8))
        assert (verdict.figure, verdict.limit) == (str(expected), str(limit))
        assert str(verdict.status) == ("exceeds" if site == LOUD else "attains")
        assert len(verdict.items[0].readings) == 8


def test_the_day_of_the_9th(told):
    for site, (limit, _) in LIMITS.items():
        verdict = told.verdicts[site, "noise.zone_day", NOON - 36 * HOUR]
        assert verdict.figure == str(energy(hours(told.truth, site, NOON - 30 * HOUR, 16)))
        assert (str(verdict.status), verdict.limit) == ("attains", str(limit))


def test_the_loud_night_is_an_alarm_and_nothing_else_is(told):
    assert [(one["rule"], one["subject"]) for one in told.alarms] == [("noise-night", LOUD)]


def test_the_map_shows_the_worst_of_day_and_night(told):
    assert told.colours[LOUD] == ("bad", "noise.zone_night")
    assert {told.colours[site][0] for site in LIMITS if site != LOUD} == {"ok"}
