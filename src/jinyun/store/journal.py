"""The raw journal: every message as it came, durable in group commits before anyone is answered."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from zlib import crc32

import structlog

from jinyun.kernel.errors import NotFound, Unavailable
from jinyun.kernel.terms import JournalRef, RawMessage
from jinyun.store import segments
from jinyun.store.disk import sync_folder
from jinyun.store.journal_keep import SegmentInfo, SegmentKeeper

log = structlog.get_logger(__name__)

_Done = Callable[[list[JournalRef]], None]
_Failed = Callable[[Exception], None]
_Operation = tuple[Sequence[RawMessage], _Done, _Failed | None]
MAX_COMMIT_BYTES = 8 << 20


class FileJournal:
    """The `Journal` port on files in `folder`.

    A thread takes all that is queued, writes it with one write and one fdatasync, then tells the callers. With more
    than one caller waiting it first gathers for `gather` seconds, so that commits grow instead of multiplying.
    `done` callbacks run in that thread, in the order of appending, and must be short.

    A write that fails (disk full) is taken back from the file; the callers get `Unavailable` and must not answer.
    With less than `floor_bytes` free nothing is taken: what is left is for storing what was acknowledged before.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        segment_bytes: int = 256 << 20,
        gather: float = 0.003,
        max_pending: int = 200_000,
        floor_bytes: int = 0,
    ) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._segment_bytes, self._gather, self._max_pending = segment_bytes, gather, max_pending
        self._floor_bytes = floor_bytes
        self._queue: SimpleQueue[_Operation | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._pending = 0
        self._names: dict[tuple[str, str, str], tuple[int, int, int, bytes]] = {}
        self._counts = {"messages": 0, "bytes": 0, "commits": 0, "failures": 0}
        self._last_commit = (0, 0.0)  # messages in it, seconds it took
        self._slowest = 0.0
        self._error = ""
        self._blocks: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._keeper = SegmentKeeper(self.folder)
        self._closed = False
        self._fd = -1
        self._open_newest()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    # --- writing ------------------------------------------------------------------------------------------------------

    def append(self, message: RawMessage) -> Future[JournalRef]:
        """Queue one message; the future resolves when it is on disk, or fails with `Unavailable`."""
        future: Future[JournalRef] = Future()

        def done(refs: list[JournalRef]) -> None:
            if future.set_running_or_notify_cancel():
                future.set_result(refs[0])

        def failed(wrong: Exception) -> None:
            if future.set_running_or_notify_cancel():
                future.set_exception(wrong)

        self.append_many((message,), done, failed)
        return future

    def append_many(self, messages: Sequence[RawMessage], done: _Done, failed: _Failed | None = None) -> None:
        """Queue a batch as one operation. `done` gets the references in the order of `messages`, from the journal
        thread; `failed` gets the error instead when nothing of it was kept.

        Raises
        ------
        Unavailable
            When the journal is closed or more than `max_pending` messages behind: answer nothing, read slower.
        """
        with self._lock:
            if self._closed:
                raise Unavailable("the journal is closed")
            if self._pending > self._max_pending:
                raise Unavailable(f"the journal is {self._pending} messages behind; read slower and send again")
            self._pending += len(messages)
            self._queue.put((messages, done, failed))

    def close(self) -> None:
        """Commit what is queued, then stop."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        os.close(self._fd)

    def _run(self) -> None:
        crowded, stop = False, False
        while not stop:
            operations: list[_Operation] = []
            first = self._queue.get()
            if crowded:
                time.sleep(self._gather)
            size, queued = 0, first
            while queued is not None:
                operations.append(queued)
                size += sum([len(one.data) for one in queued[0]])
                if size >= MAX_COMMIT_BYTES:
                    break
                try:
                    queued = self._queue.get_nowait()
                except Empty:
                    break
            stop = queued is None
            crowded = len(operations) > 1
            try:
                if operations:
                    self._commit(operations, size)
            except Exception as wrong:  # a message that cannot be packed; the thread must live on
                log.exception("journal.commit_failed")
                self._tell_failure(operations, Unavailable(f"the journal could not keep a message: {wrong}"))

    def _commit(self, operations: Sequence[_Operation], size: int) -> None:
        started = time.perf_counter()
        if size > segments.MAX_DATA and any(len(m.data) > segments.MAX_DATA for op in operations for m in op[0]):
            raise ValueError(f"a message is larger than {segments.MAX_DATA} bytes")
        parts: list[bytes] = []
        refs: list[JournalRef] = []
        number, at = self._active.number, self._active.end
        entries: list[tuple[str, int, int]] = []
        pack_head, pack_crc, names = segments.HEAD.pack, segments.CRC.pack, self._names
        for messages, _, _ in operations:
            for one in messages:
                key = (one.link, one.peer, one.mn)
                link, peer, mn, texts = names.get(key) or self._name(key)
                data = one.data
                head = pack_head(len(data), one.received_at, link, peer, mn)
                parts += (pack_crc(crc32(data, crc32(texts, crc32(head)))), head, texts, data)
                refs.append(JournalRef(number, at))
                entries.append((one.mn, one.received_at, at))
                at += segments.PREFIX + len(texts) + len(data)
        try:
            self._check_room(at - self._active.end)
            self._write(b"".join(parts))
        except OSError as wrong:
            self._take_back(wrong)
            error = Unavailable(
                f"the journal in {self.folder} cannot keep messages: {wrong.strerror}; nothing was acknowledged, "
                "free space or repair the disk and let devices send again"
            )
            self._tell_failure(operations, error)
            return
        self._active.end = at
        self._active.note(entries)
        took = time.perf_counter() - started
        self._counts["messages"] += len(refs)
        self._counts["bytes"] = self._counts["bytes"] + at - refs[0].offset if refs else self._counts["bytes"]
        self._counts["commits"] += 1
        self._last_commit, self._slowest, self._error = (len(refs), took), max(self._slowest, took), ""
        start = 0
        for messages, done, _ in operations:
            mine = refs[start : start + len(messages)]
            start += len(messages)
            try:
                done(mine)
            except Exception:
                log.exception("journal.done_failed")
        with self._lock:
            self._pending -= len(refs)
        if at >= self._segment_bytes:
            with contextlib.suppress(OSError):  # no room for a new segment: go on in this one
                self._new_segment()

    def _name(self, key: tuple[str, str, str]) -> tuple[int, int, int, bytes]:
        link, peer, mn = (text.encode("utf-8", "surrogateescape")[:65_535] for text in key)
        if len(self._names) > 50_000:
            self._names.clear()
        entry = self._names[key] = (len(link), len(peer), len(mn), link + peer + mn)
        return entry

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        os.fdatasync(self._fd)

    def _check_room(self, size: int) -> None:
        if self._floor_bytes:
            space = os.fstatvfs(self._fd)
            if space.f_bavail * space.f_frsize < self._floor_bytes + size:
                raise OSError(errno.ENOSPC, f"less than {self._floor_bytes >> 20} MB left on the disk")

    def _take_back(self, wrong: OSError) -> None:
        """After a failed write or sync nothing of the batch may stay; a file that cannot be cut is left for good."""
        self._counts["failures"] += 1
        self._error = f"{wrong.strerror} (errno {wrong.errno})"
        log.error("journal.write_failed", error=self._error)
        try:
            os.ftruncate(self._fd, self._active.end)
            os.fdatasync(self._fd)
        except OSError:
            with contextlib.suppress(OSError):
                self._new_segment()

    def _tell_failure(self, operations: Sequence[_Operation], error: Exception) -> None:
        for messages, _, failed in operations:
            with self._lock:
                self._pending -= len(messages)
            if failed is not None:
                try:
                    failed(error)
                except Exception:
                    log.exception("journal.failed_failed")

    def _open_newest(self) -> None:
        newest = self._keeper.recover()
        if newest is None:
            self._new_segment()
            return
        self._active = newest
        self._fd = os.open(newest.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def _new_segment(self) -> None:
        info = self._keeper.begin()
        fd = os.open(info.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            os.write(fd, segments.segment_head(info.number))
            os.fsync(fd)
            sync_folder(self.folder)
        except OSError:
            os.close(fd)
            info.path.unlink(missing_ok=True)
            raise
        if self._fd >= 0:
            os.close(self._fd)
        self._active, self._fd = info, fd
        self._keeper.add(info)

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self, ref: JournalRef) -> RawMessage:
        """The message at `ref`; `NotFound` when there is none, or retention has taken it."""
        info = self._keeper.get(ref.segment)
        if info is None:
            raise NotFound("raw message (its journal segment is not kept any more)", ref)
        if ref.offset < segments.FIRST or ref.offset >= info.end:
            raise NotFound("raw message", ref)
        if not info.sealed:
            try:
                return next(segments.read_open(info.path, ref.offset, info.end, chunk=8192))[1]
            except StopIteration:
                raise NotFound("raw message", ref) from None
            except FileNotFoundError:
                info = self._keeper.get(ref.segment) or info  # sealed at this moment
        sealed = self._keeper.sealed_segment(info)
        number = sealed.number_of(ref.offset)
        block = self._block(sealed, info.number, number)
        found = segments.record_at(block, ref.offset - sealed.table.raw[number])
        if found is None:
            raise NotFound("raw message", ref)
        return found[0]

    def _block(self, sealed: segments.SealedSegment, segment: int, number: int) -> bytes:
        with self._lock:
            cached = self._blocks.get((segment, number))
            if cached is not None:
                self._blocks.move_to_end((segment, number))
                return cached
        block = sealed.block(number)
        with self._lock:
            self._blocks[segment, number] = block
            while len(self._blocks) > 16:
                self._blocks.popitem(last=False)
        return block

    def scan(self, start: JournalRef | None = None) -> Iterator[tuple[JournalRef, RawMessage]]:
        """All durable messages from `start` on (itself included), in the order of appending."""
        for info in self._keeper.all():
            if start is not None and info.number < start.segment:
                continue
            first = start.offset if start is not None and info.number == start.segment else segments.FIRST
            for offset, message in self._keeper.messages(info, first):
                yield JournalRef(info.number, offset), message

    def find(
        self, mn: str, *, start: int = 0, end: int = (1 << 63) - 1, limit: int = 100
    ) -> list[tuple[JournalRef, RawMessage]]:
        """The newest `limit` messages of a device received in [start, end) [µs], newest first, by the index."""
        found: list[tuple[int, JournalRef]] = []
        for info in reversed(self._keeper.all()):
            if info.first_at >= end or (info.last_at < start and info.records):
                continue
            hits = array("q", self._keeper.index_of(info, mn))
            found += [
                (hits[i], JournalRef(info.number, hits[i + 1]))
                for i in range(0, len(hits), 2)
                if start <= hits[i] < end
            ]
            if len(found) >= limit:
                break
        found.sort(reverse=True, key=lambda hit: (hit[0], hit[1].segment, hit[1].offset))
        return [(ref, self.read(ref)) for _, ref in found[:limit]]

    # --- keeping ------------------------------------------------------------------------------------------------------

    def seal(self) -> list[int]:
        """Job: compress every finished segment (zstd, random access kept), with its (MN, time) index and sha256."""
        return [info.number for info in self._keeper.all() if info is not self._active and self._keeper.seal(info)]

    def expire(self, before: int, keep_from: JournalRef | None, *, max_bytes: int | None = None) -> list[int]:
        """Retention: drop sealed segments whose messages are all older than `before` [µs], or the oldest ones beyond
        `max_bytes`. Nothing from `keep_from` (the store's watermark) on is ever dropped."""
        return self._keeper.expire(before, keep_from, max_bytes)

    def segments(self) -> list[SegmentInfo]:
        """What is kept, oldest first."""
        return self._keeper.all()

    def drop(self, numbers: Sequence[int], keep_from: JournalRef | None) -> list[int]:
        """Retention: drop these sealed segments, each as a whole; those dropped. Nothing from `keep_from` on goes."""
        return self._keeper.drop(numbers, keep_from)

    def verify(self) -> list[str]:
        """Sentences about sealed segments whose file is gone or does not have its recorded sha256."""
        return self._keeper.verify()

    @property
    def end(self) -> JournalRef:
        """Where the next message will go: everything before is durable."""
        active: SegmentInfo = self._active
        return JournalRef(active.number, active.end)

    def state(self) -> Mapping[str, Any]:
        """Figures for the system page."""
        space = os.statvfs(self.folder)
        return {
            **self._counts,
            "pending": self._pending,
            "last_commit_messages": self._last_commit[0],
            "last_commit_seconds": round(self._last_commit[1], 6),
            "slowest_commit_seconds": round(self._slowest, 6),
            "end": str(self.end),
            "error": self._error,
            "disk_free_bytes": space.f_bavail * space.f_frsize,
            **self._keeper.state(),
        }
