"""Readings: versions, repeats, states of knowledge, latest, sealing and merging, all on real files."""

import subprocess
import sys
import threading
import time
from decimal import Decimal

import duckdb
import numpy as np
import pytest
from sqlalchemy import text

from jinyun.kernel.errors import BadInput, Busy, NotFound, Unavailable
from jinyun.kernel.ports import MICRO, NO_VALUE, Block
from jinyun.kernel.terms import Flag, JournalRef, Origin, Period, SeriesKey, Stat
from jinyun.store import ingest
from jinyun.store.database import writing
from jinyun.store.query import snapshot
from jinyun.store.readings import DuckReadings

DAY = 1_767_225_600 - 28_800  # 2026-01-01T00:00 in China [s]
KEYS = [SeriesKey("s1", factor, Stat.AVG, Period.HOUR) for factor in ("cod_cr", "nh3_n", "tp")]


def block(time, values, series=(0, 1, 2), flags=None, received=1, ref=None, **more):
    """A block of plain numbers (None: no number was sent)."""
    micro = [NO_VALUE if v is None else round(Decimal(str(v)) * MICRO) for v in values]
    fields = {"origin": Origin.LIVE, "mn": "MN1", "site": "s1", "period": Period.HOUR, **more}
    return Block(
        time, np.array(series[: len(values)], np.int32), np.array(micro, np.int64),
        np.array(flags or [0] * len(values), np.uint8), received, ref=ref, **fields,
    )  # fmt: skip


@pytest.fixture
def open_store(tmp_path, sqlite, steady_clock):
    """Opens the store of this test, closing the one before."""
    opened = []

    def go(**options) -> DuckReadings:
        for one in opened:
            one.close()
        opened.append(DuckReadings(tmp_path / "r", sqlite, clock=steady_clock, **options))
        return opened[-1]

    yield go
    for one in opened:
        one.close()


@pytest.fixture
def store(open_store):
    one = open_store()
    one.series_ids(KEYS)
    return one


def put(store, *blocks):
    for one in blocks:
        store.put(one)
    store.flush()


def seen(store, **more):
    """(factor, time, value, flag) of all current readings."""
    return [(r.factor, r.time, r.value, r.flag) for r in store.read("s1", start=0, end=1 << 40, **more)]


def test_values_are_exact_and_none_is_not_zero(store):
    put(store, block(DAY, ["12.345678", "0", None], flags=[0, 2, 12]))
    first, second, third = store.read("s1", start=DAY, end=DAY + 1)
    assert (first.value, first.flag, first.series, first.factor) == (Decimal("12.345678"), Flag.NORMAL, 0, "cod_cr")
    assert (second.value, second.flag) == (0, Flag.MAINTENANCE)
    assert (third.value, third.flag) == (None, Flag.NOT_A_NUMBER)
    assert (first.stat, first.period, first.seq) == (Stat.AVG, Period.HOUR, second.seq)
    assert store.read("s1", start=DAY + 1, end=DAY + 2) == []
    assert store.read("nowhere", start=0, end=1 << 40) == []


def test_series_ids_are_one_per_key_and_survive(open_store):
    store = open_store()
    ids = store.series_ids([*KEYS, KEYS[0]])
    assert ids.dtype == np.int32
    assert ids.tolist() == [0, 1, 2, 0]
    more = SeriesKey("s2", "tn", Stat.MAX, Period.DAY)
    assert store.series_ids([more, KEYS[2]]).tolist() == [3, 2]
    again = open_store()
    assert again.series_ids([more]).tolist() == [3]
    assert again.series_key(3) == more
    with pytest.raises(NotFound):
        again.series_key(4)


def test_series_asked_for_from_many_threads_get_one_id_each(store):
    keys = [SeriesKey("t", f"f{n}", Stat.AVG, Period.HOUR) for n in range(200)]
    answers: list[list[int]] = []
    threads = [threading.Thread(target=lambda: answers.append(store.series_ids(keys).tolist())) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert all(one == answers[0] for one in answers)
    assert sorted(answers[0]) == list(range(3, 203))


def test_the_same_again_is_counted_another_is_a_version(store):
    put(store, block(DAY, [1, 2, 3], received=10, ref=JournalRef(1, 16)))
    put(store, block(DAY, [1, 2.5, 3], flags=[0, 0, 2], received=20, ref=JournalRef(1, 99), mn="MN2"))
    assert [v for _, _, v, _ in seen(store)] == [1, Decimal("2.5"), 3]
    assert store.state()["repeats"] == 1
    assert [r.value for r in store.versions(1, DAY)] == [2, Decimal("2.5")]
    assert [r.flag for r in store.versions(2, DAY)] == [Flag.NORMAL, Flag.MAINTENANCE]
    assert len(store.versions(0, DAY)) == 1
    first, second = store.versions(1, DAY)
    assert second.seq > first.seq
    frame = store.frame(second.frame)
    assert (frame.received_at, frame.mn, frame.ref, frame.origin) == (20, "MN2", JournalRef(1, 99), Origin.LIVE)
    put(store, block(DAY, [1, 2, 3], received=30))  # back to what it was: again a version
    assert [r.value for r in store.versions(1, DAY)] == [2, Decimal("2.5"), 2]


def test_versions_inside_one_commit_and_inside_one_block(open_store):
    store = open_store(commit_seconds=60)
    store.series_ids(KEYS)
    put(
        store,
        block(DAY, [1, 2]),
        block(DAY, [1, 2]),
        block(DAY, [5], series=[0]),
        block(DAY, [1], series=[0]),
        block(DAY + 60, [7, 8, 7, 7], series=[2, 2, 2, 0]),
    )
    assert [r.value for r in store.versions(0, DAY)] == [1, 5, 1]
    assert [r.value for r in store.versions(1, DAY)] == [2]
    assert [r.value for r in store.versions(2, DAY + 60)] == [7, 8, 7]
    assert len({r.seq for r in store.versions(2, DAY + 60)}) == 3
    assert store.state()["commits"] == 1
    assert store.latest()["s1"][-1].value == 7


def test_as_of_asks_for_what_was_known_by_the_moment_of_receiving(store):
    put(store, block(DAY, [1], received=100), block(DAY, [2], received=300), block(DAY + 3600, [9], received=200))
    put(store, block(DAY, [3], received=150))  # ingested last, received before: a replay

    def values(as_of):
        return [(t, v) for _, t, v, _ in seen(store, as_of=as_of)]

    for _ in range(2):
        assert values(99) == []
        assert values(100) == [(DAY, 1)]
        assert values(150) == [(DAY, 3)]
        assert values(250) == [(DAY, 3), (DAY + 3600, 9)]
        assert values(300) == values(None) == [(DAY, 3), (DAY + 3600, 9)]
        store.seal()


def test_late_rows_are_compared_with_hot_and_sealed_versions(store):
    put(store, *(block(DAY + h * 3600, [h, h, h]) for h in range(5)))
    store.seal()
    put(store, block(DAY + 9 * 3600, [9, 9, 9]))
    put(store, *(block(DAY + h * 3600, [h, h + 1, h]) for h in range(6)))
    state = store.state()
    assert state["repeats"] == 10
    assert state["looked_up"] == 18
    for h in range(5):
        assert [r.value for r in store.versions(1, DAY + h * 3600)] == [h, h + 1]
        assert len(store.versions(0, DAY + h * 3600)) == 1
    assert len(store.versions(0, DAY + 5 * 3600)) == 1
    assert [r.time for r in store.latest()["s1"]] == [DAY + 9 * 3600] * 3


def test_latest_is_kept_by_event_time_and_rebuilt_at_start(open_store):
    store = open_store()
    store.series_ids([*KEYS, SeriesKey("s2", "tn", Stat.AVG, Period.HOUR)])
    put(store, block(DAY + 3600, [1, None], flags=[0, 12]), block(DAY, [5, 5, 5]))
    expected = [("cod_cr", DAY + 3600, 1), ("nh3_n", DAY + 3600, None), ("tp", DAY, 5)]

    def latest(one):
        return [(r.factor, r.time, r.value) for r in one.latest()["s1"]]

    assert latest(store) == expected
    assert "s2" not in store.latest()
    assert store.latest(["s2", "nowhere"]) == {}
    store = open_store()  # from hot rows
    assert latest(store) == expected
    store.seal()
    store = open_store()  # from the kept table
    assert latest(store) == expected
    put(store, block(DAY + 3600, [2]), block(DAY, [6, 6, 6]))
    expected = [("cod_cr", DAY + 3600, 2), ("nh3_n", DAY + 3600, None), ("tp", DAY, 6)]
    assert latest(store) == expected
    store = open_store()  # from both
    assert latest(store) == expected
    assert store.latest()["s1"][1].flag is Flag.NOT_A_NUMBER


def test_choices_of_factor_statistic_and_period(store):
    more = [SeriesKey("s1", "tp", Stat.MAX, Period.HOUR), SeriesKey("s1", "tp", Stat.RTD, Period.REALTIME)]
    ids = [*range(3), *store.series_ids(more).tolist()]
    put(store, block(DAY, [1, 2, 3, 4, 5], series=ids), block(DAY + 60, [6], series=[ids[-1]]))

    def values(**choice):
        return [int(r.value) for r in store.read("s1", start=DAY, end=DAY + 3600, **choice)]

    assert values() == [1, 2, 3, 4, 5, 6]
    assert values(factors=["tp"]) == [3, 4, 5, 6]
    assert values(factors=["tp"], stats=[Stat.MAX, Stat.AVG]) == [3, 4]
    assert values(periods=[Period.REALTIME]) == [5, 6]
    assert values(factors=["none"]) == []
    assert store.times("s1", Period.REALTIME, DAY, DAY + 3600) == [DAY, DAY + 60]
    assert store.times("s1", Period.HOUR, DAY, DAY + 3600) == [DAY]
    store.seal()
    assert values(factors=["tp"]) == [3, 4, 5, 6]
    assert store.times("s1", Period.REALTIME, DAY + 1, DAY + 3600) == [DAY + 60]


def test_the_largest_values_are_exact_and_larger_ones_refused_alone(open_store):
    refused = []
    store = open_store(out_of_range=lambda b, series, micro: refused.append((b.mn, series, micro)))
    store.series_ids(KEYS)
    largest = 10**18 - 1
    one = block(DAY, [0, 0, 0])
    one.values[:] = [largest, -largest, largest + 1]
    put(store, one)
    values = [r.value for r in store.read("s1", start=0, end=1 << 40)]
    assert values == [Decimal("999999999999.999999"), Decimal("-999999999999.999999")]
    assert refused == [("MN1", 2, 10**18)]
    put(store, one)  # the same again, out of the latest arrays
    assert store.state()["repeats"] == 2
    with pytest.raises(BadInput):
        store.put(
            Block(1, np.zeros(2, np.int32), np.zeros(1, np.int64), np.zeros(2, np.uint8), 1, Origin.LIVE, "", "", None)
        )


def test_the_watermark_follows_blocks_empty_blocks_and_notes(open_store):
    store = open_store(commit_seconds=60)
    store.series_ids(KEYS)
    assert store.committed() is None
    store.put(block(DAY, [1], ref=JournalRef(1, 50)))
    assert store.committed() is None
    store.flush()
    assert store.committed() == JournalRef(1, 50)
    store.note(JournalRef(1, 80))
    store.flush()
    assert store.committed() == JournalRef(1, 80)
    put(store, block(DAY, [], ref=JournalRef(2, 16)), block(DAY, [1], ref=JournalRef(1, 16)))
    assert store.committed() == JournalRef(2, 16)
    store.note(JournalRef(2, 90))
    assert open_store().committed() == JournalRef(2, 90)  # closing commits it


def test_a_corrections_author_and_reason_are_kept(store):
    put(
        store,
        block(DAY, [1], received=5),
        block(DAY, [2], received=6, origin=Origin.CORRECTION, author="li", reason="校准"),
    )
    for _ in range(2):
        last = store.versions(0, DAY)[-1]
        frame = store.frame(last.frame)
        assert (frame.origin, frame.author, frame.reason, frame.ref) == (Origin.CORRECTION, "li", "校准", None)
        assert len(store.frames([r.frame for r in store.versions(0, DAY)])) == 2
        store.seal()
    with pytest.raises(NotFound):
        store.frame(77)


def test_what_would_spoil_every_commit_is_refused_or_made_harmless(store):
    for series in (3, -1):
        with pytest.raises(BadInput, match="dictionary"):
            store.put(block(DAY, [1], series=[series]))
    put(store, block(DAY, [1], mn="M\udcff1", author="a\x00b"))
    frame = store.frame(1)
    assert (frame.mn, frame.author) == ("M?1", "a\x00b")


def test_nothing_new_makes_no_frame(store):
    put(store, block(DAY, [1]), block(DAY, [1]))
    assert store.state()["frames"] == 1
    with pytest.raises(NotFound):
        store.frame(2)


def test_sealed_files_lie_by_day_and_hour_sorted_and_as_the_manifest_says(store):
    put(store, block(DAY, [1, 2, 3]), block(DAY - 1, [1, 2]), block(DAY + 3600, [4]), block(DAY, [5, 2]))
    assert store.seal() == 7
    assert store.seal() == 0
    folder = store.folder / "sealed"
    files = sorted(str(p.relative_to(folder)) for p in folder.rglob("rows-*.parquet"))
    assert [f.rsplit("/", 1)[0] for f in files] == [
        "day=2025-12-31/hour=23",
        "day=2026-01-01/hour=00",
        "day=2026-01-01/hour=01",
    ]
    rows = duckdb.sql(f"SELECT series, time, value FROM read_parquet('{folder / files[1]}')").fetchall()
    assert rows == [(0, DAY, 5), (1, DAY, 2), (2, DAY, 3)]
    (past,) = folder.rglob("past-*.parquet")  # superseded versions lie beside, so that current rows need no comparing
    rows = duckdb.sql(f"SELECT series, time, value FROM read_parquet('{past}')").fetchall()
    assert rows == [(0, DAY, 1)]
    assert store.verify() == []
    assert (store.state()["sealed_rows"], store.state()["unsealed_frames"]) == (7, 0)
    path = folder / files[1]
    path.write_bytes(path.read_bytes() + b"x")
    (folder / files[2]).unlink()
    assert len(store.verify()) == len(store.verify(deep=False)) == 2


def test_a_large_backlog_is_sealed_in_parts(store, monkeypatch):
    monkeypatch.setattr("jinyun.store.sealing.MAX_SEAL_ROWS", 25)
    put(store, *(block(DAY + n, [n, n, n]) for n in range(50)))
    before = seen(store)
    assert store.seal() == 150
    assert seen(store) == before
    assert store.state()["sealed_files"] >= 12
    assert store.compact("2027-01-01") == 2
    assert seen(store) == before
    assert (store.state()["sealed_files"], store.verify()) == (2, [])


def test_merging_keeps_every_version_and_late_files_wait(store, monkeypatch):
    monkeypatch.setattr("jinyun.store.sealing.MERGE_ROWS", 4)
    for value in (1, 2, 3):
        put(store, *(block(DAY + h * 3600, [value, 7, 8], received=value) for h in range(3)))
        store.seal()
    before, versions = seen(store), store.versions(0, DAY)
    assert [r.value for r in versions] == [1, 2, 3]
    assert store.compact("2026-01-01") == 0  # the day is not over
    assert store.compact("2026-01-02") == 2
    assert seen(store) == before
    assert store.versions(0, DAY) == versions
    assert seen(store, as_of=2)[0][2] == 2
    assert len(list((store.folder / "sealed").rglob("*.parquet"))) == 3  # rows, past, frames
    put(store, block(DAY, [4, 7, 8]))
    store.seal()
    assert store.compact("2026-01-02") == 1  # frames of that day; one late file of rows does not rewrite the day
    for value in (5, 6, 7):
        put(store, block(DAY, [value, 7, 8]))
        store.seal()
    store.compact("2026-01-02")
    assert [r.value for r in store.versions(0, DAY)] == [1, 2, 3, 4, 5, 6, 7]
    assert len(list((store.folder / "sealed").rglob("rows-*.parquet"))) == 1
    assert store.verify() == []


def test_a_reader_in_the_middle_keeps_its_files_until_it_is_done(store):
    for value in (1, 2):
        put(store, block(DAY, [value]))
        store.seal()
    with snapshot(store._hot, store._manifest) as state:
        assert store.compact("2026-01-02") == 2
        assert [int(v) // MICRO for v in state.versions([0], DAY, DAY + 1).value] == [1, 2]
        assert len(list((store.folder / "sealed").rglob("rows-*.parquet"))) == 3
    assert len(list((store.folder / "sealed").rglob("rows-*.parquet"))) == 1


def test_reading_while_writing_sealing_and_merging_sees_every_committed_row_once(store):
    """A reader asks all the time; what it sees only grows, without holes or doubles."""
    stop, wrong, looks = threading.Event(), [], []

    def watch() -> None:
        most = 0
        while not stop.is_set():
            times = [t for _, t, _, _ in seen(store, factors=["cod_cr"])]
            if times != list(range(DAY, DAY + len(times))) or len(times) < most:
                wrong.append((most, times))
            most = max(most, len(times))
            looks.append(most)

    threads = [threading.Thread(target=watch) for _ in range(2)]
    for one in threads:
        one.start()
    for start in range(0, 300, 20):
        put(store, *(block(DAY + n, [n, n, n]) for n in range(start, start + 20)))
        if start % 60 == 0:
            store.seal()
        if start % 120 == 0:
            store.compact("2026-01-02")
    stop.set()
    for one in threads:
        one.join()
    assert wrong == []
    assert len(looks) > 10
    assert len(seen(store, factors=["cod_cr"])) == 300


def test_too_far_behind_the_feeder_waits_and_then_is_told(open_store):
    gate, held = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        gate.wait(30)

    store = open_store(max_queued_rows=9, put_timeout=0.2, commit_seconds=0.01, before_commit=hold)
    store.series_ids(KEYS)
    store.put(block(DAY, [1, 2, 3]))
    assert held.wait(10)
    for n in range(1, 4):
        store.put(block(DAY + n, [1, 2, 3]))
    assert store.backlog == 12
    with pytest.raises(Unavailable, match="12 rows behind"):
        store.put(block(DAY + 5, [1, 2, 3]))
    threading.Timer(0.1, gate.set).start()
    store.intake.put_timeout = 30
    store.put(block(DAY + 6, [1, 2, 3]))
    store.flush()
    assert len(store.times("s1", Period.HOUR, DAY, DAY + 10)) == 5
    assert store.backlog == 0


def test_a_commit_that_fails_is_said_and_tried_again_without_loss(open_store):
    trouble = [True]

    def disk() -> None:
        if trouble:
            raise OSError("no space left")

    store = open_store(before_commit=disk, commit_seconds=0.02)
    store.series_ids(KEYS)
    store.put(block(DAY, [1], ref=JournalRef(1, 16)))
    with pytest.raises(Unavailable, match="no space left"):
        store.flush()
    assert store.state()["error"] == "no space left"
    assert store.committed() is None
    trouble.clear()
    deadline = time.monotonic() + 60
    while store.committed() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(store.versions(0, DAY)) == 1
    assert store.state()["error"] == ""


SECOND = """
import sys
from jinyun.kernel.errors import Busy
from jinyun.store.database import open_database
from jinyun.store.readings import DuckReadings
try:
    DuckReadings(sys.argv[1] + "/r", open_database(sys.argv[1] + "/jinyun.db"))
except Busy as wrong:
    print(wrong)
"""


def test_one_owner_and_a_hot_file_that_does_not_fit_the_database(tmp_path, store, sqlite):
    with pytest.raises(Busy, match="this process"):
        DuckReadings(tmp_path / "r", sqlite)
    told = subprocess.run([sys.executable, "-c", SECOND, str(tmp_path)], check=True, capture_output=True, text=True)
    assert "in another process" in told.stdout
    put(store, block(DAY, [1]))
    store.seal()
    store.close()
    with writing(sqlite) as connection:
        connection.execute(text("DELETE FROM seal"))
    with pytest.raises(Unavailable, match="same backup"):
        DuckReadings(tmp_path / "r", sqlite)


def test_a_lost_hot_file_costs_only_what_was_not_sealed(tmp_path, open_store, store):
    put(store, block(DAY, [1, 2]))
    store.seal()
    put(store, block(DAY + 60, [3]))
    store.close()
    for path in (tmp_path / "r").glob("hot.duckdb*"):
        path.unlink()
    again = open_store()
    assert [(r.time, r.value) for r in again.latest()["s1"]] == [(DAY, 1), (DAY, 2)]
    put(again, block(DAY, [1, 5]))
    assert [r.value for r in again.versions(1, DAY)] == [2, 5]
    assert len(again.versions(0, DAY)) == 1


def test_new_rows_alone_against_an_independent_loop():
    """The numpy comparison, batch by batch, against a plain dict."""
    dice = np.random.default_rng(5)
    latest = ingest.LatestArrays()
    latest.grow(8)
    truth: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def look_up(series, times):
        hits = [truth.get((int(s), int(t))) for s, t in zip(series, times, strict=True)]
        return (
            np.array([h is not None for h in hits]),
            np.array([h[-1][0] if h else 0 for h in hits]),
            np.array([h[-1][1] if h else 0 for h in hits]),
        )

    for _ in range(300):
        blocks = [
            Block(int(dice.integers(5)), dice.integers(0, 8, n).astype(np.int32), dice.integers(0, 3, n),
                  dice.integers(0, 2, n).astype(np.uint8), 1, Origin.LIVE, "m", "s", None)
            for n in dice.integers(0, 6, dice.integers(1, 6)) if n
        ]  # fmt: skip
        if not blocks:
            continue
        rows = ingest.new_rows(blocks, latest, look_up)
        expected = []
        for one in blocks:
            for s, v, f in zip(one.series.tolist(), one.values.tolist(), one.flags.tolist(), strict=True):
                versions = truth.setdefault((s, one.time), [])
                if not versions or versions[-1] != (v, f):
                    versions.append((v, f))
                    expected.append((s, one.time, v, f))
        got = list(zip(rows.series.tolist(), rows.time.tolist(), rows.value.tolist(), rows.flag.tolist(), strict=True))
        assert sorted(got) == sorted(expected)
        assert rows.repeats == sum(len(b.series) for b in blocks) - len(got)
        per_frame = list(zip(rows.frame.tolist(), rows.series.tolist(), rows.time.tolist(), strict=True))
        assert len(set(per_frame)) == len(per_frame)  # a frame says a series once
        top = rows.newest
        latest.update(
            rows.series[top], rows.time[top], rows.value[top], rows.flag[top], rows.frame[top].astype(np.int64)
        )
        for s in range(8):
            times = [t for one, t in truth if one == s]
            if times:
                assert latest.time[s] == max(times)
                assert (latest.value[s], latest.flag[s]) == truth[s, max(times)][-1]


def test_dictionary_and_manifest_in_either_database(tmp_path, database, steady_clock):
    for value in (1, 2, 3):
        store = DuckReadings(tmp_path / "r", database, clock=steady_clock)
        assert store.series_ids(KEYS).tolist() == [0, 1, 2]
        put(store, block(DAY, [value, 7, 8], received=value), block(DAY + value * 3600, [1], received=value))
        assert store.seal() == (4 if value == 1 else 2)
        store.close()
    store = DuckReadings(tmp_path / "r", database, clock=steady_clock)
    assert store.compact("2026-01-02") == 2
    assert [r.value for r in store.versions(0, DAY)] == [1, 2, 3]
    assert [v for _, _, v, _ in seen(store, as_of=2)] == [2, 7, 8, 1, 1]
    assert store.verify() == []
    store.close()


def test_what_came_late_is_named_by_its_arrival_whether_hot_or_sealed(store):
    old, older = DAY - 30 * 86_400, DAY - 400 * 86_400
    put(store, block(DAY, [1, 2, 3], received=1_000))
    put(store, block(old + 10, [4], received=2_000), block(older, [5], series=(2,), received=3_000))
    late = {("s1", Period.HOUR, old), ("s1", Period.HOUR, older)}
    assert store.arrivals_since(1_500) == late
    assert store.arrivals_since(3_000) == {("s1", Period.HOUR, older)}
    assert store.arrivals_since(3_001) == set()
    store.seal()
    assert store.arrivals_since(1_500) == late
    put(store, block(DAY + 3600, [6], received=4_000))
    assert store.arrivals_since(3_000) == {("s1", Period.HOUR, older), ("s1", Period.HOUR, DAY + 3600)}
