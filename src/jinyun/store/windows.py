"""Windows kept as data arrives: whatever touches a reading makes the windows above it again, nothing else.

After each commit of readings the rows beyond the watermark say which (series, hour) were touched; those hours are made
anew from their current versions (hot ∪ sealed), and above them the day, month, quarter and year from the level below.
Late data, duplicates, corrections and changes of flags all take this one path, in portions (`window_waves`). The
watermark moves with the last of them: a kill loses nothing, what was not kept is touched again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import structlog

from jinyun.kernel.terms import Period
from jinyun.methods.window_columns import starts
from jinyun.methods.windows import DAY_S, HOUR_S, Level
from jinyun.store import window_source as source
from jinyun.store import window_tables as tables
from jinyun.store.hot import lent, transaction
from jinyun.store.query import Snapshot
from jinyun.store.readings import DuckReadings
from jinyun.store.window_build import (
    ABOVE,
    DATES,
    Builder,
    Children,
    Knowledge,
    distinct,
    stretches,
)
from jinyun.store.window_checks import WindowChecks
from jinyun.store.window_tables import KEPT, WindowFile
from jinyun.store.window_waves import Pace, Wave, over

log = structlog.get_logger(__name__)

STEP_PAIRS = 20_000
"""Base windows made at a time, at most."""
STEP_SERIES = 200
"""Series made again in one go, at most."""
SHARE = 0.1
"""Part of one core that keeping windows may take before it lags: after a run of 0.5 s it rests 4.5 s."""
BUDGET_S = 0.5
"""A run ends after so long; what waits, waits for the next. It may be over by its last portion."""
PORTION_S = 0.2
"""CPU time that what is taken up at once should take."""
BESIDE = 2
"""CPU time of a run, DuckDB's other thread included, is at most so many times that of its own thread."""

Pairs = tuple[np.ndarray, np.ndarray]


class Ending(Exception):
    """The node stops in the middle of a run."""


class Windows(WindowChecks):
    """The kept windows of one node.

    Parameters
    ----------
    readings : DuckReadings
        Of the same process; asked, never changed.
    knowledge : Knowledge
        Rules, what they depend on at a site, and the energy mean of sound.
    share : float
        Part of one core `run` may take; 1 for tests and tools.
    """

    def __init__(
        self, folder: Path, readings: DuckReadings, knowledge: Knowledge, *, memory_mb: int = 192, share: float = SHARE
    ) -> None:
        self._readings, self._share = readings, share
        book = readings._book  # the dictionary of series is the readings' own
        self._book = book
        self._file = WindowFile(folder / "windows.duckdb", memory_mb=memory_mb)
        self._builder = Builder(knowledge, book.keys, book.of_site)
        self._asker = Builder(knowledge, book.keys, book.of_site)
        self._lock = threading.RLock()  # one writer
        self._ask_lock = threading.RLock()  # never waits for the other
        self._ending = threading.Event()
        self._rest_until = 0.0
        self._wave: Wave | None = None
        self._frames = Pace(50_000, 10_000, 1_000_000, PORTION_S)
        self._hours = Pace(4_000, 2_000, STEP_PAIRS, PORTION_S)
        self._redone = Pace(8, 1, STEP_SERIES, PORTION_S)
        self._figures = {
            "runs": 0, "rows_read": 0, "made": 0, "seconds": 0.0, "cpu_seconds": 0.0, "longest_run_s": 0.0,
        }  # fmt: skip
        self._seq = 0
        self._recover(knowledge)

    def _recover(self, knowledge: Knowledge) -> None:
        rules = knowledge.rules.digest
        with self._file.lent_cursor() as cursor:
            seq, known = cursor.execute("SELECT seq, rules FROM progress").fetchall()[0]
            with self._snapshot() as state:
                last = source.last_seq(state)
            if known != rules or seq > last:
                if seq:
                    log.warning("windows.made_again", why="rules changed" if known != rules else "readings are older")
                self._file.empty()
                cursor.execute("UPDATE progress SET rules = ?", [rules])
                seq = 0
            self._seq = int(seq)
            kept: dict[str, str] = dict(cursor.execute("SELECT id, facts FROM site").fetchall())
        self._facts_kept = kept
        self._checked = False  # sites may not be known yet

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor on the file of windows, for a copy of it. The caller closes it."""
        return self._file.cursor()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._file.close()

    # --- keeping ------------------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Job: take up what was committed since, oldest first, for about `BUDGET_S`; how many windows were made. Rests
        in between, so that it takes at most its `share` of one core: under load the windows lag instead."""
        began, cpu = time.monotonic(), time.thread_time()
        if began < self._rest_until:
            return 0
        try:
            made = self._work(began + BUDGET_S)
        except Ending:
            return 0
        took = time.monotonic() - began
        # a busy machine stretches a run; what it took of a core counts, else windows would rest for others' work
        self._rest_until = began + min(took, BESIDE * (time.thread_time() - cpu)) / self._share
        self._figures["longest_run_s"] = max(self._figures["longest_run_s"], took)
        return made

    def end(self) -> None:
        """The node stops: a run under way gives up at its next step; the next start takes up what it began."""
        self._ending.set()

    def _go_on(self) -> None:
        if self._ending.is_set():
            raise Ending

    def catch_up(self) -> int:
        """Take up everything committed so far, however long it takes; how many windows were made."""
        return self._work(None)

    def _work(self, until: float | None) -> int:
        """Portions, until nothing waits or the time of `time.monotonic` has come."""
        made = 0
        with self._lock:
            began, cpu = time.monotonic(), time.thread_time()
            self._check_sites()
            made += self._redo(until)
            while not over(until) and self._some_wave():
                made += self._portion(STEP_PAIRS if until is None else self._hours.size)
            if made:
                self._figures["runs"] += 1
            self._figures["made"] += made
            self._figures["seconds"] += time.monotonic() - began
            self._figures["cpu_seconds"] += time.thread_time() - cpu
        return made

    def _some_wave(self) -> bool:
        """Whether something waits: a wave under way, or a new one of all that came since."""
        if self._wave is None:
            with self._snapshot() as state:
                last = source.last_seq(state)
            if last > self._seq:
                self._wave = Wave(self._seq, last)
        return self._wave is not None

    def _portion(self, hours: int) -> int:
        """A step of the wave: see what was touched, or make `hours` of it; how many windows were made."""
        try:
            made = self._step(hours)
        except BaseException:
            self._wave = None  # what fails begins again at the watermark
            raise
        return made

    def _step(self, hours: int) -> int:
        wave, cpu, made = self._wave, time.thread_time(), 0
        assert wave is not None
        self._go_on()
        with self._snapshot() as state:
            if not wave.ready:
                upto = min(wave.upto, wave.gathered + self._frames.size)
                wave.add(*source.touched(state, wave.gathered, upto), upto)
                self._frames.took(time.thread_time() - cpu)
            else:
                series, hour = wave.take(hours)
                made = self._take_up(state, series, hour, seq=None if len(wave) else wave.upto)
                if len(wave) and hours == self._hours.size:
                    self._hours.took(time.thread_time() - cpu)
        if wave.ready and not len(wave):
            self._wave = None
            if self._seq < wave.upto:  # messages without a reading
                self._take_up_nothing(wave.upto)
        return made

    def _take_up_nothing(self, seq: int) -> None:
        with self._file.lent_cursor() as cursor:
            cursor.execute("UPDATE progress SET seq = ?", [seq])
        self._seq = seq

    def _take_up(self, state: Snapshot, series: np.ndarray, hour: np.ndarray, *, seq: int | None) -> int:
        """Make the windows of touched hours and all above them again, in one transaction with the watermark."""
        with self._file.lent_cursor() as cursor, transaction(cursor):
            made, dates = self._make_base(cursor, state, series, hour)
            made += self._make_above(cursor, dates)
            self._keep_names(cursor, series)
            if seq is not None:
                cursor.execute("UPDATE progress SET seq = ?", [seq])
        if seq is not None:
            self._seq = seq
        return made

    def _make_base(
        self, cursor: duckdb.DuckDBPyConnection, state: Snapshot, series: np.ndarray, hour: np.ndarray,
        *, prefix: str = "window", fresh: bool = False,
    ) -> tuple[int, Pairs]:  # fmt: skip
        """Base windows from readings; the dates above them."""
        made, dates = 0, []
        periods = self._builder.periods(series)
        for level, mine in ((Level.HOUR, periods <= int(Period.HOUR)), (Level.DAY, periods == int(Period.DAY))):
            who, when = series[mine], starts(level, hour[mine])
            if level is Level.DAY and len(who):
                who, when = distinct(who, when)
            for first in range(0, len(who), STEP_PAIRS):
                self._go_on()
                one, at = who[first : first + STEP_PAIRS], when[first : first + STEP_PAIRS]
                found = source.read_windows(state, one, at, HOUR_S if level is Level.HOUR else DAY_S)
                self._figures["rows_read"] += len(found)
                table = self._builder.from_readings(level, found)
                tables.replace(cursor, level, one, at, table, prefix=prefix, fresh=fresh)
                made += len(table)
                dates.append(np.stack(self._builder.dates(one, at)))
        pairs = np.concatenate(dates, axis=1) if dates else np.empty((2, 0), np.int64)
        return made, distinct(pairs[0], pairs[1])

    def _make_above(
        self, cursor: duckdb.DuckDBPyConnection, dates: Pairs, *, prefix: str = "window", fresh: bool = False
    ) -> int:
        """Windows of the dates, months, quarters and years that hold these (series, date)."""

        def fetch(level: Level, series: np.ndarray, start: int, end: int) -> Children:
            return tables.children(cursor, level, series, start, end, prefix=prefix)

        made = 0
        for level in ABOVE:
            series, start = dates if level in DATES else distinct(dates[0], starts(level, dates[1]))
            wanted = self._builder.rule_numbers(level, series, start) >= 0
            if level is Level.DAY:  # the windows of a device's own days were made of its readings
                wanted &= self._builder.periods(series) != int(Period.DAY)
            series, start = series[wanted], start[wanted]
            for who, when in stretches(level, series, start):
                self._go_on()
                table = self._builder.from_windows(level, who, when, fetch)
                tables.replace(cursor, level, who, when, table, prefix=prefix, fresh=fresh)
                made += len(table)
        return made

    def _keep_names(self, cursor: duckdb.DuckDBPyConnection, series: np.ndarray) -> None:
        """Keep what was known of the sites."""
        keys = self._book.keys()
        sites = {keys[one].site for one in np.unique(series).tolist()} - self._facts_kept.keys()
        if sites:
            told = {site: repr(self._builder.facts(site)) for site in sorted(sites)}
            cursor.executemany("INSERT INTO site VALUES (?, ?)", list(told.items()))
            self._facts_kept.update(told)

    # --- made again ---------------------------------------------------------------------------------------------------

    def site_changed(self, site: str) -> None:
        """A site's record changed: its windows are made again, when their rules depend on what changed."""
        with self._lock:
            self._forget()
            self._check_site(site)

    def _forget(self) -> None:
        self._builder.forget()
        with self._ask_lock:
            self._asker.forget()

    def _check_sites(self) -> None:
        """Once after a start: sites whose records changed while nobody looked."""
        if not self._checked:
            self._checked = True
            self._forget()
            for site in list(self._facts_kept):
                self._check_site(site)

    def _check_site(self, site: str) -> None:
        told = repr(self._builder.facts(site))
        if self._facts_kept.get(site, told) != told:
            with self._file.lent_cursor() as cursor, transaction(cursor):
                cursor.execute("UPDATE site SET facts = ? WHERE id = ?", [told, site])
                self._mark(cursor, self._book.of_site(site))
            self._facts_kept[site] = told

    def mark(self, series: Sequence[int]) -> None:
        """Make all windows of some series again at the next run; kept on disk."""
        with self._lock, self._file.lent_cursor() as cursor, transaction(cursor):
            self._mark(cursor, series)

    def _mark(self, cursor: duckdb.DuckDBPyConnection, series: Sequence[int]) -> None:
        if len(series):
            cursor.executemany("INSERT INTO again VALUES (?)", [(int(one),) for one in series])

    def _redo(self, until: float | None) -> int:
        """Series marked to be made again: away with their windows, then as if all their readings had just come."""
        made = 0
        with self._file.lent_cursor() as cursor:
            while not over(until):
                waiting = cursor.execute(
                    f"SELECT DISTINCT series FROM again ORDER BY 1 LIMIT {self._redone.size}"
                ).fetchall()
                if not waiting:
                    break
                cpu = time.thread_time()
                made += self._redo_some(cursor, np.array([row[0] for row in waiting], np.int64))
                self._redone.took(time.thread_time() - cpu)
        return made

    def _redo_some(self, cursor: duckdb.DuckDBPyConnection, series: np.ndarray) -> int:
        made = 0
        with self._snapshot() as state, transaction(cursor):
            span = source.times(state)
            chosen = pa.table({"s": pa.array(series.astype(np.int32))})
            with lent(cursor, chosen=chosen):
                for name in (*map(tables.table_of, KEPT), "again"):
                    cursor.execute(f"DELETE FROM {name} WHERE series IN (SELECT s FROM chosen)")
            if span is not None:
                pairs = source.hours_of(state, series, span[0], span[1] + 1)
                made, dates = self._make_base(cursor, state, *pairs)
                made += self._make_above(cursor, dates)
            self._keep_names(cursor, series)
        return made

    def state(self) -> dict[str, Any]:
        """Figures for the system page. `behind`: messages not yet in windows; `waiting_since`: when the first of them
        came [µs]; `hours_waiting`: of the wave under way."""
        bytes_ = sum(p.stat().st_size for p in self._file.path.parent.glob(self._file.path.name + "*") if p.is_file())
        wave = self._wave
        return {
            **{name: round(one, 3) for name, one in self._figures.items()}, "seq": self._seq,
            "behind": self.behind(), "waiting_since": self.waiting_since(),
            "hours_waiting": 0 if wave is None else len(wave), "share": self._share, "bytes": bytes_,
        }  # fmt: skip
