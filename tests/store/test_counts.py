"""Maintained counts and first times of series: equal to counting, through versions, seals, restarts and kills."""

from __future__ import annotations

import numpy as np
import pytest

from jinyun.kernel.ports import MICRO, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat
from jinyun.store.counts import LATER
from jinyun.store.database import open_database
from jinyun.store.readings import DuckReadings

START = 1_767_225_600


def opened(folder):
    return DuckReadings(folder, open_database(folder / "records.sqlite"), commit_seconds=0.01)


def block(store, places, time, values):
    keys = [SeriesKey("site", f"f{place}", Stat.AVG, Period.HOUR) for place in places]
    series = store.series_ids(keys)
    return Block(
        time=time, series=series, values=np.array(values, np.int64) * MICRO, flags=np.zeros(len(places), np.uint8),
        received_at=time * MICRO, origin=Origin.LIVE, mn="mn", site="site", ref=None, period=Period.HOUR,
    )  # fmt: skip


def counted(store):
    count, first = store.counts.of(np.arange(3))
    return count.tolist(), first.tolist()


@pytest.fixture
def store(tmp_path):
    one = opened(tmp_path)
    yield one
    one.close()


def test_versions_repeats_and_late_rows(store):
    store.put(block(store, [0, 1], START + 3600, [1, 2]))
    store.put(block(store, [0, 1], START + 3600, [1, 3]))  # a repeat and a second version, same batch
    store.put(block(store, [0], START, [5]))  # earlier than the first
    store.flush()
    assert counted(store) == ([2, 1, 0], [START, START + 3600, LATER])
    store.put(block(store, [0], START, [6]))  # a late version of a late row
    store.put(block(store, [1], START, [6]))
    store.flush()
    assert counted(store) == ([2, 2, 0], [START, START, LATER])
    assert store.counts.total() == 4


def test_a_start_counts_what_came_after_the_last_seal(tmp_path):
    store = opened(tmp_path)
    for hour in range(5):
        store.put(block(store, [0, 1], START + hour * 3600, [hour, hour + 1]))
    store.flush()
    store.seal()
    store.put(block(store, [0, 1], START + 2 * 3600, [9, 9]))  # versions of sealed rows
    store.put(block(store, [1, 2], START - 3600, [1, 1]))  # new keys before them
    store.flush()
    expected = ([5, 6, 1], [START, START - 3600, START - 3600])
    assert counted(store) == expected
    store.close()
    again = opened(tmp_path)
    assert counted(again) == expected
    again.seal()
    again.compact("9999-01-01")
    again.close()
    once_more = opened(tmp_path)
    assert counted(once_more) == expected
    once_more.close()


def test_a_new_hot_file_is_counted_from_the_sealed_ones(tmp_path):
    store = opened(tmp_path)
    for hour in range(4):
        store.put(block(store, [0], START + hour * 3600, [hour]))
        store.put(block(store, [0], START + hour * 3600, [hour + 10]))
        store.flush()
    store.seal()
    store.close()
    for path in tmp_path.glob("hot.duckdb*"):
        path.unlink()
    again = opened(tmp_path)
    assert counted(again)[0] == [4, 0, 0]
    again.close()


def test_a_kill_between_manifest_and_trim_counts_once(tmp_path):
    store = opened(tmp_path)
    for hour in range(4):
        store.put(block(store, [0, 1], START + hour * 3600, [hour, 1]))
    store.flush()
    stopped = []

    def die(step):
        if step == "after-manifest":
            stopped.append(step)
            raise RuntimeError("killed")

    store.sealer.on_step = die
    with pytest.raises(RuntimeError):
        store.seal()
    store.sealer.on_step = None
    assert stopped
    store.put(block(store, [0], START, [77]))  # a version of a row that is sealed and hot
    store.flush()
    store.close()
    again = opened(tmp_path)
    assert counted(again)[0] == [4, 4, 0]
    again.close()


DAY = 86_400


def told(store):
    """As counted by hand: all current readings of each series, asked one by one."""
    rows = [store.read_columns([series], 0, 1 << 40).time.tolist() for series in range(3)]
    return [len(one) for one in rows], [min(one, default=LATER) for one in rows]


def test_what_retention_drops_counts_no_more(tmp_path):
    store = opened(tmp_path)
    for day in range(4):
        places = [0] if day == 0 else [0, 1]  # 1 begins a day later; 2 has one day only
        for hour in range(0, 24, 6):
            store.put(block(store, places, START + day * DAY + hour * 3600, [hour] * len(places)))
    store.put(block(store, [2], START, [7]))
    store.flush()
    store.seal()
    store.put(block(store, [0], START + 6 * 3600, [99]))  # a late version of what is dropped: it is in the hot file
    store.put(block(store, [1], START + 3600, [50]))  # a late row of a dropped day
    store.flush()
    before = counted(store)
    assert before == told(store) == ([16, 13, 1], [START, START + 3600, START])
    days = sorted({one.day for one in store.sealed_files().rows})
    gone = [one for one in store.sealed_files().rows if one.day in days[:2]]
    store.drop(gone)
    after = counted(store)
    assert after == told(store)
    assert after[0][2] == 0  # nothing of it is left
    assert after[1][0] == START + 6 * 3600
    store.put(block(store, [2], START + 3 * DAY, [1]))  # goes on counting
    store.flush()
    assert counted(store) == told(store)
    expected = told(store)
    store.close()
    again = opened(tmp_path)
    assert counted(again) == expected
    again.close()


def test_a_kill_between_dropping_and_counting_is_made_good_by_the_next_start(tmp_path, monkeypatch):
    store = opened(tmp_path)
    for day in range(3):
        store.put(block(store, [0, 1], START + day * DAY, [day, day]))
    store.flush()
    store.seal()

    def killed(*_):
        raise RuntimeError("killed")

    monkeypatch.setattr(store.counts, "lose", killed)
    first = min(one.day for one in store.sealed_files().rows)
    with pytest.raises(RuntimeError):
        store.drop([one for one in store.sealed_files().rows if one.day == first])
    store.close()
    again = opened(tmp_path)
    assert counted(again) == told(again)
    assert counted(again)[0] == [2, 2, 0]
    again.close()
