"""Readings, append-only and bitemporal: a group-committing thread over the hot file, answers over hot ∪ sealed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from sqlalchemy import Engine

from jinyun.kernel.errors import BadInput, NotFound, Unavailable
from jinyun.kernel.ports import NO_VALUE, Block, Clock
from jinyun.kernel.terms import Flag, Frame, JournalRef, Origin, Period, Reading, SeriesKey, Stat
from jinyun.store import hot as hot_file
from jinyun.store.ingest import LatestArrays, new_rows
from jinyun.store.manifest import Manifest
from jinyun.store.query import Found, current, snapshot
from jinyun.store.sealing import Sealer
from jinyun.store.series import SeriesBook

log = structlog.get_logger(__name__)

MAX_COMMIT_ROWS = 250_000
_FLAGS = {int(flag): flag for flag in Flag}
NEAR_S = 6 * 3600
"""`versions_of` asks for keys further apart in time separately. [s]"""

OutOfRange = Callable[[Block, int, int], None]
"""Told of each (block, series, millionths) that DECIMAL(18,6) cannot hold: refused, the rest of the block is kept."""


class DuckReadings:
    """The `ReadingStore` port.

    Parameters
    ----------
    folder : path
        Holds ``hot.duckdb`` and ``sealed/``. One process owns it.
    database : Engine
        Has the say over the series dictionary and the manifest.
    commit_seconds, commit_rows :
        A group commit is made at least this often, and as soon as so many rows wait.
    max_queued_rows :
        Back-pressure: with more rows waiting, `put` waits too (up to `put_timeout`, then `Unavailable`); `backlog` says
        how many wait, for a reader of sockets that would rather pause before that.
    before_commit :
        Called before the watermark moves; what it raises puts the commit off. The app flushes rejects here, so that the
        watermark never passes a refusal that is not on disk.
    """

    def __init__(
        self,
        folder: str | Path,
        database: Engine,
        *,
        memory_mb: int = 320,
        threads: int = 2,
        commit_seconds: float = 0.25,
        commit_rows: int = 40_000,
        max_queued_rows: int = 1_000_000,
        put_timeout: float = 30.0,
        out_of_range: OutOfRange | None = None,
        before_commit: Callable[[], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._book = SeriesBook(database)
        self._hot = hot_file.HotFile(self.folder / "hot.duckdb", memory_mb=memory_mb, threads=threads)
        self._latest = LatestArrays()
        self._manifest = Manifest(database, self.folder / "sealed")
        self._out_of_range, self._before_commit = out_of_range, before_commit
        self._commit_seconds, self._commit_rows = commit_seconds, commit_rows
        self._max_queued, self._put_timeout = max_queued_rows, put_timeout
        now = clock.now if clock is not None else lambda: time.time_ns() // 1000
        try:
            self._start()
            self.sealer = Sealer(self._hot, self._manifest, self._latest, lambda: self._seq, now)
            self.sealer.tidy(self._trimmed)
        except BaseException:
            self._hot.close()
            raise

        self._room = threading.Condition()
        self._wake = threading.Event()
        self._blocks: list[Block] = []
        self._noted: JournalRef | None = self._watermark
        self._queued = self._accepted = self._settled = 0
        self._closed = False
        self._error = ""
        self._counts = {"rows": 0, "repeats": 0, "frames": 0, "blocks": 0, "commits": 0, "refused": 0, "looked_up": 0}
        self._slowest = self._last = 0.0
        self._site_cache: dict[str, tuple[tuple[int, int], list[Reading]]] = {}
        self._thread = threading.Thread(target=self._run, name="readings", daemon=True)
        self._thread.start()

    def _start(self) -> None:
        seq, self._watermark, self._trimmed, latest_seq = self._hot.progress()
        sealed = self._manifest.view.sealed
        if self._trimmed > sealed:
            raise Unavailable(
                f"{self._hot.path} was trimmed up to sequence {self._trimmed}, but the database knows sealed files "
                f"only up to {sealed}: restore both from the same backup"
            )
        self._seq = max(seq, sealed)
        # a hot file that is new or older than the last seal lacks rows after its table of latest values: read them all
        files = [str(self._manifest.path(f)) for f in self._manifest.view.rows] if seq < sealed else []
        cursor = self._hot.cursor()
        hot_file.load_latest(cursor, self._latest, latest_seq, files)
        cursor.close()
        self._latest.grow(len(self._book))

    # --- writing ------------------------------------------------------------------------------------------------------

    def series_ids(self, keys: Sequence[SeriesKey]) -> np.ndarray:
        return self._book.ids(keys)

    def series_key(self, series: int) -> SeriesKey:
        return self._book.key(series)

    def put(self, block: Block) -> None:
        """Queue a block. Blocks come in the order of the journal: a block's `ref` says that all before it was put,
        noted or needed no rows. Waits when far behind (see `max_queued_rows`)."""
        size = len(block.series)
        if len(block.values) != size or len(block.flags) != size:
            raise BadInput(f"a block of {size} series has {len(block.values)} values and {len(block.flags)} flags")
        if size and not (block.series.min() >= 0 and block.series.max() < len(self._book)):
            raise BadInput(
                f"a block of {block.mn} has a series that is not in the dictionary", hint="ask series_ids first"
            )
        with self._room:
            if self._queued > self._max_queued:
                self._wait_for_room()
            if self._closed:
                raise Unavailable("the readings are closed")
            self._blocks.append(block)
            self._queued += size
            self._accepted += 1
            if block.ref is not None:
                self._advance(block.ref)
        if self._queued >= self._commit_rows:
            self._wake.set()

    def note(self, ref: JournalRef) -> None:
        """Say that every journal message up to `ref` was put or needs no rows."""
        with self._room:
            self._advance(ref)

    def _advance(self, ref: JournalRef) -> None:
        noted = self._noted
        if noted is None or _place(ref) > _place(noted):
            self._noted = ref

    def _wait_for_room(self) -> None:
        self._wake.set()
        if not self._room.wait_for(lambda: self._queued <= self._max_queued or self._closed, self._put_timeout):
            raise Unavailable(
                f"the store is {self._queued} rows behind" + (f": {self._error}" if self._error else "; send slower")
            )

    @property
    def backlog(self) -> int:
        """Rows that wait for their commit."""
        return self._queued

    def committed(self) -> JournalRef | None:
        """The journal watermark: every message up to it is committed or needed no rows. A start replays from there."""
        return self._watermark

    def flush(self) -> None:
        """Return when everything put so far can be read; `Unavailable` when it cannot be committed."""
        with self._room:
            target, noted = self._accepted, self._noted
            self._wake.set()
            done = self._room.wait_for(
                lambda: (
                    (self._settled >= target and not _behind(self._watermark, noted)) or self._error or self._closed
                ),
                600,
            )
            if self._settled < target or not done:
                raise Unavailable(f"{self._queued} rows cannot be committed: {self._error or 'the store is too slow'}")

    def close(self) -> None:
        """Commit what waits, keep the latest values, let go of the files."""
        with self._room:
            if self._closed:
                return
            self._closed = True
            self._wake.set()
            self._room.notify_all()
        self._thread.join()
        self.sealer.close()
        self._hot.close()

    def _run(self) -> None:
        cursor = self._hot.cursor()
        idle = 0.0
        while True:
            self._wake.wait(self._commit_seconds)
            asked = self._wake.is_set()
            self._wake.clear()
            with self._room:
                blocks, watermark = self._take()
                closing = self._closed and not self._blocks
                if self._blocks:
                    self._wake.set()
            idle += self._commit_seconds
            if blocks or (_behind(self._watermark, watermark) and (asked or closing or idle > 5)):
                idle = 0.0
                if not self._settle(cursor, blocks, watermark):
                    if self._closed:
                        log.error("readings.closed_uncommitted", blocks=len(blocks))
                        return
                    time.sleep(1.0)
                    continue
            if closing:
                cursor.close()
                return

    def _take(self) -> tuple[list[Block], JournalRef | None]:
        """The next batch, at most about `MAX_COMMIT_ROWS`, and the watermark that holds once it is committed."""
        blocks, rows = self._blocks, 0
        for place, block in enumerate(blocks):
            rows += len(block.series)
            if rows >= MAX_COMMIT_ROWS and place + 1 < len(blocks):
                batch, self._blocks = blocks[: place + 1], blocks[place + 1 :]
                refs = [b.ref for b in (*batch,) if b.ref is not None]
                top = max(refs, key=_place, default=None)
                return batch, top if _behind(self._watermark, top) else self._watermark
        self._blocks = []
        return blocks, self._noted

    def _settle(self, cursor: Any, blocks: list[Block], watermark: JournalRef | None) -> bool:
        """Commit a batch; after a failure it goes back to the front of the queue, since the journal has it anyway."""
        started = time.perf_counter()
        try:
            if self._before_commit is not None:
                self._before_commit()
            self._commit(cursor, blocks, watermark)
        except Exception as wrong:
            log.exception("readings.commit_failed", blocks=len(blocks))
            with self._room:
                self._blocks[:0] = blocks
                self._error = str(wrong)
                self._room.notify_all()
            return False
        self._last = time.perf_counter() - started
        self._slowest = max(self._slowest, self._last)
        with self._room:
            self._watermark = watermark
            self._settled += len(blocks)
            self._queued -= sum(len(b.series) for b in blocks)
            self._error = ""
            self._room.notify_all()
        return True

    def _commit(self, cursor: Any, blocks: list[Block], watermark: JournalRef | None) -> None:
        self._latest.grow(len(self._book))
        filled = [b for b in blocks if len(b.series)]
        if not filled:
            cursor.execute(
                'UPDATE progress SET segment = ?, "offset" = ?',
                [watermark and watermark.segment, watermark and watermark.offset],
            )
            return
        rows = new_rows(filled, self._latest, self._look_up)
        seq = hot_file.commit_rows(cursor, rows, self._seq + 1, watermark)
        top = rows.newest
        self._latest.update(rows.series[top], rows.time[top], rows.value[top], rows.flag[top], seq[top])
        self._seq += len(rows.blocks)
        counts = self._counts
        counts["rows"] += len(rows.series)
        counts["repeats"] += rows.repeats
        counts["frames"] += len(rows.blocks)
        counts["blocks"] += len(blocks)
        counts["commits"] += 1
        counts["refused"] += len(rows.out_of_range)
        if self._out_of_range is not None:
            for refused in rows.out_of_range:
                self._out_of_range(*refused)

    def _look_up(self, series: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self._counts["looked_up"] += len(series)
        with snapshot(self._hot, self._manifest) as state:
            return state.current_of(series, times)

    # --- asking -------------------------------------------------------------------------------------------------------

    def read(
        self,
        site: str,
        *,
        factors: Sequence[str] = (),
        stats: Sequence[Stat] = (),
        periods: Sequence[Period] = (),
        start: int,
        end: int,
        as_of: int | None = None,
    ) -> list[Reading]:
        """Current versions with event time in [start, end), by (time, series); `as_of` [µs]: as known then, that is of
        what was received up to that moment."""
        return self._readings(self._current(self._book.of_site(site, factors, stats, periods), start, end, as_of))

    def read_columns(self, series: Sequence[int], start: int, end: int, as_of: int | None = None) -> Found:
        """As `read`, for series ids, as numpy columns: for charts and heavy use."""
        return self._current(series, start, end, as_of)

    def _current(self, series: Sequence[int], start: int, end: int, as_of: int | None) -> Found:
        with snapshot(self._hot, self._manifest) as state:
            found = state.versions(series, start, end)
            if as_of is not None and len(found):
                found = state.known_at(found, as_of)
        return current(found)

    def latest(self, sites: Sequence[str] | None = None) -> Mapping[str, Sequence[Reading]]:
        """The newest reading of each series, by site; from memory. Sites without readings are left out."""
        answer: dict[str, Sequence[Reading]] = {}
        chosen = self._book.sites() if sites is None else sites
        whole = self._latest.copy(slice(None)) if len(chosen) > 20 else None  # one state of all, without much locking
        for site in chosen:
            ids = self._book.array_of_site(site)
            ids = ids[ids < len(self._latest.time if whole is None else whole[0])]
            columns = self._latest.copy(ids) if whole is None else tuple(column[ids] for column in whole)
            times, values, flags, seqs = columns
            there = seqs >= 0
            if not there.any():
                continue
            state = (int(seqs.max()), len(ids))  # a change of any of them has a higher seq
            cached = self._site_cache.get(site)
            if cached is None or cached[0] != state:
                found = Found(ids[there], times[there], values[there], flags[there], seqs[there])
                cached = self._site_cache[site] = (state, self._readings(found))
            answer[site] = cached[1]
        return answer

    def versions(self, series: int, time: int) -> list[Reading]:
        """All versions of one key, oldest first."""
        self._book.key(series)
        with snapshot(self._hot, self._manifest) as state:
            return self._readings(state.versions([series], time, time + 1))

    def versions_of(self, keys: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Sequence[Reading]]:
        """All versions of many (series, time), oldest first; keys without any are left out. For why-trees: one state of
        the store, and one question for all keys whose times lie near one another."""
        answer: dict[tuple[int, int], list[Reading]] = {}
        wanted = sorted({(time, series) for series, time in keys})
        with snapshot(self._hot, self._manifest) as state:
            while wanted:
                end = next((i for i in range(1, len(wanted)) if wanted[i][0] - wanted[i - 1][0] > NEAR_S), len(wanted))
                part, wanted = wanted[:end], wanted[end:]
                found = state.versions(sorted({series for _, series in part}), part[0][0], part[-1][0] + 1)
                keys_found = found.series.astype(np.int64) << 33 | found.time  # an instant has less than 33 bits
                mine = np.isin(keys_found, np.array([series << 33 | time for time, series in part], np.int64))
                for one in self._readings(found.take(mine)):
                    answer.setdefault((one.series, one.time), []).append(one)
        return answer

    def frame(self, frame: int) -> Frame:
        return self.frames([frame])[frame]

    def frames(self, ids: Sequence[int]) -> Mapping[int, Frame]:
        """Frames by id; `NotFound` when one is not there."""
        if not ids:
            return {}
        with snapshot(self._hot, self._manifest) as state:
            rows: list[Any] = state.frames(ids)
        found = {
            row[0]: Frame(
                row[0], row[1], Origin(row[2]), row[3], None if row[4] is None else JournalRef(row[4], row[5]),
                row[6], row[7], row[8] or "",
            )
            for row in rows
        }  # fmt: skip
        for one in ids:
            if one not in found:
                raise NotFound("frame", one)
        return found

    def times(self, site: str, period: Period, start: int, end: int) -> list[int]:
        """Distinct times in [start, end) at which the site has readings of `period`."""
        with snapshot(self._hot, self._manifest) as state:
            return state.times(self._book.of_site(site, periods=[period]), start, end)

    def arrivals_since(self, since: int) -> set[tuple[str, Period, int]]:
        """Site, period and hour [s] of every reading received at or after `since` [µs], whatever its event time: what
        the judge looks at again after a kill."""
        with snapshot(self._hot, self._manifest) as state:
            series, hours = state.arrivals(since)
        keys = self._book.keys()
        found = zip(series.tolist(), hours.tolist(), strict=True)
        return {(keys[number].site, keys[number].period, hour) for number, hour in found}

    def _readings(self, found: Found) -> list[Reading]:
        keys, columns = self._book.keys(), (found.series, found.time, found.value, found.flag, found.seq)
        answer = []
        for series, moment, value, flag, seq in zip(*(column.tolist() for column in columns), strict=True):
            key = keys[series]
            number = None if value == NO_VALUE else Decimal(value).scaleb(-6)
            answer.append(
                Reading(series, key.factor, key.stat, key.period, moment, number, _FLAGS[flag], seq, seq)
            )  # fmt: skip
        return answer

    # --- keeping ------------------------------------------------------------------------------------------------------

    def seal(self) -> int:
        """Job: move all committed rows into sealed Parquet; how many. Writers and readers go on meanwhile."""
        return self.sealer.seal()

    def compact(self, before_day: str | None = None) -> int:
        """Job: merge the files of each day before `before_day` (default: today in China); how many days."""
        return self.sealer.compact(before_day)

    def verify(self, *, deep: bool = True) -> list[str]:
        """Sentences about sealed files that are not as the manifest says; `deep` reads them for their sha256."""
        return self.sealer.verify(deep=deep)

    def state(self) -> Mapping[str, Any]:
        """Figures for the system page."""
        return {
            **self._counts,
            "series": len(self._book),
            "seq": self._seq,
            "queued_rows": self._queued,
            "committed": None if self._watermark is None else str(self._watermark),
            "last_commit_seconds": round(self._last, 6),
            "slowest_commit_seconds": round(self._slowest, 6),
            "error": self._error,
            "hot_bytes": sum(p.stat().st_size for p in self.folder.glob("hot.duckdb*") if p.is_file()),
            **self.sealer.state(),
        }


def _place(ref: JournalRef) -> tuple[int, int]:
    return ref.segment, ref.offset


def _behind(watermark: JournalRef | None, noted: JournalRef | None) -> bool:
    if noted is None:
        return False
    return watermark is None or _place(watermark) < _place(noted)
