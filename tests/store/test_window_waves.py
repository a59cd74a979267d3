"""Waves of touched hours, and runs that end after their time."""

import random
import time

import numpy as np

from jinyun.kernel.ports import MICRO, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat
from jinyun.methods import window_rules
from jinyun.methods.window_columns import starts
from jinyun.methods.windows import Level
from jinyun.store import windows as kept
from jinyun.store.readings import DuckReadings
from jinyun.store.window_build import Knowledge, SiteFacts
from jinyun.store.window_waves import Pace, Wave
from jinyun.store.windows import Windows

DAY = 1_775_059_200  # 2026-04-02T00:00 in China [s]
KEYS = [SeriesKey("air", f"f{n}", Stat.AVG, Period.HOUR) for n in range(30)]


def test_a_wave_gives_each_hour_once_oldest_date_first_and_parts_no_date_of_a_series():
    dice = random.Random(5)
    touched = [(dice.randrange(7), DAY + 3600 * dice.randrange(24 * 5)) for _ in range(900)]
    wave = Wave(0, 90)
    for first in range(0, 900, 100):
        assert not wave.ready
        part = np.array(touched[first : first + 100], np.int64)
        wave.add(part[:, 0], part[:, 1], first // 10 + 10)
    assert wave.ready
    assert len(wave) == len(set(touched))
    given, dates, size = [], [], dice.randrange(1, 40)
    while len(wave):
        series, hour = wave.take(size)
        assert len(series) >= min(size, 1)
        given += zip(series.tolist(), hour.tolist(), strict=True)
        dates.append(set(zip(starts(Level.DAY, hour).tolist(), series.tolist(), strict=True)))
    assert sorted(given) == sorted(set(touched))  # none twice
    days = starts(Level.DAY, np.array([hour for _, hour in given])).tolist()
    assert days == sorted(days)
    assert sum(map(len, dates)) == len(set().union(*dates))  # a date of a series is in one portion


def test_a_wave_ends_where_it_is_large_enough(monkeypatch):
    monkeypatch.setattr("jinyun.store.window_waves.WAVE_CELLS", 10)
    wave = Wave(0, 1000)
    wave.add(np.arange(5), np.full(5, DAY), 100)
    assert not wave.ready
    wave.add(np.arange(12), np.full(12, DAY), 200)
    assert (wave.ready, wave.upto, len(wave)) == (True, 200, 12)


def test_a_pace_grows_at_most_twofold_and_stays_in_its_bounds():
    pace = Pace(100, 50, 300, 0.2)
    sizes = []
    for seconds in (0.0, 0.001, 0.2, 0.4, 9.0, 9.0, 9.0):
        pace.took(seconds)
        sizes.append(pace.size)
    assert sizes == [200, 300, 300, 150, 75, 50, 50]


def store(tmp_path, database, clock, share):
    readings = DuckReadings(tmp_path, database, clock=clock)
    book = window_rules.load(["jinyun.domains.air", "jinyun.domains.warehouse"])
    return readings, Windows(
        tmp_path, readings, Knowledge(book, lambda _: SiteFacts("air_station")), share=share
    )  # fmt: skip


def put(readings, ids, hours, dice, factor=1):
    for hour in hours:
        values = np.array([dice.randrange(1, 90) * factor * MICRO for _ in ids], np.int64)
        readings.put(
            Block(
                DAY + 3600 * hour, ids, values, np.zeros(len(ids), np.uint8), hour + 1, Origin.LIVE, "MN", "air", None,
                period=Period.HOUR,
            )
        )  # fmt: skip
    readings.flush()


def test_a_run_ends_after_its_time_and_rests_and_what_waits_is_said(tmp_path, sqlite, steady_clock, monkeypatch):
    monkeypatch.setattr(kept, "BUDGET_S", 0.0)  # each run: nothing but one look, so take one portion by hand
    dice = random.Random(8)
    readings, windows = store(tmp_path, sqlite, steady_clock, share=1.0)
    ids = readings.series_ids(KEYS)
    put(readings, ids, range(48), dice)
    windows._hours = Pace(24, 24, 24, 1.0)
    told = windows.state()
    assert (told["behind"], told["waiting_since"]) == (48, 1)
    assert windows.run() == 0  # its time was over before it began
    assert windows.state()["behind"] == 48
    monkeypatch.setattr(kept, "BUDGET_S", 0.02)
    runs, left = 0, []
    while windows.state()["behind"]:
        windows._rest_until = 0.0
        windows.run()
        runs += 1
        left.append(windows.state()["hours_waiting"])
        assert runs < 2000
    assert runs > 3
    assert sorted(left, reverse=True) == left
    assert windows.state()["waiting_since"] is None
    assert windows.rebuild()["equal"]
    windows._share, windows._rest_until = 0.1, 0.0
    put(readings, ids, range(48, 60), dice)
    began = time.monotonic()
    windows.run()
    assert windows._rest_until > began  # rests ...
    seq = windows.state()["seq"]
    assert windows.run() == 0
    assert windows.state()["seq"] == seq
    windows.close()
    readings.close()


def test_what_comes_in_the_middle_of_a_wave_is_taken_up_by_the_next(tmp_path, sqlite, steady_clock):
    dice = random.Random(9)
    readings, windows = store(tmp_path, sqlite, steady_clock, share=1.0)
    ids = readings.series_ids(KEYS)
    put(readings, ids, range(48), dice)
    windows._hours = Pace(24, 24, 24, 1.0)
    with windows._lock:
        for _ in range(7):
            assert windows._some_wave()
            windows._portion(24)
        assert windows._wave is not None
        assert len(windows._wave) > 0
        put(readings, ids, range(40), dice, factor=2)  # corrections of what is made already, and of what waits
        windows.mark([int(ids[0])])
    assert windows.catch_up() > 0
    assert windows.state()["behind"] == 0
    assert windows.rebuild()["equal"]
    windows.close()
    # a start in the middle of a wave begins it again at the watermark
    put(readings, ids, range(60), dice, factor=3)
    book = window_rules.load(["jinyun.domains.air", "jinyun.domains.warehouse"])
    again = Windows(tmp_path, readings, Knowledge(book, lambda _: SiteFacts("air_station")), share=1.0)
    with again._lock:
        assert again._some_wave()
        again._portion(24)
        again._portion(24)
    again.close()
    last = Windows(tmp_path, readings, Knowledge(book, lambda _: SiteFacts("air_station")), share=1.0)
    assert last.state()["behind"] == 60
    last.catch_up()
    assert last.rebuild()["equal"]
    last.close()
    readings.close()
