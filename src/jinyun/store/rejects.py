"""What was refused, with its bytes, reason code and sentence. All is kept; noise comes sampled and pre-counted."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import Engine, func, select

from jinyun.kernel.errors import JinyunError
from jinyun.kernel.terms import JournalRef, Reject
from jinyun.store.database import insert_new, reading, writing
from jinyun.store.schema import reject as table

log = structlog.get_logger(__name__)


class SqlRejects:
    """The `RejectStore` port. `add` only queues, so it may be called where sockets are served; a thread writes within
    `flush_seconds`, and `flush` writes at once. A reject with a journal reference is stored once, however often the
    message is replayed.

    With more than `max_queued` waiting (the database does not take them), the oldest are dropped and counted.
    """

    def __init__(self, engine: Engine, *, flush_seconds: float = 0.5, max_queued: int = 50_000) -> None:
        self._engine, self._flush_seconds, self._max_queued = engine, flush_seconds, max_queued
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._queue: list[Reject] = []
        self.dropped = 0
        with reading(engine) as connection:
            rows = connection.execute(select(table.c.reason, func.count()).group_by(table.c.reason))
            self._counts: Counter[str] = Counter({row[0]: row[1] for row in rows})
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rejects", daemon=True)
        self._thread.start()

    def add(self, rejects: Sequence[Reject]) -> None:
        with self._lock:
            self._queue.extend(rejects)
            extra = len(self._queue) - self._max_queued
            if extra > 0:
                del self._queue[:extra]
                self.dropped += extra

    def flush(self) -> None:
        """Return when all that was added is on disk."""
        with self._writing:
            with self._lock:
                batch, self._queue = self._queue, []
            if not batch:
                return
            try:
                self._write(batch)
            except BaseException:
                with self._lock:
                    self._queue[:0] = batch
                raise

    def find(self, *, mn: str | None = None, limit: int = 200) -> list[Mapping[str, Any]]:
        """Newest first: id, at, link, peer, mn, reason, sentence, data (bytes), ref."""
        self.flush()
        query = select(table).order_by(table.c.id.desc()).limit(limit)
        if mn is not None:
            query = query.where(table.c.mn == _text(mn))
        with reading(self._engine) as connection:
            return [_entry(row) for row in connection.execute(query)]

    def counts(self) -> Mapping[str, int]:
        """How many by reason, of all time."""
        self.flush()
        with self._lock:
            return dict(self._counts)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._stop.wait(self._flush_seconds):
            try:
                self.flush()
            except JinyunError as wrong:  # they stay queued
                log.error("rejects.not_written", error=str(wrong))

    def _write(self, batch: Sequence[Reject]) -> None:
        statement = insert_new(self._engine, table).on_conflict_do_nothing(index_elements=["digest"])
        rows = list({row["digest"] or n: row for n, row in enumerate(map(_row, batch))}.values())
        digests = [row["digest"] for row in rows if row["digest"]]
        with writing(self._engine) as connection:
            known: set[bytes] = set()
            for first in range(0, len(digests), 500):
                query = select(table.c.digest).where(table.c.digest.in_(digests[first : first + 500]))
                known.update(connection.execute(query).scalars())
            fresh = [row for row in rows if row["digest"] not in known]
            if fresh:
                connection.execute(statement, fresh)
        with self._lock:
            self._counts.update(row["reason"] for row in fresh)


def _row(one: Reject) -> dict[str, Any]:
    digest = None
    if one.ref is not None:
        text = f"{one.ref}|{one.reason}|{one.sentence}"
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return {
        "at": one.at, "link": _text(one.link), "peer": _text(one.peer), "mn": _text(one.mn), "reason": one.reason[:60],
        "sentence": _text(one.sentence, 4000), "data": one.data, "segment": one.ref and one.ref.segment,
        "offset": one.ref and one.ref.offset, "digest": digest,
    }  # fmt: skip


def _text(value: str, length: int = 80) -> str:
    """What any database takes: no NUL, no lone surrogate, not too long."""
    return value.replace("\x00", "␀").encode("utf-8", "replace").decode()[:length]


def _entry(row: Any) -> dict[str, Any]:
    ref = None if row.segment is None else JournalRef(row.segment, row.offset)
    return {
        "id": row.id, "at": row.at, "link": row.link, "peer": row.peer, "mn": row.mn, "reason": row.reason,
        "sentence": row.sentence, "data": bytes(row.data), "ref": ref,
    }  # fmt: skip
