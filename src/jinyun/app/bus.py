"""Fan-out to live pages: any thread publishes, each listener has a bounded queue of its own on the event loop."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

RECENT = 2000
"""Events kept for pages that come back with a Last-Event-ID."""


@dataclass(slots=True)
class Event:
    """One thing that happened; `id` rises by one."""

    id: int
    topic: str
    data: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Listener:
    """One page. When it is too slow its queue overflows: it is told to read everything anew."""

    queue: asyncio.Queue[Event]
    topics: frozenset[str]
    overflowed: bool = False


@dataclass(slots=True)
class LocalBus:
    """The `Bus` port inside one process."""

    loop: asyncio.AbstractEventLoop | None = None
    listeners: list[Listener] = field(default_factory=list)
    taps: list[Callable[[Event], None]] = field(default_factory=list)
    recent: deque[Event] = field(default_factory=lambda: deque(maxlen=RECENT))
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(self, topic: str, event: Mapping[str, Any]) -> None:
        """Hand `event` to every listener of `topic`; never blocks, may be called from any thread."""
        with self._lock:
            one = Event(next(self._ids), topic, event)
            self.recent.append(one)
        for tap in self.taps:
            tap(one)
        if self.loop is not None and self.listeners and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._deliver, one)

    def _deliver(self, event: Event) -> None:
        for listener in self.listeners:
            if listener.topics and event.topic not in listener.topics:
                continue
            try:
                listener.queue.put_nowait(event)
            except asyncio.QueueFull:
                listener.overflowed = True

    def listen(self, topics: frozenset[str] = frozenset(), size: int = 1000) -> Listener:
        """A new listener; call on the event loop, and `leave` when done."""
        listener = Listener(asyncio.Queue(size), topics)
        self.listeners.append(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        if listener in self.listeners:
            self.listeners.remove(listener)

    def since(self, event_id: int) -> list[Event] | None:
        """Events after `event_id`, or None when some of them are no longer kept."""
        with self._lock:
            kept = list(self.recent)
        if kept and kept[0].id > event_id + 1:
            return None
        return [event for event in kept if event.id > event_id]
