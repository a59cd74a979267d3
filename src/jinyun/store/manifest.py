"""The manifest of sealed files: which Parquet files are the store, and up to which ingest sequence. The database has
the say; a copy in memory is swapped as a whole, and files that compaction replaced go when no reader uses them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, delete, func, insert, select, update

from jinyun.store.database import reading, writing
from jinyun.store.schema import manifest as files_table
from jinyun.store.schema import seal as seal_table


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One sealed file. `time_from`/`time_to` are inclusive: event time [s] of rows, received_at [µs] of frames.

    `keys`, of rows: how many (series, time) have their newest version here, among all files of the same seal or merge.
    ``keys == rows``: each key once; 0: superseded versions only; None: not counted (a file of an older release).
    """

    id: int
    kind: str  # rows, frames
    path: str
    day: str
    seq_from: int
    seq_to: int
    rows: int
    time_from: int
    time_to: int
    bytes: int
    sha256: str
    made_at: int
    keys: int | None = None

    @property
    def plain(self) -> bool:
        """Each key once: current as it stands, unless another file or the hot one has the same times."""
        return self.keys == self.rows

    @property
    def past(self) -> bool:
        """Superseded versions only: nothing of it is current."""
        return self.keys == 0


@dataclass(frozen=True, slots=True, eq=False)
class ManifestView:
    """One state of the manifest: rows with seq ≤ `sealed` are in `files`, all others in the hot file."""

    sealed: int
    rows: tuple[SealedFile, ...]
    frames: tuple[SealedFile, ...]

    def rows_between(self, start: int, end: int) -> list[SealedFile]:
        """Files that may hold event times in [start, end)."""
        return [one for one in self.rows if one.time_from < end and one.time_to >= start]


class Manifest:
    """Owner of the manifest of one sealed folder."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self.folder = engine, folder
        self._lock = threading.Lock()
        self._pins: dict[ManifestView, int] = {}
        self._waiting: list[tuple[set[ManifestView], list[SealedFile], bool]] = []  # bool: keep its row
        self._next_file = self._next_seal = 1
        self.dropped = 0
        """Files of rows that retention let go so far."""
        self._view = self._load()

    @property
    def view(self) -> ManifestView:
        return self._view

    def path(self, file: SealedFile) -> Path:
        return self.folder / file.path

    @contextmanager
    def pinned(self) -> Iterator[ManifestView]:
        """The present view; its files stay on disk until the block is left."""
        with self._lock:
            view = self._view
            self._pins[view] = self._pins.get(view, 0) + 1
        try:
            yield view
        finally:
            with self._lock:
                self._pins[view] -= 1
                if not self._pins[view]:
                    del self._pins[view]
            self._remove_replaced()

    def next_id(self) -> int:
        """A number for a new file; never used twice while this process lives."""
        with self._lock:
            number = self._next_file
            self._next_file += 1
            return number

    def commit_seal(self, seq_from: int, seq_to: int, rows: int, files: Sequence[SealedFile], now: int) -> None:
        """Make a seal real: from here on its files are the store."""
        with writing(self._engine) as connection:
            connection.execute(
                insert(seal_table),
                {"id": self._next_seal, "seq_from": seq_from, "seq_to": seq_to, "rows": rows, "sealed_at": now},
            )
            if files:
                connection.execute(insert(files_table), [_as_row(one) for one in files])
        self._next_seal += 1
        with self._lock:
            old = self._view
            self._view = ManifestView(
                seq_to,
                (*old.rows, *(one for one in files if one.kind == "rows")),
                (*old.frames, *(one for one in files if one.kind == "frames")),
            )

    def commit_merge(self, old: Sequence[SealedFile], new: Sequence[SealedFile]) -> None:
        """Let `new` stand for `old`; the old files go when their last reader is done."""
        gone = {one.id for one in old}
        with writing(self._engine) as connection:
            connection.execute(update(files_table).where(files_table.c.id.in_(gone)).values(state="replaced"))
            connection.execute(insert(files_table), [_as_row(one) for one in new])
        with self._lock:
            view = self._view
            self._view = ManifestView(
                view.sealed,
                (*(f for f in view.rows if f.id not in gone), *(f for f in new if f.kind == "rows")),
                (*(f for f in view.frames if f.id not in gone), *(f for f in new if f.kind == "frames")),
            )
            self._waiting.append((set(self._pins), list(old), False))
        self._remove_replaced()

    def drop(self, files: Sequence[SealedFile]) -> None:
        """Retention: these files are the store no more. Their rows stay, as dropped; the files themselves go when their
        last reader is done."""
        gone = {one.id for one in files}
        with writing(self._engine) as connection:
            connection.execute(update(files_table).where(files_table.c.id.in_(gone)).values(state="dropped"))
        with self._lock:
            view = self._view
            self._view = ManifestView(
                view.sealed,
                tuple(f for f in view.rows if f.id not in gone),
                tuple(f for f in view.frames if f.id not in gone),
            )
            self.dropped += sum(one.kind == "rows" for one in files)
            self._waiting.append((set(self._pins), list(files), True))
        self._remove_replaced()

    def _remove_replaced(self) -> None:
        ready: list[SealedFile] = []
        with self._lock:
            still = []
            for readers, files, kept in self._waiting:
                if readers & self._pins.keys():
                    still.append((readers, files, kept))
                elif kept:
                    self._unlink(files)
                else:
                    ready += files
            self._waiting = still
        if ready:
            self._forget(ready)

    def _unlink(self, files: Sequence[SealedFile]) -> None:
        for one in files:
            self.path(one).unlink(missing_ok=True)

    def _forget(self, files: Sequence[SealedFile]) -> None:
        self._unlink(files)
        with writing(self._engine) as connection:
            connection.execute(delete(files_table).where(files_table.c.id.in_([one.id for one in files])))

    def _load(self) -> ManifestView:
        with reading(self._engine) as connection:
            rows = connection.execute(select(files_table).order_by(files_table.c.id)).all()
            sealed = connection.execute(select(func.max(seal_table.c.seq_to))).scalar()
            self._next_seal = (connection.execute(select(func.max(seal_table.c.id))).scalar() or 0) + 1
        live = [_from_row(row) for row in rows if row.state == "live"]
        self._unlink([_from_row(row) for row in rows if row.state == "dropped"])  # a kill came between
        self.dropped = sum(row.state == "dropped" and row.kind == "rows" for row in rows)
        replaced = [_from_row(row) for row in rows if row.state == "replaced"]
        if replaced:
            self._forget(replaced)
        self._next_file = max((row.id for row in rows), default=0) + 1
        return ManifestView(
            sealed if sealed is not None else 0,
            tuple(one for one in live if one.kind == "rows"),
            tuple(one for one in live if one.kind == "frames"),
        )


def _as_row(file: SealedFile) -> dict[str, object]:
    return {**{name: getattr(file, name) for name in SealedFile.__slots__}, "state": "live"}


def _from_row(row: object) -> SealedFile:
    return SealedFile(**{name: getattr(row, name) for name in SealedFile.__slots__})
