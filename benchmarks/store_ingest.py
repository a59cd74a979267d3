"""The store under load: rows/s, CPU, bytes per sealed row, seal time, and how long answers take on a large set.

    python benchmarks/store_ingest.py [--folder DIR] [--rate 1500] [--seconds 60] [--days 3]

Three parts, one line per figure: (1) an open loop of `rate` blocks/s × 42 rows with the journal before
it, while a job seals every 20 s; (2) the same blocks as fast as they go; (3) answers over sealed minute data.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jinyun.kernel.ports import MICRO, Block
from jinyun.kernel.terms import JournalRef, Origin, Period, RawMessage, SeriesKey, Stat
from jinyun.store.database import open_database
from jinyun.store.journal import FileJournal
from jinyun.store.readings import DuckReadings

DEVICES, ROWS = 1000, 42  # 14 factors × Avg, Min, Max
START = 1_767_225_600 - 28_800  # 2026-01-01T00:00 in China


def main() -> None:
    """Run all parts and print the figures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--folder", default=None)
    asked.add_argument("--rate", type=int, default=1500)
    asked.add_argument("--seconds", type=int, default=60)
    asked.add_argument("--days", type=int, default=3)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="jinyun-bench-") as aside:
        folder = Path(options.folder or aside)
        database = open_database(folder / "jinyun.db")
        readings = DuckReadings(folder / "readings", database)
        journal = FileJournal(folder / "journal")
        feed = Feed(readings)
        open_loop(feed, journal, options.rate, options.seconds)
        full_speed(feed)
        answers(feed, options.days)
        journal.close()
        readings.close()
        database.dispose()


class Feed:
    """Blocks of 1,000 devices in turn: two decimals, a daily cycle, one in a hundred flagged, like minute data."""

    def __init__(self, readings: DuckReadings) -> None:
        self.readings, self.dice, self.n = readings, np.random.default_rng(212), 0
        stats = (Stat.AVG, Stat.MIN, Stat.MAX)
        self.series = [
            readings.series_ids(
                [SeriesKey(f"site{d}", f"f{r // 3}", stats[r % 3], Period.MINUTE) for r in range(ROWS)]
            )
            for d in range(DEVICES)
        ]  # fmt: skip
        self.base = np.abs(self.dice.normal(20, 10, (DEVICES, ROWS)))
        self.order = np.arange(DEVICES)

    def block(self, ref: JournalRef | None = None) -> Block:
        """The next one: each device once a minute, devices in an order of their own each minute."""
        minute, place = divmod(self.n, DEVICES)
        if not place:
            self.order = self.dice.permutation(DEVICES)
            noise = 1 + 0.1 * np.sin(minute / 230) + 0.02 * self.dice.normal(size=(DEVICES, ROWS))
            self.values = np.round(self.base * noise, 2) * MICRO
            self.flags = (self.dice.random((DEVICES, ROWS)) < 0.01).astype(np.uint8)
        device = self.order[place]
        self.n += 1
        moment = START + 60 * minute
        return Block(
            moment, self.series[device], self.values[device].astype(np.int64), self.flags[device],
            moment * 1_000_000 + place, Origin.LIVE, f"MN{device:020d}", f"site{device}", ref, period=Period.MINUTE,
        )  # fmt: skip


def open_loop(feed: Feed, journal: FileJournal, rate: int, seconds: int) -> None:
    """Journal, then readings, at a fixed rate; sealing goes on beside it."""
    readings = feed.readings
    data = (b"##1044QN=20260101000000000;ST=32;CN=2051;" + b"w01018-Avg=12.34,w01018-Min=11.2,w01018-Flag=N;" * 30)[
        :1060
    ]
    late: list[float] = []
    stop = threading.Event()

    def taken(first_at: float, refs: list[JournalRef]) -> None:
        for ref in refs:
            readings.put(feed.block(ref))
        late.append(time.perf_counter() - first_at)

    def seal() -> None:
        while not stop.wait(20):
            readings.seal()
            journal.seal()

    job = threading.Thread(target=seal)
    job.start()
    started, cpu, sent, backlog = time.perf_counter(), time.process_time(), 0, 0
    while (now := time.perf_counter() - started) < seconds:
        due = int(now * rate) - sent
        if due > 0:
            at = time.time_ns() // 1000
            batch = [RawMessage(at, "hj212:9212", f"10.0.{k % 250}.9:7", f"MN{k:020d}", data) for k in range(due)]
            journal.append_many(batch, lambda refs, first=time.perf_counter(): taken(first, refs))
            sent += due
        backlog = max(backlog, readings.backlog)
        time.sleep(0.01)
    readings.flush()
    took, used = time.perf_counter() - started, time.process_time() - cpu
    stop.set()
    job.join()
    state, kept = readings.state(), journal.state()
    show("open loop: messages/s", f"{sent / took:,.0f} of {rate:,} asked for, {seconds} s")
    show("open loop: rows/s", f"{state['rows'] / took:,.0f}")
    show("open loop: CPU (journal, readings, sealing, this feeder)", f"{used / took:.2f} cores")
    show("open loop: durable after, p50 / p99 / worst", ms([statistics.median(late), q(late, 0.99), max(late)]))
    show(
        "open loop: worst group commit, journal / readings",
        ms([kept["slowest_commit_seconds"], state["slowest_commit_seconds"]]),
    )
    show("open loop: largest backlog", f"{backlog:,} rows")
    show("open loop: peak RSS", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def full_speed(feed: Feed) -> None:
    """As fast as it goes, then one seal."""
    readings = feed.readings
    readings.seal()
    blocks = [feed.block() for _ in range(50_000)]
    started, cpu = time.perf_counter(), time.process_time()
    for one in blocks:
        readings.put(one)
    readings.flush()
    rows = len(blocks) * ROWS
    show("full speed: rows/s", f"{rows / (time.perf_counter() - started):,.0f}")
    show("full speed: CPU per million rows", f"{(time.process_time() - cpu) * 1e6 / rows:.2f} s")
    started = time.perf_counter()
    readings.seal()
    show("seal: rows, rows/s", f"{rows:,} in {time.perf_counter() - started:.2f} s")


def answers(feed: Feed, days: int) -> None:
    """Fill up to `days` of minute data, seal by the hour, merge, and ask."""
    readings = feed.readings
    while feed.n < days * 1440 * DEVICES:
        for _ in range(60 * DEVICES):
            readings.put(feed.block())
        readings.flush()
        readings.seal()
    end = START + 60 * (feed.n // DEVICES)
    state = readings.state()
    show("large set", f"{state['sealed_rows']:,} rows in {state['sealed_files']} files")
    dice = np.random.default_rng(1)

    def a_day() -> int:
        return START + 86_400 * int(dice.integers(days))

    def site() -> str:
        return f"site{dice.integers(DEVICES)}"

    def why() -> None:
        key = int(feed.series[int(dice.integers(DEVICES))][5])
        readings.frame(readings.versions(key, START + 60 * int(dice.integers((end - START) // 60)))[-1].frame)

    for name in ("as sealed", "merged"):
        if name == "merged":
            started = time.perf_counter()
            days_merged = readings.compact("2030-01-01")
            show("merge", f"{days_merged} groups in {time.perf_counter() - started:.1f} s")
        state = readings.state()
        show(
            f"{name}: bytes/row (frames included), files",
            f"{state['sealed_bytes'] / state['sealed_rows']:.2f}, {state['sealed_files']}",
        )
        ask(
            f"{name}: one site, one day, 1 factor",
            lambda: readings.read(site(), factors=["f3"], stats=[Stat.AVG], start=(d := a_day()), end=d + 86_400),
        )
        ask(f"{name}: one site, one hour, all", lambda: readings.read(site(), start=end - 7200, end=end - 3600))
        ask(
            f"{name}: one site, one hour, all, as of",
            lambda: readings.read(site(), start=end - 7200, end=end - 3600, as_of=(end - 5400) * 1_000_000),
        )
        ask(f"{name}: one reading's versions and frame", why)
    ask("latest of all sites, first", readings.latest, 1)
    ask("latest of all sites, again", readings.latest, 20)
    for one in readings.verify():
        show("WRONG", one)
    show("peak RSS", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB, {os.cpu_count()} cores")


def ask(name: str, question: Callable[[], object], times: int = 40) -> None:
    """Median and p95 of a question."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        question()
        took.append(time.perf_counter() - started)
    show(name + ", p50 / p95", ms([statistics.median(took), q(took, 0.95)]))


def q(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def ms(values: list[float]) -> str:
    return " / ".join(f"{value * 1000:,.1f}" for value in values) + " ms"


def show(name: str, figure: str) -> None:
    print(f"{name:64} {figure}", flush=True)


if __name__ == "__main__":
    main()
