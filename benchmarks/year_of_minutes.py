"""A year of minute data of a district: how long a chart of any month takes to open.

    python benchmarks/year_of_minutes.py [--stations 10] [--days 365] [--folder DIR] [--workers 2]

268 stations × 15 series × 365 days are 2.1 billion rows. The days are made straight as sealed day files with their
frames, by the store's own writer and manifest; then the store is opened as a node opens it and asked. Two ways to a
month's chart: hours rolled up from the sorted minutes, for any series at once; and the hour windows that the node keeps
(`store/windows.py`), here made for a few series.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from minutes import FACTORS, MINUTES, START, Minutes

from jinyun.app.windowing import rule_book
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat, china_time
from jinyun.methods.windows import Level
from jinyun.store import hot as hot_file
from jinyun.store.counts import SeriesCounts
from jinyun.store.database import open_database
from jinyun.store.disk import sha256_of
from jinyun.store.ingest import LatestArrays
from jinyun.store.manifest import Manifest, SealedFile
from jinyun.store.readings import DuckReadings
from jinyun.store.sealed_file import ROW_GROUP, write_frames, write_rows
from jinyun.store.window_build import Knowledge, SiteFacts
from jinyun.store.windows import Windows

DAY = 86_400
NAMES = ["so2", "no2", "co", "o3", "pm10", "pm2_5", *(f"f{n}" for n in range(6, FACTORS))]
BATCH_STATIONS = 50


def main() -> None:
    """Make the year, then ask."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--stations", type=int, default=10)
    asked.add_argument("--days", type=int, default=365)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--folder", default=None)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="jinyun-year-", dir=options.folder) as aside:
        make(Path(aside), options.stations, options.days, options.workers)
        ask(Path(aside), options.stations, options.days)
    show("peak RSS", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB, {os.cpu_count()} cores")


# --- making -----------------------------------------------------------------------------------------------------------


def make(folder: Path, stations: int, days: int, workers: int) -> None:
    """Sealed day files, their manifest, and a hot file that knows the latest values and counts."""
    database = open_database(folder / "jinyun.db")
    manifest = Manifest(database, folder / "r" / "sealed")
    started, rows = time.perf_counter(), 0
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for made in pool.imap(one_day, [(folder / "r" / "sealed", stations, day) for day in range(days)]):
            files, newest = made
            count = sum(one.rows for one in files if one.kind == "rows")
            manifest.commit_seal(files[0].seq_from, files[0].seq_to, count, files, 0)
            rows += count
    took = time.perf_counter() - started
    view = manifest.view
    size = sum(one.bytes for one in (*view.rows, *view.frames))
    show("made: rows", f"{rows:,} of {stations * FACTORS:,} series in {took:.0f} s ({rows / took:,.0f} rows/s)")
    files = len(view.rows) + len(view.frames)
    show("made: files, bytes, bytes/row with its frame", f"{files}, {size:,}, {size / rows:.2f}")
    latest, counts, known = LatestArrays(), SeriesCounts(), stations * FACTORS
    latest.grow(known)
    values, flags, seq = newest
    end = START + days * DAY - 60
    latest.update(np.arange(known), np.full(known, end), values, flags, seq)
    counts.set(np.arange(known), np.full(known, days * MINUTES), np.full(known, START), view.sealed)
    hot = hot_file.HotFile(folder / "r" / "hot.duckdb", memory_mb=320, threads=2)
    cursor = hot.cursor()
    counts.prepare(cursor)
    cursor.execute("UPDATE progress SET seq = ?", [view.sealed])
    hot_file.trim(cursor, view.sealed, latest, view.sealed, counts.keep)
    cursor.close()
    hot.close()
    database.dispose()


def one_day(what: tuple[Path, int, int]) -> tuple[list[SealedFile], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """One day of all stations; its files, and the values, flags and seqs of its last minute."""
    sealed, stations, day = what
    source = Minutes(stations, seed=day)
    values = np.empty((stations, FACTORS, MINUTES), np.int64)
    flags = np.empty((stations, FACTORS, MINUTES), np.uint8)
    seqs = np.empty((stations, MINUTES), np.int64)
    order = np.empty((MINUTES, stations), np.int64)
    first = day * MINUTES * stations + 1
    for minute in range(MINUTES):
        values[:, :, minute], flags[:, :, minute], order[minute] = source.next()
        seqs[order[minute], minute] = first + minute * stations + np.arange(stations)
    begin = START + day * DAY
    name = f"{china_time(begin):%Y-%m-%d}"
    at = begin + 60 * np.arange(MINUTES)

    def rows() -> Iterator[pa.RecordBatch]:
        for low in range(0, stations, BATCH_STATIONS):
            high = min(low + BATCH_STATIONS, stations)
            series = np.repeat(np.arange(low * FACTORS, high * FACTORS, dtype=np.int32), MINUTES)
            seq = np.repeat(seqs[low:high, None, :], FACTORS, axis=1).reshape(-1)
            time_of = np.tile(at, (high - low) * FACTORS)
            table = hot_file.rows_table(
                series, time_of, values[low:high].reshape(-1), flags[low:high].reshape(-1), seq
            ).cast(ROWS)
            yield from table.to_batches(ROW_GROUP)

    def frames() -> Iterator[pa.RecordBatch]:
        received = (np.repeat(at, stations) + 61) * 1_000_000
        received += np.sort(np.random.default_rng(day).integers(0, 50_000_000, (MINUTES, stations)), axis=1).reshape(-1)
        ids = np.arange(first, first + MINUTES * stations)
        mns = pa.array([f"MN{station:022d}" for station in range(stations)])
        empty = pa.array([""] * len(ids))
        table = pa.table(
            {
                "id": ids, "received_at": received, "origin": np.full(len(ids), int(Origin.LIVE), np.uint8),
                "mn": mns.take(pa.array(order.reshape(-1))), "segment": (1 + ids // 65_536).astype(np.int32),
                "offset": ids % 65_536 * 391 + 16, "author": empty, "reason": empty, "session": empty,
            }
        )  # fmt: skip
        yield from table.to_batches(ROW_GROUP)

    span = first, first + MINUTES * stations - 1
    number = 1 + 2 * day
    path = f"day={name}/hour=all/rows-{number:08d}.parquet"
    (made,) = write_rows(rows(), sealed / path, sealed / (path + ".past"))
    one = SealedFile(number, "rows", path, name, *span, made.rows, made.low, made.high, (sealed / path).stat().st_size,
                     sha256_of(sealed / path), 0, made.keys)  # fmt: skip
    path = f"frames/day={name}/frames-{number + 1:08d}.parquet"
    write_frames(frames(), sealed / path)
    told = SealedFile(
        number + 1, "frames", path, name, *span, span[1] - span[0] + 1, (begin + 61) * 1_000_000,
        (begin + DAY + 61) * 1_000_000, (sealed / path).stat().st_size, sha256_of(sealed / path), 0,
    )  # fmt: skip
    last = values[:, :, -1].reshape(-1), flags[:, :, -1].reshape(-1), np.repeat(seqs[:, -1], FACTORS)
    return [one, told], last


_TYPES = {
    "series": pa.int32(),
    "time": pa.int64(),
    "value": pa.decimal128(18, 6),
    "flag": pa.uint8(),
    "seq": pa.int64(),
}
ROWS = pa.schema(list(_TYPES.items()))

# --- asking -----------------------------------------------------------------------------------------------------------


def ask(folder: Path, stations: int, days: int) -> None:
    """Open the store as a node does, and open charts of random months."""
    database = open_database(folder / "jinyun.db")
    started = time.perf_counter()
    store = DuckReadings(folder / "r", database)
    show("store opened", f"{time.perf_counter() - started:.2f} s")
    names = [(f"site{s}", factor) for s in range(stations) for factor in NAMES]
    store.series_ids([SeriesKey(site, factor, Stat.AVG, Period.MINUTE) for site, factor in names])
    dice = np.random.default_rng(1)
    end = START + days * DAY
    months = [(begin, min(begin + 30 * DAY, end)) for begin in range(START, end, 30 * DAY)]

    def month() -> tuple[int, int]:
        return months[int(dice.integers(0, len(months)))]

    def series() -> int:
        return int(dice.integers(0, stations * FACTORS))

    def hours() -> None:
        one = series()
        rows = sum(table.num_rows for table in store.rollup(*month(), series=(one, one)))
        assert rows, "an empty chart"

    show_times("chart of a month: hours rolled up from its minutes", hours, 20)

    def three() -> None:
        first = series() // 3 * 3
        sum(table.num_rows for table in store.rollup(*month(), series=(first, first + 2)))

    show_times("chart of a month, three series: the same", three, 10)
    show_times("a month of minutes of one series, every point", lambda: store.read_columns([series()], *month()), 10)
    show_times("one series, one day", lambda: store.read_columns([series()], (d := month()[0]), d + DAY), 20)
    show_times("latest of all, as columns", store.latest_columns, 20)
    for level, few in ((Level.HOUR, [5 + FACTORS * s for s in range(min(4, stations))]),):
        windows = Windows(folder, store, Knowledge(rule_book(), lambda _: SiteFacts("air_station")), share=1)
        cursor = windows.cursor()
        cursor.execute("UPDATE progress SET seq = ?", [store.state()["seq"]])  # the others are not needed here
        cursor.close()
        windows.close()
        windows = Windows(folder, store, Knowledge(rule_book(), lambda _: SiteFacts("air_station")), share=1)
        windows.mark(few)
        started, made = time.perf_counter(), 0
        while some := windows.run():
            made += some
        show("hour windows made", f"{made:,} windows of {len(few)} series in {time.perf_counter() - started:.1f} s")

        def kept(level: Level = level, few: list[int] = few, windows: Windows = windows) -> None:
            assert windows.read([few[int(dice.integers(0, len(few)))]], level, *month()), "no windows"

        show_times("chart of a month: kept hour windows", kept, 20)
        windows.close()
    store.close()
    database.dispose()


def show_times(name: str, question: Callable[[], object], times: int) -> None:
    """First, median and worst of a question."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        question()
        took.append((time.perf_counter() - started) * 1000)
    show(f"{name}: first / p50 / worst", f"{took[0]:,.0f} / {statistics.median(took):,.0f} / {max(took):,.0f} ms")


def show(name: str, figure: str) -> None:
    print(f"{name:72} {figure}", flush=True)


if __name__ == "__main__":
    main()
