"""A steady stream of readings with late and doubled ones, while readers are at work: nothing lost, nothing doubled.

    python benchmarks/steady_readings.py [--minutes 10] [--rate 10000] [--history 24]

Through journal and store as in the node: messages of 15 readings at a fixed rate (an open loop of another process), 5
in a hundred of them held back for up to a minute (three quarters of an hour of event time), 2 in a hundred said twice;
sealing every 30 s, merging every 60 s. `--history` hours of data of all series are there before, so that readers have
something to read. Readers: latest of all (the maintained table), one series a day, hourly chart of a series over all
there is, each asked over and over; the same questions without the stream before and after it. "As readings by site" is
beside them for what it is: objects, remembered while nothing changes, made anew for 7,500 series in the stream.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import numpy as np
from minutes import FACTORS, Minutes

from jinyun.kernel.ports import Block
from jinyun.kernel.terms import JournalRef, Origin, Period, RawMessage, SeriesKey, Stat
from jinyun.store.database import open_database
from jinyun.store.journal import FileJournal
from jinyun.store.readings import DuckReadings

STATIONS = 500
START = 1_767_225_600 - 28_800  # 2026-01-01T00:00 in China [s]
Message = tuple[int, int, np.ndarray, np.ndarray]
"""Time, station, values, flags."""
Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
STEP = 45  # seconds of event time between two readings of a series: 7,500 series at 10,000/s are heard every 0.75 s


def main() -> None:
    """Run and print the figures; ends with an error when readings are not as sent."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=float, default=10)
    asked.add_argument("--rate", type=int, default=10_000, help="readings/s")
    asked.add_argument("--history", type=int, default=24, help="hours")
    options = asked.parse_args()
    show("machine", f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="jinyun-steady-") as aside:
        folder = Path(aside)
        database = open_database(folder / "jinyun.db")
        store = DuckReadings(folder / "readings", database)
        journal = FileJournal(folder / "journal")
        right = Stream(store, journal).run(options.minutes * 60, options.rate, options.history)
        journal.close()
        store.close()
        database.dispose()
    raise SystemExit(0 if right else 1)


class Source:
    """What stations say, late and doubled messages too; in a process of its own, as stations are."""

    def __init__(self) -> None:
        self._minutes, self._dice = Minutes(STATIONS), np.random.default_rng(7)
        self._at, self._queue = START, deque[Message]()
        self._sent: deque[Message] = deque(maxlen=50_000)
        self._held: list[tuple[int, int, Message]] = []
        self._turn = 0

    def step(self) -> list[Message]:
        """One more reading of every series."""
        values, flags, order = self._minutes.next()
        made = [(self._at, int(s), values[s], flags[s]) for s in order]
        self._at += STEP
        return made

    def next(self) -> tuple[int, Message]:
        """A new message (0), one that was held back (1), or one that was sent before (2)."""
        self._turn += 1
        if self._held and self._held[0][0] <= self._turn:
            return 1, heappop(self._held)[2]
        if self._dice.random() < 0.02 and self._sent:
            return 2, self._sent[int(self._dice.integers(0, len(self._sent)))]
        while True:
            if not self._queue:
                self._queue.extend(self.step())
            one = self._queue.popleft()
            if self._dice.random() < 0.05:
                heappush(self._held, (self._turn + int(self._dice.integers(1_000, 40_000)), self._turn, one))
                self._turn += 1
                continue
            self._sent.append(one)
            return 0, one

    def feed(self, pipe: Any, history: int, seconds: float, rate: float) -> None:
        """History at once, then, when told, the open loop, then what is still held back."""
        for _ in range(history * 3600 // STEP):
            pipe.send(columns([(0, one) for one in self.step()]))
        pipe.send(None)
        pipe.recv()
        sent, started = 0, time.perf_counter()
        while (now := time.perf_counter() - started) < seconds:
            if (due := int(now * rate) - sent) > 0:
                pipe.send(columns([self.next() for _ in range(due)]))
                sent += due
            time.sleep(0.02)
        pipe.send(columns([(1, one) for _, _, one in self._held]))
        pipe.send(None)


def columns(messages: list[tuple[int, Message]]) -> Batch:
    """Kind, time, station, values, flags."""
    kinds = np.array([kind for kind, _ in messages], np.uint8)
    at, stations = (np.array([one[place] for _, one in messages], np.int64) for place in (0, 1))
    shape = (len(messages), FACTORS)
    values = np.array([one[2] for _, one in messages], np.int64).reshape(shape)
    return kinds, at, stations, values, np.array([one[3] for _, one in messages], np.uint8).reshape(shape)


class Stream:
    """Takes the messages in and remembers in plain arrays what must be there in the end."""

    def __init__(self, store: DuckReadings, journal: FileJournal) -> None:
        self.store, self.journal = store, journal
        names = ((f"site{s}", f"f{f}") for s in range(STATIONS) for f in range(FACTORS))
        keys = [SeriesKey(site, factor, Stat.AVG, Period.MINUTE) for site, factor in names]
        self.series = store.series_ids(keys).reshape(STATIONS, FACTORS)
        self.kept: list[Batch] = []
        self.until = START

    def _put(self, batch: Batch, refs: Sequence[JournalRef | None]) -> None:
        _, at, stations, values, flags = batch
        now = time.time_ns() // 1000
        for place, (moment, station) in enumerate(zip(at.tolist(), stations.tolist(), strict=True)):
            self.store.put(
                Block(moment, self.series[station], values[place], flags[place], now, Origin.LIVE, f"MN{station}",
                      f"site{station}", refs[place], period=Period.MINUTE)
            )  # fmt: skip

    def _history(self, pipe: Any) -> None:
        for n, batch in enumerate(iter(pipe.recv, None)):
            self._put(batch, [None] * len(batch[0]))
            self.kept.append(batch)
            self.until = int(batch[1].max())
            if n % (3600 // STEP) == 0:
                self.store.flush()
                self.store.seal()
        self.store.flush()
        self.store.seal()

    def run(self, seconds: float, rate: int, history: int) -> bool:
        """Quiet questions, the stream with readers, quiet questions again, then the comparing."""
        pipe, end = multiprocessing.get_context("spawn").Pipe()
        feeder = multiprocessing.get_context("spawn").Process(
            target=Source().feed, args=(end, history, seconds, rate / FACTORS)
        )
        feeder.start()
        self._history(pipe)
        quiet = self._ask(10)
        stop = threading.Event()
        jobs = [
            threading.Thread(target=self._every, args=(stop, 30, lambda: (self.store.seal(), self.journal.seal()))),
            threading.Thread(target=self._every, args=(stop, 60, lambda: self.store.compact("2030-01-01"))),
        ]
        busy: dict[str, list[float]] = {}
        reader = threading.Thread(target=lambda: busy.update(self._ask(seconds, stop)))
        for one in (*jobs, reader):
            one.start()
        pipe.send("go")
        worst = self._take(pipe)
        stop.set()
        for one in (*jobs, reader, feeder):
            one.join()
        while self.store.committed() is None or self.store.backlog:
            time.sleep(0.05)
        self.store.flush()
        again = self._ask(10)
        kinds = np.concatenate([batch[0] for batch in self.kept])
        self.kept = [batch for batch in self.kept if len(batch[0])]
        told = self.sent * FACTORS
        show("sent", f"{told:,} readings in {seconds:.0f} s ({told / seconds:,.0f}/s)")
        show("of them late, said twice", f"{(kinds == 1).sum() * FACTORS:,}, {self.doubles * FACTORS:,}")
        show("largest backlog, slowest commit", f"{worst:,} rows, {self.store.state()['slowest_commit_seconds']:.2f} s")
        for name, took in busy.items():
            calm = [*quiet[name], *again[name]]
            show(f"{name}: p50 / p95 in the stream ({len(took)})", ms(statistics.median(took), p95(took)))
            show(f"{name}: p50 / p95 quiet ({len(calm)})", ms(statistics.median(calm), p95(calm)))
            show(f"{name}: ratio of p95", f"{p95(took) / p95(calm):.2f}")
        return self._compare()

    def _take(self, pipe: Any) -> int:
        """Journal, then store, as messages come; the largest backlog of rows seen."""
        data, worst = b"##" + b"x" * 500, 0
        self.sent = self.doubles = 0
        for batch in iter(pipe.recv, None):
            if not len(batch[0]):
                continue
            at = time.time_ns() // 1000
            raw = [RawMessage(at, "hj212:9212", "p", f"MN{station}", data) for station in batch[2].tolist()]
            self.journal.append_many(raw, lambda refs, batch=batch: self._put(batch, refs))
            new = batch[0] != 2
            self.kept.append(tuple(column[new] for column in batch))  # type: ignore[arg-type]
            self.sent += len(new)
            self.doubles += int((~new).sum())
            self.until = max(self.until, int(batch[1].max()))
            worst = max(worst, self.store.backlog)
        return worst

    def _every(self, stop: threading.Event, seconds: float, job: Callable[[], object]) -> None:
        while not stop.wait(seconds):
            job()

    def _ask(self, seconds: float, stop: threading.Event | None = None) -> dict[str, list[float]]:
        """Questions in turn, twenty a second; how long each took."""
        took: dict[str, list[float]] = {
            "latest of all": [],
            "latest of all as readings by site": [],
            "one series, one day": [],
            "hourly chart of one series": [],
        }
        ends, dice = time.perf_counter() + seconds, np.random.default_rng(3)
        while time.perf_counter() < ends and not (stop is not None and stop.is_set()):
            one = int(dice.integers(0, STATIONS * FACTORS))
            day = START + 86_400 * int(dice.integers(0, max(1, (self.until - START) // 86_400)))
            questions = (
                self.store.latest_columns,
                self.store.latest,
                lambda one=one, day=day: self.store.read_columns([one], day, day + 86_400),
                lambda one=one: list(self.store.rollup(START, self.until + 1, series=(one, one))),
            )
            for name, question in zip(took, questions, strict=True):
                started = time.perf_counter()
                question()
                took[name].append(time.perf_counter() - started)
            time.sleep(0.05)
        return took

    def _compare(self) -> bool:
        """Everything sent against everything stored, by hand: versions, current values, sums, latest."""
        _, times, stations, values, flags = (np.concatenate(columns) for columns in zip(*self.kept, strict=True))
        series, at = self.series[stations].reshape(-1).astype(np.int64), np.repeat(times, FACTORS)
        values, flags = values.reshape(-1), flags.reshape(-1)
        order = np.lexsort((at, series))
        lost = doubled = changed = 0
        begin = 0
        for first in range(0, STATIONS * FACTORS, 500):
            found = self.store.read_versions(range(first, first + 500), 0, 1 << 40)
            end = int(np.searchsorted(series[order], first + 500))
            mine = order[begin:end]
            begin = end
            there = np.lexsort((found.time, found.series))
            got = np.stack([found.series[there], found.time[there]]).astype(np.int64)
            want = np.stack([series[mine], at[mine]])
            if got.shape == want.shape and (got == want).all():
                changed += int(((found.value[there] != values[mine]) | (found.flag[there] != flags[mine])).sum())
            else:
                keys, wanted = got[0] << 33 | got[1], want[0] << 33 | want[1]
                lost += len(np.setdiff1d(wanted, keys))
                doubled += len(keys) - len(np.unique(keys)) + len(np.setdiff1d(keys, wanted))
        show("readings sent, lost, doubled, changed", f"{len(series):,}, {lost}, {doubled}, {changed}")
        rolled = [row for table in self.store.rollup(0, 1 << 40, step=86_400) for row in table.to_pylist()]
        total = sum((row["total"] for row in rolled), Decimal(0))
        good = flags == 0
        same = int(total.scaleb(6)) == int(values[good].sum()) and sum(row["count"] for row in rolled) == int(
            good.sum()
        )
        show("roll-up of the current versions equals the sums of what was sent", "yes" if same else "NO")
        newest = np.full(STATIONS * FACTORS, -1, np.int64)
        np.maximum.at(newest, series, at)
        latest = self.store.latest_columns()
        fresh = bool((latest.time == newest).all())
        show("latest values are of the newest times", "yes" if fresh else "NO")
        wrong = self.store.verify()
        for one in wrong:
            show("WRONG", one)
        return not (lost or doubled or changed or wrong) and same and fresh


def p95(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


def ms(*values: float) -> str:
    return " / ".join(f"{value * 1000:,.1f}" for value in values) + " ms"


def show(name: str, figure: str) -> None:
    print(f"{name:72} {figure}", flush=True)


if __name__ == "__main__":
    main()
