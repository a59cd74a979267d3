"""The judge room on real stores: what makes it judge, what it keeps, what it tells, what survives a kill."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from handmade import at

from jinyun.app.discover import judges, record_types
from jinyun.judge.room import SPACE, WATERMARK, JudgeRoom, Pace
from jinyun.kernel.declare import Judge, JudgeInput
from jinyun.kernel.ports import MICRO, SYSTEM, Arrival, Block
from jinyun.kernel.terms import Flag, Origin, Period, SeriesKey, Site, Stat, Status, window_of
from jinyun.store.database import open_database
from jinyun.store.kv import SqlKeyValue
from jinyun.store.readings import DuckReadings
from jinyun.store.records import SqlRecords
from jinyun.store.verdicts import SqlVerdicts

NOON = at(2026, 11, 22, 12)
HOUR = 3600
SITES = {
    "b": Site("b", "北温泉", "water_section", data={"target_class": 3}),
    "w": Site("w", "甲厂总排口", "water_outlet"),
    "a": Site("a", "天生", "air_station"),
}


class SetClock:
    def __init__(self) -> None:
        self.seconds = NOON

    def now(self) -> int:
        return self.seconds * 1_000_000


class House:
    """A judge room with real stores, a clock set by hand, and a list for what it tells."""

    def __init__(self, folder) -> None:
        self.clock = SetClock()
        self.database = open_database(folder / "records.sqlite")
        self.readings = DuckReadings(folder, self.database, commit_seconds=0.01)
        self.records = SqlRecords(self.database, record_types(), self.clock)
        self.verdicts = SqlVerdicts(self.database)
        self.kv = SqlKeyValue(self.database)
        self.told: list = []
        self.break_telling = False
        for site in SITES.values():
            self.records.create("site", {"name": site.name, "kind": site.kind}, SYSTEM, id=site.id)
        self.records.create("outlet", {"name": "总排口", "kind": "water", "site": "w"}, SYSTEM, id="o")
        self.limit = self.records.create(
            "permit_limit",
            {"outlet": "o", "factor": "cod_cr", "period": "hour", "limit": "50", "unit": "mg/L", "basis": "许可证"},
            SYSTEM,
        )
        self.room = self.new_room()

    def new_room(self, **more) -> JudgeRoom:
        def told(new, previous):
            if self.break_telling:
                raise RuntimeError("the act room is busy")
            self.told.append((new, previous))

        return JudgeRoom(
            judges=more.pop("judges", tuple(judges().values())), readings=self.readings, records=self.records,
            verdicts=self.verdicts, sites=SITES.get, clock=self.clock, on_verdict=told, kv=self.kv,
            pace=Pace(arrival_interval_s=0, settle_s=0, late_settle_s=0, watermark_every_s=0), **more,
        )  # fmt: skip

    def send(self, site, period, time, stat=Stat.AVG, flag=Flag.NORMAL, touch=True, **values) -> None:
        ids = self.readings.series_ids([SeriesKey(site, factor, stat, period) for factor in values])
        micro = np.array([int(Decimal(str(v)) * MICRO) for v in values.values()], np.int64)
        flags = np.full(len(values), int(flag), np.uint8)
        block = Block(time, ids, micro, flags, self.clock.now(), Origin.LIVE, site, site, None, period=period)
        self.readings.put(block)
        if touch:
            self.room.touch(Arrival(site, site, period, time, self.clock.now()))

    def run(self) -> list:
        """Judge all that is due; what was told since."""
        self.told.clear()
        while self.room.run(settled=False):
            pass
        return [new for new, _ in self.told]

    def current(self, judge, site, period, time):
        return self.verdicts.current(judge, site, window_of(period, time))


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.readings.close()
    house.database.dispose()


def test_an_hour_as_sent_is_judged_at_once(house):
    house.clock.seconds = NOON + HOUR + 5
    house.send("w", Period.HOUR, NOON, cod_cr=62)
    (verdict,) = house.run()
    assert (verdict.judge, verdict.status, verdict.figure) == ("emission.outlet_hour", Status.EXCEEDS, "62.0")
    assert verdict.id > 0
    assert verdict.computed_at == house.clock.now()
    assert verdict.code_version
    assert house.told == [(verdict, None)]
    (ref,) = verdict.evidence()
    (version,) = house.readings.versions(ref.series, ref.time)
    assert (version.seq, version.value) == (ref.seq, 62)
    assert house.current("emission.outlet_hour", "w", Period.HOUR, NOON) == verdict


def test_the_same_again_is_not_stored_twice(house):
    house.clock.seconds = NOON + HOUR + 5
    house.send("w", Period.HOUR, NOON, cod_cr=62)
    assert len(house.run()) == 1
    house.send("w", Period.HOUR, NOON, cod_cr=62)
    assert house.run() == []
    house.room = house.new_room()  # another process: nothing in memory
    house.send("w", Period.HOUR, NOON, cod_cr=62)
    assert house.run() == []
    assert house.room.state()["judged"] == 1


def test_a_correction_supersedes_and_names_what_it_replaces(house):
    house.clock.seconds = NOON + HOUR + 5
    house.send("w", Period.HOUR, NOON, cod_cr=62)
    (first,) = house.run()
    house.send("w", Period.HOUR, NOON, cod_cr=48)
    (second,) = house.run()
    assert (second.status, second.id > first.id) == (Status.ATTAINS, True)
    assert house.told[0][1] == first
    assert house.current("emission.outlet_hour", "w", Period.HOUR, NOON) == second


def test_an_hour_is_computed_when_it_closes(house):
    for n in range(5):
        house.clock.seconds = NOON + 600 * (n + 1)
        house.send("w", Period.MINUTE, NOON + 600 * n, cod_cr=40 + n)
        assert not [v for v in house.run() if v.judge == "emission.outlet_hour"]
    house.clock.seconds = NOON + HOUR + 299
    assert house.run() == []
    house.clock.seconds = NOON + HOUR + 300
    (verdict,) = house.run()
    assert (verdict.figure, len(verdict.evidence())) == ("42.0", 5)
    house.send("w", Period.HOUR, NOON, cod_cr=43)  # the device's own mean, late: it goes before ours
    (sent,) = house.run()
    assert (sent.figure, house.told[0][1]) == ("43.0", verdict)
    house.send("w", Period.MINUTE, NOON + 3000, cod_cr=90)  # back-fill that the hour as sent already holds
    assert house.run() == []


def test_late_data_makes_an_old_hour_judged_again(house):
    house.clock.seconds = NOON + 7 * HOUR
    for n in range(4):
        house.send("w", Period.MINUTE, NOON + 600 * n, cod_cr=60)
    (verdict,) = house.run()
    assert verdict.status is Status.CANNOT_JUDGE  # 40 minutes, and the window is over
    house.send("w", Period.MINUTE, NOON + 2400, cod_cr=60)
    (better,) = house.run()
    assert (better.status, house.told[0][1]) == (Status.EXCEEDS, verdict)


def test_indication_is_stored_when_its_status_changes_or_an_hour_begins(house):
    house.clock.seconds = NOON + 5
    seen = []
    for n, value in enumerate((40, 41, 62, 63, 61, 45)):
        house.clock.seconds = NOON + 30 * (n + 1)
        house.send("w", Period.REALTIME, NOON + 30 * n, Stat.RTD, cod_cr=value)
        seen += [(n, str(v.status)) for v in house.run()]
        assert house.room.now_verdicts()["w", "emission.outlet_now"].figure == f"{value}.0"
    assert seen == [(0, "attains"), (2, "exceeds"), (5, "attains")]
    house.clock.seconds = NOON + HOUR + 30
    house.send("w", Period.REALTIME, NOON + HOUR, Stat.RTD, cod_cr=44)
    (verdict,) = house.run()
    assert (verdict.window.start, verdict.judge) == (NOON + HOUR, "emission.outlet_now")


def test_an_indication_that_is_lost_is_told_but_an_hour_does_not_begin_with_one(house):
    house.clock.seconds = NOON + 30
    house.send("w", Period.REALTIME, NOON, Stat.RTD, Flag.FAULT, cod_cr=62)
    assert house.run() == []
    assert house.room.now_verdicts()["w", "emission.outlet_now"].status is Status.CANNOT_JUDGE
    house.send("w", Period.REALTIME, NOON + 30, Stat.RTD, cod_cr=62)
    assert [v.status for v in house.run()] == [Status.EXCEEDS]
    house.send("w", Period.REALTIME, NOON + 60, Stat.RTD, Flag.MAINTENANCE, cod_cr=62)
    assert [v.status for v in house.run()] == [Status.CANNOT_JUDGE]


def test_a_running_window_is_kept_only_when_its_class_changes(house):
    stored = []
    for n, value in enumerate(("0.40", "0.41", "0.42", "2.50", "2.40", "1.25")):
        house.clock.seconds = NOON + 600 * (n + 1) - 1
        house.send("b", Period.MINUTE, NOON + 600 * n, nh3_n=value, cod_mn=3)
        stored += [(n, v.figure) for v in house.run() if v.judge == "water.section_class"]
    assert stored == [(0, "2"), (3, "3"), (4, "4")]  # means 0.40, 0.405, 0.41, 0.93, 1.23, 1.23
    house.clock.seconds = NOON + HOUR + 301
    (closed,) = (v for v in house.run() if v.judge == "water.section_class")  # the same class, all its readings
    assert (closed.figure, len(closed.evidence())) == ("4", 12)


def test_a_running_window_that_cannot_be_judged_yet_is_not_stored(house):
    house.clock.seconds = NOON + 60
    house.send("b", Period.MINUTE, NOON, flag=Flag.FAULT, nh3_n=1)
    assert house.run() == []
    house.clock.seconds = NOON + HOUR + 301
    (verdict,) = house.run()
    assert verdict.status is Status.CANNOT_JUDGE


def test_a_day_is_judged_when_it_closes_and_after_back_fill(house):
    midnight = NOON - 12 * HOUR
    values = {"so2": 10, "no2": 40, "co": "0.8", "o3": 60, "pm10": 60, "pm2_5": 40}
    for n in range(23):
        house.clock.seconds = midnight + (n + 1) * HOUR + 5
        house.send("a", Period.HOUR, midnight + n * HOUR, **values)
        assert {v.judge for v in house.run()} == {"air.aqi_hour"}
    house.clock.seconds = midnight + 24 * HOUR + 300
    (day,) = house.run()
    assert (day.judge, day.figure, day.window.start) == ("air.aqi_day", "60", midnight)
    house.send("a", Period.HOUR, midnight + 23 * HOUR, **{**values, "pm2_5": 500})
    told = {v.judge: v.figure for v in house.run()}
    assert told == {"air.aqi_hour": "500", "air.aqi_day": "98"}  # (23·40 + 500)/24 = 59.17 -> 59: 50 + 24/25·50 = 98


def test_a_factor_reported_before_and_silent_now_is_missing(house):
    house.clock.seconds = NOON + HOUR + 5
    house.send("b", Period.HOUR, NOON, nh3_n="0.4", cod_mn=3)
    (first,) = house.run()
    assert first.status is Status.ATTAINS
    house.clock.seconds = NOON + 2 * HOUR + 5
    house.send("b", Period.HOUR, NOON + HOUR, cod_mn=3)
    (second,) = house.run()
    assert (second.status, second.extra["missing"]) == (Status.CANNOT_JUDGE, ["nh3_n"])


def test_a_changed_limit_is_seen_at_once(house):
    house.clock.seconds = NOON + HOUR + 5
    house.send("w", Period.HOUR, NOON, cod_cr=45)
    assert house.run()[0].status is Status.ATTAINS
    house.records.update("permit_limit", house.limit.id, {"limit": "40"}, SYSTEM)
    house.room.records_changed("permit_limit", house.limit.id)
    house.run()  # closed windows stay as they were judged
    assert house.current("emission.outlet_hour", "w", Period.HOUR, NOON).status is Status.ATTAINS
    house.room.rejudge("w", NOON, NOON + HOUR)
    (verdict,) = house.run()
    assert (verdict.status, verdict.limit) == (Status.EXCEEDS, "40")
    house.records.delete("permit_limit", house.limit.id, SYSTEM)
    house.room.records_changed("permit_limit", house.limit.id)
    house.send("w", Period.HOUR, NOON + HOUR, cod_cr=45)
    house.clock.seconds = NOON + 2 * HOUR + 5
    assert house.run() == []


def test_asking_a_judge_stores_nothing(house):
    house.send("w", Period.HOUR, NOON, cod_cr=62, touch=False)
    house.readings.flush()
    verdict = house.room.judge_now("emission.outlet_hour", "w", window_of(Period.HOUR, NOON))
    assert (verdict.status, verdict.id) == (Status.EXCEEDS, 0)
    assert house.current("emission.outlet_hour", "w", Period.HOUR, NOON) is None


def test_what_the_house_could_not_take_is_told_again_in_order(house):
    house.clock.seconds = NOON + 2 * HOUR + 5
    house.break_telling = True
    house.send("w", Period.HOUR, NOON, cod_cr=62)
    house.send("w", Period.HOUR, NOON + HOUR, cod_cr=40)
    assert house.run() == []
    assert house.room.state()["untold"] == 2
    assert "could not take" in house.room.state()["problems"][-1]["problem"]
    house.break_telling = False
    assert [v.figure for v in house.run()] == ["62.0", "40.0"]


def test_one_judge_that_fails_does_not_stop_the_others(house):
    def broken(given):
        raise ZeroDivisionError("the table has a hole")

    bad = Judge("x.broken", "坏", "broken", ("water_outlet",), Period.HOUR, (Period.HOUR,), (Stat.AVG,), broken)
    house.room = house.new_room(judges=(bad, *judges().values()))
    house.clock.seconds = NOON + HOUR + 5
    house.send("w", Period.HOUR, NOON, cod_cr=62)
    assert [v.judge for v in house.run()] == ["emission.outlet_hour"]
    assert house.room.state()["problems"][0]["problem"] == "the table has a hole"
    assert house.room.state()["failed"] == 1


def test_a_store_that_fails_loses_no_mark(house, monkeypatch):
    house.clock.seconds = NOON + HOUR + 5
    house.send("w", Period.HOUR, NOON, cod_cr=62)
    with monkeypatch.context() as patch:
        patch.setattr(house.verdicts, "add", lambda verdicts: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            house.room.run(settled=False)
    assert [v.figure for v in house.run()] == ["62.0"]


def test_unknown_sites_and_other_kinds_are_left_alone(house):
    house.clock.seconds = NOON + HOUR + 5
    house.room.touch(Arrival("nowhere", "x", Period.HOUR, NOON, 0))
    assert house.run() == []
    assert house.room.state()["judged"] == 0


def test_a_kill_loses_no_window(house):
    """Data arrives and is stored, the node dies before judging; another room finds and judges it."""
    house.clock.seconds = NOON + HOUR + 5
    house.send("w", Period.HOUR, NOON, cod_cr=40)
    house.run()
    assert house.kv.get(SPACE, WATERMARK) == house.clock.now()
    house.clock.seconds = NOON + 2 * HOUR + 5
    house.send("w", Period.HOUR, NOON + HOUR, cod_cr=62)  # touched, never run
    for n in range(5):
        house.send("b", Period.MINUTE, NOON + HOUR + 600 * n, nh3_n="1.2")
    house.readings.flush()
    house.room = house.new_room()
    house.clock.seconds = NOON + 5 * HOUR  # the node was down when hours closed
    assert house.room.recover() > 0
    told = {(v.judge, v.window.start): v.figure for v in house.run()}
    assert told["emission.outlet_hour", NOON + HOUR] == "62.0"
    assert told["water.section_class", NOON + HOUR] == "4"
    assert ("emission.outlet_hour", NOON) not in told  # judged before: the same again is not stored
    house.room = house.new_room()
    house.room.recover()
    assert house.run() == []


def test_recovery_finds_days_that_closed_meanwhile(house):
    midnight = NOON - 12 * HOUR
    house.clock.seconds = midnight + 23 * HOUR + 5
    house.kv.set(SPACE, WATERMARK, house.clock.now())
    for n in range(23):
        house.send("b", Period.HOUR, midnight + n * HOUR, touch=False, nh3_n="0.8")
    house.readings.flush()
    house.clock.seconds = midnight + 30 * HOUR
    house.room.recover()
    days = [v for v in house.run() if v.judge == "water.section_class_day"]
    assert [(v.window.start, v.figure) for v in days] == [(midnight, "3")]


def test_bulk_and_single_reading_agree(house):
    """A store without bulk columns gives the same verdicts."""

    class Plain:
        def __init__(self, store) -> None:
            self.read, self.latest, self.flush = store.read, store.latest, store.flush

    house.clock.seconds = NOON + HOUR + 5
    for n in range(6):
        house.send("b", Period.MINUTE, NOON + 600 * n, nh3_n="1.2", cod_mn=3)
    house.send("b", Period.HOUR, NOON, tp="0.15")
    house.readings.flush()
    bulk = house.room.judge_now("water.section_class", "b", window_of(Period.HOUR, NOON))
    store, house.readings = house.readings, Plain(house.readings)
    plain = house.new_room().judge_now("water.section_class", "b", window_of(Period.HOUR, NOON))
    house.readings = store
    assert bulk == plain
    assert {item.factor: item.figure for item in bulk.items} == {"nh3_n": "1.20", "tp": "0.15", "cod_mn": "3.0"}


def test_coalescing_judges_a_burst_once(house):
    house.room = house.new_room()
    house.room.pace = Pace(arrival_interval_s=60, settle_s=0, late_settle_s=0)
    house.clock.seconds = NOON + 30
    house.send("w", Period.REALTIME, NOON, Stat.RTD, cod_cr=40)
    assert house.room.run() == 1
    for n in range(20):
        house.send("w", Period.REALTIME, NOON + 1 + n, Stat.RTD, cod_cr=60 + n)
    assert house.room.run() == 0  # its turn comes a minute after the last
    assert house.room.state()["ready"] == 1
    assert house.room.settle() == 1
    assert house.room.now_verdicts()["w", "emission.outlet_now"].figure == "79.0"


def test_a_night_is_judged_in_one_piece(tmp_path):
    """A judge with shifted windows gets 22 h to 6 h in one window, whichever side of midnight the data came for."""
    seen = []

    def note(given):
        seen.append((given.window.start, [(row.time, row.value) for row in given.readings]))

    night = Judge("test.night", "夜间", "night", ("water_section",), Period.DAY, (Period.HOUR,), (Stat.AVG,), note,
                  offset_s=12 * HOUR)  # fmt: skip
    house = House(tmp_path)
    room = house.new_room(judges=(night,))
    house.room = room
    eve, dawn = at(2026, 11, 20, 22), at(2026, 11, 21, 5)
    house.send("b", Period.HOUR, eve, ph=7)
    house.send("b", Period.HOUR, dawn, ph=8)
    house.run()
    start = at(2026, 11, 20, 12)
    assert seen == [(start, [(eve, Decimal(7)), (dawn, Decimal(8))])]


def test_the_day_of_the_editions_is_that_of_the_data_unless_asked_otherwise():
    window = window_of(Period.HOUR, at(2026, 2, 28, 23))
    given = JudgeInput(SITES["a"], window, ())
    assert given.day == date(2026, 2, 28)
    assert replace(given, as_on=date(2031, 1, 1)).day == date(2031, 1, 1)


def test_back_fill_of_long_ago_lets_live_windows_go_first(house):
    """The order in which windows are judged when a month of history and the last hour wait together."""
    house.clock.seconds = NOON + HOUR + 5
    for day in range(3, 33):
        house.send("b", Period.HOUR, NOON - day * 24 * HOUR, cod_mn=3)
    house.send("b", Period.HOUR, NOON, cod_mn=3)
    starts = [one.window.start for one in house.run() if one.judge == "water.section_class"]
    assert starts[0] == NOON
    assert starts[1:] == sorted(starts[1:])
    assert len(starts) == 31


def test_marked_windows_are_judged_again_and_counted_until_they_are(house):
    house.clock.seconds = NOON + HOUR + 5
    house.send("w", Period.HOUR, NOON, cod_cr=45)
    house.run()
    assert house.current("emission.outlet_hour", "w", Period.HOUR, NOON).status is Status.ATTAINS
    house.records.update("permit_limit", house.limit.id, {"limit": "40"}, SYSTEM)
    house.room.records_changed("permit_limit", house.limit.id)
    house.run()
    assert house.current("emission.outlet_hour", "w", Period.HOUR, NOON).status is Status.ATTAINS
    assert house.room.rejudge_windows(["emission.outlet_hour"], ["w"], NOON - HOUR, NOON + HOUR) == 1
    assert house.room.waits_for_again() == 1
    (again,) = house.run()
    assert (again.status, again.window.start) == (Status.EXCEEDS, NOON)
    assert house.room.waits_for_again() == 0


def test_old_days_are_read_once_and_judged_as_ever(tmp_path):
    """Back-fill of two days: each hour gets the verdict that asking for it alone gives, with a few reads in all."""
    house = House(tmp_path)
    first = at(2026, 10, 1)
    for hour in range(48):
        values = {"so2": 10, "no2": 20, "co": 1, "o3": 60 + hour, "pm10": 50, "pm2_5": 30 + hour}
        house.send("a", Period.HOUR, first + hour * HOUR, **values)
    asked = []
    read = house.readings.read_columns
    house.readings.read_columns = lambda series, start, end: asked.append((start, end)) or read(series, start, end)
    told = house.run()
    assert len([one for one in told if one.judge == "air.aqi_hour"]) == 48
    assert len([one for one in told if one.judge == "air.aqi_day"]) == 2
    assert len(asked) <= 6  # not one for each of the fifty windows
    for one in told:
        alone = house.room.judge_now(one.judge, one.subject, one.window)
        assert (alone.figure, alone.status, alone.items) == (one.figure, one.status, one.items)
