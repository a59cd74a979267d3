"""Fan-out inside one process: any thread publishes, each tap hears every event at once and must not block.

Queues per page, throttling and resuming belong to the live stream (`web.sse`), which is a tap.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

log = structlog.get_logger("bus")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `id` rises by one."""

    id: int
    topic: str
    data: Mapping[str, Any]


class LocalBus:
    """The `Bus` port."""

    def __init__(self) -> None:
        self.taps: list[Callable[[Event], None]] = []
        self._ids = itertools.count(1)

    def publish(self, topic: str, event: Mapping[str, Any]) -> None:
        """Tell every tap. A tap that fails is logged; the publisher and the other taps go on."""
        one = Event(next(self._ids), topic, event)
        for tap in self.taps:
            try:
                tap(one)
            except Exception:
                log.exception("a listener failed", topic=topic)
