"""Kept windows foreseen: what a preview says is what they become, whatever is edited and however far they lag."""

import random

import numpy as np
import pytest

from jinyun.kernel.ports import MICRO, NO_VALUE, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat
from jinyun.methods import window_rules
from jinyun.methods.windows import Level, State
from jinyun.store import window_foresee
from jinyun.store import window_source as source
from jinyun.store.query import Found
from jinyun.store.readings import DuckReadings
from jinyun.store.window_build import Knowledge, SiteFacts
from jinyun.store.window_tables import KEPT
from jinyun.store.windows import Windows

BOOK = window_rules.load(f"jinyun.domains.{name}" for name in ("air", "water", "emission", "noise", "warehouse"))
DAY = 1_774_886_400  # 2026-03-31T00:00 in China, the last day of a quarter [s]
assert (DAY + 28800) % 86400 == 0
KINDS = {"air": "air_station", "out": "water_outlet", "noise": "noise_station"}
KEYS = [
    SeriesKey("air", "so2", Stat.AVG, Period.TEN_MINUTE),
    SeriesKey("air", "o3", Stat.AVG, Period.HOUR),
    SeriesKey("out", "cod_cr", Stat.AVG, Period.HOUR),
    SeriesKey("out", "wastewater_flow", Stat.AVG, Period.HOUR),
    SeriesKey("noise", "leq", Stat.AVG, Period.TEN_MINUTE),
    SeriesKey("out", "ph", Stat.AVG, Period.DAY),
]
STEP = {Period.TEN_MINUTE: 600, Period.HOUR: 3600, Period.DAY: 86400}


class Bench:
    def __init__(self, folder, database, clock):
        self.readings = DuckReadings(folder, database, clock=clock)
        self.readings.series_ids(KEYS)
        known = Knowledge(
            BOOK, lambda site: SiteFacts(KINDS[site]), energy=max,
            limit_8h=lambda grade, day: 160 * MICRO,
        )  # fmt: skip
        self.windows, self.received = Windows(folder, self.readings, known, share=1), 0

    def close(self):
        self.windows.close()
        self.readings.close()

    def put(self, rows):
        """(series, time, value in millionths, flag)."""
        for series, at, value, flag in rows:
            self.received += 1
            self.readings.put(
                Block(
                    at, np.array([series], np.int32), np.array([value], np.int64), np.array([flag], np.uint8),
                    self.received, Origin.LIVE, "MN", KEYS[series].site, None, period=KEYS[series].period,
                )
            )  # fmt: skip
        self.readings.flush()

    def days(self, dice, count):
        return [
            (one, at, round(dice.uniform(0, 200) * 1000) * 1000, 0)
            for one, key in enumerate(KEYS)
            for at in range(DAY, DAY + count * 86400, STEP[key.period])
            if dice.random() > 0.05
        ]

    def kept(self):
        """Every kept window by (series, level, start)."""
        return {
            (series, level, one.start): one
            for level in KEPT
            for series, found in self.windows.read(range(len(KEYS)), level, 0, 1 << 33).items()
            for one in found
        }


@pytest.fixture
def bench(tmp_path, sqlite, steady_clock):
    one = Bench(tmp_path / "node", sqlite, steady_clock)
    yield one
    one.close()


def found(rows):
    columns = zip(*((series, at, value, flag, (1 << 52) + n) for n, (series, at, value, flag) in enumerate(rows)),
                  strict=True)  # fmt: skip
    return Found(*(np.array(one, np.int64) for one in columns))


def edits(dice, rows):
    """A stretch, single readings, some where there was none; the last of a place that comes twice counts."""
    series = dice.randrange(len(KEYS))
    mine = sorted(row for row in rows if row[0] == series)
    first = dice.randrange(len(mine))
    chosen = mine[first : first + dice.choice((1, 3, 40))] + dice.sample(rows, 2)
    made = [
        (s, at, *dice.choice(((round(dice.uniform(0, 400)) * MICRO, 0), (v, 2), (NO_VALUE, 0), (v, f))))
        for s, at, v, f in chosen
    ]
    return [*made, (series, mine[-1][1] + STEP[KEYS[series].period], 5 * MICRO, 0)]


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_foreseen_is_what_they_become(bench, seed):
    dice = random.Random(seed)
    rows = bench.days(dice, 3)
    bench.put(rows)
    bench.windows.catch_up()
    seen = set()
    for number in range(25):
        made = edits(dice, rows)
        lagging = dice.random() < 0.4
        if lagging:  # something came that the kept windows have not taken up yet
            bench.put(edits(dice, rows))
        told = bench.windows.foresee(found(made))
        if lagging:
            bench.windows.catch_up()
        before = bench.kept()
        bench.put(made)
        bench.windows.catch_up()
        after = bench.kept()
        differs = {cell for cell in before.keys() | after.keys() if before.get(cell) != after.get(cell)}
        assert {(one.series, one.level, one.start) for one in told.changes} == differs, number
        for one in told.changes:
            cell = one.series, one.level, one.start
            assert (one.was, one.would) == (before.get(cell), after.get(cell))
        seen |= {one.level for one in told.changes}
        if dice.random() < 0.2:
            bench.readings.seal()
    assert seen == set(KEPT)
    assert bench.windows.rebuild()["equal"]


def test_a_year_is_made_of_kept_days_and_the_changed_one(bench, monkeypatch):
    real = source.read_windows
    bench.put([(1, DAY - 3600 * n, 50 * MICRO, 0) for n in range(24 * 30)])
    bench.windows.catch_up()
    read = []
    monkeypatch.setattr(source, "read_windows", lambda *asked: read.append(real(*asked)) or read[-1])
    told = bench.windows.foresee(found([(1, DAY - 240 * 3600, 74 * MICRO, 0)]))
    assert sum(len(one) for one in read) == 1  # its own hour, and no other reading
    by_level = {one.level: one for one in told.changes}
    assert list(by_level) == [Level.YEAR, Level.QUARTER, Level.MONTH, Level.DAY, Level.MAX_8H, Level.HOUR]
    assert by_level[Level.DAY].would.exact - by_level[Level.DAY].was.exact == 1
    assert by_level[Level.YEAR].would.state is State.FEW


def test_windows_too_far_behind_are_not_guessed(bench, monkeypatch):
    bench.put([(1, DAY + 3600 * n, 50 * MICRO, 0) for n in range(48)])
    monkeypatch.setattr(window_foresee, "MOST_PENDING", 10)
    told = bench.windows.foresee(found([(1, DAY, 74 * MICRO, 0)]))
    assert (told.known, list(told.changes)) == (False, [])
    bench.windows.catch_up()
    assert bench.windows.foresee(found([(1, DAY, 74 * MICRO, 0)])).known
    bench.windows.mark([1])  # to be made again: what is kept does not count
    assert not bench.windows.foresee(found([(1, DAY, 74 * MICRO, 0)])).known
    assert bench.windows.foresee(Found(*(np.empty(0, np.int64) for _ in range(5)))).known
