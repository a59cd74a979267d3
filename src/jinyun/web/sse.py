"""Live pages by server-sent events: readings coalesced per site, slow pages told to read anew, resume by event id."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from jinyun.app.bus import Event, LocalBus
from jinyun.web.answers import encode

TOPICS = frozenset({"reading", "verdict", "alarm", "case", "link", "system", "notice"})
HEARTBEAT_S = 15.0
TURN_S = 0.25  # how often pending readings are looked at
SITE_S = 1.0  # a site's readings at most so often
KEPT = 4000  # events a page can resume from
QUEUE = 1500  # events a slow page may lag behind
TRIES = 12  # turns that a site with nothing new yet is looked at again
AT_A_TURN = 400  # sites sent in one turn: a burst is spread, not piled up

ReadValues = Callable[[Iterable[str]], dict[str, list[dict[str, Any]]]]
"""What came for sites since last asked, in a worker thread: site -> [{factor, stat, period, value, flag, time}]."""


@dataclass(slots=True, eq=False)
class Page:
    """One listening page."""

    topics: frozenset[str]
    sees: Callable[[Any], bool]
    queue: asyncio.Queue[tuple[int, str, bytes]] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    lost: bool = False  # its queue overflowed: it must read everything anew


class Hub:
    """Turns the house's events into SSE bytes once, for all pages. Starts with the first page, on the running loop."""

    def __init__(self, bus: LocalBus, values: ReadValues, now: Callable[[], int]) -> None:
        self._bus, self._values, self._now = bus, values, now
        self._boot = format(int(time.time() * 1000), "x")  # ids of another life of the node mean nothing
        self._pages: set[Page] = set()
        self._kept: deque[tuple[int, str, bytes, Any]] = deque(maxlen=KEPT)
        self._last_id = 0
        self._pending: dict[str, int] = {}  # site -> how often it was looked at in vain
        self._sent_at: dict[str, float] = {}
        self._lock = threading.Lock()
        self._turning: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        bus.taps.append(self._hear)

    @property
    def pages(self) -> int:
        return len(self._pages)

    # -- what the house says ----------------------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        """Tap of the bus, on any thread: quick, and nothing but notes."""
        if event.topic == "arrival":
            if self._pages:
                with self._lock:
                    self._pending[str(event.data.get("site"))] = 0
            return
        if event.topic not in TOPICS or self._loop is None or self._loop.is_closed():
            return
        data = event.data if "at" in event.data else {"at": self._now(), **event.data}
        self._loop.call_soon_threadsafe(self._spread, event.topic, data)

    def _spread(self, topic: str, data: Any) -> None:
        """Give one event to all pages that want it; on the loop."""
        self._last_id += 1
        body = encode(data)
        packed = b"id: %s-%d\nevent: %s\ndata: %s\n\n" % (self._boot.encode(), self._last_id, topic.encode(), body)
        one = (self._last_id, topic, packed)
        self._kept.append((*one, data))
        for page in self._pages:
            if page.lost or topic not in page.topics or not page.sees(data):
                continue
            try:
                page.queue.put_nowait(one)
            except asyncio.QueueFull:
                page.lost = True

    async def _turn(self) -> None:
        """Send the readings of sites that got new ones, each site at most once a second."""
        while self._pages:
            await asyncio.sleep(TURN_S)
            clock = time.monotonic()
            with self._lock:
                due = [s for s in self._pending if clock - self._sent_at.get(s, -9.0) >= SITE_S][:AT_A_TURN]
                tries = {site: self._pending.pop(site) for site in due}
            if not due:
                continue
            try:
                values = await asyncio.to_thread(self._values, due)
            except Exception:  # the stream must outlive one bad look-up
                continue
            at = self._now()
            for site in due:
                again = tries[site] + 1  # decoded, but its commit may still be under way
                if found := values.get(site):
                    self._sent_at[site] = clock
                    self._spread("reading", {"at": at, "site": site, "values": found})
                    again = TRIES - 1  # of several messages perhaps only the first was committed: look once more
                if again <= TRIES:
                    with self._lock:
                        self._pending.setdefault(site, again)
        self._turning = None

    # -- pages --------------------------------------------------------------------------------------------------

    def _resume(self, page: Page, last_event_id: str) -> list[bytes]:
        """Events since `last_event_id`, or one that tells the page to read everything anew."""
        boot, _, number = last_event_id.partition("-")
        known = boot == self._boot and number.isdigit() and int(number) <= self._last_id
        if not known or (self._kept and int(number) + 1 < self._kept[0][0]):
            return [self._resync("missed")]
        return [
            packed
            for id_, topic, packed, data in self._kept
            if id_ > int(number) and topic in page.topics and page.sees(data)
        ]

    def _resync(self, reason: str) -> bytes:
        body = encode({"at": self._now(), "reason": reason})
        return b"id: %s-%d\nevent: resync\ndata: %s\n\n" % (self._boot.encode(), self._last_id, body)

    async def stream(
        self,
        topics: frozenset[str],
        last_event_id: str = "",
        holds: Callable[[], bool] = lambda: True,
        sees: Callable[[Any], bool] = lambda _: True,
    ) -> AsyncIterator[bytes]:
        """Bytes for one page until it goes or its log-in no longer `holds` (asked every `HEARTBEAT_S`), of the events
        that it `sees`; after it fell too far behind it gets `resync` and the stream ends."""
        self._loop = asyncio.get_running_loop()
        page = Page(topics or TOPICS, sees)
        self._pages.add(page)
        if self._turning is None or self._turning.done():
            self._turning = asyncio.create_task(self._turn())
        try:
            yield b"retry: 3000\n: jinyun\n\n"
            missed = self._resume(page, last_event_id) if last_event_id else []
            for packed in missed:
                yield packed
            if not last_event_id:  # an id to resume from, before anything happened
                yield b"id: %s-%d\nevent: hello\ndata: %s\n\n" % (
                    self._boot.encode(),
                    self._last_id,
                    encode({"at": self._now()}),
                )
            checked = time.monotonic()
            while True:
                try:
                    _, _, packed = await asyncio.wait_for(page.queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    packed = b""
                if time.monotonic() - checked >= HEARTBEAT_S:  # after the wait: nothing is sent on an older look
                    checked = time.monotonic()
                    if not holds():
                        return
                if not packed:
                    yield b"event: ping\ndata: %s\n\n" % encode({"at": self._now()})  # a comment is seen by no page
                    continue
                batch = [packed]
                while not page.queue.empty() and len(batch) < 200:
                    batch.append(page.queue.get_nowait()[2])
                yield b"".join(batch)
                if page.lost:
                    yield self._resync("slow")
                    return
        finally:
            self._pages.discard(page)
