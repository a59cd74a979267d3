"""The fault script against a node: each fault gives its alarm, case, recovery and relapse; nothing else does.

Node and simulated loggers run in one loop at a clock that the test moves on minute by minute, never before all that
was sent is acknowledged, so that a slow machine only makes it longer. A day and a half of history comes first. What
the node stored is compared with the hidden truth, figure by figure: nothing is lost.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from jinyun.app import assemble
from jinyun.app.settings import Settings
from jinyun.app.use_cases import UseCases
from jinyun.kernel.errors import Refused
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.kernel.terms import Period, Stat, china_time
from jinyun.sim.district import District, build
from jinyun.sim.fleet import Fleet
from jinyun.sim.run import devices_of
from jinyun.sim.script import parse_script
from jinyun.sim.truth import Truth, table

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

T0 = 1_773_100_800  # 2026-03-10T08:00:00+08:00
HOUR = 3600
HISTORY_H, LIVE_H = 36, 8
REALTIME, MINUTE = 1800, 10
CUT = ("WS01", "AS04", "E0004-W1")
SILENT, DIALECT, SKEWED = "AM07", "E0013-W1", "E0007-S1"
OFFICER = Actor("test", ("officer", "admin"))

STORY = f"""
# an outlet over its permit for four hours, repaired, over it again
[[fault]]
kind = "exceedance"
site = "E0002-W1"
factor = "cod_cr"
multiple = 1.7
from = "-30h"
until = "-26h"
[[fault]]
kind = "exceedance"
site = "E0002-W1"
factor = "cod_cr"
multiple = 1.4
from = "-14h"
until = "-12h"

# a boiler repaired while we look on, and an outlet that goes over its permit while we look on
[[fault]]
kind = "exceedance"
site = "E0005-S1"
factor = "stack_nox"
multiple = 1.3
from = "-3h"
until = "+2h"
[[fault]]
kind = "exceedance"
site = "E0003-W1"
factor = "nh3_n"
multiple = 1.4
from = "+5h"

# an outlet far over its permit, but under maintenance: flagged, so not judged
[[fault]]
kind = "constant"
site = "E0010-W1"
factor = "nh3_n"
value = 90
from = "-5h"
[[fault]]
kind = "flag"
site = "E0010-W1"
factors = ["nh3_n"]
flag = "M"
from = "-5h"

# the river: two causes at one river outlet, both put right
[[fault]]
kind = "rain"
from = "-23h"
until = "-15h"
mm_per_h = 5.0
[[fault]]
kind = "pollution"
site = "RO01"
cause = "spoil_heap"
load = {{ tp = 0.80, cod_mn = 20.0 }}
from = "-31h"
until = "-11h"
[[fault]]
kind = "pollution"
site = "RO01"
cause = "sewage"
load = {{ nh3_n = 2.3 }}
from = "-31h"
until = "-6h"

# links
[[fault]]
kind = "cut"
device = {list(CUT)!r}
from = "+1h"
until = "+7h"
[[fault]]
kind = "silent"
device = "AM07"
[[fault]]
kind = "dialect"
device = "E0013-W1"
crc = "modbus"
[[fault]]
kind = "skew"
device = "{SKEWED}"
seconds = -300
[[fault]]
kind = "unknown"
like = "E0009-W1"
[[fault]]
kind = "duplicate"
device = "AS01"
share = 0.5
[[fault]]
kind = "split"
device = "AS02"
parts = 3
[[fault]]
kind = "half"
device = "AS03"
share = 0.3
[[fault]]
kind = "bad_crc"
device = "E0006-S1"
share = 0.3
[[fault]]
kind = "noise"
device = "AS05"
share = 0.5
"""


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


@dataclass
class Story:
    """What the node made of it."""

    district: District
    truth: Truth
    ended: int
    alarms: dict[tuple[str, str, str | None], list[dict[str, Any]]] = field(default_factory=dict)
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)  # by subject, as the case page shows them
    links: dict[str, dict[str, Any]] = field(default_factory=dict)  # by site or, unregistered, by MN
    rejects: Counter[tuple[str, str]] = field(default_factory=Counter)  # (site, reason)
    stored: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    versions: Counter[int] = field(default_factory=Counter)
    close_refused: Refused | None = None
    closed: dict[str, Any] = field(default_factory=dict)


def cast() -> District:
    """The river, the air stations and the firms of the story; the rest has no loggers here, which saves time."""
    whole = build("small", 7)
    named = {SILENT, "RO01", *(f"AS{n:02d}" for n in range(1, 7))}
    kept = [
        one for one in whole.loggers
        if one.site in named or one.site.startswith("W") or "E0002" <= one.site < "E0014"
    ]  # fmt: skip
    return replace(whole, loggers=tuple(kept))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return asyncio.run(play(tmp_path_factory.mktemp("story") / "node"))


async def play(folder: Path) -> Story:
    district, clock = cast(), StepClock(T0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assemble, "clock_of", lambda _: clock)
        house = assemble.House(FastSettings(folder=folder, hj212_port=0, hour_lookback_h=HISTORY_H))
    house.jobs.start = lambda: None  # `settle` judges and acts, nobody beside it
    by_type: dict[str, list[Any]] = {}
    for type_id, id, data in district.records(realtime=REALTIME, minute=MINUTE):
        by_type.setdefault(type_id, []).append((id, data))
    for type_id in ("enterprise", "site", "outlet", "permit_limit", "device"):
        house.records.put_many(type_id, by_type[type_id], SYSTEM)
    truth = Truth(district, parse_script(STORY, "story"), T0)
    await house.start()
    fleet = Fleet(devices_of(truth, realtime_s=REALTIME, minute=MINUTE), "127.0.0.1", house.centre.port, clock)
    running = asyncio.create_task(fleet.run(fleet.turn()))
    try:
        stage = Stage(house, clock, fleet)
        await stage.play()
        result = await asyncio.to_thread(stage.told, Story(district, truth, clock.seconds))
    finally:
        fleet.stop()
        await running
        await house.stop()
    return result


class Stage:
    """Moves the clock on and waits for the house."""

    def __init__(self, house: assemble.House, clock: StepClock, fleet: Fleet) -> None:
        self.house, self.clock, self.fleet = house, clock, fleet
        self.cases = UseCases(house)
        spoilt = {"AS03", "E0006-S1", SILENT, DIALECT}
        self.prompt = [d for d in fleet.devices if d.logger.registered and d.logger.site not in spoilt]

    async def play(self) -> None:
        """The history first, then hour after hour."""
        await until(lambda: all(link.transport for link in self.fleet.links if not self.fleet._offline(link)))
        await self.advance(30, settle=False)  # hours asked for come newest first: judged when the oldest is there
        await until(self.first_hours, 180)
        await self.advance(LIVE_H * 60 - 30)
        for _ in range(6):  # what was asked for last comes in, and the last windows close
            await asyncio.sleep(0.5)
            await self.advance(10)

    async def advance(self, minutes: int, *, settle: bool = True) -> None:
        for minute in range(minutes):
            self.clock.seconds += 60
            await until(self.sent)
            if settle and minute % 10 == 9:
                await asyncio.to_thread(self.house.settle)

    def sent(self) -> bool:
        """All that was due has left and is acknowledged."""
        due = self.fleet.wheel.next_due() <= self.clock.now()
        return not due and not any(d.device.pending for d in self.prompt if not d.offline(self.clock.now()))

    def first_hours(self) -> bool:
        """The look-back has been asked for: each device has its oldest hour."""
        return all(
            self.house.readings.times(d.logger.site, Period.HOUR, T0 - 30 * HOUR, T0 - 29 * HOUR)
            for d in self.prompt if d.logger.site != SKEWED
        )  # fmt: skip

    def told(self, story: Story) -> Story:
        """Look at everything, then try to close two cases."""
        house, matters = self.house, self.cases.matters
        for one in matters.alarms(OFFICER, state="all")["items"]:
            story.alarms.setdefault((one["rule"], one["subject"], one.get("factor")), []).append(one)
        for one in matters.cases(OFFICER, state="all")["items"]:
            story.cases[one["subject"]] = matters.case(one["id"], OFFICER)
        site_of = {d.mn: d.logger.site for d in self.fleet.devices if d.logger.registered}
        for link in self.cases.links.find():
            story.links[link["site"] or link["mn"]] = self.cases.links.page(link["mn"])
        for one in house.rejects.find(limit=5000):
            story.rejects[site_of.get(one["mn"], one["mn"]), one["reason"]] += 1
        start = T0 - HISTORY_H * HOUR
        for logger in story.district.loggers:
            for r in house.readings.read(
                logger.site, periods=[Period.MINUTE, Period.HOUR], start=start, end=self.clock.seconds
            ):
                story.stored[logger.site, r.factor, r.stat, r.period, r.time] = r.value
                if (
                    r.period is Period.HOUR
                    and logger.site in ("AS01", "AS02", "AS03", *CUT)
                    and r.factor in ("co", "tp")
                ):
                    story.versions[len(house.readings.versions(r.series, r.time))] += 1
        self._close(story)
        return story

    def _close(self, story: Story) -> None:
        registers = self.cases.registers
        open_case, healed = story.cases["E0003-W1"]["case"], story.cases["E0002-W1"]["case"]
        try:
            registers.step("case", open_case["id"], "close", {}, OFFICER)
        except Refused as refused:
            story.close_refused = refused
        registers.step("case", healed["id"], "close", {}, OFFICER)
        story.closed = self.cases.matters.case(healed["id"], OFFICER)


async def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition; a slow machine only makes it longer."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"it did not happen: {holds}"
        await asyncio.sleep(0.02)


def at(hours: float) -> str:
    """As alarms print it: ISO 8601 in China time."""
    return china_time(int(T0 + hours * HOUR)).isoformat()


def spans(story: Story, *key: str | None) -> list[tuple[str, str | None]]:
    """When the alarms of a matter began and ended, oldest first."""
    return sorted((one["started_at"], one.get("ended_at")) for one in story.alarms[key])


def steps(story: Story, subject: str) -> list[str]:
    """Steps of a subject's case, without mere updates."""
    return [one["step"] for one in story.cases[subject]["history"] if one["step"] != "update"]


def worse_than_three(story: Story, site: str) -> tuple[int, int]:
    """(first, first after) of the hours in which the truth is worse than class III, by GB 3838-2002 table 1."""
    names = [one.factor.id for one in story.truth.channels(site)]
    limits = {"cod_mn": 60, "nh3_n": 100, "tp": 20}  # tenths, hundredths, hundredths of mg/L
    bad = []
    for h in range(-HISTORY_H, LIVE_H):
        hour = story.truth.hour(site, T0 + h * HOUR)
        if any(hour.avg[names.index(name)] > most for name, most in limits.items()):
            bad.append(h)
    assert bad == list(range(bad[0], bad[-1] + 1))
    return bad[0], bad[-1] + 1


def test_each_fault_gives_its_alarm_and_nothing_else_does(story):
    silent = {("device-silent", site, None) for site in CUT}
    below = {("section-target", site, "nh3_n") for site in ("WM11", "WS02", "WM12")}
    assert set(story.alarms) == {
        ("outlet-hour", "E0002-W1", "cod_cr"),
        ("outlet-hour", "E0003-W1", "nh3_n"), ("outlet-now", "E0003-W1", "nh3_n"),
        ("outlet-hour", "E0005-S1", "stack_nox"), ("outlet-now", "E0005-S1", "stack_nox"),
        ("section-drop", "WS02", "nh3_n"), *below, *silent,
    }  # fmt: skip


def test_outlets_alarm_in_just_the_hours_in_which_they_are_over(story):
    assert spans(story, "outlet-hour", "E0002-W1", "cod_cr") == [(at(-30), at(-26)), (at(-14), at(-12))]
    assert spans(story, "outlet-hour", "E0005-S1", "stack_nox") == [(at(-3), at(2))]
    assert spans(story, "outlet-hour", "E0003-W1", "nh3_n") == [(at(5), None)]


@pytest.mark.parametrize("site", ["WM11", "WS02", "WM12"])
def test_the_river_below_the_outlet_turns_bad_and_recovers_with_the_water(story, site):
    first, after = worse_than_three(story, site)
    assert spans(story, "section-target", site, "nh3_n") == [(at(first), at(after))]
    assert after - first > 20


def test_cases_open_recover_by_the_figure_and_reopen_on_relapse(story):
    recovered = ["create", "recover"]
    assert {site: steps(story, site) for site in story.cases} == {
        "E0002-W1": [*recovered, "reopen", "recover"], "E0005-S1": recovered, "E0003-W1": ["create"],
        "WM11": recovered, "WS02": recovered, "WM12": recovered,
    }  # fmt: skip
    states = {site: page["case"]["state"] for site, page in story.cases.items()}
    assert states.pop("E0003-W1") == "opened"
    assert set(states.values()) == {"observing"}


def test_a_case_closes_by_the_figure_only(story):
    assert story.close_refused is not None
    assert story.close_refused.missing
    assert story.cases["E0003-W1"]["recovery"]["held"] is False
    assert story.closed["case"]["state"] == "closed"


def test_nothing_is_lost_doubled_or_changed(story):
    """Cut for six hours, split, doubled, halved, spoilt: every figure of every device that is heard is the truth."""
    deaf = {SILENT, DIALECT, SKEWED}
    end = T0 + LIVE_H * HOUR
    wanted = {}
    for row in table(story.truth, T0 - (HISTORY_H - 1) * HOUR, end, minute=MINUTE, periods=(Period.HOUR,)):
        wanted[row.site, row.factor, row.stat, row.period, row.time] = row.value
    for row in table(story.truth, T0 - HOUR, end, minute=MINUTE, periods=(Period.MINUTE,)):
        wanted[row.site, row.factor, row.stat, row.period, row.time] = row.value
    wanted = {key: value for key, value in wanted.items() if key[0] not in deaf}
    missing = Counter((key[0], key[3].name) for key in wanted if key not in story.stored)
    assert not missing
    wrong = {key: (story.stored[key], value) for key, value in wanted.items() if story.stored[key] != value}
    assert not wrong
    assert len(wanted) > 100_000
    assert set(story.versions) == {1}
    assert not [key for key in story.stored if key[0] in (SILENT, DIALECT)]


def test_what_was_refused_says_why(story):
    # a frame whose CRC never fits may also be taken for one that was cut off where the next begins
    assert set(story.rejects) - {(DIALECT, "cut-off")} == {
        ("E0006-S1", "crc-wrong"), ("E0013-W1", "crc-dialect"), ("AS03", "cut-off"), ("AS05", "noise"), ("", "noise"),
    }  # fmt: skip
    assert story.links[DIALECT]["crc_guess"] == "modbus"


def test_links(story):
    stranger = next(one.mn for one in story.truth.plan.strangers)
    states = {site: link["state"] for site, link in story.links.items()}
    assert states.pop(SILENT) == states.pop(DIALECT) == "gone"
    assert states.pop(stranger) == "quarantine"
    assert set(states.values()) == {"online"}


def test_a_skewed_clock_is_set_once_and_stays_right(story):
    link = story.links[SKEWED]
    assert [one["state"] for one in link["commands"] if one["cn"] == "1012"] == ["done"]
    assert abs(link["clock_offset_s"]) < 120
    others = {one["cn"] for site, page in story.links.items() if site != SKEWED for one in page["commands"]}
    assert "1012" not in others


def test_flagged_values_are_stored_but_not_judged(story):
    held = [value for key, value in story.stored.items() if key[:2] == ("E0010-W1", "nh3_n") and key[2] is Stat.AVG]
    assert max(held) == 90  # twice its limit of 45 mg/L
    assert "E0010-W1" not in {key[1] for key in story.alarms}
