"""Retention drops whole files and says which; open cases hold; the forecast; a full disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time

import pytest
from cared import OUTLET_MN, ROWS, digests
from live import Live, register

from jinyun.app.assemble import House
from jinyun.app.care.forecast import Sample, forecast
from jinyun.app.care.holds import holds
from jinyun.app.care.rules import defaults, retention_of
from jinyun.app.care.verify import verify_house
from jinyun.app.care.watch import thinned
from jinyun.app.settings import Settings
from jinyun.kernel.conditions import TRUE
from jinyun.kernel.errors import BadInput, NotFound
from jinyun.kernel.ports import SYSTEM
from jinyun.sense.hj212 import compose

DAY = 86_400
DAY_US = DAY * 1_000_000
GB = 10**9


@pytest.fixture
def open_house(filled, tmp_path):
    shutil.copytree(filled, tmp_path / "var")
    (tmp_path / "var" / "jinyun.toml").unlink()
    opened = []

    def go(**settings):
        house = House(Settings.load(tmp_path / "var", http_port=0, hj212_port=0, **settings))
        opened.append(house)
        return house

    yield go
    for house in opened:
        house.close()


def without_cases(house):
    """Close what holds: the data stays."""
    with house.database.begin() as connection:
        connection.exec_driver_sql("UPDATE record SET state = 'closed' WHERE type = 'case'")
        connection.exec_driver_sql("UPDATE record SET state = 'ended' WHERE type = 'alarm'")


def test_old_segments_go_as_a_whole_and_the_ledger_says_which(open_house):
    house = open_house(retention={"journal": 1})
    without_cases(house)
    before = {one.number: one for one in house.journal.segments()}
    raw = {str(ref): one for ref, one in house.journal.scan()}
    readings = digests(house)["readings"]
    gone = house.care.retention.run()
    left = house.journal.segments()
    stored = house.readings.committed()
    # all but those not yet stored or still open: the data are months old
    assert {one.number for one in left} == {n for n, one in before.items() if n >= stored.segment or not one.sealed}
    assert {one.path for one in gone} == {f"journal/segment-{n:08d}.jz" for n in before if n < stored.segment}
    assert {one.sha256 for one in gone} == {before[n].sha256 for n in before if n < stored.segment}
    ledger = house.care.retention.ledger
    assert sorted(one.path for one in ledger.find()) == sorted(one.path for one in gone)
    assert all(one.reason == "age" and one.dropped_at > 0 and one.rows > 0 for one in ledger.find())
    assert digests(house)["readings"] == readings  # readings are another class
    for ref, message in house.journal.scan():
        assert raw[str(ref)] == message
    first = next(iter(raw))
    from jinyun.sense.hj212.recovery import reference

    with pytest.raises(NotFound, match="not kept any more"):
        house.journal.read(reference(first))
    assert verify_house(house, everything=True).problems == []
    assert house.care.retention.run() == []


def test_old_days_of_readings_go_as_files_and_their_manifest_rows_stay(open_house):
    house = open_house(retention={"readings": 1})
    without_cases(house)
    rows, frames = house.readings.sealed_files().rows, house.readings.sealed_files().frames
    assert rows
    assert frames
    gone = house.care.retention.run()
    assert {one.path for one in gone} == {f"sealed/{one.path}" for one in (*rows, *frames)}
    view = house.readings.sealed_files()
    assert view.rows == view.frames == ()
    assert not list((house.settings.folder / "sealed").rglob("*.parquet"))
    with house.database.connect() as connection:
        kept = connection.exec_driver_sql("SELECT path, state, sha256 FROM manifest").fetchall()
    assert {row[1] for row in kept} == {"dropped"}
    assert {row[2] for row in kept} == {one.sha256 for one in (*rows, *frames)}
    assert int(digests(house)["readings"].split(":")[0]) > 0  # what is not sealed is there
    every = range(len(house.readings.series_keys()))
    there = sum(len(house.readings.read_columns([one], 0, 1 << 40)) for one in every)
    assert house.readings.counts.total() == house.readings.pages.count(None, TRUE) == there > 0
    report = verify_house(house, everything=True)
    assert report.problems == []  # evidence beyond retention is no fault
    assert report.counts["readings_beyond_retention"] > 0
    folder = house.settings.folder
    house.close()
    (folder / "sealed" / rows[0].path).parent.mkdir(parents=True, exist_ok=True)
    (folder / "sealed" / rows[0].path).write_bytes(b"a kill came between ledger and unlink")
    again = open_house()
    assert not (folder / "sealed" / rows[0].path).exists()
    assert again.readings.sealed_files().sealed == view.sealed


def test_open_cases_hold_their_days_and_segments(open_house):
    house = open_house(retention={"readings": 1, "journal": 1})
    without_cases(house)
    days = {one.day for one in house.readings.sealed_files().rows}
    assert len(days) >= 2
    verdict = house.verdicts.find(subject="o1", judge="emission.outlet_hour", limit=500)[-1]  # the oldest
    refs = [ref for item in verdict.items for ref in item.readings]
    assert refs
    data = {"title": "超标", "kind": "outlet_exceedance", "subject": "o1", "verdict_open": verdict.id}
    case = house.records.create("case", data, SYSTEM)
    held = holds(house)
    assert held.days.keys() == {time.strftime("%Y-%m-%d", time.gmtime(refs[0].time + 28_800))}
    [segment] = held.segments
    assert held.as_dict()["days"][next(iter(held.days))] == [f"case {case.id}"]
    house.care.retention.run()
    assert {one.day for one in house.readings.sealed_files().rows} == set(held.days)
    assert segment in {one.number for one in house.journal.segments()}
    for ref in refs:
        [version] = [one for one in house.readings.versions(ref.series, ref.time) if one.seq == ref.seq]
        raw = house.journal.read(house.readings.frame(version.frame).ref)  # down to the raw message
        assert OUTLET_MN in raw.data.decode()
    assert verify_house(house, everything=True).problems == []
    without_cases(house)
    house.care.retention.run()
    assert not house.readings.sealed_files().rows
    assert not house.readings.sealed_files().frames


def test_what_is_not_stored_yet_is_never_dropped(open_house):
    house = open_house(retention={"journal": 1})
    without_cases(house)
    numbers = [one.number for one in house.journal.segments()]
    assert house.journal.drop(numbers, None) == []
    assert [one.number for one in house.journal.segments()] == numbers


def test_settings_of_retention(tmp_path):
    kept = retention_of(Settings(folder=tmp_path, journal_days=10, retention={"readings": 3650, "journal_least": 30}))
    assert kept["journal"].days == 10
    assert kept["journal"].least_days == 10  # never more than it is kept at all
    assert kept["readings"].days == 3650
    assert retention_of(Settings(folder=tmp_path, retention={"journal": 0}))["journal"].days is None
    with pytest.raises(BadInput, match="never dropped"):
        retention_of(Settings(folder=tmp_path, retention={"records": 1}))
    with pytest.raises(BadInput, match="whole days"):
        retention_of(Settings(folder=tmp_path, retention={"journal": "long"}))


# --- forecast ---------------------------------------------------------------------------------------------------------


def samples(days, *, per_day, free, dropped_per_day=0, total=1000 * GB, other=0):
    """One a day; `per_day` [B] by class."""
    found = []
    for day in range(days):
        sizes = {name: rate * day - dropped_per_day * day for name, rate in per_day.items()}
        used = sum(sizes.values()) + other * day
        found.append(Sample(day * DAY_US, free - used, total, sizes, {"journal": dropped_per_day * day}))
    return found


def test_forecast_of_steady_growth():
    # 4 GB a day journal, 1 GB a day readings, 100 GB free at the last sample: 100 / 5 = 20 days
    at_end = samples(8, per_day={"journal": 4 * GB, "readings": GB}, free=100 * GB + 7 * 5 * GB)
    ahead = forecast(at_end, {}, {})
    assert ahead.days_left == 20
    assert ahead.level == "warn"
    assert ahead.full_on == "1970-01-28"  # the last sample is of 1970-01-08
    assert ahead.per_day["journal"] == pytest.approx(4 * GB)
    assert not ahead.rough


def test_forecast_knows_that_the_journal_stops_growing():
    keep = dict(defaults())
    kept = samples(8, per_day={"journal": 4 * GB, "readings": GB}, free=500 * GB + 7 * 5 * GB)
    # journal of 400 days begun 300 days ago: 100 days at 5 GB fill 500 GB; begun 390 days ago: 10 at 5, then 1 a day
    assert forecast(kept, keep, {"journal": kept[-1].at - 300 * DAY_US}).days_left == 100
    assert forecast(kept, keep, {"journal": kept[-1].at - 390 * DAY_US}).days_left == 10 + 450


def test_forecast_counts_gross_growth_and_others():
    kept = samples(8, per_day={"journal": 4 * GB}, free=100 * GB, dropped_per_day=3 * GB)
    assert forecast(kept, {}, {}).per_day["journal"] == pytest.approx(4 * GB)  # though its size grows by 1 GB a day
    strangers = samples(8, per_day={"readings": GB}, free=100 * GB, other=9 * GB)
    assert forecast(strangers, {}, {}).per_day["others"] == pytest.approx(9 * GB)


def test_one_large_import_does_not_bend_it():
    kept = samples(15, per_day={"readings": GB}, free=900 * GB)
    kept = [
        Sample(s.at, s.free - 200 * GB * (n > 12), s.total, {"readings": s.sizes["readings"] + 200 * GB * (n > 12)}, {})
        for n, s in enumerate(kept)
    ]
    assert forecast(kept, {}, {}).per_day["readings"] == pytest.approx(GB, rel=0.5)


def test_forecast_without_enough_and_without_growth():
    assert forecast([], {}, {}).level == "unknown"
    assert forecast(samples(1, per_day={"readings": GB}, free=GB), {}, {}).level == "unknown"
    still = forecast(samples(8, per_day={"readings": 0}, free=GB), {}, {})
    assert (still.level, still.days_left) == ("ok", None)
    assert forecast(samples(2, per_day={"readings": GB}, free=2 * GB), {}, {}).level == "bad"


def test_samples_are_thinned():
    now = 100 * DAY_US
    kept = {}
    for hour in range(24 * 100):
        at = hour * 3_600_000_000
        key = time.strftime("%Y-%m-%dT%H", time.gmtime(at // 1_000_000))
        kept[key] = Sample(at, 0, 0, {}, {})
    left = kept.keys() - set(thinned(kept, now))
    assert 72 + 55 < len(left) <= 72 + 62
    assert min(kept[key].at for key in left) >= 40 * DAY_US


def test_facts_come_and_go(open_house, monkeypatch):
    house = open_house()
    told = []
    house.bus.taps.append(lambda event: told.append(event) if event.topic == "system" else None)
    room = [50 * GB, 1000 * GB]
    house.care._space = lambda: tuple(room)
    start = house.clock.now()
    now = [start]
    monkeypatch.setattr(house.clock, "now", lambda: now[0])
    for day in range(5):
        now[0] = start + day * DAY_US
        room[0] = 50 * GB - day * 5 * GB
        house.care.tick()
    ids = {one["id"]: one for one in house.care.state()["facts"]}
    assert ids["disk-forecast"]["level"] == "bad"  # 30 GB left at 5 GB a day of others
    assert house.care.forecast.days_left == 5
    assert told
    room[0] = house.care.low_bytes - 1
    house.care.tick()
    assert "disk-low" in {one["id"] for one in house.care.state()["facts"]}
    room[0] = 900 * GB
    now[0] += DAY_US
    house.care.tick()
    assert "disk-low" not in {one["id"] for one in house.care.state()["facts"]}


def test_shedding_takes_halves_then_the_oldest_raw_messages_down_to_the_least_days(open_house):
    house = open_house(retention={"journal_least": 30})  # the data are months old by the system's clock
    without_cases(house)
    half = house.settings.folder / "sealed" / "rows-1.parquet.tmp"
    half.write_bytes(b"x" * 100_000)
    os.utime(half, (time.time() - 3600,) * 2)
    young = house.settings.folder / "sealed" / "rows-2.parquet.tmp"
    young.write_bytes(b"y")
    house.care._space = lambda: (0, 100 * GB)  # nothing left, whatever is dropped
    assert house.care.shed() > 0
    assert not half.exists()
    assert young.exists()  # somebody may be writing it
    gone = house.care.retention.ledger.find()
    assert gone
    assert {one.reason for one in gone} == {"disk"}
    stored = house.readings.committed()
    assert all(one.number >= stored.segment or not one.sealed for one in house.journal.segments())
    young.unlink()
    assert verify_house(house, everything=True).problems == []


# --- a disk that is full ----------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 48 MB of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill_up(place, leave=0):
    """Fill the disk but for `leave` bytes."""
    space = os.statvfs(place)
    path = place / "filler"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (max(0, space.f_bavail * space.f_frsize - leave), *([4096] * 50 if not leave else [])):
            left = size
            while left > 0:
                left -= os.write(fd, bytes(min(left, 1 << 20)))
    except OSError:
        assert not leave
    finally:
        os.close(fd)
    return path


def ask(node, at, value, *, timeout):
    """Send one reading; whether it was acknowledged within `timeout` s."""
    [frame] = compose.upload(
        "2061", mn=OUTLET_MN, st="32", items=[compose.item("w01018", "N", Avg=value)], time=at,
        qn=compose.qn_of(node.house.clock.now()),
    )  # fmt: skip
    with socket.create_connection(("127.0.0.1", node.hj212_port), timeout=10) as link:
        link.settimeout(timeout)
        link.sendall(frame)
        heard = b""
        try:
            while b"CN=9014" not in heard:
                got = link.recv(4096)
                if not got:
                    return False
                heard += got
        except TimeoutError:
            return False
    return True


@pytest.mark.parametrize("floor_mb", [8, 0])
def test_full_disk_refuses_keeps_what_it_acknowledged_and_goes_on_when_there_is_room(small_disk, floor_mb):
    folder = small_disk / "var"
    node = Live(folder, lambda house: register(house, ROWS), disk_floor_mb=floor_mb)
    acknowledged = {}
    try:
        at = int(time.time()) // 3600 * 3600 - 300 * 3600
        for hour in range(5):
            assert ask(node, at + hour * 3600, f"{60 + hour}.5", timeout=10)
            acknowledged[at + hour * 3600] = f"{60 + hour}.5"
        filler = fill_up(small_disk, leave=(floor_mb << 20) * 3 // 4)
        refused = 0
        for hour in range(5, 200):
            if ask(node, at + hour * 3600, f"{60 + hour}.5", timeout=1.0):
                acknowledged[at + hour * 3600] = f"{60 + hour}.5"
            else:
                refused += 1
                if refused >= 2:
                    break
        assert refused >= 2
        assert (
            "left on the disk" in node.house.journal.state()["error"]
            or "No space" in node.house.journal.state()["error"]
        )
        if floor_mb:  # the floor's room is for what was acknowledged before: it is all stored
            node.house.readings.flush()
            assert node.house.readings.state()["error"] == ""
        client_sees = node.house.care.state()
        assert client_sees["free"] < (floor_mb << 20 or 1 << 20)
        filler.unlink()
        for hour in range(205, 210):
            end = time.monotonic() + 30
            while not ask(node, at + hour * 3600, f"{hour}.5", timeout=2):
                assert time.monotonic() < end, "it did not come back when there was room"
            acknowledged[at + hour * 3600] = f"{hour}.5"
        node.flush()
        check(node.house, acknowledged)
    finally:
        node.close()
    again = House(Settings.load(folder, http_port=0, hj212_port=0))
    try:
        asyncio.run(asyncio.to_thread(again.centre.replay))
        check(again, acknowledged)
        assert verify_house(again, everything=True).problems == []
    finally:
        again.close()


def check(house, acknowledged):
    """Each acknowledged reading is there, once; nothing else is."""
    kept = house.readings.read("o1", start=0, end=1 << 40)
    found = {one.time: str(one.value.normalize()) for one in kept if one.factor == "cod_cr" and one.stat.name == "AVG"}
    assert found == {time: str(value).rstrip("0").rstrip(".") for time, value in acknowledged.items()}
    raw = [one for _, one in house.journal.scan()]
    assert len(raw) >= len(acknowledged)


def test_a_broken_table_of_working_days_is_said_on_the_system_page(open_house, tmp_path):
    house = open_house()
    file = tmp_path / "var" / "china_workday_exceptions.csv"
    said = lambda: {one["id"]: one for one in house.care.state()["facts"]}  # noqa: E731
    house.care.tick()
    assert "work-calendar" not in said()
    file.write_text("date,kind\n2027-10-01,off\n")
    house.care.tick()
    told = said()["work-calendar"]
    assert told["level"] == "bad"
    assert "line 2" in told["zh"]
    file.write_text("date,kind\n2027-10-01,holiday\n")
    house.care.tick()
    assert "work-calendar" not in said()
