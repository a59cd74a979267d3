"""Readers, seals and merges never hold up taking in: only the queue's own back-pressure does."""

import threading
from decimal import Decimal

import numpy as np
import pytest

from jinyun.kernel.ports import MICRO, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat
from jinyun.store.readings import DuckReadings

DAY = 1_767_225_600 - 28_800  # 2026-01-01T00:00 in China [s]
SERIES = 40
KEYS = [SeriesKey("s1", f"f{n}", Stat.AVG, Period.MINUTE) for n in range(SERIES)]


@pytest.fixture
def store(tmp_path, sqlite, steady_clock, monkeypatch):
    monkeypatch.setattr("jinyun.store.rollups.PART_ROWS", 5_000)
    monkeypatch.setattr("jinyun.store.rollups.PERCENTILE_ROWS", 5_000)
    one = DuckReadings(tmp_path / "r", sqlite, clock=steady_clock)
    one.series_ids(KEYS)
    yield one
    one.close()


def put(store, minutes, value=None):
    """Every series once a minute; the value is the minute unless given."""
    for minute in minutes:
        values = np.full(SERIES, (minute if value is None else value) * MICRO, np.int64)
        store.put(
            Block(DAY + 60 * minute, np.arange(SERIES, dtype=np.int32), values, np.zeros(SERIES, np.uint8), 1 + minute,
                  Origin.LIVE, "MN1", "s1", None, period=Period.MINUTE)
        )  # fmt: skip


def total(tables):
    """(sum, count) of rolled-up tables."""
    rows = [row for table in tables for row in table.to_pylist()]
    return sum((row["total"] for row in rows), Decimal(0)), sum(row["count"] for row in rows)


def test_a_reader_in_the_middle_holds_up_neither_commits_nor_seals_nor_merges(store):
    put(store, range(600))
    store.flush()
    store.seal()
    before = (Decimal(SERIES * sum(range(600))), SERIES * 600)
    rolling = store.rollup(DAY, DAY + 86_400)
    first = next(rolling)  # from here on the reader holds its state of the store
    assert 0 < first.num_rows < SERIES * 10
    put(store, range(600, 700))
    put(store, range(100), value=7000)  # and corrections of what it reads
    store.flush()
    assert store.seal() == SERIES * 200
    assert store.compact("2026-01-02") == 2
    put(store, range(700, 710))
    store.flush()
    assert total([first, *rolling]) == before  # one state throughout, its files kept although they were merged
    after = SERIES * (100 * 7000 + sum(range(100, 710)))
    assert total(store.rollup(DAY, DAY + 86_400)) == (after, SERIES * 710)
    assert store.verify() == []


def test_taking_in_goes_on_under_heavy_readers_seals_and_merges(store, monkeypatch):
    put(store, range(500))
    store.flush()
    waits, wrong = [], []
    monkeypatch.setattr(store.intake, "_wait_for_room", lambda: waits.append(store.backlog))
    stop, looks = threading.Event(), [0, 0]

    def read(number):
        most = 0
        while not stop.is_set():
            _, count = total(store.rollup(DAY, DAY + 86_400))
            values = sum(len(series) for series, _, _ in store.percentile(Decimal("0.95"), DAY, DAY + 86_400))
            if count < most or count % SERIES or values != SERIES:
                wrong.append((most, count, values))
            most = count
            looks[number] += 1

    def keep():
        while not stop.is_set():
            store.seal()
            store.compact("2026-01-02")

    threads = [threading.Thread(target=read, args=(n,)) for n in range(2)] + [threading.Thread(target=keep)]
    for one in threads:
        one.start()
    for start in range(500, 1400, 50):
        put(store, range(start, start + 50))
        store.flush()
    stop.set()
    for one in threads:
        one.join()
    assert (waits, wrong) == ([], [])
    assert min(looks) > 0
    assert total(store.rollup(DAY, DAY + 86_400)) == (SERIES * sum(range(1400)), SERIES * 1400)
    assert store.state()["error"] == ""
