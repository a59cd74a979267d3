"""What keeping windows costs, and how fast they answer.

    python benchmarks/windows.py [--rates 1500,10000] [--seconds 30] [--filled 30] [--series 200]

Per rate: minute series enough for it (rate × 60; from 5,000 rows/s on real-time series of 10 s), an hour filled so far,
then a steady flow with one run every 2 s as in a node. Then a year of hours of `series` series: taken up from nothing,
then questions.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from jinyun.app.windowing import rule_book
from jinyun.kernel.ports import MICRO, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat
from jinyun.methods.windows import Level
from jinyun.store.database import open_database
from jinyun.store.readings import DuckReadings
from jinyun.store.window_build import Knowledge, SiteFacts
from jinyun.store.windows import Windows

ROWS = 42  # of one message: 14 factors × Avg, Min, Max
START = 1_775_059_200  # 2026-04-02T00:00 in China


class Bench:
    """A store with its windows."""

    def __init__(self, folder: Path, share: float) -> None:
        self.database = open_database(folder / "db.sqlite")
        self.readings = DuckReadings(folder, self.database)
        known = Knowledge(rule_book(), lambda _: SiteFacts("air_station"))
        self.windows = Windows(folder, self.readings, known, share=share)
        self.dice, self.sent = np.random.default_rng(4), 0

    def close(self) -> None:
        self.windows.close()
        self.readings.close()
        self.database.dispose()


def main() -> None:
    """Run all parts and print the figures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rates", default="1500,10000")
    asked.add_argument("--seconds", type=int, default=30)
    asked.add_argument("--filled", type=int, default=30, help="minutes of the hour there at the start")
    asked.add_argument("--series", type=int, default=200)
    options = asked.parse_args()
    for rate in [int(one) for one in options.rates.split(",") if one]:
        with tempfile.TemporaryDirectory(prefix="jinyun-windows-") as folder:
            steady(Path(folder), rate, options.seconds, options.filled)
    with tempfile.TemporaryDirectory(prefix="jinyun-windows-") as folder:
        a_year(Path(folder), options.series)
    show("peak RSS", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB, {os.cpu_count()} cores")


def steady(folder: Path, rate: int, seconds: int, filled: int) -> None:
    """A steady flow of minute data."""
    bench = Bench(folder, share=0.1)
    step = 60 if rate < 5000 else 10
    filled = filled * 60 // step
    devices, period = rate * step // ROWS, Period.MINUTE if step == 60 else Period.REALTIME
    stats = (Stat.AVG, Stat.MIN, Stat.MAX)
    keys = [SeriesKey(f"s{d}", f"f{r // 3}", stats[r % 3], period) for d in range(devices) for r in range(ROWS)]
    ids = bench.readings.series_ids(keys).reshape(devices, ROWS)

    def send(minute: int, device: int) -> None:
        values = (bench.dice.integers(100, 9000, ROWS) * (MICRO // 100)).astype(np.int64)
        flags = (bench.dice.random(ROWS) < 0.01).astype(np.uint8) * 2
        bench.readings.put(
            Block(
                START + step * minute, ids[device], values, flags, bench.sent, Origin.LIVE, f"MN{device}", f"s{device}",
                None, period=period,
            )
        )  # fmt: skip
        bench.sent += 1

    for minute in range(filled):
        for device in range(devices):
            send(minute, device)
    bench.readings.flush()
    bench.readings.seal()
    name = f"{rate:,} rows/s, {devices * ROWS:,} series"
    began, cpu = time.perf_counter(), time.process_time()
    made = bench.windows.catch_up()
    rows = filled * devices * ROWS
    show(f"{name}: at first", f"{rows:,} rows, {made:,} made, {time.perf_counter() - began:.1f} s, "
         f"{(time.process_time() - cpu) / rows * 1e6:.1f} us CPU/row")  # fmt: skip
    before = dict(bench.windows.state())
    stop, behind, ages = threading.Event(), [0], [0.0]

    def keep() -> None:
        last = time.monotonic()
        while not stop.wait(2.0):
            if bench.windows.run():
                ages.append(time.monotonic() - last)
                last = time.monotonic()
            behind.append(bench.windows.behind())

    job = threading.Thread(target=keep)
    job.start()
    began, sent, cpu = time.perf_counter(), 0, time.process_time()
    while (now := time.perf_counter() - began) < seconds:
        while sent < now * rate / ROWS:
            send(filled + sent // devices, sent % devices)
            sent += 1
        time.sleep(0.01)
    stop.set()
    job.join()
    took, used = time.perf_counter() - began, time.process_time() - cpu
    bench.readings.flush()
    after = bench.windows.state()
    rows = sent * ROWS
    wall, own = after["seconds"] - before["seconds"], after["cpu_seconds"] - before["cpu_seconds"]
    show(f"{name}: kept up with", f"{rows / took:,.0f} rows/s; process {used / took:.2f} cores in all")
    show(f"{name}: windows", f"{own / rows * 1e6:.1f} us CPU/row in its thread, {wall / took:.2f} of one core's time, "
         f"{after['rows_read'] - before['rows_read']:,} rows read again, {after['made'] - before['made']:,} made, "
         f"{after['runs'] - before['runs']} runs")  # fmt: skip
    show(f"{name}: lag", f"longest {max(ages):.1f} s between runs, up to {max(behind):,} messages")
    bench.windows.catch_up()
    show(f"{name}: file", f"{bench.windows.state()['bytes'] / 1e6:.1f} MB")
    bench.close()


def a_year(folder: Path, series: int) -> None:
    """A year of hours, from nothing; then questions."""
    bench = Bench(folder, share=1)
    ids = bench.readings.series_ids([SeriesKey("s0", f"f{n}", Stat.AVG, Period.HOUR) for n in range(series)])
    first = START - 91 * 86400
    for hour in range(365 * 24):
        values = (bench.dice.integers(100, 9000, series) * (MICRO // 100)).astype(np.int64)
        bench.readings.put(
            Block(
                first + 3600 * hour, ids, values, np.zeros(series, np.uint8), hour, Origin.LIVE, "MN", "s0", None,
                period=Period.HOUR,
            )
        )  # fmt: skip
    bench.readings.flush()
    rows = series * 365 * 24
    began = time.perf_counter()
    made = bench.windows.catch_up()
    took = time.perf_counter() - began
    show(
        f"a year of hours, {series} series",
        f"{rows:,} rows, {made:,} windows in {took:.1f} s, {took / rows * 1e6:.1f} us/row",
    )

    def month() -> None:
        start = first + 86400 * int(bench.dice.integers(334))
        found = bench.windows.read([int(bench.dice.integers(series))], Level.HOUR, start, start + 31 * 86400)
        assert len(next(iter(found.values()))) == 31 * 24

    def year() -> None:
        assert len(bench.windows.read([int(bench.dice.integers(series))], Level.DAY, first, first + 365 * 86400)) == 1

    ask("a month of hours of one series", month)
    ask("a year of days of one series", year)
    at = bench.sent = 365 * 24
    times = []
    for _ in range(20):
        who, hour = int(bench.dice.integers(series)), int(bench.dice.integers(365 * 24))
        at += 1
        bench.readings.put(
            Block(
                first + 3600 * hour, ids[who : who + 1], np.array([at * MICRO]), np.zeros(1, np.uint8), at,
                Origin.LIVE, "MN", "s0", None, period=Period.HOUR,
            )
        )  # fmt: skip
        bench.readings.flush()
        began = time.perf_counter()
        bench.windows.catch_up()
        times.append(time.perf_counter() - began)
    show("one late reading anywhere in the year, windows made again", ms(times))
    show("file of windows", f"{bench.windows.state()['bytes'] / 1e6:.1f} MB")
    bench.close()


def ask(name: str, question: object, times: int = 40) -> None:
    """Median and p95 of a question."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        question()  # type: ignore[operator]
        took.append(time.perf_counter() - began)
    show(name, ms(took))


def ms(took: list[float]) -> str:
    p95 = sorted(took)[min(len(took) - 1, int(len(took) * 0.95))]
    return f"p50 {statistics.median(took) * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms"


def show(name: str, figure: str) -> None:
    print(f"{name:56} {figure}", flush=True)


if __name__ == "__main__":
    main()
