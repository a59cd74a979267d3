"""Taking readings in: a queue with back-pressure and the thread that commits it in groups to the hot file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from jinyun.kernel.errors import BadInput, Unavailable
from jinyun.kernel.ports import Block
from jinyun.kernel.terms import JournalRef
from jinyun.store import hot as hot_file
from jinyun.store.counts import SeriesCounts
from jinyun.store.ingest import LatestArrays, Lookup, new_rows
from jinyun.store.series import SeriesBook

log = structlog.get_logger(__name__)

MAX_COMMIT_ROWS = 250_000

OutOfRange = Callable[[Block, int, int], None]
"""Told of each (block, series, millionths) that DECIMAL(18,6) cannot hold: refused, the rest of the block is kept."""


class Intake:
    """The writing half of the readings: one thread commits, `put` only queues. Parameters as of `DuckReadings`."""

    def __init__(
        self,
        book: SeriesBook,
        hot: hot_file.HotFile,
        latest: LatestArrays,
        counts: SeriesCounts,
        look_up: Lookup,
        *,
        seq: int,
        watermark: JournalRef | None,
        commit_seconds: float,
        commit_rows: int,
        max_queued_rows: int,
        put_timeout: float,
        out_of_range: OutOfRange | None,
        before_commit: Callable[[], None] | None,
    ) -> None:
        self._book, self._hot, self._latest, self._look_up = book, hot, latest, look_up
        self._series_counts = counts
        self.seq = seq
        """Last committed ingest sequence."""
        self._out_of_range, self._before_commit = out_of_range, before_commit
        self._commit_seconds, self._commit_rows = commit_seconds, commit_rows
        self._max_queued, self.put_timeout = max_queued_rows, put_timeout
        self._room = threading.Condition()
        self.still = threading.Lock()
        """Held while a batch is committed; who holds it keeps the store as it is (for a backup)."""
        self._wake = threading.Event()
        self._blocks: list[Block] = []
        self._watermark = self._noted = watermark
        self._queued = self._accepted = self._settled = 0
        self._closed = False
        self.error = ""
        self.counts = {"rows": 0, "repeats": 0, "frames": 0, "blocks": 0, "commits": 0, "refused": 0}
        self.slowest = self.last = 0.0
        self._thread = threading.Thread(target=self._run, name="readings", daemon=True)

    def start(self) -> None:
        """Begin to commit."""
        self._thread.start()

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
        if not self._room.wait_for(lambda: self._queued <= self._max_queued or self._closed, self.put_timeout):
            raise Unavailable(
                f"the store is {self._queued} rows behind" + (f": {self.error}" if self.error else "; send slower")
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
                lambda: (self._settled >= target and not _behind(self._watermark, noted)) or self.error or self._closed,
                600,
            )
            if self._settled < target or not done:
                raise Unavailable(f"{self._queued} rows cannot be committed: {self.error or 'the store is too slow'}")

    def close(self) -> bool:
        """Commit what waits and end the thread; False when that was done before."""
        with self._room:
            if self._closed:
                return False
            self._closed = True
            self._wake.set()
            self._room.notify_all()
        self._thread.join()
        return True

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
            with self.still:
                self._commit(cursor, blocks, watermark)
        except Exception as wrong:
            log.exception("readings.commit_failed", blocks=len(blocks))
            with self._room:
                self._blocks[:0] = blocks
                self.error = str(wrong)
                self._room.notify_all()
            return False
        self.last = time.perf_counter() - started
        self.slowest = max(self.slowest, self.last)
        with self._room:
            self._watermark = watermark
            self._settled += len(blocks)
            self._queued -= sum(len(b.series) for b in blocks)
            self.error = ""
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
        seq = hot_file.commit_rows(cursor, rows, self.seq + 1, watermark)
        top = rows.newest
        self._latest.update(rows.series[top], rows.time[top], rows.value[top], rows.flag[top], seq[top])
        self.seq += len(rows.blocks)
        self._series_counts.add(rows.series[rows.fresh], rows.time[rows.fresh], self.seq)
        counts = self.counts
        counts["rows"] += len(rows.series)
        counts["repeats"] += rows.repeats
        counts["frames"] += len(rows.blocks)
        counts["blocks"] += len(blocks)
        counts["commits"] += 1
        counts["refused"] += len(rows.out_of_range)
        if self._out_of_range is not None:
            for refused in rows.out_of_range:
                self._out_of_range(*refused)


def _place(ref: JournalRef) -> tuple[int, int]:
    return ref.segment, ref.offset


def _behind(watermark: JournalRef | None, noted: JournalRef | None) -> bool:
    if noted is None:
        return False
    return watermark is None or _place(watermark) < _place(noted)
