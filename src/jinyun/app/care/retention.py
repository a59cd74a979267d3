"""Retention: whole files go when all in them is older than their class is kept, and the ledger says which.

Of data never a row: journal segments and sealed files of a day go or stay as they are. Notices are no data but the
telling of it: their rows go by days, and the ledger says how many. For files the ledger is written first, so that a
kill between leaves a file that the next run drops, never a file that is gone without a word.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from jinyun.app.care.holds import Holds, holds
from jinyun.app.care.rules import Keep, figure
from jinyun.kernel.terms import china_time
from jinyun.store.dropped import DroppedFile, SqlDropped
from jinyun.store.journal_keep import SegmentInfo
from jinyun.store.manifest import SealedFile

if TYPE_CHECKING:
    from jinyun.app.assemble import House

log = structlog.get_logger("care")
DAY_US = 86_400_000_000


class Retention:
    """Drops what is old. One run at a time: the owner (`Care`) sees to it."""

    def __init__(self, house: House, keep: dict[str, Keep]) -> None:
        self._house, self.keep = house, keep
        self.ledger = SqlDropped(house.database)

    def run(self) -> list[DroppedFile]:
        """Drop what is older than its class is kept and what nothing holds."""
        now, held = self._house.clock.now(), _Lazy(self._house)
        gone = []
        if (days := self.keep["journal"].days) is not None:
            gone += self._drop_segments(self._old_segments(now - days * DAY_US), held, now, "age")
        if (days := self.keep["readings"].days) is not None:
            gone += self._drop_days(f"{china_time(now // 1_000_000) - timedelta(days=days):%Y-%m-%d}", held, now)
        if (days := self.keep["notices"].days) is not None:
            gone += self._drop_notices(china_time(now // 1_000_000) - timedelta(days=days), now)
        return gone

    def _drop_notices(self, until: datetime, now: int) -> list[DroppedFile]:
        """Rows, by whole China days: those nobody is owed any more. The ledger has a line for each run that dropped."""
        day = until.replace(hour=0, minute=0, second=0, microsecond=0)
        told = self._house.notices.forget(int(day.timestamp()) * 1_000_000)
        if not told.events:
            return []
        name = f"notices/{day:%Y-%m-%d}/{now}"
        line = DroppedFile(
            name, "notices", 0, "", told.notices, told.first // 1_000_000, told.last // 1_000_000, now, "age"
        )
        self.ledger.add([line])
        return self._said([line])

    def shed_journal(self, wanted: int) -> list[DroppedFile]:
        """Short of space: drop the oldest raw messages early, never younger than the least days, until `wanted` bytes
        are freed."""
        least = self.keep["journal"].least_days
        if least is None or wanted <= 0:
            return []
        now, chosen, size = self._house.clock.now(), [], 0
        for info in self._old_segments(now - least * DAY_US):
            if size >= wanted:
                break
            chosen.append(info)
            size += info.bytes_on_disk
        return self._drop_segments(chosen, _Lazy(self._house), now, "disk")

    def _old_segments(self, before: int) -> list[SegmentInfo]:
        return [one for one in self._house.journal.segments() if one.sealed and one.records and one.last_at < before]

    def _drop_segments(self, old: Sequence[SegmentInfo], held: _Lazy, now: int, reason: str) -> list[DroppedFile]:
        stored = self._house.readings.committed()
        wanted = [one for one in old if stored is not None and one.number < stored.segment]
        wanted = [one for one in wanted if one.number not in held().segments]
        gone = [
            DroppedFile(
                f"journal/{one.path.with_suffix('.jz').name}", "journal", one.bytes_on_disk, one.sha256, one.records,
                one.first_at // 1_000_000, one.last_at // 1_000_000, now, reason,
            )
            for one in wanted
        ]  # fmt: skip
        self.ledger.add(gone)
        self._house.journal.drop([one.number for one in wanted], stored)
        return self._said(gone)

    def _drop_days(self, before: str, held: _Lazy, now: int) -> list[DroppedFile]:
        readings = self._house.readings
        old = [one for one in readings.sealed_files().rows if one.day < before]
        if not old:
            return []
        rows = [one for one in old if one.day not in held().days]
        gone_ids = {one.id for one in rows}
        view = readings.sealed_files()
        files = [*rows, *_unused_frames(view.frames, [one for one in view.rows if one.id not in gone_ids])]
        gone = [_dropped(one, now) for one in files]
        self.ledger.add(gone)
        if files:
            readings.drop(files)
        return self._said(gone)

    def _said(self, gone: list[DroppedFile]) -> list[DroppedFile]:
        if gone:
            size = sum(one.bytes for one in gone)
            log.info("care.dropped", files=len(gone), bytes=size, reason=gone[0].reason, first=gone[0].path)
        return gone


class _Lazy:
    """Holds are looked up once, and only when there is something to drop."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._found: Holds | None = None

    def __call__(self) -> Holds:
        if self._found is None:
            self._found = holds(self._house)
        return self._found


def _unused_frames(frames: Sequence[SealedFile], rows_left: Sequence[SealedFile]) -> list[SealedFile]:
    """Frames whose every sequence number lies outside all rows that stay."""
    spans: list[list[int]] = []
    for low, high in sorted((one.seq_from, one.seq_to) for one in rows_left):
        if spans and low <= spans[-1][1] + 1:
            spans[-1][1] = max(spans[-1][1], high)
        else:
            spans.append([low, high])
    starts = [low for low, _ in spans]
    unused = []
    for one in frames:
        place = bisect_right(starts, one.seq_to) - 1
        if place < 0 or spans[place][1] < one.seq_from:
            unused.append(one)
    return unused


def _dropped(one: SealedFile, now: int) -> DroppedFile:
    scale = 1 if one.kind == "rows" else 1_000_000  # frames carry received_at in µs
    return DroppedFile(
        f"sealed/{one.path}", "readings", one.bytes, one.sha256, one.rows, one.time_from // scale, one.time_to // scale,
        now, "age",
    )  # fmt: skip


def drop_halves(folder: Path) -> int:
    """Remove unfinished files that nobody works on any more: bytes freed. What a kill or a full disk left behind."""
    freed, before = 0, time.time() - figure("half_file_age_s")
    for pattern in ("sealed/**/*.tmp", "journal/*.tmp", "sealed/orphans/*", "*.spill/*"):
        for path in folder.glob(pattern):
            try:
                state = path.stat()
                if path.is_file() and state.st_mtime < before:
                    path.unlink()
                    freed += state.st_blocks * 512
            except OSError:
                continue
    return freed
