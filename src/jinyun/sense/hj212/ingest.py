"""Frames on their way: one journal batch per loop turn, answers when durable, decoding afterwards in short slices.

All of it runs on the event loop's thread, except the journal's own commit, which calls back once per batch. An answer
never waits for decoding; decoding never takes the loop for longer than `slice_seconds` between two looks at sockets.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Any

import structlog

from jinyun.kernel.errors import JinyunError, Unavailable
from jinyun.kernel.ports import DeviceProfile, Journal
from jinyun.kernel.terms import JournalRef, RawMessage, Reject
from jinyun.sense.hj212.packet import Packet
from jinyun.sense.hj212.reading import SeriesWanted
from jinyun.sense.hj212.session import Session

log = structlog.get_logger("hj212.ingest")

LAGS = 4096
PREPARED = 2000  # messages looked at for new series at once
STORE_PAUSE, RETRY_PAUSE = 0.05, 1.0  # [s]


class Item:
    """One frame in hand. `packet` is None for a refused frame that is only kept."""

    __slots__ = ("at", "data", "mn", "packet", "profile", "ref", "reject", "session", "tick")

    def __init__(self, session: Session, data: bytes, mn: str, at: int, tick: float) -> None:
        self.session, self.data, self.mn, self.at, self.tick = session, data, mn, at, tick
        self.packet: Packet | None = None
        self.profile: DeviceProfile | None = None
        self.reject: Reject | None = None
        self.ref: JournalRef | None = None


class Ingest:
    """The two queues: waiting for the disk, waiting for the decoder."""

    def __init__(
        self,
        journal: Journal,
        *,
        link: Callable[[], str],
        durable: Callable[[Item], None],
        decode: Callable[[Item], None],
        limit: int,
        slice_seconds: float,
        settled: Callable[[JournalRef], None],
        store_full: Callable[[], bool],
        prepare: Callable[[list[Item]], Future[None]],
    ) -> None:
        """`durable` answers an item, `decode` stores it; both run on the loop, in the order of arrival. `settled`
        is told up to which message all is decoded; while `store_full` says so, decoding waits. When `decode` raises
        `SeriesWanted`, `prepare` makes series for the next items in another thread, and decoding waits for it."""
        self.journal, self.link, self.durable, self.decode = journal, link, durable, decode
        self.limit, self.slice = limit, slice_seconds
        self.settled, self.store_full, self.prepare = settled, store_full, prepare
        self.loop: asyncio.AbstractEventLoop | None = None
        self.batch: list[Item] = []
        self.committing = 0
        self.ready: deque[Item] = deque()
        self.decoding = False
        self.paused: set[Session] = set()
        self.lags = [0.0] * LAGS
        self.answered = 0
        self.received = 0
        self.decoded = 0
        self.failures = 0
        self.last_error = ""

    def offer(self, item: Item) -> None:
        """Take a frame; it goes to the journal with all others of this turn of the loop."""
        self.received += 1
        if not self.batch:
            assert self.loop is not None
            self.loop.call_soon(self._commit)
        self.batch.append(item)

    @property
    def in_hand(self) -> int:
        return len(self.batch) + self.committing + len(self.ready)

    def congested(self) -> bool:
        return self.in_hand >= self.limit

    def _commit(self) -> None:
        items, self.batch = self.batch, []
        link = self.link()
        messages = [
            RawMessage(
                item.at, link if item.reject is None else link + "/refused", item.session.peer, item.mn, item.data
            )
            for item in items
        ]
        self.committing += len(items)
        loop = self.loop
        assert loop is not None

        def done(refs: Sequence[JournalRef]) -> None:
            loop.call_soon_threadsafe(self._durable, items, refs)

        def failed(error: Exception) -> None:
            loop.call_soon_threadsafe(self._failed, items, error)

        try:
            self.journal.append_many(messages, done, failed)
        except JinyunError as error:  # closed, or too far behind
            self._failed(items, error)

    def _durable(self, items: Sequence[Item], refs: Sequence[JournalRef]) -> None:
        self.committing -= len(items)
        assert self.loop is not None
        answer = self.durable
        for item, ref in zip(items, refs, strict=True):
            item.ref = ref
            try:
                answer(item)
            except Exception:  # one odd frame must not cost the others their answers
                log.exception("answer failed", mn=item.mn)
        now, answered = self.loop.time(), self.answered
        for item in items:
            self.lags[answered % LAGS] = now - item.tick
            answered += 1
        self.answered = answered
        self.ready.extend(items)
        if not self.decoding:
            self.decoding = True
            self.loop.call_soon(self._decode)

    def _failed(self, items: Sequence[Item], error: Exception) -> None:
        """Nothing was kept, so nothing is answered: devices send again."""
        self.committing -= len(items)
        self.failures += len(items)
        if str(error) != self.last_error:
            self.last_error = str(error)
            log.error("messages not kept and not answered", count=len(items), error=self.last_error)
        for item in items:
            if item.reject is not None:  # told without a journal reference
                self.durable(item)
        self._resume()

    def _decode(self) -> None:
        assert self.loop is not None
        if self.store_full():
            self.loop.call_later(STORE_PAUSE, self._decode)
            return
        time = self.loop.time
        end = time() + self.slice
        ready, decode, count, wait = self.ready, self.decode, 0, 0.0
        last: Item | None = None
        while ready:
            item = ready.popleft()
            try:
                decode(item)
            except Unavailable as error:  # the store cannot take it now: it stays first in the queue
                ready.appendleft(item)
                self.last_error, wait = str(error), RETRY_PAUSE
                break
            except SeriesWanted:
                ready.appendleft(item)
                wait = -1.0
                break
            last = item
            count += 1
            if time() >= end:
                break
        self.decoded += count
        if last is not None and last.ref is not None:
            self.settled(last.ref)
        if wait < 0:
            self.prepare(list(islice(ready, PREPARED))).add_done_callback(self._prepared)
        elif ready:
            self.loop.call_later(wait, self._decode)
        else:
            self.decoding = False
        if self.paused and self.in_hand < self.limit // 2:
            self._resume()

    def _prepared(self, made: Future[None]) -> None:
        """In the helper's thread."""
        assert self.loop is not None
        if error := made.exception():
            log.error("series not made, trying again", error=str(error))
            self.loop.call_soon_threadsafe(self.loop.call_later, RETRY_PAUSE, self._decode)
        else:
            self.loop.call_soon_threadsafe(self._decode)

    def _resume(self) -> None:
        paused, self.paused = self.paused, set()
        for session in paused:
            session.resume()

    async def drain(self, seconds: float = 30.0) -> bool:
        """Wait until nothing is in hand."""
        assert self.loop is not None
        end = self.loop.time() + seconds
        while self.in_hand and self.loop.time() < end:
            await asyncio.sleep(0.005)
        return not self.in_hand

    def lag(self) -> dict[str, Any]:
        """Seconds from the arrival of a frame to its answer, over the last ones."""
        some = sorted(self.lags[: min(self.answered, LAGS)])
        if not some:
            return {"p50_s": None, "p99_s": None, "max_s": None}
        return {
            "p50_s": round(some[len(some) // 2], 5), "p99_s": round(some[min(len(some) - 1, len(some) * 99 // 100)], 5),
            "max_s": round(some[-1], 5),
        }  # fmt: skip
