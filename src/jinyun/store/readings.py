"""Readings, append-only and bitemporal: what the rest of the house sees of hot file, sealed files and their jobs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from sqlalchemy import Engine

from jinyun.kernel.errors import Unavailable
from jinyun.kernel.ports import Block, Clock
from jinyun.kernel.terms import JournalRef
from jinyun.store import hot as hot_file
from jinyun.store.answers import Answers
from jinyun.store.counts import SeriesCounts
from jinyun.store.exports import Exports
from jinyun.store.forgetting import Loss, changed_since, loss
from jinyun.store.ingest import LatestArrays
from jinyun.store.intake import Intake, OutOfRange
from jinyun.store.manifest import Manifest, ManifestView, SealedFile
from jinyun.store.pages import Pages
from jinyun.store.query import snapshot
from jinyun.store.readings_then import ReadingsThen
from jinyun.store.sealing import Sealer
from jinyun.store.series import SeriesBook


class DuckReadings(Answers):
    """The `ReadingStore` port: `Answers` over the files, and an `Intake` that writes them.

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
        book, manifest = SeriesBook(database), Manifest(database, self.folder / "sealed")
        hot = hot_file.HotFile(self.folder / "hot.duckdb", memory_mb=memory_mb, threads=threads)
        super().__init__(book, hot, manifest, LatestArrays())
        now = clock.now if clock is not None else lambda: time.time_ns() // 1000
        self._looked_up = 0
        self.counts = SeriesCounts()
        """Count and first time of each series, maintained."""
        self.pages = Pages(book, hot, manifest, self._latest, self.counts)
        """Current rows by any condition and order, in pages."""
        self.exports = Exports(hot, manifest, self._latest, self.counts)
        """Readings in pieces, for bulk export."""
        try:
            seq, watermark, trimmed = self._load()
            self.intake = Intake(
                self._book, hot, self._latest, self.counts, self._look_up, seq=seq, watermark=watermark,
                commit_seconds=commit_seconds, commit_rows=commit_rows, max_queued_rows=max_queued_rows,
                put_timeout=put_timeout, out_of_range=out_of_range, before_commit=before_commit,
            )  # fmt: skip
            self.sealer = Sealer(hot, self._manifest, self._latest, lambda: self.intake.seq, now, keep=self.counts.keep)
            self.sealer.tidy(trimmed)
        except BaseException:
            hot.close()
            raise
        self.intake.start()

    def _load(self) -> tuple[int, JournalRef | None, int]:
        """Last seq, journal watermark and seq of the last trim; the latest values are in memory afterwards."""
        seq, watermark, trimmed, latest_seq = self._hot.progress()
        sealed = self._manifest.view.sealed
        if trimmed > sealed:
            raise Unavailable(
                f"{self._hot.path} was trimmed up to sequence {trimmed}, but the database knows sealed files "
                f"only up to {sealed}: restore both from the same backup"
            )
        # a hot file that is new or older than the last seal lacks rows after its table of latest values: read them all
        files = [str(self._manifest.path(f)) for f in self._manifest.view.rows] if seq < sealed else []
        cursor = self._hot.cursor()
        hot_file.load_latest(cursor, self._latest, latest_seq, files)
        cursor.close()
        self._latest.grow(len(self._book))
        self.counts.load(self._hot, self._manifest, max(seq, sealed), trimmed)
        return max(seq, sealed), watermark, trimmed

    def at(self, as_of: int) -> ReadingsThen:
        """The readings as they were known at a moment [µs], for asking only."""
        return ReadingsThen(self, as_of)

    # --- writing ------------------------------------------------------------------------------------------------------

    def put(self, block: Block) -> None:
        """Queue a block; see `Intake.put`."""
        self.intake.put(block)

    def note(self, ref: JournalRef) -> None:
        """Say that every journal message up to `ref` was put or needs no rows."""
        self.intake.note(ref)

    @property
    def backlog(self) -> int:
        """Rows that wait for their commit."""
        return self.intake.backlog

    def committed(self) -> JournalRef | None:
        """The journal watermark: every message up to it is committed or needed no rows. A start replays from there."""
        return self.intake.committed()

    def flush(self) -> None:
        """Return when everything put so far can be read; `Unavailable` when it cannot be committed."""
        self.intake.flush()

    def close(self) -> None:
        """Commit what waits, keep the latest values, let go of the files."""
        if self.intake.close():
            self.sealer.close()
            self._hot.close()

    def _look_up(self, series: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self._looked_up += len(series)
        with snapshot(self._hot, self._manifest) as state:
            return state.current_of(series, times)

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

    def sealed_files(self) -> ManifestView:
        """The sealed files that are the store now."""
        return self._manifest.view

    def sealed_path(self, file: SealedFile) -> Path:
        return self._manifest.path(file)

    def drop(self, files: Sequence[SealedFile]) -> None:
        """Retention: let sealed files go, each as a whole, and count without them. Their rows in the manifest stay, as
        dropped. Commits wait for the last moment of it only."""
        rows = [one for one in files if one.kind == "rows"]
        with self.sealer.lock:  # no seal and no merge meanwhile
            seq, lost = self._loss(rows)
            with self.intake.still:
                if rows and self.intake.seq > seq:
                    with snapshot(self._hot, self._manifest) as state:
                        lost = loss(state, rows) if changed_since(state, seq, rows) else lost
                self._manifest.drop(files)
                if lost is not None:
                    self.counts.lose(lost.series, lost.count, lost.first, self._manifest.dropped)
                    cursor = self._hot.cursor()
                    with contextlib.closing(cursor), hot_file.transaction(cursor):
                        self.counts.keep(cursor)

    def _loss(self, rows: Sequence[SealedFile]) -> tuple[int, Loss | None]:
        """What goes with files of rows, and the sequence up to which that was looked at."""
        if not rows:
            return 0, None
        with snapshot(self._hot, self._manifest) as state:
            seq = int(state.cursor.execute("SELECT seq FROM progress").fetchall()[0][0])
            return seq, loss(state, rows)

    def pinned(self) -> AbstractContextManager[ManifestView]:
        """The present sealed files; they stay on disk until the block is left."""
        return self._manifest.pinned()

    def hot_cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor on the hot file, for a copy of it. The caller closes it."""
        return self._hot.cursor()

    @contextmanager
    def held_still(self) -> Iterator[None]:
        """Nothing is committed, sealed, merged or dropped inside; what comes waits. Keep it short."""
        with self.sealer.lock, self.intake.still:
            yield

    def state(self) -> Mapping[str, Any]:
        """Figures for the system page."""
        return {
            **self.intake.counts,
            "looked_up": self._looked_up,
            "series": len(self._book),
            "seq": self.intake.seq,
            "queued_rows": self.intake.backlog,
            "committed": None if self.committed() is None else str(self.committed()),
            "last_commit_seconds": round(self.intake.last, 6),
            "slowest_commit_seconds": round(self.intake.slowest, 6),
            "error": self.intake.error,
            "hot_bytes": sum(p.stat().st_size for p in self.folder.glob("hot.duckdb*") if p.is_file()),
            **self.sealer.state(),
        }
