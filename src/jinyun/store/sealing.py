"""Sealing by ingest sequence: hot rows become sorted Parquet by day and hour of their event time (China civil time),
the manifest makes them the store, then the hot file is trimmed. A kill between any two steps loses and doubles nothing:
before the manifest's commit the files are orphans, after it the hot rows are superseded whether trimmed or not.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import structlog

from jinyun.kernel.errors import Unavailable
from jinyun.kernel.terms import china_time
from jinyun.store.disk import sha256_of, sync_folder
from jinyun.store.hot import HotFile, trim
from jinyun.store.ingest import LatestArrays
from jinyun.store.manifest import Manifest, ManifestView, SealedFile
from jinyun.store.sealed_file import ROW_GROUP, write_frames, write_rows

log = structlog.get_logger(__name__)

CHINA_OFFSET = 28_800
MAX_SEAL_ROWS = 4_000_000
"""Rows of one seal: bounds the memory of its sort. A larger backlog becomes several seals."""
MERGE_ROWS = 2_000_000
"""Rows that compaction sorts at a time, by range of series."""
LATE_FILES = 4
_COLUMNS = "series, time, value, flag, seq"


@dataclass(frozen=True, slots=True)
class _Part:
    """What goes into one file."""

    kind: str
    seq_from: int
    seq_to: int
    rows: int
    low: int  # least and greatest time: event time [s] of rows, received_at [µs] of frames
    high: int


class Sealer:
    """Seals, merges and checks. Its methods are jobs: run one at a time, each finds its work in stored state."""

    def __init__(
        self,
        hot: HotFile,
        manifest: Manifest,
        latest: LatestArrays,
        committed_seq: Callable[[], int],
        now: Callable[[], int],
        *,
        keep: Callable[[duckdb.DuckDBPyConnection], None],
    ) -> None:
        self._hot, self._manifest, self._latest, self._committed_seq = hot, manifest, latest, committed_seq
        self._now, self._keep = now, keep
        self.on_step: Callable[[str], None] | None = None  # tests kill the process at each
        self._folder = manifest.folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()
        self._last: dict[str, Any] = {}

    def tidy(self, trimmed: int) -> None:
        """At start: finish a trim that was cut short, set files aside that the manifest does not know."""
        self._drop_halves()
        known = {self._manifest.path(one) for one in (*self._manifest.view.rows, *self._manifest.view.frames)}
        for path in self._folder.rglob("*.parquet"):
            if path not in known and "orphans" not in path.parts:
                (self._folder / "orphans").mkdir(exist_ok=True)
                shutil.move(path, self._folder / "orphans" / path.name)
                log.warning("sealed.orphan", file=path.name)
        if trimmed < self._manifest.view.sealed:
            self._trim()

    def _drop_halves(self) -> None:
        """Files that a killed or failed job left unfinished."""
        for half in self._folder.rglob("*.tmp"):
            half.unlink()

    def _step(self, name: str) -> None:
        if self.on_step is not None:
            self.on_step(name)

    def close(self) -> None:
        """Wait for a running job."""
        with self.lock:
            pass

    # --- sealing ------------------------------------------------------------------------------------------------------

    def seal(self) -> int:
        """Seal everything committed up to now; rows sealed."""
        total = 0
        with self.lock:
            started = time.perf_counter()
            self._drop_halves()
            goal = self._committed_seq()
            while (first := self._manifest.view.sealed) < goal:
                total += self._seal_up_to(first, goal)
            if total:
                self._last = {"rows": total, "seconds": round(time.perf_counter() - started, 3)}
        return total

    def _seal_up_to(self, after: int, goal: int) -> int:
        cursor = self._hot.cursor()
        try:
            count = _one(cursor, f"SELECT count(*) FROM rows WHERE seq > {after} AND seq <= {goal}")
            if count > MAX_SEAL_ROWS:  # frames carry much the same number of rows each
                goal = after + max(1, (goal - after) * MAX_SEAL_ROWS // count)
            span = f"seq > {after} AND seq <= {goal}"
            hours = cursor.execute(
                f"SELECT DISTINCT (time + {CHINA_OFFSET}) // 3600 AS hour FROM rows WHERE {span} ORDER BY hour"
            ).fetchall()
            files = [one for (hour,) in hours for one in self._write_hour(cursor, (after + 1, goal), hour)]
            files += self._write_frames(cursor, after, goal)
        finally:
            cursor.close()
        self._publish(files)
        self._step("before-manifest")
        rows = sum(one.rows for one in files if one.kind == "rows")
        self._manifest.commit_seal(after + 1, goal, rows, files, self._now())
        self._step("after-manifest")
        self._trim()
        self._step("after-trim")
        return rows

    def _write_hour(self, cursor: duckdb.DuckDBPyConnection, span: tuple[int, int], hour: int) -> list[SealedFile]:
        begin = hour * 3600 - CHINA_OFFSET
        local = china_time(begin)
        query = (
            f"SELECT {_COLUMNS} FROM rows WHERE seq BETWEEN {span[0]} AND {span[1]} "
            f"AND time >= {begin} AND time < {begin + 3600} ORDER BY series, time, seq"
        )
        batches = cursor.sql(query).to_arrow_reader(ROW_GROUP)
        return self._write_rows(batches, f"day={local:%Y-%m-%d}/hour={local:%H}", f"{local:%Y-%m-%d}", span)

    def _write_rows(
        self, batches: Iterable[pa.RecordBatch], folder: str, day: str, span: tuple[int, int]
    ) -> list[SealedFile]:
        """One file of current versions, and one of those they superseded when there are any."""
        numbers = self._manifest.next_id(), self._manifest.next_id()
        names = f"{folder}/rows-{numbers[0]:08d}.parquet", f"{folder}/past-{numbers[1]:08d}.parquet"
        aside = [self._folder / (name + ".tmp") for name in names]
        files = []
        for one in write_rows(batches, *aside):
            place = aside.index(one.path)
            part = _Part("rows", *span, one.rows, one.low, one.high)
            files.append(self._file(part, numbers[place], names[place], day, one.keys))
        self._step("written")
        return files

    def _write_frames(self, cursor: duckdb.DuckDBPyConnection, after: int, goal: int) -> list[SealedFile]:
        span = f"id > {after} AND id <= {goal}"
        found = cursor.execute(
            f"SELECT count(*), min(received_at), max(received_at) FROM frames WHERE {span}"
        ).fetchall()
        part = _Part("frames", after + 1, goal, *found[0])
        if not part.rows:
            return []
        number, day = self._manifest.next_id(), self._today()  # by the day of sealing, so that files follow one another
        path = f"frames/day={day}/frames-{number:08d}.parquet"
        relation = cursor.sql(f"SELECT * FROM frames WHERE {span} ORDER BY id")
        write_frames(relation.to_arrow_reader(ROW_GROUP), self._folder / (path + ".tmp"))
        return [self._file(part, number, path, day)]

    def _file(self, part: _Part, number: int, path: str, day: str, keys: int | None = None) -> SealedFile:
        aside = self._folder / (path + ".tmp")
        return SealedFile(
            number, part.kind, path, day, part.seq_from, part.seq_to, part.rows, part.low, part.high,
            aside.stat().st_size, sha256_of(aside), self._now(), keys,
        )  # fmt: skip

    def _today(self) -> str:
        return f"{china_time(self._now() // 1_000_000):%Y-%m-%d}"

    def _publish(self, files: Sequence[SealedFile]) -> None:
        """Give the files their names, durably."""
        self._step("before-rename")
        folders: set[Path] = set()
        for one in files:
            path = self._manifest.path(one)
            path.with_name(path.name + ".tmp").replace(path)
            folders.update(parent for parent in path.parents if parent.is_relative_to(self._folder))
            self._step("between-renames")
        for folder in folders:
            sync_folder(folder)

    def _trim(self) -> None:
        latest_seq = self._committed_seq()  # before the copy of the arrays, which hold this state or a later one
        cursor = self._hot.cursor()
        try:
            trim(cursor, self._manifest.view.sealed, self._latest, latest_seq, self._keep)
        finally:
            cursor.close()

    # --- compaction ---------------------------------------------------------------------------------------------------

    def compact(self, before_day: str | None = None) -> int:
        """Merge the files of each day before `before_day` into one of rows and one of frames, every version kept."""
        limit = before_day or self._today()
        merged = 0
        with self.lock:
            for files in _groups(self._manifest.view, limit):
                self._merge(files)
                merged += 1
        return merged

    def _merge(self, files: Sequence[SealedFile]) -> None:
        kind, day = files[0].kind, files[0].day
        span = min(f.seq_from for f in files), max(f.seq_to for f in files)
        sources = [str(self._manifest.path(one)) for one in files]
        cursor = self._hot.cursor()
        try:
            if kind == "rows":
                batches = _sorted(cursor, sources, "series", "series, time, seq")
                new = self._write_rows(batches, f"day={day}/hour=all", day, span)
            else:
                number = self._manifest.next_id()
                path = f"frames/day={day}/frames-{number:08d}.parquet"
                write_frames(_sorted(cursor, sources, "id", "id"), self._folder / (path + ".tmp"))
                part = _Part(
                    kind, *span, sum(f.rows for f in files), min(f.time_from for f in files),
                    max(f.time_to for f in files),
                )  # fmt: skip
                new = [self._file(part, number, path, day)]
        finally:
            cursor.close()
        if sum(one.rows for one in new) != sum(one.rows for one in files):
            self._drop_halves()
            raise Unavailable(f"merging {kind} of {day} would lose rows; the files stay as they are: verify them")
        self._publish(new)
        self._step("before-merge")
        self._manifest.commit_merge(files, new)
        self._step("after-merge")

    # --- checking -----------------------------------------------------------------------------------------------------

    def verify(self, *, deep: bool = True) -> list[str]:
        """Sentences about what is not as the manifest says."""
        wrong = []
        with self._manifest.pinned() as view:
            for one in (*view.rows, *view.frames):
                path = self._manifest.path(one)
                if not path.exists():
                    wrong.append(f"{one.path} is missing: {one.rows} {one.kind} of {one.day}")
                elif path.stat().st_size != one.bytes or (deep and sha256_of(path) != one.sha256):
                    wrong.append(f"{one.path} does not have the size and sha256 recorded when it was sealed")
        return wrong

    def state(self) -> Mapping[str, Any]:
        view = self._manifest.view
        return {
            "sealed_seq": view.sealed,
            "unsealed_frames": self._committed_seq() - view.sealed,
            "sealed_files": len(view.rows) + len(view.frames),
            "sealed_rows": sum(one.rows for one in view.rows),
            "sealed_bytes": sum(one.bytes for one in (*view.rows, *view.frames)),
            "last_seal": self._last,
        }


def _groups(view: ManifestView, limit: str) -> list[list[SealedFile]]:
    """Files to merge, of days before `limit`. A merged day waits until `LATE_FILES` more have come, so that a few late
    rows do not rewrite it each time; frames are merged only with those next in sequence."""
    groups: list[list[SealedFile]] = []
    by_day: dict[str, list[SealedFile]] = {}
    for one in view.rows:
        by_day.setdefault(one.day, []).append(one)
    groups = [by_day[day] for day in sorted(by_day)]
    for one in sorted(view.frames, key=lambda file: file.seq_from):
        if groups and groups[-1][-1].kind == "frames" and groups[-1][-1].day == one.day:
            groups[-1].append(one)
        else:
            groups.append([one])
    merged = [any("hour=all" in one.path for one in files) for files in groups]
    return [
        files
        for files, again in zip(groups, merged, strict=True)
        if files[0].day < limit and len(files) > (LATE_FILES if again else 1)
    ]


def _sorted(
    cursor: duckdb.DuckDBPyConnection, sources: Sequence[str], key: str, order: str
) -> Iterator[pa.RecordBatch]:
    """Rows of `sources` in order, one range of the key after the other, so that memory stays small."""
    for low, high in _ranges(cursor, sources, key):
        relation = cursor.sql(
            f"SELECT * FROM read_parquet(?, union_by_name = true) WHERE {key} BETWEEN {low} AND {high} "
            f"ORDER BY {order}",
            params=[list(sources)],
        )
        yield from relation.to_arrow_reader(ROW_GROUP)


def _ranges(cursor: duckdb.DuckDBPyConnection, sources: Sequence[str], key: str) -> list[tuple[int, int]]:
    """Ranges of `key` with at most about `MERGE_ROWS` rows each."""
    counts = cursor.execute(
        f"SELECT {key}, count(*) FROM read_parquet(?) GROUP BY {key} ORDER BY {key}", [list(sources)]
    ).fetchall()
    ranges: list[tuple[int, int]] = []
    start, total = counts[0][0], 0
    for place, (value, rows) in enumerate(counts):
        total += rows
        if total >= MERGE_ROWS or place == len(counts) - 1:
            ranges.append((start, value))
            start, total = value + 1, 0
    return ranges


def _one(cursor: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(cursor.execute(query).fetchall()[0][0])
