"""Kept windows: equal to those made from raw after whatever arrives in whatever order, and after a kill."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from jinyun.kernel.ports import MICRO, NO_VALUE, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat
from jinyun.methods import window_rules
from jinyun.methods.windows import Level, State
from jinyun.store.readings import DuckReadings
from jinyun.store.window_build import Knowledge, SiteFacts
from jinyun.store.windows import Windows

BOOK = window_rules.load(f"jinyun.domains.{name}" for name in ("air", "water", "emission", "noise", "warehouse"))
DAY = 1_775_059_200  # 2026-04-02T00:00 in China [s]
assert (DAY + 28800) % 86400 == 0
KINDS = {"air": "air_station", "out": "water_outlet", "noise": "noise_station", "river": "water_section"}
KEYS = [
    SeriesKey("air", "so2", Stat.AVG, Period.MINUTE),
    SeriesKey("air", "o3", Stat.AVG, Period.HOUR),
    SeriesKey("out", "cod_cr", Stat.AVG, Period.HOUR),
    SeriesKey("out", "wastewater_flow", Stat.AVG, Period.HOUR),
    SeriesKey("out", "cod_cr", Stat.COU, Period.HOUR),
    SeriesKey("noise", "leq", Stat.AVG, Period.MINUTE),
    SeriesKey("out", "ph", Stat.AVG, Period.DAY),
    SeriesKey("out", "cod_cr", Stat.MAX, Period.TEN_MINUTE),
    SeriesKey("river", "cod_mn", Stat.RTD, Period.REALTIME),
]
STEP = {Period.REALTIME: 30, Period.MINUTE: 60, Period.TEN_MINUTE: 600, Period.HOUR: 3600, Period.DAY: 86400}


def mean_energy(values):
    """Stands for the energy mean: exact, and not the arithmetic one."""
    return max(values) - (max(values) - min(values)) // 3


def knowledge(kinds=KINDS, **facts):
    return Knowledge(
        BOOK, lambda site: SiteFacts(kinds.get(site, ""), **facts), energy=mean_energy,
        limit_8h=lambda grade, day: 160 * MICRO,
    )  # fmt: skip


class Bench:
    """A store with its windows in one folder, opened and closed as one."""

    def __init__(self, folder, database, clock):
        self.folder, self.database, self.clock, self.received = folder, database, clock, 0
        self.open()

    def open(self, known=None):
        self.readings = DuckReadings(self.folder, self.database, clock=self.clock)
        self.ids = self.readings.series_ids(KEYS)
        self.windows = Windows(self.folder, self.readings, known or knowledge(), share=1)

    def close(self):
        self.windows.close()
        self.readings.close()

    def put(self, rows):
        """(series, time, value in units or None, flag), each a message of its own."""
        for series, at, value, flag in rows:
            self.received += 1
            micro = NO_VALUE if value is None else round(Fraction(str(value)) * MICRO)
            key = KEYS[series]
            self.readings.put(
                Block(
                    at, np.array([series], np.int32), np.array([micro], np.int64), np.array([flag], np.uint8),
                    self.received, Origin.LIVE, "MN", key.site, None, period=key.period,
                )
            )  # fmt: skip
        self.readings.flush()

    def day(self, dice, day=DAY, series=range(len(KEYS)), hours=24, missing=0.1):
        """Readings of a day, in order."""
        rows = []
        for one in series:
            step = STEP[KEYS[one].period]
            for at in range(day, day + max(hours * 3600, step), step):
                if dice.random() >= missing:
                    flag = dice.choice([0] * 17 + [2, 4, 10, 11])
                    rows.append((one, at, None if dice.random() < 0.01 else round(dice.uniform(0, 200), 3), flag))
        return sorted(rows, key=lambda row: row[1])


@pytest.fixture
def bench(tmp_path, sqlite, steady_clock):
    one = Bench(tmp_path / "node", sqlite, steady_clock)
    yield one
    one.close()


def test_windows_follow_the_readings_up_to_the_year(bench):
    start = DAY
    bench.put([(0, start + 60 * i, 10 + i % 2, 0) for i in range(24 * 60)])
    assert bench.windows.catch_up() > 0
    (hour, *hours) = bench.windows.read([0], Level.HOUR, start, start + 86400)[0]
    assert (len(hours), hour.exact, hour.state, hour.due) == (23, Fraction(21, 2), State.VALID, 60)
    (day,) = bench.windows.read([0], Level.DAY, start, start + 1)[0]
    assert (day.exact, day.valid, day.due, day.state) == (Fraction(21, 2), 24, 24, State.VALID)
    (month,) = bench.windows.read([0], Level.MONTH, start - 40 * 86400, start + 86400)[0]
    assert (month.valid, month.due, month.state) == (1, 30, State.FEW)
    (year,) = bench.windows.read([0], Level.YEAR, 0, start)[0]
    assert (year.valid, year.due, year.state) == (1, 365, State.FEW)
    (quarter,) = bench.windows.read([0], Level.QUARTER, 0, start)[0]
    assert (quarter.due, quarter.count) == (91, 1)
    assert bench.windows.catch_up() == 0  # nothing new: nothing made
    ten = bench.windows.read([0], Level.TEN_MINUTE, start, start + 3600)[0]
    assert [(w.start, w.valid, w.due) for w in ten] == [(start + 600 * i, 10, 10) for i in range(6)]


def test_only_what_was_touched_is_made_again(bench):
    bench.put([(0, DAY + 60 * i, 1, 0) for i in range(2 * 24 * 60)])
    bench.windows.catch_up()
    bench.put([(0, DAY + 60, 7, 0)])
    read = bench.windows.state()["rows_read"]
    assert bench.windows.catch_up() == len(bench.windows.affected(0, DAY + 60)) == 5  # hour, day, month, quarter, year
    assert bench.windows.state()["rows_read"] - read == 60
    (hour,) = bench.windows.read([0], Level.HOUR, DAY, DAY + 1)[0]
    assert hour.exact == Fraction(59 + 7, 60)


def test_what_a_reading_goes_into(bench):
    noon = DAY + 12 * 3600 + 60
    levels = lambda series, at: [(s, one.name, t - DAY) for s, one, t in bench.windows.affected(series, at)][:4]  # noqa: E731
    assert levels(1, noon)[:3] == [(1, "HOUR", 12 * 3600), (1, "DAY", 0), (1, "MAX_8H", 0)]
    assert levels(5, noon) == [(5, "HOUR", 12 * 3600), (5, "DAY", 0), (5, "LD", 0)]
    assert levels(5, DAY + 3600) == [(5, "HOUR", 3600), (5, "LN", -86400), (5, "DAY", 0)]  # the night before
    of_flow = {(s, one.name) for s, one, _ in bench.windows.affected(3, noon)}
    assert {(3, "HOUR"), (3, "DAY"), (2, "DAY"), (2, "MONTH")} <= of_flow
    assert (2, "HOUR") not in of_flow
    assert [one.name for _, one, _ in bench.windows.affected(6, noon)] == ["DAY", "MONTH", "QUARTER", "YEAR"]


def arrivals(bench, dice, days=2):
    """All that may come: in order, late, twice, corrected, with another flag."""
    rows = [row for n in range(days) for row in bench.day(dice, DAY + 86400 * n)]
    late = dice.sample(rows, len(rows) // 20)
    twice = dice.sample(rows, len(rows) // 50)
    corrected = [(s, t, round(dice.uniform(0, 90), 3), f) for s, t, _, f in dice.sample(rows, len(rows) // 30)]
    flagged = [(s, t, v, 2) for s, t, v, _ in dice.sample(rows, len(rows) // 40)]
    return [row for row in rows if row not in set(late)] + twice + late + corrected + flagged


@pytest.mark.parametrize(("seed", "days"), [(1, 2), (2, 1)])
def test_kept_windows_equal_those_made_from_raw(bench, seed, days):
    dice = random.Random(seed)
    rows = arrivals(bench, dice, days)
    while rows:
        size = dice.randint(1, 2500)
        bench.put(rows[:size])
        rows = rows[size:]
        if dice.random() < 0.8:
            bench.windows.catch_up()
        if dice.random() < 0.15:
            bench.readings.seal()
        if dice.random() < 0.1:
            bench.readings.compact("2030-01-01")
    told = bench.windows.rebuild()
    assert told["equal"], told
    assert int(told["levels"]["hour"]["kept"].split(":")[0]) > 150 * days
    assert int(told["levels"]["max_8h"]["kept"].split(":")[0]) == days
    assert bench.windows.rebuild([0, 5])["equal"]
    for series in range(len(KEYS)):  # made in memory: the same again
        for level in (Level.HOUR, Level.DAY, Level.MAX_8H, Level.LD, Level.LN, Level.MONTH, Level.YEAR):
            span = (DAY - 400 * 86400, DAY + 4 * 86400)
            kept = bench.windows.read([series], level, *span)
            assert kept == bench.windows.compute([series], level, *span), (series, level)


def test_a_window_that_was_changed_behind_its_back_is_found(bench):
    bench.put(bench.day(random.Random(5)))
    bench.windows.catch_up()
    with bench.windows._file.lent_cursor() as cursor:
        cursor.execute("UPDATE window_day SET valid = valid - 1 WHERE series = 0")
    told = bench.windows.rebuild()
    assert not told["equal"]
    assert told["levels"]["day"]["differing"] == 2
    bench.windows.mark([0])
    bench.windows.catch_up()
    assert bench.windows.rebuild()["equal"]


@pytest.mark.parametrize("how", ["reversed", "shuffled"])
def test_a_day_reversed_and_one_week_late_gives_the_same_windows(tmp_path, sqlite, steady_clock, how):
    dice = random.Random(8)
    benches = [Bench(tmp_path / name, sqlite, steady_clock) for name in ("a",)]
    (first,) = benches
    rows = first.day(dice)
    week = first.day(dice, DAY + 7 * 86400)
    first.put(rows + week)
    first.windows.catch_up()
    in_order = first.windows.digests()
    first.close()
    from jinyun.store.database import open_database

    database = open_database(tmp_path / "other.db")
    second = Bench(tmp_path / "b", database, steady_clock)
    second.put(week)
    second.windows.catch_up()
    second.readings.seal()
    late = rows[::-1] if how == "reversed" else dice.sample(rows, len(rows))
    for place in range(0, len(late), 2500):
        second.put(late[place : place + 2500])
        second.windows.catch_up()
    assert second.windows.digests() == in_order
    second.close()
    database.dispose()


def test_as_of_is_computed_from_what_was_known_then(bench):
    bench.put([(1, DAY + 3600 * i, 50, 0) for i in range(24)])
    bench.windows.catch_up()
    known = bench.received
    bench.put([(1, DAY, 74, 0)])
    bench.windows.catch_up()
    (now,) = bench.windows.read([1], Level.DAY, DAY, DAY + 1)[1]
    (then,) = bench.windows.compute([1], Level.DAY, DAY, DAY + 1, as_of=known)[1]
    assert (now.exact, then.exact) == (51, 50)
    (none,) = bench.windows.compute([1], Level.DAY, DAY, DAY + 1, as_of=12)[1]
    assert (none.valid, none.state) == (12, State.FEW)

    def without_first(rows):
        return rows.take(np.flatnonzero(rows.time > DAY))

    (what_if,) = bench.windows.compute([1], Level.DAY, DAY, DAY + 1, instead=without_first)[1]
    assert (what_if.valid, what_if.exact) == (23, 50)


def test_water_is_weighted_by_the_flow_that_comes_later(bench):
    bench.put([(2, DAY + 3600 * i, 10 + i, 0) for i in range(24)])
    bench.windows.catch_up()
    (plain,) = bench.windows.read([2], Level.DAY, DAY, DAY + 1)[2]
    assert plain.exact == Fraction(sum(range(10, 34)), 24)
    bench.put([(3, DAY + 3600 * i, 1 if i else 25, 0) for i in range(24)])
    bench.windows.catch_up()
    (day,) = bench.windows.read([2], Level.DAY, DAY, DAY + 1)[2]
    assert day.exact == Fraction(10 * 25 + sum(range(11, 34)), 48)
    assert bench.windows.rebuild()["equal"]


def test_eight_hours_days_and_nights(bench):
    bench.put([(1, DAY + 3600 * i, 10 * i, 0) for i in range(24)])
    bench.put([(5, DAY + 60 * i, 50, 0) for i in range(31 * 60)])
    bench.windows.catch_up()
    (ozone,) = bench.windows.read([1], Level.MAX_8H, DAY, DAY + 1)[1]
    assert (ozone.exact, ozone.valid) == (Fraction(sum(10 * i for i in range(16, 24)), 8), 17)
    moving = bench.windows.read([1], Level.MOVING_8H, DAY, DAY + 86400)[1]
    assert [one.state for one in moving[:7]] == [State.FEW] * 5 + [State.VALID] * 2
    assert moving[-1].exact == ozone.exact
    assert (moving[-1].start, moving[-1].end) == (DAY + 16 * 3600, DAY + 86400)
    (ld,) = bench.windows.read([5], Level.LD, DAY, DAY + 1)[5]
    (ln,) = bench.windows.read([5], Level.LN, DAY, DAY + 1)[5]
    assert ((ld.valid, ld.due), (ln.valid, ln.due), ln.value) == ((16, 16), (8, 8), 50 * MICRO)
    real = bench.windows.as_part_of_date(ln, KEYS[5])
    assert (real.start - DAY, real.end - DAY) == (22 * 3600, 30 * 3600)


def test_a_start_takes_up_what_came_after_the_last_run(bench):
    dice = random.Random(3)
    bench.put(bench.day(dice))
    bench.windows.catch_up()
    bench.put(bench.day(dice, DAY + 86400))
    bench.close()
    bench.open()
    assert bench.windows.state()["behind"] > 0
    assert bench.windows.rebuild()["equal"]


def test_other_rules_or_another_kind_of_site_make_windows_again(bench):
    bench.put([(8, DAY + 3600 * i, 5, 0) for i in range(24)])
    bench.windows.catch_up()
    (day,) = bench.windows.read([8], Level.DAY, DAY, DAY + 1)[8]
    assert day.state is State.VALID  # a river: one reading of an hour is enough
    bench.close()
    bench.open(knowledge({**KINDS, "river": "air_micro"}))
    bench.windows.catch_up()
    (hour, *_) = bench.windows.read([8], Level.HOUR, DAY, DAY + 1)[8]
    assert hour.state is State.FEW
    assert bench.windows.rebuild()["equal"]
    bench.close()
    lax = [replace(one, rule=replace(one.rule, least=1)) if one.rule.unit == "minute" else one for one in BOOK.entries]
    bench.open(replace(knowledge(), rules=window_rules.RuleBook(lax)))
    bench.windows.catch_up()
    assert bench.windows.read([8], Level.HOUR, DAY, DAY + 1)[8][0].state is State.VALID


def test_a_lost_or_torn_file_is_begun_anew(bench):
    bench.put(bench.day(random.Random(2), hours=3))
    bench.windows.catch_up()
    before = bench.windows.digests()
    bench.close()
    (bench.folder / "windows.duckdb").write_bytes(b"not a database at all" * 500)
    bench.open()
    bench.windows.catch_up()
    assert bench.windows.digests() == before


KILLED = """
import random, sys
sys.path[:0] = [{tests!r}]
from pathlib import Path
import importlib.util
spec = importlib.util.spec_from_file_location("w", {this!r}); w = importlib.util.module_from_spec(spec)
sys.modules["w"] = w; spec.loader.exec_module(w)
from jinyun.store.database import open_database
class C:
    at = 1
    def now(self): return self.at
folder = Path({folder!r})
bench = w.Bench(folder, open_database(folder / "db.sqlite"), C())
dice = random.Random(int(sys.argv[1]))
rows = w.arrivals(bench, dice, 1)
print("ready", flush=True)
while rows:
    bench.put(rows[:200]); rows = rows[200:]
    print(len(rows), flush=True)
    bench.windows.catch_up()
    if dice.random() < .2: bench.readings.seal()
"""


def test_killed_at_any_moment_windows_come_true_again(tmp_path, steady_clock):
    folder = tmp_path / "killed"
    folder.mkdir()
    text = textwrap.dedent(KILLED).format(tests=os.path.dirname(__file__), this=__file__, folder=str(folder))
    dice = random.Random(4)
    for seed in range(2):
        child = subprocess.Popen(
            [sys.executable, "-c", text, str(seed)], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )  # fmt: skip
        assert child.stdout.readline().strip() == "ready"
        for _ in range(dice.randint(2, 8)):  # then at some moment of putting, keeping or sealing
            child.stdout.readline()
        time.sleep(dice.uniform(0, 0.3))
        child.send_signal(signal.SIGKILL)
        child.stdout.close()
        child.wait()
    from jinyun.store.database import open_database

    database = open_database(folder / "db.sqlite")
    bench = Bench(folder, database, steady_clock)
    told = bench.windows.rebuild()
    bench.close()
    database.dispose()
    assert told["equal"], told
    assert int(told["levels"]["hour"]["kept"].split(":")[0]) > 0
